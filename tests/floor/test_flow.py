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
  reference.prefix = "0499999";
  let state = flow.begin(mode, reference, document);
  const answers = [];
  let number = 0;
  for (const deed of deeds) {
    const now = Date.parse("2026-11-23T11:00:00Z") + 1000 * (number += 1);
    const typed = deed.typed !== undefined;
    const result = typed || typeof deed === "string"
        ? flow.step(state, {...parse(typed ? deed.typed : deed), typed}, reference, now)
        : flow.reply(state, deed, reference, now);
    const opens = result.operations.findIndex((each) => each.kind === "open_box");
    const filled = (value, id) => JSON.parse(JSON.stringify(value)
        .replaceAll("$opened", `op${number}.${opens}`).replaceAll('"$op"', JSON.stringify(id)));
    state = opens < 0 ? result.state : filled(result.state);
    const ops = result.operations.map((each, at) => {
      const id = `op${number}.${at}`;
      for (const effect of filled(each.effects, id)) reference.apply(effect);
      if (state.last && each.kind.startsWith("receive")) state.last.id = id;
      if (result.receipt) state.done = [...state.done, id];
      return [each.kind, filled(each.payload, id)];
    });
    answers.push({tone: result.tone, title: result.title[0], ops, ask: result.ask ?? null, times: state.times,
                  ways: result.ways.map((way) => way.reply), quantity: result.quantity ?? null, amends: result.amends,
                  text: result.text?.[0] ?? null, left: result.left?.[1].what ?? null});
  }
  return answers;
}"""


def serve_static(route: Any) -> None:
    """Answer a page's requests from the folder of static files, without a server."""
    path = route.request.url.split("localhost", 1)[1].partition("?")[0]
    if not path.startswith("/static/"):
        return route.fulfill(body="<!doctype html>", content_type="text/html")
    kind = mimetypes.guess_type(path)[0] or "text/plain"
    return route.fulfill(body=(STATIC / path.removeprefix("/static/")).read_bytes(), content_type=kind)


@pytest.fixture
def play(browser: Any) -> Any:
    """Return ``play(mode, *deeds, document=)``: each deed a code that is scanned, or an answer that is chosen."""
    page = browser.new_page()
    page.route("http://localhost/**", serve_static)
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
    assert kind == "receive" and answers[1]["quantity"] == "+12"
    assert (answers[1]["tone"], answers[1]["title"]) == ("attention", "new_lot")
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


def test_a_day_that_was_typed_wrong_can_be_told_anew(play):
    answers = play(
        "receive",
        GTIN,
        {"way": "expiry", "expires_on": "2025-05-31"},
        {"way": "other_expiry"},
        {"way": "expiry", "expires_on": "2027-05-31"},
    )
    assert answers[1]["title"] == "expired" and {"way": "other_expiry"} in answers[1]["ways"]
    assert answers[2]["ask"] == "expiry" and answers[3]["ops"][0][1]["expires_on"] == "2027-05-31"

    answers = play("receive", GTIN, {"way": "expiry", "expires_on": "2025-05-31"}, {"way": "quarantine"}, GTIN)
    assert answers[2]["text"] == "item_expires", "no number of days below nothing"
    assert answers[3]["title"] == "expired" and {"way": "other_expiry"} in answers[3]["ways"]
    [printed] = play("receive", f"(01){GTIN}(17)260101")
    assert {"way": "other_expiry"} not in printed["ways"], "what the pack says is not told otherwise"


def test_a_scan_that_puts_a_question_away_tells_what_is_not_in_the_books(play):
    answers = play("receive", GTIN, OTHER, OTHER)
    assert [each["ask"] for each in answers] == ["expiry", None, None]
    assert (answers[1]["tone"], answers[1]["text"], answers[1]["left"]) == ("attention", "left_out", "Flour")
    assert len(answers[1]["ops"]) == 1 and (answers[2]["tone"], answers[2]["left"]) == ("good", None)
    again = play("receive", GTIN, GTIN, "(17)270531(10)LOT9")
    assert [each["left"] for each in again] == [None, "Flour", None], "the first of two packs is not in"
    assert play("receive", "5999000412324", OTHER)[1]["left"] == "05999000412324"
    assert play("receive", GTIN, "12345", {"way": "expiry", "expires_on": "2027-05-31"})[2]["ops"], (
        "misread, still asked"
    )


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


