"""Boxes as pages, as JSON and as operations of a phone."""

import re
from uuid import uuid4

import pytest

from app.boxes import queries, service, sscc
from app.factory import create_app
from app.stock import queries as stock_queries
from tests.builders import a_place, a_warehouse
from tests.conftest import EVERYTHING
from tests.stock.conftest import on_hand
from tests.stock.test_operations import Phone, send
from tests.untranslated import untranslated


@pytest.fixture
def app(settings, clock, sessions):
    """The whole application for somebody with every right."""
    made = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    made.config["TESTING"] = True
    return made


@pytest.fixture
def web(app):
    """Browsers."""
    return app.test_client


def shelf_code(work, place_id):
    """Return the code of a place."""
    with work() as uow:
        return stock_queries.place(uow.session, place_id).code


def test_a_phone_opens_fills_nests_moves_and_merges_by_operations(web, work, hall):
    shelf, other = shelf_code(work, hall.shelf), shelf_code(work, hall.other_shelf)
    phone = Phone()
    pallet = phone("open_box", {"kind": "pallet", "place": shelf})
    box, second = phone("open_box", {"place": shelf}), phone("open_box", {"place": shelf})
    the_box = {"box_operation_id": box["operation_id"]}
    into = {"into_box_operation_id": pallet["operation_id"]}
    fill = phone("fill_box", {**the_box, "lot_id": hall.lot_id, "from_place": shelf, "quantity": 6})
    out = phone("empty_box", {**the_box, "lot_id": hall.lot_id, "quantity": 1})
    nest = phone("nest_box", {**the_box, **into})
    close = phone("close_box", the_box)
    moved = phone("move_box", {"box_operation_id": pallet["operation_id"], "to_place": other})
    reopen = phone("reopen_box", the_box)
    apart = phone("unnest_box", {**the_box, "to_place": other})
    split = phone("split_box", {**the_box, "lines": [{"lot_id": hall.lot_id, "quantity": 2}]})
    merge = phone(
        "merge_boxes",
        {**the_box, "into_box_operation_id": second["operation_id"], "pieces": 3, "dissolve": True},
    )
    sent = (pallet, box, second, fill, out, nest, close, moved, reopen, apart, split, merge)
    answers = send(web, *sent)
    assert [answer["outcome"] for answer in answers] == ["applied"] * len(sent), answers
    assert {answer["outcome"] for answer in send(web, *sent)} == {"duplicate"}
    made = answers[1]["result"]
    assert sscc.is_sscc(made["sscc"])
    with work() as uow:
        found = queries.box(uow.session, uow.actor, made["box_id"])
        assert (found.state, found.place.root.code) == ("dissolved", other)
        target = answers[2]["result"]["place_id"]
        apart_place = answers[10]["result"]["place_id"]
        assert [on_hand(uow, hall.lot_id, place) for place in (hall.shelf, target, apart_place)] == [5, 3, 2]
        assert stock_queries.verify(uow.session).holds


def test_a_phone_moves_several_boxes_by_their_sscc_and_into_one_by_its_sscc(web, work, hall):
    shelf, phone = shelf_code(work, hall.shelf), Phone()
    first, second, pallet = (
        answer["result"]
        for answer in send(
            web,
            phone("open_box", {"place": shelf}),
            phone("open_box", {"place": shelf}),
            phone("open_box", {"place": shelf, "kind": "pallet"}),
        )
    )
    boxes = [first["sscc"], f"(00) {second['sscc']}"]
    answer = send(web, phone("move_box", {"boxes": boxes, "to_place": pallet["sscc"]}))[0]
    assert answer["outcome"] == "applied", answer
    with work() as uow:
        for made in (first, second):
            assert queries.box(uow.session, uow.actor, made["box_id"]).parent_id == pallet["box_id"]


