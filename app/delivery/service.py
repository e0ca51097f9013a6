"""Verbs of delivery: pack, draft, publish, load, leave, hand over, bring back, close; vehicles and drivers.

Goods of a run are somewhere in the ledger at every moment: on the shelf (reserved), on the vehicle, handed over, or
back on the dock. A deed moves the goods, the parcel, its stop, its shares and its needs in one transaction, or nothing.
Needs and shares belong to others; they are told what happened and keep their own books.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text, update

from app.allocation import service as allocation
from app.allocation.states import ShareState
from app.delivery import queries, states
from app.delivery.errors import (
    CodesTried,
    ContactClosed,
    NoSuchDriver,
    NoSuchVehicle,
    NotItsDriver,
    ParcelElsewhere,
    ParcelKeeps,
    ParcelPast,
    ProofMissing,
    QuantitiesWrong,
    RunPast,
    VehicleBusy,
    VehicleInvalid,
    VehicleNotEmpty,
    VehicleRetired,
    WrongCode,
)
from app.delivery.licences import may_drive
from app.delivery.models import (
    Driver,
    Parcel,
    ParcelLine,
    ParcelState,
    Proof,
    Run,
    RunState,
    Stop,
    StopState,
    Vehicle,
    VehicleAbsence,
)
from app.foundation.bulk import among, insert_rows
from app.foundation.errors import NotAllowed, Stale
from app.foundation.text import fold, sort_key, tidy
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.geography import queries as geography
from app.needs import service as needs
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Kind, PlaceKind

HOME = ZoneInfo("Europe/Budapest")
RELATIONS = ("self", "family_member", "neighbour", "institution")
"""Who received: how they stand to the household, never a name."""
VAN = (800_000, 6_000_000)
"""Grams and millilitres of a usual van, where a warehouse has no vehicle yet."""
KEPT_FOR = timedelta(days=30)
"""How long the ledger keeps what is packed."""
STROKES_MAX, POINTS_MAX = 200, 6000
SERIAL_KEY = 7_316_204_902
"""Packing and drafting happen one after the other."""


# Packing --------------------------------------------------------------------------------------------------------------


def pack(uow: UnitOfWork) -> dict[str, int]:
    """Put every approved share into a parcel: one a household and warehouse, more where a van could not carry it."""
    uow.actor.require("allocation.approve")
    _one_at_a_time(uow)
    shares = queries.approved_shares(uow.session)
    if not shares:
        return {"shares": 0, "parcels": 0}
    groups = list(_parcels(shares, queries.largest_vans(uow.session)))
    rows = [_parcel_row(group, uow.now) for group in groups]
    ids = insert_rows(uow.session, Parcel, rows)
    insert_rows(
        uow.session,
        ParcelLine,
        [
            {
                "parcel_id": parcel_id,
                "share_id": share.id,
                "need_id": share.need_id,
                "lot_id": share.lot_id,
                "place_id": share.place_id,
                "item_id": share.item_id,
                "quantity": share.quantity,
                "quantity_handed_over": 0,
            }
            for parcel_id, group in zip(ids, groups, strict=True)
            for share in group
        ],
    )
    allocation.packed(uow, share_ids=[share.id for share in shares])
    held = [share.reservation_id for share in shares if share.reservation_id is not None]
    stock.keep_reserved(uow, held, expires_at=uow.now + KEPT_FOR)
    uow.record("parcels.packed", parcels=len(ids), shares=len(shares))
    return {"shares": len(shares), "parcels": len(ids)}


def _one_at_a_time(uow: UnitOfWork) -> None:
    uow.session.execute(select(func.pg_advisory_xact_lock(SERIAL_KEY)))


def _parcels(shares: Iterable[Any], vans: Mapping[int, tuple[int, int]]) -> Iterator[list[Any]]:
    """Yield the shares of each parcel; shares come ordered by warehouse, household and urgency."""
    group: list[Any] = []
    weight_mg = volume_ul = 0
    for share in shares:
        most_g, most_ml = vans.get(share.warehouse_id, VAN)
        heavier, larger = share.quantity * share.weight_mg, share.quantity * share.volume_ul
        same = group and (group[0].warehouse_id, group[0].household_id) == (share.warehouse_id, share.household_id)
        fits = weight_mg + heavier <= most_g * 1000 and volume_ul + larger <= most_ml * 1000
        if group and not (same and fits):
            yield group
            group, weight_mg, volume_ul = [], 0, 0
        group.append(share)
        weight_mg, volume_ul = weight_mg + heavier, volume_ul + larger
    if group:
        yield group


def _parcel_row(group: Sequence[Any], now: datetime) -> dict[str, Any]:
    first = group[0]
    return {
        "household_id": first.household_id,
        "settlement_id": first.settlement_id,
        "county_id": first.county_id,
        "warehouse_id": first.warehouse_id,
        "state": ParcelState.READY.value,
        "urgency": min(share.urgency for share in group),
        "weight_g": -(-sum(share.quantity * share.weight_mg for share in group) // 1000),
        "volume_ml": -(-sum(share.quantity * share.volume_ul for share in group) // 1000),
        "storage_classes": sorted({share.storage_class for share in group}),
        "health_related": any(share.health_related for share in group),
        "hand_over_code": f"{secrets.randbelow(1_000_000):06}",
        "made_at": now,
        "version": 1,
    }


def drop_need(uow: UnitOfWork, *, need_id: int) -> int:
    """Take the goods of a need that has ended out of parcels that have not left; return how many lines."""
    dropped = 0
    for parcel in queries.parcels_for_need(uow.session, need_id):
        lines = [line for line in parcel.lines if line.need_id == need_id]
        shares = allocation.shares_of(uow, [line.share_id for line in lines])
        held = [share.reservation_id for share in shares.values() if share.reservation_id is not None]
        stock.release_many(uow, held)
        allocation.returned(uow, share_ids=list(shares))
        for line in lines:
            _drop_line(uow, parcel, line)
        dropped += len(lines)
        _end_if_empty(uow, parcel)
        uow.record("parcel.need_dropped", subject=("parcel", parcel.id), need_id=need_id)
    return dropped


def revise(uow: UnitOfWork, *, share_ids: Sequence[int]) -> int:
    """Take out of parcels what is not there for them any more; return how many needs lost something.

    What was loaded meanwhile was there after all.
    """
    parcels = queries.parcels_of_shares(uow.session, share_ids)
    lines = [line for parcel in parcels for line in parcel.lines if line.share_id in share_ids]
    needs_hit = allocation.shrink(uow, [line.share_id for line in lines])
    left = allocation.shares_of(uow, [line.share_id for line in lines])
    for parcel in parcels:
        for line in [each for each in parcel.lines if each.share_id in left]:
            if left[line.share_id].state == ShareState.RELEASED:
                _drop_line(uow, parcel, line)
            else:
                line.quantity = left[line.share_id].quantity
        _end_if_empty(uow, parcel)
        uow.record("parcel.revised", subject=("parcel", parcel.id), lines=len(parcel.lines))
    return needs_hit


def _drop_line(uow: UnitOfWork, parcel: Parcel, line: ParcelLine) -> None:
    parcel.lines.remove(line)
    uow.session.delete(line)


def _end_if_empty(uow: UnitOfWork, parcel: Parcel) -> None:
    if parcel.lines:
        return
    if parcel.state == ParcelState.PLANNED:
        _leave_run(parcel)
    _move(parcel, "cancel")
    parcel.ended_at = uow.now


# Runs -----------------------------------------------------------------------------------------------------------------


def draft_runs(uow: UnitOfWork, *, plan_id: int | None, on: date, runs: Sequence[Mapping[str, Any]]) -> list[Run]:
    """Draft runs by hand or from a plan: each with its vehicle, driver, times, and stops with their parcels."""
    uow.actor.require("plans.publish")
    _one_at_a_time(uow)
    vehicles = queries.vehicles_of(uow.session, {asked["vehicle_id"] for asked in runs})
    for vehicle in vehicles.values():
        uow.actor.require_for("plans.publish", county=vehicle.county_id, warehouse=vehicle.warehouse_id)
    drivers = queries.drivers_of(uow.session, {asked["driver_id"] for asked in runs if asked.get("driver_id")})
    numbers = Counter(queries.numbers_on(uow.session, on, {vehicle.warehouse_id for vehicle in vehicles.values()}))
    drafted = []
    for asked in runs:
        if asked["vehicle_id"] not in vehicles:
            raise NoSuchVehicle
        vehicle = vehicles[asked["vehicle_id"]]
        if not vehicle.active:
            raise VehicleRetired(plate=vehicle.plate)
        if asked.get("driver_id") is not None:
            _must_fit(uow, drivers.get(asked["driver_id"]), vehicle)
        taken = queries.busy(uow.session, vehicle.id, asked["departs_at"], asked["returns_at"])
        if taken is not None:
            raise VehicleBusy(plate=vehicle.plate, run=taken.code)
        numbers[vehicle.warehouse_id] += 1
        run = Run(
            on=on,
            number=numbers[vehicle.warehouse_id],
            warehouse_id=vehicle.warehouse_id,
            county_id=vehicle.county_id,
            vehicle_id=vehicle.id,
            driver_id=asked.get("driver_id"),
            plan_id=plan_id,
            departs_at=asked["departs_at"],
            returns_at=asked["returns_at"],
            distance_m=asked["distance_m"],
            cost_huf=asked.get("cost_huf", 0),
        )
        uow.session.add(run)
        uow.session.flush()
        drafted.append(run)
    _draft_stops(uow, drafted, runs)
    for run in drafted:
        uow.record("run.drafted", subject=("run", run.id), plan_id=plan_id, vehicle_id=run.vehicle_id)
    uow.session.flush()
    return drafted


def _must_fit(uow: UnitOfWork, driver: Driver | None, vehicle: Vehicle) -> None:
    """Refuse a driver whom the actor does not plan for, who drives no more, or who has not the vehicle's licence."""
    if driver is None or not uow.actor.covers("plans.publish", county=driver.county_id, warehouse=driver.warehouse_id):
        raise NoSuchDriver
    _must_be_able(driver, vehicle)


