"""Plans through HTTP: asked for, read, exported, read in, published; each by whom the role table lets."""

from __future__ import annotations

import json

import pytest

from app.accounts.roles import GRANTS, Role
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.planning import formats
from tests.planning.problems import a_county as a_made_up_county
from tests.planning.test_service import ON, country, solved, work_off  # noqa: F401 – the fixture


@pytest.fixture
def api(settings, sessions, clock):
    """Return a client of somebody: `api(Role.DISPATCHER, county_id)`."""

    def client_of(role: Role, *county_ids: int):
        actor = Actor(None, role, role, GRANTS[role], {Scope.COUNTY: county_ids}, "en")
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config["TESTING"] = True
        return app.test_client()

    return client_of


def post(client, path, body=None, **headers):
    return client.post(f"/api/v1{path}", json=body if body is not None else {}, headers=headers)


def test_a_dispatcher_asks_reads_exports_and_publishes(api, work, sessions, clock, country):  # noqa: F811
    counties = (country["BAZ"]["county"], country["ZAL"]["county"])
    client = api(Role.DISPATCHER, *counties)
    asked = post(client, "/plans", {"on": ON.isoformat(), "seconds_max": 2})
    assert asked.status_code == 202 and asked.json["state"] == "queued"
    plan_id = asked.json["id"]
    assert client.get(f"/api/v1/plans/{plan_id}/export").status_code == 409
    assert client.get(f"/api/v1/plans/{plan_id}/runs").json == {"items": []}
    assert work_off(sessions, clock, asked.json["job_id"]).state == "done"
    listed = client.get("/api/v1/plans?on=2026-11-24").json
    assert [plan["id"] for plan in listed["items"]] == [plan_id]
    runs = client.get(f"/api/v1/plans/{plan_id}/runs").json["items"]
    assert sum(len(run["visits"]) for run in runs) == 5
    unserved = client.get(f"/api/v1/plans/{plan_id}/unserved").json["items"]
    assert unserved[0]["reason"] == "No vehicle of this warehouse has cooling on this day"
    exported = client.get(f"/api/v1/plans/{plan_id}/export")
    assert exported.status_code == 200 and formats.problem_from_json(exported.json).stops
    shown = client.get(f"/api/v1/plans/{plan_id}")
    assert post(client, f"/plans/{plan_id}/publish", **{"If-Match": '"old"'}).status_code == 412
    assert post(client, f"/plans/{plan_id}/publish").status_code == 428
    published = post(client, f"/plans/{plan_id}/publish", **{"If-Match": shown.headers["ETag"]})
    assert published.status_code == 200 and published.json["state"] == "published"
    again = post(client, f"/plans/{plan_id}/publish", **{"If-Match": published.headers["ETag"]})
    assert again.status_code == 409 and again.json["type"] == "not-a-draft"


def test_others_do_not_know_of_a_plan(api, work, sessions, clock, country):  # noqa: F811
    plan_id = solved(work, sessions, clock)
    client = api(Role.DISPATCHER, country["ZAL"]["county"])
    for path in ("", "/runs", "/unserved", "/export"):
        assert client.get(f"/api/v1/plans/{plan_id}{path}").status_code == 404
    assert post(api(Role.DRIVER), "/plans", {"on": ON.isoformat()}).status_code == 403
    assert post(client, "/plans/problems", {"problem": {}}).status_code == 403


def test_an_admin_reads_in_a_problem_of_any_program(api, sessions, clock, country):  # noqa: F811
    client = api(Role.ADMIN)
    problem = json.loads(json.dumps(formats.problem_to_json(a_made_up_county(stops=6))))
    sent = post(client, "/plans/problems", {"problem": problem, "seconds_max": 2})
    assert sent.status_code == 202, sent.json
    assert work_off(sessions, clock, sent.json["job_id"]).state == "done"
    exported = client.get(f"/api/v1/plans/{sent.json['id']}/export").json
    assert exported["problem"]["matrices"] == problem["matrices"]
    assert len(exported["plan"]["routes"]) >= 1 and exported["plan"]["unserved"] == []
    problem["stops"][0]["surprise"] = 1
    refused = post(client, "/plans/problems", {"problem": problem})
    assert refused.status_code == 422 and refused.json["type"] == "problem-unreadable"
    assert "stops[0].surprise" in refused.json["fields"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"on": "yesterday"}, {"on": "2026-02-31"}, {"on": ON.isoformat(), "seconds_max": 10**30},
        {"on": ON.isoformat(), "county_ids": []}, {"on": ON.isoformat(), "county_ids": [2**70]},
        {"on": ON.isoformat(), "surprise": 1}, {"on": "2020-01-01"}, {"on": ON.isoformat(), "county_ids": "x"},
    ],
)  # fmt: skip
def test_bad_questions_are_refused_and_nothing_is_asked(api, body, country):  # noqa: F811
    client = api(Role.NATIONAL_COORDINATOR)
    assert post(client, "/plans", body).status_code == 422
    assert client.get("/api/v1/plans").json["items"] == []


def test_a_county_that_is_not_there_is_refused(api, country):  # noqa: F811
    client = api(Role.NATIONAL_COORDINATOR)
    assert post(client, "/plans", {"on": ON.isoformat(), "county_ids": [987654321]}).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/plans?after=%00", "/plans?after=abc", "/plans?size=0", "/plans?size=x", "/plans?on=yesterday",
        "/plans?state=%00", "/plans?county_id=99999999999999999999", "/plans/99999999999999999999",
        "/plans/0/export", "/plans/-1", "/plans/99999999999999999999/runs", "/plans/5/unserved",
    ],
)  # fmt: skip
def test_odd_addresses_are_answered_not_stumbled_over(api, path, country):  # noqa: F811
    assert 400 <= api(Role.NATIONAL_COORDINATOR).get(f"/api/v1{path}").status_code < 500


@pytest.mark.parametrize(
    "problem",
    [{}, {"points": []}, {"points": [[47, 19]]}, {"stops": [[]]}, {"x" * 300: 1}, {"points": "\x00"}, 5, None],
)
def test_odd_problems_are_answered_not_stumbled_over(api, problem, country):  # noqa: F811
    answer = post(api(Role.ADMIN), "/plans/problems", {"problem": problem, "seconds_max": 1})
    assert answer.status_code in (202, 422), answer.json


def test_a_problem_with_latitude_and_longitude_swapped_is_refused(api, country):  # noqa: F811
    problem = {
        "points": [[19.04, 47.5], [21.13, 48.24]],
        "travel": {"ellipsoid": "WGS84", "circuity_permille": 1300, "speeds": [[None, 60]]},
        "depots": [{"id": 1, "location": 0}],
        "vehicles": [{"id": 1, "start_depot_id": 1}],
        "stops": [{"id": 1, "location": 1}],
    }
    answer = post(api(Role.ADMIN), "/plans/problems", {"problem": problem, "seconds_max": 1})
    assert (answer.status_code, answer.json["where"]) == (422, "problem.points[0]"), answer.json
    problem["points"] = [[lat, lon] for lon, lat in problem["points"]]
    assert post(api(Role.ADMIN), "/plans/problems", {"problem": problem, "seconds_max": 1}).status_code == 202
