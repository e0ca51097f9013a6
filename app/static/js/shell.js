/* What every page does: keys, rows and their sheet, filters, forms that are sent once, news that can be undone.
 *
 * Pages work without it: links open pages, forms are sent. A page marks what it wants with attributes:
 *   data-once        a form is sent once, however often its button is pressed
 *   data-rows        ↑ ↓ walk these rows; Enter or a click anywhere opens the row's link
 *   data-combo=url   search as you type; url answers {items: [{id, text, sub}]}
 *   data-open-dialog=id, data-close-dialog, data-reveal=id, data-back, data-retry=seconds
 * Other modules: import { toast, ask, word } from "./shell.js".
 */

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const narrow = () => matchMedia("(max-width: 767px)").matches;
const token = () => one('meta[name="csrf-token"]')?.content ?? "";

/** A sentence of the page's language that scripts may say. */
export const word = (name) => one("#words")?.content.querySelector(`[data-word="${name}"]`)?.textContent ?? "";

/* ---- asking the server ---- */

/** fetch with the token against forgery; an ended session is mended in place. Resolves to the response. */
export async function ask(url, options = {}) {
  const headers = { Accept: "application/json", "X-Requested-With": "fetch", "X-CSRF-Token": token(), ...(options.headers ?? {}) };
  let body = options.body;
  if (body && !(body instanceof FormData) && typeof body !== "string") {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options, headers, body });
  } catch (error) {
    toast(word("offline"), { kind: "refused" });
    throw error;
  }
  if (response.status === 401) sessionEnded();
  return response;
}

document.addEventListener("htmx:configRequest", (event) => {
  const { detail } = event;
  if (detail.verb !== "get") detail.headers["X-CSRF-Token"] = token();
  const form = detail.elt.closest?.("[data-drop-empty]");
  if (form) for (const [name, value] of [...detail.formData.entries()]) if (value === "") detail.formData.delete(name);
});

document.addEventListener("htmx:responseError", ({ detail }) => {
  if (detail.xhr.status === 401) return sessionEnded();
  if (!quiet(detail.elt)) toast(word("failed"), { kind: "refused" });
});
document.addEventListener("htmx:sendError", ({ detail }) => {
  if (!quiet(detail.elt)) toast(word("offline"), { kind: "refused" });
});
const quiet = (element) => Boolean(element?.closest?.("[data-quiet]"));

/* A row of tabs that is wider than the phone begins where one is. */
for (const tabs of all(".tabs")) {
  const here = one("[aria-current], [aria-selected='true']", tabs);
  if (here && here.offsetLeft + here.offsetWidth > tabs.clientWidth) tabs.scrollLeft = here.offsetLeft - tabs.clientWidth / 3;
}

/* Old content stays and is dimmed when the new one takes longer than a glance. */
const dimming = new WeakMap();
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (quiet(detail.elt)) return;
  const target = detail.target ?? detail.elt;
  dimming.set(detail.xhr, { target, timer: setTimeout(() => target.classList.add("dim"), 400) });
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const waiting = dimming.get(detail.xhr);
  if (!waiting) return;
  clearTimeout(waiting.timer);
  waiting.target.classList.remove("dim");
});

/* ---- a session that ended in the middle of a form ---- */

function sessionEnded() {
  const dialog = one("#again");
  if (dialog && !dialog.open) dialog.showModal();
}

/** After signing in on the other page: fetch the new token, so that the form on this page can be sent. */
async function renewToken() {
  const dialog = one("#again");
  if (!dialog?.open) return;
  try {
    const response = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = one('meta[name="csrf-token"]', page)?.content;
    if (!fresh) return;
    one('meta[name="csrf-token"]').content = fresh;
    for (const field of all('input[name="csrf_token"]')) field.value = fresh;
    dialog.close();
    toast(word("signed-in"));
  } catch {
    /* still away: the dialog stays */
  }
}
addEventListener("focus", renewToken);

/* ---- forms ---- */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  if (form.hasAttribute("data-send") && !event.submitter?.formNoValidate) {
    const wrong = all("input, select, textarea", form).find((field) => !field.checkValidity());
    if (wrong) {
      event.preventDefault();
      form.noValidate = false;
      form.reportValidity();
      form.noValidate = true;
      return;
    }
  }
  form.dataset.sent = "1";
  for (const button of all("button", form)) if (button.type === "submit") setTimeout(() => button.classList.add("busy"));
  setTimeout(() => unlock(form), 60000);
});