def _must_be_able(driver: Driver, vehicle: Vehicle) -> None:
    if not driver.active:
        raise NotItsDriver(say("%(driver)s does not drive any more.", driver=driver.name))
    if not may_drive(driver.licence, vehicle.licence):
        raise NotItsDriver(
            say(
                "Vehicle %(plate)s needs a licence of class %(needed)s, %(driver)s has %(licence)s.",
                plate=vehicle.plate,
                needed=vehicle.licence,
                driver=driver.name,
                licence=driver.licence,
            )
        )


def _draft_stops(uow: UnitOfWork, drafted: Sequence[Run], runs: Sequence[Mapping[str, Any]]) -> None:
    """Store all stops at once and put their parcels on the runs."""
    rows, parcels_of = [], []
    for run, asked in zip(drafted, runs, strict=True):
        for position, stop in enumerate(asked["stops"], start=1):
            if run.plan_id is None:
                geography.checked_point(stop["lat"], stop["lon"])
            rows.append(
                {
                    "run_id": run.id,
                    "county_id": run.county_id,
                    "warehouse_id": run.warehouse_id,
                    "driver_id": run.driver_id,
                    "position": position,
                    "settlement_id": stop["settlement_id"],
                    "lat": stop["lat"],
                    "lon": stop["lon"],
                    "arrives_at": stop["arrives_at"],
                    "leaves_at": stop["leaves_at"],
                    "window_from": stop.get("window_from"),
                    "window_until": stop.get("window_until"),
                    "state": StopState.PLANNED.value,
                }
            )
            parcels_of.append((run, list(stop["parcel_ids"])))
    if not rows:
        return
    stop_ids = insert_rows(uow.session, Stop, rows)
    wanted = [
        (parcel_id, stop_id, run)
        for stop_id, (run, parcel_ids) in zip(stop_ids, parcels_of, strict=True)
        for parcel_id in parcel_ids
    ]
    _put_on_runs(uow, wanted)


