"""Things for tests to stand on: each builder makes only what consistency needs, and takes the facts a test states.

They write rows without asking any service, so a test of one package needs no other; ``uow`` is one of `work()`.
"""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from app.accounts.models import User, UserCounty
from app.allocation.models import AllocationRun, Exclusion, MissingShare, Share
from app.boxes.models import Box, BoxMove
from app.catalogue.gtin import check_digit
from app.catalogue.models import Category, Item
from app.conversions.models import Conversion, ConversionLot
from app.delivery.models import Driver, Parcel, ParcelLine, Proof, Run, Stop, Vehicle, VehicleAbsence
from app.donations.models import Arrival, ArrivalLine, Donor, Offer, OfferLine
from app.foundation.text import sort_key
from app.foundation.unit_of_work import UnitOfWork
from app.geography.models import County, District, Settlement
from app.imports.models import Import
from app.needs.models import Household, Need, Signal, SignalLine
from app.partners.models import Agreement, Organisation, ServiceArea
from app.planning.models import Plan, PlanVersion
from app.stock.models import (
    Balance,
    Lot,
    Movement,
    Place,
    PlaceKind,
    Review,
    StockLevel,
    Voucher,
    VoucherSeries,
    Warehouse,
)
from app.stocktakes.models import Count, Stocktake, StocktakeLine, StocktakePlace
from app.transfers.models import Transfer, TransferLine, TransferLot
from app.write_offs.models import WriteOff, WriteOffLine, WriteOffPhoto

NUMBERS = itertools.count(1)
ON = date(2026, 11, 24)


def _add(uow: UnitOfWork, row: Any) -> Any:
    uow.session.add(row)
    uow.session.flush()
    return row


def a_county(uow: UnitOfWork, code: str = "BAZ") -> County:
    """Return the county of this code, made if it is not there."""
    found = uow.session.scalar(select(County).where(County.code == code))
    if found:
        return found
    name = f"County {code}"
    return _add(
        uow, County(code=code, name=name, name_key=sort_key(name), nuts3=f"HU{code}", seat=f"Seat {code}", hue=1)
    )


def a_settlement(uow: UnitOfWork, county: County | None = None, name: str | None = None) -> Settlement:
    """Return a new settlement in a district of its own county."""
    county = county or a_county(uow)
    district = uow.session.scalar(select(District).where(District.county_id == county.id))
    if district is None:
        seat = f"District {county.code}"
        district = _add(uow, District(county_id=county.id, name=seat, name_key=sort_key(seat), seat=seat))
    name = name or f"Village {next(NUMBERS)}"
    return _add(
        uow,
        Settlement(
            county_id=county.id, district_id=district.id, name=name, name_key=sort_key(name), lat=48.3, lon=21.0
        ),
    )


def an_organisation(uow: UnitOfWork, county: County | None = None, **facts: Any) -> Organisation:
    """Return a partner with an agreement and a service area."""
    settlement = a_settlement(uow, county)
    name = facts.pop("name", f"Family support {next(NUMBERS)}")
    made = _add(
        uow,
        Organisation(
            **{
                "kind": "family_support",
                "name": name,
                "name_key": sort_key(name),
                "county_id": settlement.county_id,
                "settlement_id": settlement.id,
                "created_at": uow.now,
                **facts,
            }
        ),
    )
    day = uow.now.date()
    _add(
        uow, Agreement(organisation_id=made.id, starts_on=day - timedelta(days=100), ends_on=day + timedelta(days=900))
    )
    _add(uow, ServiceArea(organisation_id=made.id, county_id=settlement.county_id))
    return made


def an_item(uow: UnitOfWork, code: str = "FLOUR-1KG", **facts: Any) -> Item:
    """Return the item of this code, made if it is not there."""
    found = uow.session.scalar(select(Item).where(Item.code == code))
    if found:
        return found
    category = uow.session.scalar(select(Category).limit(1))
    if category is None:
        category = _add(uow, Category(code="food", name_hu="Élelmiszer", name_en="Food"))
    names = {"name_hu": "Liszt", "name_en": "Flour", "name_hu_key": "liszt", "name_en_key": "flour"}
    given = {"weight_mg": 1_000_000, "volume_ul": 1_500_000, **names, **facts}
    return _add(uow, Item(code=code, category_id=category.id, **given))


