"""The web edge: one unit of work per request; refusals and faults turned into answers.

The factory hands in how requests are told who acts (``identify``). Pages and the API differ in the last line only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from marshmallow import ValidationError
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.foundation.actor import NOBODY, Actor
from app.foundation.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, Refusal, Stale
from app.foundation.language import translate
from app.foundation.unit_of_work import UnitOfWork, unit_of_work
from app.foundation.words import Message, say

PUBLIC = "public"
"""The permission of views that anybody may open."""
SIGNED_IN = "signed-in"
"""The permission of views that any signed-in person may open."""

NOBODYS = "nobody's"
"""Asked for by views that name no permission: nobody has it."""

EITHER = "|"
"""Between permissions of which one is enough; the service then judges which: "runs.drive|runs.load"."""

RETRY_AFTER_SECONDS = 5
_ONCE_MORE = (pg.SerializationFailure, pg.DeadlockDetected, pg.UniqueViolation, pg.LockNotAvailable)


UnitsOfWork = Callable[[], AbstractContextManager[UnitOfWork]]


@dataclass(frozen=True)
class Edge:
    """What a request needs from the outside."""

    sessions: sessionmaker[Session]
    clock: Callable[[], datetime]
    ring: Callable[[list[int]], object]
    identify: Callable[[], Actor]


def edge() -> Edge:
    """Return the edge of the running application."""
    found: Edge = current_app.extensions["edge"]
    return found


def wants_json() -> bool:
    """Tell whether a program asked."""
    return request.path.startswith("/api/")


def in_unit_of_work(
    permission: str, form_view: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view a unit of work; commit when it returns, undo when it raises.

    ``permission`` is a word of the role table, PUBLIC or SIGNED_IN. A transaction that lost a race (serialization,
    deadlock, a duplicate key that a twin just wrote) runs once more. When the view of a form refuses,
    ``form_view`` draws the form again with what was typed and what was wrong.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def wrapper(*args: Any, **arguments: Any) -> Any:
            _require(permission)
            try:
                return _run(view, args, arguments)
            except (Refusal, ValidationError, StaleDataError) as error:
                refusal = as_refusal(error)
                if refusal.remember is not None:
                    with work_of(g.actor)() as uow:
                        refusal.remember(uow)
                if form_view is None or wants_json():
                    raise refusal from error
                g.refusal = refusal
                drawn = getattr(form_view, "view", form_view)
                response = make_response(_run(drawn, (), arguments))
                response.status_code = refusal.status
                _say_when(response, refusal)
                return response

        wrapper.permission = permission  # type: ignore[attr-defined]
        wrapper.view = view  # type: ignore[attr-defined]
        return wrapper

    return decorate


def allowed(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Judge the right only: for the few views that open units of work of their own."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def wrapper(*args: Any, **arguments: Any) -> Any:
            _require(permission)
            return view(*args, **arguments)

        wrapper.permission = permission  # type: ignore[attr-defined]
        wrapper.view = view  # type: ignore[attr-defined]
        return wrapper

    return decorate


def work_of(actor: Actor) -> UnitsOfWork:
    """Return the maker of units of work in which ``actor`` acts, each a transaction of its own."""
    the_edge = edge()
    return lambda: unit_of_work(the_edge.sessions, actor, the_edge.clock, the_edge.ring)


def permission_of(endpoint: str, method: str) -> str | None:
    """Return the permission that a route asks for with this method; None: it was given none."""
    view: Any = current_app.view_functions.get(endpoint)
    handlers = getattr(view, "view_class", None)
    if handlers is not None:
        view = getattr(handlers, method.lower(), None) or getattr(handlers, "get", None)
    found: str | None = getattr(view, "permission", None)
    return found


def _require(permission: str) -> None:
    if permission == PUBLIC:
        return
    actor: Actor = g.actor
    if actor.role == NOBODY.role:
        raise NotSignedIn
    if permission != SIGNED_IN and not any(actor.may(each) for each in permission.split(EITHER)):
        raise NotAllowed(permission=permission)


def _run(view: Callable[..., Any], args: tuple[Any, ...], arguments: Mapping[str, Any]) -> Any:
    def once() -> Any:
        with unit_of_work(edge().sessions, g.actor, edge().clock, edge().ring) as uow:
            g.uow = uow
            # Each try gets the body as it was sent: a view may have taken it apart.
            return view(uow, *_own(list(args)), **_own(dict(arguments)))

    try:
        return once()
    except (OperationalError, IntegrityError) as error:
        if not isinstance(error.orig, _ONCE_MORE):
            raise
        return once()


def _own(value: Any) -> Any:
    """Return a copy of what was sent, down to its last mapping and list."""
    if type(value) is dict:
        return {name: _own(each) for name, each in value.items()}
    if type(value) is list:
        return [_own(each) for each in value]
    return value


def as_refusal(error: Exception) -> Refusal:
    """Return the refusal that an exception of a library means."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ValidationError):
        messages = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
        return Invalid(say("Nothing was saved: please look at the marked fields."), flat(messages))
    assert isinstance(error, StaleDataError), f"{error!r} is no refusal"
    return Stale()


def flat(messages: Mapping[Any, Any], prefix: str = "") -> dict[str, list[Message | str]]:
    """Return nested messages of marshmallow by dotted field: ``{"lines.0.quantity": ["…"]}``."""
    found: dict[str, list[Message | str]] = {}
    for name, value in messages.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found.update(flat(value, f"{path}."))
        else:
            found[path] = [entry if isinstance(entry, Message) else str(entry) for entry in value]
    return found