def test_what_is_reserved_for_a_transfer_is_picked_for_it_and_for_nothing_else(play):
    reserved = {
        "lots": [[101, 10, 3, 2, 14, "2027-02-01", 0, "free", None]],
        "transfers": [[40, "out", "EGE", "requested", None, [[400, 10, 12]], [], [[101, 3, 12]]]],
    }
    picked = play("pick", "A-40", "MIS-A-01-2", "12xL-101", "3xL-101", "2xL-101", **reserved)
    assert [each["title"] for each in picked[2:]] == ["name", "too_few", "name"]
    assert picked[2]["ops"] == [
        ["pick_transfer", {"transfer_id": 40, "lot_id": 101, "from_place_id": 3, "quantity": 12}]
    ]
    moved = play("move", "MIS-A-01-2", "MIS-A-01-1", "3xL-101", "2xL-101", **reserved)
    assert [each["title"] for each in moved[2:]] == ["too_few", "name"]


def test_a_parcel_goes_on_its_own_run_only_and_once(play):
    answers = play("load", "P-70", "P-80", "P-71", "P-99")
    assert answers[0]["ops"] == [["load_parcel", {"parcel_id": 70, "run_id": 7}]]
    assert answers[0]["quantity"] == "2/2"
    assert [each["tone"] for each in answers[1:]] == ["refused", "attention", "refused"]
    assert all(each["ops"] == [] for each in answers[1:])


def test_a_parcel_is_packed_where_goods_are_picked_and_not_once_it_is_loaded(play):
    answers = play("pick", "P-70", "P-71", "P-99")
    assert answers[0]["ops"] == [["pack_parcel", {"parcel_id": 70, "to_place_id": 5}]]
    assert [each["title"] for each in answers] == ["parcel_packed", "cannot_pack", "no_parcel"]
    assert answers[1]["ops"] == answers[2]["ops"] == []


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


def test_a_new_lot_number_is_said_once_and_one_a_slip_away_from_a_known_one_is_asked_first(play):
    code = f"(01){GTIN}(17)270430"
    sure = {"way": "sure"}
    answers = play("receive", f"{code}(10)L0412A", f"{code}(10)L0412A", f"{code}(10)L0412", sure, f"{code}(10)L0412")
    assert [each["tone"] for each in answers] == ["attention", "good", "attention", "good", "good"]
    assert [len(each["ops"]) for each in answers] == [1, 1, 0, 1, 1]
    assert (answers[2]["title"], answers[2]["text"]) == ("is_it_lot", "doubt_similar_lot")
    assert answers[3]["ops"][0][1]["batch"] == "L0412"


def test_what_goes_into_quarantine_or_out_of_it_asks_why_and_the_answer_is_sent(play):
    answers = play("move", "MIS-A-01-1", f"(01){GTIN}(10)A1", "MIS-KAR", {"way": "apart", "reason": "damaged"})
    assert [each["tone"] for each in answers][2] == "attention" and answers[2]["ops"] == []
    assert [way["reason"] for way in answers[2]["ways"]] == ["damaged", "expired", "doubtful"]
    [(kind, payload)] = answers[3]["ops"]
    assert (kind, payload["to_place_id"], payload["reason"], payload["quantity"]) == ("move", 4, "damaged", 12)
    box = play("move", "(00)359900000000000017", "MIS-KAR", {"way": "apart", "reason": "doubtful"})
    assert box[1]["ops"] == []
    assert box[2]["ops"] == [["move_box", {"box_id": 60, "to_place_id": 4, "reason": "doubtful"}]]
    back = play("move", "(00)359900000000000017", "MIS-A-01-1", {"way": "apart", "reason": "checked"},
                boxes=[[60, "359900000000000017", "box", "open", 6, 4, 4]])  # fmt: skip
    assert [way["reason"] for way in back[1]["ways"]] == ["checked", "sorted"]
    assert back[2]["ops"] == [["move_box", {"box_id": 60, "to_place_id": 2, "reason": "checked"}]]


# Doubts -------------------------------------------------------------------------------------------------------------


