"""Warehouses, vehicles, drivers, partners and donors of the invented country."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, insert, select

from app.delivery.models import Driver, Vehicle
from app.donations.models import Donor, Offer, OfferLine, OfferState
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.geography.models import County, Settlement
from app.partners.models import Agreement, Organisation, OrganisationKind, ServiceArea
from app.stock import service as stock
from app.stock.models import Place, PlaceKind, Warehouse
from scripts.demo import names
from scripts.demo.plan import SEATS, Size

AISLES = (("A", "ambient", 6, 4), ("B", "ambient", 6, 4), ("C", "ambient", 6, 4), ("D", "ambient", 6, 4))
MODELS = (
    # model, grams, millilitres, pallets, licence, fixed, per km, per hour (forints)
    ("Ducato", 1_200_000, 11_500_000, 4, "B", 6_000, 120, 3_600),
    ("Transit", 1_150_000, 11_000_000, 4, "B", 6_000, 118, 3_600),
    ("Master", 1_300_000, 12_500_000, 5, "B", 6_500, 124, 3_600),
    ("Sprinter", 1_100_000, 14_000_000, 5, "B", 7_000, 128, 3_600),
    ("Crafter", 1_250_000, 14_500_000, 5, "B", 7_000, 130, 3_600),
    ("Boxer", 1_200_000, 11_500_000, 4, "B", 6_000, 119, 3_600),
    ("Movano", 1_300_000, 12_800_000, 5, "B", 6_500, 125, 3_600),
    ("Daily", 3_400_000, 22_000_000, 10, "C", 11_000, 190, 4_400),
)
KIND_NAMES = {
    OrganisationKind.FAMILY_SUPPORT: "Család- és Gyermekjóléti Szolgálat",
    OrganisationKind.HEALTH_VISITOR: "Védőnői Szolgálat",
    OrganisationKind.SCHOOL: "Általános Iskola",
    OrganisationKind.KINDERGARTEN: "Óvoda",
    OrganisationKind.NOTARY: "Közös Önkormányzati Hivatal",
    OrganisationKind.PARISH: "Plébánia",
    OrganisationKind.NGO: "Esély Egyesület",
    OrganisationKind.VILLAGE_CARETAKER: "Falugondnoki Szolgálat",
    OrganisationKind.HOMELESS_CARE: "Utcai Szociális Munka",
    OrganisationKind.GP: "Háziorvosi Rendelő",
}


def warehouses(uow: UnitOfWork) -> list[Warehouse]:
    """Open a warehouse with its places in every county."""
    opened = []
    counties = {county.name: county for county in uow.session.scalars(select(County))}
    for county_name, (code, settlement_name) in SEATS.items():
        county = counties[county_name]
        seat = uow.session.scalars(select(Settlement).filter_by(county_id=county.id, name=settlement_name)).one()
        warehouse = stock.open_warehouse(
            uow,
            code=code,
            name=settlement_name,
            county_id=county.id,
            settlement_id=seat.id,
            lat=seat.lat,
            lon=seat.lon,
            storage_classes=["ambient", "bulky", "chilled", "frozen"],
        )
        shelves = [
            (f"{code}-{aisle}-{bay:02d}-{level}", storage)
            for aisle, storage, bays, levels in AISLES
            for bay in range(1, bays + 1)
            for level in range(1, levels + 1)
        ]
        shelves += [(f"{code}-H-{bay:02d}-{level}", "chilled") for bay in (1, 2) for level in (1, 2, 3)]
        shelves += [(f"{code}-F-01-{level}", "frozen") for level in (1, 2, 3)]
        shelves += [(f"{code}-UDV-{bay}", "bulky") for bay in range(1, 7)]
        uow.session.execute(
            insert(Place),
            [
                {
                    "warehouse_id": warehouse.id,
                    "county_id": county.id,
                    "code": place_code,
                    "kind": PlaceKind.SHELF,
                    "storage_class": storage,
                }
                for place_code, storage in shelves
            ],
        )
        opened.append(warehouse)
    return opened


def fleet(uow: UnitOfWork, chance: Random, opened: list[Warehouse], size: Size) -> None:
    """Buy vehicles and find drivers, more where more settlements have to be reached."""
    counts = select(Settlement.county_id, func.count()).group_by(Settlement.county_id)
    settlements = {row[0]: row[1] for row in uow.session.execute(counts)}
    # Towns need more than one stop, the capital as many as a county.
    weights = [settlements[home.county_id] + (180 if home.code == "BUD" else 60) for home in opened]
    homes = list(opened)
    for _ in range(size.vehicles - len(opened)):
        vans = Counter(home.code for home in homes)
        homes.append(max(zip(opened, weights, strict=True), key=lambda pair: pair[1] / vans[pair[0].code])[0])
    taken: set[str] = set()
    homes.sort(key=lambda home: home.code)
    for number, warehouse in enumerate(homes):
        model, grams, millilitres, pallets, licence, fixed, per_km, per_hour = chance.choices(
            MODELS, [4, 4, 4, 3, 3, 4, 4, 2]
        )[0]
        classes = ["ambient", "bulky"]
        # Every warehouse has a van that cools, freezes and may carry what burns; the others as it happened.
        first = number == 0 or homes[number - 1].id != warehouse.id
        for storage, likely in (("chilled", 0.35), ("frozen", 0.1), ("hazardous", 0.15)):
            if first or chance.random() < likely:
                classes.append(storage)
        number_plate = names.plate(chance, taken)
        place = Place(
            warehouse_id=warehouse.id,
            county_id=warehouse.county_id,
            code=f"{warehouse.code}-{number_plate}",
            kind=PlaceKind.VEHICLE,
        )
        uow.session.add(place)
        uow.session.flush()
        vehicle = Vehicle(
            plate=number_plate,
            model=model,
            warehouse_id=warehouse.id,
            county_id=warehouse.county_id,
            place_id=place.id,
            capacity_g=grams,
            capacity_ml=millilitres,
            capacity_pallets=pallets,
            storage_classes=classes,
            tail_lift=licence == "C",
            licence=licence,
            cost_fixed_huf=fixed,
            cost_per_km_huf=per_km,
            cost_per_hour_huf=per_hour,
        )
        uow.session.add(vehicle)
        uow.session.flush()
        volunteer = licence == "B" and chance.random() < 0.4
        name = names.person(chance)
        uow.session.add(
            Driver(
                name=name,
                name_key=fold(name),
                licence=licence,
                warehouse_id=warehouse.id,
                county_id=warehouse.county_id,
                vehicle_id=vehicle.id,
                shift_starts_at=time(8) if volunteer else time(7),
                shift_ends_at=time(16),
                volunteer=volunteer,
            )
        )


def partners(uow: UnitOfWork, chance: Random, size: Size, today: date) -> list[Organisation]:
    """Invite partner organisations in every county; the first one serves Csenyéte and is the demo partner's."""
    kinds = list(KIND_NAMES)
    counties = list(uow.session.scalars(select(County).order_by(County.name)))
    towns: dict[int, list[Settlement]] = {county.id: [] for county in counties}
    for settlement in uow.session.scalars(
        select(Settlement).where(Settlement.population.is_not(None)).order_by(Settlement.name)
    ):
        towns[settlement.county_id].append(settlement)
    csenyete = uow.session.scalars(select(Settlement).filter_by(name="Csenyéte")).one()
    encs = uow.session.scalars(select(Settlement).filter_by(name="Encs", county_id=csenyete.county_id)).one()
    invited = []
    for number in range(size.organisations):
        if number == 0:
            home, kind = encs, OrganisationKind.FAMILY_SUPPORT
        else:
            home = chance.choice(towns[counties[number % len(counties)].id])
            kind = kinds[number % len(kinds)]
        name = f"{home.name}i {KIND_NAMES[kind]}"
        organisation = Organisation(
            kind=kind,
            name=name,
            name_key=fold(name),
            county_id=home.county_id,
            settlement_id=home.id,
            email=f"partner{number + 1}@adomanybank.example",
            phone=names.phone(chance),
            created_at=uow.now - timedelta(days=chance.randint(90, 900)),
        )
        starts_on = today - timedelta(days=chance.randint(60, 700))
        ended = number > 2 and number % 23 == 0
        organisation.agreements.append(
            Agreement(starts_on=starts_on, ends_on=today - timedelta(days=9) if ended else today + timedelta(days=400))
        )
        organisation.service_area.append(ServiceArea(county_id=home.county_id))
        uow.session.add(organisation)
        invited.append(organisation)
    uow.session.flush()
    return invited