def _put_on_runs(uow: UnitOfWork, wanted: Sequence[tuple[int, int, Run]]) -> None:
    ids = [parcel_id for parcel_id, _, _ in wanted]
    statement = select(Parcel.id, Parcel.state, Parcel.warehouse_id).where(among(Parcel.id, ids)).order_by(Parcel.id)
    found = {row.id: row for row in uow.session.execute(statement.with_for_update())}
    for parcel_id, _, run in wanted:
        row = found.get(parcel_id)
        if row is None or row.state != ParcelState.READY or row.warehouse_id != run.warehouse_id:
            raise ParcelPast(parcel=f"P-{parcel_id}", state=row.state if row else "unknown", verb="plan")
    if len(found) != len(ids):
        raise ParcelPast(parcel=f"P-{ids[0]}", state="twice", verb="plan")
    uow.session.execute(
        text(
            "UPDATE parcel SET state = 'planned', stop_id = made.stop_id, driver_id = made.driver_id, "
            "version = version + 1 "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:stops AS bigint[]), CAST(:drivers AS bigint[])) "
            "AS made (parcel_id, stop_id, driver_id) WHERE parcel.id = made.parcel_id"
        ),
        {
            "ids": ids,
            "stops": [stop_id for _, stop_id, _ in wanted],
            "drivers": [run.driver_id for _, _, run in wanted],
        },
    )
    uow.session.flush()
    _refresh(uow, Parcel)
    needs.planned(uow, queries.need_ids_of_parcels(uow.session, ids))


def _refresh(uow: UnitOfWork, table: type[Any]) -> None:
    """Let the next look at objects of this session read what a statement has just written."""
    for record in list(uow.session.identity_map.values()):
        if isinstance(record, table):
            uow.session.expire(record)


def publish(uow: UnitOfWork, *, run_ids: Sequence[int]) -> list[Run]:
    """Publish drafted runs: warehouses may load them, drivers see them."""
    published = []
    for run_id in sorted(run_ids):
        run = queries.run_for_change(uow.session, run_id)
        uow.actor.require_for("plans.publish", county=run.county_id, warehouse=run.warehouse_id)
        _move_run(run, "publish")
        run.published_at = uow.now
        uow.record("run.published", subject=("run", run.id))
        published.append(run)
    uow.session.flush()
    return published


def withdraw(uow: UnitOfWork, *, run_id: int, reason: str | None = None) -> Run:
    """Withdraw a run that is not being loaded yet; its parcels wait for another one."""
    run = queries.run_for_change(uow.session, run_id)
    if not uow.actor.covers("runs.change", county=run.county_id, warehouse=run.warehouse_id):
        uow.actor.require_for("plans.publish", county=run.county_id, warehouse=run.warehouse_id)
    _move_run(run, "cancel")
    waiting = queries.parcels_of_run_for_change(uow.session, run.id, [ParcelState.PLANNED])
    _unplan(uow, waiting)
    uow.record("run.withdrawn", subject=("run", run.id), parcels=len(waiting), reason_given=bool(reason))
    uow.session.flush()
    return run


def _unplan(uow: UnitOfWork, parcels: Iterable[Parcel]) -> None:
    need_ids: set[int] = set()
    for parcel in parcels:
        _leave_run(parcel)
        need_ids |= queries.needs_of(parcel.lines)
    if need_ids:
        needs.unplanned(uow, need_ids)


def _leave_run(parcel: Parcel) -> None:
    _move(parcel, "unplan")
    parcel.stop_id = parcel.driver_id = None


def _move(parcel: Parcel, verb: str) -> None:
    """Let the parcel's life go on, or refuse."""
    to = states.after(states.PARCEL_MOVES, parcel.state, verb)
    if to is None:
        raise ParcelPast(parcel=parcel.code, state=parcel.state, verb=verb)
    parcel.state = to


def _move_run(run: Run, verb: str) -> None:
    to = states.after(states.RUN_MOVES, run.state, verb)
    if to is None:
        raise RunPast(run=run.code, state=run.state, verb=verb)
    run.state = to


# Picking and packing by hand ------------------------------------------------------------------------------------------


def pack_parcel(
    uow: UnitOfWork,
    *,
    parcel_id: int,
    operation_id: UUID,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
) -> Parcel:
    """Note that a parcel is packed: what is reserved for it is taken to staging, and stays reserved for it there.

    What lost its reservation is taken if it is still there. Packed twice, it stays packed.
    """
    parcel = queries.parcel_for_change(uow.session, parcel_id)
    uow.actor.require_for("runs.load", warehouse=parcel.warehouse_id, county=parcel.county_id)
    if parcel.state not in (ParcelState.READY, ParcelState.PLANNED):
        raise ParcelPast(parcel=parcel.code, state=parcel.state, verb="pack")
    if to_place_id is None:
        to_place_id = stock_queries.virtual_place(uow.session, parcel.warehouse_id, PlaceKind.STAGING).id
    shares = allocation.shares_of(uow, [line.share_id for line in parcel.lines])
    pending = {
        found.purpose_id: found.id
        for found in stock_queries.reservations_for(uow.session, "share", list(shares))
        if found.state == "pending"
    }
    lost = [line for line in parcel.lines if line.share_id not in pending]
    if lost:
        pending |= _reserve_again(uow, lost)
    stock.move_reserved(
        uow,
        operation_id=operation_id,
        reservation_ids=[pending[line.share_id] for line in parcel.lines],
        to_place_id=to_place_id,
        kind=Kind.PICK,
        happened_at=happened_at,
    )
    with uow.office("delivery"):
        for line in parcel.lines:
            line.place_id = to_place_id
        uow.session.flush()
    uow.record("parcel.packed", subject=("parcel", parcel.id), place_id=to_place_id)
    return parcel


