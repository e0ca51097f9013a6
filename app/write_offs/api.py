"""Write-offs and quarantine, as JSON."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.language import today
from app.foundation.unit_of_work import UnitOfWork
from app.write_offs import operation_kinds as _registers_its_kinds  # noqa: F401
from app.write_offs import papers, queries, schemas, service

blueprint = Blueprint("write_offs-api", __name__, description="Write-offs, their records, and quarantine")

OPERATION = "01936b2e-7f3a-7c1d-9a40-3b1f6f1f2a10"
PROPOSAL_EXAMPLE = {
    "operation_id": OPERATION,
    "reason": "damaged",
    "note": "The pallet fell, sacks are torn.",
    "lines": [{"lot_id": 20811, "place_id": 44, "quantity": 6}],
}
DECISION_EXAMPLE = {"operation_id": OPERATION, "committee": ["Kiss Ilona", "Nagy Béla", "Tóth Edit"]}
QUARANTINE_EXAMPLE = {
    "operation_id": OPERATION,
    "lot_id": 20811,
    "from_place_id": 44,
    "quantity": 6,
    "reason": "wet boxes",
}
RELEASE_EXAMPLE = {"operation_id": OPERATION, "lot_id": 20811, "from_place_id": 41, "to_place_id": 44, "quantity": 6}
IMAGE = {"schema": {"type": "string", "format": "binary"}}


def _sheet(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    blueprint.set_etag(_tag(found))
    names = list(schemas.WriteOffOut().fields)
    return {
        **{name: getattr(found, name) for name in names},
        "lines": found.lines,
        "photo_ids": queries.photo_ids(uow.session, found.id),
    }


def _tag(found: Any) -> dict[str, int]:
    return {"id": found.id, "version": found.version}


def _seen(uow: UnitOfWork, write_off_id: int) -> int:
    """Return the version that the asker has seen, by its If-Match."""
    found = queries.write_off(uow.session, uow.actor, write_off_id)
    blueprint.check_etag(_tag(found))
    return found.version


@blueprint.get("/write-offs")
@blueprint.arguments(schemas.WriteOffQuery, location="query", as_kwargs=True)
@blueprint.response(200, schemas.WriteOffsPage)
@in_unit_of_work("stock.read")
def write_offs(uow: UnitOfWork, **asked: Any) -> Any:
    """List write-offs, the newest first; ``state=decided`` is all that are not proposed any more."""
    found = queries.write_off_page(uow.session, uow.actor, **asked)
    return {"items": [row.write_off for row in found.rows], "next_after": found.next_after}


@blueprint.post("/write-offs")
@blueprint.etag
@blueprint.arguments(schemas.ProposalIn, example=PROPOSAL_EXAMPLE)
@blueprint.response(201, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="not-enough-stock")
@blueprint.alt_response(422, description="lines-wrong")
@in_unit_of_work("stock.operate")
def propose(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Propose to write goods off; they are reserved until it is decided. Sent twice, it is proposed once."""
    return _sheet(uow, service.propose(uow, **body).write_off)


