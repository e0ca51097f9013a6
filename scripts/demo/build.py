"""Builds the invented country, part by part, in a few transactions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from sqlalchemy import func, select, text

from app.accounts.roles import SYSTEM
from app.allocation import service as allocation
from app.catalogue import service as catalogue
from app.config import Settings
from app.foundation.database import make_engine, make_sessions
from app.foundation.personal import Keyring, use_keyring
from app.foundation.unit_of_work import unit_of_work
from app.geography import service as geography
from app.needs import service as needs
from app.planning import service as planning
from app.stock.models import Warehouse
from scripts.demo import boxes, chain, counting, families, files, goods, levels, people, shelves, transfers
from scripts.demo import country as places
from scripts.demo.plan import Size


class NotEmpty(Exception):
    """There is data already."""


def country(
    settings: Settings, *, size: Size, seed: int, today: date, plan: bool, tell: Callable[[str], None] = lambda _: None
) -> None:
    """Fill an empty database. The same seed and day give the same country.

    With ``plan`` the needs confirmed in time are allocated, approved and packed at once, and a national plan for
    tomorrow is promised to the workers.
    """
    use_keyring(Keyring(settings.personal_keys, settings.index_key))
    engine = make_engine(settings.database_url, pool_size=2, as_app_role=False, statement_seconds_max=300)
    sessions = make_sessions(engine)
    chance = Random(seed)

    with unit_of_work(sessions, SYSTEM) as uow:
        if uow.session.scalar(select(func.count()).select_from(Warehouse)):
            raise NotEmpty("There is data in this database already; the demo fills an empty one only.")
        geography.load_gazetteer(uow)
        tell("settlements")
        catalogue.load_catalogue(uow)
        tell("catalogue")
        opened = places.warehouses(uow)
        places.fleet(uow, chance, opened, size)
        tell("warehouses, vehicles and drivers")
        partners = places.partners(uow, chance, size, today)
        offers = places.donors(uow, chance, size, opened, today)
        tell("partners, donors and offers")
        shelves.fill(uow, chance, opened, offers, size, today)
        tell("lots on shelves")
        boxes.pack(uow, opened)
        tell("boxes and pallets")
        in_time, late = families.invent(uow, chance, partners, size, today)
        in_time.write(uow)
        tell("households and needs")
        people.invite(uow, settings.data_dir)
        tell("accounts")
    counting.invent(sessions, seed)
    tell("stocktakes and discrepancies")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    if plan:
        first_plan(settings, today, tell)
    with unit_of_work(sessions, SYSTEM) as uow:
        late.write(uow)
        needs.judge_signals(uow)
    tell("households that came later")
    with unit_of_work(sessions, SYSTEM) as uow:
        transfers.invent(uow, Random(seed + 3), today)
        levels.set_them(uow, Random(seed + 7))
        files.bring(uow)
    tell("transfers between warehouses")
    goods.invent(sessions, seed, today)
    tell("kits, quarantine and write-offs")
    engine.dispose()


def first_plan(settings: Settings, today: date, tell: Callable[[str], None]) -> None:
    """Allocate, approve and pack what was confirmed in time, and promise a national plan for the next working day."""
    engine = make_engine(settings.database_url, pool_size=4, statement_seconds_max=300)
    sessions = make_sessions(engine)
    with unit_of_work(sessions, SYSTEM) as uow:
        run = allocation.start(uow)
        run_id = run.id
    chain.work_off(settings, sessions)
    tell("first allocation")
    with unit_of_work(sessions, SYSTEM) as uow:
        allocation.approve(uow, run_id=run_id)
    chain.work_off(settings, sessions)
    tell("parcels packed")
    with unit_of_work(sessions, SYSTEM) as uow:
        counties = sorted(uow.session.scalars(select(Warehouse.county_id).distinct()))
        planning.start(uow, on=next_working_day(today), county_ids=counties, seconds_max=60)
    tell("national plan promised")
    engine.dispose()


def next_working_day(today: date) -> date:
    """Return the next day that is neither Saturday nor Sunday."""
    following = today + timedelta(days=1)
    while following.weekday() > 4:
        following += timedelta(days=1)
    return following
