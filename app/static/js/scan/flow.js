/* What a scan means in each kind of work: mode × code → operations, an answer for eyes and ears, or a question.
 *
 * Pure: no page, no store, no clock of its own. `step(state, scanned, reference, now)` takes a code that the grammar has
 * read; `reply(state, answer, …)` takes what a person chose. Both return
 *   {state, tone, title: [word, facts], text?: [word, facts], quantity?, ways: [{word, facts?, reply, first?}],
 *    operations: [{kind, payload, effects, line: {quantity, unit, title, text?}, undo}], ask?}
 * tone: good · attention · refused · ready (waits for the next code, nothing was booked). Words are names in the texts.
 * An operation's id is not known here: "$op" in an effect stands for it, "$opened" everywhere for that of the box which
 * the same step opens.
 *
 * What the grammar doubts is never booked in silence: it ends in a question (nothing is booked until it is answered) or
 * in amber (booked, said aloud, taken back with one touch). Which of both, `questioned` and `remarked` say.
 */

import { alike, doubts } from "./grammar.js";
import { countKey } from "./reference.js";

export const MODES = ["receive", "move", "pick", "load", "bring_back", "count", "write_off", "look"];
export const REASONS = ["expired", "damaged", "spoiled", "recalled", "unusable", "lost"];
const PATIENCE = 60_000;
const SOON_DAYS = 14;
const PUTS = new Set(["dock", "shelf", "staging", "quarantine", "box"]);

/** The beginning of a piece of work; `document` is the offer, run, transfer or stocktake that it is for. */
export function begin(mode, reference, document = null) {
  const state = { mode, place: null, to: null, document, times: 1, pending: null, half: null, last: null, done: [], sure: [], lots: {} };
  if (mode === "receive") state.place = reference.placeOfKind("dock")?.id ?? null;
  if (mode === "pick") state.to = reference.placeOfKind("staging")?.id ?? null;
  if (mode === "count" && !document && reference.stocktakes.size === 1) state.document = docOf("stocktake", [...reference.stocktakes.keys()][0]);
  return state;
}

export const docOf = (kind, id) => ({ kind, id });

const result = (state, tone, title, more = {}) => ({ state, tone, title, ways: [], operations: [], ...more });
const refuse = (state, title, more = {}) =>
  result(state, "refused", title, { ...more, ways: more.ways ?? [{ word: "way_again", reply: { way: "again" }, first: true }, { word: "way_type", reply: { way: "type" } }] });

/** Take a code that was read; `scanned.typed` tells that no checksum of a symbol guarded it. */
export function step(before, scanned, reference, now = Date.now()) {
  const answer = read(settled(before, reference), scanned, reference, now);
  const put = before.pending;
  if (!ASKED.has(put?.ask) || answer.state.pending === put || (scanned.kind === "gs1" && !scanned.gtin)) return answer;
  // A scan puts a question away; what was asked about is not in the books then, and the person is told.
  const left = ["left_out", { what: put.chosen?.item.name ?? shown(put.scanned.gtin) }];
  return answer.tone === "refused" || answer.ways.length || answer.ask ? { ...answer, left } : { ...answer, left, tone: "attention", text: left };
}

/* What the person is asked over the page: the day of a pack, and what an unknown code is. */
const ASKED = new Set(["expiry", "learn"]);

function read(state, scanned, reference, now) {
  const { kind } = scanned;
  if (kind === "refused") return refuse(state, ["misread", {}], { text: [`grammar_${scanned.reason}`, {}] });
  if (kind === "unknown") return refuse(state, ["unknown_code", {}], { text: ["unknown_code_is", { code: shown(scanned.text) }] });
  if (kind === "multiplier") return result({ ...state, times: scanned.quantity }, "ready", ["times", { times: scanned.quantity }], { text: ["times_next", {}] });
  if (state.mode === "look") return look(state, scanned, reference);
  if (["offer", "run", "transfer", "stocktake"].includes(kind)) return document(state, scanned, reference);
  if (kind === "place") {
    const place = reference.placeByCode(scanned.code);
    if (!place) return refuse(state, ["no_place", { place: scanned.code }], { text: ["no_place_here", { warehouse: reference.warehouse?.name ?? "" }] });
    return at(state, place, reference);
  }
  if (kind === "box") return box(state, scanned, reference, now);
  if (kind === "parcel") return parcel(state, scanned, reference);
  if (kind === "gs1" && !scanned.gtin) {
    if (!scanned.batch && !scanned.expires_on) return refuse(state, ["unknown_code", {}], { text: ["unknown_code_is", { code: shown(scanned.text) }] });
    return half(state, scanned, reference, now);
  }
  if (kind === "lot") return ownLot(state, scanned, reference, now);
  if (waits(state, now) && disagree(scanned, state.half)) return refuse({ ...state, half: null }, ["misread", {}], { text: ["grammar_two_lots", {}] });
  return product(state, merged(state, scanned, now), reference, now);
}

/* A box that was opened here has a number of the server's meanwhile. */
const settled = (state, reference) => ({ ...state, place: reference.at(state.place), to: reference.at(state.to) });

const shown = (text) => String(text).replace(/[\x00-\x1f]/g, " ").slice(0, 40);

/** Take what a person chose: a way on from a refusal, or the answer to a question. */
export function reply(before, answer, reference, now = Date.now()) {
  const state = settled(before, reference);
  const { pending } = state;
  const next = { ...state, pending: null };
  switch (answer.way) {
    case "new_box":
      return newBox(next, pending, answer, reference, now);
    case "close_box":
      return closeBox(next, reference);
    case "place_counted":
    case "place_empty":
      return placeDone(next, answer, reference);
    case "no_lot":
      return result({ ...next, sure: [...state.sure, answer.key] }, "ready", ["ready", {}]);
    case "other_lot":
      return result({ ...next, lots: {} }, "ready", ["which_lot_next", {}]);
    default:
  }
  if (answer.way === "again" || answer.way === "skip" || !pending) return result(next, "ready", ["ready", {}]);
  switch (answer.way) {
    case "sure":
      return believed(next, pending, reference, now);
    case "counted":
      return product(next, { ...pending.scanned, count: answer.quantity, uncertain: false }, reference, now, pending.chosen);
    case "lot":
      return product({ ...next, lots: { ...state.lots, [answer.key]: answer.row } }, pending.scanned, reference, now, pending.chosen);
    case "into_box":
      return result({ ...next, to: answer.place }, "ready", ["to_is", { place: reference.code(answer.place) }], { text: ["to_is_now", {}], tick: true });
    case "write_off":
      return writtenOff(next, pending.rows, answer.reason, reference);
    case "expiry":
      return product(next, { ...pending.scanned, expires_on: answer.expires_on, use_by: Boolean(answer.use_by), asked: true }, reference, now, pending.chosen);
    case "other_expiry":
      return result({ ...state, pending: { ...pending, ask: "expiry" } }, "ready", ["when_expires", {}], { ask: "expiry" });
    case "quarantine": {
      const place = reference.placeOfKind("quarantine");
      if (!place) return refuse(next, ["no_place", { place: "" }]);
      return receive({ ...next, place: place.id }, pending.scanned, pending.chosen, reference, now, state.place);
    }
    case "learn": {
      const item = reference.items.get(answer.item);
      const learnt = operation("learn_pack", { protocol: 3, gtin: pending.scanned.gtin, item_id: item.id, quantity: answer.quantity },
        { quantity: answer.quantity, unit: item.unit, title: item.name, text: ["learnt", {}] }, [{ t: "pack", gtin: pending.scanned.gtin, item: item.id, quantity: answer.quantity }], null);
      reference.apply(learnt.effects[0]);
      const then = product(next, pending.scanned, reference, now, { item, quantity: answer.quantity });
      reference.apply(learnt.effects[0], -1);
      return { ...then, operations: [learnt, ...then.operations] };
    }
    case "choose":
      return product(next, pending.scanned, reference, now, { item: reference.items.get(answer.item), quantity: 1 });
    case "from":
      return product({ ...next, place: answer.place }, pending.scanned, reference, now, pending.chosen);
    case "less":
      return product({ ...next, times: 1 }, { ...pending.scanned, pieces: answer.pieces }, reference, now, pending.chosen);
    case "all_the_same":
      return product(next, { ...pending.scanned, certain: true }, reference, now, pending.chosen);
    case "came":
      return cameIn(next, pending.part, answer.quantity, answer.reason, reference);
    case "apart":
      return pending.box ? boxMoved(next, pending.box, pending.to, reference, answer.reason) : moved(next, { ...pending.rows, reason: answer.reason }, pending.to, reference);
    case "reason":
      return bringBack(next, pending.parcel, reference, answer.reason);
    case "out_of_box":
      return result({ ...next, place: answer.place }, "ready", ["from_is", { place: reference.code(answer.place) }]);
    default:
      return result(next, "ready", ["ready", {}]);
  }
}