def a_household(uow: UnitOfWork, county: County | None = None, **facts: Any) -> Household:
    """Return a household of three in a settlement of its own."""
    settlement = a_settlement(uow, county)
    sealed = {name: facts.pop(name, None) for name in ("contact_name", "phone", "street")}
    made = Household(
        **{
            "county_id": settlement.county_id,
            "settlement_id": settlement.id,
            "size": 3,
            "opened_at": uow.now,
            **facts,
        }
    )
    for name, value in sealed.items():
        setattr(made, name, value)
    return _add(uow, made)


def a_signal(uow: UnitOfWork, organisation: Organisation, county: County | None = None, **facts: Any) -> Signal:
    """Return a signal of a partner with one line."""
    settlement = a_settlement(uow, county or uow.session.get(County, organisation.county_id))
    made = _add(
        uow,
        Signal(
            **{
                "organisation_id": organisation.id,
                "reference": f"ref-{next(NUMBERS)}",
                "channel": "page",
                "settlement_id": settlement.id,
                "county_id": settlement.county_id,
                "facts": {"size": 3},
                "content_hash": "0",
                "received_at": uow.now,
                "acknowledge_by": uow.now + timedelta(days=1),
                **facts,
            }
        ),
    )
    _add(uow, SignalLine(signal_id=made.id, item_id=an_item(uow).id, quantity=2))
    return made


def a_need(uow: UnitOfWork, household: Household, organisation: Organisation | None = None, **facts: Any) -> Need:
    """Return an open need of a household."""
    return _add(
        uow,
        Need(
            **{
                "household_id": household.id,
                "organisation_id": organisation.id if organisation else None,
                "county_id": household.county_id,
                "settlement_id": household.settlement_id,
                "item_id": an_item(uow).id,
                "quantity": 5,
                "urgency": 2,
                "opened_at": uow.now,
                **facts,
            }
        ),
    )


def a_warehouse(uow: UnitOfWork, county: County | None = None, code: str | None = None) -> Warehouse:
    """Return a warehouse with a dock, a shelf, a quarantine, a staging place and its virtual places."""
    settlement = a_settlement(uow, county)
    code = code or f"W{next(NUMBERS):02}"
    made = _add(
        uow,
        Warehouse(
            code=code,
            name=f"Warehouse {code}",
            county_id=settlement.county_id,
            settlement_id=settlement.id,
            lat=settlement.lat,
            lon=settlement.lon,
            storage_classes=["ambient", "chilled"],
        ),
    )
    names = {
        PlaceKind.DOCK: "DOK",
        PlaceKind.SHELF: "A-01-1",
        PlaceKind.QUARANTINE: "KAR",
        PlaceKind.STAGING: "KI",
    }
    for kind in PlaceKind:
        if kind not in (PlaceKind.VEHICLE, PlaceKind.BOX):
            a_place(uow, made, kind, f"{code}-{names.get(kind, kind.upper())}")
    return made


def a_place(uow: UnitOfWork, warehouse: Warehouse, kind: str = PlaceKind.SHELF, code: str | None = None) -> Place:
    """Return a new place of a warehouse."""
    code = code or f"{warehouse.code}-X-{next(NUMBERS)}"
    return _add(uow, Place(warehouse_id=warehouse.id, county_id=warehouse.county_id, code=code, kind=kind))


def the_place(uow: UnitOfWork, warehouse: Warehouse, kind: str = PlaceKind.SHELF) -> Place:
    """Return the warehouse's place of this kind."""
    found = uow.session.scalar(
        select(Place).where(Place.warehouse_id == warehouse.id, Place.kind == kind).order_by(Place.id).limit(1)
    )
    assert found is not None, f"{warehouse.code} has no {kind}"
    return found


