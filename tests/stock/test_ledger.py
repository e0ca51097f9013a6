"""The ledger: what moves is somewhere, what was written stays, and nothing real goes below nothing."""

from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.foundation.actor import Actor, Scope
from app.foundation.errors import Invalid, NotAllowed
from app.stock import queries, service
from app.stock.errors import (
    AlreadyReversed,
    CannotReverse,
    ExpiryNeeded,
    NoSuchLot,
    NoSuchPlace,
    NotEnoughStock,
    NotToBeHandedOut,
    PlaceRetired,
    ReservationEnded,
    SamePlace,
    WrongPlace,
)
from app.stock.models import Balance, Kind, Movement, Place, Reservation
from tests.builders import a_warehouse, an_item
from tests.stock.conftest import build_hall, move, on_hand


def test_more_than_is_there_cannot_leave(work, hall):
    with pytest.raises(NotEnoughStock, match="11 wanted, 10 available"), work() as uow:
        move(uow, hall, 11, hall.shelf, hall.van, kind=Kind.LOAD)
    with work() as uow:
        assert (on_hand(uow, hall.lot_id, hall.shelf), on_hand(uow, hall.lot_id, hall.van)) == (10, 0)


def test_what_arrives_comes_from_a_donor_and_stands_in_the_books_at_once(work, hall):
    with work(hall.worker()) as uow:
        lot = service.receive(
            uow,
            operation_id=uuid4(),
            item_id=hall.item_id,
            quantity=24,
            place_id=hall.dock,
            warehouse_id=hall.warehouse_id,
        )
        assert on_hand(uow, lot.id, hall.dock) == 24
        assert on_hand(uow, lot.id, hall.donor) == -24
        assert queries.verify(uow.session).holds


def test_everything_of_an_item_everywhere_adds_up_to_nothing(work, hall):
    """I1."""
    with work() as uow:
        move(uow, hall, 4, hall.shelf, hall.van, kind=Kind.LOAD)
        move(uow, hall, 3, hall.van, hall.out, kind=Kind.HAND_OVER)
        move(uow, hall, 1, hall.van, hall.shelf, kind=Kind.BRING_BACK)
        move(uow, hall, 2, hall.shelf, hall.loss, kind=Kind.WRITE_OFF)
        total = uow.session.scalar(select(func.sum(Balance.on_hand)).where(Balance.item_id == hall.item_id))
        assert total == 0
        assert on_hand(uow, hall.lot_id, hall.shelf) == 5
        assert queries.verify(uow.session).holds


@pytest.mark.parametrize("change", ["on_hand = -1", "reserved = 11", "reserved = -1"])
def test_the_database_itself_refuses_what_is_less_than_nothing(work, hall, change):
    """I2, I8."""
    with work() as uow, pytest.raises(IntegrityError):
        uow.session.execute(text(f"UPDATE balance SET {change} WHERE guarded"))


@pytest.mark.parametrize(
    "deed", ["UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement CASCADE"]
)
def test_nobody_rewrites_a_movement(work, hall, database_url, superuser_url, deed):
    """A7, I4: neither the application's role, nor the owner, nor the superuser."""
    with work() as uow, pytest.raises(DBAPIError):
        uow.session.execute(text(deed))
    for address in (database_url, superuser_url):
        with (
            psycopg.connect(address) as connection,
            pytest.raises(psycopg.Error, match=r"only grows|permission denied"),
        ):
            connection.execute(deed)
    with psycopg.connect(superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.Error, match="only grows"):
            connection.execute(deed)


def test_one_flipped_bit_is_found(work, hall, superuser_url):
    """A8."""
    with work() as uow:
        assert queries.verify(uow.session).holds
    with psycopg.connect(superuser_url) as connection:
        connection.execute("ALTER TABLE movement DISABLE TRIGGER movement_only_grows")
        connection.execute("UPDATE movement SET quantity = quantity # 4")
        connection.execute("ALTER TABLE movement ENABLE ALWAYS TRIGGER movement_only_grows")
    with work() as uow:
        proof = queries.verify(uow.session)
        assert not proof.holds
        assert {(each.booked, each.proved) for each in proof.differences} == {(10, 14), (-10, -14)}


def test_a_balance_changed_behind_the_ledger_is_found(work, hall):
    """I3."""
    with work() as uow:
        uow.session.execute(text("UPDATE balance SET on_hand = on_hand + 1 WHERE guarded"))
        proof = queries.verify(uow.session)
        assert (proof.holds, proof.difference) == (False, 1)
        assert proof.items_out_of_balance == [hall.item_id]