const operation = (kind, payload, line, effects, undo) => ({ kind, payload, line, effects, undo });

/* ---- documents ---- */

function document(state, scanned, reference) {
  const wanted = { receive: ["offer", "transfer"], pick: ["transfer"], load: ["run"], bring_back: ["run"], count: ["stocktake"], move: [] }[state.mode];
  const found = { offer: reference.offers, run: reference.runs, transfer: reference.transfers, stocktake: reference.stocktakes }[scanned.kind].get(scanned.id);
  if (!wanted.includes(scanned.kind)) return refuse(state, ["other_work", { code: scanned.code }], { text: [`work_${scanned.kind}`, {}] });
  if (!found) return refuse(state, ["no_document", { code: scanned.code }], { text: ["no_document_here", {}] });
  const same = state.document?.kind === scanned.kind && state.document.id === scanned.id;
  const note = state.mode === "receive" && !same ? noteOf(state, reference) : null;
  const next = { ...state, document: docOf(scanned.kind, scanned.id), pending: null, ...(note ? { done: [], last: null } : {}) };
  return result(next, "ready", ["document_is", { code: found.code }], { text: ["scan_on", {}], tick: true, operations: note ? [note] : [] });
}

/** The note of what was scanned in so far, for the offer that it came for; null where nothing was. */
export function noteOf(state, reference) {
  if (!state.done.length) return null;
  const offer = state.document?.kind === "offer" ? state.document.id : null;
  const payload = { protocol: 3, warehouse_id: reference.warehouse.id, receipts: state.done, ...(offer ? { offer_id: offer } : {}) };
  return operation("goods_received", payload, { quantity: state.done.length, unit: null, title: ["note_named", {}], text: offer ? ["document_is", { code: `F-${offer}` }] : ["unannounced", {}] }, [], null);
}

/* ---- places ---- */

function at(state, place, reference) {
  const { pending } = state;
  if (!PUTS.has(place.kind)) return refuse(state, ["no_place_for_goods", { place: place.code }]);
  if (pending?.ask === "box_at") return newBox({ ...state, pending: null }, pending, { ...pending.box, at: place.id }, reference);
  if (typeof place.id !== "number" && ["count", "bring_back", "write_off"].includes(state.mode)) return refuse(state, ["not_sent_yet", {}], { text: ["box_not_sent", {}] });
  if (["receive", "count", "bring_back", "write_off"].includes(state.mode)) {
    const next = { ...state, place: place.id };
    if (pending?.ask === "place" || pending?.ask === "from") return product({ ...next, pending: null }, pending.scanned, reference, Date.now(), pending.chosen);
    return result(next, "ready", [{ count: "counting_at", write_off: "from_is" }[state.mode] ?? "into_is", { place: place.code }], { tick: true });
  }
  if (state.mode === "load") return refuse(state, ["parcels_only", {}]);
  if (pending?.ask === "to") return moved({ ...state, pending: null }, pending.rows, place.id, reference);
  if (pending?.ask === "box_to") return boxMoved({ ...state, pending: null }, pending.box, place.id, reference);
  if (pending?.ask === "from") return product({ ...state, place: place.id, pending: null }, pending.scanned, reference, Date.now(), pending.chosen);
  if (state.place === null || state.mode === "pick") return result({ ...state, place: place.id }, "ready", ["from_is", { place: place.code }], { tick: true });
  if (state.place === place.id) return refuse(state, ["same_place", { place: place.code }]);
  return result({ ...state, to: place.id }, "ready", ["to_is", { place: place.code }], { text: ["to_is_now", {}], tick: true });
}

function box(state, scanned, reference, now) {
  const found = reference.boxes.get(scanned.sscc);
  if (!found) return unknownBox(state, merged(state, scanned, now), reference);
  const place = { id: found.place, code: reference.code(found.place), kind: "box" };
  const ways = found.state === "open" ? [{ word: "way_into_box", icon: "package-import", reply: { way: "into_box", place: found.place } }] : [];
  if (state.mode === "move" && state.pending?.ask !== "to") {
    if (state.to !== null && state.to !== found.place) return boxMoved(state, found, state.to, reference);
    return result({ ...state, pending: { ask: "box_to", box: found } }, "ready", ["box_where", { box: place.code }], {
      text: ["scan_target", {}], tick: true, ways: [...ways, { word: "way_out_of_box", reply: { way: "out_of_box", place: found.place } }, { word: "way_skip", reply: { way: "skip" } }],
    });
  }
  if (state.mode === "pick") return result({ ...state, place: found.place, pending: ways.length ? { ask: "box_in" } : null }, "ready", ["from_is", { place: place.code }], { tick: true, ways });
  if (state.mode === "load") return refuse(state, ["parcels_only", {}]);
  return at(state, place, reference);
}

/* ---- new boxes ---- */

/* Nobody has scanned this box yet. One with a number of ours stands elsewhere, or was misread; any other may be new. */
function unknownBox(state, scanned, reference) {
  const code = `…${scanned.sscc.slice(-6)}`;
  if (!["receive", "move", "pick"].includes(state.mode) || reference.ours(scanned.sscc) || forTransfer(state)) return refuse(state, ["no_box", { code }], { text: ["no_box_here", {}] });
  const opens = (kind) => ({ way: "new_box", kind, sscc: scanned.sscc });
  return result({ ...state, half: null, pending: state.pending?.ask === "to" ? state.pending : { ask: "box", scanned } }, "attention", ["box_is_new", { code }], {
    text: ["doubt_unknown_box", {}], ways: [{ word: "way_new_box", icon: "package", reply: opens("box"), first: true }, { word: "way_new_pallet", icon: "stack-2", reply: opens("pallet") }, { word: "way_again", reply: { way: "again" } }],
  });
}

const forTransfer = (state) => state.document?.kind === "transfer";
const named = (box) => (box.id ? { box_id: box.id } : { box_operation_id: box.op });