def test_what_cannot_be_is_refused_with_a_sentence(web, work, hall):
    phone = Phone()
    good = send(web, phone("open_box", {"place_id": hall.shelf}))[0]["result"]
    bad = [
        phone("open_box", {}),
        phone("open_box", {"place": "NOWHERE"}),
        phone("open_box", {"place_id": 2**63 - 1}),
        phone("open_box", {"place_id": hall.shelf, "kind": "barrel"}),
        phone("fill_box", {"box": "049999900000000000", "lot_id": 1, "from_place_id": 1, "quantity": 1}),
        phone("fill_box", {"box_id": good["box_id"], "lot_id": 2**62, "from_place_id": hall.shelf, "quantity": 1}),
        phone("fill_box", {"box_id": 2**62, "lot_id": hall.lot_id, "from_place_id": hall.shelf, "quantity": 1}),
        phone("move_box", {"box_id": good["box_id"], "to_place_id": good["place_id"]}),
        phone("move_box", {"boxes": [], "to_place_id": hall.shelf}),
        phone("merge_boxes", {"box_id": good["box_id"], "into_box_id": good["box_id"], "pieces": 1}),
        phone("merge_boxes", {"box_id": good["box_id"], "into_box_id": 2**60}),
        phone("split_box", {"box_id": good["box_id"], "lines": []}),
        phone("nest_box", {"box_operation_id": str(uuid4()), "into_box_id": good["box_id"]}),
    ]
    for answer in send(web, *bad):
        assert answer["outcome"] == "rejected", answer
        assert 400 <= answer["problem"]["status"] < 500 and answer["problem"]["detail"]


def test_the_api_opens_fills_shows_and_moves_once_for_each_number(web, work, hall):
    client = web()
    name = str(uuid4())
    body = {"operation_id": name, "place_id": hall.shelf}
    made = client.post("/api/v1/boxes", json=body)
    assert made.status_code == 201 and client.post("/api/v1/boxes", json=body).json["id"] == made.json["id"]
    address = f"/api/v1/boxes/{made.json['id']}"
    fill = {"operation_id": str(uuid4()), "lot_id": hall.lot_id, "from_place_id": hall.shelf, "quantity": 6}
    for _ in range(2):
        answer = client.post(f"{address}/fill", json=fill)
        assert (answer.status_code, answer.json["pieces"]) == (200, 6)
    out = {"operation_id": str(uuid4()), "lot_id": hall.lot_id, "quantity": 2}
    for _ in range(2):
        assert client.post(f"{address}/empty", json=out).json["pieces"] == 4
    move = {"operation_id": str(uuid4()), "to_place_id": hall.other_shelf}
    assert client.post(f"{address}/move", json=move).json["root_id"] == hall.other_shelf
    split = {"operation_id": str(uuid4()), "lines": [{"lot_id": hall.lot_id, "quantity": 1}]}
    other = client.post(f"{address}/split", json=split)
    assert (other.status_code, other.json["pieces"]) == (201, 1)
    merge = {"operation_id": str(uuid4()), "into_box_id": other.json["id"], "pieces": 9}
    refused = client.post(f"{address}/merge", json=merge)
    assert (refused.status_code, refused.json["type"], refused.json["known"]) == (409, "count-differs", 3)
    assert client.post(f"{address}/merge", json={**merge, "pieces": 3}).json["pieces"] == 4
    assert client.post(f"{address}/dissolve").json["state"] == "dissolved"
    listed = client.get("/api/v1/boxes").json["items"]
    assert [(each["id"], each["pieces"]) for each in listed] == [(other.json["id"], 4)]
    by_code = client.get("/api/v1/boxes/by-code", query_string={"code": other.json["sscc"]})
    assert by_code.json["tree"][0]["contents"][0]["on_hand"] == 4
    assert client.get("/api/v1/balances").json["items"]


def test_every_page_of_boxes_opens_and_says_nothing_untranslated(app, web, work, hall):
    client = web()
    box_id = client.post("/api/v1/boxes", json={"operation_id": str(uuid4()), "place_id": hall.shelf}).json["id"]
    fill = {"operation_id": str(uuid4()), "lot_id": hall.lot_id, "from_place_id": hall.shelf, "quantity": 6}
    client.post(f"/api/v1/boxes/{box_id}/fill", json=fill)
    pages = ["", "?state=open&kind=box", "?q=049", f"?place_id={hall.shelf}", f"{box_id}", "new"]
    pages += [f"{box_id}/{deed}" for deed in ("fill", "empty", "move", "merge", "split")]
    for page in pages:
        for said in ("hu", "en"):
            answer = client.get(f"/boxes/{page}", query_string={"lang": said} if "?" not in page else None)
            assert answer.status_code == 200, (page, answer.text[:500])
    app.config["PSEUDO_LANGUAGE"] = True
    for page in pages:
        assert untranslated(client.get(f"/boxes/{page}").text) == [], page