def a_lot(uow: UnitOfWork, warehouse: Warehouse, on_shelf: int = 10, **facts: Any) -> Lot:
    """Return a lot whose ``on_shelf`` units came from a donor straight to the shelf, with the movement that says so."""
    item = facts.pop("item", None) or an_item(uow)
    made = _add(uow, Lot(**{"item_id": item.id, "warehouse_id": warehouse.id, "received_at": uow.now, **facts}))
    donor, shelf = the_place(uow, warehouse, PlaceKind.DONOR), the_place(uow, warehouse)
    _add(
        uow,
        Movement(
            operation_id=uuid4(),
            lot_id=made.id,
            from_place_id=donor.id,
            to_place_id=shelf.id,
            quantity=on_shelf,
            kind="receive",
            happened_at=uow.now,
            recorded_at=uow.now,
            warehouse_id=warehouse.id,
            county_id=warehouse.county_id,
        ),
    )
    for place, on_hand in ((donor, -on_shelf), (shelf, on_shelf)):
        _add(
            uow,
            Balance(
                lot_id=made.id,
                place_id=place.id,
                item_id=item.id,
                expires_on=made.expires_on or date(9999, 12, 31),
                warehouse_id=warehouse.id,
                county_id=warehouse.county_id,
                guarded=place.guarded,
                on_hand=on_hand,
            ),
        )
    return made


def a_voucher(uow: UnitOfWork, warehouse: Warehouse, number: int | None = None) -> Voucher:
    """Return a posted goods-received note."""
    number = number or next(NUMBERS)
    series = _add(uow, VoucherSeries(kind="BEV", warehouse_id=warehouse.id, year=3000 + number, last_number=number))
    return _add(
        uow,
        Voucher(
            series_id=series.id,
            number=number,
            code=f"BEV/{warehouse.code}/{number}",
            kind="BEV",
            warehouse_id=warehouse.id,
            county_id=warehouse.county_id,
            posted_at=uow.now,
            subject_kind="arrival",
            subject_id=1,
            content={},
        ),
    )


def a_box(uow: UnitOfWork, warehouse: Warehouse, **facts: Any) -> Box:
    """Return an open box that stands on the warehouse's shelf, with the move that put it there."""
    shelf, number = the_place(uow, warehouse), next(NUMBERS)
    place = a_place(uow, warehouse, PlaceKind.BOX, f"{warehouse.code}-B-{number}")
    place.parent_id = place.root_id = shelf.id
    home = {"warehouse_id": warehouse.id, "county_id": warehouse.county_id}
    sscc = f"0{number:016}"
    made = _add(
        uow, Box(**{"sscc": sscc + check_digit(sscc), "place_id": place.id, "opened_at": uow.now, **home, **facts})
    )
    move = {"from_place_id": the_place(uow, warehouse, PlaceKind.DOCK).id, "to_place_id": shelf.id}
    _add(
        uow,
        BoxMove(operation_id=uuid4(), box_id=made.id, happened_at=uow.now, recorded_at=uow.now, **move, **home),
    )
    return made


def a_review(uow: UnitOfWork, warehouse: Warehouse, **facts: Any) -> Review:
    """Return an open discrepancy."""
    given = {
        "operation_id": uuid4(),
        "kind": "move",
        "outcome": "needs_review",
        "payload": {},
        "said": [],
        "happened_at": uow.now,
        "opened_at": uow.now,
        "warehouse_id": warehouse.id,
        "county_id": warehouse.county_id,
    }
    return _add(uow, Review(**{**given, **facts}))


def a_level(uow: UnitOfWork, warehouse: Warehouse, item: Item, least: int = 10, most: int | None = None) -> StockLevel:
    """Return how much of an item a warehouse should have."""
    home = {"warehouse_id": warehouse.id, "county_id": warehouse.county_id}
    return _add(uow, StockLevel(item_id=item.id, least=least, most=most, **home))


def a_transfer(uow: UnitOfWork, source: Warehouse, target: Warehouse, lot: Lot | None = None, **facts: Any) -> Transfer:
    """Return a requested transfer of one line; with a lot, five of it are picked."""
    with uow.office("transfers"):
        made = _add(
            uow,
            Transfer(
                **{
                    "from_warehouse_id": source.id,
                    "to_warehouse_id": target.id,
                    "from_county_id": source.county_id,
                    "to_county_id": target.county_id,
                    "requested_at": uow.now,
                    **facts,
                }
            ),
        )
        line = _add(uow, TransferLine(transfer_id=made.id, item_id=lot.item_id if lot else an_item(uow).id, quantity=5))
        if lot:
            staging = the_place(uow, source, PlaceKind.STAGING)
            _add(uow, TransferLot(transfer_id=made.id, line_id=line.id, lot_id=lot.id, place_id=staging.id, quantity=5))
    return made