function unlock(form) {
  delete form.dataset.sent;
  for (const button of all("button.busy", form)) button.classList.remove("busy");
}
addEventListener("pageshow", (event) => event.persisted && all("form[data-sent]").forEach(unlock));

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) {
    const field = one("input", step.closest("[data-stepper]"));
    const wanted = Number(field.value || 0) + Number(step.dataset.step);
    field.value = Math.min(Number(field.max || 99), Math.max(Number(field.min || 0), wanted));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const field = document.getElementById(reveal.dataset.reveal);
    field.type = field.type === "password" ? "text" : "password";
    reveal.setAttribute("aria-pressed", String(field.type === "text"));
  }
  const chipOff = event.target.closest("[data-chip-off]");
  const chip = chipOff && one("select", chipOff.closest(".chip"));
  if (chip) {
    event.preventDefault();
    chip.value = "";
    chip.dispatchEvent(new Event("change", { bubbles: true }));
    chip.focus();
  }
  if (event.target.closest("[data-back]")) history.back();
  const link = event.target.closest("[data-field-link]");
  if (link) {
    event.preventDefault();
    const field = document.getElementById(link.hash.slice(1));
    (field?.matches("input, select, textarea, button") ? field : one("input, select, textarea", field) ?? field)?.focus();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-chip]")) event.target.closest(".chip").classList.toggle("chip-on", event.target.value !== "");
  if (event.target.closest("[data-stepper]")) event.target.classList.toggle("zero", event.target.value === "0");
});

/* ---- rows and the sheet ---- */

const rowsOf = () => all("[data-rows] > tr, [data-rows] > li").filter((row) => one(".row-link, a, button", row));
const opener = (row) => one(".row-link", row) ?? one("a, button", row);

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-rows] > [data-href]");
  if (!row || event.target.closest("a, button, input, label, select, summary") || getSelection().toString()) return;
  opener(row)?.click();
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id === "sheet" || one("#sheet")?.contains(detail.target)) sheetChanged(detail.requestConfig?.elt);
});
document.addEventListener("htmx:oobAfterSwap", countRows);
document.addEventListener("htmx:afterSettle", ({ detail }) => detail.target?.id === "rows" && countRows());

function sheetChanged(origin) {
  const open = Boolean(one("#sheet .sheet"));
  one("#page")?.classList.toggle("has-sheet", open);
  const row = origin?.closest?.("tr, li");
  if (row) {
    for (const chosen of all('[data-rows] > [aria-selected="true"]')) chosen.removeAttribute("aria-selected");
    row.setAttribute("aria-selected", "true");
  }
  if (open && (narrow() || !row?.contains(document.activeElement))) one("#sheet-title")?.focus({ preventScroll: true });
}

function closeSheet() {
  const link = one("#sheet [data-close-sheet]");
  if (!link) return false;
  if (one("#sheet .sheet-over") || !one("[data-rows]")) {
    location.assign(link.href);
    return true;
  }
  history.pushState({}, "", link.href);
  one("#sheet").replaceChildren();
  one("#page")?.classList.remove("has-sheet");
  const row = one('[data-rows] > [aria-selected="true"]');
  row?.removeAttribute("aria-selected");
  if (row) opener(row)?.focus({ preventScroll: true });
  return true;
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-sheet]") && closeSheet()) event.preventDefault();
});
addEventListener("popstate", () => location.reload());

function countRows() {
  const shown = one("[data-shown]");
  const rows = all("#rows > tr").length;
  if (shown?.dataset.template && rows) shown.textContent = shown.dataset.template.replace("{n}", grouped(rows));
}
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, document.documentElement.lang === "hu" ? "\u202f" : ",");

function walk(direction) {
  const rows = rowsOf();
  if (!rows.length) return false;
  const now = rows.findIndex((row) => row.contains(document.activeElement) || row.getAttribute("aria-selected") === "true");
  const next = rows[now < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, now + direction))];
  const link = opener(next);
  link.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  if (one("#sheet .sheet") && link.hasAttribute("hx-get")) {
    clearTimeout(walk.timer);
    walk.timer = setTimeout(() => link.click(), 150);
  }
  return true;
}

/* ---- keys ---- */

const single = () => localStorage.getItem("single-keys") !== "off";
let going = 0;
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable], [role=application], [role=listbox], [role=menu]");
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.closest("form") ?? one("form[data-send]");
    if (form) event.preventDefault(), form.requestSubmit();
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
    const undo = one("#toasts [data-toast] form button");
    if (undo) event.preventDefault(), undo.click();
    return;
  }
  if (event.key === "Escape") {
    const open = one("details.menu[open]");
    if (open) return (open.open = false), one("summary", open).focus();
    if (!one("dialog[open]") && !typing?.getAttribute("aria-expanded")?.includes("true")) closeSheet();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (one("[data-rows]") && !event.target.closest("[data-own-keys]") && walk(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    return;
  }
  if (!single()) return;
  if (event.key === "/") {
    const field = one(".bar .find input") ?? one(".filters .find input");
    if (field?.offsetParent) event.preventDefault(), field.focus();
  } else if (event.key === "?") {
    one("#keys")?.showModal();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500 && /^[1-9]$/.test(event.key)) {
    one(`.bar nav [data-go="${event.key}"]`)?.click();
  }
});

/* ---- dialogs, menus ---- */

