"""What happens to a gift: it is offered, decided on, arrives line by line, and is thanked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from app.catalogue import queries as catalogue
from app.donations import queries
from app.donations.errors import (
    ArrivalEnded,
    ArrivalKnown,
    LinesWrong,
    NoSuchOffer,
    NothingToNote,
    OfferPast,
    ReasonNeeded,
    ReferenceUsed,
    ScannedIn,
)
from app.donations.models import Arrival, ArrivalLine, Donor, Inspection, Offer, OfferLine, OfferState
from app.foundation.actor import NOBODY, Scope
from app.foundation.errors import Stale
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.geography import queries as geography
from app.stock import carrying
from app.stock import queries as stock_queries
from app.stock import service as stock
from app.stock.models import Kind, LotState, PlaceKind

if TYPE_CHECKING:
    from app.stock.models import Voucher

PRIVATE_PERSON = "magánszemély"
"""The public name of a donor who is a private person."""


# Donors and offers --------------------------------------------------------------------------------------------------


def register_donor(
    uow: UnitOfWork,
    *,
    kind: str,
    name: str,
    settlement_id: int | None = None,
    contact_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Donor:
    """Register a donor. A private person's name is sealed; lists show "magánszemély"."""
    uow.actor.require("donations.offer")
    return _register(uow, kind, name, settlement_id, contact_name, email, phone)


def _register(
    uow: UnitOfWork,
    kind: str,
    name: str,
    settlement_id: int | None,
    contact_name: str | None,
    email: str | None,
    phone: str | None,
) -> Donor:
    private = kind in ("person", "anonymous")
    shown = PRIVATE_PERSON if private else name
    donor = Donor(kind=kind, name=shown, name_key=fold(shown), settlement_id=settlement_id, created_at=uow.now)
    donor.contact_name = name if private else contact_name
    donor.email, donor.phone = email, phone
    with uow.office("donations"):
        uow.session.add(donor)
        uow.session.flush()
    uow.record("donor.registered", subject=("donor", donor.id), donor_kind=kind)
    return donor


def offer(
    uow: UnitOfWork,
    *,
    lines: Sequence[Mapping[str, Any]],
    settlement_id: int,
    donor_id: int | None = None,
    donor: Mapping[str, Any] | None = None,
    collection: bool = False,
    until: date | None = None,
    note: str | None = None,
    reference: str | None = None,
) -> Offer:
    """Take in an offer, from a worker, a signed-in donor or (with ``donor`` facts) the public form.

    The same sender and reference is the same offer: sent again it is answered with what is stored.
    """
    if uow.actor.role != NOBODY.role:
        uow.actor.require("donations.offer")
        if uow.actor.grants["donations.offer"] is Scope.OWN:
            # A donor offers for themselves, whatever the request says.
            donor_id = uow.actor.reach[Scope.OWN][0]
    public = uow.actor.id is None
    sender = f"donor-{donor_id}" if donor_id else "public" if public else f"user-{uow.actor.id}"
    known_as = f"{sender}/{reference}" if reference else None
    content = _hash({"lines": list(lines), "settlement": settlement_id, "until": until, "collection": collection})
    _check_lines(uow, lines)
    with uow.office("donations"):
        if known_as and (stored := queries.offer_by_reference(uow.session, known_as)):
            if stored.content_hash != content:
                raise ReferenceUsed(reference=str(reference), offer=f"F-{stored.id}")
            return stored
        if donor_id is None:
            facts = donor or {"kind": "anonymous", "name": PRIVATE_PERSON}
            donor_id = _register(
                uow,
                facts["kind"],
                facts["name"],
                facts.get("settlement_id"),
                facts.get("contact_name"),
                facts.get("email"),
                facts.get("phone"),
            ).id
        place = geography.settlement(uow.session, settlement_id)
        made = Offer(
            donor_id=queries.donor(uow.session, donor_id).id,
            county_id=place.county_id,
            settlement_id=settlement_id,
            # What warehouse staff write down at their gate is for their own warehouse to decide on.
            warehouse_id=next(iter(uow.actor.reach.get(Scope.WAREHOUSE, ())), None),
            collection=collection,
            until=until,
            note=note or None,
            reference=known_as,
            content_hash=content,
            offered_at=uow.now,
        )
        made.lines = [OfferLine(**line) for line in lines]
        uow.session.add(made)
        uow.session.flush()
    uow.record("offer.made", subject=("offer", made.id), lines=len(made.lines), county_id=made.county_id)
    return made


