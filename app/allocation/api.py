"""Allocation as JSON: start a run, read its shares and missing shares with their reasons, decide."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from app.allocation import queries, schemas, service
from app.foundation.fields import Paged
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("allocation-api", __name__, description="Which stock for which need, and why")


@blueprint.post("/allocation-runs")
@blueprint.arguments(schemas.Start, example={"county_id": None})
@blueprint.response(202, schemas.AllocationRunOut)
@in_unit_of_work("allocation.run")
def start(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Start a run over every open need; a run of the same scope that is still thinking is returned instead."""
    return service.start(uow, county_id=body["county_id"])


@blueprint.get("/allocation-runs")
@blueprint.arguments(Paged, location="query")
@blueprint.response(200, schemas.AllocationRunsOut)
@in_unit_of_work("allocation.read")
def runs(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List runs, the newest first."""
    page = queries.runs(uow.session, uow.actor, **asked)
    return {"items": page.rows, "next_after": page.next_after}


@blueprint.get("/allocation-runs/<int:run_id>")
@blueprint.etag
@blueprint.response(200, schemas.AllocationRunOut)
@in_unit_of_work("allocation.read")
def run(uow: UnitOfWork, run_id: int) -> Any:
    """Show a run and its figures."""
    found = queries.run(uow.session, uow.actor, run_id)
    blueprint.set_etag({"run": found.id, "version": found.version})
    return found


@blueprint.get("/allocation-runs/<int:run_id>/shares")
@blueprint.arguments(schemas.Find, location="query")
@blueprint.response(200, schemas.SharesOut)
@in_unit_of_work("allocation.read")
def shares(uow: UnitOfWork, asked: dict[str, Any], run_id: int) -> dict[str, Any]:
    """List a run's shares, each with why this much, why this lot and why from there."""
    queries.run(uow.session, uow.actor, run_id)
    filters = queries.Filters(**schemas.filters(asked))
    page = queries.shares_page(uow.session, uow.actor, run_id, filters, after=asked["after"], size=asked["size"])
    return {"items": [row[0] for row in page.rows], "next_after": page.next_after}


@blueprint.get("/allocation-runs/<int:run_id>/missing")
@blueprint.arguments(schemas.Find, location="query")
@blueprint.response(200, schemas.MissingsOut)
@in_unit_of_work("allocation.read")
def missing(uow: UnitOfWork, asked: dict[str, Any], run_id: int) -> dict[str, Any]:
    """List a run's missing shares, each with its reason, its grounds and what could be done, the cheapest first."""
    queries.run(uow.session, uow.actor, run_id)
    filters = queries.Filters(**schemas.filters(asked))
    page = queries.missing_page(uow.session, uow.actor, run_id, filters, after=asked["after"], size=asked["size"])
    return {"items": [row[0] for row in page.rows], "next_after": page.next_after}


@blueprint.post("/allocation-runs/<int:run_id>/approve")
@blueprint.response(200, schemas.AllocationRunOut)
@blueprint.alt_response(409, description="not-proposed: it is approved or replaced already")
@in_unit_of_work("allocation.approve")
def approve(uow: UnitOfWork, run_id: int) -> Any:
    """Approve a proposal, in the counties one decides for; packing follows by itself."""
    return service.approve(uow, run_id=run_id)


@blueprint.get("/shares/<int:share_id>")
@blueprint.etag
@blueprint.response(200, schemas.ShareOut)
@in_unit_of_work("allocation.read")
def share(uow: UnitOfWork, share_id: int) -> Any:
    """Show a share."""
    return _told(queries.share_row(uow.session, uow.actor, share_id)[0])


def _told(share: Any) -> Any:
    blueprint.set_etag({"share": share.id, "version": share.version})
    return share


def _seen(uow: UnitOfWork, share_id: int) -> int:
    found = queries.share_row(uow.session, uow.actor, share_id)[0]
    blueprint.check_etag({"share": found.id, "version": found.version})
    return int(found.version)


@blueprint.put("/shares/<int:share_id>/pin")
@blueprint.etag
@blueprint.arguments(schemas.Reason)
@blueprint.response(200, schemas.ShareOut)
@in_unit_of_work("allocation.approve")
def pin(uow: UnitOfWork, body: dict[str, Any], share_id: int) -> Any:
    """Keep a share whatever the next run would say."""
    changed = service.pin(uow, share_id=share_id, reason=body["reason"], version=_seen(uow, share_id))
    uow.session.flush()
    return _told(changed)


@blueprint.delete("/shares/<int:share_id>/pin")
@blueprint.etag
@blueprint.response(200, schemas.ShareOut)
@in_unit_of_work("allocation.approve")
def unpin(uow: UnitOfWork, share_id: int) -> Any:
    """Leave a share to the next run again."""
    changed = service.unpin(uow, share_id=share_id, version=_seen(uow, share_id))
    uow.session.flush()
    return _told(changed)


@blueprint.post("/shares/<int:share_id>/release")
@blueprint.etag
@blueprint.arguments(schemas.Reason, example={"reason": "The family moved away"})
@blueprint.response(200, schemas.ShareOut)
@blueprint.alt_response(409, description="share-gone: it is packed, handed over or released already")
@in_unit_of_work("allocation.approve")
def release(uow: UnitOfWork, body: dict[str, Any], share_id: int) -> Any:
    """Put a share back on the shelf; its need is open again."""
    return _told(service.release(uow, share_id=share_id, reason=body["reason"], version=_seen(uow, share_id)))


@blueprint.get("/needs/<int:need_id>/shares")
@blueprint.response(200, schemas.NeedSharesOut)
@in_unit_of_work("allocation.read")
def need_shares(uow: UnitOfWork, need_id: int) -> dict[str, Any]:
    """Show what a need gets, and why it does not get more."""
    found, lacking = queries.need_shares(uow.session, uow.actor, need_id)
    return {"shares": [row[0] for row in found], "missing": lacking[0] if lacking else None}


@blueprint.put("/needs/<int:need_id>/exclusion")
@blueprint.arguments(schemas.Reason, example={"reason": "They asked somebody else"})
@blueprint.response(204)
@in_unit_of_work("allocation.approve")
def exclude(uow: UnitOfWork, body: dict[str, Any], need_id: int) -> None:
    """Keep a need out of allocation until that is taken back."""
    service.exclude(uow, need_id=need_id, reason=body["reason"])


@blueprint.delete("/needs/<int:need_id>/exclusion")
@blueprint.response(204)
@in_unit_of_work("allocation.approve")
def include(uow: UnitOfWork, need_id: int) -> None:
    """Let a need take part in allocation again."""
    service.include(uow, need_id=need_id)
