"""What the scan page asks for: who holds the phone, and what there is to know without a network."""

from __future__ import annotations

import gzip
from typing import Any

from flask import Response, current_app, request
from flask_smorest import Blueprint

from app.accounts import service as accounts
from app.accounts import web
from app.floor import operation_kinds as _registers_its_kinds  # noqa: F401
from app.floor import queries, schemas, service
from app.floor.protocol import OLDEST, PROTOCOL
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("floor-api", __name__, description="The scan page of the warehouse")

GZIP_FROM_BYTES = 2048
ASKED_FOR = ("stock.operate", "donations.receive", "runs.load", "stock.write_off")


@blueprint.get("/floor/me")
@blueprint.response(200, schemas.PhoneOut)
@in_unit_of_work("stock.operate")
def me(uow: UnitOfWork) -> dict[str, Any]:
    """Say who holds the phone. The page itself holds nobody's name, so it asks again each time it starts."""
    by = web.signed_in_by()
    return {
        "person": {"id": uow.actor.id, "name": uow.actor.name},
        "language": uow.actor.language,
        "warehouses": queries.warehouses(uow.session, uow.actor),
        "scanner": by.scanner,
        "csrf_token": web.csrf_token() if by.session_id is not None else None,
        "protocol": PROTOCOL,
        "oldest": OLDEST,
        "permissions": [each for each in ASKED_FOR if uow.actor.may(each)],
    }


@blueprint.post("/floor/scanner")
@blueprint.arguments(schemas.ScannerIn)
@blueprint.response(200, schemas.ScannerOut)
@in_unit_of_work("stock.operate")
def use_as_scanner(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
    """Let this browser stay signed in for a shift; its page asks for a PIN after five minutes without a touch."""
    accounts.use_as_scanner(uow, session_id=web.signed_in_by().session_id, scanner=body["scanner"])
    return body


@blueprint.get("/floor/snapshot")
@blueprint.arguments(schemas.AskSnapshot, location="query")
@blueprint.response(200, schemas.SnapshotOut)
@in_unit_of_work("stock.operate")
def snapshot(uow: UnitOfWork, asked: dict[str, Any]) -> Any:
    """Return what a phone needs to work without a network, as lists; the schema names their columns.

    With `since` (the mark of what the phone has) only the parts that differ are sent; with If-None-Match an equal
    snapshot is a 304. `protocol` is the version of the page: one two versions old is still understood.
    """
    found = service.snapshot(uow, **asked)
    tag = found.mark.replace(".", "-")
    if request.if_none_match.contains(tag):
        return _tagged(Response(status=304), tag)
    document = {
        "protocol": found.protocol,
        "oldest": OLDEST,
        "warehouse": {"id": found.warehouse.id, "code": found.warehouse.code, "name": found.warehouse.name},
        "made_at": uow.now.isoformat(),
        "mark": found.mark,
        "whole": found.whole,
        "parts": dict(found.parts),
    }
    body = current_app.json.dumps(document, separators=(",", ":")).encode()
    response = Response(mimetype="application/json")
    response.vary.add("Accept-Encoding")
    if len(body) >= GZIP_FROM_BYTES and request.accept_encodings["gzip"] > 0:
        body = gzip.compress(body, 4)
        response.content_encoding = "gzip"
    response.set_data(body)
    return _tagged(response, tag)


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag)
    return response