def _check_lines(uow: UnitOfWork, lines: Sequence[Mapping[str, Any]]) -> None:
    wrong: dict[str, list[Message | str]] = {}
    items = catalogue.items_by_id(uow.session, {line["item_id"] for line in lines})
    for number, line in enumerate(lines):
        item = items.get(line["item_id"])
        if item is None or item.retired_at is not None:
            wrong[f"lines.{number}.item_id"] = [say("There is no such item. Choose one from the list.")]
    if not lines:
        wrong["lines"] = [say("Name at least one thing.")]
    if wrong:
        raise LinesWrong(wrong)


def accept(
    uow: UnitOfWork, *, offer_id: int, warehouse_id: int, collection: bool | None = None, version: int | None = None
) -> Offer:
    """Accept an offer into a warehouse, to be brought by the donor or collected by us."""
    uow.actor.require("donations.decide")
    found = _to_change(uow, offer_id, version, (OfferState.OFFERED,))
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("donations.decide", warehouse=warehouse.id, county=warehouse.county_id)
    with uow.office("donations"):
        found.state, found.warehouse_id, found.decided_at = OfferState.ACCEPTED, warehouse.id, uow.now
        # From now on it is the business of the warehouse that takes it, wherever the donor lives.
        found.county_id = warehouse.county_id
        if collection is not None:
            found.collection = collection
        uow.session.flush()
    uow.record("offer.accepted", subject=("offer", found.id), warehouse_id=warehouse.id)
    return found


def decline(uow: UnitOfWork, *, offer_id: int, reason: str | None, version: int | None = None) -> Offer:
    """Decline an offer; the donor is told why."""
    uow.actor.require("donations.decide")
    if not reason:
        raise ReasonNeeded
    found = _to_change(uow, offer_id, version, (OfferState.OFFERED,))
    with uow.office("donations"):
        found.state, found.decline_reason, found.decided_at = OfferState.DECLINED, reason, uow.now
        uow.session.flush()
    uow.record("offer.declined", subject=("offer", found.id))
    return found


def reconsider(uow: UnitOfWork, *, offer_id: int) -> Offer:
    """Take a decision back as long as nothing has come: the offer waits for an answer again."""
    uow.actor.require("donations.decide")
    found = _to_change(uow, offer_id, None, (OfferState.ACCEPTED, OfferState.DECLINED))
    with uow.office("donations"):
        found.state, found.decided_at, found.decline_reason = OfferState.OFFERED, None, None
        uow.session.flush()
    uow.record("offer.reconsidered", subject=("offer", found.id))
    return found


def close(uow: UnitOfWork, *, offer_id: int, version: int | None = None) -> Offer:
    """Close an offer: nothing more of it is expected; the donor's certificate can be given."""
    if not uow.actor.may("donations.decide"):
        uow.actor.require("donations.receive")
    found = _to_change(uow, offer_id, version, (OfferState.ACCEPTED, OfferState.ARRIVED))
    _nothing_scanned(uow, found)
    with uow.office("donations"):
        found.state, found.closed_at = OfferState.CLOSED, uow.now
        uow.session.flush()
    uow.record("offer.closed", subject=("offer", found.id))
    return found


def _to_change(uow: UnitOfWork, offer_id: int, version: int | None, states: Sequence[OfferState]) -> Offer:
    queries.offer(uow.session, uow.actor, offer_id)
    with uow.office("donations"):
        found = queries.offer_for_change(uow.session, uow.actor, offer_id)
    if version is not None and found.version != version:
        raise Stale(version=found.version)
    if found.state not in states:
        raise OfferPast(offer=f"F-{found.id}", state=found.state)
    return found


# Arriving -----------------------------------------------------------------------------------------------------------