def _reserve_again(uow: UnitOfWork, lines: Sequence[ParcelLine]) -> dict[int, int]:
    """Speak for goods of a parcel again, where they lie; return the reservations by share."""
    made = stock.reserve_many(
        uow,
        [
            {
                "lot_id": line.lot_id,
                "place_id": line.place_id,
                "quantity": line.quantity,
                "purpose_kind": "share",
                "purpose_id": line.share_id,
                "expires_at": uow.now + KEPT_FOR,
            }
            for line in lines
        ],
    )
    held = {line.share_id: made_id for line, made_id in zip(lines, made, strict=True) if made_id is not None}
    allocation.hold_again(uow, reservations=held)
    return held


# Loading --------------------------------------------------------------------------------------------------------------


def load(
    uow: UnitOfWork, *, parcel_id: int, run_id: int, operation_id: UUID, happened_at: datetime | None = None
) -> Parcel:
    """Load a parcel: its goods move from the shelves to the vehicle. Loading it twice changes nothing."""
    run = queries.run_for_change(uow.session, run_id)
    uow.actor.require_for("runs.load", warehouse=run.warehouse_id, county=run.county_id)
    parcel = queries.parcel_for_change(uow.session, parcel_id)
    _must_be_on(uow, parcel, run)
    if parcel.state == ParcelState.LOADED:
        return parcel
    _move_run(run, "load")
    _move(parcel, "load")
    run.loading_at = run.loading_at or uow.now
    parcel.loaded_at = happened_at or uow.now
    _to_vehicle(uow, parcel, run.vehicle.place_id, operation_id, happened_at)
    needs.loaded(uow, queries.needs_of(parcel.lines))
    uow.record("parcel.loaded", subject=("parcel", parcel.id), run_id=run.id)
    uow.session.flush()
    return parcel


def _must_be_on(uow: UnitOfWork, parcel: Parcel, run: Run) -> Stop:
    if parcel.stop_id is None:
        raise ParcelElsewhere(parcel=parcel.code, run=None)
    stop = queries.stop_of(uow.session, parcel.stop_id)
    if stop.run_id != run.id:
        raise ParcelElsewhere(parcel=parcel.code, run=f"R-{stop.run_id}")
    return stop


def _to_vehicle(
    uow: UnitOfWork, parcel: Parcel, vehicle_place_id: int, operation_id: UUID, happened_at: datetime | None
) -> None:
    """Move what is reserved, consuming the reservations; what lost its reservation is taken if it is still there."""
    shares = allocation.shares_of(uow, [line.share_id for line in parcel.lines])
    pending = {
        found.id: found
        for found in stock_queries.reservations_for(uow.session, "share", list(shares))
        if found.state == "pending"
    }
    asked = [share.reservation_id for share in shares.values() if share.reservation_id is not None]
    reserved = [reservation_id for reservation_id in asked if reservation_id in pending]
    if reserved:
        stock.consume_many_and_move(
            uow,
            operation_id=operation_id,
            reservation_ids=reserved,
            to_place_id=vehicle_place_id,
            kind=Kind.LOAD,
            happened_at=happened_at,
        )
    line_number = len(reserved)
    for line in parcel.lines:
        if shares[line.share_id].reservation_id in pending:
            continue
        stock.move(
            uow,
            operation_id=operation_id,
            lot_id=line.lot_id,
            from_place_id=line.place_id,
            to_place_id=vehicle_place_id,
            quantity=line.quantity,
            kind=Kind.LOAD,
            happened_at=happened_at,
            line=line_number,
        )
        line_number += 1


def unload(uow: UnitOfWork, *, parcel_id: int, operation_id: UUID, happened_at: datetime | None = None) -> Parcel:
    """Take a parcel off the vehicle again, before the run leaves: back on the shelf, reserved as before."""
    parcel, run = _on_its_run(uow, parcel_id, "unload")
    uow.actor.require_for("runs.load", warehouse=run.warehouse_id, county=run.county_id)
    if parcel.state == ParcelState.PLANNED:
        return parcel
    _move_run(run, "unload")
    _move(parcel, "unload")
    parcel.loaded_at = None
    for number, line in enumerate(parcel.lines):
        stock.move(
            uow,
            operation_id=operation_id,
            lot_id=line.lot_id,
            from_place_id=run.vehicle.place_id,
            to_place_id=line.place_id,
            quantity=line.quantity,
            kind=Kind.BRING_BACK,
            reason="unloaded",
            happened_at=happened_at,
            line=number,
        )
    _reserve_again(uow, parcel.lines)
    needs.planned(uow, queries.needs_of(parcel.lines))
    uow.record("parcel.unloaded", subject=("parcel", parcel.id), run_id=run.id)
    uow.session.flush()
    return parcel


@stock.asked_before_reversal
def _with_its_parcel(uow: UnitOfWork, movement: Any) -> None:
    """Refuse to take back alone what moved with a parcel: its proof, its shares and its needs would be left behind."""
    if movement.kind not in _WITH_PARCELS:
        return
    with uow.office("delivery"):
        parcel_id = queries.parcel_moved(uow.session, movement.lot_id, (movement.from_place_id, movement.to_place_id))
    if parcel_id is not None:
        raise ParcelKeeps(parcel=f"P-{parcel_id}")


_WITH_PARCELS = (Kind.LOAD, Kind.HAND_OVER, Kind.BRING_BACK, Kind.WRITE_OFF)


def _on_its_run(uow: UnitOfWork, parcel_id: int, verb: str) -> tuple[Parcel, Run]:
    """Return a parcel and its run under lock: the run first, as everybody locks them, so that none waits in a ring."""
    run_id = queries.run_id_of(uow.session, parcel_id)
    run = None if run_id is None else queries.run_for_change(uow.session, run_id)
    parcel = queries.parcel_for_change(uow.session, parcel_id)
    if run is None:
        raise ParcelPast(parcel=parcel.code, state=parcel.state, verb=verb)
    _must_be_on(uow, parcel, run)
    return parcel, run


