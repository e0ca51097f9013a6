"""What a scan means in each kind of work: the page's own state machine, run in a browser without a page or a store."""

from __future__ import annotations

import json
import mimetypes
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).resolve().parents[2] / "app/static"
GTIN, OTHER = "05999000412300", "05999000412317"

SNAPSHOT: dict[str, Any] = {
    "warehouse": {"id": 1, "code": "MIS", "name": "Miskolc"},
    "parts": {
        "places": [
            [1, "MIS-DOK", "dock", "ambient"],
            [2, "MIS-A-01-1", "shelf", "ambient"],
            [3, "MIS-A-01-2", "shelf", "ambient"],
            [4, "MIS-KAR", "quarantine", "ambient"],
            [5, "MIS-KI", "staging", "ambient"],
            [6, "MIS-BOX", "box", "ambient"],
        ],
        "items": [
            [10, "FLOUR", "Liszt", "Flour", "db", "pcs", 1, 0, "wheat", "Élelmiszer", "Food", [[GTIN, 12]]],
            [11, "SOAP", "Szappan", "Soap", "db", "pcs", 0, 0, "soap", "Higiénia", "Hygiene", [[OTHER, 1]]],
        ],
        "lots": [
            [100, 10, 2, 30, 30, "2027-04-30", 0, "free", "A1"],
            [101, 10, 3, 50, 50, "2027-02-01", 0, "free", None],
            [102, 11, 1, 8, 8, None, 0, "free", None],
        ],
        "runs": [
            [
                7,
                "2026-11-24",
                1,
                "loading",
                "ABC-123",
                "2026-11-24T07:00:00Z",
                [[70, "planned", 1, 5000], [71, "loaded", 1, 1]],
            ],
            [8, "2026-11-24", 2, "published", "DEF-456", "2026-11-24T07:00:00Z", [[80, "planned", 1, 5000]]],
        ],
        "boxes": [[60, "359900000000000017", "box", "open", 6, 2, 2]],
        "offers": [[9, "Malom", None, [[90, 10, 24, 0, None]]]],
        "transfers": [
            [40, "out", "EGE", "requested", None, [[400, 10, 12]], []],
            [41, "in", "EGE", "in_transit", None, [[410, 11, 6]], [[411, 200, 11, 5, 6, 0, None, None]]],
        ],
        "stocktakes": [[50, "counting", [2], [], "2026-11-23T08:00:00Z"]],
    },
}

PLAY = """async ([snapshot, mode, document, deeds]) => {
  const [{Reference}, flow, {parse}] = await Promise.all(
      ["reference", "flow", "grammar"].map((name) => import(`/static/js/scan/${name}.js`)));
  const reference = new Reference(snapshot, [], "en");
  let state = flow.begin(mode, reference, document);
  const answers = [];
  let number = 0;
  for (const deed of deeds) {
    const now = Date.parse("2026-11-23T11:00:00Z") + 1000 * (number += 1);
    const result = typeof deed === "string" ? flow.step(state, parse(deed), reference, now)
        : flow.reply(state, deed, reference, now);
    state = result.state;
    const ops = result.operations.map((each, at) => {
      const id = `op${number}.${at}`;
      for (const effect of JSON.parse(JSON.stringify(each.effects).replaceAll('"$op"', JSON.stringify(id))))
        reference.apply(effect);
      if (state.last && each.kind === "receive") state.last.id = id;
      return [each.kind, each.payload];
    });
    answers.push({tone: result.tone, title: result.title[0], ops, ask: result.ask ?? null, times: state.times,
                  ways: result.ways.map((way) => way.reply), quantity: result.quantity ?? null, amends: result.amends});
  }
  return answers;
}"""


@pytest.fixture
def play(browser: Any) -> Any:
    """Return ``play(mode, *deeds, document=)``: each deed a code that is scanned, or an answer that is chosen."""
    page = browser.new_page()

    def serve(route: Any) -> None:
        path = route.request.url.split("localhost", 1)[1].partition("?")[0]
        if not path.startswith("/static/"):
            return route.fulfill(body="<!doctype html>", content_type="text/html")
        kind = mimetypes.guess_type(path)[0] or "text/plain"
        return route.fulfill(body=(STATIC / path.removeprefix("/static/")).read_bytes(), content_type=kind)

    page.route("http://localhost/**", serve)
    page.goto("http://localhost/")

    def run(mode: str, *deeds: Any, document: Any = None, **parts: Any) -> list[dict[str, Any]]:
        snapshot = json.loads(json.dumps(SNAPSHOT))
        snapshot["parts"].update(parts)
        found: list[dict[str, Any]] = page.evaluate(PLAY, [snapshot, mode, document, list(deeds)])
        return found

    yield run
    page.close()