def arrive(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    warehouse_id: int,
    lines: Sequence[Mapping[str, Any]],
    offer_id: int | None = None,
    donor_id: int | None = None,
) -> Arrival:
    """Receive goods line by line: accepted ones stand on the dock, doubtful ones in quarantine, refused ones go back.

    Each line is item_id, quantity, inspection (accept, quarantine, refuse), expires_on, use_by, condition, batch,
    reason, offer_line_id. Sent twice under the same operation, it arrives once. The goods-received note is numbered.
    """
    content = _hash({"lines": list(lines), "warehouse": warehouse_id, "offer": offer_id, "donor": donor_id})
    known = queries.arrival_by_operation(uow.session, operation_id)
    if known is not None:
        if known.content_hash != content:
            raise ArrivalKnown
        return known
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("donations.receive", warehouse=warehouse.id, county=warehouse.county_id)
    _check_lines(uow, lines)
    of_offer = None
    if offer_id is not None:
        of_offer = _to_change(uow, offer_id, None, (OfferState.ACCEPTED, OfferState.ARRIVED))
        if of_offer.warehouse_id != warehouse.id:
            raise NoSuchOffer(offer_id=offer_id)
        _nothing_scanned(uow, of_offer)
    _check_inspection(uow, lines, of_offer)
    giver_id = of_offer.donor_id if of_offer else donor_id
    if giver_id is None:
        donor = _register(uow, "anonymous", PRIVATE_PERSON, None, None, None, None)
    else:
        donor = queries.donor(uow.session, giver_id)
    lots = _put_on_dock(uow, operation_id, warehouse.id, lines, f"F-{of_offer.id}" if of_offer else None, of_offer)
    arrival = Arrival(
        offer_id=offer_id,
        donor_id=donor.id,
        warehouse_id=warehouse.id,
        county_id=warehouse.county_id,
        arrived_at=uow.now,
        received_by_id=uow.actor.id,
        operation_id=operation_id,
        content_hash=content,
    )
    kept = ("item_id", "quantity", "expires_on", "inspection", "reason", "offer_line_id")
    arrival.lines = [
        ArrivalLine(
            **{name: line.get(name) for name in kept}, condition=line.get("condition") or "new", lot_id=lots.get(number)
        )
        for number, line in enumerate(lines)
    ]
    with uow.office("donations"):
        uow.session.add(arrival)
        if of_offer is not None:
            of_offer.state = OfferState.ARRIVED
            came = {line.id: line for line in of_offer.lines}
            for line in arrival.lines:
                if line.offer_line_id is not None:
                    came[line.offer_line_id].arrived += line.quantity
        uow.session.flush()
    _number_the_note(uow, arrival, donor, of_offer)
    return arrival


# Arriving by phone --------------------------------------------------------------------------------------------------


def note_what_was_scanned(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    warehouse_id: int,
    receipts: Sequence[UUID],
    offer_id: int | None = None,
    happened_at: datetime | None = None,
) -> tuple[Arrival, Voucher]:
    """Make one arrival of goods that a phone has received pack by pack; its goods-received note is numbered.

    This is the phone's way in: each pack is in the stock at once, by the stock's own ``receive``, whatever has become
    of the offer meanwhile; the arrival, the offer's quantities and the note follow here, in one step.
    ``receipts`` are the operations that received them. What was taken back meanwhile, stands on a note already, or was
    scanned in for another offer, is left out. Sent twice under the same operation, it is noted once.
    """
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("donations.receive", warehouse=warehouse.id, county=warehouse.county_id)
    received = [
        (lot, quantity, place_kind)
        for lot, quantity, place_kind in queries.received_and_not_noted(uow.session, warehouse.id, receipts)
        if lot.source in (None, f"F-{offer_id}")
    ]
    if not received:
        raise NothingToNote
    of_offer = None
    if offer_id is not None:
        # The goods are here: an offer that was closed meanwhile gets what came of it all the same.
        of_offer = _to_change(uow, offer_id, None, (OfferState.ACCEPTED, OfferState.ARRIVED, OfferState.CLOSED))
        if of_offer.warehouse_id != warehouse.id:
            raise NoSuchOffer(offer_id=offer_id)
        donor = queries.donor(uow.session, of_offer.donor_id)
    else:
        donor = _register(uow, "anonymous", PRIVATE_PERSON, None, None, None, None)
    arrival = Arrival(
        offer_id=offer_id,
        donor_id=donor.id,
        warehouse_id=warehouse.id,
        county_id=warehouse.county_id,
        arrived_at=min(happened_at or uow.now, uow.now),
        received_by_id=uow.actor.id,
        operation_id=operation_id,
        content_hash=_hash({"receipts": [str(each) for each in receipts], "offer": offer_id}),
    )
    for lot, quantity, place_kind in received:
        line = _waiting_line(of_offer, lot.item_id) if of_offer else None
        doubtful = place_kind == PlaceKind.QUARANTINE
        arrival.lines.append(
            ArrivalLine(
                item_id=lot.item_id,
                quantity=quantity,
                expires_on=lot.expires_on,
                condition=lot.condition,
                inspection=Inspection.QUARANTINE if doubtful else Inspection.ACCEPT,
                offer_line_id=line.id if line else None,
                lot_id=lot.id,
            )
        )
        if line is not None:
            line.arrived += quantity
    with uow.office("donations"):
        uow.session.add(arrival)
        if of_offer is not None and of_offer.state == OfferState.ACCEPTED:
            of_offer.state = OfferState.ARRIVED
        uow.session.flush()
    return arrival, _number_the_note(uow, arrival, donor, of_offer)


