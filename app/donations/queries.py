"""Reading donors, offers and arrivals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from app.catalogue.models import Item
from app.donations.errors import NoSuchArrival, NoSuchDonor, NoSuchOffer
from app.donations.models import Arrival, ArrivalLine, Donor, Offer, OfferLine, OfferState
from app.foundation.actor import Actor, Scope
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.foundation.text import fold
from app.geography.models import County
from app.stock.models import Kind, Lot, Movement, Place, Voucher, Warehouse

READ = ("donations.read", "offers.own")
VIEWS: dict[str, tuple[OfferState, ...]] = {
    "waiting": (OfferState.OFFERED,),
    "coming": (OfferState.ACCEPTED, OfferState.ARRIVED),
    "past": (OfferState.CLOSED, OfferState.DECLINED),
}
"""Saved views of the list of offers: what to decide, what to expect, what is over."""


def _seen(actor: Actor) -> ColumnElement[bool]:
    return or_(*(visible(actor, permission, Offer) for permission in READ))


@dataclass(frozen=True)
class OfferRow:
    """An offer as lists show it."""

    offer: Offer
    donor: str
    county: str
    warehouse: str | None
    lines: int


def _rows(actor: Actor) -> Select[Any]:
    lines = select(func.count()).where(OfferLine.offer_id == Offer.id).correlate(Offer).scalar_subquery()
    return (
        select(Offer, Donor.name, County.name, Warehouse.name, lines)
        .join(Donor, Donor.id == Offer.donor_id)
        .join(County, County.id == Offer.county_id)
        .outerjoin(Warehouse, Warehouse.id == Offer.warehouse_id)
        .where(_seen(actor))
    )


def _narrowed(
    statement: Select[Any], *, view: str | None, county_id: int | None, warehouse_id: int | None, q: str | None
) -> Select[Any]:
    if view in VIEWS:
        statement = statement.where(Offer.state.in_(VIEWS[view]))
    if county_id is not None:
        statement = statement.where(Offer.county_id == county_id)
    if warehouse_id is not None:
        statement = statement.where(Offer.warehouse_id == warehouse_id)
    if q:
        digits = q.strip().upper().removeprefix("F-")
        named = Donor.name_key.contains(fold(q), autoescape=True)
        numbered = digits.isascii() and digits.isdigit() and len(digits) < 18
        statement = statement.where(or_(named, Offer.id == int(digits)) if numbered else named)
    return statement


def offers(
    session: Session,
    actor: Actor,
    *,
    view: str | None = None,
    county_id: int | None = None,
    warehouse_id: int | None = None,
    q: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[OfferRow]:
    """Return offers, newest first."""
    statement = _narrowed(_rows(actor), view=view, county_id=county_id, warehouse_id=warehouse_id, q=q)
    found = page(session, statement, order=[Offer.id], after=after, size=size, descending=True)
    return Page([OfferRow(*row) for row in found.rows], found.next_after)


def count_offers(session: Session, actor: Actor, **asked: Any) -> dict[str, int]:
    """Return how many offers each view holds under these filters."""
    counted: Select[Any] = select(Offer.state, func.count())  # type: ignore[assignment]
    statement = _narrowed(
        counted.join(Donor, Donor.id == Offer.donor_id).where(_seen(actor)),
        view=None,
        **asked,
    ).group_by(Offer.state)
    by_state: dict[str, int] = {row[0]: row[1] for row in session.execute(statement)}
    return {view: sum(by_state.get(state, 0) for state in states) for view, states in VIEWS.items()} | {
        "all": sum(by_state.values())
    }


def offer(session: Session, actor: Actor, offer_id: int) -> Offer:
    """Return an offer with its lines and donor."""
    found = session.scalar(
        select(Offer)
        .where(Offer.id == offer_id, _seen(actor))
        .options(selectinload(Offer.lines), selectinload(Offer.donor))
    )
    if found is None:
        raise NoSuchOffer(offer_id=offer_id)
    return found


def offer_for_change(session: Session, actor: Actor, offer_id: int) -> Offer:
    """Return an offer, locked."""
    found = session.scalar(
        select(Offer)
        .where(Offer.id == offer_id, _seen(actor))
        .with_for_update(of=Offer)
        .options(selectinload(Offer.lines))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NoSuchOffer(offer_id=offer_id)
    return found


def offer_by_reference(session: Session, reference: str) -> Offer | None:
    """Return the offer that was sent under a reference."""
    return session.scalar(select(Offer).where(Offer.reference == reference).options(selectinload(Offer.lines)))


def donors(
    session: Session, actor: Actor, *, q: str | None = None, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Donor]:
    """Return donors by name; a donor sees only themselves."""
    statement = select(Donor)
    if actor.grants.get("donations.read") is Scope.OWN:
        statement = statement.where(visible(actor, "donations.read", Donor))
    if q:
        statement = statement.where(Donor.name_key.contains(fold(q), autoescape=True))
    return page(session, statement, order=[Donor.name_key, Donor.id], after=after, size=size)


def donor(session: Session, donor_id: int) -> Donor:
    """Return a donor."""
    found = session.get(Donor, donor_id)
    if found is None:
        raise NoSuchDonor(donor_id=donor_id)
    return found


def donor_names(session: Session, most: int = 500) -> list[tuple[int, str]]:
    """Return (id, name) of donors by name, for a choice."""
    statement = select(Donor.id, Donor.name).order_by(Donor.name_key, Donor.id).limit(most)
    return [(row.id, row.name) for row in session.execute(statement)]


def arrival(session: Session, actor: Actor, arrival_id: int) -> Arrival:
    """Return an arrival with its lines."""
    found = session.scalar(
        select(Arrival).where(Arrival.id == arrival_id, _arrivals(actor)).options(selectinload(Arrival.lines))
    )
    if found is None:
        raise NoSuchArrival(arrival_id=arrival_id)
    return found


def _arrivals(actor: Actor) -> ColumnElement[bool]:
    return or_(visible(actor, "donations.read", Arrival), visible(actor, "donations.receive", Arrival))


def arrival_for_change(session: Session, actor: Actor, arrival_id: int) -> Arrival:
    """Return an arrival with its lines, locked."""
    found = session.scalar(
        select(Arrival)
        .where(Arrival.id == arrival_id, _arrivals(actor))
        .options(selectinload(Arrival.lines))
        .with_for_update(of=Arrival)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NoSuchArrival(arrival_id=arrival_id)
    return found


def open_arrivals(session: Session, actor: Actor, *, most: int = 50) -> list[Arrival]:
    """Return arrivals that were begun by scan and have no note yet, newest first."""
    statement = (
        select(Arrival)
        .where(_arrivals(actor), Arrival.voucher_id.is_(None), Arrival.content_hash.is_(None))
        .options(selectinload(Arrival.lines))
        .order_by(Arrival.id.desc())
        .limit(most)
    )
    return list(session.scalars(statement))


def line_of_lot(session: Session, lot_id: int) -> ArrivalLine | None:
    """Return the line of an arrival that became a lot, with its arrival."""
    statement = select(ArrivalLine).where(ArrivalLine.lot_id == lot_id).options(joinedload(ArrivalLine.arrival))
    return session.scalar(statement.limit(1))


def offer_line(session: Session, line_id: int) -> OfferLine:
    """Return a line of an offer, locked."""
    return session.scalars(select(OfferLine).where(OfferLine.id == line_id).with_for_update()).one()


def arrival_by_operation(session: Session, operation_id: Any) -> Arrival | None:
    """Return the arrival that a device's operation made."""
    return session.scalar(
        select(Arrival).where(Arrival.operation_id == operation_id).options(selectinload(Arrival.lines))
    )