def depart(uow: UnitOfWork, *, run_id: int, happened_at: datetime | None = None) -> Run:
    """Let a run leave with what is loaded; what is not waits for another run. A delivery note is numbered."""
    run = queries.run_for_change(uow.session, run_id)
    _may_drive(uow, run, or_permission="runs.load")
    if run.state == RunState.ON_THE_ROAD:
        return run
    parcels = queries.parcels_of_run_for_change(uow.session, run.id)
    loaded = [parcel for parcel in parcels if parcel.state == ParcelState.LOADED]
    if not loaded:
        raise RunPast(run=run.code, state=run.state, verb="depart")
    _move_run(run, "depart")
    run.left_at = happened_at or uow.now
    left = [parcel for parcel in parcels if parcel.state == ParcelState.PLANNED]
    _unplan(uow, left)
    stock.issue_voucher(
        uow,
        kind="delivery",
        warehouse_id=run.warehouse_id,
        subject=("run", run.id),
        content=_delivery_note(uow, run, loaded),
    )
    uow.record("run.left", subject=("run", run.id), parcels=len(loaded), left_behind=len(left))
    uow.session.flush()
    return run


def _delivery_note(uow: UnitOfWork, run: Run, loaded: Sequence[Parcel]) -> dict[str, Any]:
    """Return what the delivery note shows: codes and quantities, no family."""
    lines: dict[tuple[int, int], list[Any]] = {}
    for _, line in queries.lines_of(uow.session, [parcel.id for parcel in loaded]):
        key = (line.item_id, line.lot_id)
        entry = lines.setdefault(key, [line.name_hu, line.name_en, f"L-{line.lot_id}", 0, line.unit_hu, line.unit_en])
        entry[3] += line.quantity
    return {
        "run": run.code,
        "plate": run.vehicle.plate,
        "on": run.on.isoformat(),
        "parcels": [parcel.code for parcel in loaded],
        "lines": [
            {"item_hu": e[0], "item_en": e[1], "lot": e[2], "quantity": e[3], "unit_hu": e[4], "unit_en": e[5]}
            for e in lines.values()
        ],
    }


def _may_drive(uow: UnitOfWork, run: Run, or_permission: str = "runs.change") -> None:
    """Refuse unless the actor drives this run, or may act for it where it belongs."""
    where = {"county": run.county_id, "warehouse": run.warehouse_id}
    for permission in ("runs.drive", "runs.change", or_permission):
        if uow.actor.covers(permission, own=run.driver_id, **where):
            return
    raise NotAllowed(permission="runs.drive")


# At the door ----------------------------------------------------------------------------------------------------------


def hand_over(
    uow: UnitOfWork,
    *,
    parcel_id: int,
    relation: str,
    operation_id: UUID,
    code: str | None = None,
    signature: Any = None,
    happened_at: datetime | None = None,
    quantities: Mapping[int, int] | None = None,
) -> Parcel:
    """Hand a parcel over, with a code or a signature. ``quantities`` ({line: units}) when it was only a part.

    What the goods served is met; what was not handed over stays on the vehicle until it is brought back.
    """
    parcel, run = _on_its_run(uow, parcel_id, "hand_over")
    _may_drive(uow, run)
    given = _given(parcel, quantities)
    assert parcel.stop_id is not None, "what is on a run has a stop"
    codes = queries.codes_at(uow.session, parcel.household_id, parcel.stop_id)
    if code:
        _not_guessing(uow, parcel.id)
    strokes = _proven(parcel.id, codes, relation, code, signature)
    _move_run(run, "hand_over")
    whole = all(given[line.id] == line.quantity for line in parcel.lines)
    _move(parcel, "hand_over" if whole else "hand_over_partly")
    parcel.ended_at, parcel.end_reason = happened_at or uow.now, None if whole else "partly"
    _give(uow, parcel, run, given, operation_id, happened_at)
    _tell_needs(uow, parcel, given)
    _keep_proof(uow, parcel, run, relation, strokes, happened_at)
    _settle_stop(uow, parcel)
    uow.record("parcel.handed_over", subject=("parcel", parcel.id), run_id=run.id, partly=not whole)
    uow.session.flush()
    return parcel


def _given(parcel: Parcel, quantities: Mapping[int, int] | None) -> dict[int, int]:
    """Return by line what was handed over; refuse what cannot be."""
    if quantities is None:
        return {line.id: line.quantity for line in parcel.lines}
    given = {line.id: quantities.get(line.id, 0) for line in parcel.lines}
    lines = {line.id: line for line in parcel.lines}
    wrong = set(quantities) - set(lines) or any(not 0 <= given[id] <= line.quantity for id, line in lines.items())
    if wrong or not any(given.values()):
        raise QuantitiesWrong
    return given


CODES_WRONG_MAX = 5
CODES_WAIT = timedelta(minutes=15)


def _not_guessing(uow: UnitOfWork, parcel_id: int) -> None:
    """Refuse a code where five wrong ones were tried on the parcel within a quarter of an hour."""
    last = queries.wrong_codes(uow.session, parcel_id, uow.now - CODES_WAIT)
    if len(last) >= CODES_WRONG_MAX:
        free_at = last[-CODES_WRONG_MAX] + CODES_WAIT
        raise CodesTried(retry_after_seconds=max(1, int((free_at - uow.now).total_seconds())))


def _proven(parcel_id: int, codes: Sequence[str], relation: str, code: str | None, signature: Any) -> str | None:
    """Return the strokes to seal, or None where the code proves it; refuse without proof."""
    if relation not in RELATIONS:
        raise ProofMissing("relation", say("Choose who received it."))
    if code:
        digits = "".join(letter for letter in code if letter.isdigit())
        if not any(secrets.compare_digest(digits.encode(), known.encode()) for known in codes):
            raise WrongCode(parcel_id=parcel_id)
        return None
    if signature:
        return json.dumps(_strokes(signature), separators=(",", ":"))
    raise ProofMissing("code", say("Type the six digits, or let the signature be written."))


