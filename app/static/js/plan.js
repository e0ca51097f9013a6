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
let course = Number(one("#solve")?.dataset.course ?? 0);
document.addEventListener("htmx:afterSwap", async () => {
  const now = Number(one("#solve")?.dataset.course ?? 0);
  if (!one("#solve") || now === course) return;
  const first = course === 0;
  course = now;
  await map.load(first);
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const open = all("details.grp[open]").map((group) => one("b", group).textContent);
  for (const id of ["runs", "left", "kpis"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh) {
      const top = one(".scroll", old)?.scrollTop ?? 0;
      old.replaceWith(document.adoptNode(fresh));
      window.htmx?.process(fresh);
      if (!first) for (const group of all("details.grp", fresh)) group.open = open.includes(one("b", group).textContent);
      if (one(".scroll", fresh)) one(".scroll", fresh).scrollTop = top;
    }
  }
});