def test_a_late_entry_changes_no_other_row(work, hall, clock):
    """I9: two clocks."""
    with work() as uow:
        move(uow, hall, 2, hall.shelf, hall.van, kind=Kind.LOAD)
        before = uow.session.execute(text("SELECT * FROM movement ORDER BY id")).all()
    clock.now += timedelta(hours=5)
    with work() as uow:
        late = move(uow, hall, 1, hall.shelf, hall.other_shelf, happened_at=clock.now - timedelta(days=3))
        after = uow.session.execute(text("SELECT * FROM movement ORDER BY id")).all()
        assert after[: len(before)] == before
        assert (late.happened_at, late.recorded_at) == (clock.now - timedelta(days=3), clock.now)
        assert on_hand(uow, hall.lot_id, hall.shelf) == 7


def test_a_reversal_goes_the_other_way_and_both_stay(work, hall):
    with work() as uow:
        there = move(uow, hall, 4, hall.shelf, hall.other_shelf)
    with work(hall.worker()) as uow:
        back = service.reverse(uow, operation_id=uuid4(), movement_id=there.id, reason="wrong shelf")
        assert (back.reverses_id, back.quantity) == (there.id, 4)
        assert (back.from_place_id, back.to_place_id) == (hall.other_shelf, hall.shelf)
        assert on_hand(uow, hall.lot_id, hall.shelf) == 10
    with work() as uow, pytest.raises(AlreadyReversed):
        service.reverse(uow, operation_id=uuid4(), movement_id=there.id, reason="again")
    with work() as uow, pytest.raises(CannotReverse):
        service.reverse(uow, operation_id=uuid4(), movement_id=back.id, reason="undo the undo")


def test_what_has_moved_on_cannot_be_taken_back(work, hall):
    with work() as uow:
        there = move(uow, hall, 4, hall.shelf, hall.other_shelf)
        move(uow, hall, 2, hall.other_shelf, hall.van, kind=Kind.LOAD)
        with pytest.raises(NotEnoughStock, match="4 wanted, 2 available"):
            service.reverse(uow, operation_id=uuid4(), movement_id=there.id, reason="too late")


@pytest.mark.parametrize(
    ("kind", "source", "target"),
    [
        (Kind.HAND_OVER, "shelf", "other_shelf"),
        (Kind.MOVE, "shelf", "out"),
        (Kind.MOVE, "donor", "shelf"),
        (Kind.WRITE_OFF, "shelf", "van"),
        (Kind.LOAD, "shelf", "staging"),
        (Kind.BRING_BACK, "shelf", "van"),
        (Kind.PUT_AWAY, "shelf", "van"),
        (Kind.PICK, "shelf", "other_shelf"),
    ],
)
def test_each_kind_of_movement_has_its_ends(work, hall, kind, source, target):
    with work() as uow, pytest.raises(WrongPlace):
        move(uow, hall, 1, getattr(hall, source), getattr(hall, target), kind=kind)


def test_here_to_here_is_no_movement(work, hall):
    with work() as uow, pytest.raises(SamePlace):
        move(uow, hall, 1, hall.shelf, hall.shelf)


def test_what_does_not_exist_cannot_move(work, hall):
    with work() as uow, pytest.raises(NoSuchLot):
        move(uow, hall, 1, hall.shelf, hall.van, lot_id=10**12, kind=Kind.LOAD)
    with work() as uow, pytest.raises(NoSuchPlace):
        move(uow, hall, 1, hall.shelf, 10**12)


def test_nothing_is_put_into_a_place_that_is_no_longer_used(work, hall):
    with work() as uow:
        service.retire_place(uow, place_id=hall.other_shelf)
    with work() as uow, pytest.raises(PlaceRetired):
        move(uow, hall, 1, hall.shelf, hall.other_shelf)


@pytest.mark.parametrize("kind", [Kind.PICK, Kind.LOAD])
def test_what_is_expired_or_blocked_is_not_picked_but_may_be_quarantined(work, kind, clock):
    with work() as uow:
        hall = build_hall(uow, expires_on=clock.now.date() - timedelta(days=1))
    with work() as uow, pytest.raises(NotToBeHandedOut):
        move(uow, hall, 1, hall.shelf, hall.van, kind=kind)
    with work() as uow:
        move(uow, hall, 1, hall.shelf, hall.quarantine)
        move(uow, hall, 1, hall.quarantine, hall.loss, kind=Kind.WRITE_OFF)
    with work() as uow:
        other = build_hall(uow)
        service.change_lot_state(uow, lot_id=other.lot_id, state="blocked", reason="recall")
    with work() as uow, pytest.raises(NotToBeHandedOut):
        move(uow, other, 1, other.shelf, other.van, kind=kind)


