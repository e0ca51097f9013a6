/* Scanners that type: a burst of keys that ends with Enter is a code, on whatever field the page stands. */

/** Between two keys of a scanner; in a field people type too, outside of one nobody does. */
const FAST = 60;
const SLOW = 500;
const LEAST = 3;

/** Call `found(text)` for each code; fields keep what people type, and lose what the scanner typed. Not while `off()`. */
export function listen(found, off = () => false) {
  let burst = "";
  let last = 0;
  let field = null;
  // A field may pass the focus on in the middle of a burst: each gets back what stood in it.
  const before = new Map();
  addEventListener(
    "keydown",
    (event) => {
      if (off()) return void (burst = "");
      const now = event.timeStamp;
      if (event.ctrlKey && event.code === "BracketRight") return void (burst += "\x1d");
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const here = event.target instanceof HTMLInputElement ? event.target : null;
      const pause = now - last;
      if (pause > (here ? FAST : SLOW) || (here !== field && pause > FAST)) {
        burst = "";
        before.clear();
      }
      field = here;
      if (field && !before.has(field)) before.set(field, field.value);
      last = now;
      if (event.key === "Enter" || event.key === "Tab") {
        const text = burst;
        burst = "";
        if (text.length < LEAST) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        for (const [each, value] of before) each.value = value;
        found(text);
      } else if (event.key === "F8" || event.key === "GroupSeparator") burst += "\x1d";
      else if (event.key.length === 1) {
        burst += event.key;
        // A space from a scanner must not press the button that has the focus.
        if (burst.length > 2 && !field) event.preventDefault();
      }
    },
    { capture: true },
  );
}
