"""What waits for a person, what runs now, and what was handed over lately. Each task costs one SQL statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from app.allocation import queries as allocation
from app.allocation.models import AllocationRun, MissingShare
from app.allocation.models import RunState as AllocationState
from app.allocation.states import PIECES_LOST
from app.catalogue.models import Category, Item
from app.delivery.models import Parcel, ParcelState, Run, RunState, Stop, StopState, Vehicle, VehicleAbsence
from app.donations.models import Offer, OfferState
from app.foundation.actor import Actor, Scope
from app.foundation.clock import HOME
from app.foundation.job import Job, JobState
from app.foundation.scope import visible
from app.foundation.words import Message, say
from app.geography.models import County, Settlement
from app.needs.models import WAITING, Need, NeedState, Signal, SignalState
from app.planning.models import Plan, PlanState
from app.stock.models import Balance, Lot, LotState, Place, PlaceKind, Review, ReviewState, Warehouse
from app.stock.queries import AT_ROOT, ROOT, STANDS_IN
from app.stock.totals import below_least
from app.stocktakes.models import Stocktake, StocktakeState
from app.transfers import queries as transfers

TASKS_MAX = 6
EXPIRES_SOON_DAYS = 30
PUBLISH_BY = time(17)
CHART_DAYS = 7
NAMED = 3
RUNS_AHEAD = (RunState.PUBLISHED, RunState.LOADING, RunState.ON_THE_ROAD)


@dataclass(frozen=True)
class Task:
    """Something that waits: how many, what, why it matters, and where it is done."""

    number: int | None
    text: Message
    reason: Message | str | None
    place: str
    arguments: dict[str, Any] = field(default_factory=dict)
    kind: str = ""
    """How much it presses: attention, refused, act or nothing."""
    badge: Message | None = None
    icon: str | None = None


@dataclass(frozen=True)
class RunNow:
    """A run of today and how far it is."""

    id: int
    number: int
    hue: int
    name: str
    warehouse: str
    state: str
    stops: int
    done: int
    late_seconds: int
    leaves_at: datetime


@dataclass(frozen=True)
class DayBar:
    """What one day saw."""

    day: date
    handed_over: int
    brought_back: int


def today(now: datetime) -> date:
    """Return the date at home."""
    return now.astimezone(HOME).date()


def _count(session: Session, statement: Select[Any]) -> int:
    return session.scalar(statement) or 0


# Signals and needs


def signals_waiting(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Signals that nobody has decided on; those past a working day are named first."""
    where = and_(visible(actor, "signals.read", Signal), Signal.decided_at.is_(None))
    row = session.execute(
        select(
            func.count(),
            func.count().filter(and_(Signal.acknowledged_at.is_(None), Signal.acknowledge_by < now)),
            func.count().filter(Signal.urgency == 1),
        ).where(where)
    ).one()
    if not row[0]:
        return None
    late, urgent = row[1], row[2]
    reason = (
        say("%(late)s of them past one working day, %(urgent)s of the first class", late=late, urgent=urgent)
        if late
        else say("%(urgent)s of the first class; all within one working day", urgent=urgent)
    )
    return Task(
        row[0], say("signals wait for a decision"), reason, "signals", kind="attention" if late else "",
        badge=say("overdue") if late else None,
    )  # fmt: skip


