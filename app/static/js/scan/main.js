/* The scan page: what is read goes through the grammar and the flow, is stored, and only then answered and sent. */

import { Camera } from "./camera.js";
import * as feedback from "./feedback.js";
import { begin, countingAt, docOf, filling, isoDay, MODES, noteOf, reply, step, undone } from "./flow.js";
import { parse } from "./grammar.js";
import { Lock, weak } from "./lock.js";
import { bytes, clock, config, data, h, icon, number, one, said, say } from "./page.js";
import { Reference } from "./reference.js";
import * as sheets from "./sheets.js";
import { open, persist, room } from "./store.js";
import { Sync } from "./sync.js";
import { listen } from "./wedge.js";

const LINES_SHOWN = 4;
const FRESH_EVERY = 5 * 60 * 1000;
const TIMES = [1, 2, 6, 12];
const MODE_ICONS = {
  receive: { icon: "package-import" }, move: { icon: "arrows-right-left" }, pick: { icon: "basket" }, load: { icon: "truck-loading" },
  bring_back: { icon: "truck-return" }, count: { icon: "clipboard-check" }, write_off: { icon: "trash" }, look: { icon: "zoom-question" },
};
const TONES = { good: { icon: "circle-check" }, attention: { icon: "alert-triangle" }, refused: { icon: "circle-x" }, ready: { icon: "scan" } };
const STATES = { queued: { icon: "clock" }, applied: { icon: "check" }, review: { icon: "alert-triangle" }, rejected: { icon: "circle-x" } };

const app = {
  store: null, reference: new Reference(null, [], config.language), state: null, lines: [], me: null, room: { state: "good" }, persistent: false,
  verdict: null, sync: { offline: !navigator.onLine, signedOut: false, failed: false }, waiting: 0, others: [], gate: false, chosen: null, sending: null, snapshotAt: 0,
};
globalThis.scanPage = app;

const person = () => app.me?.person.id ?? 0;
const warehouse = () => app.me?.warehouses[0]?.id ?? 0;

/* ---- start ---- */

async function start() {
  if ("serviceWorker" in navigator) {
    keepOnPhone();
    navigator.serviceWorker.addEventListener("message", ({ data: told }) => told?.news === "page" && renewWhenQuiet());
  }
  try {
    app.store = await open();
  } catch {
    app.fault = "no_store";
    return draw();
  }
  app.lock = new Lock(app.store);
  [app.me, app.gate, app.silent] = await Promise.all([app.store.meta("me"), app.store.meta("gate"), app.store.meta("silent"), app.lock.load()]);
  app.me ??= null;
  feedback.setSilent(Boolean(app.silent));
  await loadLines();
  await loadReference();
  const work = await app.store.meta("work");
  if (work && work.person === person() && MODES.includes(work.state.mode)) app.state = { sure: [], lots: {}, done: [], ...work.state, pending: null, half: null };
  app.room = await room();
  app.sending = new Sync({ store: app.store, api: config.api, on: { answered, state: syncState, me: knowMe } });
  await countWaiting();
  draw();
  if (app.state) openCamera();
  app.sending.now();
  app.persistent = await persist();
  setInterval(() => (refresh(), sendPhotos()), FRESH_EVERY);
  setInterval(watchLock, 5000);
  setInterval(async () => {
    app.room = await room();
    drawStrips();
  }, 10_000);
  watchLock();
}

/** Keep the page on the phone; an installing that broke off is begun again. */
async function keepOnPhone(wait = 2000) {
  try {
    const registration = await navigator.serviceWorker.register(config.worker, { scope: config.page });
    const coming = registration.installing;
    if (coming) {
      await new Promise((kept, lost) => {
        const look = () => (coming.state === "activated" ? kept() : coming.state === "redundant" && lost(new Error("not kept")));
        coming.addEventListener("statechange", look);
        look();
      });
    }
    // A page that was opened while it was being installed may have been missed.
    if (!navigator.serviceWorker.controller) (await navigator.serviceWorker.ready).active.postMessage({ claim: true });
  } catch (error) {
    console.warn("not kept on the phone yet", error);
    setTimeout(() => keepOnPhone(Math.min(wait * 2, 300_000)), wait);
  }
}

async function loadLines() {
  app.lines = (await app.store.lines()).filter((line) => line.person === person());
}

async function loadReference() {
  const kept = warehouse() ? await app.store.snapshot(warehouse()) : null;
  app.snapshotAt = kept?.fetched_at ?? 0;
  const since = app.lines
    .filter((line) => line.state === "queued" || ((line.state === "applied" || line.state === "review") && line.answered_at > app.snapshotAt))
    .reverse()
    .flatMap((line) => line.effects);
  const counted = app.lines.filter((line) => line.state !== "queued" && !(line.answered_at > app.snapshotAt) && line.state !== "rejected").reverse();
  const counts = counted.flatMap((line) => line.effects.filter((effect) => effect.t === "count" || effect.t === "closed"));
  const opened = new Map(app.lines.filter((line) => line.kind === "open_box" && line.result?.place_id).map((line) => [line.id, line.result]));
  app.reference = new Reference(kept, [...counts, ...since], config.language, opened);
  app.reference.newBox = say("box_without_number");
  app.reference.prefix = config.sscc_prefix;
}

