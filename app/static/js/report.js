// The report page. Everything works without this file; with it a place is one tap, a chosen tile opens its details,
// and the usual quantity of another thing is filled in.

const form = document.getElementById("report");

if (form) {
  const chips = [...form.querySelectorAll("[data-settlement]")];
  const hidden = form.querySelector("input[type=hidden][name=settlement_id]");
  const shown = form.querySelector("input[name=settlement_id_text]");
  const mark = () => {
    for (const chip of chips) {
      const on = hidden !== null && hidden.value === chip.dataset.settlement;
      chip.classList.toggle("chip-on", on);
      chip.setAttribute("aria-pressed", String(on));
    }
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      hidden.value = chip.dataset.settlement;
      shown.value = chip.dataset.name;
      mark();
    });
  }
  if (shown) {
    shown.addEventListener("input", () => setTimeout(mark));
    shown.addEventListener("change", () => setTimeout(mark));
  }
  mark();

  for (const thing of form.querySelectorAll("[data-thing]")) {
    const box = thing.querySelector("input[type=checkbox][name=item]");
    const more = thing.querySelector("details");
    const quantity = thing.querySelector("[data-quantity]");
    const said = thing.querySelector("[data-shown]");
    // A tap on a chosen tile opens what belongs to it; a second one lets it go.
    box.addEventListener("click", (event) => {
      if (!box.checked && !more.open) {
        event.preventDefault();
        more.open = true;
        quantity.focus();
        quantity.select();
      }
    });
    quantity.addEventListener("input", () => {
      said.textContent = quantity.value;
    });
  }

  for (const row of form.querySelectorAll("[data-other]")) {
    const select = row.querySelector("select");
    const quantity = row.querySelector("input[type=number]");
    const unit = row.querySelector("[data-unit-shown]");
    const tell = () => {
      const chosen = select.selectedOptions[0];
      unit.textContent = chosen?.dataset.unit ?? "";
    };
    select.addEventListener("change", () => {
      const usual = select.selectedOptions[0]?.dataset.usual;
      if (usual) quantity.value = usual;
      tell();
    });
    tell();
  }
}
