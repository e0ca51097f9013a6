"""A damaged label never books another product or another lot in silence: the page asks, or says it in amber."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from tests.floor.test_flow import STATIC, serve_static
from tests.stock.test_scanning import a_label, catalogue, mutants

MUTANTS = 5000
SHELF, OTHER_SHELF, STOCKTAKE = 2, 3, 50

SCAN = """async ([snapshot, mode, texts]) => {
  const [{Reference}, flow, {parse}] = await Promise.all(
      ["reference", "flow", "grammar"].map((name) => import(`/static/js/scan/${name}.js`)));
  const reference = new Reference(snapshot, [], "en");
  const now = Date.parse("2026-11-23T11:00:00Z");
  return texts.map((text) => {
    const begun = {...flow.begin(mode, reference), place: 2, ...(mode === "move" ? {to: 3} : {})};
    const {tone, title, text: said, ways, ask, operations} =
        flow.step(begun, {...parse(text, null, 2026), typed: true}, reference, now);
    return {tone, title: title[0], said: said?.[0] ?? null, asked: Boolean(ask) || ways.length > 0,
            booked: operations.map(({payload}) => payload)};
  });
}"""


def a_warehouse(known: dict[str, list[str]]) -> dict[str, Any]:
    """Return the snapshot of a warehouse with every product and all its lots on one shelf."""
    items, lots = [], []
    for number, (gtin, of_maker) in enumerate(known.items(), start=1):
        items.append([number, f"I{number}", "Cikk", "Item", "db", "pcs", 0, 0, "box", "Egyéb", "Other", [[gtin, 1]]])
        for at, lot in enumerate(of_maker):
            lots.append([number * 10 + at, number, SHELF, 99, 99, None, 0, "free", lot])
    places = [[1, "MIS-DOK", "dock", "ambient"], [2, "MIS-A-01-1", "shelf", "ambient"]]
    places.append([3, "MIS-A-01-2", "shelf", "ambient"])
    parts = {"places": places, "items": items, "lots": lots}
    parts["stocktakes"] = [[STOCKTAKE, "counting", [SHELF], [], "2026-11-23T08:00:00Z"]]
    return {"warehouse": {"id": 1, "code": "MIS", "name": "Miskolc"}, "parts": parts}


def damaged(known: dict[str, list[str]], chance: random.Random) -> list[tuple[str, str, str]]:
    """Return (damaged text, the product, the lot) of labels with one place damaged."""
    made: list[tuple[str, str, str]] = []
    while len(made) < MUTANTS:
        gtin = chance.choice(list(known))
        lot = chance.choice(known[gtin])
        good = a_label(chance, gtin, lot)
        made += [(text, gtin, lot) for _, text in mutants(good, chance) if text != good]
    return made


def test_no_slip_books_another_product_or_lot_in_silence(browser: Any) -> None:
    chance = random.Random(20261123)
    known = catalogue(chance)
    snapshot = a_warehouse(known)
    numbers = {gtin: number for number, gtin in enumerate(known, start=1)}
    cases = damaged(known, chance)
    page = browser.new_page()
    page.route("http://localhost/**", serve_static)
    page.goto("http://localhost/")
    for mode in ("receive", "move", "count"):
        outcome: Counter[str] = Counter()
        answers = page.evaluate(SCAN, [snapshot, mode, [text for text, _, _ in cases]])
        for (text, gtin, lot), answer in zip(cases, answers, strict=True):
            item, lot_id = numbers[gtin], numbers[gtin] * 10 + known[gtin].index(lot)
            for booked in answer["booked"]:
                right = (
                    (booked["item_id"], booked.get("batch")) == (item, lot)
                    if mode == "receive"
                    else booked.get("lot_id") == lot_id
                )
                assert right or answer["tone"] == "attention", (mode, text, gtin, lot, answer)
                outcome["the same" if right else "amber"] += 1
            if not answer["booked"]:
                # Nothing is booked, and the page says what it waits for.
                assert answer["tone"] in ("refused", "attention", "ready"), (mode, text, answer)
                assert answer["tone"] != "attention" or answer["asked"], (mode, text, answer)
                outcome[answer["tone"]] += 1
        assert sum(outcome.values()) >= MUTANTS and outcome["refused"] > MUTANTS / 4, (mode, outcome)
        print(mode, dict(outcome))
    page.close()


def test_every_doubt_is_a_question_or_an_amber_answer_in_the_flow() -> None:
    flow = (STATIC / "js/scan/flow.js").read_text(encoding="utf-8")
    for doubt in ("uncertain", "unknown_lot", "missing_lot", "similar_gtin", "similar_lot"):
        assert f"{doubt}:" in flow, f"{doubt} is asked or remarked"
    for word in ("doubt_unknown_box", "new_code_once"):
        assert word in flow, f"{word} is asked"