def note_of_offer(uow: UnitOfWork, *, operation_id: UUID, offer_id: int) -> Arrival:
    """Write the note of what a phone has scanned in for an offer and never ended. Asked twice, it is written once."""
    known = queries.arrival_by_operation(uow.session, operation_id)
    if known is not None:
        return known
    of_offer = queries.offer(uow.session, uow.actor, offer_id)
    if of_offer.warehouse_id is None:
        raise NothingToNote
    arrival, _ = note_what_was_scanned(
        uow,
        operation_id=operation_id,
        warehouse_id=of_offer.warehouse_id,
        receipts=queries.scanned_for(uow.session, of_offer),
        offer_id=offer_id,
    )
    return arrival


def _nothing_scanned(uow: UnitOfWork, of_offer: Offer) -> None:
    """Refuse while phones have brought in goods of the offer that stand on no note yet.

    Whoever writes the same goods down again, from the donor's paper, would book them twice; and who closes the offer
    would certify less than has come.
    """
    waiting = len(queries.scanned_for(uow.session, of_offer))
    if waiting:
        raise ScannedIn(offer=f"F-{of_offer.id}", lots=waiting)


def _number_the_note(uow: UnitOfWork, arrival: Arrival, donor: Donor, of_offer: Offer | None) -> Voucher:
    """Number the goods-received note, with what differs from the offer; an offer that came in whole is closed."""
    with uow.office("donations"):
        complete = of_offer is not None and all(line.arrived >= line.quantity for line in of_offer.lines)
        if of_offer is not None and complete and of_offer.state == OfferState.ARRIVED:
            of_offer.state, of_offer.closed_at = OfferState.CLOSED, uow.now
        uow.session.flush()
    content = _note(uow, arrival, donor, of_offer)
    content["differences"] = [vars(each) for each in differences(arrival, of_offer)]
    note = stock.issue_voucher(
        uow, kind="receipt", warehouse_id=arrival.warehouse_id, subject=("arrival", arrival.id), content=content
    )
    with uow.office("donations"):
        arrival.voucher_id = note.id
        uow.session.flush()
    uow.record("arrival.received", subject=("arrival", arrival.id), lines=len(arrival.lines), voucher=note.code)
    return note


# Arriving line by line, for programs ---------------------------------------------------------------------------------