/** Open a box where one works: what waits for a place goes into it, and so does what is scanned next. */
function newBox(state, pending, { kind = "box", sscc = null, at: chosen = null }, reference, now = Date.now()) {
  const rows = pending?.ask === "to" || pending?.ask === "box_at" ? (pending.rows ?? null) : null;
  const where = chosen ?? state.to ?? rows?.from ?? state.place;
  if (where === null) return result({ ...state, pending: { ask: "box_at", rows, box: { kind, sscc } } }, "ready", ["box_where_new", {}], { text: ["scan_place", {}], tick: true });
  const outer = reference.boxOfPlace.get(where);
  const stands = outer ? outer.root : where;
  const effect = { t: "open", op: "$opened", sscc, kind, at: stands };
  const payload = { kind, place_id: stands, ...(sscc ? { sscc } : {}) };
  const line = { quantity: 1, unit: null, title: [`new_${kind}`, {}], text: ["at_place", { place: reference.code(stands) }] };
  const opened = operation("open_box", payload, line, [effect], { kind: "dissolve_box", payload: { box_operation_id: "$line" } });
  const place = "new:$opened";
  const into = state.mode === "receive" ? { place } : { to: place };
  const next = { ...state, ...into, outside: state.mode === "receive" ? state.place : state.to, pending: null };
  const told = { text: ["box_fill", { place: reference.code(stands) }], operations: [opened] };
  // The label of a sender's pallet may say what is on it: it is taken in with it.
  const content = state.mode === "receive" && pending?.scanned?.gtin ? { ...pending.scanned, kind: "gs1" } : null;
  if (!rows && !content) return result(next, "good", [`new_${kind}`, {}], told);
  reference.apply(effect);
  const filled = rows ? moved(next, rows, place, reference) : product(next, content, reference, now);
  reference.apply(effect, -1);
  return { ...filled, operations: [opened, ...filled.operations] };
}

/** The open box that is being filled; null where none is. */
export function filling(state, reference) {
  const found = reference.boxOfPlace.get(reference.at(state.mode === "receive" ? state.place : state.to));
  return found && found.state === "open" && !forTransfer(state) ? found : null;
}

function closeBox(state, reference) {
  const found = filling(state, reference);
  if (!found) return result(state, "ready", ["ready", {}]);
  const code = reference.code(found.place);
  const line = { quantity: 1, unit: null, title: ["box_named", { box: code }], text: ["closed", {}] };
  const shut = operation("close_box", named(found), line, [{ t: "shut", place: found.place, state: "closed", was: "open" }], { kind: "reopen_box", payload: named(found) });
  const outside = state.outside ?? (state.mode === "receive" ? found.root : state.mode === "pick" ? reference.placeOfKind("staging")?.id : null) ?? null;
  return result({ ...state, ...(state.mode === "receive" ? { place: outside } : { to: outside }), outside: null }, "good", ["box_closed", { box: code }], { text: ["scan_on", {}], operations: [shut] });
}

function boxMoved(state, found, to, reference, reason = null) {
  const code = reference.code(found.place);
  if (found.place === to || found.stands === to) return refuse(state, ["same_place", { place: reference.code(to) }]);
  const way = crossing(reference, found.place, to);
  if (way && !reason) return whyApart(state, way, { box: found, to }, code);
  const line = { quantity: 1, unit: null, title: ["box_named", { box: code }], text: ["to_place", { place: reference.code(to) }] };
  const deed = (place) => {
    const into = reference.boxOfPlace.get(place);
    if (into && !into.id) return { kind: "nest_box", payload: { ...named(found), into_box_operation_id: into.op } };
    return { kind: "move_box", payload: { ...named(found), to_place_id: place, ...(reason ? { reason } : {}) } };
  };
  const { kind, payload } = deed(to);
  return result({ ...state, pending: null }, "good", ["box_moved", { box: code }], {
    text: ["to_place", { place: reference.code(to) }], quantity: "1", operations: [operation(kind, payload, line, [{ t: "box", place: found.place, at: to, was: found.stands }], deed(found.stands))],
  });
}

/* ---- into quarantine, and out of it ---- */

/** Why: the word that is chosen is kept as the reason. */
const APART = { into: ["damaged", "expired", "doubtful"], out_of: ["checked", "sorted"] };

/** Which way something crosses the border of quarantine: "into", "out_of", or null. */
function crossing(reference, from, to) {
  const [here, there] = [from, to].map((id) => reference.places.get(reference.boxOfPlace.get(id)?.root ?? id)?.kind === "quarantine");
  return here === there ? null : there ? "into" : "out_of";
}

function whyApart(state, way, pending, what) {
  return result({ ...state, times: 1, pending: { ask: "apart", ...pending } }, "attention", [`why_${way}_quarantine`, { what }], {
    ways: APART[way].map((reason, at) => ({ word: `apart_${reason}`, reply: { way: "apart", reason }, first: at === 0 })),
  });
}

/* ---- products and lots ---- */

const waits = (state, now) => Boolean(state.half) && now - state.half.at <= PATIENCE;
const disagree = (one, other) => Boolean((one.batch && other.batch && one.batch !== other.batch) || (one.expires_on && other.expires_on && one.expires_on !== other.expires_on));

/* What two codes say together: a product and its lot, or a lot and its day. */
function joined(scanned, other) {
  const marked = scanned.uncertain ? scanned : other;
  const dated = scanned.expires_on ? scanned : other;
  return {
    ...scanned, batch: scanned.batch ?? other.batch, expires_on: dated.expires_on, use_by: dated.use_by, count: scanned.count ?? other.count,
    uncertain: marked.uncertain, reason: marked.reason, typed: Boolean(scanned.typed || other.typed),
  };
}
const merged = (state, scanned, now) => (waits(state, now) ? joined(scanned, state.half) : scanned);

function half(state, alone, reference, now) {
  const { pending, last } = state;
  const scanned = waits(state, now) && !disagree(alone, state.half) ? joined(alone, state.half) : alone;
  if (pending?.ask === "expiry" && scanned.expires_on) {
    return product({ ...state, pending: null }, { ...pending.scanned, batch: pending.scanned.batch ?? scanned.batch, expires_on: scanned.expires_on, use_by: scanned.use_by }, reference, now, pending.chosen);
  }
  if (pending?.ask === "expiry") {
    return result({ ...state, pending: { ...pending, scanned: { ...pending.scanned, batch: scanned.batch } } }, "ready", ["when_expires", {}], { text: ["lot_is", { lot: scanned.batch }], ask: "expiry", tick: true });
  }
  if (state.mode === "receive" && last && !last.scanned.batch && now - last.at <= PATIENCE && !disagree(last.scanned, scanned)) {
    // The lot came after its product: the line is taken back and written again with it, so that both stay in the history.
    const whole = { ...joined(last.scanned, scanned), pieces: last.pieces, sure: scanned.sure };
    const asked = questioned(state, whole, last.chosen, reference, { half: scanned });
    if (asked) return asked;
    const again = receive({ ...state, last: null, half: null }, whole, last.chosen, reference, now, state.place);
    return again.operations.length ? { ...again, amends: last.id, title: ["with_lot", { item: last.chosen.item.name }] } : again;
  }
  return result({ ...state, half: { ...scanned, at: now } }, "ready", ["lot_waits", { lot: scanned.batch ?? reference.day(scanned.expires_on) }], { text: ["now_product", {}], tick: true });
}

/* ---- what the grammar doubts ---- */

/* Makers' lot numbers of an item that this warehouse knows. */
const lotsOf = (item, reference) => new Set(reference.lots.filter((row) => row.item === item.id && row.batch).map((row) => row.batch));
const sureKey = (doubt, { gtin, batch, expires_on, reason }) => [doubt, gtin, ...(doubt === "uncertain" ? [batch, expires_on, reason] : doubt === "unknown_lot" ? [batch] : [])].join("/");