def problem(refusal: Refusal) -> dict[str, Any]:
    """Return the problem document (RFC 9457) of a refusal, in the reader's language."""
    document: dict[str, Any] = {
        "type": refusal.kind,
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": translate(refusal.message),
    }
    for name, fact in refusal.facts.items():
        plain = fact if isinstance(fact, int | float | bool | str | list | dict | None) else str(fact)
        document.setdefault(name, translate(fact) if isinstance(fact, Message) else plain)
    if isinstance(refusal, Invalid) and refusal.fields:
        document["fields"] = {name: [translate(each) for each in said] for name, said in refusal.fields.items()}
    return document


def answer(refusal: Refusal) -> Response:
    """Turn a refusal into a problem document, or into a page that says it."""
    if wants_json():
        response = jsonify(problem(refusal))
        response.mimetype = "application/problem+json"
    else:
        response = make_response(render_template("problem.html", refusal=refusal, detail=translate(refusal.message)))
    response.status_code = refusal.status
    _say_when(response, refusal)
    return response


def _say_when(response: Response, refusal: Refusal) -> None:
    if "retry_after_seconds" in refusal.facts:
        response.headers["Retry-After"] = str(refusal.facts["retry_after_seconds"])


class Away(Refusal):
    """The database cannot be reached, or has no free place."""

    status = 503
    kind = "away"

    def __init__(self) -> None:
        super().__init__(
            say("The system cannot reach its store for a moment. Nothing was lost; try again in a few seconds."),
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


def install(app: Flask, the_edge: Edge) -> None:
    """Teach the application who acts, how refusals are answered, and the headers of every answer."""
    app.extensions["edge"] = the_edge
    app.before_request(_begin)
    app.before_request(_guard)
    app.after_request(_headers)
    app.register_error_handler(Refusal, answer)
    app.register_error_handler(ValidationError, lambda error: answer(as_refusal(error)))
    app.register_error_handler(StaleDataError, lambda error: answer(as_refusal(error)))
    app.register_error_handler(HTTPException, http_fault)
    app.register_error_handler(DBAPIError, _database_fault)
    app.register_error_handler(PoolTimeout, lambda _: answer(Away()))
    app.register_error_handler(
        RecursionError, lambda _: answer(Invalid(say("It is nested too deeply. Send it flatter.")))
    )
    app.register_error_handler(Exception, _bug)


def _begin() -> None:
    g.request_id = secrets.token_hex(8)
    g.refusal = None
    g.actor = NOBODY
    if request.endpoint != "static":
        g.actor = edge().identify()


def _guard() -> None:
    """Refuse before anything of the request is read; what was given no permission is closed to everybody."""
    endpoint = request.endpoint
    if endpoint is None or endpoint == "static" or endpoint.startswith("api-docs."):
        return
    _require(permission_of(endpoint, request.method) or NOBODYS)


def http_fault(fault: HTTPException) -> Any:
    """Answer what a library refused (no such address, too large, malformed) like our own refusals."""
    code = fault.code or 500
    if code < 400:
        return fault
    if code == 404:
        return answer(NotFound())
    if code == 412 and "If-Match" not in request.headers:
        # flask-smorest asks for it by 428 with PUT and DELETE only; our verbs are POSTs.
        return answer(_VersionWanted(_FAULTS[428]))
    messages = getattr(fault, "data", {}).get("messages") if hasattr(fault, "data") else None
    if code == 422 and messages:
        # webargs nests by location: {"json": {...}}.
        merged = {name: value for part in messages.values() for name, value in _named(part).items()}
        return answer(Invalid(say("Nothing was saved: please look at the marked fields."), flat(merged)))
    refusal = Refusal(_FAULTS.get(code, say("This request could not be understood.")))
    refusal.status, refusal.kind = code, fault.name.lower().replace(" ", "-")
    response = answer(refusal)
    for name, value in fault.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _named(part: Any) -> Mapping[str, Any]:
    return part if isinstance(part, Mapping) else {"_schema": part}


_FAULTS = {
    400: say("This request could not be understood."),
    405: say("This address does not take that kind of request."),
    409: say("It contradicts what is stored now."),
    412: say("It was changed meanwhile. Nothing was overwritten: look at it again, then repeat."),
    413: say("It is too large. Send less at once."),
    415: say("Send this as JSON."),
    428: say("Say which version you have seen: send its ETag in If-Match."),
}


def _database_fault(error: DBAPIError) -> Response:
    if isinstance(error.orig, pg.DataError | pg.CharacterNotInRepertoire | pg.UntranslatableCharacter):
        return answer(Invalid(say("A value is past its range, or holds a character that cannot be stored.")))
    if isinstance(error.orig, pg.ForeignKeyViolation):
        return answer(
            Invalid(say("Nothing was saved: something it refers to does not exist, or is still referred to."))
        )
    if isinstance(error.orig, pg.UniqueViolation):
        return answer(Conflict(say("It contradicts what is stored now.")))
    away = (pg.OperationalError, pg.InterfaceError)
    if error.connection_invalidated or isinstance(error.orig, away):
        structlog.get_logger().warning("database away", error=type(error.orig).__name__, request_id=g.request_id)
        return answer(Away())
    return _bug(error)


class _VersionWanted(Refusal):
    status = 428
    kind = "precondition-required"


class _OurFault(Refusal):
    status = 500
    kind = "fault"


def _bug(error: Exception) -> Response:
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    structlog.get_logger().error("bug", request_id=g.request_id, endpoint=request.endpoint, exc_info=error)
    return answer(
        _OurFault(
            say("This is our mistake, not yours. It was noted as %(number)s; nothing was saved.", number=g.request_id)
        )
    )


def _headers(response: Response) -> Response:
    policy = (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:%(tiles)s; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy % {"tiles": current_app.config["TILES_SOURCE"]})
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