def test_forms_do_it_once_and_say_why_not(web, work, hall):
    client = web()
    shelf = shelf_code(work, hall.other_shelf)
    form = {"operation_id": str(uuid4()), "kind": "box", "place_id_text": shelf.lower()}
    first = client.post("/boxes/new", data=form)
    assert first.status_code == 302 and client.post("/boxes/new", data=form).location == first.location
    box = first.location
    fill = {"operation_id": str(uuid4()), "from": f"{hall.lot_id}-{hall.shelf}", "quantity": "4"}
    assert [client.post(f"{box}/fill", data=fill).status_code for _ in range(2)] == [302, 302]
    again = {**fill, "operation_id": str(uuid4()), "quantity": "40"}
    refused = client.post(f"{box}/fill?lang=en", data=again)
    assert refused.status_code == 409 and "40 wanted, 6 available" in refused.text and 'value="40"' in refused.text
    assert client.post(f"{box}/fill", data={**again, "from": "x"}).status_code == 422
    assert client.post(f"{box}/close").status_code == 302
    assert client.post(f"{box}/fill?lang=en", data={**again, "quantity": "1"}).status_code == 409
    assert client.post(f"{box}/reopen").status_code == 302
    found = client.get(f"{box}/find-lots?q=liszt").json["items"]
    assert found and re.fullmatch(rf"{hall.lot_id}-{hall.shelf}", found[0]["id"])
    moved = {"operation_id": str(uuid4()), "to_place_id": str(hall.dock)}
    assert client.post(f"{box}/move", data=moved).status_code == 302
    split = {"operation_id": str(uuid4()), f"quantity-{hall.lot_id}": "1"}
    other = client.post(f"{box}/split", data=split).location
    merge = {"operation_id": str(uuid4()), "into_box_id": other.rsplit("/", 1)[1], "pieces": "3", "dissolve": "1"}
    assert client.post(f"{box}/merge", data=merge).location == other
    out = {"operation_id": str(uuid4()), "lot_id": str(hall.lot_id), "quantity": "4"}
    assert client.post(f"{other}/empty", data=out).status_code == 302
    assert client.post(f"{other}/dissolve").status_code == 302
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.dock) == 4
        assert stock_queries.verify(uow.session).holds


def test_a_worker_sees_no_box_of_another_warehouse(settings, clock, sessions, work, hall):
    with work() as uow:
        elsewhere = service.open_box(uow, operation_id=uuid4(), place_id=a_place(uow, a_warehouse(uow)).id)
        own = service.open_box(uow, operation_id=uuid4(), place_id=hall.shelf)
    worker = hall.worker()
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: worker)
    client = app.test_client()
    assert [each["id"] for each in client.get("/api/v1/boxes").json["items"]] == [own.id]
    assert client.get(f"/boxes/{elsewhere.id}").status_code == 404
    for deed in ("close", "dissolve", "reopen"):
        assert client.post(f"/api/v1/boxes/{elsewhere.id}/{deed}").status_code == 404


def test_the_list_and_a_box_ask_the_database_a_constant_number_of_times(web, sessions, work, hall):
    """However many boxes there are, and however deep."""
    from sqlalchemy import event

    def statements(address):
        asked = []
        listen = lambda *facts: asked.append(facts[2])
        engine = sessions.kw["bind"]
        event.listen(engine, "before_cursor_execute", listen)
        try:
            assert web().get(address).status_code == 200
        finally:
            event.remove(engine, "before_cursor_execute", listen)
        return len(asked)

    with work() as uow:
        pallet = service.open_box(uow, operation_id=uuid4(), place_id=hall.shelf, kind="pallet")
    counted = []
    for _ in range(2):
        counted.append((statements("/boxes/"), statements(f"/boxes/{pallet.id}")))
        with work() as uow:
            for _ in range(5):
                box = service.open_box(uow, operation_id=uuid4(), place_id=pallet.place_id)
                service.fill_box(
                    uow,
                    operation_id=uuid4(),
                    box_id=box.id,
                    lot_id=hall.lot_id,
                    from_place_id=hall.shelf,
                    quantity=1,
                )
    few, many = counted
    assert max(few[0], many[0]) <= 12 and many[0] <= few[0] + 1, counted
    assert many[1] <= few[1] + 2 <= 20, counted