/** What is doubted of a product's code, and not answered yet. A typed likeness is asked each time: the next may be the other. */
function doubted(state, scanned, { item }, reference) {
  if (!scanned.gtin) return [];
  const found = doubts(scanned, { gtins: reference.packs, lots: lotsOf(item, reference), typed: Boolean(scanned.typed) });
  return found.filter((doubt) => doubt !== "unknown_gtin" && !scanned.sure?.includes(doubt) && !state.sure.includes(sureKey(doubt, scanned)));
}

/** The question that stands before a booking; null where nothing needs to be asked. */
function questioned(state, scanned, chosen, reference, more = {}) {
  const { item } = chosen;
  const coming = state.mode === "receive" || state.mode === "count";
  const known = lotsOf(item, reference);
  // A new lot number is no wonder where goods come in, unless it is one slip away from one that is known.
  const slipped = scanned.batch && [...known].some((each) => alike(each, scanned.batch));
  const asks = { uncertain: true, similar_gtin: true, similar_lot: true, unknown_lot: !coming || slipped, missing_lot: false };
  const doubt = doubted(state, scanned, chosen, reference).find((each) => asks[each]);
  if (!doubt) return null;
  const pending = { ask: "doubt", doubt, scanned, chosen, ...more };
  const look = { word: "way_again", reply: { way: "again" } };
  if (scanned.reason === "no_count" && doubt === "uncertain") {
    return result({ ...state, half: null, pending }, "attention", ["name", { name: item.name }], { text: ["grammar_no_count", {}], ways: [{ word: "way_count_them", reply: { way: "count_them" }, first: true }, look] });
  }
  const ofLot = ["unknown_lot", "similar_lot"].includes(doubt) || scanned.reason === "swallowed";
  const likely = doubt === "unknown_lot" && slipped ? "similar_lot" : doubt;
  return result({ ...state, half: null, pending }, "attention", ofLot ? ["is_it_lot", { lot: scanned.batch }] : doubt === "uncertain" && scanned.reason === "odd_date" ? ["is_it_day", { day: reference.day(scanned.expires_on) }] : ["is_it_item", { item: item.name }], {
    text: [doubt === "uncertain" ? `grammar_${scanned.reason}` : `doubt_${likely}`, {}],
    ways: [{ word: "way_as_label", reply: { way: "sure" }, first: true }, look],
  });
}

/** The label says so: the doubt is answered, for this work where it would come again with each pack. */
function believed(state, pending, reference, now) {
  const { doubt, scanned, chosen } = pending;
  const typedOnly = doubt.startsWith("similar");
  const next = typedOnly ? state : { ...state, sure: [...state.sure, sureKey(doubt, scanned)] };
  const sure = [...(scanned.sure ?? []), doubt];
  if (pending.half) return half(next, { ...pending.half, sure }, reference, now);
  return product(next, { ...scanned, sure }, reference, now, chosen);
}

/** What is said in amber beside a booking: [title, text, way]; null where all is well. */
function remarked(state, scanned, chosen, reference) {
  const [doubt] = doubted(state, scanned, chosen, reference);
  if (doubt === "unknown_lot") return { title: ["new_lot", { lot: scanned.batch }], text: ["doubt_unknown_lot", {}] };
  if (doubt === "missing_lot") return { title: ["without_lot", { item: chosen.item.name }], text: ["doubt_missing_lot", {}], way: { word: "way_no_lot", reply: { way: "no_lot", key: sureKey("missing_lot", scanned) } } };
  return null;
}

function ownLot(state, scanned, reference, now) {
  if (state.mode === "receive" && state.document?.kind === "transfer") return came(state, scanned, { lot: scanned.id }, reference);
  const rows = reference.lots.filter((row) => row.lot === scanned.id);
  if (!rows.length) return refuse(state, ["no_lot", { lot: scanned.code }], { text: ["no_lot_here", {}] });
  const item = reference.items.get(rows[0].item);
  if (state.mode === "receive" && state.document?.kind !== "transfer") return refuse(state, ["lot_is_here", { lot: scanned.code }], { text: ["lot_is_here_why", { item: item?.name ?? "" }] });
  if (!item) return refuse(state, ["no_lot", { lot: scanned.code }]);
  return product(state, { ...scanned, lot: scanned.id, expires_on: null }, reference, now, { item, quantity: 1 });
}

function product(state, scanned, reference, now, chosen = null) {
  if (state.mode === "load" || state.mode === "bring_back") return refuse(state, ["parcels_only", {}]);
  const found = chosen ?? reference.packs.get(scanned.gtin);
  if (!found && scanned.reason === "shop_number" && state.mode !== "look") {
    // Another shop uses the number for something else: it is never learnt, the item is chosen by its name.
    return result({ ...state, half: null, pending: { ask: "item", scanned: { ...scanned, sure: ["uncertain"] } } }, "attention", ["new_code", {}], { text: ["grammar_shop_number", {}], ways: [{ word: "way_choose_item", reply: { way: "choose_item" }, first: true }, { word: "way_skip", reply: { way: "skip" } }] });
  }
  if (!found) {
    if (state.mode === "receive" || state.mode === "count") {
      return result({ ...state, half: null, pending: { ask: "learn", scanned } }, "attention", ["new_code", {}], { text: ["new_code_once", {}], ask: "learn" });
    }
    return refuse(state, ["new_code", {}], { text: ["new_code_elsewhere", {}] });
  }
  const next = { ...state, half: null };
  const asked = questioned(next, scanned, found, reference);
  if (asked) return asked;
  if (state.mode === "receive" && state.document?.kind === "transfer") return came(next, scanned, { item: found.item.id }, reference);
  if (state.mode === "receive") return receive(next, scanned, found, reference, now);
  if (state.mode === "count") return count(next, scanned, found, reference);
  return take(next, scanned, found, reference, now);
}

const piecesOf = (state, scanned, { quantity }) => scanned.pieces ?? (scanned.quantity ?? state.times) * quantity * (scanned.count ?? 1);
const daysUntil = (iso, now) => Math.round((Date.parse(`${iso}T00:00:00Z`) - Date.parse(`${isoDay(now)}T00:00:00Z`)) / 86_400_000);
export const isoDay = (now) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Budapest" }).format(new Date(now));