def test_a_multiplier_counts_for_one_scan(play):
    answers = play("receive", "6x", OTHER, OTHER, f"3x{OTHER}")
    assert [each["times"] for each in answers] == [6, 1, 1, 1]
    assert [each["ops"][0][1]["quantity"] for each in answers[1:]] == [6, 1, 3]


def test_a_pack_counts_for_its_pieces_and_goes_to_the_place_that_was_scanned(play):
    answers = play("receive", "MIS-A-01-1", f"(01){GTIN}(17)270430(10)B7")
    [(kind, payload)] = answers[1]["ops"]
    assert kind == "receive" and answers[1]["tone"] == "good" and answers[1]["quantity"] == "+12"
    assert payload == {
        "item_id": 10, "quantity": 12, "place_id": 2, "expires_on": "2027-04-30", "use_by": True, "batch": "B7",
    }  # fmt: skip


def test_an_expiry_is_asked_once_for_packs_that_follow_each_other(play):
    answers = play("receive", GTIN, {"way": "expiry", "expires_on": "2027-05-31"}, GTIN, OTHER, GTIN)
    assert [each["ask"] for each in answers] == ["expiry", None, None, None, "expiry"]
    assert [len(each["ops"]) for each in answers] == [0, 1, 1, 1, 0]


def test_a_lot_number_after_its_product_writes_the_line_again_with_it(play):
    answers = play("receive", GTIN, {"way": "expiry", "expires_on": "2027-05-31"}, "(10)LOT9")
    assert answers[2]["amends"] == "op2.0"
    assert answers[2]["ops"] == [
        [
            "receive",
            {
                "item_id": 10,
                "quantity": 12,
                "place_id": 1,
                "expires_on": "2027-05-31",
                "use_by": False,
                "batch": "LOT9",
            },
        ]
    ]


def test_a_lot_number_before_its_product_waits_for_it(play):
    answers = play("receive", "(10)LOT9(17)270430", GTIN)
    assert answers[0]["tone"] == "ready" and answers[1]["ops"][0][1]["batch"] == "LOT9"


def test_what_has_expired_is_refused_and_goes_to_quarantine_if_one_says_so(play):
    answers = play("receive", f"(01){GTIN}(17)260101", {"way": "quarantine"}, OTHER)
    assert (answers[0]["tone"], answers[0]["ops"]) == ("refused", [])
    assert answers[1]["ops"][0][1]["place_id"] == 4
    assert answers[2]["ops"][0][1]["place_id"] == 1, "the next one goes where it went before"


def test_what_was_not_offered_or_is_more_than_offered_is_taken_and_told(play):
    offer = {"kind": "offer", "id": 9}
    answers = play("receive", OTHER, f"3x(01){GTIN}(17)270430", document=offer)
    assert [each["title"] for each in answers] == ["taken_not_offered", "taken_more"]
    assert [each["ops"][0][1]["source"] for each in answers] == ["F-9", "F-9"]


def test_an_unknown_barcode_is_learnt_with_its_size_and_then_counts(play):
    learn = {"way": "learn", "item": 11, "quantity": 44}
    answers = play("receive", "5999000412324", learn, "2x5999000412324")
    assert answers[0]["ask"] == "learn"
    assert [kind for kind, _ in answers[1]["ops"]] == ["learn_pack", "receive"]
    assert answers[1]["ops"][1][1]["quantity"] == 44
    assert answers[2]["ops"][0][1]["quantity"] == 88


def test_place_then_item_and_item_then_place_move_the_same(play):
    first = play("move", "MIS-DOK", OTHER, "MIS-A-01-1")[2]["ops"]
    second = play("move", OTHER, "MIS-A-01-1")[1]["ops"]
    assert first == second == [["put_away", {"lot_id": 102, "quantity": 1, "from_place_id": 1, "to_place_id": 2}]]


def test_with_two_places_fixed_each_item_moves_at_once(play):
    answers = play("move", "MIS-DOK", "MIS-A-01-2", OTHER, f"2x{OTHER}")
    assert [each["ops"][0][1]["quantity"] for each in answers[2:]] == [1, 2]


def test_an_item_in_several_places_is_asked_for_its_place(play):
    answers = play("move", GTIN, {"way": "from", "place": 3}, "MIS-A-01-1")
    assert [way["place"] for way in answers[0]["ways"]] == [3, 2], "the first to expire stands first"
    assert answers[2]["ops"][0][1] == {"lot_id": 101, "quantity": 12, "from_place_id": 3, "to_place_id": 2}


def test_more_than_there_is_changes_nothing_and_what_is_in_the_hand_is_booked_as_done(play):
    answers = play("move", "MIS-DOK", f"9x{OTHER}", {"way": "all_the_same"}, "MIS-A-01-1")
    assert (answers[1]["tone"], answers[1]["ops"]) == ("refused", [])
    [(_, payload)] = answers[3]["ops"]
    assert payload["quantity"] == 9 and payload["done"] is True


