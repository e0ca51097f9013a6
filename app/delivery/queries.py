"""Reads: runs, their stops and parcels, the fleet, and what waits to be planned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased, selectinload

from app.allocation.models import Share, ShareState
from app.allocation.queries import named_page
from app.catalogue.models import Item
from app.delivery.errors import NoSuchDriver, NoSuchParcel, NoSuchRun, NoSuchVehicle
from app.delivery.models import (
    Driver,
    Parcel,
    ParcelLine,
    ParcelState,
    Run,
    RunState,
    Stop,
    Vehicle,
    VehicleAbsence,
)
from app.delivery.states import ON_VEHICLE
from app.foundation.actor import Actor, Scope
from app.foundation.bulk import among
from app.foundation.journal import JournalEntry
from app.foundation.paging import PAGE_SIZE, Page
from app.foundation.scope import scoped, visible
from app.foundation.text import fold
from app.geography.models import County, Settlement
from app.needs.models import Household, Need
from app.stock import queries as stock
from app.stock.models import Lot, Place, Warehouse
from app.stock.picking import Pick
from app.stock.queries import AT_ROOT, ROOT

HOME = ZoneInfo("Europe/Budapest")
READ = "runs.read"


# For planning ---------------------------------------------------------------------------------------------------------


def parcels_to_plan(session: Session, county_ids: Iterable[int] | None = None) -> Sequence[Any]:
    """Return the parcels that wait for a run, of the warehouses of these counties (None: of all); one statement."""
    statement = (
        select(
            Parcel.id.label("parcel_id"),
            Parcel.warehouse_id,
            Parcel.settlement_id,
            Settlement.lat,
            Settlement.lon,
            Parcel.weight_g,
            Parcel.volume_ml,
            Parcel.storage_classes,
            Parcel.urgency,
        )
        .join(Settlement, Settlement.id == Parcel.settlement_id)
        .where(Parcel.state == ParcelState.READY)
        .order_by(Parcel.id)
    )
    if county_ids is not None:
        statement = statement.where(Parcel.county_id.in_(list(county_ids)))
    return session.execute(statement).all()


def fleet_to_plan(session: Session, county_ids: Iterable[int] | None, on: date) -> Sequence[Any]:
    """Return the vehicles that are to be had on a day, each with its driver's shift; one statement.

    A vehicle without a driver of its own gets one of its warehouse who has none and the licence for it.
    """
    away = exists().where(
        VehicleAbsence.vehicle_id == Vehicle.id, VehicleAbsence.since <= on, VehicleAbsence.until >= on
    )
    statement = (
        select(
            Vehicle.id.label("vehicle_id"),
            Vehicle.plate,
            Vehicle.model,
            Vehicle.warehouse_id,
            Vehicle.county_id,
            Vehicle.capacity_g,
            Vehicle.capacity_ml,
            Vehicle.capacity_pallets,
            Vehicle.storage_classes,
            Vehicle.licence,
            Vehicle.cost_fixed_huf,
            Vehicle.cost_per_km_huf,
            Vehicle.cost_per_hour_huf,
            Driver.id.label("driver_id"),
            Driver.name.label("driver_name"),
            Driver.licence.label("driver_licence"),
            Driver.shift_starts_at,
            Driver.shift_ends_at,
            Driver.volunteer,
            Warehouse.lat,
            Warehouse.lon,
        )
        .join(Driver, and_(Driver.vehicle_id == Vehicle.id, Driver.active))
        .join(Warehouse, Warehouse.id == Vehicle.warehouse_id)
        .where(Vehicle.active, ~away)
        .ext(distinct_on(Vehicle.id))
        .order_by(Vehicle.id, Driver.id)
    )
    if county_ids is not None:
        statement = statement.where(Vehicle.county_id.in_(list(county_ids)))
    return session.execute(statement).all()


# Runs -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What a list of runs is narrowed to."""

    on: date | None = None
    since: date | None = None
    warehouse_id: int | None = None
    state: str | None = None
    county_id: int | None = None
    vehicle_id: int | None = None
    driver_id: int | None = None