/* A newer page or program waits until nobody is in the middle of something. */
function renewWhenQuiet() {
  if (app.state?.pending || sheets.isOpen() || (app.state && Date.now() - app.scannedAt < 20_000)) return setTimeout(renewWhenQuiet, 5000);
  location.reload();
}

/* ---- who, what, when: told by the server ---- */

async function knowMe(me) {
  const before = app.me?.person.id;
  app.me = me;
  await app.store.remember("me", { person: me.person, warehouses: me.warehouses, scanner: me.scanner, permissions: me.permissions });
  const names = (await app.store.meta("names")) ?? {};
  await app.store.remember("names", { ...names, [me.person.id]: me.person.name });
  if (app.gate) {
    if (app.gate.due) {
      // The PIN was wrong too often while there was no network: the session ends first, then somebody signs in.
      const left = await fetch(config.sign_out, { method: "POST", body: new URLSearchParams({ csrf_token: me.csrf_token }), credentials: "same-origin" });
      if (!left.ok) throw new Error("not signed out yet");
      await app.store.remember("gate", (app.gate = { due: false }));
      app.sending.me = null;
      app.sync.signedOut = true;
      return draw();
    }
    await app.store.forget("gate");
    app.gate = false;
  }
  if (before !== me.person.id) {
    if (app.lock.kept && app.lock.kept.person !== me.person.id) await app.lock.remove();
    app.state = null;
    await loadLines();
    await loadReference();
  }
  if (app.lock.isSet && !me.scanner) await app.sending.post("/floor/scanner", { scanner: true });
  await countWaiting();
  draw();
  refresh();
}

