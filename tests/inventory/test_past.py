"""What there was on a day: from either side of time the same; by either clock its own answer; and the ledger card."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.inventory import service
from app.inventory.queries import Filters
from app.stock import past
from app.stock.models import Kind, PlaceKind
from tests.builders import a_lot, a_warehouse, an_item, the_place
from tests.inventory.conftest import moved

DAY = timedelta(days=1)


@pytest.fixture
def told(work, clock):
    """A lot of 100 pieces: 10 handed out and 5 lost two days later, 20 brought over to another warehouse after four."""
    with work() as uow:
        warehouse, other = a_warehouse(uow), a_warehouse(uow)
        item = an_item(uow, value_huf=50_00)
        lot = a_lot(uow, warehouse, 100, item=item, unit_value_huf=30_00)
        ids = {kind: the_place(uow, warehouse, kind).id for kind in PlaceKind if kind not in ("vehicle", "box")}
        place = the_place(uow, other).id
        found = {"lot": lot.id, "item": item.id, "here": warehouse.id, "there": other.id, "shelf": ids["shelf"]}
    first = clock.now.date()
    clock.now += 2 * DAY
    with work() as uow:
        moved(uow, found["lot"], ids["shelf"], ids["quarantine"], 5, reason="torn")
        moved(uow, found["lot"], ids["quarantine"], ids["loss"], 5, kind=Kind.WRITE_OFF, reason="torn")
        # It happened the day before, and was recorded today.
        moved(uow, found["lot"], ids["shelf"], ids["staging"], 10, kind=Kind.PICK, happened_at=clock.now - DAY)
    clock.now += 2 * DAY
    return {**found, "first": first, "other_shelf": place}


def quantities(work, told, day, **more):
    with work() as uow:
        rows = past.stock_at(uow, day=day, warehouse_ids=[told["here"], told["there"]], **more)
    return {row.warehouse_id: row.quantity for row in rows}


@pytest.mark.parametrize("side", ["back", "on"])
@pytest.mark.parametrize("clock_name", ["recorded", "happened"])
def test_a_day_is_the_same_counted_back_from_today_and_on_from_the_beginning(work, told, side, clock_name):
    expected = {-1: {}, 0: {told["here"]: 100}, 1: {told["here"]: 100}, 2: {told["here"]: 95}, 4: {told["here"]: 95}}
    for after, found in expected.items():
        day = told["first"] + timedelta(days=after)
        assert quantities(work, told, day, side=side, clock=clock_name) == found, after


def test_the_books_of_an_evening_do_not_know_what_was_told_later(work, clock, told):
    with work() as uow:
        moved(
            uow,
            told["lot"],
            told["shelf"],
            _loss(uow, told),
            7,
            kind=Kind.WRITE_OFF,
            reason="x",
            happened_at=clock.now - 3 * DAY,
        )
    day = told["first"] + DAY
    assert quantities(work, told, day, clock="recorded") == {told["here"]: 100}
    assert quantities(work, told, day, clock="happened") == {told["here"]: 93}


def _loss(uow, told):
    from app.stock.models import Warehouse

    return the_place(uow, uow.session.get_one(Warehouse, told["here"]), PlaceKind.LOSS).id


def test_value_is_the_donors_where_it_was_stated(work, told):
    with work() as uow:
        filters = Filters(today=uow.now.date())
        found = service.stock_at(uow, filters, on=told["first"])
        assert (found.value, found.lines[0].quantity, found.weight_g) == (100 * 30_00, 100, 100_000)
        assert service.stock_at(uow, filters, on=told["first"] - DAY).lines == []
        by_warehouse = service.stock_at(uow, filters, on=uow.now.date(), by="warehouse")
        assert [(line.id, line.value) for line in by_warehouse.lines] == [(told["here"], 95 * 30_00)]


def test_a_ledger_card_opens_with_what_the_day_before_closed_with(work, told):
    with work() as uow:
        card = past.card(
            uow, item_id=told["item"], warehouse_ids=[told["here"]], period="day", until=told["first"] + 4 * DAY
        )
    days = {each.since: each for each in card}
    first, second = days[told["first"]], days[told["first"] + 2 * DAY]
    assert (first.opening, first.came, first.went, first.closing) == (0, 100, 0, 100)
    assert (second.opening, second.came, second.went, second.closing) == (100, 0, 5, 95)
    assert list(second.kinds) == [("write_off", 0, 5)]
    assert all(newer.opening == older.closing for newer, older in itertools.pairwise(card))


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_a_ledger_card_of_the_past_closes_with_what_there_was(work, told, period):
    with work() as uow:
        card = past.card(uow, item_id=told["item"], warehouse_ids=[told["here"]], period=period, until=told["first"])
        lines = past.stock_at(uow, day=card[0].until, warehouse_ids=[told["here"]])
    assert card[0].closing == sum(row.quantity for row in lines)
    assert len(card) == past.PERIODS[period]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.dates(date(1901, 1, 1), date(9999, 12, 30)), period=st.sampled_from(["day", "week", "month"]))
def test_periods_follow_each_other_without_a_gap(day, period):
    starts = past._starts(period, day)
    assert starts == sorted(set(starts), reverse=True)
    assert starts[0] <= day <= past._last_day(period, starts[0]) or day.year == 9999
    for newer, older in itertools.pairwise(starts):
        assert past._last_day(period, older) == newer - DAY
