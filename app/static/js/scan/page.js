/* Small helpers of the scan page: elements, words, icons. */

export const config = JSON.parse(document.getElementById("config").textContent);
const SVG = "http://www.w3.org/2000/svg";

export const one = (selector, root = document) => root.querySelector(selector);

/** A sentence of the page's language: `say("too_few", {wanted: 80})`. */
export function say(word, facts = {}) {
  const text = config.texts[word];
  if (text === undefined) {
    console.warn("no such word", word);
    return word;
  }
  return text.replace(/%\((\w+)\)s/g, (_, name) => facts[name] ?? "");
}
export const said = (told) => (told ? (Array.isArray(told) ? say(...told) : told) : "");

/** An element: h("button.btn", {type: "button", onclick}, "text", child). */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function icon(name) {
  const [svg, use] = [document.createElementNS(SVG, "svg"), document.createElementNS(SVG, "use")];
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${config.sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Something that is data: names and codes are not translated. */
export const data = (text) => h("bdi", { translate: "no" }, String(text ?? ""));

const locale = config.language === "hu" ? "hu-HU" : "en-GB";
export const clock = (iso, seconds = false) =>
  new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}), hour12: false }).format(new Date(iso));
export const number = (n) => new Intl.NumberFormat(locale).format(n);
export const bytes = (n) => `${number(Math.round(n / 1024 / 1024))} MB`;
