from copy import deepcopy

import numpy as np
import pytest

from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.planning import formats
from app.planning.models import Plan, PlanVersion
from app.planning.problem import Problem
from tests import builders
from tests.planning import test_picture as sample

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def dispatcher(app, work):
    """A browser of the dispatcher of one county, and the id of a plan there."""
    with work() as uow:
        county = builders.a_county(uow)
        plan = builders.a_plan(uow, county, figures={"stops": 4, "served": 3, "runs": 2, "distance_m": 84_000})
        version = uow.session.query(PlanVersion).filter_by(plan_id=plan.id).one()
        version.problem, version.answer = stored()
        other = builders.a_plan(uow, builders.a_county(uow, "HEV"))
        county_id, plan_id, other_id = county.id, plan.id, other.id
    actor = Actor(1, "Somebody", "dispatcher", GRANTS[Role.DISPATCHER], {Scope.COUNTY: (county_id,), Scope.OWN: (1,)})
    app.extensions["edge"] = type(app.extensions["edge"])(**{**vars(app.extensions["edge"]), "identify": lambda: actor})
    browser = app.test_client()
    browser.plan_id, browser.other_id = plan_id, other_id
    return browser


def stored():
    size = range(len(sample.QUESTION.points))
    matrix = np.zeros((len(size), len(size)), np.int32)
    problem = Problem(
        tuple(sample.QUESTION.depots),
        tuple(sample.QUESTION.vehicles),
        tuple(sample.QUESTION.stops),
        matrix,
        matrix,
        tuple(sample.QUESTION.points),
    )
    return formats.problem_to_json(problem), formats.plan_to_json(sample.PLAN)


def test_a_plan_shows_its_runs_and_what_it_left_out_with_the_reason(dispatcher):
    page = dispatcher.get(f"/plans/{dispatcher.plan_id}?run=11").text
    for expected in ("Van 11", "Van 21", "Göncruszka", "The window is too short", "It fits", "Csenyéte"):
        assert expected in page
    assert "Van 12" not in page


def test_a_change_that_is_at_hand_is_a_button_and_another_is_a_sentence(dispatcher, work):
    address = f'action="/plans/{dispatcher.plan_id}/serve"'
    assert address not in dispatcher.get(f"/plans/{dispatcher.plan_id}").text
    with work() as uow:
        version = uow.session.query(PlanVersion).filter_by(plan_id=dispatcher.plan_id).one()
        answer = deepcopy(version.answer)
        answer["unserved"][0]["relaxations"][0]["position"] = 1
        version.answer = answer
        uow.session.get(Plan, dispatcher.plan_id).figures = {"stops": 4}
    page = dispatcher.get(f"/plans/{dispatcher.plan_id}").text
    assert address in page
    assert 'name="stop_id" value="4"' in page


def test_the_map_of_a_plan_draws_runs_and_left_out_stops(dispatcher):
    drawn = dispatcher.get(f"/plans/{dispatcher.plan_id}/map.json").json
    assert len(drawn["runs"]) == 2
    assert [left["name"] for left in drawn["left"]] == ["Göncruszka"]


def test_before_publishing_the_difference_is_shown(dispatcher):
    page = dispatcher.get(f"/plans/{dispatcher.plan_id}/publish").text
    assert "Van 21" in page
    assert f'action="/plans/{dispatcher.plan_id}/publish"' in page


def test_a_search_that_has_ended_tells_the_page_to_draw_itself_anew(dispatcher):
    answer = dispatcher.get(f"/plans/{dispatcher.plan_id}/progress")
    assert answer.headers["HX-Refresh"] == "true"


def test_a_plan_of_other_counties_is_not_there(dispatcher):
    for address in ("", "/map.json", "/progress", "/publish"):
        assert dispatcher.get(f"/plans/{dispatcher.other_id}{address}").status_code == 404
    assert f"/plans/{dispatcher.other_id}" not in dispatcher.get("/plans").text


@pytest.mark.parametrize("run", ["", "x", "-1", "9" * 40, "1'2", "12"])
def test_an_odd_run_in_the_address_harms_nothing(dispatcher, run):
    assert dispatcher.get(f"/plans/{dispatcher.plan_id}?run={run}").status_code == 200
