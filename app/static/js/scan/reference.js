/* What the phone knows of its warehouse: the last snapshot, and on it what was scanned since. Pure: no page, no store.
 *
 * An effect is what an operation changes here before the server says so, as plain data that is stored with it:
 *   {t: "lot", lot | op, item, place, by, expires_on, use_by, batch, state}   more or less of a lot in a place
 *     held: on hand it stays, but nobody else may have it; transfer, reserved: so much of it is that transfer's
 *   {t: "parcel", id, state}   {t: "pack", gtin, item, quantity}   {t: "offer", id, item, by}   {t: "came", id, row, by}
 *   {t: "open", op, sscc, kind, at}   {t: "box", place, at, was}   {t: "shut", place, state, was}
 *   {t: "count", stocktake, place, lot, item, quantity}   {t: "closed", stocktake, place}
 *
 * A box that was opened here has no place of the server's yet: until it has, its place is called "new:" and the
 * operation that opens it.
 */

export const FAR = "9999-12-31";
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class Reference {
  /** `opened`: what the server answered to openings of boxes, by operation: Map of {box_id, sscc, place_id}. */
  constructor(snapshot, effects = [], language = "hu", opened = new Map()) {
    this.language = language;
    this.opened = opened;
    /** What a new box is called, and the prefix of our own SSCCs: the page says them. */
    this.newBox = "+";
    this.prefix = null;
    const parts = snapshot?.parts ?? {};
    this.known = Boolean(snapshot);
    this.warehouse = snapshot?.warehouse ?? null;
    this.madeAt = snapshot?.made_at ?? null;
    const hungarian = language === "hu";
    this.places = new Map((parts.places ?? []).map(([id, code, kind]) => [id, { id, code, kind }]));
    this.placeCodes = new Map([...this.places.values()].map((place) => [place.code.toUpperCase(), place]));
    this.items = new Map();
    this.packs = new Map();
    for (const [id, code, hu, en, unitHu, unitEn, tracked, daysMin, icon, categoryHu, categoryEn, packs] of parts.items ?? []) {
      const item = {
        id, code, icon, tracked: Boolean(tracked), daysMin,
        name: hungarian ? hu : en, unit: hungarian ? unitHu : unitEn, category: hungarian ? categoryHu : categoryEn,
        key: folded(`${hu} ${en} ${code}`),
      };
      this.items.set(id, item);
      for (const [gtin, quantity] of packs) this.packs.set(gtin, { item, quantity });
    }
    this.lots = (parts.lots ?? []).map(([lot, item, place, available, on_hand, expires_on, use_by, state, batch]) => ({
      lot, op: null, item, place, available, on_hand, expires_on, use_by: Boolean(use_by), state, batch,
    }));
    this.boxes = new Map((parts.boxes ?? []).map(([id, sscc, kind, state, place, stands, root]) => [sscc, { id, sscc, kind, state, place, stands, root }]));
    this.boxOfPlace = new Map([...this.boxes.values()].map((box) => [box.place, box]));
    this.offers = new Map((parts.offers ?? []).map(([id, donor, until, lines]) => [
      id, { id, code: `F-${id}`, donor, until, lines: lines.map(([line, item, quantity, arrived, expires_on, value_huf]) => ({ line, item, quantity, arrived, expires_on, value_huf })) },
    ]));
    this.transfers = new Map((parts.transfers ?? []).map(([id, direction, other, state, expected_on, lines, lots, reserved = []]) => [
      id,
      {
        id, code: `A-${id}`, direction, other, state, expected_on,
        lines: lines.map(([line, item, quantity]) => ({ line, item, quantity })),
        lots: lots.map(([row, lot, item, place, quantity, received, expires_on, box]) => ({ row, lot, item, place, quantity, received, expires_on, box })),
        reserved: reserved.map(([lot, place, quantity]) => ({ lot, place, quantity })),
      },
    ]));
    this.runs = new Map();
    this.parcels = new Map();
    for (const [id, on, number, state, plate, departs_at, parcels] of parts.runs ?? []) {
      const run = { id, code: `R-${id}`, on, number, state, plate, departs_at, parcels: [] };
      this.runs.set(id, run);
      for (const [parcel, parcelState, stop, weight_g] of parcels) {
        const found = { id: parcel, code: `P-${parcel}`, state: parcelState, stop, weight_g, run };
        run.parcels.push(found);
        this.parcels.set(parcel, found);
      }
    }
    this.stocktakes = new Map((parts.stocktakes ?? []).map(([id, state, places, categories, opened_at]) => [id, { id, code: `LEL-${id}`, state, places, categories, opened_at }]));
    this.counts = new Map();
    this.closed = new Set();
    for (const effect of effects) this.apply(effect);
  }

  /** Take an effect in; `sign` -1 takes it back. */
  apply(effect, sign = 1) {
    const { t } = effect;
    if (t === "lot") this.#move(effect, effect.by * sign, (effect.reserved ?? 0) * sign);
    else if (t === "parcel") {
      const parcel = this.parcels.get(effect.id);
      if (parcel) parcel.state = sign > 0 ? effect.state : effect.was;
    } else if (t === "pack") {
      const item = this.items.get(effect.item);
      if (item && sign > 0) this.packs.set(effect.gtin, { item, quantity: effect.quantity });
      if (sign < 0) this.packs.delete(effect.gtin);
    } else if (t === "open") this.#open(effect, sign > 0 !== Boolean(effect.gone));
    else if (t === "box") {
      const box = this.boxOfPlace.get(this.at(effect.place));
      const at = this.at(sign > 0 ? effect.at : effect.was);
      if (box) [box.stands, box.root] = [at, this.boxOfPlace.get(at)?.root ?? at];
    } else if (t === "shut") {
      const box = this.boxOfPlace.get(this.at(effect.place));
      if (box) box.state = sign > 0 ? effect.state : effect.was;
    } else if (t === "closed") this.closed[sign > 0 ? "add" : "delete"](`${effect.stocktake}/${effect.place}`);
    else if (t === "offer") {
      const line = this.offers.get(effect.id)?.lines.find((each) => each.item === effect.item);
      if (line) line.arrived += effect.by * sign;
    } else if (t === "came") {
      const part = this.transfers.get(effect.id)?.lots.find((each) => each.row === effect.row);
      if (part) part.received += effect.by * sign;
    } else if (t === "count") this.counts.set(countKey(effect), sign > 0 ? effect.quantity : effect.was);
  }

  /** The place as the server calls it, where it does by now. */
  at(place) {
    return typeof place === "string" ? (this.opened.get(place.slice(4))?.place_id ?? place) : (place ?? null);
  }

  #open({ op, sscc, kind, at }, there) {
    const told = this.opened.get(op);
    const place = told?.place_id ?? `new:${op}`;
    const key = told?.sscc ?? sscc ?? op;
    const known = this.boxOfPlace.get(place);
    if (!there) {
      if (known) [...this.boxes].filter(([, box]) => box === known).forEach(([each]) => this.boxes.delete(each));
      this.boxOfPlace.delete(place);
    } else if (!known) {
      const stands = this.at(at);
      const box = { id: told?.box_id ?? null, op, sscc: told?.sscc ?? sscc, kind, state: "open", place, stands, root: this.boxOfPlace.get(stands)?.root ?? stands, number: (this.news = (this.news ?? 0) + 1) };
      this.boxes.set(key, box);
      this.boxOfPlace.set(place, box);
    }
  }

  /** Tell whether the number is one that only this organisation gives to boxes. */
  ours = (sscc) => Boolean(this.prefix) && sscc.slice(1).startsWith(this.prefix);

  #move(effect, by, reserved) {
    const at = this.at(effect.place);
    const same = (row) => row.place === at && (effect.lot ? row.lot === effect.lot : row.op === effect.op);
    let row = this.lots.find(same);
    if (!row) {
      row = {
        lot: effect.lot ?? null, op: effect.op ?? null, item: effect.item, place: at, available: 0, on_hand: 0,
        expires_on: effect.expires_on ?? null, use_by: Boolean(effect.use_by), state: effect.state ?? "free", batch: effect.batch ?? null,
      };
      this.lots.push(row);
    }
    row.available += by - reserved;
    if (!effect.held) row.on_hand += by;
    if (reserved) this.transfers.get(effect.transfer)?.reserved.push({ lot: effect.lot, place: at, quantity: reserved });
  }

  /** How much of a lot in a place is reserved for a transfer. */
  reservedFor(transfer, { lot, place }) {
    const rows = this.transfers.get(transfer)?.reserved ?? [];
    return rows.filter((row) => row.lot === lot && row.place === place).reduce((all, row) => all + row.quantity, 0);
  }

  placeByCode = (code) => this.placeCodes.get(String(code).toUpperCase()) ?? null;
  placeOfKind = (kind) => [...this.places.values()].find((place) => place.kind === kind) ?? null;
  code = (placeId) => {
    const at = this.at(placeId);
    const box = this.boxOfPlace.get(at);
    if (box && !box.sscc) return `${this.newBox} ${box.number}`;
    if (String(at) === "new:$opened") return this.newBox;
    return box ? `…${box.sscc.slice(-6)}` : (this.places.get(at)?.code ?? "?");
  };

  /** Rows of an item or lot that hold something, the first to expire first; for a transfer also what is reserved for it. */
  rowsOf({ item, lot, place, batch, expires_on, transfer }) {
    const rows = transfer ? this.lots.map((row) => ({ ...row, available: row.available + this.reservedFor(transfer, row) })) : this.lots;
    return rows
      .filter((row) => row.available > 0)
      .filter((row) => (item === undefined || row.item === item) && (lot === undefined || row.lot === lot))
      .filter((row) => place === undefined || place === null || row.place === place)
      .filter((row) => !batch || !row.batch || row.batch === batch)
      .filter((row) => !expires_on || !row.expires_on || row.expires_on === expires_on)
      .sort((a, b) => (a.expires_on ?? FAR).localeCompare(b.expires_on ?? FAR) || (a.lot ?? Infinity) - (b.lot ?? Infinity));
  }

  /** Items whose name holds every word that was typed. */
  find(typed, most = 8) {
    const words = folded(typed).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    return [...this.items.values()]
      .filter((item) => words.every((word) => item.key.includes(word)))
      .sort((a, b) => a.key.indexOf(words[0]) - b.key.indexOf(words[0]) || a.name.localeCompare(b.name, this.language))
      .slice(0, most);
  }

  day(iso) {
    return new Intl.DateTimeFormat(this.language === "hu" ? "hu-HU" : "en-GB", { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
  }
  number(n) {
    return new Intl.NumberFormat(this.language === "hu" ? "hu-HU" : "en-GB").format(n);
  }
}

export const countKey = ({ stocktake, place, lot, item }) => `${stocktake}/${place}/${lot ?? `i${item}`}`;
