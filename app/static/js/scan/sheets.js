/* What is asked over the page. The camera stays open below; a scan answers a question or puts it away. */

import { bytes, clock, config, data, h, icon, number, one, say } from "./page.js";

const sheet = one("#sheet");
let closed = () => {};
let again = null;
let focusBack = null;

export const isOpen = () => !sheet.hidden;
export const onClose = (told) => (closed = told);
/** Draw an open list anew when what it shows has changed. */
export const redraw = () => isOpen() && again?.();

/** Say something about a scan above what is asked. */
export function remark(text) {
  one(".ask-remark", sheet)?.remove();
  one(".ask-body", sheet)?.prepend(h("div.verdict.verdict-attention.ask-remark", { role: "alert" }, icon("alert-triangle"), h("div.verdict-what", {}, h("b", {}, text))));
}

export function close() {
  if (sheet.hidden) return;
  sheet.hidden = true;
  again = null;
  one("#page").inert = false;
  sheet.replaceChildren();
  focusBack?.focus?.({ preventScroll: true });
  closed();
}
addEventListener("keydown", (event) => event.key === "Escape" && close());

function show({ title, sub = "", body, foot = [], focus = null, leave = close }) {
  if (sheet.hidden) focusBack = document.activeElement;
  sheet.hidden = false;
  one("#page").inert = true;
  const name = h("h2", { id: "sheet-title", tabindex: "-1" }, title);
  sheet.replaceChildren(
    h("header.fbar", {}, h("button.back", { type: "button", "aria-label": say("back"), onclick: leave }, icon("arrow-left")), h("div.fbar-what", {}, name, sub ? h("div.cap", {}, data(sub)) : null)),
    h("div.ask-body", {}, body), foot.length ? h("div.foot", {}, ...foot) : "",
  );
  (focus ? one(focus, sheet) : name)?.focus();
}

/** Enter sends; it must not press the button below as well, which gets the focus back meanwhile. */
function entered(event, send) {
  if (event.key !== "Enter") return;
  event.preventDefault();
  send();
}

const plain = (word, onclick, more = {}) => h("button.btn.btn-plain.btn-glove", { type: "button", onclick, ...more }, word);
const main = (word, onclick, more = {}) => h("button.btn.btn-do.btn-glove", { type: "button", onclick, ...more }, word);

/* ---- until when is it good ---- */

export function expiry({ item, used, today, done, skip, reference }) {
  const kind = { use_by: false };
  const fields = ["day", "month", "year"].map((name) => h("input.form-control.date-part", { id: `date-${name}`, inputmode: "numeric", pattern: "[0-9]*", maxlength: name === "year" ? "4" : "2", autocomplete: "off", placeholder: "" }));
  const order = config.language === "hu" ? [2, 1, 0] : [0, 1, 2];
  const wrong = h("p.field-wrong", { role: "alert" });
  const kinds = h("div.pick", {}, ...[false, true].map((use_by) => h("button", { type: "button", "aria-pressed": String(!use_by), onclick: (event) => { kind.use_by = use_by; for (const each of kinds.children) each.setAttribute("aria-pressed", String(each === event.currentTarget)); } }, say(use_by ? "use_by" : "best_before"))));
  const read = () => {
    const [day, month, year] = fields.map((field) => Number(field.value));
    const full = year < 100 ? 2000 + year : year;
    const last = new Date(Date.UTC(full, month, 0)).getUTCDate();
    const of = fields[0].value === "" ? last : day;
    if (!(month >= 1 && month <= 12) || !(full >= 2000 && full <= 2100) || !(of >= 1 && of <= last)) return null;
    return `${full}-${String(month).padStart(2, "0")}-${String(of).padStart(2, "0")}`;
  };
  const send = () => {
    const day = read();
    if (!day) {
      wrong.textContent = say("no_such_day");
      return fields[order[0]].focus();
    }
    done(day, kind.use_by);
  };
  for (const [at, which] of order.entries()) {
    fields[which].addEventListener("input", () => fields[which].value.length === Number(fields[which].maxLength) && fields[order[at + 1]]?.focus());
    fields[which].addEventListener("keydown", (event) => entered(event, send));
  }
  show({
    title: say("when_expires"), sub: item.name, focus: `#${fields[order[0]].id}`, leave: skip,
    body: h("div.fsec", {}, h("div.stack", {},
      used.length ? h("div.pick.pick-days", {}, ...used.map((day) => h("button", { type: "button", onclick: () => done(day, kind.use_by) }, icon("history"), reference.day(day)))) : null,
      h("div.date-parts", { role: "group", "aria-label": say("day_on_pack") }, ...order.map((which) => h("label", {}, h("span.cap", {}, say(["date_day", "date_month", "date_year"][which])), fields[which]))),
      wrong, kinds, h("p.cap", {}, say("day_hint", { today: reference.day(today) })))),
    foot: [plain(say("skip"), skip), main(say("take_in"), send)],
  });
}

