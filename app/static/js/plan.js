/* The plan page: lists and map are one thing. Choosing a run lights its line, numbers its stops and shows its day. */

import { showMap } from "./map.js";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const element = one("#plan-map");
const map = await showMap(element);

function choose(id) {
  for (const row of all(".run")) {
    const on = row.dataset.run === String(id ?? "");
    row.classList.toggle("on", on);
    row.toggleAttribute("aria-current", on);
    if (on) row.closest("details").open = true;
  }
  map.choose(id);
  const chip = one(".map-chips [data-unchoose]");
  const row = id === null ? null : one(`.run[data-run="${id}"]`);
  chip.hidden = !row;
  one("[data-zoom-run]").hidden = !row;
  if (row) one("[data-chip-name]").textContent = `${one(".run-no", row).textContent} · ${one(".run-t b", row).textContent}`;
  const address = new URL(location.href);
  if (id === null) address.searchParams.delete("run");
  else address.searchParams.set("run", id);
  history.replaceState(history.state, "", address);
}
if (element.dataset.chosen) choose(element.dataset.chosen);

document.addEventListener("click", (event) => {
  const run = event.target.closest("[data-choose]");
  if (run) choose(run.dataset.choose);
  if (event.target.closest("[data-unchoose]")) {
    choose(null);
    const day = one("#day");
    day.replaceChildren();
    day.hidden = true;
  }
  if (event.target.closest("[data-zoom-run]")) map.near();
  const toggle = event.target.closest("[data-toggle=stops]");
  if (toggle) {
    const list = one("#day-stops");
    list.hidden = !list.hidden;
    toggle.setAttribute("aria-expanded", String(!list.hidden));
  }
  const tab = event.target.closest("[data-part]");
  if (tab) {
    one(".work").dataset.show = tab.dataset.part;
    all("[data-part]").forEach((other) => other.setAttribute("aria-selected", String(other === tab)));
    if (tab.dataset.part === "map-part") map.map.invalidateSize(), map.fit();
  }
});

/* While it is being solved: each better plan is drawn as it comes, lists too. */
let course = one("#solve")?.dataset.course ?? "";
let busy = false;
let touched = false;
document.addEventListener("click", (event) => event.target.closest("details.grp > summary") && (touched = true));
document.addEventListener("htmx:afterSwap", async () => {
  const now = one("#solve")?.dataset.course ?? "";
  if (!one("#solve") || now === course || busy) return;
  const first = course === "";
  course = now;
  busy = true;
  try {
    await map.load(first);
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (answer.ok) redraw(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    /* the next better plan tries again */
  }
  busy = false;
});

function redraw(page) {
  const groups = (root) => all("details.grp", root);
  const open = groups(document).filter((group) => group.open).map((group) => one("b", group).textContent);
  for (const id of ["plan-what", "runs", "left", "kpis"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!fresh) continue;
    const top = old && one(".scroll", old)?.scrollTop;
    if (old) old.replaceWith(document.adoptNode(fresh));
    else if (id === "kpis") one(".plan-head .head-what").after(document.adoptNode(fresh));
    window.htmx?.process(fresh);
    if (touched) for (const group of groups(fresh)) group.open = open.includes(one("b", group).textContent);
    if (top && one(".scroll", fresh)) one(".scroll", fresh).scrollTop = top;
  }
}