def arrivals_of(session: Session, actor: Actor, offer_id: int) -> Sequence[Arrival]:
    """Return what came of an offer, oldest first, with its lines."""
    return session.scalars(
        select(Arrival)
        .where(Arrival.offer_id == offer_id, _arrivals(actor))
        .options(selectinload(Arrival.lines))
        .order_by(Arrival.id)
    ).all()


def arrivals(
    session: Session, actor: Actor, *, warehouse_id: int | None = None, after: str | None = None, size: int = PAGE_SIZE
) -> Page[Arrival]:
    """Return arrivals, newest first."""
    statement = select(Arrival).where(_arrivals(actor)).options(selectinload(Arrival.lines))
    if warehouse_id is not None:
        statement = statement.where(Arrival.warehouse_id == warehouse_id)
    return page(session, statement, order=[Arrival.id], after=after, size=size, descending=True)


def items_of(session: Session, item_ids: Iterable[int]) -> dict[int, Item]:
    """Return items by id."""
    return {item.id: item for item in session.scalars(select(Item).where(Item.id.in_(set(item_ids))))}


def vouchers(session: Session, voucher_ids: Iterable[int | None]) -> dict[int, Voucher]:
    """Return vouchers by id."""
    ids = {each for each in voucher_ids if each is not None}
    return {each.id: each for each in session.scalars(select(Voucher).where(Voucher.id.in_(ids)))} if ids else {}