def a_stocktake(uow: UnitOfWork, warehouse: Warehouse, lot: Lot | None = None, **facts: Any) -> Stocktake:
    """Return a stocktake of a whole warehouse; with a lot, ten of it were counted and are a line."""
    home = {"warehouse_id": warehouse.id, "county_id": warehouse.county_id}
    made = _add(uow, Stocktake(**{"place_ids": [], "category_ids": [], "opened_at": uow.now, **home, **facts}))
    if lot:
        where = {"stocktake_id": made.id, "place_id": the_place(uow, warehouse).id, "lot_id": lot.id}
        _add(
            uow,
            Count(operation_id=uuid4(), round=1, quantity=10, counted_at=uow.now, recorded_at=uow.now, **where, **home),
        )
        _add(uow, StocktakeLine(expected=10, counted=10, counted_at=uow.now, **where))
        _add(uow, StocktakePlace(stocktake_id=made.id, place_id=where["place_id"]))
    return made


def a_write_off(uow: UnitOfWork, warehouse: Warehouse, lot: Lot, **facts: Any) -> WriteOff:
    """Return a proposal to write one piece of a lot off, with a picture."""
    home = {"warehouse_id": warehouse.id, "county_id": warehouse.county_id}
    made = _add(uow, WriteOff(**{"reason": "damaged", "committee": [], "proposed_at": uow.now, **home, **facts}))
    _add(uow, WriteOffLine(write_off_id=made.id, lot_id=lot.id, place_id=the_place(uow, warehouse).id, quantity=1))
    _add(uow, WriteOffPhoto(write_off_id=made.id, jpeg=b"", added_at=uow.now))
    return made


def a_conversion(uow: UnitOfWork, warehouse: Warehouse, lot: Lot, **facts: Any) -> Conversion:
    """Return a conversion into which one piece of a lot went."""
    given = {
        "operation_id": uuid4(),
        "kind": "repack",
        "weight_in_g": 1000,
        "weight_out_g": 1000,
        "tolerance_permille": 20,
        "happened_at": uow.now,
        "recorded_at": uow.now,
        "warehouse_id": warehouse.id,
        "county_id": warehouse.county_id,
    }
    made = _add(uow, Conversion(**{**given, **facts}))
    where = {"lot_id": lot.id, "place_id": the_place(uow, warehouse).id}
    _add(uow, ConversionLot(conversion_id=made.id, comes_out=False, quantity=1, **where))
    return made


def an_import(uow: UnitOfWork, warehouse: Warehouse | None, **facts: Any) -> Import:
    """Return a file that was taken in and previewed, of one row."""
    given = {
        "kind": "opening_stock" if warehouse else "catalogue",
        "state": "previewed",
        "warehouse_id": warehouse.id if warehouse else None,
        "file_name": "nyito.csv",
        "content": b"Megnevezes;Mennyiseg\nLiszt;1\n",
        "content_hash": f"{next(NUMBERS):064}",
        "mapping": {
            "shape": "0",
            "columns": ["Megnevezes", "Mennyiseg"],
            "sample": [["Liszt", "1"]],
            "fields": {"name": "Megnevezes", "quantity": "Mennyiseg"},
        },
        "rows_count": 1,
        "problems": [],
        "figures": {"rows": 1, "wrong": 0, "odd": 0, "mark": "", "shown": [], "items": 1, "places": 1, "expired": 0},
        "uploaded_at": uow.now,
    }
    return _add(uow, Import(**{**given, **facts}))


def a_donor(uow: UnitOfWork, **facts: Any) -> Donor:
    """Return a company that gives."""
    name = facts.pop("name", f"Mill {next(NUMBERS)}")
    return _add(
        uow, Donor(**{"kind": "company", "name": name, "name_key": sort_key(name), "created_at": uow.now, **facts})
    )


def an_offer(uow: UnitOfWork, donor: Donor, county: County | None = None, **facts: Any) -> Offer:
    """Return an offer of one line."""
    county = county or a_county(uow)
    made = _add(uow, Offer(**{"donor_id": donor.id, "county_id": county.id, "offered_at": uow.now, **facts}))
    _add(uow, OfferLine(offer_id=made.id, item_id=an_item(uow).id, quantity=20))
    return made


