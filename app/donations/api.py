"""Donors, offers and arrivals, as JSON."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.donations import papers, queries, schemas, service
from app.donations.errors import LinesWrong
from app.foundation.http import in_unit_of_work
from app.foundation.paging import Page
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock.once import once

blueprint = Blueprint("donations-api", __name__, description="Donors, what they offer, and what has arrived")

OFFER_EXAMPLE = {
    "reference": "MALOM-2026-11",
    "donor": {"kind": "company", "name": "Tisza Malom Kft."},
    "settlement_id": 1204,
    "collection": True,
    "lines": [{"item_id": 1, "quantity": 600, "expires_on": "2027-04-30"}],
}
ARRIVAL_EXAMPLE = {
    "operation_id": "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10",
    "warehouse_id": 5,
    "offer_id": 2214,
    "lines": [
        {"item_id": 1, "quantity": 590, "inspection": "accept", "expires_on": "2027-04-30"},
        {"item_id": 1, "quantity": 10, "inspection": "refuse", "reason": "torn"},
    ],
}


def _page(page: Page[Any]) -> dict[str, Any]:
    return {"items": page.rows, "next_after": page.next_after}


@blueprint.get("/donors")
@blueprint.arguments(schemas.FindDonors, location="query", as_kwargs=True)
@blueprint.response(200, schemas.DonorsPage)
@in_unit_of_work("donations.read")
def donors(uow: UnitOfWork, **asked: Any) -> Any:
    """List donors by name."""
    return _page(queries.donors(uow.session, uow.actor, **asked))


@blueprint.post("/donors")
@blueprint.arguments(schemas.DonorIn, example={"kind": "company", "name": "Tisza Malom Kft."})
@blueprint.response(201, schemas.DonorOut)
@in_unit_of_work("donations.offer")
def register_donor(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Register a donor; a private person's name and all contacts are sealed."""
    return service.register_donor(uow, **body)


@blueprint.get("/offers")
@blueprint.arguments(schemas.FindOffers, location="query", as_kwargs=True)
@blueprint.response(200, schemas.OffersPage)
@in_unit_of_work("donations.read")
def offers(uow: UnitOfWork, **asked: Any) -> Any:
    """List offers, newest first."""
    found = queries.offers(uow.session, uow.actor, **asked)
    return {"items": [row.offer for row in found.rows], "next_after": found.next_after}