let refreshing = null;
/** Fetch what changed in the warehouse; what was scanned since stays on top of it. */
function refresh() {
  if (!app.sending?.me || document.visibilityState !== "visible") return refreshing;
  refreshing ??= (async () => {
    try {
      const id = warehouse();
      const kept = await app.store.snapshot(id);
      const fetched_at = Date.now();
      const since = kept ? `&since=${encodeURIComponent(kept.mark)}` : "";
      const { status, body } = await app.sending.get(`/floor/snapshot?warehouse_id=${id}&protocol=${config.protocol}${since}`);
      if (status === 409 && body?.type === "phone-too-old") app.fault = "page_too_old";
      if (status !== 200) return;
      const parts = { ...(kept?.parts ?? {}), ...body.parts };
      await app.store.keepSnapshot(id, { ...body, parts, fetched_at });
      await loadLines();
      await loadReference();
      draw();
    } catch (error) {
      console.warn("snapshot", error);
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

let refreshSoon = 0;
async function answered(changed) {
  for (const line of changed) {
    const at = app.lines.findIndex((each) => each.id === line.id);
    if (at >= 0) app.lines[at] = line;
    if (line.state !== "rejected") continue;
    for (const effect of line.effects) app.reference.apply(effect, -1);
    if (line.of) await remark(line.of, { undone: false, told: line.told });
    feedback.give("refused");
  }
  // What was opened here has its number and its place now.
  if (changed.some((line) => line.kind === "open_box")) await loadReference();
  await countWaiting();
  sendPhotos();
  clearTimeout(refreshSoon);
  refreshSoon = setTimeout(refresh, 4000);
  draw();
}

function syncState(state) {
  app.sync = { ...state };
  drawStrips();
  drawState();
}

let counting = 0;
async function countWaiting() {
  const turnOf = (counting += 1);
  const [queue, kept, photos] = await Promise.all([app.store.queue(), app.store.meta("names"), app.store.photos()]);
  const names = kept ?? {};
  // Something was stored or answered meanwhile: whoever counts later knows better.
  if (turnOf !== counting) return;
  const others = new Map();
  for (const each of queue) if (each.person !== person()) others.set(each.person, (others.get(each.person) ?? 0) + 1);
  app.waiting = queue.length + photos.length;
  app.others = [...others].map(([id, count]) => ({ name: names[id] ?? "?", count }));
}

async function remark(id, changes) {
  const line = await app.store.mark(id, changes);
  const at = app.lines.findIndex((each) => each.id === id);
  if (at >= 0 && line) app.lines[at] = line;
}

/* ---- scanning ---- */

let turn = Promise.resolve();
/** Take a code from the camera, a scanner, a photograph or the keys: one after the other. */
function take(text, symbology = null, since = performance.now(), typed = false) {
  turn = turn.then(() => scanned(text, symbology, since, typed)).catch(fault);
  return turn;
}

async function scanned(text, symbology, since, typed) {
  if (blocked()) return;
  app.lock.touch();
  app.scannedAt = Date.now();
  const read = { ...parse(text, symbology), ...(typed ? { typed } : {}) };
  // Which paper the chosen work is for is being asked: what is no paper is scanned for that work all the same.
  if (!app.state && app.chosen && !["offer", "transfer", "run", "stocktake"].includes(read.kind)) choose(app.chosen);
  else if (!app.state) startBy(read);
  if (app.state.mode !== "look" && (app.room = await room()).state === "full") return answer({ state: app.state, tone: "refused", title: ["phone_full", {}], text: ["phone_full_why", {}], ways: [], operations: [] }, since);
  const { pending } = app.state;
  const result = step(app.state, read, app.reference);
  // A misread leaves the question open, and what was typed into it.
  if (sheets.isOpen() && pending && result.state.pending === pending && !result.ask && result.tone === "refused") sheets.remark(said(result.title));
  else sheets.close();
  await answer(result, since);
  if (result.ask && result.left) sheets.remark(said(result.left));
}

const blocked = () => app.gate || app.locked || app.fault === "no_store" || !app.me;

/** A code on the first page says by itself what the work is. */
function startBy(read) {
  const mode = { offer: "receive", run: "load", stocktake: "count", parcel: "load" }[read.kind];
  if (read.kind === "transfer") return choose(app.reference.transfers.get(read.id)?.direction === "out" ? "pick" : "receive");
  const parcel = read.kind === "parcel" ? app.reference.parcels.get(read.id) : null;
  choose(parcel && ["loaded", "partly"].includes(parcel.state) ? "bring_back" : (mode ?? "look"));
}

/** Store what the flow asks for, then show and sound the answer. */
async function answer(result, since = performance.now()) {
  const { operations } = result;
  let stored = [];
  if (operations.length) {
    const all = [];
    const amended = result.amends ? app.lines.find((line) => line.id === result.amends) : null;
    if (amended) all.push({ kind: "reverse", payload: { reversed_operation_id: amended.id, reason: "lot" }, effects: amended.effects.map(inverse), line: {}, hidden: true, of: amended.id });
    for (const each of operations) all.push({ ...each, line: { ...each.line, title: said(each.line.title), text: said(each.line.text) } });
    try {
      stored = await app.store.add(all, person());
    } catch (error) {
      console.warn("not stored", error);
      app.room = await room();
      result = { state: app.state, tone: "refused", title: ["not_stored", {}], text: ["not_stored_why", {}], ways: [], operations: [] };
    }
    for (const line of stored) {
      for (const effect of line.effects) app.reference.apply(effect);
      app.lines.unshift(line);
    }
    if (stored.length && amended) await remark(amended.id, { undone: true });
    const opened = stored.find((line) => line.kind === "open_box");
    if (opened) result = { ...result, state: JSON.parse(JSON.stringify(result.state).replaceAll("$opened", opened.id)) };
  }
  app.state = result.state;
  const own = stored.filter((line) => line.shown);
  if (stored.length) {
    app.waiting += stored.length;
    countWaiting().then(drawState);
  }
  if (own.length) {
    const last = own.at(-1);
    if (app.state.last && result.receipt) app.state.last.id = last.id;
    if (result.receipt) app.state.done = [...(app.state.done ?? []), last.id];
  }
  app.verdict = { ...result, at: Date.now() };
  feedback.give(result.tick ? "tick" : result.tone === "ready" ? "tick" : result.tone);
  draw();
  app.since = since;
  document.documentElement.dataset.answered = String(Number(document.documentElement.dataset.answered ?? 0) + 1);
  if (result.ask) ask(result.ask);
  await app.store.remember("work", { person: person(), state: { ...app.state, pending: null, half: null } });
  if (stored.length) app.sending.now();
}

function fault(error) {
  console.error(error);
  app.verdict = { tone: "refused", title: ["our_mistake", {}], text: ["our_mistake_why", {}], ways: [] };
  feedback.give("refused");
  draw();
}

const inverse = (effect) => {
  if (["lot", "offer", "came"].includes(effect.t)) return { ...effect, by: -effect.by, reserved: -(effect.reserved ?? 0) };
  if (effect.t === "parcel") return { ...effect, state: effect.was, was: effect.state };
  if (effect.t === "count") return { ...effect, quantity: effect.was, was: effect.quantity };
  if (effect.t === "box") return { ...effect, at: effect.was, was: effect.at };
  if (effect.t === "shut") return { ...effect, state: effect.was, was: effect.state };
  if (effect.t === "open") return { ...effect, gone: !effect.gone };
  return effect;
};

async function undo(line) {
  const back = undone(line);
  if (!back || line.undone) return;
  try {
    const [stored] = await app.store.add([{ ...back, effects: line.effects.map(inverse), line: { title: line.title }, hidden: true, of: line.id }], person());
    for (const effect of stored.effects) app.reference.apply(effect);
    app.lines.unshift(stored);
    app.waiting += 1;
    countWaiting().then(drawState);
  } catch {
    return answer({ state: app.state, tone: "refused", title: ["not_stored", {}], text: ["not_stored_why", {}], ways: [], operations: [] });
  }
  await remark(line.id, { undone: true, undone_at: new Date().toISOString() });
  if (app.state?.done) app.state.done = app.state.done.filter((id) => id !== line.id);
  if (app.state?.last?.id === line.id) app.state.last = null;
  app.verdict = { tone: "ready", title: ["taken_back", {}], text: ["name", { name: `${line.quantity ? `${number(line.quantity)} ${line.unit ?? ""} ` : ""}${line.title}` }], ways: [] };
  feedback.give("tick");
  draw();
  app.sending.now();
}

/** Wanted after all: the same once more, as a deed of its own. */
async function redo(line) {
  const effects = line.effects.map((effect) => (effect.op === line.id ? { ...effect, op: "$op" } : effect));
  await remark(line.id, { redone: true });
  await answer({
    state: app.state, tone: "good", title: ["name", { name: line.title }], text: line.text, quantity: line.quantity ? `+${number(line.quantity)}` : "", ways: [], receipt: line.kind === "receive" || line.kind === "receive_into_box",
    operations: [{ kind: line.kind, payload: line.payload, effects, undo: line.undo, line: { quantity: line.quantity, unit: line.unit, title: line.title, text: line.text } }],
  });
}

async function chosen(way) {
  app.lock.touch();
  if (way.way === "type") return typing();
  if (way.way === "photo") return takePhoto();
  if (way.way === "count_them") return sheets.amount({ title: say("how_many_on"), label: say("how_many_came_label"), most: 100_000, send: say("do_it"), quick: [], done: (quantity) => chosen({ way: "counted", quantity }) });
  if (way.way === "choose_item") return sheets.pick({ title: say("what_is_it"), choices: [...app.reference.items.values()].map((item) => ({ id: item.id, title: item.name, text: `${item.unit}, ${item.category}` })), done: (item) => chosen({ way: "choose", item }) });
  if (way.way === "count_came") return sheets.amount({ title: say("how_many_came_title"), label: say("how_many_came_label"), least: 0, most: 1_000_000, send: say("do_it"), quick: [], done: (quantity) => chosen({ way: "came", quantity }) });
  if (way.way === "undo_and_ask") {
    const line = app.lines.find((each) => each.id === app.state.last?.id);
    const { last } = app.state;
    if (line) await undo(line);
    app.state = { ...app.state, last: null, pending: { ask: "expiry", scanned: { ...last.scanned, expires_on: null, pieces: last.pieces }, chosen: last.chosen } };
    return ask("expiry");
  }
  sheets.close();
  turn = turn.then(() => answer(reply(app.state, way, app.reference))).catch(fault);
  await turn;
}

/* ---- questions ---- */

function ask(what) {
  const { pending } = app.state;
  if (what === "expiry") return sheets.expiry({ item: pending.chosen.item, used: suggestions(pending.chosen.item), today: isoDay(Date.now()), done: (day, use_by) => chosen({ way: "expiry", expires_on: day, use_by }), skip: () => chosen({ way: "skip" }), reference: app.reference });
  if (what === "learn") return sheets.learn({ code: pending.scanned.gtin, reference: app.reference, document: offerItems(), mode: app.state.mode, done: (item, quantity) => chosen({ way: "learn", item, quantity }), skip: () => chosen({ way: "skip" }) });
  return null;
}

/** Days that this item had lately: one tap instead of eight keys. */
function suggestions(item) {
  const days = [...app.lines.filter((line) => line.kind === "receive" && line.payload.item_id === item.id).map((line) => line.payload.expires_on), ...app.reference.lots.filter((row) => row.item === item.id).map((row) => row.expires_on)];
  return [...new Set(days.filter((day) => day && day >= isoDay(Date.now())))].slice(0, 3);
}

const offerItems = () => (app.state?.document?.kind === "offer" ? (app.reference.offers.get(app.state.document.id)?.lines ?? []).map((line) => app.reference.items.get(line.item)).filter(Boolean) : []);

const typing = () => sheets.typing({ done: (text) => take(text, null, performance.now(), true), photo: (file) => readPhoto(file) });

async function readPhoto(file) {
  sheets.close();
  app.verdict = { tone: "ready", title: ["photo_reading", {}], ways: [] };
  draw();
  if ((await camera.photo(file)) === 0) {
    app.verdict = { tone: "refused", title: ["photo_nothing", {}], text: ["photo_nothing_why", {}], ways: [{ word: "way_type", reply: { way: "type" }, first: true }] };
    feedback.give("refused");
    draw();
  }
}

/* ---- pictures of what is written off ---- */

const PICTURE_PX = 1600;
/** Take a picture for the last proposal; it is made small, kept, and sent when its proposal is on the server. */
function takePhoto() {
  const line = app.lines.find((each) => each.kind === "propose_write_off" && !each.undone);
  const field = h("input", { type: "file", accept: "image/*", capture: "environment" });
  field.addEventListener("change", async () => {
    if (!line || !field.files[0]) return;
    try {
      await app.store.keepPhoto(line.id, await small(field.files[0]));
    } catch (error) {
      console.warn("picture", error);
      return answer({ state: app.state, tone: "refused", title: ["photo_unreadable", {}], text: ["photo_nothing_why", {}], ways: [{ word: "way_photo", reply: { way: "photo" }, first: true }], operations: [] });
    }
    app.verdict = { tone: "good", title: ["photo_kept", {}], text: ["photo_kept_text", {}], ways: [{ word: "way_photo_more", icon: "camera", reply: { way: "photo" } }] };
    feedback.give("good");
    await countWaiting();
    draw();
    sendPhotos();
  });
  field.click();
}

async function small(file) {
  const picture = await createImageBitmap(file);
  const share = Math.min(1, PICTURE_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(picture.width * share), Math.round(picture.height * share)];
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((made, failed) => canvas.toBlob((blob) => (blob ? made(blob) : failed(new Error("no picture"))), "image/jpeg", 0.85));
}

let sendingPhotos = false;
async function sendPhotos() {
  if (sendingPhotos || !app.sending?.me) return;
  sendingPhotos = true;
  try {
    for (const { key, line: id } of await app.store.photos()) {
      const line = app.lines.find((each) => each.id === id);
      if (!line || line.state === "queued") continue;
      let status = 410;
      if (!line.undone && line.result?.write_off_id) ({ status } = await app.sending.picture(`/write-offs/${line.result.write_off_id}/photos`, await app.store.meta(key)));
      // Lost on the way, or not now: it is tried again with the next answer.
      if (status === 0 || status >= 500 || [401, 403, 408, 425, 429].includes(status)) break;
      await app.store.forget(key);
      if (status >= 400 && status !== 410) await remark(id, { told: say("photo_refused") });
    }
  } finally {
    sendingPhotos = false;
    await countWaiting();
    draw();
  }
}

function placing() {
  const places = [...app.reference.places.values()].filter((place) => place.kind !== "vehicle" && place.kind !== "box");
  sheets.pick({
    title: say("which_place"), hint: say("which_place_hint"), choices: places.map((place) => ({ id: place.id, title: place.code, text: say(`place_${place.kind}`) })),
    done: (id) => take(app.reference.places.get(id).code), extra: app.state.mode === "move" && (app.state.place !== null || app.state.to !== null) ? { word: say("forget_places"), done: () => { app.state = { ...app.state, place: null, to: null, pending: null }; app.verdict = null; sheets.close(); draw(); } } : null,
  });
}

/* ---- work ---- */

function choose(mode, document = null) {
  app.state = begin(mode, app.reference, document);
  app.verdict = null;
  feedback.wake();
  openCamera();
  draw();
  one("#title").focus();
}

const documentsOf = (mode) => {
  const { offers, transfers, runs, stocktakes } = app.reference;
  if (mode === "receive") return [...offers.values()].map((each) => ["offer", each]).concat([...transfers.values()].filter((each) => each.direction === "in" && each.state === "in_transit").map((each) => ["transfer", each]));
  if (mode === "pick") return [...transfers.values()].filter((each) => each.direction === "out" && each.state === "requested").map((each) => ["transfer", each]);
  if (mode === "load") return [...runs.values()].filter((each) => ["published", "loading"].includes(each.state)).map((each) => ["run", each]);
  if (mode === "bring_back") return [...runs.values()].filter((each) => ["on_the_road", "loading"].includes(each.state) && each.parcels.some((parcel) => ["loaded", "partly"].includes(parcel.state))).map((each) => ["run", each]);
  if (mode === "count") return [...stocktakes.values()].map((each) => ["stocktake", each]);
  return [];
};

const documentText = (kind, each) => {
  if (kind === "offer") return [each.code, each.donor, say("lines_arrived", { done: each.lines.filter((line) => line.arrived >= line.quantity).length, all: each.lines.length })].join(" · ");
  if (kind === "run") return [each.code, each.plate, say("parcels_loaded", { done: each.parcels.filter((parcel) => parcel.state !== "planned").length, all: each.parcels.length })].join(" · ");
  if (kind === "transfer") return [each.code, each.other, say("lines_count", { lines: each.lines.length })].join(" · ");
  return [each.code, say(`stocktake_${each.state}`)].join(" · ");
};

function documents(mode) {
  const found = documentsOf(mode);
  if (!found.length || mode === "look" || mode === "move") return choose(mode);
  app.chosen = mode;
  sheets.pick({
    title: say(`which_${mode}`), choices: found.map(([kind, each]) => ({ id: `${kind}/${each.id}`, title: each.code, text: documentText(kind, each).split(" · ").slice(1).join(" · ") })),
    done: (id) => { const [kind, number_] = id.split("/"); sheets.close(); choose(mode, docOf(kind, Number(number_))); },
    extra: mode === "load" || mode === "bring_back" || mode === "count" ? { word: say("scan_it_instead"), done: () => { sheets.close(); choose(mode); } } : { word: say(mode === "receive" ? "unannounced" : "without_document"), done: () => { sheets.close(); choose(mode); } },
  });
}

/** The work is done: what was scanned in gets its note. */
async function finish() {
  const { state } = app;
  const done = (state.done ?? []).filter((id) => { const line = app.lines.find((each) => each.id === id); return line && !line.undone && line.state !== "rejected"; });
  const note = state.mode === "receive" ? noteOf({ ...state, done }, app.reference) : null;
  if (note) await answer({ state: { ...state, done: [], last: null }, tone: "good", title: ["note_asked", {}], text: ["note_asked_text", { lines: done.length }], ways: [], operations: [note] });
  leave();
}

function leave() {
  const told = app.verdict;
  app.state = null;
  app.verdict = told?.title?.[0] === "note_asked" ? told : null;
  camera.stop();
  app.store.forget("work");
  sheets.close();
  draw();
}

const camera = new Camera({ video: one("#video"), decoder: config.decoder, found: (text, symbology, since) => take(text, symbology, since), changed: () => drawLens() });
function openCamera() {
  if (!blocked()) camera.start();
}

/* ---- the PIN ---- */

async function watchLock() {
  if (!app.lock.due) return;
  await app.lock.shut();
  if (app.locked) return;
  app.locked = true;
  sheets.close();
  draw();
}

async function unlock(pin) {
  const tries = await app.lock.open(pin);
  if (tries === "right") {
    app.locked = false;
    return draw();
  }
  feedback.give("refused");
  if (tries > 0) return drawLocked(say("pin_wrong", { tries }));
  await app.lock.remove();
  app.locked = false;
  await app.store.remember("gate", (app.gate = { due: true }));
  app.state = null;
  camera.stop();
  draw();
  app.sending.me = null;
  app.sending.now();
}

for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => !app.locked && app.lock?.touch(), { capture: true, passive: true });
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && app.lock && (watchLock(), refresh()));

/* ---- drawing ---- */

function draw() {
  document.body.classList.toggle("at-work", Boolean(app.state));
  const hidden = { start: app.state || app.locked || app.gate, work: !app.state || app.locked || app.gate, locked: !app.locked && !app.gate };
  for (const [id, away] of Object.entries(hidden)) one(`#${id}`).hidden = Boolean(away);
  drawHead();
  drawStrips();
  drawState();
  if (app.locked || app.gate) return drawLocked();
  if (app.state) drawWork();
  else drawStart();
  sheets.redraw();
}

function drawHead() {
  const mode = app.state?.mode;
  one("#title").textContent = say(mode ? `mode_${mode}` : "scanning");
  const parts = [];
  if (mode && app.state.document) {
    const { kind, id } = app.state.document;
    const found = { offer: app.reference.offers, run: app.reference.runs, transfer: app.reference.transfers, stocktake: app.reference.stocktakes }[kind].get(id);
    parts.push(data(found ? documentText(kind, found) : ""));
  } else if (app.me) parts.push(data([app.reference.warehouse?.name, app.me.person.name].filter(Boolean).join(" · ")));
  one("#sub").replaceChildren(...parts);
  one("#back").setAttribute("aria-label", say(app.state ? "back_to_start" : "home"));
}

function drawState() {
  const count = app.waiting;
  const kind = count ? (app.sync.offline ? "offline" : "") : "good";
  const words = count ? say("not_sent_short", { count: number(count) }) : say("all_sent");
  const button = one("#sent");
  button.className = `state${kind ? ` state-${kind}` : ""}`;
  button.replaceChildren(count ? icon("cloud-up") : icon("cloud-check"), h("span", {}, words));
  tellQuietly(count ? say("not_sent", { count: number(count) }) : say("all_sent"));
}

let toldAt = 0;
let toldNext = 0;
function tellQuietly(text) {
  clearTimeout(toldNext);
  const wait = Math.max(0, toldAt + 10_000 - Date.now());
  toldNext = setTimeout(() => { toldAt = Date.now(); one("#quiet").textContent = text; }, wait);
}

function drawStrips() {
  const strips = [];
  const strip = (kind, name, text, more = null) => strips.push(h(`div.strip.strip-${kind}`, {}, name, h("span", {}, text), more));
  const count = number(app.waiting);
  if (app.fault) strip("refused", icon("alert-triangle"), say(app.fault));
  if (app.sync.signedOut && !app.gate) strip("attention", icon("login"), say("sign_in_again", { count }), h("a.strip-do", { href: config.sign_in }, say("sign_in")));
  else if (app.sync.offline) strip("offline", icon("cloud-off"), say("no_connection", { count }), h("button.strip-do", { type: "button", onclick: () => sheets.tell(say("offline_what"), say("offline_what_text")) }, say("what_is_this")));
  else if (app.sync.failed && app.waiting) strip("offline", icon("cloud-up"), say("server_away", { count }));
  if (app.room.state === "full") strip("refused", icon("database-x"), say("phone_full_strip"));
  else if (app.room.state === "nearly") strip("attention", icon("database-exclamation"), say("phone_nearly_full", { free: bytes(Math.max(0, app.room.free)) }));
  for (const { name, count: theirs } of app.others) strip("attention", icon("user"), say("others_wait", { name, count: number(theirs) }));
  if (app.me && !app.reference.known && !app.fault) strip("attention", icon("download"), say("no_snapshot"));
  const to_see = app.lines.filter((line) => (line.state === "review" || line.state === "rejected") && !line.seen).length;
  if (to_see) strip("attention", icon("eye"), say("to_look_at", { count: number(to_see) }), h("button.strip-do", { type: "button", onclick: showLines }, say("show")));
  one("#strips").replaceChildren(...strips);
}

function drawStart() {
  const may = new Set(app.me?.permissions ?? []);
  const needs = { receive: "donations.receive", load: "runs.load", bring_back: "runs.load" };
  const tiles = MODES.filter((mode) => !app.me || !needs[mode] || may.has(needs[mode])).map((mode) => {
    const waiting = mode === "look" || mode === "move" ? 0 : documentsOf(mode).length;
    return h("button.work-tile", { type: "button", onclick: () => documents(mode), disabled: !app.me },
      icon(MODE_ICONS[mode].icon), h("span.work-name", {}, h("b", {}, say(`mode_${mode}`)), h("span.cap", {}, waiting ? say(`waiting_${mode}`, { count: number(waiting) }) : say(`hint_${mode}`))), waiting ? h("span.count", {}, number(waiting)) : null);
  });
  const notes = [];
  if (!app.me && !app.sync.signedOut) notes.push(h("p.note.note-attention", {}, icon("login"), h("span", {}, say("first_needs_network"))));
  if (app.verdict) notes.push(verdict(app.verdict));
  one("#start").replaceChildren(...notes, h("div.work-tiles", {}, ...tiles), h("p.cap.start-hint", {}, say("start_hint")),
    h("div.start-tools", {}, h("button.btn.btn-plain", { type: "button", onclick: showLines }, icon("list"), say("lines_all", { count: number(shownLines().length) })), h("button.btn.btn-plain", { type: "button", onclick: phone }, icon("settings"), say("this_phone"))));
}

const shownLines = () => app.lines.filter((line) => line.shown);

function drawWork() {
  const { state } = app;
  drawPlace(state);
  drawLens();
  drawVerdict();
  drawTimes(state);
  drawTools(state);
  one("#lines").replaceChildren(...shownLines().slice(0, LINES_SHOWN).map(lineOf));
  one("#all-lines").replaceChildren(say("lines_all", { count: number(shownLines().length) }));
  const notes = state.mode === "receive" && (state.done ?? []).length;
  one("#done").replaceChildren(say(notes ? "done_note" : "done"));
}

function drawPlace(state) {
  const bar = one("#place");
  const { reference } = app;
  const row = (word, id, empty) => h("div.place-of", {}, h("div.cap", {}, say(word)), id === null || id === undefined ? h("div.code.place-none", {}, say(empty)) : h("div.code", {}, data(reference.code(id))));
  const change = h("button.btn.btn-plain", { type: "button", onclick: placing }, say("change_place"));
  const run = state.document?.kind === "run" ? reference.runs.get(state.document.id) : null;
  bar.hidden = false;
  if (state.mode === "load") {
    const loaded = run?.parcels.filter((parcel) => !["planned", "ready"].includes(parcel.state)).length ?? 0;
    bar.replaceChildren(icon("truck"), h("div.place-of", {}, h("div.cap", {}, say(run ? "onto" : "which_run")), h("div.code", {}, run ? data(`${run.code} · ${run.plate}`) : say("scan_parcel_or_run"))), h("span.push"), ...(run ? [h("b.load-count", {}, `${number(loaded)}/${number(run.parcels.length)}`)] : []));
  } else if (state.mode === "move" || state.mode === "pick") {
    const to = state.to ?? null;
    bar.replaceChildren(row("from", state.place, "any_place"), icon("arrow-right"), row("to", to, "scan_place_short"), h("span.push"), change);
  } else if (state.mode === "look") bar.hidden = true;
  else bar.replaceChildren(icon("map-pin"), row({ receive: "goes_to", count: "counting_here", bring_back: "comes_to", write_off: "lies_at" }[state.mode], state.place, { bring_back: "own_shelf", write_off: "any_place" }[state.mode] ?? "scan_place_short"), h("span.push"), change);
}

function drawLens() {
  const lens = one("#lens");
  const { state } = camera;
  lens.className = `lens lens-${state} lens-${app.verdict?.tone ?? "ready"}`;
  const words = { off: "camera_off", starting: "camera_starting", denied: "camera_denied", none: "camera_none", insecure: "camera_insecure" }[state];
  one("#lens-says").textContent = words ? say(words) : "";
  one("#torch").hidden = !(state === "on" && camera.hasTorch);
  one("#torch").setAttribute("aria-pressed", String(Boolean(camera.torch)));
  one("#camera-on").hidden = state === "on" || state === "starting" || state === "insecure";
}

function verdict(told) {
  return h(`div.verdict.verdict-${told.tone}`, {}, icon(TONES[told.tone].icon), h("div.verdict-what", {}, h("b", {}, said(told.title)), told.text ? h("span", {}, said(told.text)) : null), told.quantity ? h("span.qty", {}, told.quantity) : null);
}

function drawVerdict() {
  const told = app.verdict ?? { tone: "ready", title: [`first_${app.state.mode}`, {}], text: [`first_${app.state.mode}_text`, {}], ways: [] };
  one("#verdict").replaceChildren(verdict(told));
  const below = [];
  if (told.tone === "refused") below.push(h("p.nothing-changed", {}, h("b", {}, say("nothing_changed"))));
  if (told.seen?.length) below.push(h("ul.lines", {}, ...told.seen.map((row) => h("li", {}, h("span.q", {}, `${number(row.quantity)} ${row.unit}`), h("span.t", {}, h("b", {}, data(row.title)), h("span.cap", {}, said(row.text)))))));
  if (told.ways?.length) {
    below.push(h(`div.ways${told.ways.length > 4 ? ".ways-grid" : told.ways.length > 2 ? ".ways-many" : ""}`, {}, ...told.ways.map((way) => h(`button.btn.btn-glove${way.first ? ".btn-do" : ".btn-plain"}`, { type: "button", onclick: () => chosen(way.reply) }, way.icon ? icon(way.icon) : null, say(way.word, way.facts)))));
  }
  one("#ways").replaceChildren(...below);
  // One filled button a page: while there is a way on, "done" steps back.
  const offered = told.ways?.some((way) => way.first);
  one("#done").className = `btn btn-glove ${offered ? "btn-plain" : "btn-do"}`;
}

function drawTimes(state) {
  const bar = one("#times");
  bar.hidden = ["load", "bring_back", "look"].includes(state.mode);
  const press = (times) => { app.state = { ...app.state, times }; drawTimes(app.state); };
  const other = !TIMES.includes(state.times);
  bar.replaceChildren(
    ...TIMES.map((times) => h("button", { type: "button", "aria-pressed": String(state.times === times), onclick: () => press(times) }, `×${times}`)),
    h("button", { type: "button", "aria-pressed": String(other), "aria-label": say("other_number"), onclick: () => sheets.amount({ done: (times) => { sheets.close(); press(times); } }) }, other ? `×${number(state.times)}` : "…"),
  );
}

/** What the work needs beside scanning: a box to fill or close, a place that is counted. */
function drawTools(state) {
  const tool = (word, sign, way, facts = {}) => h("button.btn.btn-plain.btn-glove", { type: "button", onclick: () => chosen(way) }, sign, h("span", {}, say(word, facts)));
  const tools = [];
  const box = filling(state, app.reference);
  const here = countingAt(state, app.reference);
  if (box) tools.push(tool("way_close_box", icon("package"), { way: "close_box" }, { box: app.reference.code(box.place) }));
  else if (["receive", "move", "pick"].includes(state.mode) && state.document?.kind !== "transfer") tools.push(tool("way_new_box", icon("package"), { way: "new_box", kind: "box" }), tool("way_new_pallet", icon("stack-2"), { way: "new_box", kind: "pallet" }));
  else if (here) tools.push(here.lines ? tool("place_done", icon("clipboard-check"), { way: "place_counted" }) : tool("nothing_here", icon("square-x"), { way: "place_empty" }));
  const bar = one("#tools");
  bar.hidden = !tools.length || Boolean(app.verdict?.ways?.some((way) => way.first));
  bar.replaceChildren(...tools);
}

function lineOf(line) {
  const quantity = line.quantity ? `${number(line.quantity)}${line.unit ? ` ${line.unit}` : ""}` : "";
  const title = line.title ?? "";
  const when = line.undone ? say("taken_back_at", { time: clock(line.undone_at ?? line.happened_at) }) : line.state === "queued" ? say("on_phone_at", { time: clock(line.happened_at) }) : clock(line.happened_at, true);
  const told_as = line.result?.voucher ?? (line.kind === "open_box" ? line.result?.code : null);
  const result = told_as ? ` · ${told_as}` : "";
  const able = undone(line) && line.state !== "rejected";
  const button = line.undone
    ? line.redone ? null : h("button.undo", { type: "button", "aria-label": say("redo_of", { what: `${quantity} ${title}` }), onclick: () => redo(line) }, icon("arrow-forward-up"), say("redo"))
    : able ? h("button.undo", { type: "button", "aria-label": say("undo_of", { what: `${quantity} ${title}` }), onclick: () => undo(line) }, icon("arrow-back-up"), say("undo")) : null;
  const told = line.told && !line.undone ? h(`span.told.told-${line.state}`, {}, icon(STATES[line.state].icon), h("span", {}, line.told)) : null;
  return h(`li${line.undone ? ".undone" : ""}${line.state === "rejected" ? ".rejected" : ""}`, { "data-state": line.state },
    h("span.q", {}, quantity), h("span.t", {}, h("b", {}, data(title)), h("span.cap", {}, icon(STATES[line.state].icon), ` ${when}${line.text ? ` · ${line.text}` : ""}${result}`), told), button);
}

async function showLines() {
  for (const line of app.lines.filter((each) => (each.state === "review" || each.state === "rejected") && !each.seen)) await remark(line.id, { seen: true });
  sheets.list({ title: say("lines_title"), rows: () => shownLines().map(lineOf), empty: say("lines_none") });
  drawStrips();
}

function drawLocked(wrong = "") {
  const box = one("#locked");
  if (app.gate) {
    return box.replaceChildren(h("div.lock-card", {}, icon("lock"), h("h2", {}, say("gate")), h("p", {}, say("gate_text", { count: number(app.waiting) })), h("a.btn.btn-do.btn-glove", { href: config.sign_in }, say("sign_in"))));
  }
  sheets.pad(box, { title: say("pin_ask"), text: wrong || say("pin_ask_text", { name: app.me?.person.name ?? "" }), wrong: Boolean(wrong), done: unlock, hidden: true });
}

/* ---- this phone ---- */

function phone() {
  sheets.phone({
    me: app.me, reference: app.reference, room: app.room, persistent: app.persistent, waiting: app.waiting, others: app.others, scanner: app.lock.isSet, silent: app.silent, snapshotAt: app.snapshotAt,
    sound: async () => { app.silent = !app.silent; feedback.setSilent(app.silent); await app.store.remember("silent", app.silent); if (!app.silent) feedback.give("good"); phone(); },
    setPin: () => sheets.newPin({ weak, done: async (pin) => { await app.lock.set(pin, person()); app.sending.now(); if (app.sending.me) await app.sending.post("/floor/scanner", { scanner: true }); phone(); } }),
    dropPin: async () => { await app.lock.remove(); if (app.sending.me) await app.sending.post("/floor/scanner", { scanner: false }); phone(); },
    send: async () => { await app.sending.now(); phone(); },
  });
}

/* ---- buttons that stay ---- */

one("#back").addEventListener("click", () => (sheets.isOpen() ? sheets.close() : app.state && !blocked() ? (turn = turn.then(finish)) : (location.href = config.home)));
one("#sent").addEventListener("click", phone);
one("#done").addEventListener("click", () => (turn = turn.then(finish)));
one("#all-lines").addEventListener("click", showLines);
one("#keyboard").addEventListener("click", typing);
one("#camera-on").addEventListener("click", () => camera.start());
one("#torch").addEventListener("click", async () => { await camera.light(!camera.torch); drawLens(); });
// Digits of a PIN are never a code.
listen((text) => take(text), () => Boolean(app.locked || one(".pin-keys")));
sheets.onClose(() => {
  app.chosen = null;
  if (app.state) drawLens();
});
start();
