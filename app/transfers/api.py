"""Transfers between warehouses, as JSON."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.boxes import travelling
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.stock import voucher_papers
from app.transfers import operation_kinds, papers, queries, schemas, service
from app.transfers.errors import NoSuchTransfer
from app.transfers.service import Counted

blueprint = Blueprint("transfers-api", __name__, description="Goods on their way between warehouses")
KNOWN = (operation_kinds, papers)
"""Imported for what they register."""

OPERATION = "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10"
REQUEST_EXAMPLE = {
    "operation_id": OPERATION,
    "from_warehouse_id": 5,
    "to_warehouse_id": 9,
    "wanted_on": "2026-12-01",
    "lines": [{"item_id": 1, "quantity": 240}],
}
ADD_EXAMPLE = {
    "operation_id": OPERATION,
    "item_id": 1,
    "expires_on": "2027-04-30",
    "quantity": 12,
    "reason": "a box too many on the pallet",
}
RECEIVE_EXAMPLE = {
    "operation_id": OPERATION,
    "lines": [
        {"transfer_lot_id": 31, "received": 240},
        {"transfer_lot_id": 32, "received": 55, "damaged": 3, "reason": "five missing, three torn"},
    ],
}


def _tag(transfer: Any) -> dict[str, int]:
    return {"id": transfer.id, "version": transfer.version}


def _seen(uow: UnitOfWork, transfer_id: int) -> int:
    """Return the version that the asker has seen, by its If-Match."""
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    blueprint.check_etag(_tag(found))
    return found.version


def _sheet(uow: UnitOfWork, transfer_id: int) -> dict[str, Any]:
    uow.session.flush()
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    blueprint.set_etag(_tag(found))
    shown = {name: getattr(found, name) for name in schemas.TransferOut().fields}
    return {**shown, "lots": queries.lots_of(uow.session, transfer_id)}


@blueprint.get("/transfers")
@blueprint.arguments(schemas.FindTransfers, location="query", as_kwargs=True)
@blueprint.response(200, schemas.TransfersPage)
@in_unit_of_work("transfers.read")
def transfers(uow: UnitOfWork, after: str | None, **asked: Any) -> Any:
    """List transfers, newest first."""
    found = queries.transfers(uow.session, uow.actor, queries.TransferAsked(**asked), after=after)
    return {"items": [row.transfer for row in found.rows], "next_after": found.next_after}


@blueprint.post("/transfers")
@blueprint.etag
@blueprint.arguments(schemas.TransferRequestIn, example=REQUEST_EXAMPLE)
@blueprint.response(201, schemas.TransferSheet)
@blueprint.alt_response(422, description="lines-wrong, operation-differs")
@in_unit_of_work("transfers.request")
def request(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Ask for goods of another warehouse. Sent twice under one number, asked for once."""
    return _sheet(uow, service.request(uow, **body).id)


@blueprint.get("/transfers/<int:transfer_id>")
@blueprint.etag
@blueprint.response(200, schemas.TransferSheet)
@in_unit_of_work("transfers.read")
def transfer(uow: UnitOfWork, transfer_id: int) -> Any:
    """Show a transfer with its lines and lots."""
    return _sheet(uow, transfer_id)


@blueprint.get("/transfers/<int:transfer_id>/proposal")
@blueprint.response(200, schemas.TransferProposal)
@in_unit_of_work("stock.operate")
def proposal(uow: UnitOfWork, transfer_id: int) -> Any:
    """Show what would be picked from where, first to expire first."""
    return {"items": service.propose(uow, transfer_id=transfer_id)}


