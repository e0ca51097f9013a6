/* The map of the country, without any network: outline and counties are ours; tiles are laid below only where a setting gives them.
 *
 *   <div class="map" data-map="/plans/7/map.json" aria-label="Map: 21 runs"></div>
 *
 * data-map      address of what to draw:
 *   depots [{id, name, lat, lon, hue}]     hue 1–8, a colour of tokens.css
 *   runs   [{id, number, hue, depot: [lat, lon], stops: [{n, lat, lon, name, locked}], line: [[lat, lon], …]?}]
 *   left   [{id, letter, name, lat, lon}]  stops without a run: amber squares
 *   dots   [{lat, lon, hue?, name?}]       loose points, for instance needs
 *   towns  [{name, lat, lon}]              labels, most important first; the base's where not given
 *   areas  [{code, share, label}]          counties shaded by a share of 0–1
 * data-base     address of {outline, borders, counties, towns}; /api/v1/map/base where not given
 * data-chosen   id of the run drawn thick with numbered stops      data-tiles  address of tiles, {z}/{x}/{y}
 * data-thin     only depots are labelled, no scale
 * data-under    pixels below that something covers               data-fit    "country" or "all" (default)
 * data-live     seconds after which it is asked again               data-chip   id of an element for the chosen run
 *
 * Lists beside it are linked by attributes: data-run="7" or data-left="3" on their rows. Hover and focus light the line
 * and the reverse; a click on a line or a square clicks the row's link or button. What the map shows the lists hold too.
 *
 * In scripts: const map = await showMap(element, {data, onRun(id), onLeft(id)});
 *   map.choose(id | null)  map.near()  map.light(id | null)  map.update(data)  map.fit()
 */

import * as L from "../vendor/leaflet/leaflet-src.esm.js";
import { ask, icons } from "./shell.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const hueOf = (hue) => (hue ? colour(`--ab-depot-${((hue - 1) % 8) + 1}`) : colour("--ab-ink-2"));
const place = (thing) => [thing.lat, thing.lon];
const bases = new Map();
const baseOf = (url) => {
  if (!bases.has(url)) bases.set(url, ask(url).then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({})));
  return bases.get(url);
};
const escaped = (text) => Object.assign(document.createElement("span"), { textContent: text }).innerHTML;
const sign = (className, html = "", anchor) => L.divIcon({ className, html, iconSize: null, iconAnchor: anchor });

/** So many left-out stops always carry their letter on the map. */
const LETTERED = 26;
const ruler = document.createElement("canvas").getContext("2d");

