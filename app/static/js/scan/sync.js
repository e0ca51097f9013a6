/* Sends what is stored, in its order, until each operation has its own final answer.
 *
 * A Web Lock lets one tab send at a time. What goes wrong is tried again after a random part of 1 s … 5 min, sooner
 * when the network or the page comes back. What another person scanned is not sent as one's own: it waits for them.
 */

const MOST = 100;
const BYTES = 240 * 1024;
const FIRST = 1000;
const LAST = 5 * 60 * 1000;
const PATIENCE = 30_000;

/** The next wait: a random part of a span that doubles. */
export const backOff = (tries, random = Math.random) => Math.max(FIRST / 2, random() * Math.min(LAST, FIRST * 2 ** tries));

/** The first operations of the queue that fit into one request. */
export function batchOf(queue, most = MOST, bytes = BYTES) {
  const size = new TextEncoder();
  const batch = [];
  let total = 20;
  for (const each of queue) {
    const written = size.encode(JSON.stringify(wire(each))).length + 1;
    if (batch.length && (batch.length >= most || total + written > bytes)) break;
    batch.push(each);
    total += written;
  }
  return batch;
}

const wire = ({ id, device_id, sequence, happened_at, kind, payload }) => ({ operation_id: id, device_id, sequence, happened_at, kind, payload });

export class Sync {
  /** `on` is told of: answered(lines), state({waiting, others, offline, signedOut, failed}), me(me). */
  constructor({ store, api, on }) {
    Object.assign(this, { store, api, on });
    this.me = null;
    this.tries = 0;
    this.timer = 0;
    this.busy = false;
    this.again = false;
    this.most = MOST;
    this.stuck = new Set();
    this.state = { offline: !navigator.onLine, signedOut: false, failed: false };
    addEventListener("online", () => this.now());
    addEventListener("offline", () => this.#tell({ offline: true }));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.now());
    addEventListener("pageshow", () => this.now());
  }

  /** Try at once. */
  now() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.busy) {
      this.again = true;
      return this.running;
    }
    this.running = this.#run();
    return this.running;
  }

  async #run() {
    this.busy = true;
    let wait = null;
    try {
      do {
        this.again = false;
        wait = await this.#locked(() => this.#send());
      } while (this.again);
    } catch (error) {
      console.warn("sync", error);
      wait = backOff(this.tries++);
    } finally {
      this.busy = false;
    }
    if (wait !== null) this.timer = setTimeout(() => this.now(), wait);
  }

  #locked(work) {
    if (!navigator.locks) return work();
    return navigator.locks.request("adomanybank-scan-sync", { ifAvailable: true }, (lock) => (lock ? work() : FIRST * 2));
  }

  /** Send all there is; returns after how many milliseconds to try again, null when nothing waits. */
  async #send() {
    if (!this.me) {
      const known = await this.identify();
      if (known !== true) return known;
    }
    for (;;) {
      const queue = (await this.store.queue()).filter((each) => each.person === this.me.person.id && !this.stuck.has(each.id));
      if (!queue.length) {
        this.tries = 0;
        this.#tell({ offline: false, signedOut: false, failed: false });
        return this.stuck.size ? LAST : null;
      }
      const batch = batchOf(queue, this.most);
      const { status, body, after } = await this.#post("/operations", { operations: batch.map(wire) });
      if (status === 200) {
        const changed = await this.store.answered(body.answers.map(final).filter(Boolean));
        this.tries = 0;
        this.most = MOST;
        this.#tell({ offline: false, signedOut: false, failed: false });
        this.on.answered(changed);
        continue;
      }
      if (status === 0) {
        this.#tell({ offline: true });
        return backOff(this.tries++);
      }
      if (status === 401 || status === 403) {
        this.me = null;
        // Another token after another sign-in: ask once for it, else it is for a person to sign in.
        const known = status === 403 && this.tries < 3 ? await this.identify() : (this.#tell({ signedOut: true }), LAST);
        this.tries += 1;
        if (known !== true) return known;
        continue;
      }
      if ([408, 425, 429].includes(status) || status >= 500) {
        this.#tell({ failed: true, offline: false });
        // Never before the server said, and not all of us at that moment.
        return Math.max(after * 1000 * (1 + Math.random()), backOff(this.tries++));
      }
      // The request as a whole was refused: smaller ones find the one that is at fault, and it stays with its line.
      if (batch.length > 1) this.most = Math.max(1, Math.floor(batch.length / 2));
      else this.stuck.add(batch[0].id);
    }
  }

  /** Ask who holds the phone; true, or after how many milliseconds to ask again. */
  async identify() {
    const { status, body, after } = await this.#get("/floor/me");
    if (status === 200) {
      this.me = body;
      this.#tell({ offline: false, signedOut: false });
      try {
        await this.on.me(body);
      } catch (error) {
        this.me = null;
        throw error;
      }
      return this.me ? true : FIRST;
    }
    if (status === 0) {
      this.#tell({ offline: true });
      return backOff(this.tries++);
    }
    if (status === 401 || status === 403) {
      this.#tell({ signedOut: true, offline: false });
      return LAST;
    }
    this.#tell({ failed: true });
    return Math.max(after * 1000 * (1 + Math.random()), backOff(this.tries++));
  }

  #tell(changes) {
    Object.assign(this.state, changes);
    this.on.state(this.state);
  }

  #get = (path) => this.#ask(path, {});
  #post = (path, sent) =>
    this.#ask(path, { method: "POST", body: JSON.stringify(sent), headers: { "Content-Type": "application/json", "X-CSRF-Token": this.me?.csrf_token ?? "" } });
  get = this.#get;
  post = this.#post;
  /** Send a picture as it is. */
  picture = (path, picture) => this.#ask(path, { method: "POST", body: picture, headers: { "Content-Type": picture.type || "image/jpeg", "X-CSRF-Token": this.me?.csrf_token ?? "" } });

  async #ask(path, options) {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const response = await fetch(this.api + path, {
        credentials: "same-origin", redirect: "error", cache: "no-store", signal: stop.signal, ...options,
        headers: { Accept: "application/json", "X-Requested-With": "fetch", ...(options.headers ?? {}) },
      });
      const body = response.headers.get("Content-Type")?.includes("json") ? await response.json() : null;
      // What answers without JSON is not our server: a captive portal, a proxy.
      return { status: body || response.status === 304 ? response.status : response.ok ? 0 : response.status, body, after: Number(response.headers.get("Retry-After")) || 0 };
    } catch {
      return { status: 0, body: null, after: 0 };
    } finally {
      clearTimeout(late);
    }
  }
}

/** What an answer means for its line; null where it names no operation of ours. */
function final(answer) {
  if (!answer.operation_id) return null;
  const outcome = answer.outcome === "duplicate" ? (answer.first_outcome ?? "applied") : answer.outcome;
  const told = outcome === "rejected" ? answer.problem?.detail : answer.review?.join(" ");
  return { id: answer.operation_id, state: { applied: "applied", needs_review: "review", rejected: "rejected" }[outcome] ?? "applied", told: told ?? null, result: answer.result ?? null };
}