def test_a_typed_number_whose_twin_is_known_is_asked_each_time_and_a_scanned_one_never(play):
    twins = ["05990020000416", "05990020000461"]
    items = json.loads(json.dumps(SNAPSHOT["parts"]["items"]))
    items[1][11] = [[twins[0], 1]]
    items.append([*items[1][:2], "Sampon", "Shampoo", *items[1][4:11], [[twins[1], 1]]])
    items[2][0] = 12
    answers = play("receive", {"typed": twins[0]}, {"way": "sure"}, {"typed": twins[0]}, twins[0], items=items)
    assert [len(each["ops"]) for each in answers] == [0, 1, 0, 1]
    assert (answers[0]["title"], answers[0]["text"]) == ("is_it_item", "doubt_similar_gtin")
    assert answers[1]["ops"][0][1]["item_id"] == 11


def test_a_typed_lot_one_slip_away_from_another_known_one_is_asked(play):
    lots = [[100, 10, 2, 30, 30, "2027-04-30", 0, "free", "A1"], [103, 10, 2, 30, 30, "2027-04-30", 0, "free", "A2"]]
    answers = play("move", "MIS-A-01-1", {"typed": f"(01){GTIN}(10)A2"}, {"way": "sure"}, "MIS-A-01-2", lots=lots)
    assert (answers[1]["title"], answers[1]["text"], answers[1]["ops"]) == ("is_it_lot", "doubt_similar_lot", [])
    assert answers[3]["ops"][0][1]["lot_id"] == 103


def test_a_lot_number_that_ran_on_is_asked_and_so_is_a_day_far_away(play):
    ran_on = f"]C101{GTIN}15270430\x1d10AB17270430"
    answers = play("receive", ran_on, {"way": "again"}, f"(01){GTIN}(17)700430", {"way": "sure"})
    assert [(each["title"], each["text"]) for each in (answers[0], answers[2])] == [
        ("is_it_lot", "grammar_swallowed"),
        ("is_it_day", "grammar_odd_date"),
    ]
    assert [len(each["ops"]) for each in answers] == [0, 0, 0, 1]


def test_a_pallet_that_does_not_say_how_many_is_counted(play):
    answers = play("receive", f"]C102{OTHER}", {"way": "counted", "quantity": 40})
    assert answers[0]["ops"] == [] and answers[0]["ways"][0] == {"way": "count_them"}
    assert answers[1]["ops"][0][1]["quantity"] == 40


def test_a_shops_own_number_is_never_learnt_the_item_is_chosen(play):
    answers = play("receive", "2000123456782", {"way": "choose", "item": 11})
    assert answers[0]["ask"] is None and answers[0]["ways"][0] == {"way": "choose_item"}
    assert [kind for kind, _ in answers[1]["ops"]] == ["receive"]


def test_which_of_several_lots_on_a_shelf_is_asked_once_and_said_by_the_label_never(play):
    lots = [
        [100, 10, 2, 30, 30, "2027-04-30", 0, "free", "A1"],
        [103, 10, 2, 36, 36, "2027-01-31", 0, "free", "C9"],
    ]
    fixed = ("MIS-A-01-1", "MIS-A-01-2")
    answers = play("move", *fixed, GTIN, {"way": "lot", "key": f"{GTIN}@2", "row": "A1/2027-04-30"}, GTIN, lots=lots)
    assert (answers[2]["title"], answers[2]["ops"]) == ("which_lot", [])
    assert [way.get("row") for way in answers[2]["ways"]] == ["C9/2027-01-31", "A1/2027-04-30", None], "FEFO first"
    assert [each["ops"][0][1]["lot_id"] for each in answers[3:]] == [100, 100]
    assert answers[4]["ways"] == [{"way": "other_lot"}]
    told = play("move", *fixed, f"(01){GTIN}(10)C9", lots=lots)
    assert (told[2]["tone"], told[2]["ops"][0][1]["lot_id"]) == ("good", 103)


def test_a_lot_that_this_shelf_does_not_know_is_asked_before_anything_moves(play):
    answers = play("move", "MIS-A-01-2", f"(01){GTIN}(10)ZZZ9", {"way": "sure"}, "MIS-A-01-1")
    assert (answers[1]["title"], answers[1]["text"], answers[1]["ops"]) == ("is_it_lot", "doubt_unknown_lot", [])
    assert answers[3]["ops"][0][1]["lot_id"] == 101