def open_arrival(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    warehouse_id: int,
    offer_id: int | None = None,
    donor_id: int | None = None,
    happened_at: datetime | None = None,
) -> Arrival:
    """Begin to receive what came, of an offer or unannounced; lines follow one by one. Begun twice is begun once.

    This is the way of programs that stand beside a dock with a network (a sorting line, a weighbridge): the arrival
    comes first and every line is judged against it at once. Phones go another way: see ``note_what_was_scanned``.
    """
    known = queries.arrival_by_operation(uow.session, operation_id)
    if known is not None:
        return known
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("donations.receive", warehouse=warehouse.id, county=warehouse.county_id)
    if offer_id is not None:
        of_offer = _to_change(uow, offer_id, None, (OfferState.ACCEPTED, OfferState.ARRIVED))
        if of_offer.warehouse_id != warehouse.id:
            raise NoSuchOffer(offer_id=offer_id)
        _nothing_scanned(uow, of_offer)
        donor_id = of_offer.donor_id
    if donor_id is None:
        donor_id = _register(uow, "anonymous", PRIVATE_PERSON, None, None, None, None).id
    arrival = Arrival(
        offer_id=offer_id,
        donor_id=queries.donor(uow.session, donor_id).id,
        warehouse_id=warehouse.id,
        county_id=warehouse.county_id,
        arrived_at=happened_at or uow.now,
        received_by_id=uow.actor.id,
        operation_id=operation_id,
    )
    with uow.office("donations"):
        uow.session.add(arrival)
        uow.session.flush()
    uow.record("arrival.begun", subject=("arrival", arrival.id), offer_id=offer_id)
    return arrival


def receive_line(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    arrival_id: int,
    item_id: int,
    quantity: int,
    inspection: str = Inspection.ACCEPT,
    happened_at: datetime | None = None,
    **facts: Any,
) -> ArrivalLine:
    """Receive one scanned line of an arrival: it is on the dock (or in quarantine) at once, refused goods go back.

    Facts are expires_on, use_by, batch, condition, reason, offer_line_id. Without the last, it counts towards the line
    of the offer that waits for the item; more than was offered, or another thing, is received and told as a difference.
    """
    arrival = _open_arrival(uow, arrival_id)
    line = {"item_id": item_id, "quantity": quantity, "inspection": inspection, **facts}
    _check_lines(uow, [line])
    of_offer = None
    if arrival.offer_id is not None:
        of_offer = _to_change(uow, arrival.offer_id, None, (OfferState.ACCEPTED, OfferState.ARRIVED))
        if line.get("offer_line_id") is None:
            waiting = _waiting_line(of_offer, item_id)
            line["offer_line_id"] = waiting.id if waiting else None
    _check_inspection(uow, [line], of_offer)
    source = f"F-{of_offer.id}" if of_offer else None
    lots = _put_on_dock(
        uow, operation_id, arrival.warehouse_id, [line], source, of_offer, happened_at=happened_at, one_operation=True
    )
    made = ArrivalLine(
        arrival_id=arrival.id,
        offer_line_id=line.get("offer_line_id"),
        item_id=item_id,
        quantity=quantity,
        expires_on=line.get("expires_on"),
        condition=line.get("condition") or "new",
        inspection=inspection,
        reason=line.get("reason"),
        lot_id=lots.get(0),
    )
    with uow.office("donations"):
        uow.session.add(made)
        if of_offer is not None:
            of_offer.state = OfferState.ARRIVED
            for each in of_offer.lines:
                if each.id == made.offer_line_id:
                    each.arrived += quantity
        uow.session.flush()
    uow.record("arrival.line", subject=("arrival", arrival.id), lot_id=made.lot_id, quantity=quantity)
    return made


def _waiting_line(of_offer: Offer, item_id: int) -> OfferLine | None:
    """Return the line of the offer that an item belongs to: one that is not full yet, else the last of this item."""
    same = [line for line in of_offer.lines if line.item_id == item_id]
    waiting = [line for line in same if line.arrived < line.quantity]
    return waiting[0] if waiting else same[-1] if same else None


def close_arrival(uow: UnitOfWork, *, arrival_id: int) -> Arrival:
    """End an arrival: its goods-received note is numbered, with what differs from the offer. Ended twice is once."""
    arrival = queries.arrival_for_change(uow.session, uow.actor, arrival_id)
    uow.actor.require_for("donations.receive", warehouse=arrival.warehouse_id, county=arrival.county_id)
    if arrival.voucher_id is not None:
        return arrival
    if not arrival.lines:
        raise NothingToNote
    of_offer = queries.offer(uow.session, uow.actor, arrival.offer_id) if arrival.offer_id else None
    _number_the_note(uow, arrival, queries.donor(uow.session, arrival.donor_id), of_offer)
    return arrival


