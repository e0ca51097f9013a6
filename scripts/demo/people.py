"""The demo accounts: one for every role, with a token for programs."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.accounts import service as accounts
from app.accounts.roles import SEES_FAMILIES, Role
from app.delivery.models import Driver, Vehicle
from app.donations.models import Donor
from app.foundation.unit_of_work import UnitOfWork
from app.geography.models import County
from app.partners.models import Organisation
from app.stock.models import Warehouse

FILE = "demo-accounts.json"
DOMAIN = "demo.adomanybank.example"
TOKEN_DAYS = 365


class NoDemo(Exception):
    """There are no demo accounts here."""


def invite(uow: UnitOfWork, data_dir: Path) -> None:
    """Create the accounts, and write their secrets to a file that only its owner reads."""
    session = uow.session
    counties = list(session.scalars(select(County).order_by(County.id)))
    home = session.scalars(select(Warehouse).filter_by(code="MIS")).one()
    partner = session.scalars(select(Organisation).order_by(Organisation.id)).first()
    driver = session.scalars(
        select(Driver)
        .join(Vehicle, Driver.vehicle_id == Vehicle.id)
        .where(Driver.warehouse_id == home.id, Vehicle.licence == "B")
        .order_by(Driver.id)
    ).first()
    donor = session.scalars(select(Donor).order_by(Donor.id)).first()
    assert partner and driver and donor, "partners, drivers and donors are invented before the accounts"
    everywhere = [county.id for county in counties]
    people: list[tuple[str, Role, str, dict[str, Any]]] = [
        ("partner", Role.PARTNER, "Jelző Judit", {"organisation_id": partner.id}),
        ("coordinator", Role.NATIONAL_COORDINATOR, "Koordinátor Kata", {}),
        ("county", Role.COUNTY_COORDINATOR, "Megyei Márta", {"county_ids": [home.county_id]}),
        ("dispatcher", Role.DISPATCHER, "Diszpécser Dénes", {"county_ids": everywhere}),
        ("worker", Role.WAREHOUSE_WORKER, "Raktáros Róbert", {"warehouse_id": home.id}),
        ("manager", Role.WAREHOUSE_MANAGER, "Raktárvezető Réka", {"warehouse_id": home.id}),
        ("driver", Role.DRIVER, driver.name, {"driver_id": driver.id}),
        ("donor", Role.DONOR, "Adományozó Antal", {"donor_id": donor.id}),
        ("auditor", Role.AUDITOR, "Ellenőr Elemér", {}),
        ("admin", Role.ADMIN, "Rendszergazda Rita", {}),
    ]
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    written = []
    for word, role, name, where in people:
        user = accounts.create_user(
            uow, email=f"{word}@{DOMAIN}", name=name, role=role, password=password, language="hu", **where
        )
        session.flush()
        secret = accounts.set_up_totp(uow, user_id=user.id) if role in SEES_FAMILIES else None
        _, token = accounts.make_token(uow, user_id=user.id, name="demo", days=TOKEN_DAYS)
        written.append(
            {
                "role": str(role), "email": user.email, "name": name, "password": password,
                "totp_secret": secret, "token": token,
            }
        )  # fmt: skip
    data_dir.mkdir(parents=True, exist_ok=True)
    file = os.open(data_dir / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as open_file:
        json.dump(written, open_file, ensure_ascii=False, indent=2)


def read(data_dir: Path) -> list[dict[str, Any]]:
    """Return the demo accounts; refuse where there are none."""
    path = data_dir / FILE
    if not path.exists():
        raise NoDemo(f"There are no demo accounts: {path} is missing. scripts/seed makes them in an empty database.")
    accounts_read: list[dict[str, Any]] = json.loads(path.read_text())
    return accounts_read