def donors(uow: UnitOfWork, chance: Random, size: Size, opened: list[Warehouse], today: date) -> list[Offer]:
    """Find donors and let them offer; some offers wait for an answer, most are closed."""
    from app.catalogue.models import Item

    items = list(uow.session.scalars(select(Item).order_by(Item.id)))
    known = []
    for number in range(size.donors):
        company = number < len(names.COMPANIES) * 2
        donor = Donor(
            kind="company" if company else "person",
            name=f"{names.COMPANIES[number % len(names.COMPANIES)]} {'Kft.' if number % 2 else 'Zrt.'}"
            if company
            else "magánszemély",
            name_key="",
            created_at=uow.now - timedelta(days=chance.randint(10, 800)),
        )
        donor.name_key = fold(donor.name)
        donor.contact_name, donor.phone = names.person(chance), names.phone(chance)
        donor.email = f"donor{number + 1}@adomanybank.example"
        uow.session.add(donor)
        known.append(donor)
    uow.session.flush()
    offers: list[Offer] = []
    states = [OfferState.OFFERED] * 3 + [OfferState.ACCEPTED] * 4 + [OfferState.DECLINED] + [OfferState.CLOSED] * 16
    for _ in range(size.offers):
        warehouse, state = chance.choice(opened), chance.choice(states)
        offered_at = uow.now - timedelta(
            days=chance.randint(0, 6) if state == OfferState.OFFERED else chance.randint(7, 200)
        )
        offer = Offer(
            donor_id=chance.choice(known).id,
            state=state,
            county_id=warehouse.county_id,
            warehouse_id=None if state in (OfferState.OFFERED, OfferState.DECLINED) else warehouse.id,
            collection=chance.random() < 0.3,
            until=today + timedelta(days=chance.randint(5, 40)),
            decline_reason="Nincs hozzá hűtött hely." if state == OfferState.DECLINED else None,
            offered_at=offered_at,
            decided_at=None if state == OfferState.OFFERED else offered_at + timedelta(hours=20),
            closed_at=offered_at + timedelta(days=3) if state == OfferState.CLOSED else None,
        )
        for item in chance.sample(items, chance.randint(1, 4)):
            quantity = chance.choice((40, 60, 120, 240, 480)) * max(1, item.usual_quantity // 4)
            offer.lines.append(
                OfferLine(
                    item_id=item.id,
                    quantity=quantity,
                    arrived=quantity if state == OfferState.CLOSED else 0,
                    expires_on=today + timedelta(days=chance.randint(60, 400)) if item.tracks_expiry else None,
                )
            )
        uow.session.add(offer)
        offers.append(offer)
    uow.session.flush()
    return offers


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a moment of a day in Budapest."""
    from zoneinfo import ZoneInfo

    return datetime.combine(day, time(hour, minute), ZoneInfo("Europe/Budapest"))


Rows = list[dict[str, Any]]