def test_an_item_with_an_expiry_is_not_received_without_it(work, hall):
    with work() as uow:
        milk = an_item(uow, "MILK", tracks_expiry=True)
        arrival = {"item_id": milk.id, "quantity": 1, "place_id": hall.dock, "warehouse_id": hall.warehouse_id}
        with pytest.raises(ExpiryNeeded):
            service.receive(uow, operation_id=uuid4(), **arrival)
        service.receive(uow, operation_id=uuid4(), expires_on=date(2027, 1, 1), **arrival)


def test_a_worker_moves_nothing_in_a_warehouse_that_is_not_theirs(work, hall):
    with work() as uow:
        elsewhere = build_hall(uow)
    with work(hall.worker()) as uow, pytest.raises((NoSuchPlace, NotAllowed)):
        move(uow, elsewhere, 1, elsewhere.shelf, elsewhere.other_shelf)
    with work(hall.worker()) as uow, pytest.raises((NoSuchPlace, NotAllowed)):
        move(uow, hall, 1, hall.shelf, elsewhere.shelf)
    with work(hall.worker()) as uow, pytest.raises(NotAllowed):
        service.receive(
            uow,
            operation_id=uuid4(),
            item_id=hall.item_id,
            quantity=1,
            place_id=elsewhere.dock,
            warehouse_id=elsewhere.warehouse_id,
        )
    with work(Actor(8, "Partner", "partner", {"catalogue.read": Scope.ALL})) as uow, pytest.raises(NotAllowed):
        move(uow, hall, 1, hall.shelf, hall.other_shelf)


def test_only_a_manager_writes_off(work, hall):
    with work(hall.worker()) as uow, pytest.raises(NotAllowed):
        move(uow, hall, 1, hall.shelf, hall.loss, kind=Kind.WRITE_OFF)
    manager = hall.worker("warehouse_manager", **{"stock.write_off": Scope.WAREHOUSE})
    with work(manager) as uow:
        move(uow, hall, 1, hall.shelf, hall.loss, kind=Kind.WRITE_OFF, reason="broken")


def test_a_driver_hands_over_what_is_on_the_van_though_drivers_read_no_stock(work, hall):
    with work() as uow:
        move(uow, hall, 3, hall.shelf, hall.van, kind=Kind.LOAD)
    driver = Actor(9, "Driver", "driver", {"runs.drive": Scope.OWN, "catalogue.read": Scope.ALL}, {Scope.OWN: (9,)})
    with work(driver) as uow:
        move(uow, hall, 2, hall.van, hall.out, kind=Kind.HAND_OVER)
        move(uow, hall, 1, hall.van, hall.shelf, kind=Kind.BRING_BACK)
    with work(driver) as uow, pytest.raises(NotAllowed):
        move(uow, hall, 1, hall.shelf, hall.other_shelf)
    with work() as uow:
        assert on_hand(uow, hall.lot_id, hall.out) == 2


# Reservations


def test_what_is_reserved_is_not_available_to_others(work, hall, clock):
    with work() as uow:
        held = service.reserve(
            uow,
            lot_id=hall.lot_id,
            place_id=hall.shelf,
            quantity=7,
            purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )
    with work() as uow, pytest.raises(NotEnoughStock, match="4 wanted, 3 available"):
        move(uow, hall, 4, hall.shelf, hall.van, kind=Kind.LOAD)
    with work() as uow:
        loaded = service.consume_and_move(
            uow, operation_id=uuid4(), line=0, reservation_id=held.id, to_place_id=hall.van, kind=Kind.LOAD
        )
        assert (loaded.quantity, on_hand(uow, hall.lot_id, hall.van)) == (7, 7)
        assert queries.verify(uow.session).holds
    with work() as uow, pytest.raises(ReservationEnded):
        service.consume_and_move(
            uow, operation_id=uuid4(), line=0, reservation_id=held.id, to_place_id=hall.van, kind=Kind.LOAD
        )


def test_a_released_reservation_is_available_again(work, hall, clock):
    rows = [
        {
            "lot_id": hall.lot_id,
            "place_id": hall.shelf,
            "quantity": quantity,
            "purpose_kind": "share",
            "purpose_id": number,
            "expires_at": clock.now + timedelta(days=1),
        }
        for number, quantity in enumerate([4, 4, 4])
    ]
    with work() as uow, pytest.raises(NotEnoughStock):
        service.reserve_many(uow, rows)
    with work() as uow:
        made = service.reserve_many(uow, rows, skip_short=True)
        assert [each is None for each in made] == [False, False, True]
        assert queries.verify(uow.session).holds
    with work() as uow:
        assert service.release(uow, reservation_id=made[0]).state == "released"
        assert service.release_many(uow, [made[0], made[1]]) == 1
        move(uow, hall, 10, hall.shelf, hall.van, kind=Kind.LOAD)
        assert queries.verify(uow.session).holds