function receive(state, scanned, chosen, reference, now, placeAfter = undefined) {
  const { item } = chosen;
  if (state.place === null) return result({ ...state, pending: { ask: "place", scanned, chosen } }, "ready", ["where_to", { item: item.name }], { text: ["scan_place", {}], tick: true });
  let { expires_on, use_by } = scanned;
  const repeated = !expires_on && state.last && state.last.scanned.gtin === scanned.gtin && scanned.gtin && state.last.scanned.expires_on;
  if (repeated) ({ expires_on, use_by } = state.last.scanned);
  if (item.tracked && !expires_on) {
    return result({ ...state, pending: { ask: "expiry", scanned, chosen } }, "attention", ["when_expires", {}], { text: ["of_item", { item: item.name }], ask: "expiry" });
  }
  const told = { ...scanned, expires_on, use_by };
  const place = reference.places.get(state.place) ?? { id: state.place, kind: "box" };
  const left = expires_on ? daysUntil(expires_on, now) : null;
  if (left !== null && left < 0 && place.kind !== "quarantine") {
    return result({ ...state, pending: { ask: "expired", scanned: told, chosen } }, "refused", ["expired", {}], {
      text: ["expired_on", { item: item.name, day: reference.day(expires_on) }],
      ways: [
        { word: "way_quarantine", icon: "barrier-block", reply: { way: "quarantine" }, first: true },
        ...(repeated || scanned.asked ? [{ word: "way_other_day", reply: { way: "other_expiry" } }] : []), { word: "way_skip", reply: { way: "skip" } },
      ],
    });
  }
  const pieces = piecesOf(state, scanned, chosen);
  if (!(pieces >= 1 && pieces <= 1_000_000_000)) return refuse(state, ["too_many", {}]);
  const offer = state.document?.kind === "offer" ? reference.offers.get(state.document.id) : null;
  const line = offer?.lines.find((each) => each.item === item.id);
  const box = reference.boxOfPlace.get(state.place);
  const into = box && !box.id ? { box_operation_id: box.op } : { place_id: state.place };
  const payload = { item_id: item.id, quantity: pieces, ...into };
  if (expires_on) Object.assign(payload, { expires_on, use_by: Boolean(use_by) });
  if (scanned.batch) payload.batch = scanned.batch;
  if (offer) payload.source = offer.code;
  if (line?.value_huf != null) payload.unit_value_huf = line.value_huf;
  const effects = [{ t: "lot", op: "$op", item: item.id, place: state.place, by: pieces, expires_on, use_by, batch: scanned.batch, state: place.kind === "quarantine" ? "quarantined" : "free" }];
  if (line) effects.push({ t: "offer", id: offer.id, item: item.id, by: pieces });
  const done = operation(into.place_id ? "receive" : "receive_into_box", payload, { quantity: pieces, unit: item.unit, title: item.name, text: ["into_place", { place: reference.code(state.place) }] }, effects, "reverse");
  let [tone, title] = ["good", null];
  if (left !== null && left < 0) [tone, title] = ["attention", ["in_quarantine", {}]];
  else if (left !== null && left < Math.max(SOON_DAYS, item.daysMin)) [tone, title] = ["attention", ["taken_soon", {}]];
  else if (offer && !line) [tone, title] = ["attention", ["taken_not_offered", {}]];
  else if (line && line.arrived + pieces > line.quantity) [tone, title] = ["attention", ["taken_more", { arrived: reference.number(line.arrived + pieces), offered: reference.number(line.quantity) }]];
  const remark = remarked(state, scanned, chosen, reference);
  if (tone === "good" && remark) [tone, title] = ["attention", remark.title];
  const facts = { item: item.name, size: reference.number(chosen.quantity), times: reference.number(pieces / chosen.quantity), day: expires_on ? reference.day(expires_on) : "", days: left ?? "" };
  let text = expires_on ? (left >= 0 && left < Math.max(SOON_DAYS, item.daysMin) ? ["days_left", facts] : ["times_size_expires", facts]) : ["times_size", facts];
  if (title && text[0] !== "days_left") text = expires_on ? ["item_expires", facts] : ["of_item", facts];
  if (remark && title === remark.title) text = remark.text;
  const kept = { ...state, times: 1, place: placeAfter ?? state.place, last: { scanned: told, chosen, pieces, at: now, id: null }, pending: null };
  const ways = [...(repeated ? [{ word: "way_other_day", reply: { way: "undo_and_ask" } }] : []), ...(remark?.way ? [remark.way] : [])];
  return result(kept, tone, title ?? ["name", { name: item.name }], { text, quantity: `+${reference.number(pieces)}`, operations: [done], ways, receipt: true });
}

/* ---- what another warehouse sent ---- */

function came(state, scanned, { lot, item }, reference) {
  if (typeof state.place === "string") return refuse(state, ["not_sent_yet", {}], { text: ["box_not_sent", {}] });
  const transfer = reference.transfers.get(state.document.id);
  const parts = (transfer?.lots ?? []).filter((part) => (lot === undefined || part.lot === lot) && (item === undefined || part.item === item) && (!scanned.expires_on || !part.expires_on || part.expires_on === scanned.expires_on));
  const [part] = parts.filter((each) => !each.received);
  if (!part) return refuse(state, parts.length ? ["came_already", {}] : ["not_in_transfer", { transfer: transfer?.code ?? "" }], { text: ["not_in_transfer_why", {}] });
  const of = reference.items.get(part.item);
  return result({ ...state, pending: { ask: "came", part } }, "attention", ["how_many_came", { item: of?.name ?? "" }], {
    text: ["sent_were", { quantity: reference.number(part.quantity), unit: of?.unit ?? "" }],
    ways: [{ word: "way_all_came", facts: { quantity: reference.number(part.quantity) }, reply: { way: "came", quantity: part.quantity }, first: true }, { word: "way_other_number", reply: { way: "count_came" } }],
  });
}

function cameIn(state, part, quantity, reason, reference) {
  const item = reference.items.get(part.item);
  if (quantity !== part.quantity && !reason) {
    return result({ ...state, pending: { ask: "came_why", part, quantity } }, "attention", ["why_differs", { wanted: reference.number(part.quantity), came: reference.number(quantity) }], {
      ways: ["missing", "damaged", "miscounted"].map((each, at) => ({ word: `differs_${each}`, reply: { way: "came", quantity, reason: each }, first: at === 0 })),
    });
  }
  const payload = { transfer_id: state.document.id, transfer_lot_id: part.row, received: quantity };
  if (reason) payload.reason = reason;
  if (state.place) payload.to_place_id = state.place;
  const line = { quantity, unit: item?.unit ?? null, title: item?.name ?? "", text: ["into_place", { place: reference.code(state.place) }] };
  const effects = [{ t: "came", id: state.document.id, row: part.row, by: quantity }];
  if (quantity) effects.push({ t: "lot", lot: part.lot, item: part.item, place: state.place, by: quantity, expires_on: part.expires_on });
  return result({ ...state, pending: null, times: 1 }, reason ? "attention" : "good", reason ? ["booked_look", {}] : ["name", { name: item?.name ?? "" }], {
    text: ["of_sent", { quantity: reference.number(part.quantity) }], quantity: `+${reference.number(quantity)}`, operations: [operation("receive_transfer_line", payload, line, effects, null)],
  });
}