def _strokes(signature: Any) -> list[list[list[int]]]:
    """Return the strokes of a signature as whole numbers; refuse what is none."""
    wrong = ProofMissing("signature", say("The signature could not be read. Let it be written again."))
    if not isinstance(signature, list) or not 0 < len(signature) <= STROKES_MAX:
        raise wrong
    strokes, points = [], 0
    for stroke in signature:
        if not isinstance(stroke, list) or not stroke:
            raise wrong
        points += len(stroke)
        if points > POINTS_MAX:
            raise wrong
        strokes.append([_point(point, wrong) for point in stroke])
    if points < 3:
        raise wrong
    return strokes


def _point(point: Any, wrong: ProofMissing) -> list[int]:
    if not isinstance(point, list) or not 2 <= len(point) <= 3:
        raise wrong
    if not all(isinstance(value, int | float) and abs(value) < 1e7 for value in point):
        raise wrong
    return [int(value) for value in point]


def _give(
    uow: UnitOfWork,
    parcel: Parcel,
    run: Run,
    given: Mapping[int, int],
    operation_id: UUID,
    happened_at: datetime | None,
) -> None:
    outside = stock_queries.virtual_place(uow.session, run.warehouse_id, PlaceKind.HANDED_OVER)
    number = 0
    for line in parcel.lines:
        line.quantity_handed_over = given[line.id]
        if not given[line.id]:
            continue
        # It has happened at a door; the books follow, whatever they say.
        booked = stock.book(
            uow,
            operation_id=operation_id,
            lot_id=line.lot_id,
            from_place_id=run.vehicle.place_id,
            to_place_id=outside.id,
            quantity=given[line.id],
            kind=Kind.HAND_OVER,
            happened_at=happened_at,
            done=True,
            line=number,
        )
        number += len(booked.movements)


def _tell_needs(uow: UnitOfWork, parcel: Parcel, given: Mapping[int, int]) -> None:
    """Tell the needs what reached them, in their own units, and the shares that they arrived."""
    shares = allocation.shares_of(uow, [line.share_id for line in parcel.lines])
    met: Counter[int] = Counter()
    for line in parcel.lines:
        met[line.need_id] += shares[line.share_id].covers * given[line.id] // line.quantity
    needs.handed_over_many(uow, met)
    allocation.handed_over(uow, share_ids=[line.share_id for line in parcel.lines if given[line.id]])


def _keep_proof(
    uow: UnitOfWork, parcel: Parcel, run: Run, relation: str, strokes: str | None, happened_at: datetime | None
) -> None:
    proof = Proof(
        parcel_id=parcel.id,
        county_id=run.county_id,
        driver_id=run.driver_id,
        kind="signature" if strokes else "code",
        relation=relation,
        happened_at=happened_at or uow.now,
        recorded_at=uow.now,
        facts={"settlement_id": parcel.settlement_id},
    )
    proof.signature = strokes
    with uow.office("delivery"):
        uow.session.add(proof)
        uow.session.flush()


def _settle_stop(uow: UnitOfWork, parcel: Parcel) -> None:
    """Let the stop say where it stands now."""
    uow.session.flush()
    assert parcel.stop_id is not None, "what was on a vehicle has a stop"
    stop = queries.stop_of(uow.session, parcel.stop_id)
    stop.state = states.stop_state(queries.parcel_states_of_stop(uow.session, stop.id))
    stop.reached_at = stop.reached_at or parcel.ended_at or uow.now


def fail(uow: UnitOfWork, *, parcel_id: int, reason: str, happened_at: datetime | None = None) -> Parcel:
    """Note why a parcel could not be handed over; it stays on the vehicle until it is brought back."""
    parcel, run = _on_its_run(uow, parcel_id, "fail")
    _may_drive(uow, run)
    if reason not in states.FAILURES:
        raise ProofMissing("reason", say("Choose why it could not be handed over."))
    _move_run(run, "fail")
    if parcel.state != ParcelState.LOADED:
        raise ParcelPast(parcel=parcel.code, state=parcel.state, verb="hand_over")
    parcel.end_reason, parcel.ended_at = reason, happened_at or uow.now
    _settle_stop(uow, parcel)
    uow.record("parcel.failed", subject=("parcel", parcel.id), run_id=run.id, reason=reason)
    uow.session.flush()
    return parcel


def try_again(uow: UnitOfWork, *, parcel_id: int) -> Parcel:
    """Take back that a parcel could not be handed over: the driver goes there once more."""
    parcel, run = _on_its_run(uow, parcel_id, "fail")
    _may_drive(uow, run)
    _move_run(run, "fail")
    if parcel.state == ParcelState.LOADED and parcel.end_reason is not None:
        parcel.end_reason = parcel.ended_at = None
        _settle_stop(uow, parcel)
        uow.record("parcel.tried_again", subject=("parcel", parcel.id), run_id=run.id)
    uow.session.flush()
    return parcel


# Back at the warehouse ------------------------------------------------------------------------------------------------


def bring_back(
    uow: UnitOfWork,
    *,
    parcel_id: int,
    operation_id: UUID,
    reason: str | None = None,
    to_place_id: int | None = None,
    happened_at: datetime | None = None,
) -> Parcel:
    """Bring back what was not handed over: onto the dock (or a place), its needs open again."""
    parcel, run = _on_its_run(uow, parcel_id, "bring_back")
    _may_drive(uow, run, or_permission="runs.load")
    if parcel.state == ParcelState.BROUGHT_BACK:
        return parcel
    _move_run(run, "bring_back")
    if to_place_id is None:
        to_place_id = stock_queries.virtual_place(uow.session, run.warehouse_id, PlaceKind.DOCK).id
    why = reason or parcel.end_reason or "brought_back"
    _take_off(uow, parcel, run, operation_id, to_place_id, why, happened_at)
    uow.record("parcel.brought_back", subject=("parcel", parcel.id), run_id=run.id)
    uow.session.flush()
    return parcel