def test_reservations_end_by_themselves(work, hall, clock):
    with work() as uow:
        for hours in (1, 48):
            service.reserve(
                uow,
                lot_id=hall.lot_id,
                place_id=hall.shelf,
                quantity=3,
                purpose=("share", hours),
                expires_at=clock.now + timedelta(hours=hours),
            )
    clock.now += timedelta(hours=2)
    with work() as uow:
        assert service.expire_reservations(uow) == 1
        states = uow.session.execute(select(Reservation.purpose_id, Reservation.state).order_by(Reservation.id)).all()
        assert [tuple(row) for row in states] == [(1, "released"), (48, "pending")]
        assert uow.session.scalar(select(Balance.reserved).where(Balance.place_id == hall.shelf)) == 3


def test_a_coordinator_reserves_without_reading_the_stock(work, hall, clock):
    coordinator = Actor(5, "Coordinator", "county_coordinator", {"allocation.run": Scope.COUNTY}, {Scope.COUNTY: ()})
    with work(coordinator) as uow:
        service.reserve(
            uow,
            lot_id=hall.lot_id,
            place_id=hall.shelf,
            quantity=3,
            purpose=("share", 1),
            expires_at=clock.now + timedelta(days=1),
        )
    with work() as uow:
        assert uow.session.scalar(select(Balance.reserved).where(Balance.place_id == hall.shelf)) == 3


# Warehouses, documents


def test_a_warehouse_with_its_coordinates_swapped_is_refused(work):
    with work() as uow:
        settlement = a_warehouse(uow).settlement_id
        county = uow.session.scalar(text("SELECT county_id FROM settlement WHERE id = :id"), {"id": settlement})
        with pytest.raises(Invalid, match="swapped"):
            service.open_warehouse(
                uow,
                code="MIS",
                name="Miskolc",
                county_id=county,
                settlement_id=settlement,
                lat=20.8,
                lon=48.1,
                storage_classes=["ambient"],
            )


def test_a_new_warehouse_has_its_places_and_numbers_its_documents_without_gaps(work):
    with work() as uow:
        settlement = a_warehouse(uow).settlement_id
        county = uow.session.scalar(text("SELECT county_id FROM settlement WHERE id = :id"), {"id": settlement})
        made = service.open_warehouse(
            uow,
            code="MIS",
            name="Miskolc",
            county_id=county,
            settlement_id=settlement,
            lat=48.1,
            lon=20.8,
            storage_classes=["ambient"],
        )
        codes = set(uow.session.scalars(select(Place.code).where(Place.warehouse_id == made.id)))
        assert {"MIS-DOK", "MIS-KAR", "MIS-KI"} < codes and len(codes) == 9
    issued = []
    for number in range(4):
        try:
            with work() as uow:
                voucher = service.issue_voucher(
                    uow, kind="receipt", warehouse_id=made.id, subject=("arrival", number), content={"lines": []}
                )
                if number == 1:
                    raise RuntimeError("the deed is undone")
                issued.append(voucher.code)
        except RuntimeError:
            pass
    assert issued == ["BEV/MIS/2026/00001", "BEV/MIS/2026/00002", "BEV/MIS/2026/00003"]


def test_thousands_of_lots_are_received_and_reserved_in_a_few_statements(work, hall, clock):
    arrivals = [
        {
            "operation_id": uuid4(),
            "item_id": hall.item_id,
            "quantity": 5 + number % 7,
            "place_id": hall.shelf if number % 2 else hall.other_shelf,
            "warehouse_id": hall.warehouse_id,
        }
        for number in range(2000)
    ]
    with work() as uow:
        lots = service.receive_many(uow, arrivals)
        rows = [
            {
                "lot_id": lot.id,
                "place_id": arrival["place_id"],
                "quantity": 3,
                "purpose_kind": "share",
                "purpose_id": lot.id,
                "expires_at": clock.now + timedelta(days=1),
            }
            for lot, arrival in zip(lots, arrivals, strict=True)
        ]
        made = service.reserve_many(uow, rows)
        assert len(made) == 2000
        assert queries.verify(uow.session).holds
        service.consume_many_and_move(
            uow, operation_id=uuid4(), reservation_ids=made[:500], to_place_id=hall.van, kind=Kind.LOAD
        )
        service.release_many(uow, made[500:])
        assert uow.session.scalar(select(func.count()).select_from(Movement)) == 2501
        assert queries.verify(uow.session).holds
        free = queries.stock_for_allocation(uow.session)
        assert len(free) == 2001 and all(row.available > 0 for row in free)