document.addEventListener("click", (event) => {
  const open = event.target.closest("[data-open-dialog]");
  if (open) document.getElementById(open.dataset.openDialog)?.showModal();
  if (event.target.closest("[data-close-dialog]") || event.target.matches?.("dialog[open]")) event.target.closest("dialog")?.close();
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
const letters = one("[data-single-keys]");
if (letters) {
  letters.checked = single();
  letters.addEventListener("change", () => localStorage.setItem("single-keys", letters.checked ? "on" : "off"));
}

/* ---- news ---- */

/** Say what happened. undo: a function. It stays ten seconds or until the next deed and takes no focus. */
export function toast(text, { undo, undoLabel, kind } = {}) {
  if (!text) return;
  const box = document.createElement("div");
  box.className = "toast-undo";
  box.dataset.toast = "";
  const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  sign.setAttribute("class", "icon");
  sign.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons()}#${kind === "refused" ? "alert-circle" : "check"}`);
  sign.append(use);
  const sentence = document.createElement("span");
  sentence.textContent = text;
  box.append(sign, sentence);
  if (undo) {
    const button = document.createElement("button");
    button.className = "btn";
    button.textContent = undoLabel;
    button.addEventListener("click", () => (box.remove(), undo()));
    box.append(button);
  }
  all("#toasts [data-toast]").forEach((old) => old.remove());
  one("#toasts").append(box);
  fade(box);
}
export const icons = () => one("svg.icon use")?.getAttribute("href").split("#")[0] ?? "/static/vendor/icons.svg";
const fade = (box) => {
  let left = 10;
  const timer = setInterval(() => {
    if (!box.matches(":hover, :focus-within")) left -= 1;
    if (left <= 0 || !box.isConnected) clearInterval(timer), box.remove();
  }, 1000);
};
all("[data-toast]").forEach(fade);
document.addEventListener("click", (event) => event.target.closest("[data-toast-x]")?.closest("[data-toast]").remove());

/* ---- search as you type ---- */

function combo(box) {
  const [field, chosen, list] = [one("input[role=combobox]", box), one("input[type=hidden]", box), one("ul", box)];
  let timer, asked = 0, at = -1, items = [];
  const show = (open) => {
    list.hidden = !open;
    field.setAttribute("aria-expanded", String(open));
    if (!open) field.removeAttribute("aria-activedescendant"), (at = -1);
  };
  const mark = (index) => {
    at = index;
    all("li", list).forEach((line, i) => line.setAttribute("aria-selected", String(i === at)));
    const line = all("li", list)[at];
    if (line) field.setAttribute("aria-activedescendant", line.id), line.scrollIntoView({ block: "nearest" });
  };
  const take = (item) => {
    field.value = item.text;
    chosen.value = item.id;
    show(false);
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
    box.dispatchEvent(new CustomEvent("combo:chosen", { bubbles: true, detail: item }));
  };
  const search = async () => {
    const text = field.value.trim(), mine = ++asked;
    if (text.length < Number(box.dataset.min || 2)) return show(false);
    const glue = box.dataset.combo.includes("?") ? "&" : "?";
    const response = await ask(`${box.dataset.combo}${glue}q=${encodeURIComponent(text)}`).catch(() => null);
    if (!response?.ok || mine !== asked) return;
    items = (await response.json()).items ?? [];
    list.replaceChildren(
      ...items.map((item, i) => {
        const line = document.createElement("li");
        line.id = `${list.id}-${i}`;
        line.setAttribute("role", "option");
        line.append(Object.assign(document.createElement("span"), { textContent: item.text }));
        if (item.sub) line.append(Object.assign(document.createElement("span"), { className: "cap", textContent: item.sub }));
        line.addEventListener("mousedown", (event) => (event.preventDefault(), take(item)));
        return line;
      }),
    );
    if (!items.length) list.append(Object.assign(document.createElement("li"), { className: "combo-none", textContent: word("nothing-found") }));
    show(true);
    mark(items.length ? 0 : -1);
  };
  field.addEventListener("input", () => {
    chosen.value = "";
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return event.key === "ArrowDown" && search();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark((at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % (items.length || 1));
    } else if (event.key === "Enter" && items[at]) {
      event.preventDefault();
      take(items[at]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      show(false);
    }
  });
  field.addEventListener("blur", () => setTimeout(() => show(false), 100));
}
const dress = (root) => all("[data-combo]", root).forEach((box) => box.dataset.dressed || ((box.dataset.dressed = "1"), combo(box)));
dress(document);
document.addEventListener("htmx:load", (event) => dress(event.detail.elt));

/* ---- at the start ---- */

all(".stepper input").forEach((field) => field.classList.toggle("zero", field.value === "0"));
one("[data-focus]")?.focus();
const asked = new URL(location.href);
if (asked.searchParams.has("lang")) {
  asked.searchParams.delete("lang");
  history.replaceState(history.state, "", asked);
}
const retry = one("[data-retry]");
if (retry) {
  const whole = Number(retry.dataset.retry), started = Date.now(), bar = one(".retry rect", retry);
  const timer = setInterval(() => {
    const gone = (Date.now() - started) / 1000;
    bar?.setAttribute("width", `${Math.min(100, (100 * gone) / whole)}%`);
    if (gone >= whole) clearInterval(timer), location.reload();
  }, 500);
}
