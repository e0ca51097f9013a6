// What a scanned or typed code says, in the browser: the grammar of app/stock/scanning.py, word for word, so that it
// works offline. The Python is the authority; tests/stock/test_scanning.py demands equal answers.
//
//   parse(text, symbology) → {kind, text, code, id, gtin, content, batch, expires_on, use_by, produced_on, count,
//                             weight_g, sscc, quantity, uncertain, reason}; what a code does not say is left out
//   doubts(parsed, {gtins, lots, boxes, typed}) → ["unknown_lot", …]: what a person must be asked
//   new Session({order}).feed(parsed, seconds) → [{event, scanned, line, reason}]

const SEPARATOR = "\x1d";
const LONGEST = 512;
const PATIENCE = 60;
const ITEMS = new Set(["lot", "gtin", "gs1"]);
const DOCUMENTS = new Set(["run", "transfer", "stocktake", "offer"]);
const LETTERS = {
  H: "place", B: "box", L: "lot", P: "parcel", R: "run", A: "transfer", S: "stocktake", F: "offer", X: "multiplier",
};

// GS1 application identifiers, as biip has them: + a separator ends it, = its length is fixed; D a digit, C a sign.
const TABLE = String.raw`
  00 = (D{18})
  01-03 = (D{14})
  10 21-22 243 254 420 4318 7020-7022 710-717 7240 8002 8012 + (C{1,20})
  11-13 15-17 = (D{2}(?:0D|1[0-2])(?:[0-2]D|3[01]))
  20 = (D{2})
  30 + (D{0,8})
  37 + (D{1,8})
  91-99 + (C{1,90})
  235 + (C{1,28})
  240-241 250-251 400-401 403 4308 4319 7002 7023 8004 90 + (C{1,30})
  242 + (D{1,6})
  253 + (D{13})(C{0,17})
  255 + (D{13})(D{0,12})
  402 + (D{17})
  410-417 = (D{13})
  421 + (D{3})(C{1,9})
  422 424 426 + (D{3})
  423 425 + ((?:D{3}){1,5})
  427 7008 + (C{1,3})
  3100-3105:3690-3695 = (D{6})
  3900-3909 3920-3929 + (D{1,15})
  3910-3919 3930-3939 + (D{3})(D{1,15})
  3940-3943 8111 + (D{4})
  3950-3955 4326 7006 8005 + (D{6})
  4300-4306 4310-4316 4320 7253-7257 7259 + C{1,200}
  4307 4317 + ([A-Z0-9]{2})
  4309 + (D{20})
  4321-4323 + ([01])
  4324-4325 7003 + (D{10})
  4330-4333 + (D{6}[-]?)
  7001 + (D{13})
  7004 + (D{0,4})
  7005 + (C{1,12})
  7007 + (D{6})(D{6})?
  7009 + (C{1,10})
  7010 + (C{1,2})
  7011 + (D{6})(D{4})?
  7030-7039 + (D{3})(C{1,27})
  7040 + (D)(C)(C)(C)
  7041 + (C{1,4})
  7230-7239 + (C{3,30})
  7241 + (D{2})
  7242 8013-8014 8020 + (C{1,25})
  7250 + (D{4}(?:0D|1[0-2])(?:[0-2]D|3[01]))
  7251 + (D{4}(?:0D|1[0-2])(?:[0-2]D|3[01])(?:[01]D|2[0-3])(?:[0-5]D))
  7252 + (D{1})
  7258 + (D[/]D)
  8001 + (D{4})(D{5})(D{3})(D{1})(D{1})
  8003 + (0)(D{13})(C{0,16})
  8006 8026 + (D{14})(D{4})
  8007 + (C{1,34})
  8008 + (D{2}(?:0D|1[0-2])(?:[0-2]D|3[01])(?:[01]D|2[0-3]))((?:[0-5]D)(?:[0-5]D)?)?
  8009 + (C{1,50})
  8010 + ([A-Z0-9/#-]{5,30})
  8011 + (D{1,12})
  8017-8018 + (D{18})
  8019 + (D{1,10})
  8030 + ([0-9A-Za-z_-]{1,90})
  8040-8041 + (D{15})
  8042 + (D{32})
  8043 + (D{18,20})
  8110 8112 8200 + (C{1,70})
`;