def needs_open(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Needs without a share, the most urgent class in words."""
    where = and_(visible(actor, "needs.read", Need), Need.state == NeedState.OPEN, Need.closed_at.is_(None))
    row = session.execute(
        select(func.count(), func.count().filter(Need.urgency == 1), func.min(Need.opened_at)).where(where)
    ).one()
    if not row[0]:
        return None
    waited = int((now - row[2]).total_seconds())
    reason = say(
        "%(urgent)s of the first class; the longest has waited %(wait_seconds)s", urgent=row[1], wait_seconds=waited
    )
    return Task(row[0], say("needs are open, without a share"), reason, "needs", kind="refused" if row[1] else "")


def pieces_lost(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Needs whose reserved pieces turned out not to be there."""
    run = allocation.latest_run(session, actor)
    lost = allocation.needs_that_lost(session, actor, run.id) if run else 0
    if run is None or not lost:
        return None
    return Task(
        lost, say("needs lost their reserved pieces"), say("counted short, written off or held apart; open again"),
        "allocation", {"run_id": run.id, "code": PIECES_LOST}, kind="attention",
    )  # fmt: skip


def proposal_waiting(session: Session, actor: Actor, now: datetime) -> Task | None:
    """An allocation that was proposed and not yet approved."""
    statement = select(AllocationRun.id, AllocationRun.proposed_at, AllocationRun.county_id).where(
        AllocationRun.state == AllocationState.PROPOSED
    )
    if actor.grants.get("allocation.approve") is not Scope.ALL:
        statement = statement.where(
            or_(
                AllocationRun.county_id.in_(actor.reach.get(Scope.COUNTY, ())),
                AllocationRun.county_id.is_(None),
            )
        )
    row = session.execute(statement.order_by(AllocationRun.id.desc()).limit(1)).first()
    if row is None:
        return None
    missing = _count(
        session,
        select(func.count()).where(visible(actor, "allocation.read", MissingShare), MissingShare.run_id == row[0]),
    )
    return Task(
        missing or None,
        say("missing shares in the proposal to approve") if missing else say("An allocation waits for approval"),
        say("proposed: %(proposed_at)s", proposed_at=row[1].isoformat() if row[1] else ""), "allocation",
        {"run_id": row[0]}, kind="act", badge=say("to approve"),
    )  # fmt: skip


# Donations


def offers_waiting(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Offers that nobody has accepted or declined."""
    row = session.execute(
        select(func.count(), func.min(Offer.until)).where(
            visible(actor, "donations.read", Offer), Offer.state == OfferState.OFFERED
        )
    ).one()
    if not row[0]:
        return None
    reason = say("the first is only good until %(until_on)s", until_on=row[1].isoformat()) if row[1] else None
    return Task(row[0], say("offers wait for an answer"), reason, "offers", icon="gift")


def _waiting_here(session: Session, actor: Actor) -> Any:
    """Return how many offers, discrepancies and stocktakes wait in a warehouse, and its name; asked once for a page."""
    known = session.info.get("reports.waiting")
    if known is None or known[0] is not actor:
        reach = actor.reach.get(Scope.WAREHOUSE, ())
        parts = {
            "offers": select(func.count()).where(
                visible(actor, "donations.read", Offer), Offer.state == OfferState.ACCEPTED
            ),
            "reviews": select(func.count()).where(
                visible(actor, "stock.review", Review), Review.state == ReviewState.OPEN
            ),
            "stocktakes": select(func.count()).where(
                visible(actor, "stocktakes.manage", Stocktake), Stocktake.state == StocktakeState.TO_APPROVE
            ),
            "warehouse": select(Warehouse.name).where(Warehouse.id == (reach[0] if reach else 0)),
        }
        row = session.execute(select(*(part.scalar_subquery().label(name) for name, part in parts.items()))).one()
        known = session.info["reports.waiting"] = (actor, row)
    return known[1]


def offers_expected(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Accepted offers that have not arrived."""
    number = _waiting_here(session, actor).offers
    if not number:
        return None
    return Task(
        number, say("Arrival"), say("accepted offers that have not come yet"), "arrivals", icon="package-import"
    )


# Stock


def _shelves(session: Session, actor: Actor, now: datetime) -> Any:
    """Return what there is to be done about what lies somewhere, in one statement, asked once for a page."""
    known = session.info.get("reports.shelves")
    if known is None or known[0] is not actor or known[1] != now:
        day, real = today(now), and_(Balance.guarded, Balance.on_hand > 0)
        soon = and_(real, Balance.expires_on.between(day, day + timedelta(days=EXPIRES_SOON_DAYS)))
        dock, stands = and_(STANDS_IN == PlaceKind.DOCK, Balance.on_hand > 0), func.coalesce(ROOT.id, Place.id)
        discrepancy = and_(Place.kind == PlaceKind.DISCREPANCY, Balance.on_hand != 0)
        row = session.execute(
            select(
                func.count().filter(soon).label("expiring"),
                func.min(Balance.expires_on).filter(soon).label("first_expiry"),
                func.count().filter(real, Balance.expires_on < day).label("expired"),
                func.count().filter(dock).label("on_dock"),
                func.count(func.distinct(stands)).filter(dock).label("docks"),
                func.min(stands).filter(dock).label("dock_id"),
                func.count().filter(real, Lot.state != LotState.FREE).label("not_free"),
                func.count().filter(discrepancy).label("differences"),
            )
            .select_from(Balance)
            .join(Place, Place.id == Balance.place_id)
            .outerjoin(ROOT, AT_ROOT)
            .join(Lot, Lot.id == Balance.lot_id)
            .where(visible(actor, "stock.read", Balance), Balance.on_hand != 0)
        ).one()
        known = session.info["reports.shelves"] = (actor, now, row)
    return known[2]


def lots_expiring(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Lots on a shelf whose days are numbered."""
    here = _shelves(session, actor, now)
    if not here.expiring:
        return None
    return Task(
        here.expiring, say("lots expire within 30 days"),
        say("the first: %(expires_on)s", expires_on=here.first_expiry.isoformat()), "stock_expiring",
        icon="calendar-due",
    )  # fmt: skip


def lots_expired(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Lots on a shelf that are past their day: nobody may pick them."""
    number = _shelves(session, actor, now).expired
    if not number:
        return None
    return Task(
        number, say("lots are past their day"), say("to be written off or put into quarantine"), "stock_expired",
        kind="attention", badge=say("expired"), icon="calendar-x",
    )  # fmt: skip


def on_the_dock(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Lots that have arrived and have no shelf yet."""
    here = _shelves(session, actor, now)
    if not here.on_dock:
        return None
    where = {"place_id": here.dock_id} if here.docks == 1 else {}
    return Task(here.on_dock, say("Putting away"), say("waits on the dock"), "put_away", where, icon="stack-push")


def in_quarantine(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Lots that somebody has to look at."""
    number = _shelves(session, actor, now).not_free
    if not number:
        return None
    return Task(number, say("lots in quarantine"), say("to be released or written off"), "stock_quarantine")


def discrepancies_open(session: Session, actor: Actor, now: datetime) -> Task | None:
    """What phones saw and the books did not, and nobody has resolved."""
    number = _waiting_here(session, actor).reviews
    if not number:
        return None
    return Task(
        number, say("discrepancies to look at"), say("what phones saw and the books did not"), "discrepancies",
        kind="attention", badge=say("to resolve"), icon="scale",
    )  # fmt: skip


def stocktakes_to_approve(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Stocktakes that are counted and wait for a manager who did not count."""
    number = _waiting_here(session, actor).stocktakes
    if not number:
        return None
    return Task(
        number, say("stocktakes to approve"), say("by somebody who did not count"), "stocktakes", kind="act",
        badge=say("to approve"), icon="clipboard-list",
    )  # fmt: skip


def differences(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Where shelf and book disagreed: balances on discrepancy places."""
    number = _shelves(session, actor, now).differences
    if not number:
        return None
    return Task(
        number, say("differences between shelf and book"), say("somebody has to count again"), "stock_differences",
        kind="attention", badge=say("to count"),
    )  # fmt: skip


def levels_below(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Items of which a warehouse has less than it should."""
    number = below_least(session, actor, today(now))
    if not number:
        return None
    return Task(
        number, say("items are below their least"), say("where more can come from is shown"), "levels_below",
        kind="attention", icon="scale",
    )  # fmt: skip


# Transfers


def transfers_here(session: Session, actor: Actor, now: datetime) -> Task | None:
    """What other warehouses wait for, what is on its way here, and what did not arrive: the one that presses most."""
    counts = transfers.count_transfers(session, actor, transfers.TransferAsked())
    if counts["differences"]:
        return Task(
            counts["differences"], say("transfers with something missing"),
            say("somebody has to say what became of it"), "transfers_differences", kind="attention",
            badge=say("to settle"),
        )  # fmt: skip
    if counts["pick"]:
        return Task(
            counts["pick"], say("transfers wait to be picked and sent"),
            say("expected here: %(expected)s", expected=counts["expected"]), "transfers_pick", icon="truck",
        )  # fmt: skip
    if counts["expected"]:
        return Task(
            counts["expected"], say("transfers are expected here"), say("their notes say what is in them"),
            "transfers_expected", icon="truck",
        )  # fmt: skip
    return None


# Runs and plans


def parcels_ready(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Parcels that have no run."""
    row = session.execute(
        select(func.count(), func.count().filter(Parcel.urgency == 1), func.min(Parcel.made_at)).where(
            visible(actor, "runs.read", Parcel), Parcel.state == ParcelState.READY
        )
    ).one()
    if not row[0]:
        return None
    return Task(
        row[0], say("parcels wait for a run"),
        say("%(urgent)s of the first class, the oldest since %(made_at)s", urgent=row[1], made_at=row[2].isoformat()),
        "plans",
    )  # fmt: skip


def draft_plan(session: Session, actor: Actor, now: datetime) -> Task | None:
    """The newest draft of a coming day, and what it leaves out."""
    row = session.execute(
        select(Plan.id, Plan.on, Plan.figures, Plan.state)
        .where(Plan.on >= today(now), Plan.state.in_((PlanState.DRAFT, PlanState.SOLVING, PlanState.QUEUED)))
        .order_by(Plan.on, Plan.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    figures = row.figures or {}
    left = (figures.get("stops") or 0) - (figures.get("served") or 0)
    if row.state != PlanState.DRAFT:
        return Task(
            None, say("A plan is being made: %(plan_on)s", plan_on=row.on.isoformat()), None, "plan",
            {"plan_id": row.id}, kind="act", badge=say("under way"), icon="loader-2",
        )  # fmt: skip
    return Task(
        left, say("stops left out of the draft plan: %(plan_on)s", plan_on=row.on.isoformat()),
        say("%(served)s stops served by %(runs)s runs; not yet published",
            served=figures.get("served") or 0, runs=figures.get("runs") or 0),
        "plan", {"plan_id": row.id}, kind="act", badge=say("to publish"),
    )  # fmt: skip


def runs_to_load(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Published runs that are not on the road yet, the next departure in words."""
    row = session.execute(
        select(func.count(func.distinct(Run.id)), func.count(Parcel.id), func.min(Run.departs_at))
        .select_from(Run)
        .join(Stop, Stop.run_id == Run.id, isouter=True)
        .join(Parcel, and_(Parcel.stop_id == Stop.id, Parcel.state == ParcelState.PLANNED), isouter=True)
        .where(visible(actor, "runs.read", Run), Run.state.in_((RunState.PUBLISHED, RunState.LOADING)))
    ).one()
    if not row[0]:
        return None
    return Task(
        row[1], say("Loading"),
        say("parcels on %(runs)s runs, the first leaves %(departs_at)s", runs=row[0], departs_at=row[2].isoformat()),
        "runs", icon="truck-loading",
    )  # fmt: skip


def runs_to_close(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Runs that should be back: what was not handed over must go on the books again."""
    row = session.execute(
        select(func.count(func.distinct(Run.id)), func.count(Parcel.id))
        .select_from(Run)
        .join(Stop, Stop.run_id == Run.id, isouter=True)
        .join(
            Parcel,
            and_(Parcel.stop_id == Stop.id, Parcel.state.in_((ParcelState.LOADED, ParcelState.PARTLY))),
            isouter=True,
        )
        .where(visible(actor, "runs.read", Run), Run.state == RunState.ON_THE_ROAD, Run.returns_at < now)
    ).one()
    if not row[0]:
        return None
    return Task(
        row[0], say("runs wait to be closed"),
        say("back to the warehouse: %(parcels)s parcels not handed over", parcels=row[1]) if row[1] else None, "runs",
    )  # fmt: skip


def vehicles_away(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Vehicles that cannot be had tomorrow."""
    tomorrow = today(now) + timedelta(days=1)
    plates = session.scalars(
        select(Vehicle.plate)
        .join(VehicleAbsence, VehicleAbsence.vehicle_id == Vehicle.id)
        .where(
            visible(actor, "fleet.read", Vehicle),
            Vehicle.active,
            VehicleAbsence.since <= tomorrow,
            VehicleAbsence.until >= tomorrow,
        )
        .order_by(Vehicle.plate)
    ).all()
    if not plates:
        return None
    named = ", ".join(plates[:NAMED]) + (" …" if len(plates) > NAMED else "")
    return Task(len(plates), say("vehicles are away tomorrow"), named, "vehicles")


def own_run(session: Session, actor: Actor, now: datetime) -> Task | None:
    """The driver's run of today, or the next one."""
    row = session.execute(
        select(Run.id, Run.number, Run.on, Run.departs_at, Run.state, func.count(Stop.id),
               func.count(Stop.id).filter(Stop.state == StopState.PLANNED))
        .join(Stop, Stop.run_id == Run.id, isouter=True)
        .where(
            visible(actor, "runs.read", Run),
            Run.state.in_((RunState.PUBLISHED, RunState.LOADING, RunState.ON_THE_ROAD)),
        )
        .group_by(Run.id)
        .order_by(Run.on, Run.departs_at)
        .limit(1)
    ).first()  # fmt: skip
    if row is None:
        return None
    return Task(
        row[6], say("stops on run %(number)s", number=row[1]),
        say("leaves %(departs_at)s", departs_at=row[3].isoformat()), "drive", {"run_id": row[0]}, icon="steering-wheel",
    )  # fmt: skip


# Signalling partners, donors, those who look after the system


def own_signals(session: Session, actor: Actor, now: datetime) -> Task | None:
    """The organisation's signals that are still being looked at."""
    row = session.execute(
        select(func.count(), func.count().filter(Signal.state == SignalState.RECEIVED)).where(
            visible(actor, "signals.read", Signal), Signal.state.in_((SignalState.RECEIVED, SignalState.ACKNOWLEDGED))
        )
    ).one()
    if not row[0]:
        return None
    return Task(row[0], say("signals are being looked at"), say("answered within one working day"), "own_signals")


def own_needs(session: Session, actor: Actor, now: datetime) -> Task | None:
    """What the organisation has reported and is on its way."""
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Need.state.in_((NeedState.PLANNED, NeedState.LOADED))),
        ).where(
            Need.organisation_id.in_(actor.reach.get(Scope.ORGANISATION, ())),
            Need.state.in_(WAITING),
            Need.closed_at.is_(None),
        )
    ).one()
    if not row[0]:
        return None
    return Task(
        row[0],
        say("confirmed needs are not met yet"),
        say("%(moving)s of them are on a run", moving=row[1]),
        "own_signals",
    )


def own_offers(session: Session, actor: Actor, now: datetime) -> Task | None:
    """The donor's offers that are open."""
    number = _count(
        session,
        select(func.count()).where(
            visible(actor, "offers.own", Offer), Offer.state.in_((OfferState.OFFERED, OfferState.ACCEPTED))
        ),
    )
    return Task(number, say("offers are open"), None, "own_offers") if number else None


def failed_jobs(session: Session, actor: Actor, now: datetime) -> Task | None:
    """Jobs that did not succeed in the last week."""
    where = [Job.state == JobState.FAILED, Job.finished_at > now - timedelta(days=7)]
    if actor.grants.get("jobs.read") is not Scope.ALL:
        where.append(Job.promised_by_id == actor.id)
    number = _count(session, select(func.count()).select_from(Job).where(*where))
    if not number:
        return None
    return Task(
        number, say("jobs did not succeed in the last week"), None, "jobs_failed", kind="attention", badge=say("look")
    )


TASKS: dict[str, tuple[Callable[[Session, Actor, datetime], Task | None], ...]] = {
    "admin": (failed_jobs,),
    "national_coordinator": (
        signals_waiting,
        needs_open,
        pieces_lost,
        proposal_waiting,
        draft_plan,
        parcels_ready,
        offers_waiting,
    ),
    "county_coordinator": (
        signals_waiting,
        needs_open,
        pieces_lost,
        proposal_waiting,
        offers_waiting,
        levels_below,
        runs_to_close,
    ),
    "warehouse_manager": (
        discrepancies_open,
        stocktakes_to_approve,
        differences,
        lots_expired,
        levels_below,
        runs_to_load,
        transfers_here,
        on_the_dock,
        lots_expiring,
        offers_expected,
        in_quarantine,
    ),
    "warehouse_worker": (runs_to_load, transfers_here, offers_expected, on_the_dock, lots_expired, lots_expiring),
    "dispatcher": (draft_plan, parcels_ready, vehicles_away, runs_to_load, runs_to_close, failed_jobs),
    "driver": (own_run,),
    "partner": (own_signals, own_needs),
    "donor": (own_offers,),
    "auditor": (differences, failed_jobs),
}


def tasks(session: Session, actor: Actor, now: datetime) -> list[Task]:
    """Return what waits for this person, what presses most first."""
    found = [task for ask in TASKS.get(actor.role, ()) if (task := ask(session, actor, now)) is not None]
    return sorted(found, key=lambda task: ("refused", "attention", "act", "").index(task.kind))[:TASKS_MAX]


# What runs now, and what was handed over


def day_of_runs(session: Session, actor: Actor, now: datetime) -> date:
    """Return today, or the next day that has runs where today has none."""
    first: date | None = session.scalar(
        select(func.min(Run.on)).where(
            visible(actor, "runs.read", Run), Run.on >= today(now), Run.state.in_(RUNS_AHEAD)
        )
    )
    return first or today(now)


def runs_of(session: Session, actor: Actor, now: datetime, on: date, *, most: int = 8) -> tuple[list[RunNow], int]:
    """Return a day's runs that are loaded, on the road or ahead, the latest first, and how many there are."""
    where = and_(visible(actor, "runs.read", Run), Run.on == on, Run.state.in_(RUNS_AHEAD))
    open_stop = Stop.state == StopState.PLANNED
    next_arrival = func.min(Stop.arrives_at).filter(open_stop)
    rows = session.execute(
        select(
            Run.id, Run.number, County.hue, Vehicle.model, Vehicle.plate, Warehouse.name, Run.state,
            func.count(Stop.id), func.count(Stop.id).filter(~open_stop), next_arrival, Run.departs_at,
        )
        .join(Vehicle, Vehicle.id == Run.vehicle_id)
        .join(Warehouse, Warehouse.id == Run.warehouse_id)
        .join(County, County.id == Run.county_id)
        .join(Stop, Stop.run_id == Run.id, isouter=True)
        .where(where)
        .group_by(Run.id, County.hue, Vehicle.model, Vehicle.plate, Warehouse.name)
        .order_by(
            case((Run.state == RunState.ON_THE_ROAD, 0), (Run.state == RunState.LOADING, 1), else_=2),
            next_arrival.asc().nulls_last(),
            Run.id,
        )
        .limit(most)
    ).all()  # fmt: skip
    total = _count(session, select(func.count()).select_from(Run).where(where)) if len(rows) == most else len(rows)
    lines = []
    for run_id, number, hue, model, plate, warehouse, state, stops, done, next_at, leaves_at in rows:
        late = _late(now, next_at) if state == RunState.ON_THE_ROAD else 0
        lines.append(RunNow(run_id, number, hue, f"{model} · {plate}", warehouse, state, stops, done, late, leaves_at))
    return lines, total


def _late(now: datetime, wanted: datetime | None) -> int:
    """Return how many seconds ago something should have been."""
    return max(0, int((now - wanted).total_seconds())) if wanted is not None else 0


def drawing_of(session: Session, actor: Actor, on: date) -> dict[str, Any]:
    """Return a day's runs as the map draws them."""
    rows = session.execute(
        select(
            Run.id, Run.number, County.hue, Warehouse.id, Warehouse.name, Warehouse.lat, Warehouse.lon,
            Stop.position, Stop.lat, Stop.lon, Settlement.name, Stop.state,
        )
        .join(Warehouse, Warehouse.id == Run.warehouse_id)
        .join(County, County.id == Run.county_id)
        .join(Stop, Stop.run_id == Run.id)
        .join(Settlement, Settlement.id == Stop.settlement_id)
        .where(
            visible(actor, "runs.read", Run),
            Run.on == on,
            Run.state.in_(RUNS_AHEAD),
        )
        .order_by(Run.id, Stop.position)
        .limit(6000)
    ).all()  # fmt: skip
    runs: dict[int, dict[str, Any]] = {}
    depots: dict[int, dict[str, Any]] = {}
    for run_id, number, hue, depot_id, depot, depot_lat, depot_lon, position, lat, lon, name, state in rows:
        depots[depot_id] = {"id": depot_id, "name": depot, "lat": depot_lat, "lon": depot_lon, "hue": hue}
        run = runs.setdefault(
            run_id, {"id": run_id, "number": number, "hue": hue, "depot": [depot_lat, depot_lon], "stops": []}
        )
        run["stops"].append({"n": position, "name": name, "lat": lat, "lon": lon, "locked": state != StopState.PLANNED})
    if not depots:
        depots = {
            warehouse.id: {
                "id": warehouse.id, "name": warehouse.name, "lat": warehouse.lat, "lon": warehouse.lon, "hue": hue,
            }
            for warehouse, hue in session.execute(
                select(Warehouse, County.hue).join(County, County.id == Warehouse.county_id)
            )
        }  # fmt: skip
    return {"depots": list(depots.values()), "runs": list(runs.values()), "left": []}


def handed_over(session: Session, actor: Actor, now: datetime) -> list[DayBar]:
    """Return parcels handed over and brought back on each of the last seven days."""
    first = today(now) - timedelta(days=CHART_DAYS - 1)
    on = cast(func.timezone(HOME.key, Parcel.ended_at), Date)
    rows = session.execute(
        select(
            on,
            func.count().filter(Parcel.state == ParcelState.HANDED_OVER),
            func.count().filter(Parcel.state == ParcelState.BROUGHT_BACK),
        )
        .where(
            visible(actor, "runs.read", Parcel),
            Parcel.ended_at >= datetime(first.year, first.month, first.day, tzinfo=HOME),
        )
        .group_by(on)
    ).all()
    counts = {row[0]: (row[1], row[2]) for row in rows}
    days = [first + timedelta(days=number) for number in range(CHART_DAYS)]
    return [DayBar(day, *counts.get(day, (0, 0))) for day in days]


def recent_signals(session: Session, actor: Actor) -> list[Any]:
    """Return the organisation's newest signals with their settlement."""
    return list(
        session.execute(
            select(Signal.id, Signal.state, Signal.received_at, Signal.reference, Settlement.name.label("settlement"))
            .join(Settlement, Settlement.id == Signal.settlement_id)
            .where(visible(actor, "signals.read", Signal))
            .order_by(Signal.id.desc())
            .limit(6)
        )
    )


def needs_by_class(session: Session, actor: Actor) -> list[tuple[int, int, int]]:
    """Return (urgency class, needs that wait, of these with a share) for each class."""
    rows = session.execute(
        select(Need.urgency, func.count(), func.count().filter(Need.state != NeedState.OPEN))
        .where(visible(actor, "needs.read", Need), Need.state.in_(WAITING), Need.closed_at.is_(None))
        .group_by(Need.urgency)
        .order_by(Need.urgency)
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


def stock_by_category(session: Session, actor: Actor, language: str, *, most: int = 7) -> list[tuple[str, int, int]]:
    """Return (category, grams on hand, grams reserved) of the heaviest categories on the shelves."""
    name = Category.name_en if language == "en" else Category.name_hu
    on_hand = func.sum(Balance.on_hand * Item.weight_mg) / 1000
    rows = session.execute(
        select(name, on_hand, func.sum(Balance.reserved * Item.weight_mg) / 1000)
        .select_from(Balance)
        .join(Item, Item.id == Balance.item_id)
        .join(Category, Category.id == Item.category_id)
        .where(visible(actor, "stock.read", Balance), Balance.stocked)
        .group_by(Category.id, name)
        .order_by(on_hand.desc())
        .limit(most)
    )
    return [(row[0], int(row[1]), int(row[2])) for row in rows]


def warehouse_name(session: Session, actor: Actor) -> str | None:
    """Return the name of the one warehouse a person works in."""
    name: str | None = _waiting_here(session, actor).warehouse
    return name