def test_a_senders_number_that_another_warehouse_has_taken_is_told_to_the_phone(work, hall, settings, clock, sessions):
    with work() as uow:
        far = a_place(uow, a_warehouse(uow))
        service.open_box(uow, operation_id=uuid4(), place_id=far.id, code="395011015300000011")
    made = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=hall.worker)
    made.config["TESTING"] = True
    phone, shelf = Phone(), shelf_code(work, hall.shelf)
    taken = phone("open_box", {"place": shelf, "sscc": "395011015300000011"})
    free = phone("open_box", {"place": shelf})
    answers = send(made.test_client, taken, free)
    assert [answer["outcome"] for answer in answers] == ["rejected", "applied"]
    assert answers[0]["problem"]["type"] == "box-code-taken"


def test_what_contradicts_the_books_at_every_try_keeps_nothing_behind_it_waiting(web, work, hall, monkeypatch):
    shelf, phone = shelf_code(work, hall.shelf), Phone()
    monkeypatch.setattr(queries, "sscc_known", lambda *_: False)
    first, twin = (phone("open_box", {"place": shelf, "sscc": "395011015300000011"}) for _ in range(2))
    answers = send(web, first, twin, phone("open_box", {"place": shelf}))
    assert [answer["outcome"] for answer in answers] == ["applied", "rejected", "applied"]


def test_a_phone_opens_a_box_under_its_senders_number_and_receives_straight_into_it(web, work, hall):
    shelf = shelf_code(work, hall.shelf)
    phone = Phone()
    sent = "395011015300000011"
    pallet = phone("open_box", {"kind": "pallet", "place": shelf, "sscc": f"(00){sent}"})
    with work() as uow:
        item_id = stock_queries.lot(uow.session, uow.actor, hall.lot_id).item_id
    goods = {"item_id": item_id, "quantity": 24, "expires_on": "2027-04-30", "batch": "B7"}
    into = phone("receive_into_box", {**goods, "box_operation_id": pallet["operation_id"]})
    answers = send(web, pallet, into)
    assert [answer["outcome"] for answer in answers] == ["applied"] * 2, answers
    assert answers[0]["result"]["sscc"] == sent
    with work() as uow:
        box = queries.box_by_code(uow.session, uow.actor, sent)
        assert on_hand(uow, answers[1]["result"]["lot_id"], box.place_id) == 24
    back = phone("reverse", {"reversed_operation_id": into["operation_id"], "reason": "scan"})
    gone = phone("dissolve_box", {"box_operation_id": pallet["operation_id"]})
    assert [answer["outcome"] for answer in send(web, back, gone)] == ["applied"] * 2


def test_a_number_that_is_ours_to_give_or_taken_or_wrong_opens_no_box(web, work, hall):
    shelf = shelf_code(work, hall.shelf)
    phone, own = Phone(), sscc.sscc(sscc.PREFIX, 77_777)
    first = phone("open_box", {"place": shelf, "sscc": "395011015300000011"})
    again = phone("open_box", {"place": shelf, "sscc": "395011015300000011"})
    ours = phone("open_box", {"place": shelf, "sscc": own})
    wrong = phone("open_box", {"place": shelf, "sscc": "395011015300000012"})
    answers = send(web, first, again, ours, wrong)
    assert [answer["outcome"] for answer in answers] == ["applied", *["rejected"] * 3]
    assert [answer["problem"]["type"] for answer in answers[1:]] == ["box-code-taken", "box-code-taken", "no-sscc"]
