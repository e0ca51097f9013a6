"""Two counties with one of everything each, and one person of each role who works in the first: own and other scope."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from app.accounts.models import User
from app.accounts.queries import actor_of
from app.accounts.roles import SEES_FAMILIES, Role
from app.foundation.actor import Actor
from app.foundation.database import make_engine, make_sessions
from app.foundation.personal import Keyring, use_keyring
from app.foundation.unit_of_work import UnitOfWork, unit_of_work
from app.geography.models import Settlement
from tests import builders as make
from tests.conftest import EVERYTHING, NOON

TOTP = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

Ids = dict[str, int]


class World:
    """What is in the two counties: ids by table, and who works in the first."""

    def __init__(self) -> None:
        self.own: Ids = {}
        self.other: Ids = {}
        self.user_ids: Ids = {}
        self.actors: dict[str, Actor] = {}


def build(uow: UnitOfWork) -> World:
    """Make the two counties and the people."""
    world = World()
    world.own, world.other = _county(uow, "AAA"), _county(uow, "BBB")
    own = world.own
    for role in Role:
        user: User = make.a_user(
            uow,
            role,
            email=f"{role}@example.org",
            county_ids=[own["county"]] if role in (Role.COUNTY_COORDINATOR, Role.DISPATCHER) else [],
            warehouse_id=own["warehouse"] if role in (Role.WAREHOUSE_MANAGER, Role.WAREHOUSE_WORKER) else None,
            organisation_id=own["organisation"] if role is Role.PARTNER else None,
            driver_id=own["driver"] if role is Role.DRIVER else None,
            donor_id=own["donor"] if role is Role.DONOR else None,
            totp=TOTP if role in SEES_FAMILIES else None,
        )
        world.user_ids[role] = user.id
        world.actors[role] = actor_of(user)
    return world


def _county(uow: UnitOfWork, code: str) -> Ids:
    county = make.a_county(uow, code)
    organisation = make.an_organisation(uow, county)
    household = make.a_household(uow, county, contact_name="Minta Anna", phone="+36 30 000 0000", street="Fő utca 1.")
    signal = make.a_signal(uow, organisation, household_id=household.id)
    need = make.a_need(uow, household, organisation, signal_id=signal.id)
    warehouse = make.a_warehouse(uow, county)
    lot = make.a_lot(uow, warehouse, on_shelf=100)
    donor = make.a_donor(uow)
    offer = make.an_offer(uow, donor, county, warehouse_id=warehouse.id)
    arrival = make.an_arrival(uow, offer, warehouse)
    vehicle = make.a_vehicle(uow, warehouse)
    driver = make.a_driver(uow, warehouse, vehicle)
    plan = make.a_plan(uow, county)
    run = make.a_run(uow, vehicle, driver, plan_id=plan.id)
    settlement = uow.session.get_one(Settlement, household.settlement_id)
    stop = make.a_stop(uow, run, settlement)
    share = make.a_share(uow, need, lot, warehouse)
    parcel = make.a_parcel(uow, share, stop)
    rows: dict[str, Any] = {
        "county": county,
        "settlement": settlement,
        "organisation": organisation,
        "household": household,
        "signal": signal,
        "need": need,
        "warehouse": warehouse,
        "place": make.the_place(uow, warehouse),
        "lot": lot,
        "donor": donor,
        "offer": offer,
        "arrival": arrival,
        "vehicle": vehicle,
        "driver": driver,
        "run": run,
        "stop": stop,
        "share": share,
        "parcel": parcel,
        "proof": make.a_proof(uow, parcel),
        "plan": plan,
        "need_exclusion": make.an_exclusion(uow, need),
        "voucher": make.a_voucher(uow, warehouse),
        "review": make.a_review(uow, warehouse),
        "stock_level": make.a_level(uow, warehouse, make.an_item(uow)),
        "box": make.a_box(uow, warehouse),
        "transfer": make.a_transfer(uow, warehouse, make.a_warehouse(uow, county), lot),
        "stocktake": make.a_stocktake(uow, warehouse, lot),
        "write_off": make.a_write_off(uow, warehouse, lot),
        "conversion": make.a_conversion(uow, warehouse, lot),
        "data_import": make.an_import(uow, warehouse),
    }
    ids: Ids = {name: row.id for name, row in rows.items()}
    ids["item"], ids["allocation_run"] = lot.item_id, share.run_id
    for table, column, parent in (
        ("agreement", "organisation_id", "organisation"),
        ("service_area", "organisation_id", "organisation"),
        ("signal_line", "signal_id", "signal"),
        ("missing_share", "need_id", "need"),
        ("movement", "lot_id", "lot"),
        ("balance", "lot_id", "lot"),
        ("offer_line", "offer_id", "offer"),
        ("arrival_line", "arrival_id", "arrival"),
        ("parcel_line", "parcel_id", "parcel"),
        ("plan_version", "plan_id", "plan"),
        ("box_move", "box_id", "box"),
        ("transfer_line", "transfer_id", "transfer"),
        ("transfer_lot", "transfer_id", "transfer"),
        ("stocktake_count", "stocktake_id", "stocktake"),
        ("stocktake_line", "stocktake_id", "stocktake"),
        ("stocktake_place", "stocktake_id", "stocktake"),
        ("write_off_line", "write_off_id", "write_off"),
        ("write_off_photo", "write_off_id", "write_off"),
        ("conversion_lot", "conversion_id", "conversion"),
    ):
        ids[table] = _first(uow, table, column, ids[parent])
    ids["vehicle_absence"] = make.an_absence(uow, vehicle).id
    return ids


def _first(uow: UnitOfWork, table: str, column: str, id: int) -> int:
    found = uow.session.execute(text(f'SELECT min(id) FROM "{table}" WHERE {column} = :id'), {"id": id}).scalar()
    assert found is not None, f"the builders made no {table}"
    return int(found)


_BUILT: dict[str, World] = {}


def fill(database_url: str) -> None:
    """Fill a template database; the world stays known to this process."""
    use_keyring(Keyring({"test": bytes(range(32))}, bytes(range(32, 64))))
    engine = make_engine(database_url, pool_size=1)
    with unit_of_work(make_sessions(engine), EVERYTHING, lambda: NOON) as uow:
        _BUILT["world"] = build(uow)
    engine.dispose()


def the_world() -> World:
    """Return the world of the template that this process filled."""
    return _BUILT["world"]