def test_packs_without_a_lot_number_are_amber_until_one_says_that_they_have_none(play):
    key = f"missing_lot/{GTIN}"
    expiry = {"way": "expiry", "expires_on": "2027-05-31"}
    answers = play("receive", GTIN, expiry, GTIN, {"way": "no_lot", "key": key}, GTIN)
    assert [each["tone"] for each in answers] == ["attention", "attention", "attention", "ready", "good"]
    assert answers[1]["title"] == "without_lot" and answers[1]["ways"][-1] == {"way": "no_lot", "key": key}


def test_two_lot_numbers_for_one_product_are_refused_and_a_lot_and_a_day_wait_together(play):
    answers = play("receive", "(10)LOT1", f"(01){GTIN}(17)270430(10)LOT2", "(10)LOT5", "(17)270601", GTIN)
    assert (answers[1]["tone"], answers[1]["text"], answers[1]["ops"]) == ("refused", "grammar_two_lots", [])
    payload = answers[4]["ops"][0][1]
    assert (payload["batch"], payload["expires_on"]) == ("LOT5", "2027-06-01")


# Boxes --------------------------------------------------------------------------------------------------------------

SENDERS = "395011015300000011"


def test_a_new_box_is_opened_where_one_works_filled_and_closed_without_waiting_for_the_server(play):
    new, close = {"way": "new_box", "kind": "box"}, {"way": "close_box"}
    answers = play("pick", "MIS-A-01-2", new, GTIN, close, GTIN)
    assert answers[1]["ops"] == [["open_box", {"kind": "box", "place_id": 5}]], "at staging"
    fill = {"box_operation_id": "op2.0", "lot_id": 101, "from_place_id": 3, "quantity": 12}
    assert answers[2]["ops"] == [["fill_box", fill]]
    assert answers[3]["ops"] == [["close_box", {"box_operation_id": "op2.0"}]]
    assert answers[4]["ops"][0][1]["to_place_id"] == 5, "after it is closed, goods go beside it"


def test_what_waits_for_a_place_goes_into_a_new_box_at_its_own(play):
    answers = play("move", OTHER, {"way": "new_box", "kind": "pallet"}, "MIS-A-01-1", OTHER)
    assert answers[1]["ops"] == [
        ["open_box", {"kind": "pallet", "place_id": 1}],
        ["fill_box", {"box_operation_id": "op2.0", "lot_id": 102, "from_place_id": 1, "quantity": 1}],
    ]
    elsewhere = play("move", {"way": "new_box", "kind": "box"}, "MIS-A-01-2")
    assert elsewhere[0]["ops"] == [] and elsewhere[0]["title"] == "box_where_new"
    assert elsewhere[1]["ops"] == [["open_box", {"kind": "box", "place_id": 3}]]


def test_a_box_that_nobody_has_scanned_is_asked_about_and_opened_under_its_own_number(play):
    opens = {"way": "new_box", "kind": "pallet", "sscc": SENDERS}
    answers = play("move", "MIS-A-01-1", SENDERS, opens, "MIS-DOK", OTHER)
    assert (answers[1]["tone"], answers[1]["text"], answers[1]["ops"]) == ("attention", "doubt_unknown_box", [])
    assert answers[2]["ops"] == [["open_box", {"kind": "pallet", "place_id": 2, "sscc": SENDERS}]]
    ours = play("move", "MIS-A-01-1", "004999990000001238")
    assert (ours[1]["tone"], ours[1]["ops"]) == ("refused", []), "a number of ours stands elsewhere, or was misread"


def test_gifts_are_sorted_straight_into_a_new_box_on_the_dock(play):
    opens = {"way": "new_box", "kind": "box"}
    answers = play("receive", opens, OTHER, {"way": "close_box"}, OTHER)
    assert answers[0]["ops"] == [["open_box", {"kind": "box", "place_id": 1}]]
    assert answers[1]["ops"] == [["receive_into_box", {"item_id": 11, "quantity": 1, "box_operation_id": "op1.0"}]]
    assert answers[3]["ops"] == [["receive", {"item_id": 11, "quantity": 1, "place_id": 1}]]


def test_what_a_senders_label_says_is_on_the_pallet_comes_in_with_it(play):
    label = f"]C100{SENDERS}02{OTHER}3740\x1d10AB9"
    answers = play("receive", label, {"way": "new_box", "kind": "pallet", "sscc": SENDERS}, {"way": "close_box"})
    assert (answers[0]["text"], answers[0]["ops"]) == ("doubt_unknown_box", [])
    goods = {"item_id": 11, "quantity": 40, "batch": "AB9", "box_operation_id": "op2.0"}
    assert answers[1]["ops"] == [
        ["open_box", {"kind": "pallet", "place_id": 1, "sscc": SENDERS}],
        ["receive_into_box", goods],
    ]
    assert answers[2]["ops"] == [["close_box", {"box_operation_id": "op2.0"}]]


