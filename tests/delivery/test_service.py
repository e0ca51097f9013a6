"""The way of a parcel from the shelf to the household, told on a real database with the real ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.accounts.roles import Role
from app.allocation.models import Share
from app.delivery import queries, service
from app.delivery.errors import (
    ContactClosed,
    NoSuchParcel,
    ParcelElsewhere,
    ParcelKeeps,
    ParcelPast,
    ProofMissing,
    QuantitiesWrong,
    RunPast,
    VehicleBusy,
    VehicleNotEmpty,
    WrongCode,
)
from app.delivery.models import Parcel, Proof, Run, Stop
from app.foundation.actor import Scope
from app.foundation.errors import NotAllowed, NotFound
from app.foundation.journal import AccessEntry
from app.needs.models import Need
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Balance, Movement, Place, Reservation
from tests.builders import a_household, a_lot, a_need, a_run, a_share, a_vehicle, a_warehouse
from tests.delivery.conftest import EVERYTHING, MORNING, STROKES, code_of, draft, somebody


def lies(uow, *, kind=None, place=None) -> int:
    statement = select(func.coalesce(func.sum(Balance.on_hand), 0)).join(Place, Place.id == Balance.place_id)
    return int(uow.session.scalar(statement.where(Place.kind == kind if kind else Place.id == place)))


def proved(uow) -> None:
    """The ledger and the balances say the same, whatever happened."""
    assert stock_queries.verify(uow.session).holds


def test_a_parcel_holds_the_households_shares_of_one_warehouse_and_weighs_what_they_weigh(work, world):
    with work(EVERYTHING) as uow:
        parcel = uow.session.get(Parcel, world["parcel"])
        assert (parcel.weight_g, len(parcel.lines), parcel.state) == (6200, 2, "ready")
        assert len(parcel.hand_over_code) == 6 and parcel.hand_over_code.isdigit()
        assert set(uow.session.scalars(select(Share.state))) == {"packed"}
        [row] = queries.parcels_to_plan(uow.session)
        assert row.parcel_id == parcel.id and row.weight_g == 6200
        [vehicle] = queries.fleet_to_plan(uow.session, [world["county"]], MORNING.date())
        assert vehicle.driver_id == world["driver"]


def test_a_household_gets_two_parcels_when_one_van_could_not_carry_all(work):
    with work(EVERYTHING) as uow:
        warehouse, household = a_warehouse(uow), a_household(uow)
        a_vehicle(uow, warehouse, capacity_g=50_000)
        for _ in range(3):
            lot = a_lot(uow, warehouse, on_shelf=40)
            a_share(uow, a_need(uow, household), lot, warehouse, quantity=20)
    with work(EVERYTHING) as uow:
        assert service.pack(uow)["parcels"] == 2
        assert sorted(uow.session.scalars(select(Parcel.weight_g))) == [20_000, 40_000]


def test_a_draft_puts_parcels_on_a_run_and_withdrawing_lets_them_wait_again(work, world):
    with work(EVERYTHING) as uow:
        run = draft(uow, world)
        assert (run.state, run.number) == ("draft", 1)
        assert uow.session.get(Need, world["flour"]).state == "planned"
        run_id = run.id
    later = {"departs_at": MORNING + timedelta(hours=6), "returns_at": MORNING + timedelta(hours=9)}
    with pytest.raises(ParcelPast, match="another run"), work(EVERYTHING) as uow:
        draft(uow, world, **later)
    with pytest.raises(VehicleBusy), work(EVERYTHING) as uow:
        draft(uow, world)
    with work(EVERYTHING) as uow:
        service.withdraw(uow, run_id=run_id)
    with work(EVERYTHING) as uow:
        parcel = uow.session.get(Parcel, world["parcel"])
        assert (parcel.state, parcel.stop_id, parcel.driver_id) == ("ready", None, None)
        assert uow.session.get(Need, world["flour"]).state == "reserved"


def test_loading_moves_the_goods_from_the_shelf_to_the_vehicle_and_twice_is_once(work, world, run):
    worker = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    for _ in range(2):
        with work(worker) as uow:
            parcel = service.load(uow, parcel_id=world["parcel"], run_id=run, operation_id=uuid4())
            assert parcel.state == "loaded"
    with work(EVERYTHING) as uow:
        assert lies(uow, place=world["place"]) == 6
        assert lies(uow, kind="shelf") == 14
        assert set(uow.session.scalars(select(Reservation.state))) == {"consumed"}
        assert uow.session.get(Run, run).state == "loading"
        assert uow.session.get(Need, world["flour"]).state == "loaded"
        proved(uow)


def test_unloading_puts_it_back_on_the_shelf_reserved_as_before(work, world, loaded):
    worker = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    with work(worker) as uow:
        service.unload(uow, parcel_id=world["parcel"], operation_id=uuid4())
    with work(EVERYTHING) as uow:
        assert lies(uow, place=world["place"]) == 0
        assert uow.session.scalar(select(func.sum(Balance.reserved))) == 6
        assert uow.session.get(Parcel, world["parcel"]).state == "planned"
    with work(worker) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=loaded, operation_id=uuid4())
    with work(EVERYTHING) as uow:
        assert lies(uow, place=world["place"]) == 6
        proved(uow)


def test_two_who_load_and_unload_the_same_parcel_wait_in_one_line_not_in_a_ring(work, world, run):
    def load():
        with work() as uow:
            service.load(uow, parcel_id=world["parcel"], run_id=run, operation_id=uuid4())

    def unload():
        with work() as uow:
            service.unload(uow, parcel_id=world["parcel"], operation_id=uuid4())

    with ThreadPoolExecutor(4) as people:
        for done in [people.submit(each) for each in (load, unload) * 12]:
            done.result()
    with work(EVERYTHING) as uow:
        proved(uow)


def test_a_parcel_of_another_run_or_another_warehouse_is_not_loaded(work, world, run):
    with work(EVERYTHING) as uow:
        other = a_run(uow, a_vehicle(uow, uow.session.get(service.stock.Warehouse, world["warehouse"])))
    with pytest.raises(ParcelElsewhere, match=f"R-{run}"), work(EVERYTHING) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=other.id, operation_id=uuid4())
    with pytest.raises((NotAllowed, NotFound)), work(somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, 10**6)) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=run, operation_id=uuid4())


def test_a_run_leaves_with_what_is_loaded_and_a_delivery_note_without_any_family(work, world, loaded):
    with work(somebody(Role.DRIVER, Scope.OWN, world["driver"])) as uow:
        assert service.depart(uow, run_id=loaded).state == "on_the_road"
    with work(EVERYTHING) as uow:
        from app.stock.models import Voucher

        note = uow.session.scalar(select(Voucher))
        assert note.code.startswith("SZL/") and [line["quantity"] for line in note.content["lines"]] == [5, 1]
        assert "Kovács" not in str(note.content)


def test_nothing_loaded_is_no_run(work, run):
    with pytest.raises(RunPast, match="did not leave"), work(EVERYTHING) as uow:
        service.depart(uow, run_id=run)


def test_the_code_proves_the_hand_over_and_the_needs_are_met(work, world, on_the_road):
    driver = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
    wrong = "000000" if code != "000000" else "111111"
    with pytest.raises(WrongCode), work(driver) as uow:
        service.hand_over(uow, parcel_id=world["parcel"], relation="self", code=wrong, operation_id=uuid4())
    at_the_door = MORNING + timedelta(hours=2)
    with work(driver) as uow:
        service.hand_over(
            uow,
            parcel_id=world["parcel"],
            relation="neighbour",
            code=code,
            operation_id=uuid4(),
            happened_at=at_the_door,
        )
    with work(EVERYTHING) as uow:
        assert lies(uow, place=world["place"]) == 0 and lies(uow, kind="handed_over") == 6
        need = uow.session.get(Need, world["flour"])
        assert (need.state, need.quantity_handed_over, need.quantity_reserved) == ("handed_over", 5, 0)
        proof = uow.session.scalar(select(Proof))
        assert (proof.kind, proof.relation, proof.happened_at) == ("code", "neighbour", at_the_door)
        assert set(uow.session.scalars(select(Share.state))) == {"handed_over"}
        assert uow.session.scalar(select(Stop.state)) == "done"
        assert service.close(uow, run_id=on_the_road).state == "closed"
        proved(uow)


def test_a_signature_is_sealed_and_cannot_be_read_from_the_table(work, world, on_the_road):
    with work(EVERYTHING) as uow:
        for nonsense in ([], [[]], "scribble", [[[1]]], [[["a", 2]]]):
            with pytest.raises(ProofMissing):
                service.hand_over(
                    uow, parcel_id=world["parcel"], relation="self", signature=nonsense, operation_id=uuid4()
                )
        with pytest.raises(ProofMissing):
            service.hand_over(uow, parcel_id=world["parcel"], relation="Kovács Anna", code="1", operation_id=uuid4())
    with work(EVERYTHING) as uow:
        service.hand_over(uow, parcel_id=world["parcel"], relation="self", signature=STROKES, operation_id=uuid4())
    with work(EVERYTHING) as uow:
        proof = uow.session.scalar(select(Proof))
        assert b"10" not in proof.signature_sealed[:2] and b"[[[" not in proof.signature_sealed
        assert proof.signature.startswith("[[[10,10,0]")


def test_a_part_is_handed_over_the_rest_comes_back_and_its_need_is_open_again(work, world, on_the_road):
    with work(EVERYTHING) as uow:
        code = code_of(uow, world)
        lines = {line.need_id: line.id for line in uow.session.get(Parcel, world["parcel"]).lines}
        with pytest.raises(QuantitiesWrong):
            service.hand_over(
                uow,
                parcel_id=world["parcel"],
                relation="self",
                code=code,
                operation_id=uuid4(),
                quantities={lines[world["flour"]]: 6},
            )
    with work(EVERYTHING) as uow:
        service.hand_over(
            uow,
            parcel_id=world["parcel"],
            relation="self",
            code=code,
            operation_id=uuid4(),
            quantities={lines[world["flour"]]: 3},
        )
    with work(EVERYTHING) as uow:
        assert uow.session.get(Parcel, world["parcel"]).state == "partly"
        assert lies(uow, place=world["place"]) == 3
        with pytest.raises(VehicleNotEmpty, match="3 pieces"):
            service.close(uow, run_id=on_the_road)
    with work(EVERYTHING) as uow:
        service.bring_back(uow, parcel_id=world["parcel"], operation_id=uuid4())
    with work(EVERYTHING) as uow:
        flour, blanket = uow.session.get(Need, world["flour"]), uow.session.get(Need, world["blanket"])
        assert (flour.quantity_handed_over, flour.quantity_reserved, flour.state) == (3, 0, "open")
        assert (blanket.quantity_handed_over, blanket.quantity_reserved, blanket.state) == (0, 0, "open")
        assert lies(uow, kind="dock") == 3 and lies(uow, place=world["place"]) == 0
        assert uow.session.scalar(select(Stop.state)) == "partly"
        service.close(uow, run_id=on_the_road)
        proved(uow)


def test_a_refused_parcel_stays_on_the_vehicle_until_it_is_brought_back_to_the_dock(work, world, on_the_road):
    driver = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    with work(driver) as uow:
        service.fail(uow, parcel_id=world["parcel"], reason="nobody_home")
    with work(driver) as uow:
        assert uow.session.scalar(select(Stop.state)) == "nobody_home"
        service.try_again(uow, parcel_id=world["parcel"])
        assert uow.session.scalar(select(Stop.state)) == "planned"
        service.fail(uow, parcel_id=world["parcel"], reason="refused")
    with work(driver) as uow:
        service.bring_back(uow, parcel_id=world["parcel"], operation_id=uuid4())
        service.close(uow, run_id=on_the_road)
    with work(EVERYTHING) as uow:
        parcel = uow.session.get(Parcel, world["parcel"])
        assert (parcel.state, parcel.end_reason) == ("brought_back", "refused")
        assert lies(uow, kind="dock") == 6
        assert set(uow.session.scalars(select(Share.state))) == {"released"}
        assert uow.session.get(Need, world["flour"]).state == "open"
        assert uow.session.scalar(select(Stop.state)) == "refused"
        proved(uow)


def test_what_is_lost_is_explained_and_written_off_by_whoever_may(work, world, on_the_road):
    driver = somebody(Role.DRIVER, Scope.OWN, world["driver"])
    with pytest.raises(NotAllowed), work(driver) as uow:
        service.close(uow, run_id=on_the_road, explanation="fell off", operation_id=uuid4)
    with work(somebody(Role.WAREHOUSE_MANAGER, Scope.WAREHOUSE, world["warehouse"])) as uow:
        service.close(uow, run_id=on_the_road, explanation="fell off", operation_id=uuid4)
    with work(EVERYTHING) as uow:
        assert lies(uow, kind="loss") == 6 and lies(uow, place=world["place"]) == 0
        assert uow.session.get(Need, world["flour"]).state == "open"
        proved(uow)


def test_a_hand_over_is_not_taken_back_in_the_ledger_behind_its_parcels_back(work, world, on_the_road):
    with work(EVERYTHING) as uow:
        service.hand_over(
            uow, parcel_id=world["parcel"], relation="self", operation_id=uuid4(), code=code_of(uow, world)
        )
    worker = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    with work(EVERYTHING) as uow:
        movements = uow.session.scalars(select(Movement.id).where(Movement.kind.in_(("load", "hand_over")))).all()
    assert len(movements) == 4
    for movement_id in movements:
        with pytest.raises(ParcelKeeps), work(worker) as uow:
            stock.reverse(uow, operation_id=uuid4(), movement_id=movement_id, reason="mistake")
    with work(EVERYTHING) as uow:
        assert lies(uow, place=world["place"]) == 0
        proved(uow)


def test_another_driver_sees_and_hands_over_nothing(work, world, on_the_road):
    other = somebody(Role.DRIVER, Scope.OWN, 10**6)
    with pytest.raises(NoSuchParcel), work(other) as uow:
        service.hand_over(uow, parcel_id=world["parcel"], relation="self", code="1", operation_id=uuid4())


def test_a_driver_sees_addresses_from_loading_to_a_day_after_the_run_and_each_look_is_written_down(
    work, world, run, clock
):
    driver = somebody(Role.DRIVER, Scope.OWN, world["driver"])

    def look():
        with work(driver) as uow:
            found = queries.run(uow.session, driver, run)
            return service.contacts(uow, run=found, household_ids=[world["household"]])[world["household"]]

    with pytest.raises(ContactClosed):
        look()
    with work(EVERYTHING) as uow:
        service.load(uow, parcel_id=world["parcel"], run_id=run, operation_id=uuid4())
    assert look().street == "Fő utca 41."
    clock.now = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
    assert look().phone == "+36 30 123 4567"
    clock.now = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    with pytest.raises(ContactClosed):
        look()
    with work(EVERYTHING) as uow:
        seen = uow.session.scalars(select(AccessEntry)).all()
        assert [(entry.subject_id, entry.why) for entry in seen] == [(world["household"], f"hand-over R-{run}")] * 2


def test_a_warehouse_never_sees_an_address(work, world, loaded):
    worker = somebody(Role.WAREHOUSE_WORKER, Scope.WAREHOUSE, world["warehouse"])
    with pytest.raises(NotAllowed), work(worker) as uow:
        service.contacts(uow, run=queries.run(uow.session, worker, loaded), household_ids=[world["household"]])


def test_the_goods_of_an_ended_need_are_taken_out_of_the_parcel(work, world):
    with work(EVERYTHING) as uow:
        assert service.drop_need(uow, need_id=world["flour"]) == 1
    with work(EVERYTHING) as uow:
        assert [line.need_id for line in uow.session.get(Parcel, world["parcel"]).lines] == [world["blanket"]]
        assert uow.session.scalar(select(func.sum(Balance.reserved))) == 1
        service.drop_need(uow, need_id=world["blanket"])
    with work(EVERYTHING) as uow:
        assert uow.session.get(Parcel, world["parcel"]).state == "cancelled"


def test_a_vehicle_has_its_own_place_and_days_on_which_it_is_away(work, world):
    dispatcher = somebody(Role.DISPATCHER, Scope.COUNTY, world["county"])
    with work(dispatcher) as uow:
        vehicle = service.add_vehicle(
            uow, plate="ab-cd-123", warehouse_id=world["warehouse"], capacity_g=900_000, capacity_ml=5_000_000
        )
        driver = service.add_driver(uow, name="Tóth Béla", warehouse_id=world["warehouse"], vehicle_id=vehicle.id)
        service.add_absence(uow, vehicle_id=vehicle.id, since=MORNING.date(), until=MORNING.date(), reason="MOT")
        ids = (vehicle.id, driver.id)
    with work(EVERYTHING) as uow:
        assert uow.session.get(Place, uow.session.get(service.Vehicle, ids[0]).place_id).kind == "vehicle"
        away = queries.fleet_to_plan(uow.session, None, MORNING.date())
        assert ids[0] not in {row.vehicle_id for row in away}
        back = queries.fleet_to_plan(uow.session, None, MORNING.date() + timedelta(days=1))
        assert ids[0] in {row.vehicle_id for row in back}
