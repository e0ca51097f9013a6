"""The pages of delivery, opened and used as the dispatcher, the worker and the driver do."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from app.accounts.roles import Role
from app.delivery.models import Parcel, Run, Stop, Vehicle
from app.foundation.actor import Scope
from tests.delivery.conftest import EVERYTHING, STROKES, code_of, somebody
from tests.untranslated import untranslated


@pytest.fixture
def people():
    return {}


@pytest.fixture
def app(settings, sessions, clock, people):
    from app.factory import create_app

    made = create_app(settings, sessions=sessions, clock=clock, ring=lambda ids: None, identify=lambda: people["actor"])
    made.config.update(TESTING=True, PROPAGATE_EXCEPTIONS=True)
    return made


@pytest.fixture
def as_driver(people, world):
    people["actor"] = somebody(Role.DRIVER, Scope.OWN, world["driver"])


@pytest.fixture
def as_worker(people, world):
    people["actor"] = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])


@pytest.fixture
def as_dispatcher(people, world):
    people["actor"] = somebody(Role.DISPATCHER, Scope.COUNTY, world["county"])


def door(work, world, word):
    with work(EVERYTHING) as uow:
        stop_id = uow.session.scalar(select(Stop.id))
    return f"/stops/{stop_id}/households/{world['household']}/{word}"


def state_of(work, world):
    with work(EVERYTHING) as uow:
        return uow.session.get(Parcel, world["parcel"]).state


def clean(app, client, *addresses):
    app.config["PSEUDO_LANGUAGE"] = True
    for address in addresses:
        page = client.get(address)
        assert page.status_code == 200, f"{address}: {page.status_code}"
        assert untranslated(page.text) == [], address


def test_the_dispatchers_pages_open_and_no_sentence_is_left_untranslated(app, client, run, world, as_dispatcher):
    clean(
        app,
        client,
        "/runs",
        "/runs?view=tomorrow",
        "/runs?view=all&state=published",
        f"/runs/{run}",
        "/vehicles",
        f"/vehicles/{world['vehicle']}",
        "/vehicles/new",
        f"/vehicles/{world['vehicle']}/edit",
        "/drivers",
        f"/drivers/{world['driver']}",
        "/drivers/new",
        f"/drivers/{world['driver']}/edit",
    )


def test_the_workers_pages_open_and_show_no_family(app, client, loaded, world, as_worker):
    clean(app, client, "/runs?view=tomorrow", f"/runs/{loaded}", f"/runs/{loaded}/loading", f"/runs/{loaded}/return")
    for address in (f"/runs/{loaded}", f"/runs/{loaded}/loading"):
        text = client.get(address).text
        assert "Kovács" not in text and "Fő utca" not in text and "H-" not in text


def test_the_drivers_pages_open_and_show_where_to_go(app, client, on_the_road, world, as_driver, work):
    clean(
        app,
        client,
        f"/runs/{on_the_road}/drive",
        f"/runs/{on_the_road}/drive/stops",
        f"/runs/{on_the_road}/return",
        door(work, world, "hand-over"),
        door(work, world, "fail"),
        f"/runs/{on_the_road}",
        "/runs",
    )
    text = client.get(f"/runs/{on_the_road}/drive").text
    assert "Fő utca 41." in text and "tel:+36301234567" in text and "geo:48.3,21.0" in text
    assert client.get("/drive").headers["Location"] == f"/runs/{on_the_road}/drive"


def test_a_worker_loads_undoes_and_loads_again_by_big_buttons(client, run, world, as_worker, work):
    page = client.get(f"/runs/{run}/loading")
    assert f"P-{world['parcel']}" in page.text
    assert (
        client.post(f"/runs/{run}/parcels/{world['parcel']}/load", data={"operation_id": str(uuid4())}).status_code
        == 302
    )
    assert state_of(work, world) == "loaded"
    client.post(f"/runs/{run}/parcels/{world['parcel']}/unload", data={"operation_id": str(uuid4())})
    assert state_of(work, world) == "planned"
    client.post(f"/runs/{run}/parcels/{world['parcel']}/load")
    assert client.post(f"/runs/{run}/depart").status_code == 302


def test_a_driver_hands_over_with_the_code_and_a_wrong_one_keeps_the_form(client, on_the_road, world, as_driver, work):
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    address = door(work, world, "hand-over")
    wrong = client.post(address, data={"relation": "self", "proof": "code", "code": "1"})
    assert wrong.status_code == 422 and state_of(work, world) == "loaded"
    right = client.post(address, data={"relation": "family_member", "proof": "code", "code": f"{code[:3]} {code[3:]}"})
    assert right.status_code == 302 and state_of(work, world) == "handed_over"
    end = client.get(f"/runs/{on_the_road}/drive")
    assert end.status_code == 200
    assert client.post(f"/runs/{on_the_road}/close").status_code == 302


def test_a_driver_hands_over_a_part_with_a_signature(client, on_the_road, world, as_driver, work):
    with work(EVERYTHING) as uow:
        lines = {f"line-{line.id}": 1 for line in uow.session.get(Parcel, world["parcel"]).lines}
    asked = {"relation": "self", "proof": "signature", "signature": json.dumps(STROKES), "partly": "1", **lines}
    assert client.post(door(work, world, "hand-over"), data=asked).status_code == 302
    assert state_of(work, world) == "partly"


def test_what_nobody_took_is_noted_tried_again_and_brought_back(client, on_the_road, world, as_driver, work):
    assert client.post(door(work, world, "fail"), data={}).status_code == 422
    assert client.post(door(work, world, "fail"), data={"reason": "refused"}).status_code == 302
    assert client.post(door(work, world, "try-again")).status_code == 302
    client.post(door(work, world, "fail"), data={"reason": "nobody_home"})
    refused = client.post(f"/runs/{on_the_road}/close")
    assert refused.status_code == 409
    client.post(f"/runs/{on_the_road}/bring-back")
    assert state_of(work, world) == "brought_back"
    assert client.post(f"/runs/{on_the_road}/close").status_code == 302
    with work(EVERYTHING) as uow:
        assert uow.session.get(Run, on_the_road).state == "closed"


def test_papers_are_pdfs_and_the_loading_list_has_codes_only(client, loaded, world, as_worker, people):
    for name in ("run-sheet", "loading-list", "packing-list"):
        made = client.get(f"/runs/{loaded}/{name}.pdf")
        assert made.status_code == 200 and made.data.startswith(b"%PDF"), name
    people["actor"] = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    assert client.get(f"/runs/{loaded}/run-sheet.pdf").data.startswith(b"%PDF")
    assert client.get(f"/runs/{loaded}/packing-list.pdf").status_code == 403


def test_a_parcel_that_tells_of_health_shows_its_code_only(client, run, world, as_dispatcher, people, work):
    with work(EVERYTHING) as uow:
        uow.session.get(Parcel, world["parcel"]).health_related = True
    text = client.get(f"/runs/{run}").text
    assert f"P-{world['parcel']}" in text and "Takaró" not in text
    [stop] = client.get(f"/api/v1/runs/{run}").json["stops"]
    assert stop["parcels"][0]["contents_hidden"] is True and stop["parcels"][0]["lines"] == []


def test_a_dispatcher_adds_a_vehicle_notes_days_away_and_takes_them_back(client, world, as_dispatcher, work):
    facts = {"plate": "abc-123", "warehouse_id": world["warehouse"], "capacity_kg": 900, "capacity_l": 6000}
    made = client.post("/vehicles/new", data=facts)
    assert made.status_code == 302
    again = client.post("/vehicles/new", data=facts)
    assert again.status_code == 422 and "abc-123" in again.text
    address = made.headers["Location"]
    assert client.post(f"{address}/absences", data={"since": "2026-12-01", "until": "2026-11-01"}).status_code == 422
    assert client.post(f"{address}/absences", data={"since": "2026-12-01", "until": "2026-12-03"}).status_code == 302
    assert client.post("/absences/1/drop").status_code == 302
    with work(EVERYTHING) as uow:
        version = uow.session.scalar(select(Vehicle.version).where(Vehicle.plate == "ABC-123"))
    changed = client.post(f"{address}/edit", data={**facts, "model": "Master", "version": version, "active": "1"})
    assert changed.status_code == 302
    stale = client.post(f"{address}/edit", data={**facts, "version": version})
    assert stale.status_code == 412


def test_another_countys_run_is_not_there(client, run, people):
    people["actor"] = somebody(Role.DISPATCHER, Scope.COUNTY, 10**6)
    assert client.get(f"/runs/{run}").status_code == 404
    assert client.get(f"/api/v1/runs/{run}").status_code == 404


def test_lists_cost_a_constant_number_of_statements(client, run, as_dispatcher, sessions):
    statements = []
    event.listen(sessions.kw["bind"], "before_cursor_execute", lambda *args: statements.append(args[2]))
    for address in ("/runs?view=tomorrow", "/vehicles", "/drivers", f"/runs/{run}"):
        statements.clear()
        assert client.get(address).status_code == 200
        assert len(statements) <= 14, (address, statements)


def test_a_device_loads_hands_over_and_brings_back_by_operations_that_act_once(client, run, world, people, work):
    device = str(uuid4())

    def send(kind, payload, sequence, operation_id=None):
        asked = {
            "operation_id": operation_id or str(uuid4()),
            "device_id": device,
            "sequence": sequence,
            "happened_at": "2026-11-23T10:59:00Z",
            "kind": kind,
            "payload": payload,
        }
        [answer] = client.post("/api/v1/operations", json={"operations": [asked]}).json["answers"]
        return answer

    people["actor"] = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    name = str(uuid4())
    assert send("load_parcel", {"parcel_id": world["parcel"], "run_id": run}, 1, name)["outcome"] == "applied"
    assert send("load_parcel", {"parcel_id": world["parcel"], "run_id": run}, 1, name)["outcome"] == "duplicate"
    assert send("load_parcel", {"parcel_id": world["parcel"]}, 2)["outcome"] == "rejected"
    people["actor"] = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    assert client.post(f"/api/v1/runs/{run}/depart").status_code == 200
    wrong = send("hand_over_parcel", {"parcel_id": world["parcel"], "relation": "self", "code": "x"}, 3)
    assert wrong["outcome"] == "rejected" and wrong["problem"]["type"] == "wrong-code"
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    right = send("hand_over_parcel", {"parcel_id": world["parcel"], "relation": "self", "code": code}, 4)
    assert right["outcome"] == "applied" and right["result"]["state"] == "handed_over"


def test_a_program_drafts_publishes_and_reads_a_run(client, world, as_dispatcher):
    parcels = client.get("/api/v1/parcels").json["items"]
    assert [each["parcel_id"] for each in parcels] == [world["parcel"]]
    stop = {
        "settlement_id": parcels[0]["settlement_id"],
        "lat": 48.3,
        "lon": 21.0,
        "arrives_at": "2026-11-24T08:00:00Z",
        "leaves_at": "2026-11-24T08:10:00Z",
        "parcel_ids": [world["parcel"]],
    }
    asked = {
        "on": "2026-11-24",
        "vehicle_id": world["vehicle"],
        "driver_id": world["driver"],
        "distance_m": 70000,
        "departs_at": "2026-11-24T06:00:00Z",
        "returns_at": "2026-11-24T11:00:00Z",
        "stops": [stop],
    }
    made = client.post("/api/v1/runs", json=asked)
    assert made.status_code == 201 and made.json["state"] == "draft"
    assert client.post("/api/v1/runs", json=asked).status_code == 409
    run_id = made.json["id"]
    assert client.post(f"/api/v1/runs/{run_id}/publish").json["state"] == "published"
    etag = client.get(f"/api/v1/runs/{run_id}").headers["ETag"]
    assert client.get(f"/api/v1/runs/{run_id}", headers={"If-None-Match": etag}).status_code == 304
    assert client.put(f"/api/v1/runs/{run_id}/driver", json={"driver_id": None}).status_code == 428
    given = client.put(f"/api/v1/runs/{run_id}/driver", json={"driver_id": None}, headers={"If-Match": etag})
    assert given.status_code == 200 and given.json["driver_id"] is None
    assert client.get("/api/v1/runs?on=2026-11-24").json["items"][0]["id"] == run_id


def test_contacts_are_given_to_the_driver_from_loading_on(client, run, world, people, work, as_driver):
    with work(EVERYTHING) as uow:
        stop_id = uow.session.scalar(select(Stop.id))
    assert client.get(f"/api/v1/stops/{stop_id}/contacts").status_code == 404
    people["actor"] = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    client.post(f"/runs/{run}/parcels/{world['parcel']}/load")
    assert client.get(f"/api/v1/stops/{stop_id}/contacts").status_code == 403
    people["actor"] = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    [contact] = client.get(f"/api/v1/stops/{stop_id}/contacts").json["items"]
    assert contact["street"] == "Fő utca 41." and contact["household"] == f"H-{world['household']}"
