/* What a scan means in each kind of work: mode × code → operations, an answer for eyes and ears, or a question.
 *
 * Pure: no page, no store, no clock of its own. `step(state, scanned, reference, now)` takes a code that the grammar has
 * read; `reply(state, answer, …)` takes what a person chose. Both return
 *   {state, tone, title: [word, facts], text?: [word, facts], quantity?, ways: [{word, facts?, reply, first?}],
 *    operations: [{kind, payload, effects, line: {quantity, unit, title, text?}, undo}], ask?}
 * tone: good · attention · refused · ready (waits for the next code, nothing was booked). Words are names in the texts.
 * An operation's id is not known here: "$op" in an effect stands for it.
 */

import { alike } from "./grammar.js";
import { countKey } from "./reference.js";

export const MODES = ["receive", "move", "pick", "load", "bring_back", "count", "look"];
const PATIENCE = 60_000;
const SOON_DAYS = 14;
const PUTS = new Set(["dock", "shelf", "staging", "quarantine", "box"]);

/** The beginning of a piece of work; `document` is the offer, run, transfer or stocktake that it is for. */
export function begin(mode, reference, document = null) {
  const state = { mode, place: null, to: null, document, times: 1, pending: null, half: null, last: null, done: [] };
  if (mode === "receive") state.place = reference.placeOfKind("dock")?.id ?? null;
  if (mode === "pick") state.to = reference.placeOfKind("staging")?.id ?? null;
  if (mode === "count" && !document && reference.stocktakes.size === 1) state.document = docOf("stocktake", [...reference.stocktakes.keys()][0]);
  return state;
}

export const docOf = (kind, id) => ({ kind, id });

const result = (state, tone, title, more = {}) => ({ state, tone, title, ways: [], operations: [], ...more });
const refuse = (state, title, more = {}) =>
  result(state, "refused", title, { ...more, ways: more.ways ?? [{ word: "way_again", reply: { way: "again" }, first: true }, { word: "way_type", reply: { way: "type" } }] });

/** Take a code that was read. */
export function step(state, scanned, reference, now = Date.now()) {
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
  if (kind === "box") return box(state, scanned, reference);
  if (kind === "parcel") return parcel(state, scanned, reference);
  if (kind === "gs1" && !scanned.gtin) {
    if (!scanned.batch && !scanned.expires_on) return refuse(state, ["unknown_code", {}], { text: ["unknown_code_is", { code: shown(scanned.text) }] });
    return half(state, scanned, reference, now);
  }
  if (kind === "lot") return ownLot(state, scanned, reference, now);
  return product(state, merged(state, scanned, now), reference, now);
}

const shown = (text) => String(text).replace(/[\x00-\x1f]/g, " ").slice(0, 40);

