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
  let before = "";
  addEventListener(
    "keydown",
    (event) => {
      if (off()) return void (burst = "");
      const now = event.timeStamp;
      if (event.ctrlKey && event.code === "BracketRight") return void (burst += "\x1d");
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (now - last > (field ? FAST : SLOW)) {
        burst = "";
        field = event.target instanceof HTMLInputElement ? event.target : null;
        before = field?.value ?? "";
      }
      last = now;
      if (event.key === "Enter" || event.key === "Tab") {
        const text = burst;
        burst = "";
        if (text.length < LEAST) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        if (field?.isConnected) field.value = before;
        found(text);
      } else if (event.key === "F8" || event.key === "GroupSeparator") burst += "\x1d";
      else if (event.key.length === 1) {
        burst += event.key;
        // A space from a scanner must not press the button that has the focus.
        if (burst.length > 1 && !field) event.preventDefault();
      }
    },
    { capture: true },
  );
}
