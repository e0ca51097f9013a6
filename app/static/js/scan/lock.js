/* The PIN of a phone that is a scanner: set on the phone, checked on the phone, so that it works without a network. */

const ROUNDS = 310_000;
const TRIES = 5;
export const REST_MS = 5 * 60 * 1000;

const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

async function digest(pin, salt, rounds) {
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  return hex(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, key, 256));
}

/** Four to eight digits, not all the same and not in a row. */
export function weak(pin) {
  if (!/^\d{4,8}$/.test(pin)) return true;
  const steps = new Set([...pin].slice(1).map((digit, at) => digit - pin[at]));
  return steps.size === 1 && [0, 1, -1].includes([...steps][0]);
}

export class Lock {
  constructor(store) {
    this.store = store;
  }

  async load() {
    this.kept = (await this.store.meta("pin")) ?? null;
    return this.kept;
  }

  get isSet() {
    return Boolean(this.kept);
  }

  async set(pin, person) {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    this.kept = { person, salt: hex(salt), hash: await digest(pin, salt, ROUNDS), rounds: ROUNDS, wrong: 0, locked: false, touched: Date.now() };
    await this.store.remember("pin", this.kept);
  }

  async remove() {
    this.kept = null;
    await this.store.forget("pin");
  }

  /** "right", or how many tries are left; 0: signed out. A try is counted before it is judged. */
  async open(pin) {
    this.kept.wrong += 1;
    await this.store.remember("pin", this.kept);
    if (this.kept.wrong <= TRIES && (await digest(pin, unhex(this.kept.salt), this.kept.rounds)) === this.kept.hash) {
      Object.assign(this.kept, { wrong: 0, locked: false, touched: Date.now() });
      await this.store.remember("pin", this.kept);
      return "right";
    }
    return Math.max(0, TRIES - this.kept.wrong);
  }

  async shut() {
    if (!this.kept || this.kept.locked) return;
    this.kept.locked = true;
    await this.store.remember("pin", this.kept);
  }

  /** Note a touch; written at most every half minute, so that a restart knows how long the phone lay still. */
  async touch() {
    if (!this.kept || Date.now() - this.kept.touched < 30_000) return;
    this.kept.touched = Date.now();
    await this.store.remember("pin", this.kept);
  }

  get due() {
    return Boolean(this.kept) && (this.kept.locked || Date.now() - this.kept.touched > REST_MS);
  }

  get spent() {
    return Boolean(this.kept) && this.kept.wrong >= TRIES;
  }
}
