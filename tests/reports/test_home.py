from datetime import timedelta

import pytest

from app.accounts.roles import GRANTS, Role
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from app.reports import queries
from tests import builders
from tests.conftest import NOON


def somebody(role, **reach):
    return Actor(1, "Somebody", role, GRANTS[Role(role)], {Scope(name): ids for name, ids in reach.items()})


def tasks_of(work, actor):
    with work(actor) as uow:
        return queries.tasks(uow.session, actor, NOON)


def test_a_coordinator_sees_what_presses_most_first(work):
    with work() as uow:
        county = builders.a_county(uow)
        partner = builders.an_organisation(uow, county)
        builders.a_signal(uow, partner, county, acknowledge_by=NOON - timedelta(hours=1), acknowledged_at=None)
        builders.a_need(uow, builders.a_household(uow, county), partner, urgency=1)
        builders.an_offer(uow, builders.a_donor(uow), county)
    found = tasks_of(work, somebody("national_coordinator"))
    assert [task.place for task in found] == ["needs", "signals", "offers"]
    assert [task.number for task in found] == [1, 1, 1]
    assert found[0].kind == "refused"
    assert found[1].reason.facts["late"] == 1


def test_tasks_of_other_counties_are_nobody_elses(work):
    with work() as uow:
        here, there = builders.a_county(uow, "BAZ"), builders.a_county(uow, "HEV")
        partner = builders.an_organisation(uow, there)
        builders.a_need(uow, builders.a_household(uow, there), partner)
        here_id = here.id
    assert tasks_of(work, somebody("county_coordinator", county=(here_id,))) == []


def test_a_warehouse_sees_what_expires_and_what_waits_for_loading(work):
    with work() as uow:
        county = builders.a_county(uow)
        warehouse = builders.a_warehouse(uow, county)
        builders.a_lot(uow, warehouse, on_shelf=5, expires_on=NOON.date() + timedelta(days=3))
        builders.a_run(uow, builders.a_vehicle(uow, warehouse), state="published")
        warehouse_id = warehouse.id
    found = tasks_of(work, somebody("warehouse_worker", warehouse=(warehouse_id,)))
    assert {task.place for task in found} == {"runs", "stock_expiring"}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_home_even_with_nothing_to_do(app, role):
    app.extensions["edge"] = type(app.extensions["edge"])(
        **{**vars(app.extensions["edge"]), "identify": lambda: somebody(role, county=(1,), own=(1,))}
    )
    answer = app.test_client().get("/")
    assert answer.status_code == 200
    assert "<h1>" in answer.text


def test_days_without_a_hand_over_are_shown_as_nothing(work):
    with work() as uow:
        days = queries.handed_over(uow.session, uow.actor, NOON)
    assert [day.handed_over for day in days] == [0] * 7
    assert days[-1].day == NOON.date()


def test_a_managers_home_costs_at_most_twelve_statements(settings, sessions, work, clock):
    from sqlalchemy import event

    with work() as uow:
        county = builders.a_county(uow)
        warehouse = builders.a_warehouse(uow, county)
        builders.a_lot(uow, warehouse, on_shelf=10, expires_on=(NOON - timedelta(days=1)).date())
        builders.a_lot(uow, warehouse, on_shelf=10, expires_on=(NOON + timedelta(days=3)).date())
        builders.an_offer(uow, builders.a_donor(uow), county, warehouse_id=warehouse.id, state="accepted")
        vehicle = builders.a_vehicle(uow, warehouse)
        builders.a_run(uow, vehicle, builders.a_driver(uow, warehouse, vehicle))
        warehouse_id = warehouse.id
    manager = somebody("warehouse_manager", warehouse=(warehouse_id,), own=(1,))
    with work(manager) as uow:
        texts = {task.text.text: task.number for task in queries.tasks(uow.session, uow.actor, NOON)}
        assert texts["lots are past their day"] == 1
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: manager)
    app.config["TESTING"] = True
    said = []
    engine = sessions.kw["bind"]
    event.listen(engine, "before_cursor_execute", lambda *facts: said.append(facts[2]))
    assert app.test_client().get("/").status_code == 200
    assert len(said) <= 12, "\n".join(said)