def an_arrival(uow: UnitOfWork, offer: Offer, warehouse: Warehouse) -> Arrival:
    """Return an arrival of one inspected line."""
    made = _add(
        uow,
        Arrival(
            offer_id=offer.id,
            donor_id=offer.donor_id,
            warehouse_id=warehouse.id,
            county_id=warehouse.county_id,
            arrived_at=uow.now,
        ),
    )
    _add(uow, ArrivalLine(arrival_id=made.id, item_id=an_item(uow).id, quantity=20, inspection="accept"))
    return made


def a_vehicle(uow: UnitOfWork, warehouse: Warehouse, **facts: Any) -> Vehicle:
    """Return a van with its place in the ledger."""
    number = next(NUMBERS)
    place = a_place(uow, warehouse, PlaceKind.VEHICLE, f"{warehouse.code}-VAN-{number}")
    return _add(
        uow,
        Vehicle(
            **{
                "plate": f"AA-BB-{number:03}",
                "model": "Ford Transit",
                "warehouse_id": warehouse.id,
                "county_id": warehouse.county_id,
                "place_id": place.id,
                "capacity_g": 1_200_000,
                "capacity_ml": 9_000_000,
                "capacity_pallets": 3,
                "storage_classes": ["ambient"],
                **facts,
            }
        ),
    )


def an_absence(uow: UnitOfWork, vehicle: Vehicle, day: date = ON) -> VehicleAbsence:
    """Return a day on which a vehicle is not to be had."""
    return _add(uow, VehicleAbsence(vehicle_id=vehicle.id, since=day, until=day))


def a_driver(uow: UnitOfWork, warehouse: Warehouse, vehicle: Vehicle | None = None, **facts: Any) -> Driver:
    """Return a driver of a warehouse."""
    name = facts.pop("name", f"Driver {next(NUMBERS)}")
    return _add(
        uow,
        Driver(
            **{
                "name": name,
                "name_key": sort_key(name),
                "warehouse_id": warehouse.id,
                "county_id": warehouse.county_id,
                "vehicle_id": vehicle.id if vehicle else None,
                **facts,
            }
        ),
    )


def a_run(uow: UnitOfWork, vehicle: Vehicle, driver: Driver | None = None, **facts: Any) -> Run:
    """Return a published run without stops."""
    return _add(
        uow,
        Run(
            **{
                "on": ON,
                "number": next(NUMBERS),
                "state": "published",
                "warehouse_id": vehicle.warehouse_id,
                "county_id": vehicle.county_id,
                "vehicle_id": vehicle.id,
                "driver_id": driver.id if driver else None,
                "departs_at": uow.now + timedelta(hours=20),
                "returns_at": uow.now + timedelta(hours=26),
                "distance_m": 84_000,
                "published_at": uow.now,
                **facts,
            }
        ),
    )


def a_stop(uow: UnitOfWork, run: Run, settlement: Settlement, **facts: Any) -> Stop:
    """Return a stop of a run."""
    position = 1 + max((stop.position for stop in run.stops), default=0)
    made = _add(
        uow,
        Stop(
            **{
                "run_id": run.id,
                "county_id": run.county_id,
                "warehouse_id": run.warehouse_id,
                "driver_id": run.driver_id,
                "position": position,
                "settlement_id": settlement.id,
                "lat": settlement.lat,
                "lon": settlement.lon,
                "arrives_at": run.departs_at + timedelta(hours=position),
                "leaves_at": run.departs_at + timedelta(hours=position, minutes=10),
                **facts,
            }
        ),
    )
    uow.session.expire(run, ["stops"])
    return made


def an_allocation_run(uow: UnitOfWork, **facts: Any) -> AllocationRun:
    """Return an approved run with the figures that its page shows."""
    pairs = {name: [0, 40] for name in ("covered_pct", "least_pct", "waiting_days")}
    figures = {
        "run_on": uow.now.date().isoformat(),
        **dict.fromkeys(("needs", "households", "lots", "shares", "missing", "seconds"), 1),
        **pairs,
        "gini": [0.0, 0.0],
        "classes": [{"urgency": urgency, "needs": 1, "met": 0, "pct": 40} for urgency in (1, 2, 3, 4)],
        "counties": [],
        "districts": [],
    }
    given = {
        "state": "approved",
        "asked_at": uow.now,
        "proposed_at": uow.now,
        "approved_at": uow.now,
        "figures": figures,
    }
    return _add(uow, AllocationRun(**{**given, **facts}))


