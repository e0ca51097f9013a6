"""What there was on a day: from either side of time the same; by either clock its own answer; and the ledger card."""

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from app.foundation.clock import HOME
from app.inventory import service
from app.inventory.queries import Filters
from app.stock import carrying, past
from app.stock import service as stock
from app.stock.models import Kind, Lot, Place, PlaceKind
from tests.builders import a_box, a_lot, a_warehouse, an_item, the_place
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


@dataclass
class Halls:
    """Two warehouses, a lot on both shelves, a box, and what a simple model says of them."""

    places: dict[str, int]
    homes: dict[str, int | None]
    lot: int
    here: int
    there: int
    quantities: dict[str, int]
    changes: list[tuple]
    """(recorded at, happened at, warehouse, change)."""

    WAYS = (
        ("shelf", "dock", Kind.MOVE),
        ("shelf", "box", Kind.MOVE),
        ("shelf", "staging", Kind.PICK),
        ("staging", "out", Kind.HAND_OVER),
        ("out", "dock", Kind.BRING_BACK),
        ("dock", "loss", Kind.WRITE_OFF),
        ("shelf", "transit", Kind.TRANSFER_OUT),
        ("box", "transit", Kind.TRANSFER_OUT),
        ("transit", "far_shelf", Kind.TRANSFER_IN),
        ("transit", "box", Kind.TRANSFER_IN),
        ("box", "staging", Kind.PICK),
        ("far_shelf", "far_staging", Kind.PICK),
        ("far_shelf", "staging", Kind.PICK),
    )

    @classmethod
    def build(cls, work):
        """Make them."""
        with work() as uow:
            here, there = a_warehouse(uow), a_warehouse(uow)
            near = {
                "shelf": PlaceKind.SHELF, "dock": PlaceKind.DOCK, "staging": PlaceKind.STAGING, "loss": PlaceKind.LOSS,
                "out": PlaceKind.HANDED_OVER, "transit": PlaceKind.IN_TRANSIT,
            }  # fmt: skip
            places = {name: the_place(uow, here, kind).id for name, kind in near.items()}
            places |= {f"far_{name}": the_place(uow, there, near[name]).id for name in ("shelf", "staging")}
            places["box"] = a_box(uow, here).place_id
            lot = a_lot(uow, here, 60)
            homes = {name: there.id if name.startswith("far_") else here.id for name in places}
            homes |= dict.fromkeys(("loss", "out", "transit"))
            quantities = dict.fromkeys(places, 0) | {"shelf": 60}
            return cls(places, homes, lot.id, here.id, there.id, quantities, [(uow.now, uow.now, here.id, 60)])

    def go(self, work, way, quantity, late):
        """Move some, if there is some; the model hears of it."""
        source, target, kind = self.WAYS[way]
        quantity = min(quantity, self.quantities[source])
        homes = {self.homes[source], self.homes[target]} - {None}
        # A box is filled and emptied where it is at home.
        if not quantity or ("box" in (source, target) and len(homes) > 1):
            return
        with work() as uow:
            happened = uow.now - late
            step = stock.Step(self.lot, self.places[source], self.places[target], quantity, kind, reason="so")
            carrying.carry(uow, operation_id=uuid4(), steps=[step], happened_at=happened)
            self.quantities[source] -= quantity
            self.quantities[target] += quantity
            for place, change in ((source, -quantity), (target, quantity)):
                if self.homes[place] is not None:
                    self.changes.append((uow.now, happened, self.homes[place], change))

    def send_box(self, work, to):
        """Let the empty box be at home on another shelf."""
        if self.quantities["box"] == 0:
            with work() as uow:
                shelf = uow.session.get_one(Place, self.places[to])
                carrying.bring_home(uow, place_ids=[self.places["box"]], to=shelf)
                carrying.stand(uow, place_id=self.places["box"], on=shelf, with_place_ids=[])
            self.homes["box"] = self.homes[to]

    def had(self, day, clock_name):
        """Return what the model says that the warehouses had at the end of a day."""
        found = Counter()
        for recorded, happened, warehouse, change in self.changes:
            if (recorded if clock_name == "recorded" else happened).astimezone(HOME).date() <= day:
                found[warehouse] += change
        return {warehouse: quantity for warehouse, quantity in found.items() if quantity}


DEEDS = st.one_of(
    st.tuples(st.just("go"), st.integers(0, len(Halls.WAYS) - 1), st.integers(1, 20), st.integers(0, 60)),
    st.tuples(st.just("send"), st.sampled_from(["shelf", "far_shelf"])),
    st.tuples(st.just("wait"), st.integers(1, 30)),
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(deeds=st.lists(DEEDS, min_size=8, max_size=24))
@example(
    # A box is filled here, goes there, and is filled there: on the first day it had been here.
    deeds=[("go", 1, 20, 0), ("wait", 30), ("go", 7, 20, 0), ("send", "far_shelf"), ("go", 9, 20, 0), ("wait", 30)]
)
def test_the_stock_of_any_day_is_what_a_replay_of_the_deeds_says(work, clock, deeds):
    halls, first = Halls.build(work), clock.now.date()
    for deed, *how in deeds:
        if deed == "go":
            way, quantity, late = how
            halls.go(work, way, quantity, timedelta(hours=late))
        elif deed == "send":
            halls.send_box(work, *how)
        else:
            clock.now += timedelta(hours=how[0])
    days = range(-3, (clock.now.date() - first).days + 1)
    for clock_name, side, after in itertools.product(("recorded", "happened"), ("back", "on"), days):
        day = first + timedelta(days=after)
        with work() as uow:
            rows = past.stock_at(uow, day=day, clock=clock_name, side=side, warehouse_ids=[halls.here, halls.there])
        assert {row.warehouse_id: row.quantity for row in rows} == halls.had(day, clock_name), (clock_name, side, day)
    with work() as uow:
        item_id = uow.session.get_one(Lot, halls.lot).item_id
        for home in (halls.here, halls.there):
            card = past.card(uow, item_id=item_id, warehouse_ids=[home], period="day", until=clock.now.date())
            for line in card:
                assert line.closing == halls.had(line.until, "recorded").get(home, 0), (home, line.since)