/** Take what a person chose: a way on from a refusal, or the answer to a question. */
export function reply(state, answer, reference, now = Date.now()) {
  const { pending } = state;
  if (answer.way === "again" || answer.way === "skip" || !pending) return result({ ...state, pending: null }, "ready", ["ready", {}]);
  const next = { ...state, pending: null };
  switch (answer.way) {
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
  return result({ ...state, document: docOf(scanned.kind, scanned.id), pending: null }, "ready", ["document_is", { code: found.code }], { text: ["scan_on", {}], tick: true });
}

/* ---- places ---- */

function at(state, place, reference) {
  const { pending } = state;
  if (!PUTS.has(place.kind)) return refuse(state, ["no_place_for_goods", { place: place.code }]);
  if (state.mode === "receive" || state.mode === "count" || state.mode === "bring_back") {
    const next = { ...state, place: place.id };
    if (pending?.ask === "place") return product({ ...next, pending: null }, pending.scanned, reference, Date.now(), pending.chosen);
    return result(next, "ready", [state.mode === "count" ? "counting_at" : "into_is", { place: place.code }], { tick: true });
  }
  if (state.mode === "load") return refuse(state, ["parcels_only", {}]);
  if (pending?.ask === "to") return moved({ ...state, pending: null }, pending.rows, place.id, reference);
  if (pending?.ask === "box_to") return boxMoved({ ...state, pending: null }, pending.box, place.id, reference);
  if (pending?.ask === "from") return product({ ...state, place: place.id, pending: null }, pending.scanned, reference, Date.now(), pending.chosen);
  if (state.place === null || state.mode === "pick") return result({ ...state, place: place.id }, "ready", ["from_is", { place: place.code }], { tick: true });
  if (state.place === place.id) return refuse(state, ["same_place", { place: place.code }]);
  return result({ ...state, to: place.id }, "ready", ["to_is", { place: place.code }], { text: ["to_is_now", {}], tick: true });
}

function box(state, scanned, reference) {
  const found = reference.boxes.get(scanned.sscc);
  if (!found) return refuse(state, ["no_box", { code: `…${scanned.sscc.slice(-6)}` }], { text: ["no_box_here", {}] });
  const place = { id: found.place, code: reference.code(found.place), kind: "box" };
  if (state.mode === "move" && state.pending?.ask !== "to") {
    if (state.to !== null) return boxMoved(state, found, state.to, reference);
    return result({ ...state, pending: { ask: "box_to", box: found } }, "ready", ["box_where", { box: place.code }], {
      text: ["scan_target", {}], tick: true, ways: [{ word: "way_out_of_box", reply: { way: "out_of_box", place: found.place } }, { word: "way_skip", reply: { way: "skip" } }],
    });
  }
  if (state.mode === "pick") return result({ ...state, place: found.place }, "ready", ["from_is", { place: place.code }], { tick: true });
  if (state.mode === "load") return refuse(state, ["parcels_only", {}]);
  return at(state, place, reference);
}

function boxMoved(state, found, to, reference) {
  if (found.place === to || found.stands === to) return refuse(state, ["same_place", { place: reference.code(to) }]);
  const payload = { box_id: found.id, to_place_id: to };
  const line = { quantity: 1, unit: null, title: ["box_named", { box: `…${found.sscc.slice(-6)}` }], text: ["to_place", { place: reference.code(to) }] };
  const undo = { kind: "move_box", payload: { box_id: found.id, to_place_id: found.stands } };
  return result(state, "good", ["box_moved", { box: `…${found.sscc.slice(-6)}` }], {
    text: ["to_place", { place: reference.code(to) }], quantity: "1", operations: [operation("move_box", payload, line, [{ t: "box", id: found.id, at: to, was: found.stands }], undo)],
  });
}

/* ---- products and lots ---- */

const merged = (state, scanned, now) => {
  const { half: waiting } = state;
  if (!waiting || now - waiting.at > PATIENCE) return scanned;
  return { ...scanned, batch: scanned.batch ?? waiting.batch, expires_on: scanned.expires_on ?? waiting.expires_on, use_by: scanned.use_by ?? waiting.use_by };
};

function half(state, scanned, reference, now) {
  const { pending, last } = state;
  if (pending?.ask === "expiry" && scanned.expires_on) {
    return product({ ...state, pending: null }, { ...pending.scanned, batch: pending.scanned.batch ?? scanned.batch, expires_on: scanned.expires_on, use_by: scanned.use_by }, reference, now, pending.chosen);
  }
  if (pending?.ask === "expiry") {
    return result({ ...state, pending: { ...pending, scanned: { ...pending.scanned, batch: scanned.batch } } }, "ready", ["when_expires", {}], { text: ["lot_is", { lot: scanned.batch }], ask: "expiry", tick: true });
  }
  if (state.mode === "receive" && last && !last.scanned.batch && now - last.at <= PATIENCE && (!scanned.expires_on || !last.scanned.expires_on || scanned.expires_on === last.scanned.expires_on)) {
    // The lot came after its product: the line is taken back and written again with it, so that both stay in the history.
    const again = receive({ ...state, last: null }, { ...last.scanned, batch: scanned.batch ?? last.scanned.batch, expires_on: scanned.expires_on ?? last.scanned.expires_on, pieces: last.pieces }, last.chosen, reference, now, state.place);
    return { ...again, amends: last.id, title: ["with_lot", { item: last.chosen.item.name }] };
  }
  return result({ ...state, half: { ...scanned, at: now } }, "ready", ["lot_waits", { lot: scanned.batch ?? reference.day(scanned.expires_on) }], { text: ["now_product", {}], tick: true });
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
  if (!found) {
    if (state.mode === "receive" || state.mode === "count") {
      return result({ ...state, half: null, pending: { ask: "learn", scanned } }, "attention", ["new_code", {}], { text: ["new_code_once", {}], ask: "learn" });
    }
    return refuse(state, ["new_code", {}], { text: ["new_code_elsewhere", {}] });
  }
  const next = { ...state, half: null };
  if (state.mode === "receive" && state.document?.kind === "transfer") return came(next, scanned, { item: found.item.id }, reference);
  if (state.mode === "receive") return receive(next, scanned, found, reference, now);
  if (state.mode === "count") return count(next, scanned, found, reference);
  return take(next, scanned, found, reference);
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
      ways: [{ word: "way_quarantine", icon: "barrier-block", reply: { way: "quarantine" }, first: true }, { word: "way_skip", reply: { way: "skip" } }],
    });
  }
  const pieces = piecesOf(state, scanned, chosen);
  if (!(pieces >= 1 && pieces <= 1_000_000_000)) return refuse(state, ["too_many", {}]);
  const offer = state.document?.kind === "offer" ? reference.offers.get(state.document.id) : null;
  const line = offer?.lines.find((each) => each.item === item.id);
  const payload = { item_id: item.id, quantity: pieces, place_id: state.place };
  if (expires_on) Object.assign(payload, { expires_on, use_by: Boolean(use_by) });
  if (scanned.batch) payload.batch = scanned.batch;
  if (offer) payload.source = offer.code;
  const effects = [{ t: "lot", op: "$op", item: item.id, place: state.place, by: pieces, expires_on, use_by, batch: scanned.batch, state: place.kind === "quarantine" ? "quarantined" : "free" }];
  if (line) effects.push({ t: "offer", id: offer.id, item: item.id, by: pieces });
  const done = operation("receive", payload, { quantity: pieces, unit: item.unit, title: item.name, text: ["into_place", { place: reference.code(state.place) }] }, effects, "reverse");
  let [tone, title] = ["good", null];
  if (left !== null && left < 0) [tone, title] = ["attention", ["in_quarantine", {}]];
  else if (left !== null && left < Math.max(SOON_DAYS, item.daysMin)) [tone, title] = ["attention", ["taken_soon", {}]];
  else if (offer && !line) [tone, title] = ["attention", ["taken_not_offered", {}]];
  else if (line && line.arrived + pieces > line.quantity) [tone, title] = ["attention", ["taken_more", { arrived: reference.number(line.arrived + pieces), offered: reference.number(line.quantity) }]];
  else if (scanned.uncertain || slipped(scanned, item, reference)) [tone, title] = ["attention", ["taken_look", {}]];
  const facts = { item: item.name, size: reference.number(chosen.quantity), times: reference.number(pieces / chosen.quantity), day: expires_on ? reference.day(expires_on) : "", days: left ?? "" };
  let text = expires_on ? (left < Math.max(SOON_DAYS, item.daysMin) ? ["days_left", facts] : ["times_size_expires", facts]) : ["times_size", facts];
  if (title && text[0] !== "days_left") text = expires_on ? ["item_expires", facts] : ["of_item", facts];
  if (scanned.uncertain && scanned.reason) text = [`grammar_${scanned.reason}`, {}];
  else if (title?.[0] === "taken_look") text = ["doubt_similar_lot", {}];
  const kept = { ...state, times: 1, place: placeAfter ?? state.place, last: { scanned: told, chosen, pieces, at: now, id: null }, pending: null };
  const ways = repeated ? [{ word: "way_other_day", reply: { way: "undo_and_ask" } }] : [];
  return result(kept, tone, title ?? ["name", { name: item.name }], { text, quantity: `+${reference.number(pieces)}`, operations: [done], ways, receipt: true });
}