@blueprint.post("/offers")
@blueprint.etag
@blueprint.arguments(schemas.OfferIn, example=OFFER_EXAMPLE)
@blueprint.response(201, schemas.OfferSheet)
@blueprint.alt_response(200, schema=schemas.OfferSheet, description="The same offer was sent before: this is it")
@blueprint.alt_response(409, description="reference-used")
@in_unit_of_work("donations.offer")
def make_offer(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Write down an offer. The same reference is the same offer."""
    if body["donor_id"] is None and body["donor"] is None and not uow.actor.may("offers.own"):
        raise LinesWrong({"donor": [say("Say who gives: a known donor, or a new one.")]})
    made = service.offer(uow, **body)
    blueprint.set_etag(_tag(made))
    return made, 200 if made.offered_at != uow.now else 201


@blueprint.get("/offers/<int:offer_id>")
@blueprint.etag
@blueprint.response(200, schemas.OfferSheet)
@in_unit_of_work("donations.read")
def offer(uow: UnitOfWork, offer_id: int) -> Any:
    """Show an offer with its lines."""
    found = queries.offer(uow.session, uow.actor, offer_id)
    blueprint.set_etag(_tag(found))
    return found


def _tag(offer: Any) -> dict[str, int]:
    return {"id": offer.id, "version": offer.version}


def _seen(uow: UnitOfWork, offer_id: int) -> int:
    """Return the version that the asker has seen, by its If-Match."""
    found = queries.offer(uow.session, uow.actor, offer_id)
    blueprint.check_etag(_tag(found))
    return found.version


@blueprint.post("/offers/<int:offer_id>/accept")
@blueprint.etag
@blueprint.arguments(schemas.AcceptIn, example={"warehouse_id": 5, "collection": True})
@blueprint.response(200, schemas.OfferSheet)
@blueprint.alt_response(409, description="offer-past")
@in_unit_of_work("donations.decide")
def accept(uow: UnitOfWork, body: dict[str, Any], offer_id: int) -> Any:
    """Accept an offer into a warehouse."""
    found = service.accept(uow, offer_id=offer_id, version=_seen(uow, offer_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/offers/<int:offer_id>/decline")
@blueprint.etag
@blueprint.arguments(schemas.DeclineIn, example={"reason": "No chilled place is free."})
@blueprint.response(200, schemas.OfferSheet)
@blueprint.alt_response(409, description="offer-past")
@in_unit_of_work("donations.decide")
def decline(uow: UnitOfWork, body: dict[str, Any], offer_id: int) -> Any:
    """Decline an offer with a reason."""
    found = service.decline(uow, offer_id=offer_id, version=_seen(uow, offer_id), **body)
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/offers/<int:offer_id>/close")
@blueprint.etag
@blueprint.response(200, schemas.OfferSheet)
@blueprint.alt_response(409, description="offer-past")
@in_unit_of_work("donations.receive")
def close(uow: UnitOfWork, offer_id: int) -> Any:
    """Close an offer: nothing more of it is expected."""
    found = service.close(uow, offer_id=offer_id, version=_seen(uow, offer_id))
    blueprint.set_etag(_tag(found))
    return found


@blueprint.post("/offers/<int:offer_id>/note")
@blueprint.arguments(schemas.WriteNoteIn, example={"operation_id": ARRIVAL_EXAMPLE["operation_id"]})
@blueprint.response(201, schemas.ArrivalOut)
@blueprint.alt_response(409, description="nothing-to-note, offer-past")
@in_unit_of_work("donations.receive")
def note_scanned(uow: UnitOfWork, body: dict[str, Any], offer_id: int) -> Any:
    """Write the goods-received note of what phones have scanned in for an offer and never ended.

    A phone asks for it itself, by the operation goods_received, when its holder is done.
    """
    return service.note_of_offer(uow, offer_id=offer_id, **body)


@blueprint.get("/offers/<int:offer_id>/certificate.pdf")
@blueprint.response(200, content_type="application/pdf", description="The donor's certificate")
@blueprint.alt_response(409, description="offer-past: it is given once the offer is closed")
@in_unit_of_work("donations.read")
def certificate(uow: UnitOfWork, offer_id: int) -> Response:
    """Return the donor's certificate of a closed offer."""
    return papers.as_response(papers.certificate(service.certificate(uow, offer_id=offer_id)))


@blueprint.get("/arrivals")
@blueprint.arguments(schemas.FindArrivals, location="query", as_kwargs=True)
@blueprint.response(200, schemas.ArrivalsPage)
@in_unit_of_work("donations.read")
def arrivals(uow: UnitOfWork, **asked: Any) -> Any:
    """List arrivals, newest first."""
    return _page(queries.arrivals(uow.session, uow.actor, **asked))


@blueprint.post("/arrivals")
@blueprint.arguments(schemas.ArrivalIn, example=ARRIVAL_EXAMPLE)
@blueprint.response(201, schemas.ArrivalOut)
@blueprint.alt_response(422, description="operation-reused, lines-wrong")
@in_unit_of_work("donations.receive")
def arrive(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Receive goods line by line into lots; the goods-received note is numbered. Sent twice, it arrives once."""
    return service.arrive(uow, **body)


@blueprint.post("/arrivals/begin")
@blueprint.arguments(
    schemas.OpenArrivalIn,
    example={"operation_id": ARRIVAL_EXAMPLE["operation_id"], "warehouse_id": 5, "offer_id": 2214},
)
@blueprint.response(201, schemas.ArrivalOut)
@in_unit_of_work("donations.receive")
def open_arrival(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Begin to receive what came, of an offer or unannounced; lines follow one by one.

    For programs with a network beside the dock. Phones receive by the operations receive and goods_received instead.
    """
    return queries.arrival(uow.session, uow.actor, service.open_arrival(uow, **body).id)


@blueprint.post("/arrivals/<int:arrival_id>/lines")
@blueprint.arguments(
    schemas.ReceivedLineIn,
    example={"operation_id": ARRIVAL_EXAMPLE["operation_id"], "item_id": 1, "quantity": 24, "expires_on": "2027-04-30"},
)
@blueprint.response(200, schemas.ArrivalOut)
@blueprint.alt_response(409, description="arrival-ended")
@in_unit_of_work("donations.receive")
def receive_line(uow: UnitOfWork, body: dict[str, Any], arrival_id: int) -> Any:
    """Receive one line: it is on the dock at once. Sent twice under one number, it is received once."""
    once(
        uow,
        operation_id=body["operation_id"],
        kind="arrival_line",
        asked={"arrival_id": arrival_id, **body},
        deed=lambda: service.receive_line(uow, arrival_id=arrival_id, **body),
        again=lambda: None,
    )
    uow.session.expire_all()
    return queries.arrival(uow.session, uow.actor, arrival_id)


@blueprint.post("/arrivals/<int:arrival_id>/close")
@blueprint.response(200, schemas.ArrivalOut)
@in_unit_of_work("donations.receive")
def close_arrival(uow: UnitOfWork, arrival_id: int) -> Any:
    """End an arrival; its goods-received note is numbered, with what differs from the offer."""
    return queries.arrival(uow.session, uow.actor, service.close_arrival(uow, arrival_id=arrival_id).id)


@blueprint.get("/arrivals/<int:arrival_id>")
@blueprint.response(200, schemas.ArrivalOut)
@in_unit_of_work("donations.read")
def arrival(uow: UnitOfWork, arrival_id: int) -> Any:
    """Show an arrival with its lines."""
    return queries.arrival(uow.session, uow.actor, arrival_id)


@blueprint.get("/arrivals/<int:arrival_id>/note.pdf")
@blueprint.response(200, content_type="application/pdf", description="The goods-received note")
@in_unit_of_work("donations.read")
def note(uow: UnitOfWork, arrival_id: int) -> Response:
    """Return the goods-received note of an arrival."""
    found = queries.arrival(uow.session, uow.actor, arrival_id)
    return papers.as_response(papers.note(queries.note_of(uow.session, found)))