def _take_off(
    uow: UnitOfWork,
    parcel: Parcel,
    run: Run,
    operation_id: UUID,
    to_place_id: int,
    why: str,
    happened_at: datetime | None,
    kind: Kind = Kind.BRING_BACK,
) -> None:
    """Move the rest of a parcel off the vehicle, open its needs again, end its life."""
    partly = parcel.state == ParcelState.PARTLY
    shares = allocation.shares_of(uow, [line.share_id for line in parcel.lines])
    open_again: Counter[int] = Counter()
    for number, line in enumerate(parcel.lines):
        rest = line.quantity - line.quantity_handed_over
        covers = shares[line.share_id].covers
        open_again[line.need_id] += covers - covers * line.quantity_handed_over // line.quantity
        if rest:
            stock.book(
                uow,
                operation_id=operation_id,
                lot_id=line.lot_id,
                from_place_id=run.vehicle.place_id,
                to_place_id=to_place_id,
                quantity=rest,
                kind=kind,
                reason=why,
                happened_at=happened_at,
                line=number,
            )
    _move(parcel, "bring_back")
    parcel.ended_at = parcel.ended_at or happened_at or uow.now
    parcel.end_reason = parcel.end_reason or (why if not partly else "partly")
    needs.reopen(uow, {need_id: units for need_id, units in open_again.items() if units})
    returned = [line.share_id for line in parcel.lines if not line.quantity_handed_over]
    allocation.returned(uow, share_ids=returned)
    _settle_stop(uow, parcel)


def close(
    uow: UnitOfWork,
    *,
    run_id: int,
    operation_id: Callable[[], UUID] | None = None,
    explanation: str | None = None,
) -> Run:
    """Close a run. Its vehicle is empty, or whoever may write off says what became of the rest."""
    run = queries.run_for_change(uow.session, run_id)
    _may_drive(uow, run, or_permission="runs.load")
    if run.state == RunState.CLOSED:
        return run
    if run.state != RunState.ON_THE_ROAD:
        raise RunPast(run=run.code, state=run.state, verb="close")
    rest = queries.parcels_of_run_for_change(uow.session, run.id, states.ON_VEHICLE)
    pieces = sum(line.quantity - line.quantity_handed_over for parcel in rest for line in parcel.lines)
    why = tidy(explanation or "")
    if pieces and not why:
        raise VehicleNotEmpty(run=run.code, parcels=[parcel.code for parcel in rest], pieces=pieces)
    if pieces:
        assert operation_id is not None, "a difference is booked by an operation"
        lost = stock_queries.virtual_place(uow.session, run.warehouse_id, PlaceKind.LOSS)
        uow.actor.require_for("stock.write_off", warehouse=run.warehouse_id, county=run.county_id)
        for parcel in rest:
            parcel.end_reason = parcel.end_reason or "lost"
            _take_off(uow, parcel, run, operation_id(), lost.id, why, None, kind=Kind.WRITE_OFF)
    on_board = stock.pieces_in(uow, place_id=run.vehicle.place_id)
    left_over = on_board - queries.loaded_by_other_runs(uow.session, run.vehicle_id, run.id)
    if left_over > 0 and not why:
        raise VehicleNotEmpty(run=run.code, parcels=[], pieces=left_over)
    _move_run(run, "close")
    run.closed_at = uow.now
    uow.record("run.closed", subject=("run", run.id), unexplained=0, explained=pieces + max(left_over, 0))
    uow.session.flush()
    return run


# Contact --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contact:
    """Who to hand over to. Seen by the driver from loading until a day after the run, and written down each time."""

    household_id: int
    name: str | None
    phone: str | None
    street: str | None
    access_need: bool
    no_road_in_winter: bool


def contacts(uow: UnitOfWork, *, run: Run, household_ids: Iterable[int]) -> dict[int, Contact]:
    """Return the addresses of a run's households, for whoever may see them now; each look is written down."""
    actor = uow.actor
    if actor.covers("stops.contact", own=run.driver_id) and not actor.covers("stops.contact", county=run.county_id):
        if not queries.contact_open(run, uow.now):
            raise ContactClosed
    else:
        actor.require_for("stops.contact", county=run.county_id)
        if uow.now >= queries.contact_until(run.on):
            raise ContactClosed
    found = {}
    for household in queries.households(uow.session, household_ids).values():
        uow.saw(("household", household.id), why=f"hand-over {run.code}")
        found[household.id] = Contact(
            household.id,
            household.contact_name,
            household.phone,
            household.street,
            household.access_need,
            household.no_road_in_winter,
        )
    return found


# Fleet ----------------------------------------------------------------------------------------------------------------

VEHICLE_FIELDS = (
    "model", "capacity_g", "capacity_ml", "capacity_pallets", "storage_classes", "tail_lift", "licence",
    "cost_fixed_huf", "cost_per_km_huf", "cost_per_hour_huf", "lent_by", "active",
)  # fmt: skip
DRIVER_FIELDS = ("licence", "vehicle_id", "shift_starts_at", "shift_ends_at", "volunteer", "active")


def add_vehicle(
    uow: UnitOfWork, *, plate: str, warehouse_id: int, capacity_g: int, capacity_ml: int, **facts: Any
) -> Vehicle:
    """Take a vehicle into the fleet; it gets a place of its own in the ledger."""
    warehouse = _warehouse(uow, warehouse_id)
    plate = tidy(plate).upper()
    if not plate:
        raise VehicleInvalid("plate", say("Write the number plate."))
    if uow.session.scalar(select(Vehicle.id).where(Vehicle.plate == plate)) is not None:
        raise VehicleInvalid("plate", say("There is a vehicle with this number plate already."))
    code = f"{warehouse.code}-{fold(plate).replace(' ', '').upper()[:12]}"
    place = stock.open_place(uow, warehouse_id=warehouse.id, code=code, kind=PlaceKind.VEHICLE)
    vehicle = Vehicle(
        **{
            "model": "",
            "capacity_pallets": 0,
            "storage_classes": ["ambient"],
            **{name: value for name, value in facts.items() if name in VEHICLE_FIELDS},
            "plate": plate,
            "warehouse_id": warehouse.id,
            "county_id": warehouse.county_id,
            "place_id": place.id,
            "capacity_g": capacity_g,
            "capacity_ml": capacity_ml,
        }
    )
    _capacities(vehicle)
    uow.session.add(vehicle)
    uow.session.flush()
    uow.record("vehicle.added", subject=("vehicle", vehicle.id), plate=plate)
    return vehicle