def test_a_box_is_counted_with_the_place_that_it_stands_on(play):
    answers = play("count", "359900000000000017", OTHER, "MIS-A-01-2", OTHER)
    assert answers[1]["ops"][0][1] == {"stocktake_id": 50, "place_id": 6, "quantity": 1, "item_id": 11}
    assert answers[3]["title"] == "not_counted"


def test_a_lot_that_lies_nowhere_there_is_counted_in_amber(play):
    answers = play("count", "MIS-A-01-1", f"(01){GTIN}(10)QQ77")
    assert (answers[1]["tone"], answers[1]["title"]) == ("attention", "lot_not_here")
    assert answers[1]["ops"][0][1]["item_id"] == 10


def test_an_open_box_is_filled_and_a_new_one_is_emptied_and_moved(play):
    into = play("move", "359900000000000017", {"way": "into_box", "place": 6}, "MIS-DOK", OTHER)
    assert into[3]["ops"] == [["fill_box", {"box_id": 60, "lot_id": 102, "from_place_id": 1, "quantity": 1}]]
    opens = {"way": "new_box", "kind": "pallet", "sscc": SENDERS}
    out = play("move", "MIS-DOK", SENDERS, opens, OTHER, {"way": "close_box"}, SENDERS, "MIS-A-01-2")
    assert out[6]["ops"] == [["move_box", {"box_operation_id": "op3.0", "to_place_id": 3}]]


# Stocktakes ---------------------------------------------------------------------------------------------------------


def test_a_place_is_closed_by_who_counted_it_after_a_question(play):
    done = {"way": "place_counted"}
    answers = play("count", "MIS-A-01-1", GTIN, done, {**done, "sure": True}, "MIS-A-01-1", GTIN)
    assert (answers[2]["tone"], answers[2]["title"], answers[2]["ops"]) == ("attention", "is_it_counted", [])
    assert answers[3]["ops"] == [["place_counted", {"stocktake_id": 50, "place_id": 2}]]
    assert (answers[5]["tone"], answers[5]["title"], answers[5]["ops"]) == ("refused", "counted_already", [])


def test_a_place_where_nothing_is_says_so(play):
    empty = {"way": "place_empty"}
    answers = play("count", empty, "MIS-A-01-1", {"way": "place_counted"}, {**empty, "sure": True})
    assert answers[0]["tone"] == "refused", "not before a place was scanned"
    assert answers[2]["title"] == "is_it_empty", "nothing was counted: is it empty?"
    assert answers[3]["ops"] == [["count_place_empty", {"stocktake_id": 50, "place_id": 2}]]


# Write-offs and notes -----------------------------------------------------------------------------------------------


def test_a_write_off_is_proposed_with_its_reason_and_takes_what_is_there(play):
    answers = play("write_off", "MIS-DOK", f"3x{OTHER}", {"way": "write_off", "reason": "damaged"}, f"9x{OTHER}")
    assert [way["reason"] for way in answers[1]["ways"]][:1] == ["damaged"] and answers[1]["ops"] == []
    line = {"lot_id": 102, "place_id": 1, "quantity": 3}
    assert answers[2]["ops"] == [["propose_write_off", {"reason": "damaged", "lines": [line]}]]
    assert answers[2]["ways"] == [{"way": "photo"}]
    assert answers[3]["tone"] == "refused" and answers[3]["ways"][0] == {"way": "less", "pieces": 5}


def test_another_offer_begins_with_the_note_of_the_one_before(play):
    offers = [*SNAPSHOT["parts"]["offers"], [19, "Bolt", None, [[91, 11, 24, 0, None, 350]]]]
    answers = play("receive", "F-9", OTHER, "F-19", OTHER, offers=offers)
    [(kind, payload)] = answers[2]["ops"]
    assert (kind, payload["offer_id"], len(payload["receipts"])) == ("goods_received", 9, 1)
    assert answers[3]["ops"][0][1]["source"] == "F-19"
    assert answers[3]["ops"][0][1]["unit_value_huf"] == 350, "what the donor says it is worth"
