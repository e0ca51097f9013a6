/* What the phone keeps: operations not yet answered, the lines that are shown, the snapshot, who holds it.
 *
 * An operation is stored, to the disk, before anything is said or sent; its line, its number and its effects in the
 * same transaction. It leaves the queue only with its own final answer.
 */

import { openDB } from "../../vendor/idb/index.js";
import { uuid7 } from "./ids.js";

const NAME = "adomanybank-scan";
const LINES_KEPT = 500;
const SAFE = { durability: "strict" };
/** Below this much room a scan is refused; below the other it is warned about. */
export const FULL_BYTES = 256 * 1024;
export const NEARLY_BYTES = 8 * 1024 * 1024;

export async function open() {
  const db = await openDB(NAME, 1, {
    upgrade(base) {
      const queue = base.createObjectStore("queue", { keyPath: "id" });
      queue.createIndex("sequence", "sequence");
      const lines = base.createObjectStore("lines", { keyPath: "id" });
      lines.createIndex("number", "number");
      base.createObjectStore("reference");
      base.createObjectStore("meta");
    },
    // Another tab brings a newer page: let it.
    blocking: () => location.reload(),
  });
  return new Store(db);
}

class Store {
  constructor(db) {
    this.db = db;
  }

  meta = (key) => this.db.get("meta", key);
  remember = (key, value) => this.db.put("meta", value, key);
  forget = (key) => this.db.delete("meta", key);

  snapshot = (warehouse) => this.db.get("reference", warehouse);
  keepSnapshot = (warehouse, snapshot) => this.db.put("reference", snapshot, warehouse);

  /** Store operations with their lines, all or none. Resolves when they are on the disk. */
  async add(operations, person) {
    const tx = this.db.transaction(["queue", "lines", "meta"], "readwrite", SAFE);
    const [queue, lines, meta] = ["queue", "lines", "meta"].map((name) => tx.objectStore(name));
    const device = (await meta.get("device")) ?? { id: crypto.randomUUID?.() ?? uuid7(), sequence: 0 };
    const stored = [];
    let opened = null;
    for (const each of operations) {
      const now = Date.now();
      const id = uuid7(now);
      device.sequence += 1;
      if (each.kind === "open_box") opened = id;
      const filled = (value) => JSON.parse(JSON.stringify(value).replaceAll("$opened", opened ?? "$opened").replaceAll('"$op"', JSON.stringify(id)));
      const [payload, effects] = [filled(each.payload), filled(each.effects ?? [])];
      const happened_at = new Date(now).toISOString();
      queue.put({ id, device_id: device.id, sequence: device.sequence, happened_at, kind: each.kind, payload, effects, person });
      const line = {
        id, number: device.sequence, person, happened_at, kind: each.kind, payload, effects, undo: filled(each.undo ?? null),
        state: "queued", shown: !each.hidden, of: each.of ?? null, batch: each.batch ?? null, ...each.line,
      };
      lines.put(line);
      stored.push(line);
    }
    meta.put(device, "device");
    await tx.done;
    return stored;
  }

  /** Mark a line as taken back, or as wanted after all. */
  async mark(id, changes) {
    const tx = this.db.transaction("lines", "readwrite");
    const line = await tx.store.get(id);
    if (line) tx.store.put({ ...line, ...changes });
    await tx.done;
    return line ? { ...line, ...changes } : null;
  }

  queue = () => this.db.getAllFromIndex("queue", "sequence");
  waiting = () => this.db.count("queue");

  /** Take final answers in: the operation leaves the queue, its line says how it ended. */
  async answered(answers) {
    const tx = this.db.transaction(["queue", "lines"], "readwrite", SAFE);
    const [queue, lines] = [tx.objectStore("queue"), tx.objectStore("lines")];
    const changed = [];
    for (const { id, state, told, result } of answers) {
      queue.delete(id);
      const line = await lines.get(id);
      if (!line) continue;
      const next = { ...line, state, told, result, answered_at: Date.now() };
      lines.put(next);
      changed.push(next);
    }
    await tx.done;
    return changed;
  }

  /** Pictures that wait for their line to be on the server: they are too large for the queue. */
  keepPhoto = (line, picture) => this.db.put("meta", picture, `photo/${line}/${uuid7()}`);
  async photos() {
    const keys = await this.db.getAllKeys("meta", IDBKeyRange.bound("photo/", "photo0", false, true));
    return keys.map((key) => ({ key, line: key.split("/")[1] }));
  }

  /** The lines of the last hours, newest first; older ones that are done are let go. */
  async lines() {
    const all = (await this.db.getAllFromIndex("lines", "number")).reverse();
    const old = all.slice(LINES_KEPT).filter((line) => line.state === "applied");
    if (old.length) {
      const tx = this.db.transaction("lines", "readwrite");
      for (const line of old) tx.store.delete(line.id);
      await tx.done;
    }
    return all.filter((line) => !old.includes(line));
  }
}

/** How much room is left: {free, state: "good" | "nearly" | "full"}; free is null where the browser does not say. */
export async function room() {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    if (!quota) return { free: null, state: "good" };
    const free = quota - usage;
    return { free, state: free < FULL_BYTES ? "full" : free < NEARLY_BYTES ? "nearly" : "good" };
  } catch {
    return { free: null, state: "good" };
  }
}

/** Ask the browser not to throw the store away by itself. */
export async function persist() {
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return false;
  }
}
