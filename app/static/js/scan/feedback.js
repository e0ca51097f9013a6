/* An answer for ears and hands: good, attention, refused, and a tick for what was read but not yet booked. */

let audio = null;
let silent = false;

export const setSilent = (value) => (silent = value);
/** Browsers let a page sound only after a touch. */
export function wake() {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
  } catch {
    audio = null;
  }
}
addEventListener("pointerdown", wake, { capture: true });
addEventListener("keydown", wake, { capture: true });

const TONES = {
  good: { notes: [[1568, 0, 0.09]], wave: "sine", buzz: 60 },
  attention: { notes: [[880, 0, 0.11], [1175, 0.16, 0.13]], wave: "triangle", buzz: [60, 80, 60] },
  refused: { notes: [[196, 0, 0.42]], wave: "sawtooth", buzz: 400 },
  tick: { notes: [[2093, 0, 0.03]], wave: "sine", buzz: 20 },
};

export function give(tone) {
  const { notes, wave, buzz } = TONES[tone] ?? TONES.tick;
  try {
    navigator.vibrate?.(buzz);
  } catch {
    /* not before a touch */
  }
  if (silent || !audio || audio.state !== "running") return;
  for (const [pitch, from, length] of notes) {
    const [tune, loud] = [audio.createOscillator(), audio.createGain()];
    const start = audio.currentTime + from;
    tune.type = wave;
    tune.frequency.value = pitch;
    loud.gain.setValueAtTime(0.0001, start);
    loud.gain.exponentialRampToValueAtTime(0.35, start + 0.008);
    loud.gain.setValueAtTime(0.35, start + length);
    loud.gain.exponentialRampToValueAtTime(0.0001, start + length + 0.04);
    tune.connect(loud).connect(audio.destination);
    tune.start(start);
    tune.stop(start + length + 0.06);
  }
}