/** Move, pick or write off: which rows give it, then where to, or why. */
function take(state, scanned, chosen, reference, now) {
  const { item } = chosen;
  const wanted = piecesOf(state, scanned, chosen);
  const transfer = pickedFor(state);
  const filter = { item: item.id, lot: scanned.lot, batch: scanned.batch, expires_on: scanned.expires_on, transfer };
  const off = state.mode === "write_off";
  const everywhere = reference.rowsOf(filter).filter((row) => row.place !== state.to);
  let from = state.place;
  if (from === null) {
    const places = [...new Set(everywhere.map((row) => row.place))];
    if (!places.length) return refuse(state, ["none_here", { item: item.name }], { text: ["none_here_why", {}] });
    if (places.length > 1 && state.mode !== "pick") {
      return result({ ...state, pending: { ask: "from", scanned, chosen } }, "attention", ["from_where", { item: item.name }], {
        text: ["from_where_choose", {}],
        ways: places.slice(0, 5).map((place, at) => ({
          word: "way_from", facts: { place: reference.code(place), available: reference.number(sum(everywhere.filter((row) => row.place === place))) }, reply: { way: "from", place }, first: at === 0,
        })),
      });
    }
    [from] = places;
  }
  const lotKey = `${scanned.gtin}@${from}`;
  const said = state.lots[lotKey];
  const lying = everywhere.filter((row) => row.place === from);
  const rows = said ? lying.filter((row) => sameLot(row) === said) : lying;
  const kinds = [...new Map(rows.map((row) => [sameLot(row), row])).entries()];
  if (kinds.length > 1 && !scanned.lot && scanned.gtin) return whichLot({ ...state, pending: { ask: "lot", scanned, chosen } }, item, kinds, lotKey, reference);
  const there = sum(rows);
  if (!there && !scanned.certain) {
    const elsewhere = [...new Set(everywhere.map((row) => row.place))].slice(0, 3);
    const [first] = reference.lots.filter((row) => row.item === item.id && (!scanned.lot || row.lot === scanned.lot));
    return refuse({ ...state, pending: { ask: "short", scanned, chosen } }, ["none_at", { item: item.name, place: reference.code(from) }], {
      text: elsewhere.length ? ["it_is_at", { places: elsewhere.map((place) => reference.code(place)).join(", ") }] : ["none_here_why", {}],
      ways: [
        ...elsewhere.slice(0, 1).map((place) => ({ word: "way_from", facts: { place: reference.code(place), available: reference.number(sum(everywhere.filter((row) => row.place === place))) }, reply: { way: "from", place }, first: true })),
        ...(first && !elsewhere.length && !off ? [{ word: "way_it_is_here", reply: { way: "all_the_same" }, first: true }] : []),
        { word: "way_skip", reply: { way: "skip" } },
      ],
    });
  }
  if (there < wanted && !scanned.certain) {
    return refuse({ ...state, pending: { ask: "short", scanned: { ...scanned, pieces: wanted }, chosen } }, ["too_few", { wanted: reference.number(wanted), available: reference.number(there) }], {
      text: ["of_item_at", { item: item.name, place: reference.code(from) }],
      ways: [
        { word: "way_take", facts: { quantity: reference.number(there) }, reply: { way: "less", pieces: there }, first: true },
        ...(off ? [{ word: "way_skip", reply: { way: "skip" } }] : [{ word: "way_it_is_here", reply: { way: "all_the_same" } }]),
      ],
    });
  }
  const parts = [];
  let rest = wanted;
  for (const row of rows) {
    if (rest <= 0) break;
    const by = Math.min(rest, row.available);
    parts.push({ row, by });
    rest -= by;
  }
  if (rest > 0) {
    const row = rows.at(-1) ?? { ...reference.lots.find((each) => each.item === item.id && (!scanned.lot || each.lot === scanned.lot)), place: from };
    const same = parts.find((part) => part.row === row);
    if (same) same.by += rest;
    else parts.push({ row, by: rest });
  }
  const doubt = doubted(state, scanned, chosen, reference).includes("missing_lot") && said;
  const taken = { parts, item, from, certain: Boolean(scanned.certain), told: doubt ? lotKey : null };
  if (off) return whyOff({ ...state, times: 1, pending: { ask: "write_off", rows: taken } }, taken, wanted, reference, now);
  const older = state.mode === "pick" ? reference.rowsOf({ item: item.id, transfer }).find((row) => row.state === "free" && row.expires_on && row.place !== from && row.place !== state.to && parts.every((part) => (part.row.expires_on ?? "9999") > row.expires_on)) : null;
  if (state.to !== null) return moved({ ...state, times: 1 }, taken, state.to, reference, older);
  return result({ ...state, times: 1, pending: { ask: "to", rows: taken, scanned, chosen } }, "ready", ["name", { name: item.name }], {
    text: ["scan_target_from", { place: reference.code(from) }], quantity: reference.number(wanted), tick: true, ways: [{ word: "way_skip", reply: { way: "skip" } }],
  });
}

/** The transfer that is picked for: what is reserved for it may be taken, and is reserved for it in staging again. */
const pickedFor = (state) => (state.mode === "pick" && state.document?.kind === "transfer" ? state.document.id : null);
const sameLot = (row) => `${row.batch ?? ""}/${row.expires_on ?? ""}`;

/* Several lots of it lie there, and the code does not say which is in the hand. */
function whichLot(state, item, kinds, key, reference) {
  const told = (row) => [row.batch, row.expires_on ? reference.day(row.expires_on) : null].filter(Boolean).join(" · ") || "–";
  return result(state, "attention", ["which_lot", { item: item.name }], {
    text: ["doubt_missing_lot", {}],
    ways: [...kinds.slice(0, 5).map(([lot, row], at) => ({ word: "way_lot", facts: { lot: told(row) }, reply: { way: "lot", key, row: lot }, first: at === 0 })), { word: "way_skip", reply: { way: "skip" } }],
  });
}

/* ---- what can no longer be given ---- */

function whyOff(state, { parts, item, from }, wanted, reference, now) {
  const expired = parts.every(({ row }) => row.expires_on && row.expires_on < isoDay(now));
  const reasons = expired ? REASONS : [...REASONS.slice(1), REASONS[0]];
  return result(state, "attention", ["why_off", { quantity: reference.number(wanted), unit: item.unit, item: item.name }], {
    text: ["at_place", { place: reference.code(from) }], ways: reasons.map((reason, at) => ({ word: `off_${reason}`, reply: { way: "write_off", reason }, first: at === 0 })),
  });
}

function writtenOff(state, { parts, item, from }, reason, reference) {
  const total = parts.reduce((all, part) => all + part.by, 0);
  const lines = parts.map(({ row, by }) => ({ ...(row.lot ? { lot_id: row.lot } : { lot_operation_id: row.op }), place_id: from, quantity: by }));
  const effects = parts.map(({ row, by }) => ({ t: "lot", lot: row.lot ?? undefined, op: row.lot ? undefined : row.op, item: item.id, place: from, by: -by, held: true }));
  const line = { quantity: total, unit: item.unit, title: item.name, text: [`off_${reason}`, {}] };
  return result(state, "good", ["off_proposed", { item: item.name }], {
    text: ["off_decided_later", {}], quantity: reference.number(total), ways: [{ word: "way_photo", icon: "camera", reply: { way: "photo" }, first: true }],
    operations: [operation("propose_write_off", { reason, lines }, line, effects, { kind: "withdraw_write_off", payload: { proposal_operation_id: "$line" } })],
  });
}

const sum = (rows) => rows.reduce((total, row) => total + row.available, 0);