@dataclass(frozen=True)
class Differs:
    """How what came is not what was offered: short, over, other (an item that was not offered), condition, refused."""

    kind: str
    item_id: int
    offered: int
    came: int


def differences(arrival: Arrival, of_offer: Offer | None) -> list[Differs]:
    """Return how an arrival differs from its offer, all that came of the offer so far counted."""
    found = []
    conditions = {line.id: line.condition for line in of_offer.lines} if of_offer else {}
    for offered in of_offer.lines if of_offer else []:
        if offered.arrived != offered.quantity:
            kind = "short" if offered.arrived < offered.quantity else "over"
            found.append(Differs(kind, offered.item_id, offered.quantity, offered.arrived))
    for line in arrival.lines:
        if of_offer is not None and line.offer_line_id is None:
            found.append(Differs("other", line.item_id, 0, line.quantity))
        if line.inspection == Inspection.REFUSE:
            found.append(Differs("refused", line.item_id, line.quantity, 0))
        elif line.offer_line_id is not None and conditions.get(line.offer_line_id, line.condition) != line.condition:
            found.append(Differs("condition", line.item_id, line.quantity, line.quantity))
    return found


def _open_arrival(uow: UnitOfWork, arrival_id: int) -> Arrival:
    arrival = queries.arrival_for_change(uow.session, uow.actor, arrival_id)
    uow.actor.require_for("donations.receive", warehouse=arrival.warehouse_id, county=arrival.county_id)
    if arrival.voucher_id is not None:
        raise ArrivalEnded
    return arrival


@stock.asked_before_reversal
def _line_taken_back(uow: UnitOfWork, movement: Any) -> None:
    """Expect goods of an offer again when their receiving is taken back.

    An arrival that is still open loses the line; a note that is numbered stays as it was written.
    """
    if movement.kind != Kind.RECEIVE:
        return
    with uow.office("donations"):
        line = queries.line_of_lot(uow.session, movement.lot_id)
        if line is None:
            return
        if line.offer_line_id is not None:
            queries.offer_line(uow.session, line.offer_line_id).arrived -= line.quantity
        if line.arrival.voucher_id is None:
            uow.session.delete(line)
        uow.session.flush()


def _check_inspection(uow: UnitOfWork, lines: Sequence[Mapping[str, Any]], of_offer: Offer | None) -> None:
    wrong: dict[str, list[Message | str]] = {}
    items = catalogue.items_by_id(uow.session, {line["item_id"] for line in lines})
    promised = {line.id: line.item_id for line in of_offer.lines} if of_offer else {}
    for number, line in enumerate(lines):
        refused = line["inspection"] == Inspection.REFUSE
        if line["inspection"] != Inspection.ACCEPT and not line.get("reason"):
            wrong[f"lines.{number}.reason"] = [say("Write why.")]
        if items[line["item_id"]].tracks_expiry and not line.get("expires_on") and not refused:
            wrong[f"lines.{number}.expires_on"] = [say("Write the date on the pack: this item expires.")]
        offer_line = line.get("offer_line_id")
        if offer_line is not None and promised.get(offer_line) != line["item_id"]:
            wrong[f"lines.{number}.offer_line_id"] = [say("This line of the offer is another thing.")]
    if wrong:
        raise LinesWrong(wrong)