/* ---- a code that nobody has scanned yet ---- */

export function learn({ code, reference, document, mode, done, skip }) {
  let chosen = null;
  let size = 1;
  const found = h("div.pick.pick-one", { role: "group", "aria-label": say("what_is_it") });
  const field = h("input.form-control.big-field", { id: "what", type: "search", autocomplete: "off", enterkeyhint: "search" });
  const amount = h("input", { id: "pack-size", inputmode: "numeric", pattern: "[0-9]*", value: "1", "aria-label": say("how_many_inside") });
  const save = main(say(mode === "count" ? "save_and_count" : "save_and_take"), () => chosen && done(chosen.id, size), { disabled: true, "aria-describedby": "why-not" });
  const why = h("p.muted.learn-hint", { id: "why-not" }, say("choose_first"));
  const draw = () => {
    // What was chosen stands alone, so that the next question is in sight; a tap on it brings the others back.
    const rows = chosen ? [chosen] : field.value.trim() ? reference.find(field.value) : document;
    found.replaceChildren(...rows.map((item) => h("button", { type: "button", "aria-pressed": String(item === chosen), onclick: () => { chosen = chosen ? null : item; save.disabled = !chosen; why.textContent = say(chosen ? "all_warehouses" : "choose_first"); draw(); } },
      icon(item.icon || "package"), h("span.pick-what", {}, data(item.name), h("span.cap", {}, data(`${item.unit}, ${item.category}`))), item === chosen ? icon("check") : null)));
    if (!rows.length && field.value.trim()) found.replaceChildren(h("p.muted", {}, say("no_such_item")));
  };
  const set = (value) => { size = Math.min(10_000, Math.max(1, Math.round(value) || 1)); amount.value = String(size); };
  field.addEventListener("input", () => { chosen = null; save.disabled = true; draw(); });
  amount.addEventListener("change", () => set(Number(amount.value)));
  amount.addEventListener("focus", () => amount.select());
  show({
    title: say("new_barcode"), sub: code.replace(/^0+(?=\d{8,})/, ""), focus: "#what", leave: skip,
    body: h("div", {},
      h("div.verdict.verdict-attention", {}, icon("help-hexagon"), h("div.verdict-what", {}, h("b", {}, say("new_code")), h("span", {}, say("new_code_once")))),
      h("div.fsec", {}, h("div.stack", {}, h("div", {}, h("label.form-label", { for: "what" }, say("what_is_it")), field), found)),
      h("div.fsec.pack-size", {}, h("div", {}, h("b", {}, say("how_many_inside")), h("div.cap", {}, say("how_many_hint"))), h("span.push"),
        h("div.stepper", {}, h("button", { type: "button", "aria-label": say("less"), onclick: () => set(size - 1) }, icon("minus")), amount, h("button", { type: "button", "aria-label": say("more"), onclick: () => set(size + 1) }, icon("plus")))), why),
    foot: [plain(say("skip"), skip), save],
  });
  draw();
}

/* ---- a code by hand ---- */