function moved(state, taken, to, reference, older = null) {
  const { parts, item, from, certain, reason = null, told = null } = taken;
  if (from === to) return refuse({ ...state, pending: { ask: "to", rows: taken } }, ["same_place", { place: reference.code(to) }]);
  const way = state.mode === "move" ? crossing(reference, from, to) : null;
  if (way && !reason) return whyApart(state, way, { rows: taken, to }, item.name);
  const kinds = [reference.places.get(from)?.kind, reference.places.get(to)?.kind];
  const kind = state.mode === "pick" ? "pick" : kinds[0] === "dock" && kinds[1] === "shelf" ? "put_away" : "move";
  const transfer = pickedFor(state);
  const [intoBox, outOfBox] = [reference.boxOfPlace.get(to), reference.boxOfPlace.get(from)];
  const unsent = outOfBox && !outOfBox.id && (intoBox || transfer);
  if (unsent || (transfer && parts.some(({ row }) => !row.lot))) return refuse(state, ["not_sent_yet", {}], { text: ["not_sent_yet_why", {}] });
  const operations = parts.map(({ row, by }) => {
    const lot = row.lot ? { lot_id: row.lot } : { lot_operation_id: row.op };
    let [deed, payload, undo] = [kind, { ...lot, quantity: by, from_place_id: from, to_place_id: to }, "reverse"];
    if (transfer) [deed, payload, undo] = ["pick_transfer", { transfer_id: transfer, lot_id: row.lot, from_place_id: from, quantity: by }, { kind: "unpick_transfer", payload: { picked_operation_id: "$line" } }];
    else if (intoBox) [deed, payload] = ["fill_box", { ...named(intoBox), ...lot, from_place_id: from, quantity: by }];
    else if (outOfBox) [deed, payload] = ["empty_box", { ...named(outOfBox), ...lot, to_place_id: to, quantity: by }];
    if (certain) payload.done = true;
    if (reason) payload.reason = reason;
    const same = { lot: row.lot ?? undefined, op: row.lot ? undefined : row.op, item: item.id, expires_on: row.expires_on, use_by: row.use_by, batch: row.batch, state: row.state };
    const held = transfer ? Math.min(by, reference.reservedFor(transfer, { lot: row.lot, place: from })) : 0;
    const [outOf, into] = transfer ? [{ transfer, reserved: -held }, { transfer, reserved: by }] : [{}, {}];
    const effects = [{ t: "lot", ...same, place: from, by: -by, ...outOf }, { t: "lot", ...same, place: to, by, ...into }];
    return operation(deed, payload, { quantity: by, unit: item.unit, title: item.name, text: ["from_to", { from: reference.code(from), to: reference.code(to) }] }, effects, undo);
  });
  const total = parts.reduce((all, part) => all + part.by, 0);
  const day = parts[0].row.expires_on;
  const next = { ...state, times: 1, pending: null };
  if (older) {
    return result(next, "attention", ["older_there", { place: reference.code(older.place), day: reference.day(older.expires_on) }], { text: ["of_item", { item: item.name }], quantity: reference.number(total), operations });
  }
  const ways = told ? [{ word: "way_other_lot", reply: { way: "other_lot" } }] : [];
  if (certain) return result(next, "attention", ["booked_look", {}], { text: ["of_item", { item: item.name }], quantity: reference.number(total), operations });
  return result(next, "good", ["name", { name: item.name }], {
    text: day ? ["to_place_expires", { place: reference.code(to), day: reference.day(day) }] : ["to_place", { place: reference.code(to) }], quantity: reference.number(total), operations, ways,
  });
}

/* ---- parcels ---- */

function parcel(state, scanned, reference) {
  const found = reference.parcels.get(scanned.id);
  if (state.mode === "load") return load(state, scanned, found, reference);
  if (state.mode === "pick") return packed(state, scanned, found, reference);
  if (state.mode !== "bring_back") return refuse(state, ["other_work", { code: scanned.code }], { text: ["work_parcel", {}] });
  if (!found) return refuse(state, ["no_parcel", { parcel: scanned.code }], { text: ["no_parcel_here", {}] });
  if (!["loaded", "partly"].includes(found.state)) return refuse(state, ["not_on_vehicle", { parcel: found.code }]);
  return result({ ...state, pending: { ask: "reason", parcel: found } }, "attention", ["why_back", { parcel: found.code }], {
    ways: ["nobody_home", "refused", "damaged", "other"].map((reason, at) => ({ word: `back_${reason}`, reply: { way: "reason", reason }, first: at === 0 })),
  });
}

/* What lies on the pick list for it was taken: it stands in staging, and stays reserved there. Packed twice, it stays packed. */
function packed(state, scanned, found, reference) {
  if (!found) return refuse(state, ["no_parcel", { parcel: scanned.code }], { text: ["no_parcel_to_load", {}] });
  if (found.state !== "planned") return refuse(state, ["cannot_pack", { parcel: found.code }], { text: ["cannot_pack_why", {}] });
  const { run } = found;
  const payload = { parcel_id: found.id };
  if (state.to !== null) payload.to_place_id = state.to;
  const line = { quantity: 1, unit: null, title: ["parcel_named", { parcel: found.code }], text: ["to_place", { place: reference.code(state.to) }] };
  return result(state, "good", ["parcel_packed", { parcel: found.code }], { text: ["on_run", { run: run.code, plate: run.plate }], quantity: "1", operations: [operation("pack_parcel", payload, line, [], null)] });
}

function load(state, scanned, found, reference) {
  if (!found) return refuse(state, ["no_parcel", { parcel: scanned.code }], { text: ["no_parcel_to_load", {}] });
  const { run } = found;
  const on = state.document?.id ?? run.id;
  if (run.id !== on) return refuse(state, ["other_run", { parcel: found.code, run: run.code }], { text: ["other_run_why", { plate: run.plate }] });
  const next = { ...state, document: docOf("run", run.id) };
  if (["loaded", "partly"].includes(found.state)) return result(next, "attention", ["loaded_already", { parcel: found.code }], { text: ["nothing_changed", {}] });
  if (found.state !== "planned" || !["published", "loading"].includes(run.state)) return refuse(next, ["cannot_load", { parcel: found.code }], { text: ["cannot_load_why", {}] });
  const loaded = run.parcels.filter((each) => each.state === "loaded").length + 1;
  const done = operation("load_parcel", { parcel_id: found.id, run_id: run.id }, { quantity: 1, unit: null, title: ["parcel_named", { parcel: found.code }], text: ["on_run", { run: run.code, plate: run.plate }] },
    [{ t: "parcel", id: found.id, state: "loaded", was: "planned" }], { kind: "unload_parcel", payload: { parcel_id: found.id } });
  const all = loaded === run.parcels.length;
  return result(next, "good", [all ? "all_loaded" : "parcel_loaded", { parcel: found.code, run: run.code }], {
    text: ["on_run", { run: run.code, plate: run.plate }], quantity: `${loaded}/${run.parcels.length}`, operations: [done],
  });
}

function bringBack(state, found, reference, reason) {
  const payload = { parcel_id: found.id, reason };
  if (state.place) payload.to_place_id = state.place;
  const done = operation("bring_back_parcel", payload, { quantity: 1, unit: null, title: ["parcel_named", { parcel: found.code }], text: [`back_${reason}`, {}] }, [{ t: "parcel", id: found.id, state: "brought_back", was: found.state }], null);
  return result(state, "good", ["parcel_back", { parcel: found.code }], { text: [`back_${reason}`, {}], quantity: "1", operations: [done] });
}

/* ---- counting ---- */