def run(session: Session, actor: Actor, run_id: int, permission: str = READ) -> Run:
    """Return a run that the actor may see, with its vehicle and driver."""
    found = session.scalar(scoped(select(Run).where(Run.id == run_id), actor, permission, Run))
    if found is None:
        raise NoSuchRun(run_id=run_id)
    return found  # type: ignore[no-any-return]


def run_for_change(session: Session, run_id: int) -> Run:
    """Return a run under lock; the caller judges who may change it."""
    statement = select(Run).where(Run.id == run_id).with_for_update().execution_options(populate_existing=True)
    found = session.scalar(statement)
    if found is None:
        raise NoSuchRun(run_id=run_id)
    return found


def parcel_for_change(session: Session, parcel_id: int) -> Parcel:
    """Return a parcel with its lines, under lock; the caller judges who may change it."""
    statement = (
        select(Parcel)
        .where(Parcel.id == parcel_id)
        .options(selectinload(Parcel.lines))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = session.scalar(statement)
    if found is None:
        raise NoSuchParcel(parcel_id=parcel_id)
    return found


def run_id_of(session: Session, parcel_id: int) -> int | None:
    """Return the number of the run that a parcel is on."""
    return session.scalar(select(Stop.run_id).join(Parcel, Parcel.stop_id == Stop.id).where(Parcel.id == parcel_id))


def parcel_moved(session: Session, lot_id: int, place_ids: Iterable[int]) -> int | None:
    """Return the number of a parcel whose goods of this lot went with a vehicle that is one of these places."""
    return session.scalar(
        select(Parcel.id)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .join(Stop, Stop.id == Parcel.stop_id)
        .join(Run, Run.id == Stop.run_id)
        .join(Vehicle, Vehicle.id == Run.vehicle_id)
        .where(ParcelLine.lot_id == lot_id, Vehicle.place_id.in_(list(place_ids)), Parcel.loaded_at.is_not(None))
        .limit(1)
    )


def parcels_of_run_for_change(session: Session, run_id: int, states: Iterable[str] | None = None) -> list[Parcel]:
    """Return a run's parcels with their lines, under lock, in the order of their ids."""
    statement = (
        select(Parcel)
        .join(Stop, Stop.id == Parcel.stop_id)
        .where(Stop.run_id == run_id)
        .options(selectinload(Parcel.lines))
        .order_by(Parcel.id)
        .with_for_update(of=Parcel)
        .execution_options(populate_existing=True)
    )
    if states is not None:
        statement = statement.where(Parcel.state.in_(list(states)))
    return list(session.scalars(statement))


def parcel(session: Session, actor: Actor, parcel_id: int) -> Parcel:
    """Return a parcel that the actor may see."""
    statement = select(Parcel).where(Parcel.id == parcel_id).options(selectinload(Parcel.lines))
    found = session.scalar(scoped(statement, actor, READ, Parcel))
    if found is None:
        raise NoSuchParcel(parcel_id=parcel_id)
    return found  # type: ignore[no-any-return]


def _totals() -> Any:
    """Return per run: stops, parcels, kilograms, and how many are loaded and over; joined laterally, so once a page."""
    return (
        select(
            func.count(Stop.id.distinct()).label("stops"),
            func.count(Parcel.id).label("parcels"),
            func.coalesce(func.sum(Parcel.weight_g), 0).label("weight_g"),
            func.coalesce(func.sum(Parcel.volume_ml), 0).label("volume_ml"),
            func.count(Parcel.id).filter(Parcel.state.not_in([ParcelState.READY, ParcelState.PLANNED])).label("loaded"),
            func.count(Parcel.id)
            .filter(
                or_(
                    Parcel.state.in_([ParcelState.HANDED_OVER, ParcelState.PARTLY, ParcelState.BROUGHT_BACK]),
                    Parcel.end_reason.is_not(None),
                )
            )
            .label("ended"),
        )
        .select_from(Stop)
        .outerjoin(Parcel, Parcel.stop_id == Stop.id)
        .where(Stop.run_id == Run.id)
        .correlate(Run)
        .lateral("totals")
    )


def runs_page(
    session: Session, actor: Actor, asked: Asked, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    """Return runs with their totals, the newest day first."""
    totals = _totals()
    statement = (
        select(Run, Vehicle, Driver, Warehouse, County.hue, totals)
        .join(Vehicle, Vehicle.id == Run.vehicle_id)
        .join(Warehouse, Warehouse.id == Run.warehouse_id)
        .join(County, County.id == Run.county_id)
        .outerjoin(Driver, Driver.id == Run.driver_id)
        .join(totals, true())
    )
    statement = scoped(statement, actor, READ, Run)
    for column, value in (
        (Run.on, asked.on),
        (Run.warehouse_id, asked.warehouse_id),
        (Run.state, asked.state),
        (Run.county_id, asked.county_id),
        (Run.vehicle_id, asked.vehicle_id),
        (Run.driver_id, asked.driver_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if asked.since is not None:
        statement = statement.where(Run.on >= asked.since)
    if asked.state is None:
        statement = statement.where(Run.state != RunState.CANCELLED)
    return named_page(session, statement, order=[Run.on, Run.id], after=after, size=size, descending=True)


def runs_count(session: Session, actor: Actor, asked: Asked) -> dict[str, int]:
    """Return how many runs of a day are in each state."""
    statement = select(Run.state, func.count()).where(visible(actor, READ, Run)).group_by(Run.state)
    if asked.on is not None:
        statement = statement.where(Run.on == asked.on)
    if asked.warehouse_id is not None:
        statement = statement.where(Run.warehouse_id == asked.warehouse_id)
    return {row[0]: row[1] for row in session.execute(statement)}


@dataclass
class LineSeen:
    """What a parcel holds, as people read it."""

    id: int
    item_id: int
    name_hu: str
    name_en: str
    unit_hu: str
    unit_en: str
    quantity: int
    handed_over: int
    lot_id: int
    expires_on: date | None
    place: str
    storage_class: str


@dataclass
class ParcelSeen:
    """A parcel on a run list."""

    parcel: Parcel
    lines: list[LineSeen] = field(default_factory=list)

    @property
    def on_vehicle(self) -> bool:
        """Tell whether something of it is on the vehicle."""
        return self.parcel.state in ON_VEHICLE

    @property
    def failed(self) -> bool:
        """Tell whether it could not be handed over and is still on the vehicle."""
        return self.parcel.state == ParcelState.LOADED and self.parcel.end_reason is not None


@dataclass
class StopSeen:
    """A stop with its settlement and parcels."""

    stop: Stop
    settlement: str
    parcels: list[ParcelSeen] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Tell whether the driver still has to go there."""
        return any(seen.parcel.state == ParcelState.LOADED and seen.parcel.end_reason is None for seen in self.parcels)

    @property
    def weight_g(self) -> int:
        """Return what is handed over there, in grams."""
        return sum(seen.parcel.weight_g for seen in self.parcels)


def stops_of(session: Session, run_id: int) -> list[StopSeen]:
    """Return a run's stops in order with their parcels and what is in them; three statements."""
    stops = {
        stop.id: StopSeen(stop, name)
        for stop, name in session.execute(
            select(Stop, Settlement.name)
            .join(Settlement, Settlement.id == Stop.settlement_id)
            .where(Stop.run_id == run_id)
            .order_by(Stop.position)
        )
    }
    parcels = {
        found.id: ParcelSeen(found)
        for found in session.scalars(select(Parcel).where(Parcel.stop_id.in_(stops)).order_by(Parcel.id))
    }
    for seen in parcels.values():
        assert seen.parcel.stop_id is not None
        stops[seen.parcel.stop_id].parcels.append(seen)
    for parcel_id, line in lines_of(session, parcels):
        parcels[parcel_id].lines.append(line)
    return list(stops.values())


def pick_list(session: Session, run_id: int) -> tuple[list[tuple[Pick, int]], dict[int, bool]]:
    """Return what is to be taken for the parcels of a run, as one walks: (pick, parcel id); and which are packed.

    A parcel is packed when nothing that is reserved for it lies outside staging. What is loaded is not listed.
    """
    rows = session.execute(
        select(ParcelLine.share_id, Parcel.id)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .join(Stop, Stop.id == Parcel.stop_id)
        .where(Stop.run_id == run_id, Parcel.state == ParcelState.PLANNED)
    )
    parcel_of: dict[int, int] = {row[0]: row[1] for row in rows}
    picks = [
        (pick, parcel_of[pick.purpose_id])
        for pick in stock.reserved_pick_list(session, "share", parcel_of)
        if pick.purpose_id is not None
    ]
    waiting = {parcel_id for _, parcel_id in picks}
    return picks, {parcel_id: parcel_id not in waiting for parcel_id in sorted(set(parcel_of.values()))}


def lines_of(session: Session, parcel_ids: Iterable[int]) -> list[tuple[int, LineSeen]]:
    """Return what parcels hold: (parcel id, line)."""
    columns: list[Any] = [
        ParcelLine.parcel_id,
        ParcelLine.id,
        Item.id,
        Item.name_hu,
        Item.name_en,
        Item.unit_name_hu,
        Item.unit_name_en,
        ParcelLine.quantity,
        ParcelLine.quantity_handed_over,
        ParcelLine.lot_id,
        Lot.expires_on,
        func.coalesce(ROOT.code + " · " + Place.code, Place.code),
        Item.storage_class,
    ]
    rows = session.execute(
        select(*columns)
        .join(Item, Item.id == ParcelLine.item_id)
        .join(Lot, Lot.id == ParcelLine.lot_id)
        .join(Place, Place.id == ParcelLine.place_id)
        .outerjoin(ROOT, AT_ROOT)
        .where(among(ParcelLine.parcel_id, parcel_ids))
        .order_by(ParcelLine.id)
    )
    return [(row[0], LineSeen(*row[1:])) for row in rows]


def stop_seen(session: Session, actor: Actor, stop_id: int, permission: str = "stops.contact") -> tuple[StopSeen, Run]:
    """Return a stop with its parcels, and its run, if the actor may see it."""
    stop = session.scalar(scoped(select(Stop).where(Stop.id == stop_id), actor, permission, Stop))
    if stop is None:
        raise NoSuchRun(stop_id=stop_id)
    seen = next(each for each in stops_of(session, stop.run_id) if each.stop.id == stop_id)
    return seen, session.get_one(Run, stop.run_id)


def codes_at(session: Session, household_id: int, stop_id: int) -> list[str]:
    """Return the six digits that a household was given for its parcels of one stop; any of them proves all."""
    statement = select(Parcel.hand_over_code).where(Parcel.household_id == household_id, Parcel.stop_id == stop_id)
    return list(session.scalars(statement))


def parcel_states_of_stop(session: Session, stop_id: int) -> list[tuple[str, str | None]]:
    """Return (state, end reason) of a stop's parcels."""
    rows = session.execute(select(Parcel.state, Parcel.end_reason).where(Parcel.stop_id == stop_id))
    return [(row[0], row[1]) for row in rows]


def loaded_by_other_runs(session: Session, vehicle_id: int, run_id: int) -> int:
    """Return how many pieces on a vehicle belong to parcels of its other runs."""
    statement = (
        select(func.coalesce(func.sum(ParcelLine.quantity - ParcelLine.quantity_handed_over), 0))
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .join(Stop, Stop.id == Parcel.stop_id)
        .join(Run, Run.id == Stop.run_id)
        .where(Run.vehicle_id == vehicle_id, Run.id != run_id, Parcel.state.in_(ON_VEHICLE))
    )
    return int(session.scalar(statement) or 0)


def busy(session: Session, vehicle_id: int, departs_at: datetime, returns_at: datetime) -> Run | None:
    """Return a run that has the vehicle at that time."""
    statement = select(Run).where(
        Run.vehicle_id == vehicle_id,
        Run.state.not_in([RunState.CANCELLED, RunState.CLOSED]),
        Run.departs_at < returns_at,
        Run.returns_at > departs_at,
    )
    return session.scalar(statement.limit(1))


def numbers_on(session: Session, on: date, warehouse_ids: Iterable[int]) -> dict[int, int]:
    """Return the highest run number of a day by warehouse."""
    statement = (
        select(Run.warehouse_id, func.max(Run.number))
        .where(Run.on == on, Run.warehouse_id.in_(list(warehouse_ids)))
        .group_by(Run.warehouse_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def runs_of_driver(session: Session, driver_id: int, since: date) -> list[Run]:
    """Return a driver's published runs from a day on, the next one first."""
    states = [RunState.PUBLISHED, RunState.LOADING, RunState.ON_THE_ROAD, RunState.CLOSED]
    statement = select(Run).where(Run.driver_id == driver_id, Run.on >= since, Run.state.in_(states))
    return list(session.scalars(statement.order_by(Run.on, Run.departs_at).limit(50)))


def history(session: Session, run_id: int) -> Sequence[JournalEntry]:
    """Return what happened to a run."""
    statement = select(JournalEntry).where(JournalEntry.subject_kind == "run", JournalEntry.subject_id == run_id)
    return session.scalars(statement.order_by(JournalEntry.id).limit(50)).all()


# Contact --------------------------------------------------------------------------------------------------------------


def contact_until(run_on: date) -> datetime:
    """Return until when a driver may read addresses of a run: the end of its day and 24 hours more."""
    midnight = datetime.combine(run_on + timedelta(days=1), datetime.min.time(), HOME)
    return midnight + timedelta(hours=24)


def contact_open(of: Run, now: datetime) -> bool:
    """Tell whether a driver may read the addresses of a run now."""
    return of.state in (RunState.LOADING, RunState.ON_THE_ROAD, RunState.CLOSED) and now < contact_until(of.on)


def households(session: Session, ids: Iterable[int]) -> dict[int, Household]:
    """Return households by id: those that row-level security lets the actor read."""
    return {found.id: found for found in session.scalars(select(Household).where(Household.id.in_(list(ids))))}


# Packing --------------------------------------------------------------------------------------------------------------


def approved_shares(session: Session) -> Sequence[Any]:
    """Return the approved shares that lie in no parcel yet, with what packing must know; under lock."""
    return session.execute(
        select(
            Share.id,
            Share.need_id,
            Share.household_id,
            Share.warehouse_id,
            Share.lot_id,
            Share.place_id,
            Share.item_id,
            Share.quantity,
            Share.reservation_id,
            Need.urgency,
            Household.settlement_id,
            Warehouse.county_id,
            Item.weight_mg,
            Item.volume_ul,
            Item.storage_class,
            Item.health_related,
        )
        .join(Need, Need.id == Share.need_id)
        .join(Household, Household.id == Share.household_id)
        .join(Warehouse, Warehouse.id == Share.warehouse_id)
        .join(Item, Item.id == Share.item_id)
        .where(Share.state == ShareState.APPROVED)
        .order_by(Share.warehouse_id, Share.household_id, Need.urgency, Share.id)
        .with_for_update(of=Share)
    ).all()


def largest_vans(session: Session) -> dict[int, tuple[int, int]]:
    """Return by warehouse what its largest vehicle carries: grams, millilitres."""
    statement = select(Vehicle.warehouse_id, func.max(Vehicle.capacity_g), func.max(Vehicle.capacity_ml))
    return {
        row[0]: (row[1], row[2])
        for row in session.execute(statement.where(Vehicle.active).group_by(Vehicle.warehouse_id))
    }


def parcels_for_need(session: Session, need_id: int) -> list[Parcel]:
    """Return the parcels with goods for a need that have not left yet, under lock."""
    return _in_the_hall(session, ParcelLine.need_id == need_id)


def parcels_of_shares(session: Session, share_ids: Iterable[int]) -> list[Parcel]:
    """Return the parcels with goods of shares that have not left yet, under lock."""
    return _in_the_hall(session, among(ParcelLine.share_id, share_ids))


def _in_the_hall(session: Session, holding: ColumnElement[bool]) -> list[Parcel]:
    statement = (
        select(Parcel)
        .where(
            Parcel.id.in_(select(ParcelLine.parcel_id).where(holding)),
            Parcel.state.in_([ParcelState.READY, ParcelState.PLANNED]),
        )
        .options(selectinload(Parcel.lines))
        .order_by(Parcel.id)
        .with_for_update()
    )
    return list(session.scalars(statement))


# Fleet ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FleetAsked:
    """What a list of vehicles or drivers is narrowed to."""

    q: str | None = None
    warehouse_id: int | None = None
    active: bool | None = True


def vehicles_page(
    session: Session, actor: Actor, asked: FleetAsked, today: date, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    """Return vehicles with their warehouse, usual driver, and whether they are away today."""
    away = exists().where(
        VehicleAbsence.vehicle_id == Vehicle.id, VehicleAbsence.since <= today, VehicleAbsence.until >= today
    )
    usual = aliased(Driver)
    driver = (
        select(usual.name).where(usual.vehicle_id == Vehicle.id, usual.active).order_by(usual.id).limit(1)
    ).scalar_subquery()
    statement = (
        select(Vehicle, Warehouse.name.label("warehouse"), driver.label("driver"), away.label("away"), County.hue)
        .join(Warehouse, Warehouse.id == Vehicle.warehouse_id)
        .join(County, County.id == Vehicle.county_id)
    )
    statement = scoped(statement, actor, "fleet.read", Vehicle)
    if asked.q:
        like = asked.q.strip()
        statement = statement.where(
            or_(Vehicle.plate.icontains(like, autoescape=True), Vehicle.model.icontains(like, autoescape=True))
        )
    if asked.warehouse_id is not None:
        statement = statement.where(Vehicle.warehouse_id == asked.warehouse_id)
    if asked.active is not None:
        statement = statement.where(Vehicle.active.is_(asked.active))
    return named_page(session, statement, order=[Vehicle.plate, Vehicle.id], after=after, size=size)


def drivers_page(
    session: Session, actor: Actor, asked: FleetAsked, *, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Any]:
    """Return drivers with their warehouse and usual vehicle."""
    statement: Any = (
        select(Driver, Warehouse.name.label("warehouse"), Vehicle.plate)
        .join(Warehouse, Warehouse.id == Driver.warehouse_id)
        .outerjoin(Vehicle, Vehicle.id == Driver.vehicle_id)
    )
    statement = scoped(statement, actor, "fleet.read", Driver)
    if asked.q:
        statement = statement.where(Driver.name_key.contains(fold(asked.q), autoescape=True))
    if asked.warehouse_id is not None:
        statement = statement.where(Driver.warehouse_id == asked.warehouse_id)
    if asked.active is not None:
        statement = statement.where(Driver.active.is_(asked.active))
    return named_page(session, statement, order=[Driver.name_key, Driver.id], after=after, size=size)


def vehicle(session: Session, actor: Actor, vehicle_id: int, permission: str = "fleet.read") -> Vehicle:
    """Return a vehicle that the actor may see."""
    found = session.scalar(scoped(select(Vehicle).where(Vehicle.id == vehicle_id), actor, permission, Vehicle))
    if found is None:
        raise NoSuchVehicle(vehicle_id=vehicle_id)
    return found  # type: ignore[no-any-return]


def driver(session: Session, actor: Actor, driver_id: int, permission: str = "fleet.read") -> Driver:
    """Return a driver that the actor may see."""
    found = session.scalar(scoped(select(Driver).where(Driver.id == driver_id), actor, permission, Driver))
    if found is None:
        raise NoSuchDriver(driver_id=driver_id)
    return found  # type: ignore[no-any-return]


def absences(session: Session, vehicle_id: int, since: date) -> list[VehicleAbsence]:
    """Return when a vehicle is away, from a day on."""
    statement = select(VehicleAbsence).where(VehicleAbsence.vehicle_id == vehicle_id, VehicleAbsence.until >= since)
    return list(session.scalars(statement.order_by(VehicleAbsence.since)))


def absence(session: Session, absence_id: int) -> VehicleAbsence | None:
    """Return one absence."""
    return session.get(VehicleAbsence, absence_id)


def wrong_codes(session: Session, parcel_id: int, since: datetime) -> list[datetime]:
    """Return when wrong codes were tried on a parcel, the oldest first."""
    statement = (
        select(JournalEntry.at)
        .where(
            JournalEntry.subject_kind == "parcel",
            JournalEntry.subject_id == parcel_id,
            JournalEntry.deed == "parcel.code_wrong",
            JournalEntry.at > since,
        )
        .order_by(JournalEntry.at)
    )
    return list(session.scalars(statement))


def vehicles_of(session: Session, ids: Iterable[int]) -> dict[int, Vehicle]:
    """Return vehicles by id."""
    return {found.id: found for found in session.scalars(select(Vehicle).where(Vehicle.id.in_(list(ids))))}


def drivers_of(session: Session, ids: Iterable[int]) -> dict[int, Driver]:
    """Return drivers by id."""
    return {found.id: found for found in session.scalars(select(Driver).where(Driver.id.in_(list(ids))))}


def warehouse_names(session: Session, actor: Actor, permission: str) -> list[tuple[int, str]]:
    """Return (id, name) of the warehouses in which the actor holds a permission."""
    statement = select(Warehouse.id, Warehouse.name).order_by(Warehouse.name)
    if actor.grants.get(permission) not in (None, Scope.OWN):
        statement = statement.where(visible(actor, permission, Warehouse))
    return [(row[0], row[1]) for row in session.execute(statement)]


def vehicle_names(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Return (id, plate) of the vehicles the actor manages."""
    statement = select(Vehicle.id, Vehicle.plate).where(Vehicle.active, visible(actor, "fleet.read", Vehicle))
    return [(row[0], row[1]) for row in session.execute(statement.order_by(Vehicle.plate))]


def warehouse_of(session: Session, warehouse_id: int) -> Warehouse | None:
    """Return a warehouse."""
    return session.get(Warehouse, warehouse_id)


def county_hue(session: Session, county_id: int) -> int:
    """Return the colour number of a county's depots."""
    return session.scalar(select(County.hue).where(County.id == county_id)) or 1


def needs_of(lines: Iterable[ParcelLine]) -> set[int]:
    """Return the needs that lines serve."""
    return {line.need_id for line in lines}


def need_ids_of_parcels(session: Session, parcel_ids: Iterable[int]) -> set[int]:
    """Return the needs that parcels serve."""
    statement = select(ParcelLine.need_id).where(among(ParcelLine.parcel_id, parcel_ids))
    return set(session.scalars(statement))


def stop_of(session: Session, stop_id: int) -> Stop:
    """Return a stop."""
    found = session.get(Stop, stop_id)
    if found is None:
        raise NoSuchRun(stop_id=stop_id)
    return found


def by_id(rows: Iterable[Any]) -> Mapping[int, Any]:
    """Return rows by their id."""
    return {row.id: row for row in rows}


def warehouse_of_operation(session: Session, actor: Actor, parcel_id: Any) -> int | None:
    """Return whose discrepancy it is when a device's deed with a parcel is refused: the parcel's, or the driver's."""
    if isinstance(parcel_id, int):
        seen = or_(*[visible(actor, permission, Parcel) for permission in ("runs.load", "runs.drive")])
        found = session.scalar(select(Parcel.warehouse_id).where(Parcel.id == parcel_id, seen))
        if found is not None:
            return found
    own = actor.reach.get(Scope.OWN, ()) if actor.may("runs.drive") else ()
    return session.scalar(select(Driver.warehouse_id).where(Driver.id.in_(own)).limit(1)) if own else None