export function typing({ done, photo }) {
  const field = h("input.form-control.big-field", { id: "typed", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", enterkeyhint: "done" });
  const file = h("input.photo-file", { type: "file", id: "photo", accept: "image/*", capture: "environment", onchange: () => file.files[0] && photo(file.files[0]) });
  const send = () => field.value.trim() && (close(), done(field.value.trim()));
  field.addEventListener("keydown", (event) => entered(event, send));
  show({
    title: say("type_code"), focus: "#typed",
    body: h("div.fsec", {}, h("div.stack", {}, h("div", {}, h("label.form-label", { for: "typed" }, say("code_or_number")), field, h("p.cap", {}, say("typed_hint"))), h("label.btn.btn-plain.btn-glove.photo", { for: "photo" }, icon("camera"), say("from_photo"), file))),
    foot: [plain(say("back"), close), main(say("do_it"), send)],
  });
}

/* ---- a number ---- */

export function amount({ done, title = say("how_many_packs"), label = say("how_many_packs_label"), least = 1, most = 9999, send: word = say("for_next"), quick = [3, 4, 5, 8, 10, 20, 24, 50, 100] }) {
  const field = h("input.form-control.big-field", { id: "amount", inputmode: "numeric", pattern: "[0-9]*", autocomplete: "off", maxlength: "7" });
  const send = () => {
    const typed = Number(field.value);
    if (field.value.trim() && Number.isInteger(typed) && typed >= least && typed <= most) done(typed);
    else field.select();
  };
  field.addEventListener("keydown", (event) => entered(event, send));
  show({
    title, focus: "#amount",
    body: h("div.fsec", {}, h("label.form-label", { for: "amount" }, label), field, quick.length ? h("div.pick.pick-numbers", {}, ...quick.map((times) => h("button", { type: "button", onclick: () => done(times) }, `×${times}`))) : null),
    foot: [plain(say("back"), close), main(word, send)],
  });
}

/* ---- one of many ---- */

export function pick({ title, hint = "", choices, done, extra = null }) {
  const field = h("input.form-control.big-field", { id: "narrow", type: "search", autocomplete: "off" });
  const rows = h("div.pick.pick-one");
  const draw = () => {
    const typed = field.value.trim().toLowerCase();
    rows.replaceChildren(...choices.filter((each) => !typed || `${each.title} ${each.text}`.toLowerCase().includes(typed)).slice(0, 40).map((each) => h("button", { type: "button", onclick: () => done(each.id) }, h("span.pick-what", {}, h("b", {}, data(each.title)), h("span.cap", {}, data(each.text))), icon("chevron-right"))));
  };
  field.addEventListener("input", draw);
  const many = choices.length > 8;
  show({
    title, body: h("div.fsec", {}, h("div.stack", {}, hint ? h("p.cap", {}, hint) : null, many ? h("div", {}, h("label.form-label", { for: "narrow" }, say("narrow")), field) : null, rows)),
    foot: [plain(say("back"), close), ...(extra ? [main(extra.word, extra.done)] : [])],
  });
  draw();
}

export const tell = (title, text) => show({ title, body: h("div.fsec", {}, h("p", {}, text)), foot: [main(say("back"), close)] });

export function list({ title, rows, empty }) {
  const draw = () => {
    const found = rows();
    show({ title, body: found.length ? h("ul.lines", {}, ...found) : h("div.fsec", {}, h("p", {}, empty)), foot: [main(say("back"), close)] });
  };
  draw();
  again = draw;
}

/* ---- this phone ---- */

export function phone({ me, reference, room, persistent, waiting, others, scanner, silent, snapshotAt, sound, setPin, dropPin, send }) {
  const fact = (word, value) => [h("dt", {}, say(word)), h("dd", {}, value)];
  const other = config.language === "hu" ? ["en", "English"] : ["hu", "Magyar"];
  show({
    title: say("this_phone"),
    body: h("div", {},
      h("div.fsec", {}, h("dl.phone-facts", {},
        ...fact("fact_who", me ? data(me.person.name) : "–"),
        ...fact("fact_warehouse", reference.warehouse ? data(reference.warehouse.name) : "–"),
        ...fact("fact_waiting", waiting ? say("not_sent", { count: number(waiting) }) : say("all_sent")),
        ...others.flatMap(({ name, count }) => fact("fact_others", h("span", {}, data(name), ` · ${number(count)}`))),
        ...fact("fact_snapshot", snapshotAt ? clock(snapshotAt) : "–"),
        ...fact("fact_room", room.free === null || room.free === undefined ? say("room_unknown") : say(persistent ? "room_kept" : "room_may_go", { free: bytes(Math.max(0, room.free)) })))),
      h("div.fsec", {}, h("div.stack", {},
        h("button.btn.btn-plain.btn-glove", { type: "button", onclick: send }, icon("refresh"), say("send_now")),
        h("button.btn.btn-plain.btn-glove", { type: "button", onclick: sound, "aria-pressed": String(!silent) }, silent ? icon("volume-off") : icon("volume"), say(silent ? "sound_off" : "sound_on")),
        !scanner && !globalThis.crypto?.subtle ? null : scanner ? h("button.btn.btn-plain.btn-glove", { type: "button", onclick: dropPin }, icon("lock-open"), say("drop_pin")) : h("button.btn.btn-plain.btn-glove", { type: "button", onclick: setPin }, icon("lock"), say("set_pin")),
        h("p.cap", {}, say(scanner ? "pin_is_set" : globalThis.crypto?.subtle ? "pin_what" : "pin_needs_https")),
        h("a.btn.btn-plain.btn-glove", { href: `${config.page}?lang=${other[0]}`, lang: other[0], hreflang: other[0] }, icon("language"), other[1]))),
      h("p.cap.start-hint", {}, say("install_hint"))),
    foot: [main(say("back"), close)],
  });
}

/* ---- the PIN ---- */

/** A pad of digits in a box: for gloves, and for keys. */
export function pad(box, { title, text, wrong, done }) {
  let pin = "";
  const dots = h("div.pin-dots", { "aria-hidden": "true" });
  const told = h("output.visually-hidden", { "aria-live": "polite" });
  const draw = () => { dots.textContent = "●".repeat(pin.length) || " "; told.textContent = say("pin_digits", { digits: pin.length }); };
  const press = (digit) => { if (pin.length < 8) pin += digit; draw(); };
  const enter = () => { const typed = pin; pin = ""; draw(); if (typed.length >= 4) done(typed); };
  const keys = h("div.pin-keys", {}, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => h("button", { type: "button", onclick: () => press(digit) }, String(digit))),
    h("button", { type: "button", "aria-label": say("pin_delete"), onclick: () => { pin = pin.slice(0, -1); draw(); } }, icon("backspace")), h("button", { type: "button", onclick: () => press(0) }, "0"), h("button.pin-go", { type: "button", "aria-label": say("pin_enter"), onclick: enter }, icon("check")));
  box.onkeydown = (event) => { if (/^\d$/.test(event.key)) press(event.key); else if (event.key === "Backspace") { pin = pin.slice(0, -1); draw(); } else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement && event.target.matches(".pin-keys button:not(.pin-go)"))) { event.preventDefault(); enter(); } };
  box.replaceChildren(h("div.lock-card", {}, icon("lock"), h("h2", { tabindex: "-1" }, title), h(`p${wrong ? ".field-wrong" : ""}`, { role: "status" }, text), dots, told, keys));
  one("h2", box).focus();
  draw();
}

export function newPin({ weak, done }) {
  let first = null;
  const box = h("div");
  const next = (text, wrong = false) => pad(box, {
    title: say(first ? "pin_again" : "pin_new"), text, wrong,
    done: (pin) => {
      if (!first) {
        if (weak(pin)) return next(say("pin_weak"), true);
        first = pin;
        return next(say("pin_again_text"));
      }
      if (pin !== first) {
        first = null;
        return next(say("pin_differs"), true);
      }
      return done(pin);
    },
  });
  show({ title: say("set_pin"), body: box, foot: [plain(say("back"), close)] });
  next(say("pin_new_text"));
}