/* A new lot number that is one slip away from one that lies here is looked at, once: it may be a misread of that one. */
function slipped({ batch }, item, reference) {
  const lots = new Set(reference.lots.filter((row) => row.item === item.id && row.batch).map((row) => row.batch));
  return Boolean(batch) && !lots.has(batch) && [...lots].some((each) => alike(each, batch));
}

/* ---- what another warehouse sent ---- */

function came(state, scanned, { lot, item }, reference) {
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

/** Move or pick: which rows give it, then where to. */
function take(state, scanned, chosen, reference) {
  const { item } = chosen;
  const wanted = piecesOf(state, scanned, chosen);
  const filter = { item: item.id, lot: scanned.lot, batch: scanned.batch, expires_on: scanned.expires_on };
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
  const rows = everywhere.filter((row) => row.place === from);
  const there = sum(rows);
  if (!there && !scanned.certain) {
    const elsewhere = [...new Set(everywhere.map((row) => row.place))].slice(0, 3);
    const [first] = reference.lots.filter((row) => row.item === item.id && (!scanned.lot || row.lot === scanned.lot));
    return refuse({ ...state, pending: { ask: "short", scanned, chosen } }, ["none_at", { item: item.name, place: reference.code(from) }], {
      text: elsewhere.length ? ["it_is_at", { places: elsewhere.map((place) => reference.code(place)).join(", ") }] : ["none_here_why", {}],
      ways: [
        ...elsewhere.slice(0, 1).map((place) => ({ word: "way_from", facts: { place: reference.code(place), available: reference.number(sum(everywhere.filter((row) => row.place === place))) }, reply: { way: "from", place }, first: true })),
        ...(first && !elsewhere.length ? [{ word: "way_it_is_here", reply: { way: "all_the_same" }, first: true }] : []),
        { word: "way_skip", reply: { way: "skip" } },
      ],
    });
  }
  if (there < wanted && !scanned.certain) {
    return refuse({ ...state, pending: { ask: "short", scanned: { ...scanned, pieces: wanted }, chosen } }, ["too_few", { wanted: reference.number(wanted), available: reference.number(there) }], {
      text: ["of_item_at", { item: item.name, place: reference.code(from) }],
      ways: [
        { word: "way_take", facts: { quantity: reference.number(there) }, reply: { way: "less", pieces: there }, first: true },
        { word: "way_it_is_here", reply: { way: "all_the_same" } },
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
  const taken = { parts, item, from, certain: Boolean(scanned.certain) };
  const older = state.mode === "pick" ? reference.rowsOf({ item: item.id }).find((row) => row.state === "free" && row.expires_on && row.place !== from && row.place !== state.to && parts.every((part) => (part.row.expires_on ?? "9999") > row.expires_on)) : null;
  if (state.to !== null) return moved({ ...state, times: 1 }, taken, state.to, reference, older);
  return result({ ...state, times: 1, pending: { ask: "to", rows: taken, scanned, chosen } }, "ready", ["name", { name: item.name }], {
    text: ["scan_target_from", { place: reference.code(from) }], quantity: reference.number(wanted), tick: true, ways: [{ word: "way_skip", reply: { way: "skip" } }],
  });
}

const sum = (rows) => rows.reduce((total, row) => total + row.available, 0);

function moved(state, { parts, item, from, certain }, to, reference, older = null) {
  if (from === to) return refuse({ ...state, pending: { ask: "to", rows: { parts, item, from, certain } } }, ["same_place", { place: reference.code(to) }]);
  const kinds = [reference.places.get(from)?.kind, reference.places.get(to)?.kind];
  const kind = state.mode === "pick" ? "pick" : kinds[0] === "dock" && kinds[1] === "shelf" ? "put_away" : "move";
  const transfer = state.mode === "pick" && state.document?.kind === "transfer" ? state.document.id : null;
  const [intoBox, outOfBox] = [reference.boxOfPlace.get(to), reference.boxOfPlace.get(from)];
  if (transfer && parts.some(({ row }) => !row.lot)) return refuse(state, ["not_sent_yet", {}], { text: ["not_sent_yet_why", {}] });
  const operations = parts.map(({ row, by }) => {
    const lot = row.lot ? { lot_id: row.lot } : { lot_operation_id: row.op };
    let [deed, payload, undo] = [kind, { ...lot, quantity: by, from_place_id: from, to_place_id: to }, "reverse"];
    if (transfer) [deed, payload, undo] = ["pick_transfer", { transfer_id: transfer, lot_id: row.lot, from_place_id: from, quantity: by }, { kind: "unpick_transfer", payload: { picked_operation_id: "$line" } }];
    else if (intoBox) [deed, payload] = ["fill_box", { box_id: intoBox.id, ...lot, from_place_id: from, quantity: by }];
    else if (outOfBox) [deed, payload] = ["empty_box", { box_id: outOfBox.id, ...lot, to_place_id: to, quantity: by }];
    if (certain) payload.done = true;
    const same = { lot: row.lot ?? undefined, op: row.lot ? undefined : row.op, item: item.id, expires_on: row.expires_on, use_by: row.use_by, batch: row.batch, state: row.state };
    const effects = [{ t: "lot", ...same, place: from, by: -by }, { t: "lot", ...same, place: to, by }];
    return operation(deed, payload, { quantity: by, unit: item.unit, title: item.name, text: ["from_to", { from: reference.code(from), to: reference.code(to) }] }, effects, undo);
  });
  const total = parts.reduce((all, part) => all + part.by, 0);
  const day = parts[0].row.expires_on;
  const next = { ...state, times: 1, pending: null };
  if (older) {
    return result(next, "attention", ["older_there", { place: reference.code(older.place), day: reference.day(older.expires_on) }], { text: ["of_item", { item: item.name }], quantity: reference.number(total), operations });
  }
  if (certain) return result(next, "attention", ["booked_look", {}], { text: ["of_item", { item: item.name }], quantity: reference.number(total), operations });
  return result(next, "good", ["name", { name: item.name }], {
    text: day ? ["to_place_expires", { place: reference.code(to), day: reference.day(day) }] : ["to_place", { place: reference.code(to) }], quantity: reference.number(total), operations,
  });
}

/* ---- parcels ---- */

function parcel(state, scanned, reference) {
  const found = reference.parcels.get(scanned.id);
  if (state.mode === "load") return load(state, scanned, found, reference);
  if (state.mode !== "bring_back") return refuse(state, ["other_work", { code: scanned.code }], { text: ["work_parcel", {}] });
  if (!found) return refuse(state, ["no_parcel", { parcel: scanned.code }], { text: ["no_parcel_here", {}] });
  if (!["loaded", "partly"].includes(found.state)) return refuse(state, ["not_on_vehicle", { parcel: found.code }]);
  return result({ ...state, pending: { ask: "reason", parcel: found } }, "attention", ["why_back", { parcel: found.code }], {
    ways: ["nobody_home", "refused", "damaged", "other"].map((reason, at) => ({ word: `back_${reason}`, reply: { way: "reason", reason }, first: at === 0 })),
  });
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
  if (stocktake?.places.length && !stocktake.places.includes(state.place)) return refuse(state, ["not_counted", { place: reference.code(state.place) }]);
  const rows = reference.lots.filter((row) => row.item === item.id && row.place === state.place && row.lot && (!scanned.lot || row.lot === scanned.lot) && (!scanned.batch || row.batch === scanned.batch) && (!scanned.expires_on || row.expires_on === scanned.expires_on));
  if (rows.length > 1 && !scanned.lot) {
    const days = new Set(rows.map((row) => `${row.expires_on}/${row.batch}`));
    if (days.size > 1 && !scanned.asked && item.tracked) {
      return result({ ...state, pending: { ask: "expiry", scanned, chosen } }, "attention", ["when_expires", {}], { text: ["of_item", { item: item.name }], ask: "expiry" });
    }
  }
  const lot = scanned.lot ?? rows[0]?.lot ?? null;
  const by = piecesOf(state, scanned, chosen);
  const key = { stocktake: state.document.id, place: state.place, lot, item: item.id };
  const was = reference.counts.get(countKey(key)) ?? 0;
  const payload = { stocktake_id: key.stocktake, place_id: key.place, quantity: was + by };
  if (lot) payload.lot_id = lot;
  else payload.item_id = item.id;
  const line = { quantity: by, unit: item.unit, title: item.name, text: ["counted_at", { place: reference.code(state.place) }] };
  const undo = { kind: "count", payload: { ...payload, quantity: was } };
  return result({ ...state, times: 1, pending: null }, "good", ["name", { name: item.name }], {
    text: ["counted_so_far", { counted: reference.number(was + by), unit: item.unit }], quantity: `+${reference.number(by)}`,
    operations: [operation("count", payload, line, [{ t: "count", ...key, quantity: was + by, was }], undo)],
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