function count(state, scanned, chosen, reference) {
  const { item } = chosen;
  if (state.document?.kind !== "stocktake") return refuse(state, ["which_stocktake", {}], { text: ["which_stocktake_why", {}] });
  if (state.place === null) return result({ ...state, pending: { ask: "place", scanned, chosen } }, "ready", ["count_where", {}], { text: ["scan_place", {}], tick: true });
  const stocktake = reference.stocktakes.get(state.document.id);
  // A box is counted with the place that it stands on.
  const stands = reference.boxOfPlace.get(state.place)?.root;
  if (stocktake?.places.length && !stocktake.places.includes(state.place) && !stocktake.places.includes(stands)) return refuse(state, ["not_counted", { place: reference.code(state.place) }]);
  if (reference.closed.has(`${state.document.id}/${state.place}`)) return refuse(state, ["counted_already", { place: reference.code(state.place) }]);
  const lotKey = `${scanned.gtin}@${state.place}`;
  const said = state.lots[lotKey];
  const rows = reference.lots.filter((row) => row.item === item.id && row.place === state.place && row.lot && (!said || sameLot(row) === said) && (!scanned.lot || row.lot === scanned.lot) && (!scanned.batch || row.batch === scanned.batch) && (!scanned.expires_on || !row.expires_on || row.expires_on === scanned.expires_on));
  if (rows.length > 1 && !scanned.lot) {
    const days = new Set(rows.map((row) => `${row.expires_on}/${row.batch}`));
    if (days.size > 1 && !scanned.asked && item.tracked) {
      return result({ ...state, pending: { ask: "expiry", scanned, chosen } }, "attention", ["when_expires", {}], { text: ["of_item", { item: item.name }], ask: "expiry" });
    }
  }
  const kinds = [...new Map(rows.map((row) => [sameLot(row), row])).entries()];
  if (kinds.length > 1 && !scanned.lot && scanned.gtin) return whichLot({ ...state, pending: { ask: "lot", scanned, chosen } }, item, kinds, lotKey, reference);
  const lot = scanned.lot ?? rows[0]?.lot ?? null;
  const nowhere = scanned.batch && !rows.length ? { title: ["lot_not_here", { lot: scanned.batch }], text: ["counted_as_item", {}] } : null;
  const remark = nowhere ?? remarked(state, scanned, chosen, reference);
  const sole = remark?.title[0] === "without_lot" && kinds.length === 1;
  const by = piecesOf(state, scanned, chosen);
  const key = { stocktake: state.document.id, place: state.place, lot, item: item.id };
  const was = reference.counts.get(countKey(key)) ?? 0;
  const payload = { stocktake_id: key.stocktake, place_id: key.place, quantity: was + by };
  if (lot) payload.lot_id = lot;
  else payload.item_id = item.id;
  const line = { quantity: by, unit: item.unit, title: item.name, text: ["counted_at", { place: reference.code(state.place) }] };
  const undo = { kind: "count", payload: { ...payload, quantity: was } };
  const amber = remark && !sole;
  return result({ ...state, times: 1, pending: null }, amber ? "attention" : "good", amber ? remark.title : ["name", { name: item.name }], {
    text: amber ? remark.text : ["counted_so_far", { counted: reference.number(was + by), unit: item.unit }], quantity: `+${reference.number(by)}`, ways: amber && remark.way ? [remark.way] : [],
    operations: [operation("count", payload, line, [{ t: "count", ...key, quantity: was + by, was }], undo)],
  });
}

/** Where this stocktake stands at the place: {stocktake, place, lines: how many were counted there}; null: nowhere yet. */
export function countingAt(state, reference) {
  if (state.mode !== "count" || state.document?.kind !== "stocktake" || typeof state.place !== "number") return null;
  const { id } = state.document;
  if (reference.closed.has(`${id}/${state.place}`)) return null;
  const lines = [...reference.counts].filter(([key, quantity]) => key.startsWith(`${id}/${state.place}/`) && quantity > 0).length;
  return { stocktake: id, place: state.place, lines };
}

/** The place is counted, or nothing is in it: asked once more, for what was not counted there is missing from then on. */
function placeDone(state, { way, sure = false }, reference) {
  const here = countingAt(state, reference);
  if (!here) return refuse(state, ["count_where", {}], { text: ["scan_place", {}] });
  const place = reference.code(here.place);
  const empty = way === "place_empty" || !here.lines;
  if (!sure) {
    return result({ ...state, pending: { ask: "place_done" } }, "attention", [empty ? "is_it_empty" : "is_it_counted", { place }], {
      text: empty ? [here.lines ? "empty_forgets" : "nothing_counted", { lines: reference.number(here.lines) }] : ["lines_counted_here", { lines: reference.number(here.lines) }],
      ways: [{ word: empty ? "way_empty" : "way_counted", reply: { way: empty ? "place_empty" : "place_counted", sure: true }, first: true }, { word: "way_not_yet", reply: { way: "skip" } }],
    });
  }
  const stocktake = reference.stocktakes.get(here.stocktake);
  const closed = { t: "closed", stocktake: here.stocktake, place: here.place };
  const payload = { stocktake_id: here.stocktake, place_id: here.place };
  const line = { quantity: null, unit: null, title: [empty ? "place_is_empty" : "place_is_counted", { place }], text: ["document_is", { code: stocktake?.code ?? "" }] };
  const left = (stocktake?.places ?? []).filter((each) => each !== here.place && !reference.closed.has(`${here.stocktake}/${each}`)).length;
  return result({ ...state, place: null, lots: {} }, "good", line.title, {
    text: stocktake?.places.length ? (left ? ["places_left", { places: reference.number(left) }] : ["all_counted", {}]) : ["scan_next_place", {}],
    operations: [operation(empty ? "count_place_empty" : "place_counted", payload, line, [closed], null)],
  });
}

/* ---- what is this ---- */

function look(state, scanned, reference) {
  const list = (rows) => rows.slice(0, 12).map((row) => ({
    title: reference.items.get(row.item)?.name ?? "", quantity: row.on_hand, unit: reference.items.get(row.item)?.unit ?? "",
    text: [row.expires_on ? "at_expires" : "at_place", { place: reference.code(row.place), day: row.expires_on ? reference.day(row.expires_on) : "" }],
  }));
  if (scanned.kind === "place") {
    const place = reference.placeByCode(scanned.code);
    if (!place) return refuse(state, ["no_place", { place: scanned.code }]);
    const rows = reference.rowsOf({ place: place.id });
    return result(state, "ready", ["place_holds", { place: place.code }], { text: rows.length ? ["lots_there", { lots: rows.length }] : ["place_empty", {}], seen: list(rows), tick: true });
  }
  if (scanned.kind === "box") {
    const found = reference.boxes.get(scanned.sscc);
    if (!found) return refuse(state, ["no_box", { code: `…${scanned.sscc.slice(-6)}` }]);
    const rows = reference.rowsOf({ place: found.place });
    return result(state, "ready", ["box_named", { box: `…${found.sscc.slice(-6)}` }], { text: ["stands_at", { place: reference.code(found.root ?? found.stands) }], seen: list(rows), tick: true });
  }
  if (scanned.kind === "parcel") {
    const found = reference.parcels.get(scanned.id);
    if (!found) return refuse(state, ["no_parcel", { parcel: scanned.code }], { text: ["no_parcel_here", {}] });
    return result(state, "ready", ["parcel_named", { parcel: found.code }], { text: ["parcel_on", { run: found.run.code, plate: found.run.plate, state: found.state }], tick: true });
  }
  if (["offer", "run", "transfer", "stocktake"].includes(scanned.kind)) return refuse(state, ["other_work", { code: scanned.code }], { text: [`work_${scanned.kind}`, {}] });
  const item = scanned.kind === "lot" ? reference.items.get(reference.lots.find((row) => row.lot === scanned.id)?.item) : reference.packs.get(scanned.gtin)?.item;
  if (!item) return scanned.kind === "lot" ? refuse(state, ["no_lot", { lot: scanned.code }]) : refuse(state, ["new_code", {}], { text: ["new_code_elsewhere", {}] });
  const rows = reference.rowsOf(scanned.kind === "lot" ? { lot: scanned.id } : { item: item.id, batch: scanned.batch });
  const total = rows.reduce((all, row) => all + row.on_hand, 0);
  return result(state, "ready", ["name", { name: item.name }], { text: ["here_in_all", { total: reference.number(total), unit: item.unit }], seen: list(rows), tick: true });
}

/** Return the operation that takes a line back; null where it cannot be. */
export function undone(line) {
  if (!line.undo) return null;
  if (line.undo === "reverse") return { kind: "reverse", payload: { reversed_operation_id: line.id, reason: "scan" } };
  return { ...line.undo, payload: JSON.parse(JSON.stringify(line.undo.payload).replaceAll('"$line"', JSON.stringify(line.id))) };
}