def _warehouse(uow: UnitOfWork, warehouse_id: int) -> Any:
    warehouse = queries.warehouse_of(uow.session, warehouse_id)
    if warehouse is None:
        raise VehicleInvalid("warehouse_id", say("Choose a warehouse."))
    uow.actor.require_for("fleet.manage", county=warehouse.county_id, warehouse=warehouse.id)
    return warehouse


def _capacities(vehicle: Vehicle) -> None:
    if vehicle.capacity_g <= 0:
        raise VehicleInvalid("capacity_g", say("It must carry something: more than 0."))
    if vehicle.capacity_ml <= 0:
        raise VehicleInvalid("capacity_ml", say("It must carry something: more than 0."))
    if vehicle.capacity_pallets < 0:
        raise VehicleInvalid("capacity_pallets", say("Pallet places cannot be fewer than 0."))


def change_vehicle(uow: UnitOfWork, *, vehicle_id: int, version: int | None = None, **changes: Any) -> Vehicle:
    """Change what a vehicle is and costs."""
    vehicle = queries.vehicle(uow.session, uow.actor, vehicle_id, "fleet.manage")
    _same_version(vehicle.version, version)
    for name, value in changes.items():
        if name in VEHICLE_FIELDS:
            setattr(vehicle, name, value)
    _capacities(vehicle)
    uow.session.flush()
    uow.record("vehicle.changed", subject=("vehicle", vehicle.id), fields=sorted(changes))
    return vehicle


def _same_version(now: int, seen: int | None) -> None:
    if seen is not None and seen != now:
        raise Stale


def add_absence(
    uow: UnitOfWork, *, vehicle_id: int, since: date, until: date, reason: str | None = None
) -> VehicleAbsence:
    """Note the days on which a vehicle is not to be had."""
    vehicle = queries.vehicle(uow.session, uow.actor, vehicle_id, "fleet.manage")
    if until < since:
        raise VehicleInvalid("until", say("The last day cannot be before the first one."))
    absence = VehicleAbsence(vehicle_id=vehicle.id, since=since, until=until, reason=tidy(reason or "") or None)
    uow.session.add(absence)
    uow.session.flush()
    uow.record("vehicle.away", subject=("vehicle", vehicle.id), since=since.isoformat(), until=until.isoformat())
    return absence


def drop_absence(uow: UnitOfWork, *, absence_id: int) -> int:
    """Take an absence back; return the vehicle's number."""
    absence = queries.absence(uow.session, absence_id)
    if absence is None:
        raise NoSuchVehicle(absence_id=absence_id)
    vehicle = queries.vehicle(uow.session, uow.actor, absence.vehicle_id, "fleet.manage")
    uow.session.delete(absence)
    uow.record("vehicle.back", subject=("vehicle", vehicle.id), since=absence.since.isoformat())
    uow.session.flush()
    return vehicle.id


def add_driver(uow: UnitOfWork, *, name: str, warehouse_id: int, **facts: Any) -> Driver:
    """Take a driver into the fleet."""
    warehouse = _warehouse(uow, warehouse_id)
    driver = Driver(
        **{
            "shift_starts_at": time(7),
            "shift_ends_at": time(16),
            **{key: value for key, value in facts.items() if key in DRIVER_FIELDS},
            "name": _driver_name(name),
            "name_key": sort_key(tidy(name)),
            "warehouse_id": warehouse.id,
            "county_id": warehouse.county_id,
        }
    )
    _shift(driver)
    uow.session.add(driver)
    uow.session.flush()
    uow.record("driver.added", subject=("driver", driver.id), warehouse_id=warehouse.id)
    return driver


def _driver_name(name: str) -> str:
    written = tidy(name)
    if not written:
        raise VehicleInvalid("name", say("Write the driver's name."))
    return written


def _shift(driver: Driver) -> None:
    if driver.shift_ends_at <= driver.shift_starts_at:
        raise VehicleInvalid("shift_ends_at", say("The shift must end after it begins."))


def change_driver(
    uow: UnitOfWork, *, driver_id: int, version: int | None = None, name: str | None = None, **changes: Any
) -> Driver:
    """Change a driver's name, licence, shift or usual vehicle."""
    driver = queries.driver(uow.session, uow.actor, driver_id, "fleet.manage")
    _same_version(driver.version, version)
    if name is not None:
        driver.name, driver.name_key = _driver_name(name), sort_key(tidy(name))
    for key, value in changes.items():
        if key in DRIVER_FIELDS:
            setattr(driver, key, value)
    _shift(driver)
    uow.session.flush()
    uow.record("driver.changed", subject=("driver", driver.id), fields=sorted(changes))
    return driver


def give_driver(uow: UnitOfWork, *, run_id: int, driver_id: int | None, version: int | None = None) -> Run:
    """Give a run another driver, before it leaves."""
    run = queries.run_for_change(uow.session, run_id)
    uow.actor.require_for("runs.change", county=run.county_id, warehouse=run.warehouse_id)
    _same_version(run.version, version)
    if run.state not in (RunState.DRAFT, RunState.PUBLISHED, RunState.LOADING):
        raise RunPast(run=run.code, state=run.state, verb="change")
    if driver_id is not None:
        driver = queries.driver(uow.session, uow.actor, driver_id)
        _must_be_able(driver, queries.vehicles_of(uow.session, [run.vehicle_id])[run.vehicle_id])
    run.driver_id = driver_id
    uow.session.execute(update(Stop).where(Stop.run_id == run.id).values(driver_id=driver_id))
    on_run = select(Stop.id).where(Stop.run_id == run.id)
    uow.session.execute(
        update(Parcel)
        .where(Parcel.stop_id.in_(on_run))
        .values(driver_id=driver_id, version=Parcel.version + 1)
        .execution_options(synchronize_session=False)
    )
    _refresh(uow, Parcel)
    uow.record("run.driver_given", subject=("run", run.id), driver_id=driver_id)
    uow.session.flush()
    return run