export async function showMap(element, { data, onRun, onLeft } = {}) {
  const thin = element.hasAttribute("data-thin");
  const words = document.documentElement.lang === "hu" ? ["Nagyítás", "Kicsinyítés"] : ["Zoom in", "Zoom out"];
  const map = L.map(element, { zoomControl: false, zoomSnap: 0.05, zoomDelta: 0.7, wheelPxPerZoomLevel: 110, attributionControl: Boolean(element.dataset.tiles), minZoom: 5, maxZoom: 15 });
  if (!thin) L.control.zoom({ position: "topright", zoomInTitle: words[0], zoomOutTitle: words[1] }).addTo(map);
  if (!thin) L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  map.createPane("ground").style.zIndex = 210;
  map.createPane("labels").style.zIndex = 620;
  map.getPane("labels").style.pointerEvents = "none";
  const canvas = L.canvas({ padding: 0.3, tolerance: 6 });
  const ground = L.svg({ pane: "ground", padding: 0.5 });
  const drawing = L.layerGroup().addTo(map);
  const front = L.layerGroup().addTo(map);
  const glow = L.layerGroup().addTo(map);
  const leftOnes = L.layerGroup().addTo(map);
  let shown = { runs: [] }, chosen = null, lines = new Map(), squares = new Map(), labels = [];

  map.setView([47.16, 19.5], 7);
  if (element.dataset.tiles) {
    L.tileLayer(element.dataset.tiles, { maxZoom: 19, attribution: element.dataset.attribution ?? "" }).addTo(map);
    element.classList.add("with-tiles");
  }
  const base = await baseOf(element.dataset.base || "/api/v1/map/base");
  const still = { interactive: false, renderer: ground, pane: "ground" };
  let country = null;
  if (base.outline) {
    const land = L.geoJSON(base.outline, { ...still, style: { className: "land", renderer: ground } }).addTo(map);
    country = land.getBounds();
  }
  const areas = L.layerGroup().addTo(map);
  if (base.borders) L.geoJSON(base.borders, { ...still, style: { className: "county", renderer: ground, fill: false } }).addTo(map);

  const lineOf = (run) => run.line ?? [run.depot, ...run.stops.map(place), run.depot].filter(Boolean);

  function draw(first) {
    drawing.clearLayers();
    areas.clearLayers();
    lines = new Map();
    labels.forEach((label) => label.marker.remove());
    labels = [];
    const shares = new Map((shown.areas ?? []).map((area) => [area.code, area]));
    if (shares.size && base.counties) {
      L.geoJSON(base.counties, {
        ...still,
        filter: (county) => shares.has(county.properties.code),
        style: (county) => ({ renderer: ground, className: "area", stroke: false, fillColor: colour("--ab-accent"), fillOpacity: 0.06 + 0.5 * shares.get(county.properties.code).share }),
      }).addTo(areas);
    }
    for (const dot of shown.dots ?? []) L.circleMarker(place(dot), { renderer: canvas, radius: 2.6, color: hueOf(dot.hue), weight: 1.4, fillColor: "#fff", fillOpacity: 1, interactive: false }).addTo(drawing);
    for (const run of shown.runs ?? []) {
      const [path, ink] = [lineOf(run), hueOf(run.hue)];
      const under = L.polyline(path, { renderer: canvas, color: "#fff", weight: 5, opacity: 0.9, interactive: false }).addTo(drawing);
      const over = L.polyline(path, { renderer: canvas, color: ink, weight: 2.25, lineJoin: "round" }).addTo(drawing);
      const dots = run.stops.map((stop) => L.circleMarker(place(stop), { renderer: canvas, radius: 3.4, color: ink, weight: 2, fillColor: "#fff", fillOpacity: 1, interactive: false }).addTo(drawing));
      over.on("mouseover", () => light(run.id, true)).on("mouseout", () => light(null, true)).on("click", () => pick(run.id));
      lines.set(String(run.id), { run, under, over, dots });
    }
    for (const depot of shown.depots ?? []) {
      L.marker(place(depot), { icon: sign(`depot-mark depot-${depot.hue}${(shown.depots.length > 8 && !thin) || thin ? " small" : ""}`, `<svg class="icon" aria-hidden="true"><use href="${icons()}#building-warehouse"/></svg>`), alt: depot.name, title: depot.name, keyboard: false, interactive: true, zIndexOffset: 600 }).addTo(drawing);
      label(depot, true);
    }
    if (!thin) {
      const named = new Set((shown.depots ?? []).map((depot) => depot.name));
      for (const town of shown.towns ?? base.towns ?? []) if (!named.has(town.name)) label(town, false);
    }
    if (first) fit();
    drawLeft();
    choose(chosen, false);
    arrange();
  }

  /** The most urgent carry their letter; a crowd of others is dots until one comes near. */
  function drawLeft() {
    leftOnes.clearLayers();
    squares = new Map();
    if (element.dataset.left === "no") return;
    const all = shown.left ?? [], near = (map.getZoom() >= 9.3 && chosen === null) || all.length <= LETTERED;
    const view = map.getBounds().pad(0.1);
    let lettered = 0;
    all.forEach((stop, i) => {
      const mark = i < LETTERED || (near && lettered < 120 && view.contains(place(stop)));
      let drawn;
      if (mark) {
        lettered += 1;
        drawn = L.marker(place(stop), { icon: sign(`left-mark${(stop.letter ?? "").length > 2 ? " long" : ""}`, escaped(stop.letter ?? "")), alt: stop.name, title: stop.name, keyboard: false, zIndexOffset: 500 - i });
      } else drawn = L.circleMarker(place(stop), { renderer: canvas, radius: 3.2, color: "#3a2400", weight: 1.2, fillColor: colour("--ab-attention"), fillOpacity: 1 });
      drawn.on("click", () => pickLeft(stop.id)).on("mouseover", () => lightRow("left", stop.id)).on("mouseout", () => lightRow("left", null));
      if (mark) squares.set(String(stop.id), drawn);
      drawn.addTo(leftOnes);
    });
  }
  map.on("moveend", () => (shown.left ?? []).length > LETTERED && drawLeft());

  function label(thing, seat) {
    ruler.font = `${seat ? 700 : 500} ${seat ? 12 : 11}px "Inter Variable", sans-serif`;
    const marker = L.marker(place(thing), { icon: sign("town"), interactive: false, keyboard: false, pane: "labels" });
    labels.push({ marker, seat, thing, wide: ruler.measureText(thing.name).width });
  }

  /** Labels stand right of their place, else left, below or above it; where nothing is free they are left away. */
  function arrange() {
    const away = shown.depots.length > 8 || thin ? 13 : 18;
    const taken = (shown.depots ?? []).map((depot) => map.latLngToContainerPoint(place(depot))).map((at) => [at.x - away + 3, at.y - away + 3, at.x + away - 3, at.y + away - 3]);
    for (const { marker, seat, thing, wide } of labels) {
      marker.remove();
      if (!seat && map.getZoom() < 7.6) continue;
      const at = map.latLngToContainerPoint(place(thing)), gap = seat ? away : 6;
      const sides = [[-gap, 8], [wide + gap, 8]];
      if (seat) sides.push([wide / 2, -gap + 2], [wide / 2, gap + 14]);
      for (const [x, y] of sides) {
        const box = [at.x - x, at.y - y, at.x - x + wide, at.y - y + 16];
        if (taken.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) continue;
        taken.push(box);
        marker.setIcon(sign(`town${seat ? " seat" : ""}`, escaped(thing.name), [x, y]));
        marker.addTo(map);
        break;
      }
    }
  }
  let drawnFine = 1;
  map.on("zoomend", () => {
    arrange();
    if (fine() !== drawnFine) choose(chosen, false);
  });

  /** A country of runs is drawn finer than a county of them. */
  const fine = () => ((shown.runs ?? []).length > 50 && map.getZoom() < 8.2 ? 0.6 : 1);

  /** Draw one run thick, with its stops numbered; the others stand back. */
  function choose(id, bring = true) {
    chosen = id === null || id === undefined || id === "" ? null : String(id);
    front.clearLayers();
    glow.clearLayers();
    if ((shown.left ?? []).length > LETTERED) drawLeft();
    const k = (drawnFine = fine());
    for (const [key, { over, under, dots }] of lines) {
      const back = chosen !== null && key !== chosen;
      over.setStyle({ opacity: back ? 0.32 : key === chosen ? 0 : 1, weight: (back ? 1.75 : 2.25) * k });
      under.setStyle({ weight: 5 * k, opacity: back || key === chosen ? 0 : 0.9 });
      dots.forEach((dot) => dot.setRadius(3.4 * k).setStyle({ weight: 2 * k, opacity: back ? 0.4 : key === chosen ? 0 : 1, fillOpacity: key === chosen ? 0 : back ? 0.6 : 1 }));
    }
    const line = lines.get(chosen);
    if (!line) return;
    const { run } = line, d = `depot-${run.hue}`;
    L.polyline(lineOf(run), { className: "run-case", interactive: false }).addTo(front);
    L.polyline(lineOf(run), { className: `run run-on ${d}`, interactive: false }).addTo(front);
    for (const stop of run.stops) L.marker(place(stop), { icon: sign(`stop-no ${d}${stop.locked ? " locked" : ""}`, escaped(stop.n)), title: stop.name, alt: `${stop.n}. ${stop.name}`, keyboard: false, zIndexOffset: 400 }).addTo(front);
    const bounds = L.latLngBounds(lineOf(run));
    if (bring && !map.getBounds().contains(bounds)) map.fitBounds(bounds, { padding: [40, 40], animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  }

  /** Bring the chosen run as near as it fits. */
  function near() {
    const line = lines.get(chosen);
    if (line) map.fitBounds(L.latLngBounds(lineOf(line.run)), { padding: [48, 48], animate: !matchMedia("(prefers-reduced-motion: reduce)").matches });
  }

  function light(id, rowToo) {
    glow.clearLayers();
    const line = id === null ? null : lines.get(String(id));
    if (line && String(id) !== chosen) L.polyline(lineOf(line.run), { className: `run run-lit depot-${line.run.hue}`, interactive: false }).addTo(glow);
    if (rowToo) lightRow("run", id);
  }
  const lightRow = (kind, id) => document.querySelectorAll(`[data-${kind}]`).forEach((row) => row.classList.toggle("lit", id !== null && row.dataset[kind] === String(id)));
  const clickRow = (kind, id) => {
    const row = document.querySelector(`[data-${kind}="${id}"]`);
    row?.scrollIntoView({ block: "nearest" });
    (row?.matches("a, button") ? row : row?.querySelector("a, button"))?.click();
  };
  const pick = (id) => (onRun ? onRun(id) : clickRow("run", id));
  const pickLeft = (id) => (onLeft ? onLeft(id) : clickRow("left", id));

  function fit() {
    const points = [...(shown.depots ?? []), ...(shown.left ?? []), ...(shown.dots ?? []), ...(shown.runs ?? []).flatMap((run) => run.stops)].map(place);
    const bounds = element.dataset.fit === "country" || !points.length ? country : L.latLngBounds(points);
    if (bounds) map.fitBounds(bounds, { paddingTopLeft: thin ? [14, 14] : [28, 28], paddingBottomRight: [thin ? 14 : 28, Number(element.dataset.under ?? (thin ? 14 : 28))], animate: false });
  }

  const update = (fresh, first = false) => {
    shown = { runs: [], depots: [], ...fresh };
    draw(first);
  };
  for (const [name, on] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]])
    document.addEventListener(name, (event) => {
      const row = event.target.closest?.("[data-run]");
      if (row && !element.contains(row)) light(on ? row.dataset.run : null, false);
      const left = event.target.closest?.("[data-left]");
      if (left && left !== element) squares.get(left.dataset.left)?.getElement()?.classList.toggle("lit", on);
    });
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(element);

  if (element.dataset.chosen) chosen = element.dataset.chosen;
  const load = async (first) => {
    const answer = await ask(element.dataset.map).catch(() => null);
    if (answer?.ok) update(await answer.json(), first);
  };
  if (data) update(data, true);
  else if (element.dataset.map) await load(true);
  if (element.dataset.live) setInterval(() => document.hidden || load(false), Number(element.dataset.live) * 1000);
  element.dataset.ready = "1";
  return { map, choose, near, light, update, fit, load };
}

for (const element of document.querySelectorAll(".map[data-map]:not([data-by-script])")) showMap(element);