def test_goods_go_into_boxes_and_out_of_them_and_boxes_move_whole(play):
    box = "359900000000000017"
    into = play("move", OTHER, box)[1]["ops"]
    assert into == [["fill_box", {"box_id": 60, "lot_id": 102, "from_place_id": 1, "quantity": 1}]]
    whole = play("move", box, "MIS-A-01-2")[1]["ops"]
    assert whole == [["move_box", {"box_id": 60, "to_place_id": 3}]]


def test_picking_warns_of_an_older_lot_elsewhere(play):
    answers = play("pick", "MIS-A-01-1", GTIN, "MIS-A-01-2", GTIN)
    assert (answers[1]["tone"], answers[1]["title"]) == ("attention", "older_there")
    assert answers[1]["ops"][0] == ["pick", {"lot_id": 100, "quantity": 12, "from_place_id": 2, "to_place_id": 5}]
    assert answers[3]["tone"] == "good"


def test_a_transfer_is_picked_and_received_by_its_own_operations(play):
    picked = play("pick", "A-40", "MIS-A-01-2", GTIN)
    assert picked[2]["ops"] == [
        ["pick_transfer", {"transfer_id": 40, "lot_id": 101, "from_place_id": 3, "quantity": 12}]
    ]
    came = play(
        "receive",
        "A-41",
        OTHER,
        {"way": "came", "quantity": 4},
        {"way": "came", "quantity": 4, "reason": "missing"},
        OTHER,
    )
    assert came[2]["ops"] == [] and came[2]["tone"] == "attention", "a difference asks for its reason"
    [(kind, payload)] = came[3]["ops"]
    assert kind == "receive_transfer_line" and payload["received"] == 4 and payload["reason"] == "missing"
    assert came[4]["tone"] == "refused", "a lot is taken in once"


def test_a_parcel_goes_on_its_own_run_only_and_once(play):
    answers = play("load", "P-70", "P-80", "P-71", "P-99")
    assert answers[0]["ops"] == [["load_parcel", {"parcel_id": 70, "run_id": 7}]]
    assert answers[0]["quantity"] == "2/2"
    assert [each["tone"] for each in answers[1:]] == ["refused", "attention", "refused"]
    assert all(each["ops"] == [] for each in answers[1:])


def test_what_comes_back_says_why(play):
    answers = play("bring_back", "P-71", {"way": "reason", "reason": "nobody_home"}, "P-70")
    assert answers[1]["ops"] == [["bring_back_parcel", {"parcel_id": 71, "reason": "nobody_home"}]]
    assert answers[2]["tone"] == "refused"


def test_counting_adds_up_within_a_place_and_shows_no_book(play):
    answers = play("count", "MIS-A-01-1", GTIN, f"2x{GTIN}", "MIS-A-01-2", GTIN)
    payloads = [each["ops"][0][1] for each in answers[1:3]]
    assert [each["quantity"] for each in payloads] == [12, 36]
    assert all(each["lot_id"] == 100 and each["stocktake_id"] == 50 for each in payloads)
    assert answers[4]["tone"] == "refused", "that place is not part of it"
    assert "30" not in json.dumps(answers)


def test_looking_changes_nothing(play):
    answers = play("look", "MIS-A-01-1", "L-100", GTIN, "P-70", "359900000000000017", "nonsense")
    assert all(each["ops"] == [] for each in answers)
    assert [each["tone"] for each in answers] == ["ready"] * 5 + ["refused"]


def test_every_refusal_leaves_the_work_as_it_was_and_offers_ways_on(play):
    for mode in ("receive", "move", "pick", "load", "bring_back", "count", "look"):
        for code in (
            "5999000412301",
            "AB:L:20811:99",
            "P-123456",
            "LEL-99",
            "XYZ-9-9",
            "hello",
            "(01)05999000412300(17)269999",
        ):
            [answer] = play(mode, code)
            if answer["tone"] == "refused":
                assert answer["ops"] == [] and len(answer["ways"]) >= 2, (mode, code)


def test_a_new_lot_number_one_slip_away_from_one_that_lies_there_is_looked_at_once(play):
    code = f"(01){GTIN}(17)270430"
    answers = play(
        "receive", "MIS-A-01-1", f"{code}(10)L0412A", f"{code}(10)L0412A", f"{code}(10)L0412", f"{code}(10)L0412"
    )
    assert [each["tone"] for each in answers[1:]] == ["good", "good", "attention", "good"]
    assert [len(each["ops"]) for each in answers[1:]] == [1, 1, 1, 1]
