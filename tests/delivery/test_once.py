"""A deed asked for directly: the same number is answered again and acts once; other content under it is refused."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.boxes import service as boxes
from app.boxes.models import Box
from app.delivery.models import Parcel, Proof
from app.factory import create_app
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Movement
from tests.conftest import EVERYTHING
from tests.delivery.conftest import code_of
from tests.stock.test_operations import Phone


@pytest.fixture
def web(settings, sessions, clock):
    """Browsers of somebody with every right."""
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: EVERYTHING)
    app.config["TESTING"] = True
    return app.test_client


def moved(work, kind):
    """Return how many movements of a kind there are."""
    with work(EVERYTHING) as uow:
        return uow.session.scalar(select(func.count()).select_from(Movement).where(Movement.kind == kind))


def test_a_hand_over_sent_again_is_answered_again(web, work, world, on_the_road):
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    address = f"/api/v1/parcels/{world['parcel']}/hand-over"
    body = {"operation_id": str(uuid4()), "relation": "self", "code": code}
    first = web().post(address, json=body)
    assert (first.status_code, first.json["state"]) == (200, "handed_over")
    over = moved(work, "hand_over")
    again = web().post(address, json=body)
    assert (again.status_code, again.json) == (200, first.json)
    other = web().post(address, json={**body, "relation": "neighbour"})
    assert (other.status_code, other.json["type"]) == (422, "operation-differs")
    third = web().post(address, json={**body, "operation_id": str(uuid4())})
    assert third.status_code == 409, "another deed is another deed"
    assert moved(work, "hand_over") == over
    with work(EVERYTHING) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Proof)) == 1
        assert stock_queries.verify(uow.session).holds


def test_a_hand_over_sent_several_times_at_once_happens_once(web, work, world, on_the_road):
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    address = f"/api/v1/parcels/{world['parcel']}/hand-over"
    body = {"operation_id": str(uuid4()), "relation": "self", "code": code}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: web().post(address, json=body), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    with work(EVERYTHING) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Proof)) == 1
        assert stock_queries.verify(uow.session).holds


def test_loading_and_bringing_back_are_done_once_too(web, work, world, run):
    load = f"/api/v1/runs/{run}/parcels/{world['parcel']}/load"
    body = {"operation_id": str(uuid4()), "happened_at": "1970-01-01T00:00:00Z"}
    first = web().post(load, json=body)
    assert [first.status_code, web().post(load, json=body).status_code] == [200, 200], first.json
    loads = moved(work, "load")
    back = f"/api/v1/parcels/{world['parcel']}/bring-back"
    refused = web().post(back, json=body)
    assert (refused.status_code, refused.json["type"]) == (422, "operation-differs")
    with work(EVERYTHING) as uow:
        seen = uow.session.scalar(select(Movement).where(Movement.kind == "load"))
        assert seen.happened_at == seen.recorded_at, "a clock that cannot be right is not believed"
    off = {"operation_id": str(uuid4()), "reason": "nobody_home"}
    assert [web().post(back, json=off).status_code for _ in range(2)] == [200, 200]
    assert moved(work, "load") == loads
    with work(EVERYTHING) as uow:
        assert stock_queries.verify(uow.session).holds


def test_a_number_that_a_phone_has_used_is_used(web, work, world, run):
    phone = Phone()
    queued = phone("load_parcel", {"parcel_id": world["parcel"], "run_id": run})
    assert web().post("/api/v1/operations", json={"operations": [queued]}).json["answers"][0]["outcome"] == "applied"
    back = web().post(f"/api/v1/parcels/{world['parcel']}/bring-back", json={"operation_id": queued["operation_id"]})
    assert (back.status_code, back.json["type"]) == (422, "operation-differs")


def test_a_packed_parcel_stands_in_staging_still_reserved_and_is_loaded_from_there(web, work, world, run):
    listed = web().get(f"/api/v1/runs/{run}/pick-list").json
    assert {line["parcel_id"] for line in listed["items"]} == {world["parcel"]} and listed["packed"] == []
    address = f"/api/v1/parcels/{world['parcel']}/pack"
    body = {"operation_id": str(uuid4())}
    first = web().post(address, json=body)
    assert [first.status_code, web().post(address, json=body).status_code] == [200, 200], first.json
    with work(EVERYTHING) as uow:
        parcel = uow.session.get_one(Parcel, world["parcel"])
        shares = [line.share_id for line in parcel.lines]
        rows = stock_queries.spoken_for(uow.session, "share", shares)
        assert {row.stands_in for row in rows} == {"staging"}
        assert sum(row.quantity for row in rows) == sum(line.quantity for line in parcel.lines)
        assert {line.place_id for line in parcel.lines} == {row.place_id for row in rows}
        assert stock_queries.verify(uow.session).holds
    assert web().get(f"/api/v1/runs/{run}/pick-list").json == {"items": [], "packed": [world["parcel"]]}
    assert web().get(f"/runs/{run}/picking").status_code == 200
    load = f"/api/v1/runs/{run}/parcels/{world['parcel']}/load"
    assert web().post(load, json={"operation_id": str(uuid4())}).json["state"] == "loaded"
    refused = web().post(address, json={"operation_id": str(uuid4())})
    assert (refused.status_code, refused.json["type"]) == (409, "parcel-not-in-state")
    with work(EVERYTHING) as uow:
        assert stock_queries.verify(uow.session).holds


def test_goods_in_a_box_are_packed_and_loaded_out_of_it(web, work, world, run):
    """The lots of a parcel lie in a closed box: packing takes them out, and the box is open again."""
    with work(EVERYTHING) as uow:
        line = uow.session.get_one(Parcel, world["parcel"]).lines[0]
        held = stock_queries.reservations_for(uow.session, "share", [line.share_id])[0]
        box = boxes.open_box(uow, operation_id=uuid4(), place_id=line.place_id)
        stock.move_reserved(uow, operation_id=uuid4(), reservation_ids=[held.id], to_place_id=box.place_id, kind="move")
        boxes.close_box(uow, box_id=box.id)
    page = web().get(f"/runs/{run}/picking")
    assert page.status_code == 200 and box.place.code in page.text
    packed = web().post(f"/runs/{run}/parcels/{world['parcel']}/pack", data={"operation_id": str(uuid4())})
    assert packed.status_code == 302
    with work(EVERYTHING) as uow:
        assert uow.session.get_one(Box, box.id).state == "open"
        assert stock_queries.pieces_in(uow.session, box.place_id) == 0
        assert stock_queries.verify(uow.session).holds


def test_a_phone_packs_a_parcel_and_one_that_is_loaded_says_why_not(web, work, world, run):
    phone = Phone()
    pack = phone("pack_parcel", {"parcel_id": world["parcel"]})
    load = phone("load_parcel", {"parcel_id": world["parcel"], "run_id": run})
    late = phone("pack_parcel", {"parcel_id": world["parcel"]})
    unknown = phone("pack_parcel", {"parcel_id": 2**60})
    answers = web().post("/api/v1/operations", json={"operations": [pack, load, late, unknown]}).json["answers"]
    assert [answer["outcome"] for answer in answers] == ["applied", "applied", "rejected", "rejected"], answers
    assert [answer["problem"]["status"] for answer in answers[2:]] == [409, 404]


def test_no_number_of_a_parcel_keeps_a_phone_without_its_answers(web, world, run):
    phone = Phone()
    kinds = ("load_parcel", "unload_parcel", "hand_over_parcel", "fail_parcel", "bring_back_parcel")
    sent = [phone(kind, {"parcel_id": number}) for kind in kinds for number in (True, "seven", -1, 2**63 - 1)]
    answer = web().post("/api/v1/operations", json={"operations": sent})
    assert answer.status_code == 200, answer.text
    assert {each["outcome"] for each in answer.json["answers"]} == {"rejected"}