def note_of(session: Session, found: Arrival) -> Voucher:
    """Return the goods-received note of an arrival; while it is being received there is none."""
    note = vouchers(session, [found.voucher_id]).get(found.voucher_id or 0)
    if note is None:
        raise NoSuchArrival(arrival_id=found.id)
    return note


def certificate_of(session: Session, offer_id: int) -> Voucher | None:
    """Return the certificate that the donor was given for an offer."""
    return session.scalar(
        select(Voucher)
        .where(Voucher.subject_kind == "offer", Voucher.subject_id == offer_id, Voucher.kind == "certificate")
        .order_by(Voucher.id.desc())
        .limit(1)
    )


def warehouses(session: Session, actor: Actor, permission: str) -> list[tuple[int, str]]:
    """Return (id, name) of the warehouses for which the actor holds a permission."""
    statement = select(Warehouse.id, Warehouse.name).where(visible(actor, permission, Warehouse))
    return [(row.id, row.name) for row in session.execute(statement.order_by(Warehouse.name))]


def warehouse(session: Session, warehouse_id: int) -> Warehouse | None:
    """Return a warehouse."""
    return session.get(Warehouse, warehouse_id)


def county_name(session: Session, county_id: int) -> str:
    """Return the name of a county."""
    return session.get_one(County, county_id).name


def counties(session: Session) -> list[tuple[int, str]]:
    """Return (id, name) of the counties by name."""
    return [(row.id, row.name) for row in session.execute(select(County.id, County.name).order_by(County.name_key))]


def choice_of_items(session: Session) -> list[Item]:
    """Return every item that can be offered, by name."""
    return list(session.scalars(select(Item).where(Item.retired_at.is_(None)).order_by(Item.name_hu_key, Item.id)))


def received_and_not_noted(
    session: Session, warehouse_id: int, operation_ids: Iterable[UUID]
) -> list[tuple[Lot, int, str]]:
    """Return (lot, quantity, kind of place) that operations received and no note holds; what was taken back is not.

    Until the transaction ends nobody else is told of what may be noted in this warehouse.
    """
    key = {"key": f"arrival:{warehouse_id}"}
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 11))"), key)
    back = aliased(Movement)
    statement = (
        select(Lot, Movement.quantity, Place.kind)
        .join(Movement, Movement.lot_id == Lot.id)
        .join(Place, Place.id == Movement.to_place_id)
        .outerjoin(back, back.reverses_id == Movement.id)
        .where(
            Movement.operation_id.in_(list(operation_ids)),
            Movement.kind == Kind.RECEIVE.value,
            Movement.warehouse_id == warehouse_id,
            back.id.is_(None),
            ~select(ArrivalLine.id).where(ArrivalLine.lot_id == Lot.id).exists(),
        )
        .order_by(Movement.id)
    )
    return [(lot, quantity, kind) for lot, quantity, kind in session.execute(statement)]


def scanned_for(session: Session, of_offer: Offer) -> list[UUID]:
    """Return the operations of phones that received goods of an offer which no arrival holds yet."""
    back = aliased(Movement)
    statement = (
        select(Movement.operation_id)
        .join(Lot, Lot.id == Movement.lot_id)
        .outerjoin(back, back.reverses_id == Movement.id)
        .where(
            Lot.source == f"F-{of_offer.id}",
            Movement.kind == Kind.RECEIVE.value,
            Movement.warehouse_id == of_offer.warehouse_id,
            Movement.operation_id.is_not(None),
            Movement.recorded_at >= of_offer.offered_at,
            back.id.is_(None),
            ~select(ArrivalLine.id).where(ArrivalLine.lot_id == Lot.id).exists(),
        )
        .order_by(Movement.id)
    )
    return list(session.scalars(statement))