def a_share(uow: UnitOfWork, need: Need, lot: Lot, warehouse: Warehouse, **facts: Any) -> Share:
    """Return an approved share of a lot for a need, and what the same run could not give."""
    run = an_allocation_run(uow)
    _add(
        uow,
        MissingShare(
            run_id=run.id,
            need_id=need.id,
            county_id=need.county_id,
            urgency=need.urgency,
            quantity=1,
            code="nowhere_in_stock",
            reason={"text": "Nowhere in stock", "facts": {}},
        ),
    )
    return _add(
        uow,
        Share(
            **{
                "run_id": run.id,
                "need_id": need.id,
                "household_id": need.household_id,
                "county_id": need.county_id,
                "lot_id": lot.id,
                "place_id": the_place(uow, warehouse).id,
                "warehouse_id": warehouse.id,
                "item_id": lot.item_id,
                "quantity": 2,
                "covers": facts.get("quantity", 2),
                "distance_m": 30_000,
                "state": "approved",
                **facts,
            }
        ),
    )


def an_exclusion(uow: UnitOfWork, need: Need) -> Exclusion:
    """Return that a need is kept out of allocation."""
    return _add(uow, Exclusion(need_id=need.id, county_id=need.county_id, reason="Moved away", made_at=uow.now))


def a_parcel(uow: UnitOfWork, share: Share, stop: Stop | None = None, **facts: Any) -> Parcel:
    """Return a parcel of one share, ready or, with a stop, planned."""
    household = uow.session.get_one(Household, share.household_id)
    warehouse = uow.session.get_one(Warehouse, share.warehouse_id)
    made = _add(
        uow,
        Parcel(
            **{
                "household_id": household.id,
                "settlement_id": household.settlement_id,
                "county_id": warehouse.county_id,
                "warehouse_id": warehouse.id,
                "driver_id": stop.driver_id if stop else None,
                "stop_id": stop.id if stop else None,
                "state": "planned" if stop else "ready",
                "urgency": 2,
                "weight_g": 2000,
                "volume_ml": 3000,
                "storage_classes": ["ambient"],
                "hand_over_code": "123456",
                "made_at": uow.now,
                **facts,
            }
        ),
    )
    _add(
        uow,
        ParcelLine(
            parcel_id=made.id,
            share_id=share.id,
            need_id=share.need_id,
            lot_id=share.lot_id,
            place_id=share.place_id,
            item_id=share.item_id,
            quantity=share.quantity,
        ),
    )
    return made


def a_proof(uow: UnitOfWork, parcel: Parcel) -> Proof:
    """Return the proof that a parcel was handed over."""
    return _add(
        uow,
        Proof(
            parcel_id=parcel.id,
            county_id=parcel.county_id,
            driver_id=parcel.driver_id,
            kind="code",
            relation="self",
            happened_at=uow.now,
            recorded_at=uow.now,
        ),
    )


def a_plan(uow: UnitOfWork, county: County, **facts: Any) -> Plan:
    """Return a plan of a county with one version."""
    made = _add(
        uow,
        Plan(
            **{"on": ON, "state": "draft", "county_ids": [county.id], "seconds_max": 10, "asked_at": uow.now, **facts}
        ),
    )
    _add(uow, PlanVersion(plan_id=made.id, number=1, made_at=uow.now, problem={}, answer={}))
    return made


def a_user(uow: UnitOfWork, role: str, **facts: Any) -> User:
    """Return a user of a role, bound to what the facts say: county_ids, warehouse_id, organisation_id and so on."""
    number = next(NUMBERS)
    county_ids = facts.pop("county_ids", ())
    totp = facts.pop("totp", None)
    name = facts.pop("name", f"{role} {number}")
    made = User(
        **{
            "email": f"{role}{number}@example.org",
            "name": name,
            "name_key": sort_key(name),
            "role": role,
            "created_at": uow.now,
            "counties": [UserCounty(county_id=county_id) for county_id in county_ids],
            **facts,
        }
    )
    made.totp = totp
    return _add(uow, made)