const MEASURES_UNUSED = new Set([317, 318, 319, 338, 339, 358, 359]);

const IDENTIFIERS = new Map();
for (const row of TABLE.trim().split("\n")) {
  const [, names, ends, pattern] = /^\s*(.*) ([+=]) (\S+)$/.exec(row);
  const tail = pattern.replaceAll("D", "[0-9]").replaceAll("C", "[!%-?A-Z_a-z\x22]");
  const length = ends === "=" ? fixedLength(pattern) : null;
  for (const name of spelled(names)) {
    IDENTIFIERS.set(name, { name, length, pattern: new RegExp(`^(?:${tail})$`) });
  }
}

function spelled(names) {
  if (names.includes(":")) {
    const all = [];
    for (let measure = 310; measure <= 369; measure += 1) {
      if (!MEASURES_UNUSED.has(measure)) for (let last = 0; last <= 5; last += 1) all.push(`${measure}${last}`);
    }
    return all;
  }
  return names.split(" ").flatMap((each) => {
    const [first, last = first] = each.split("-");
    const all = [];
    for (let at = Number(first); at <= Number(last); at += 1) all.push(String(at).padStart(first.length, "0"));
    return all;
  });
}

function fixedLength(pattern) {
  const plain = /^\(D\{(\d+)\}\)$/.exec(pattern);
  return plain ? Number(plain[1]) : 6;
}

// Reading one code

export function parse(text, symbology = null, year = new Date().getUTCFullYear()) {
  text = stripped(text);
  const said = /^\][A-Za-z][0-9A-Za-z]/.exec(text);
  if (said) {
    symbology = said[0];
    text = text.slice(3);
  }
  if ([...text].every((sign) => sign === SEPARATOR)) return refused(text, "empty");
  if ([...text].length > LONGEST || [...text].some((sign) => (sign < " " && sign !== SEPARATOR) || sign === "\x7f")) {
    return refused(text, "unreadable");
  }
  const byHand = /^([0-9]{1,5}) ?[*xX×] ?(.*)$/s.exec(text);
  if (byHand && !symbology && !text.includes(SEPARATOR)) return withQuantity(text, Number(byHand[1]), byHand[2], year);
  return one(text, format(symbology), year);
}

function stripped(text) {
  return text.replace(/^[ \t\r\n]+/, "").replace(/[ \t\r\n]+$/, "");
}

function withQuantity(text, quantity, rest, year) {
  if (quantity < 1 || quantity > 9999) return refused(text, "quantity");
  if (!rest) return made("multiplier", text, { quantity });
  const item = parse(rest, null, year);
  if (item.kind === "refused") return { ...item, text };
  if (!ITEMS.has(item.kind) || item.quantity !== undefined) return refused(text, "quantity");
  return { ...item, text, quantity };
}

const GS1_IDENTIFIERS = new Set(["]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"]);
const FORMATS = { "]E4": "EAN8", "]E0": "EAN13", "]I0": "ITF", "]I1": "ITF", "]C0": "CODE128", "]d1": "DATAMATRIX" };

function format(symbology) {
  if (!symbology) return null;
  if (GS1_IDENTIFIERS.has(symbology)) return "GS1";
  if (symbology.startsWith("]")) return FORMATS[symbology] ?? "OTHER";
  const name = symbology.toUpperCase().replace(/[^A-Z0-9]/g, "");
  return name.startsWith("GS1") ? "GS1" : name;
}

const MAY_BE_GS1 = new Set([null, "CODE128", "DATAMATRIX", "QRCODE", "OTHER"]);