def _put_on_dock(
    uow: UnitOfWork,
    operation_id: UUID,
    warehouse_id: int,
    lines: Sequence[Mapping[str, Any]],
    source: str | None,
    of_offer: Offer | None,
    *,
    happened_at: datetime | None = None,
    one_operation: bool = False,
) -> dict[int, int]:
    """Receive what was not refused; return the lot of each line by its number."""
    places = {
        Inspection.ACCEPT: stock_queries.virtual_place(uow.session, warehouse_id, PlaceKind.DOCK),
        Inspection.QUARANTINE: stock_queries.virtual_place(uow.session, warehouse_id, PlaceKind.QUARANTINE),
    }
    values = {line.id: line.unit_value_huf for line in of_offer.lines} if of_offer else {}
    numbers = [number for number, line in enumerate(lines) if line["inspection"] != Inspection.REFUSE]
    lots = stock.receive_many(
        uow,
        [
            {
                # Every movement has an operation of its own, made from the arrival's, so that twice is once.
                "operation_id": operation_id if one_operation else uuid5(operation_id, str(number)),
                "happened_at": happened_at,
                "item_id": lines[number]["item_id"],
                "quantity": lines[number]["quantity"],
                "place_id": places[Inspection(lines[number]["inspection"])].id,
                "warehouse_id": warehouse_id,
                "expires_on": lines[number].get("expires_on"),
                "use_by": bool(lines[number].get("use_by")),
                "batch": lines[number].get("batch"),
                "condition": lines[number].get("condition") or "new",
                "unit_value_huf": values.get(lines[number].get("offer_line_id") or 0),
                "source": source,
                "state": LotState.FREE if lines[number]["inspection"] == Inspection.ACCEPT else LotState.QUARANTINED,
            }
            for number in numbers
        ],
    )
    return dict(zip(numbers, (lot.id for lot in lots), strict=True))


# Papers -------------------------------------------------------------------------------------------------------------


def certificate(uow: UnitOfWork, *, offer_id: int) -> Voucher:
    """Return the donor's certificate of an offer; it is numbered the first time somebody asks for it."""
    found = queries.offer(uow.session, uow.actor, offer_id)
    with uow.office("donations"):
        known = queries.certificate_of(uow.session, offer_id)
        arrivals = queries.arrivals_of(uow.session, uow.actor, offer_id)
    if known is not None:
        return known
    if found.state != OfferState.CLOSED or found.warehouse_id is None:
        raise OfferPast(offer=f"F-{found.id}", state=found.state)
    came = [line for arrival in arrivals for line in arrival.lines if line.inspection != Inspection.REFUSE]
    back = carrying.taken_back(uow, lot_ids=[line.lot_id for line in came if line.lot_id])
    lines = [line for line in came if line.lot_id not in back]
    content = {
        "offer": f"F-{found.id}",
        "donor": found.donor.name,
        "arrived_on": [arrival.arrived_at.date().isoformat() for arrival in arrivals],
        "lines": _written(uow, lines, {line.id: line.unit_value_huf for line in found.lines}),
    }
    return stock.issue_voucher(
        uow, kind="certificate", warehouse_id=found.warehouse_id, subject=("offer", found.id), content=content
    )


def _note(uow: UnitOfWork, arrival: Arrival, donor: Donor, of_offer: Offer | None) -> dict[str, Any]:
    warehouse = queries.warehouse(uow.session, arrival.warehouse_id)
    return {
        "offer": f"F-{of_offer.id}" if of_offer else None,
        "donor": donor.name,
        "warehouse": warehouse.name if warehouse else "",
        "arrived_at": arrival.arrived_at.isoformat(),
        "lines": _written(
            uow, arrival.lines, {line.id: line.unit_value_huf for line in of_offer.lines} if of_offer else {}
        ),
    }


def _written(uow: UnitOfWork, lines: Sequence[ArrivalLine], values: Mapping[int, int | None]) -> list[dict[str, Any]]:
    """Return lines as a paper shows them, with the names and values of this day."""
    items = queries.items_of(uow.session, {line.item_id for line in lines})
    written = []
    for line in lines:
        item = items[line.item_id]
        stated = values.get(line.offer_line_id or 0)
        value = (stated if stated is not None else item.value_huf) * line.quantity
        written.append(
            {
                "lot": f"L-{line.lot_id}" if line.lot_id else None,
                "item_hu": item.name_hu,
                "item_en": item.name_en,
                "unit_hu": item.unit_name_hu,
                "unit_en": item.unit_name_en,
                "quantity": line.quantity,
                "expires_on": line.expires_on.isoformat() if line.expires_on else None,
                "condition": line.condition,
                "inspection": line.inspection,
                "reason": line.reason,
                "value_huf": value,
                "weight_g": item.weight_mg * line.quantity // 1000,
            }
        )
    return written


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