@blueprint.post("/write-offs/expired")
@blueprint.etag
@blueprint.arguments(schemas.ExpiredIn, example={"operation_id": OPERATION, "warehouse_id": 5})
@blueprint.response(201, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="nothing-to-propose")
@in_unit_of_work("stock.operate")
def propose_expired(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Propose everything of a warehouse that has expired and that nobody has spoken for."""
    return _sheet(uow, service.propose_expired(uow, **body))


@blueprint.get("/write-offs/<int:write_off_id>")
@blueprint.etag
@blueprint.response(200, schemas.WriteOffSheet)
@in_unit_of_work("stock.read")
def write_off(uow: UnitOfWork, write_off_id: int) -> Any:
    """Show a write-off with its lines."""
    return _sheet(uow, queries.write_off(uow.session, uow.actor, write_off_id))


@blueprint.post("/write-offs/<int:write_off_id>/decide")
@blueprint.etag
@blueprint.arguments(schemas.DecisionIn, example=DECISION_EXAMPLE)
@blueprint.response(200, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="write-off-past, own-proposal, not-enough-stock")
@in_unit_of_work("stock.write_off")
def decide(uow: UnitOfWork, body: dict[str, Any], write_off_id: int) -> Any:
    """Write off what somebody else proposed; the record is numbered and the goods go to the loss."""
    found = service.decide(uow, write_off_id=write_off_id, version=_seen(uow, write_off_id), **body)
    return _sheet(uow, found)


@blueprint.post("/write-offs/<int:write_off_id>/refuse")
@blueprint.etag
@blueprint.arguments(schemas.NoteIn, example={"note": "It can still be given: only the box is torn."})
@blueprint.response(200, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="write-off-past")
@in_unit_of_work("stock.write_off")
def refuse(uow: UnitOfWork, body: dict[str, Any], write_off_id: int) -> Any:
    """Refuse a proposal: the goods stay, and are free again."""
    return _sheet(uow, service.refuse(uow, write_off_id=write_off_id, version=_seen(uow, write_off_id), **body))


@blueprint.post("/write-offs/<int:write_off_id>/withdraw")
@blueprint.etag
@blueprint.arguments(schemas.NoteIn, example={"note": "The wrong lot."})
@blueprint.response(200, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="write-off-past, not-your-proposal")
@in_unit_of_work("stock.operate")
def withdraw(uow: UnitOfWork, body: dict[str, Any], write_off_id: int) -> Any:
    """Withdraw a proposal."""
    return _sheet(uow, service.withdraw(uow, write_off_id=write_off_id, version=_seen(uow, write_off_id), **body))


@blueprint.post("/write-offs/<int:write_off_id>/take-back")
@blueprint.etag
@blueprint.arguments(schemas.TakeBackIn, example={"operation_id": OPERATION, "reason": "The wrong pallet was counted."})
@blueprint.response(200, schemas.WriteOffSheet)
@blueprint.alt_response(409, description="write-off-past")
@in_unit_of_work("stock.write_off")
def take_back(uow: UnitOfWork, body: dict[str, Any], write_off_id: int) -> Any:
    """Take a record back: the goods return where they were, the record is cancelled and keeps its number."""
    return _sheet(uow, service.take_back(uow, write_off_id=write_off_id, version=_seen(uow, write_off_id), **body))


@blueprint.get("/write-offs/<int:write_off_id>/record.pdf")
@blueprint.response(200, content_type="application/pdf", description="The record")
@blueprint.alt_response(404, description="no-record-yet: it is written when the write-off is posted")
@in_unit_of_work("stock.read")
def record(uow: UnitOfWork, write_off_id: int) -> Response:
    """Return the record of a posted write-off."""
    return papers.record_of(uow, write_off_id)


@blueprint.post("/write-offs/<int:write_off_id>/photos")
@blueprint.doc(
    requestBody={"required": True, "content": {"image/jpeg": IMAGE, "image/png": IMAGE, "image/webp": IMAGE}}
)
@blueprint.response(201, schemas.PhotoOut)
@blueprint.alt_response(409, description="write-off-past, too-many-pictures")
@blueprint.alt_response(422, description="picture-refused")
@in_unit_of_work("stock.operate")
def add_photo(uow: UnitOfWork, write_off_id: int) -> Any:
    """Add a picture of the goods, at most 5 MB. It is drawn anew: no place, camera or time is kept in it."""
    made = service.add_photo(uow, write_off_id=write_off_id, content=request.get_data())
    return {"id": made.id, "write_off_id": made.write_off_id, "bytes": len(made.jpeg)}


@blueprint.get("/write-offs/photos/<int:write_off_photo_id>.jpg")
@blueprint.response(200, content_type="image/jpeg", description="A picture of goods")
@in_unit_of_work("stock.read")
def photo(uow: UnitOfWork, write_off_photo_id: int) -> Response:
    """Return a picture of goods."""
    return papers.photo_of(uow, write_off_photo_id)


@blueprint.get("/quarantine")
@blueprint.arguments(schemas.HeldQuery, location="query", as_kwargs=True)
@blueprint.response(200, schemas.HeldPage)
@in_unit_of_work("stock.read")
def quarantined(uow: UnitOfWork, **asked: Any) -> Any:
    """List what lies in quarantine or is blocked, why and since when."""
    found = queries.quarantine_page(uow.session, uow.actor, **asked)
    return {"items": found.rows, "next_after": found.next_after}


@blueprint.get("/expiring")
@blueprint.arguments(schemas.HeldQuery, location="query", as_kwargs=True)
@blueprint.response(200, schemas.HeldPage)
@in_unit_of_work("stock.read")
def expiring(uow: UnitOfWork, **asked: Any) -> Any:
    """List what has expired or will within 30 days, the first to expire first."""
    found = queries.expiring_page(uow.session, uow.actor, today(), **asked)
    return {"items": found.rows, "next_after": found.next_after}


@blueprint.post("/quarantine")
@blueprint.arguments(schemas.QuarantineIn, example=QUARANTINE_EXAMPLE)
@blueprint.response(201, schemas.MovedOut)
@blueprint.alt_response(409, description="not-enough-stock")
@in_unit_of_work("stock.operate")
def quarantine(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Hold some of a lot apart, with the reason why. Sent twice, it is moved once."""
    return queries.moved_before(uow.session, body["operation_id"]) or service.quarantine(uow, **body).movement


@blueprint.post("/quarantine/release")
@blueprint.arguments(schemas.ReleaseIn, example=RELEASE_EXAMPLE)
@blueprint.response(201, schemas.MovedOut)
@blueprint.alt_response(409, description="not-enough-stock, not-in-quarantine, still-blocked")
@in_unit_of_work("stock.operate")
def release(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Put some of a lot back on the dock or a shelf, with the reason why. Sent twice, it is moved once."""
    return queries.moved_before(uow.session, body["operation_id"]) or service.release(uow, **body).movement


@blueprint.post("/recalls")
@blueprint.arguments(schemas.BatchIn, example={"item_id": 1, "batch": "L2611A", "reason": "Called back by the maker"})
@blueprint.response(200, schemas.BlockedOut)
@blueprint.alt_response(404, description="no-such-batch")
@in_unit_of_work("stock.write_off")
def recall(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Block every lot of a maker's batch that lies where this manager works, and what was made of it."""
    return {"lot_ids": [lot.id for lot in service.block_batch(uow, **body)]}