function one(text, symbology, year) {
  if (symbology === "GS1" || text.includes(SEPARATOR)) return elementString(text, year);
  const ours = own(text);
  if (ours) return ours;
  if (/^https?:\/\//i.test(text)) return digitalLink(text, year);
  if (text.startsWith("(")) return bracketed(text, year);
  if (/^[0-9 -]+$/.test(text) && /[0-9]/.test(text)) return digitsOnly(text, text.replace(/[ -]/g, ""), symbology, year);
  if (/^0[012]/.test(text) && MAY_BE_GS1.has(symbology)) {
    const long = text.startsWith("00") ? 20 : 16;
    if (text.length >= long && /^[0-9]+$/.test(text.slice(0, long)) && checked(text.slice(2, long))) {
      return elementString(text, year);
    }
  }
  if (/^[0-9öÖ]{8,}$/.test(text) || /^ab[éÉ]/i.test(text)) return refused(text, "keyboard");
  return made("unknown", text, { code: text });
}

// Our own codes

/* How people write a stocktake: S-3 is a write-off. */
const STOCKTAKE = "LEL";
const PRINTED = /^AB:([A-Z]):([0-9A-Z.-]{1,40}):([0-9A-Z]{2})$/;
const TYPED = /^(L|P|R|A|LEL|F)-([1-9][0-9]{0,14})$/;
const PLACE = /^[A-Z0-9]{2,8}(-[A-Z0-9]{1,12}){1,6}$/;
const SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PRIME = 1021;

export function checkSigns(kind, body) {
  let rest = 0;
  for (const sign of `${kind}:${body}`) rest = (rest * 31 + sign.codePointAt(0)) % PRIME;
  return SIGNS[Math.floor(rest / 32)] + SIGNS[rest % 32];
}

function own(text) {
  const upper = isAscii(text) ? text.toUpperCase() : text;
  if (upper.startsWith("AB:")) {
    const found = PRINTED.exec(upper);
    if (!found || !LETTERS[found[1]] || checkSigns(found[1], found[2]) !== found[3]) return refused(text, "own_code");
    return ownOf(text, LETTERS[found[1]], found[1], found[2]);
  }
  const found = TYPED.exec(upper);
  if (found) return made(LETTERS[found[1] === STOCKTAKE ? "S" : found[1]], text, { code: upper, id: Number(found[2]) });
  if (PLACE.test(upper) && /[A-Z]/.test(upper.split("-")[0])) return made("place", text, { code: upper });
  return null;
}

function ownOf(text, kind, letter, body) {
  if (kind === "place") return PLACE.test(body) ? made(kind, text, { code: body }) : refused(text, "own_code");
  if (kind === "box") {
    const good = /^[0-9]{18}$/.test(body) && checked(body);
    return good ? made(kind, text, { code: body, sscc: body }) : refused(text, "own_code");
  }
  if (!/^[1-9][0-9]{0,14}$/.test(body)) return refused(text, "own_code");
  if (kind === "multiplier") {
    const quantity = Number(body);
    return quantity >= 2 && quantity <= 100 ? made(kind, text, { quantity }) : refused(text, "own_code");
  }
  return made(kind, text, { code: `${letter === "S" ? STOCKTAKE : letter}-${body}`, id: Number(body) });
}

// Plain numbers

const LENGTHS = { EAN8: [8], EAN13: [8, 12, 13], UPCA: [12, 13] };

function digitsOnly(text, digits, symbology, year) {
  const length = digits.length;
  if (symbology === "UPCE") {
    const whole = length === 8 ? upcAOf(digits) : null;
    return whole ? product(text, whole) : refused(text, "check_digit");
  }
  const strict = LENGTHS[symbology];
  if (strict) {
    return strict.includes(length) && checked(digits) ? product(text, digits) : refused(text, "check_digit");
  }
  if (symbology === null) {
    if (length === 8) return eight(text, digits);
    if (length >= 12 && length <= 14) {
      return checked(digits) ? product(text, digits) : refused(text, "check_digit");
    }
  } else if ((length === 13 || length === 14) && checked(digits) && (symbology !== "ITF" || length === 14)) {
    return product(text, digits);
  }
  if (symbology !== "ITF") {
    if (length === 18) {
      return checked(digits) ? made("box", text, { code: digits, sscc: digits }) : refused(text, "check_digit");
    }
    if (
      (length === 20 && digits.startsWith("00") && checked(digits.slice(2)))
      || (length >= 16 && /^0[12]/.test(digits) && checked(digits.slice(2, 16)))
    ) {
      return elementString(digits, year);
    }
  }
  return made("unknown", text, { code: text });
}

function eight(text, digits) {
  const whole = upcAOf(digits);
  if (checked(digits)) {
    const found = product(text, digits);
    return whole && !found.uncertain ? { ...found, uncertain: true, reason: "short_number" } : found;
  }
  return whole ? product(text, whole) : refused(text, "check_digit");
}

function upcAOf(digits) {
  const [system, first, second, third, fourth, fifth, last, check] = digits;
  if (!"01".includes(system)) return null;
  let body;
  if ("012".includes(last)) body = `${system}${first}${second}${last}0000${third}${fourth}${fifth}`;
  else if (last === "3") body = `${system}${first}${second}${third}00000${fourth}${fifth}`;
  else if (last === "4") body = `${system}${first}${second}${third}${fourth}00000${fifth}`;
  else body = `${system}${first}${second}${third}${fourth}${fifth}0000${last}`;
  return checkDigit(body) === check ? body + check : null;
}

function product(text, digits) {
  return marked(made("gtin", text, { gtin: digits.padStart(14, "0") }), null);
}

function checkDigit(body) {
  let total = 0;
  for (let place = 0; place < body.length; place += 1) {
    total += Number(body[body.length - 1 - place]) * (place % 2 === 0 ? 3 : 1);
  }
  return String((10 - (total % 10)) % 10);
}

function checked(digits) {
  return /[^0]/.test(digits) && checkDigit(digits.slice(0, -1)) === digits.at(-1);
}

// GS1

function elementString(text, year) {
  const elements = [];
  let rest = text.startsWith(SEPARATOR) ? text.slice(1) : text;
  while (rest) {
    const identifier = identifierOf(rest);
    if (!identifier) return refused(text, "not_gs1");
    const start = identifier.name.length;
    const end = identifier.length === null ? endOfField(rest) : start + identifier.length;
    const value = rest.slice(start, end);
    if (!fits(identifier, value)) return refused(text, "not_gs1");
    elements.push([identifier.name, value]);
    rest = rest.slice(end);
    if (rest.startsWith(SEPARATOR)) rest = rest.slice(1);
  }
  return meaning(text, elements, year);
}

function endOfField(rest) {
  const at = rest.indexOf(SEPARATOR);
  return at < 0 ? rest.length : at;
}

function bracketed(text, year) {
  const compact = text.replaceAll(" ", "");
  if (!/^(\([0-9]{2,4}\)[^()]+)+$/.test(compact)) return refused(text, "not_gs1");
  const pairs = [...compact.matchAll(/\(([0-9]{2,4})\)([^()]+)/g)].map((found) => [found[1], found[2]]);
  return ofPairs(text, pairs, year);
}

function digitalLink(text, year) {
  const address = /^https?:\/\/[^/?#]*([^?#]*)\??([^#]*)/i.exec(text);
  const steps = address[1].split("/");
  const start = steps.findIndex(
    (step, at) => at < steps.length - 1 && (step === "00" || step === "01") && /^[0-9]{8}/.test(steps[at + 1]),
  );
  if (start < 0 || !isAscii(text)) return made("unknown", text, { code: text });
  const found = steps.slice(start);
  if (found.at(-1) === "") found.pop();
  if (found.length % 2) return refused(text, "not_gs1");
  const pairs = [];
  for (let at = 0; at < found.length; at += 2) pairs.push([found[at], unquoted(found[at + 1])]);
  for (const each of address[2].split(/[&;]/)) {
    const cut = each.indexOf("=");
    const name = cut < 0 ? each : each.slice(0, cut);
    if (/^[0-9]{2,4}$/.test(name)) pairs.push([name, cut < 0 ? "" : unquoted(each.slice(cut + 1))]);
  }
  for (const pair of pairs) if (pair[0] === "01" || pair[0] === "02") pair[1] = pair[1].padStart(14, "0");
  return ofPairs(text, pairs, year);
}

function unquoted(value) {
  return value.replace(/%([0-9A-Fa-f]{2})/g, (_, sign) => String.fromCharCode(parseInt(sign, 16)));
}

function ofPairs(text, pairs, year) {
  for (const [name, value] of pairs) {
    const identifier = IDENTIFIERS.get(name);
    if (!identifier || !fits(identifier, value)) return refused(text, "not_gs1");
  }
  return meaning(text, pairs, year);
}

function identifierOf(rest) {
  return IDENTIFIERS.get(rest.slice(0, 2)) ?? IDENTIFIERS.get(rest.slice(0, 3)) ?? IDENTIFIERS.get(rest.slice(0, 4));
}

function fits(identifier, value) {
  return value !== "" && isAscii(value) && identifier.pattern.test(value);
}

const NUMBERED = new Set(["00", "01", "02", "03", "410", "411", "412", "413", "414", "415", "416", "417"]);
const DAYS = ["11", "12", "13", "15", "16", "17"];

function meaning(text, elements, year) {
  const said = new Map();
  for (const [name, value] of elements) {
    if (said.has(name) && said.get(name) !== value) return refused(text, "twice");
    said.set(name, value);
    if (NUMBERED.has(name) && !checked(value)) return refused(text, "check_digit");
  }
  const days = new Map();
  for (const name of [...DAYS, "7003"]) {
    if (!said.has(name)) continue;
    const day = dayOf(said.get(name).slice(0, 6), year);
    if (!day) return refused(text, "date");
    days.set(name, day);
  }
  if (said.has("01") && (said.has("02") || said.has("37"))) return refused(text, "exclude");
  const last = days.get("17") ?? days.get("7003") ?? days.get("15");
  if (last && days.has("11") && days.get("11") > last) return refused(text, "dates_disagree");
  const weights = new Set();
  for (const [name, value] of said) if (/^310[0-5]$/.test(name)) weights.add(grams(name, value));
  if (weights.size > 1) return refused(text, "twice");
  const counted = said.get("37") || said.get("30");
  const gtin = said.get("01") ?? said.get("02");
  const found = made(said.has("00") ? "box" : "gs1", text, {
    code: said.get("00"),
    gtin,
    content: said.has("02") ? true : undefined,
    batch: said.get("10"),
    expires_on: last,
    use_by: last === undefined ? undefined : days.has("17") || days.has("7003"),
    produced_on: days.get("11"),
    count: counted ? Number(counted) : undefined,
    weight_g: [...weights][0],
    sscc: said.get("00"),
  });
  if (
    found.kind === "gs1"
    && !(gtin || found.batch || last || found.count || found.weight_g !== undefined)
  ) {
    return made("unknown", text, { code: text });
  }
  if (found.kind === "gs1" && said.size === 1 && said.has("01")) found.kind = "gtin";
  if (found.count === 0) return refused(text, "not_gs1");
  return marked(found, year, said.get("21"));
}

function dayOf(digits, year) {
  const short = Number(digits.slice(0, 2));
  const month = Number(digits.slice(2, 4));
  const day = Number(digits.slice(4, 6));
  let full = year - (year % 100) + short;
  if (short - (year % 100) >= 51) full -= 100;
  else if (short - (year % 100) <= -50) full += 100;
  if (month < 1 || month > 12) return null;
  const last = new Date(Date.UTC(full, month, 0)).getUTCDate();
  if (day > last) return null;
  const two = (number) => String(number).padStart(2, "0");
  return `${String(full).padStart(4, "0")}-${two(month)}-${two(day || last)}`;
}

function grams(name, value) {
  return Math.floor((Number(value) * 1000) / 10 ** Number(name[3]));
}

function marked(found, year, serial) {
  let reason;
  const expiryYear = found.expires_on ? Number(found.expires_on.slice(0, 4)) : null;
  if ([found.batch, serial].some((each) => each && year && runsOn(each, year))) reason = "swallowed";
  else if (found.content && found.count === undefined) reason = "no_count";
  else if (expiryYear !== null && year && (expiryYear < year - 10 || expiryYear > year + 30)) reason = "odd_date";
  else if (found.gtin && ofAShop(found.gtin)) reason = "shop_number";
  return reason ? { ...found, uncertain: true, reason } : found;
}

function runsOn(value, year) {
  for (let at = 1; at < value.length - 7; at += 1) {
    const rest = value.slice(at);
    if (/^1[1-7][0-9]{6}/.test(rest) && DAYS.includes(rest.slice(0, 2))) {
      const day = dayOf(rest.slice(2, 8), year);
      if (day && Math.abs(Number(day.slice(0, 4)) - year) <= 15) return true;
    }
    if (/^0[12][0-9]{14}/.test(rest) && checked(rest.slice(2, 16))) return true;
    if (/^00[0-9]{18}/.test(rest) && checked(rest.slice(2, 20))) return true;
    if (/^31[0-6][0-5][0-9]{6}/.test(rest)) return true;
  }
  return false;
}

function ofAShop(gtin) {
  if (gtin.startsWith("000000")) return "02".includes(gtin[6]);
  return gtin[0] === "0" && (gtin[1] === "2" || ["02", "04"].includes(gtin.slice(1, 3)));
}

function isAscii(text) {
  return !/[^\x00-\x7f]/.test(text);
}

function made(kind, text, fields) {
  const found = { kind, text };
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) found[name] = value;
  return found;
}

function refused(text, reason) {
  return { kind: "refused", text, reason };
}

// What the catalogue and the lots know. gtins: Set of 14 digits; lots: Set of the makers' lot numbers of this GTIN;
// boxes: Set of the SSCC of our boxes; typed: false where a symbol was read, then what only looks alike is believed.

export function doubts(scanned, { gtins = null, lots = null, boxes = null, typed = true } = {}) {
  const asked = scanned.uncertain ? ["uncertain"] : [];
  if (scanned.sscc && boxes && !boxes.has(scanned.sscc)) asked.push("unknown_box");
  if (!scanned.gtin) return asked;
  if (gtins && !gtins.has(scanned.gtin)) return [...asked, "unknown_gtin"];
  if (typed && gtins && swaps(scanned.gtin).some((each) => gtins.has(each))) asked.push("similar_gtin");
  if (lots) {
    if (!scanned.batch) {
      if (lots.size) asked.push("missing_lot");
    } else if (!lots.has(scanned.batch)) asked.push("unknown_lot");
    else if (typed && [...lots].some((each) => each !== scanned.batch && alike(each, scanned.batch))) asked.push("similar_lot");
  }
  return asked;
}

function swaps(gtin) {
  const all = [];
  for (let at = 0; at < gtin.length - 1; at += 1) {
    if (Math.abs(Number(gtin[at]) - Number(gtin[at + 1])) === 5) {
      all.push(gtin.slice(0, at) + gtin[at + 1] + gtin[at] + gtin.slice(at + 2));
    }
  }
  return all;
}

export function alike(one, other) {
  if (one.length > other.length) [one, other] = [other, one];
  if (other.startsWith(one)) return true;
  let head = 0;
  while (one[head] === other[head]) head += 1;
  if (one.length === other.length) {
    const swapped = one.slice(0, head) + (one[head + 1] ?? "") + one[head] + one.slice(head + 2);
    return one.slice(head + 1) === other.slice(head + 1) || swapped === other;
  }
  return other.length - one.length === 1 && one.slice(head) === other.slice(head + 1);
}

export function isHalf(scanned) {
  return scanned.kind === "gs1" && !scanned.gtin;
}

export function pieces(scanned, pack = 1, quantity = 1) {
  return quantity * (scanned.count || 1) * pack;
}

// Codes that complete each other. Lines and place are plain values, so that they can be kept and given back:
// new Session({order, place, document, lines}).

export class Session {
  constructor({ order = null, place = null, document = null, lines = [] } = {}) {
    this.order = order;
    this.place = place;
    this.document = document;
    this.lines = [...lines];
    this.decided = null;
    this.multiplier = null;
    this.lotAlone = null;
    this.box = null;
    this.numbers = lines.reduce((most, line) => Math.max(most, line.number), 0);
  }

  feed(scanned, now) {
    const events = this.#stale(now);
    if (scanned.kind === "refused") return [...events, { event: "refused", scanned, reason: scanned.reason }];
    if (scanned.kind === "unknown") return [...events, { event: "unknown", scanned }];
    if (scanned.kind === "multiplier") {
      this.multiplier = { scanned, at: now };
      return [...events, { event: "multiplier", scanned }];
    }
    if (DOCUMENTS.has(scanned.kind)) {
      this.document = scanned;
      return [...events, { event: "document", scanned }];
    }
    if (scanned.kind === "place") return [...events, ...this.#at(scanned, now)];
    if (scanned.kind === "box") return [...events, ...this.#boxed(scanned, now)];
    return [...events, ...this.#item(scanned, now)];
  }

  forget(number) {
    this.lines = this.lines.filter((line) => line.number !== number);
  }

  #stale(now) {
    const events = [];
    if (this.multiplier && now - this.multiplier.at > PATIENCE) {
      events.push({ event: "dropped", scanned: this.multiplier.scanned });
      this.multiplier = null;
    }
    if (this.lotAlone && now - this.lotAlone.at > PATIENCE) {
      events.push({ event: "dropped", scanned: this.lotAlone.scanned });
      this.lotAlone = null;
    }
    return events;
  }

  #at(place, now) {
    const box = this.box;
    this.box = null;
    if (box) {
      this.decided ??= "item_first";
      const events = [this.#line(box, now, 1, place)];
      if (this.#first() === "place_first") this.place = place;
      return events;
    }
    const waiting = this.lines.filter((line) => !line.place);
    if (waiting.length && this.#first() !== "place_first") return this.#put(waiting, place);
    this.decided ??= "place_first";
    this.place = place;
    return [{ event: "place", scanned: place }];
  }

  #boxed(box, now) {
    if (this.multiplier) {
      this.multiplier = null;
      return [{ event: "refused", scanned: box, reason: "quantity" }];
    }
    const waiting = this.lines.filter((line) => !line.place);
    if (waiting.length && this.#first() === "item_first") return this.#put(waiting, box);
    if (this.place?.kind === "place") return [this.#line(box, now, 1, this.place)];
    if (this.place) {
      this.place = box;
      return [{ event: "place", scanned: box }];
    }
    this.box = box;
    return [{ event: "box", scanned: box }];
  }

  #item(item, now) {
    const events = [];
    if (this.box) {
      this.place = this.box;
      this.box = null;
      this.decided = "place_first";
      events.push({ event: "place", scanned: this.place });
    }
    this.decided ??= "item_first";
    if (item.kind === "parcel") {
      if (this.multiplier) {
        this.multiplier = null;
        return [...events, { event: "refused", scanned: item, reason: "quantity" }];
      }
      return [...events, this.#line(item, now, 1, this.place)];
    }
    if (isHalf(item)) return [...events, ...this.#half(item, now)];
    if (this.lotAlone) {
      const half = this.lotAlone.scanned;
      this.lotAlone = null;
      if (!item.gtin) events.push({ event: "dropped", scanned: half });
      else if (disagree(item, half)) return [...events, { event: "refused", scanned: item, reason: "two_lots" }];
      else item = joined(item, half);
    }
    const quantity = item.quantity || this.multiplier?.scanned.quantity || 1;
    this.multiplier = null;
    return [...events, this.#line(item, now, quantity, this.place)];
  }

  #half(half, now) {
    const last = this.lines.at(-1);
    if (
      last
      && !this.multiplier
      && half.quantity === undefined
      && last.item.gtin
      && !last.item.batch
      && now - last.scanned_at <= PATIENCE
      && !disagree(last.item, half)
    ) {
      last.item = joined(last.item, half);
      return [{ event: "amended", line: last }];
    }
    this.lotAlone = { scanned: half, at: now };
    return [{ event: "half", scanned: half }];
  }

  #put(waiting, place) {
    for (const line of waiting) line.place = place;
    return waiting.map((line) => ({ event: "placed", line }));
  }

  #line(item, now, quantity, place) {
    this.numbers += 1;
    const line = { number: this.numbers, item, quantity, place, document: this.document, scanned_at: now };
    this.lines.push(line);
    return { event: "line", line };
  }

  #first() {
    return this.order ?? this.decided;
  }
}

function disagree(item, half) {
  return Boolean(
    (item.batch && half.batch && item.batch !== half.batch)
    || (item.expires_on && half.expires_on && item.expires_on !== half.expires_on),
  );
}

function joined(item, half) {
  const dated = item.expires_on ? item : half;
  return made("gs1", item.text, {
    ...item,
    kind: "gs1",
    batch: item.batch ?? half.batch,
    expires_on: dated.expires_on,
    use_by: dated.use_by,
    produced_on: item.produced_on ?? half.produced_on,
    count: item.count ?? half.count,
    weight_g: item.weight_g ?? half.weight_g,
    quantity: item.quantity ?? half.quantity,
    uncertain: item.uncertain || half.uncertain || undefined,
    reason: item.reason ?? half.reason,
  });
}