@blueprint.post("/transfers/<int:transfer_id>/accept")
@blueprint.etag
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past")
@in_unit_of_work("stock.operate")
def accept(uow: UnitOfWork, transfer_id: int) -> Any:
    """Reserve what is asked for on its shelves."""
    service.accept(uow, transfer_id=transfer_id, version=_seen(uow, transfer_id))
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/picks")
@blueprint.etag
@blueprint.arguments(
    schemas.TransferPickIn, example={"operation_id": OPERATION, "lot_id": 20811, "from_place_id": 17, "quantity": 24}
)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, not-asked, more-than-asked, not-enough-stock")
@in_unit_of_work("stock.operate")
def pick(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Move some of a lot from its shelf to staging. Sent twice, it is moved once."""
    _seen(uow, transfer_id)
    service.pick(uow, transfer_id=transfer_id, **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/boxes")
@blueprint.etag
@blueprint.arguments(schemas.TransferBoxIn, example={"operation_id": OPERATION, "box": "054012340000000018"})
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, not-asked, box-cannot-travel")
@in_unit_of_work("stock.operate")
def pick_box(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Pick a whole box or pallet; it travels as it is."""
    _seen(uow, transfer_id)
    box_id = travelling.named(uow, body["box"])
    service.pick_box(uow, transfer_id=transfer_id, box_id=box_id, operation_id=body["operation_id"])
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/pick-all")
@blueprint.etag
@blueprint.arguments(schemas.TransferOperationIn, example={"operation_id": OPERATION})
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, nothing-picked")
@in_unit_of_work("stock.operate")
def pick_all(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Note that everything on the pick list stands in staging."""
    _seen(uow, transfer_id)
    service.pick_all(uow, transfer_id=transfer_id, **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/send")
@blueprint.etag
@blueprint.arguments(
    schemas.TransferSendIn, example={"operation_id": OPERATION, "carried_by": "ABC-123", "expected_on": "2026-12-01"}
)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, nothing-picked")
@in_unit_of_work("stock.operate")
def send(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Let the picked goods leave; the transfer note is numbered."""
    service.send(uow, transfer_id=transfer_id, version=_seen(uow, transfer_id), **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/receive")
@blueprint.etag
@blueprint.arguments(schemas.TransferReceiveIn, example=RECEIVE_EXAMPLE)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, already-received")
@blueprint.alt_response(422, description="lines-wrong: a difference wants a reason")
@in_unit_of_work("stock.operate")
def receive(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Take lots in as they were counted."""
    _seen(uow, transfer_id)
    counted = [Counted(**line) for line in body["lines"]]
    service.receive(uow, transfer_id=transfer_id, counted=counted, operation_id=body["operation_id"])
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/add")
@blueprint.etag
@blueprint.arguments(schemas.TransferAddIn, example=ADD_EXAMPLE)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past")
@blueprint.alt_response(422, description="expiry-needed, lines-wrong: exactly one of lot_id and item_id")
@in_unit_of_work("stock.operate")
def add(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Take in what came though nobody had sent it. It comes out of the giver's discrepancies."""
    _seen(uow, transfer_id)
    service.add(uow, transfer_id=transfer_id, **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/receive-box")
@blueprint.etag
@blueprint.arguments(schemas.TransferBoxIn, example={"operation_id": OPERATION, "box": "054012340000000018"})
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past, already-received")
@in_unit_of_work("stock.operate")
def receive_box(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Take a whole box or pallet in, as it was sent."""
    _seen(uow, transfer_id)
    service.receive_box(uow, transfer_id=transfer_id, **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/lots/<int:transfer_lot_id>/settle")
@blueprint.etag
@blueprint.arguments(
    schemas.TransferSettleIn, example={"operation_id": OPERATION, "outcome": "lost", "reason": "fell off the van"}
)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="no-difference, transfer-past")
@in_unit_of_work("stock.operate")
def settle(uow: UnitOfWork, body: dict[str, Any], transfer_id: int, transfer_lot_id: int) -> Any:
    """Say what became of pieces that did not arrive."""
    _seen(uow, transfer_id)
    if queries.transfer_id_of(uow.session, transfer_lot_id) != transfer_id:
        raise NoSuchTransfer(transfer_id=transfer_id)
    service.settle(uow, transfer_lot_id=transfer_lot_id, **body)
    return _sheet(uow, transfer_id)


@blueprint.post("/transfers/<int:transfer_id>/cancel")
@blueprint.etag
@blueprint.arguments(
    schemas.TransferCancelIn, example={"operation_id": OPERATION, "reason": "No van goes there this week."}
)
@blueprint.response(200, schemas.TransferSheet)
@blueprint.alt_response(409, description="transfer-past")
@in_unit_of_work("transfers.request|stock.operate")
def cancel(uow: UnitOfWork, body: dict[str, Any], transfer_id: int) -> Any:
    """Cancel a transfer that has not left; what was picked goes back to its shelf."""
    service.cancel(uow, transfer_id=transfer_id, version=_seen(uow, transfer_id), **body)
    return _sheet(uow, transfer_id)


@blueprint.get("/transfers/<int:transfer_id>/note.pdf")
@blueprint.response(200, content_type="application/pdf", description="The transfer note")
@blueprint.alt_response(404, description="not-found: it has not left yet")
@in_unit_of_work("transfers.read")
def note(uow: UnitOfWork, transfer_id: int) -> Response:
    """Return the transfer note."""
    voucher = service.note(uow, transfer_id=transfer_id)
    if voucher is None:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return Response(voucher_papers.draw(voucher), mimetype="application/pdf", headers={"Content-Disposition": "inline"})
