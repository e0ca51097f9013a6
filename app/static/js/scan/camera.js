/* The camera: stays open, and tells each code once while it is in sight. */

const AGAIN = 1600;
const REST = 90;
/** Every other look is a quick one; small or dense codes are found by the next. */
const WIDTHS = [800, 1280];

export class Camera {
  /** `found(text, symbology)`; `changed(state)`: "off" | "starting" | "on" | "denied" | "none" | "insecure". */
  constructor({ video, decoder, found, changed }) {
    Object.assign(this, { video, found, changed, decoderAddress: decoder });
    this.state = "off";
    this.asked = new Map();
    this.number = 0;
    this.seen = new Map();
    this.loop = 0;
  }

  #tell(state) {
    this.state = state;
    this.changed(state);
  }

  get worker() {
    if (!this.decoding) {
      this.decoding = new Worker(this.decoderAddress, { type: "module" });
      this.decoding.onmessage = ({ data }) => {
        if (data.number === undefined) return;
        this.asked.get(data.number)?.(data.codes ?? []);
        this.asked.delete(data.number);
      };
      this.decoding.onerror = () => {
        for (const answer of this.asked.values()) answer([]);
        this.asked.clear();
      };
    }
    return this.decoding;
  }

  #decode(picture, photo, transfer = []) {
    const number = (this.number += 1);
    return new Promise((answer) => {
      this.asked.set(number, answer);
      this.worker.postMessage({ number, picture, photo }, transfer);
    });
  }

  /** Read a photograph; resolves to how many codes were in it. */
  async photo(file) {
    const codes = await this.#decode(file, true);
    for (const code of codes) this.found(code.text, code.symbology);
    return codes.length;
  }

  async start() {
    if (this.state === "on" || this.state === "starting") return;
    if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) return this.#tell("insecure");
    this.#tell("starting");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (error) {
      return this.#tell(error.name === "NotAllowedError" ? "denied" : "none");
    }
    const [track] = this.stream.getVideoTracks();
    try {
      const can = track.getCapabilities?.() ?? {};
      if (can.focusMode?.includes("continuous")) await track.applyConstraints({ advanced: [{ focusMode: "continuous" }] });
    } catch {
      /* it focuses as it likes */
    }
    track.addEventListener("ended", () => this.stop());
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {});
    this.#tell("on");
    this.#watch();
  }

  stop() {
    clearTimeout(this.loop);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.torch = false;
    this.#tell("off");
  }

  get hasTorch() {
    const [track] = this.stream?.getVideoTracks() ?? [];
    return Boolean(track?.getCapabilities?.().torch);
  }

  async light(on) {
    const [track] = this.stream?.getVideoTracks() ?? [];
    try {
      await track?.applyConstraints({ advanced: [{ torch: on }] });
      this.torch = on;
    } catch {
      this.torch = false;
    }
    return this.torch;
  }

  async #watch() {
    const canvas = new OffscreenCanvas(1, 1);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    let looks = 0;
    const look = async () => {
      if (this.state !== "on") return;
      const { video } = this;
      if (document.visibilityState === "visible" && video.videoWidth && !this.paused) {
        const scale = Math.min(1, WIDTHS[(looks += 1) % WIDTHS.length] / video.videoWidth);
        canvas.width = Math.round(video.videoWidth * scale);
        canvas.height = Math.round(video.videoHeight * scale);
        pen.drawImage(video, 0, 0, canvas.width, canvas.height);
        const frame = pen.getImageData(0, 0, canvas.width, canvas.height);
        this.frameAt = performance.now();
        const codes = await this.#decode(frame, false, [frame.data.buffer]);
        this.#tellOf(codes);
      }
      this.loop = setTimeout(look, REST);
    };
    look();
  }

  /** A code is told when it comes into sight, and again only after it was out of sight for a while. */
  #tellOf(codes) {
    const now = performance.now();
    for (const { text, symbology } of codes) {
      const before = this.seen.get(text);
      this.seen.set(text, now);
      if (before === undefined || now - before > AGAIN) this.found(text, symbology, this.frameAt);
    }
    for (const [text, at] of this.seen) if (now - at > AGAIN) this.seen.delete(text);
  }
}
