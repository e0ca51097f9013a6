"""Who acts, their sessions and tokens, and the administrator's users, as JSON."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_smorest import Blueprint

from app.accounts import queries, schemas, service, web
from app.foundation.errors import NotFound
from app.foundation.http import SIGNED_IN, in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork

blueprint = Blueprint("accounts-api", __name__, description="Who acts; users, sessions and API tokens")


@blueprint.get("/me")
@blueprint.response(200, schemas.MeOut)
@in_unit_of_work(SIGNED_IN)
def me(uow: UnitOfWork) -> Any:
    """Show who acts, and what they may do where."""
    return uow.actor


@blueprint.get("/me/sessions")
@blueprint.response(200, schemas.SessionOut(many=True))
@in_unit_of_work(SIGNED_IN)
def sessions(uow: UnitOfWork) -> Any:
    """List the browsers in which one is signed in."""
    current_id = web.signed_in_by().session_id
    found = queries.living_sessions(uow.session, _my_id(uow), uow.now)
    return [
        {
            "id": each.id,
            "browser": each.browser,
            "created_at": each.created_at,
            "last_seen_at": each.last_seen_at,
            "current": each.id == current_id,
        }
        for each in found
    ]


@blueprint.delete("/me/sessions")
@blueprint.response(204)
@in_unit_of_work(SIGNED_IN)
def end_sessions(uow: UnitOfWork) -> None:
    """Sign every browser out, but for the one that asks."""
    service.revoke_sessions(uow, keep_id=web.signed_in_by().session_id)


@blueprint.delete("/me/sessions/<int:session_id>")
@blueprint.response(204)
@in_unit_of_work(SIGNED_IN)
def end_session(uow: UnitOfWork, session_id: int) -> None:
    """Sign one browser out."""
    service.revoke_session(uow, session_id=session_id)


@blueprint.get("/me/tokens")
@blueprint.response(200, schemas.TokenOut(many=True))
@in_unit_of_work(SIGNED_IN)
def tokens(uow: UnitOfWork) -> Any:
    """List one's API tokens."""
    return queries.tokens(uow.session, _my_id(uow), uow.now)


@blueprint.post("/me/tokens")
@blueprint.arguments(schemas.MakeToken)
@blueprint.response(201, schemas.NewToken)
@in_unit_of_work(SIGNED_IN)
def make_token(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Make an API token; ``token`` is in this answer and never again."""
    token, clear = service.make_token(uow, _my_id(uow), **body)
    names = ("id", "name", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {**{name: getattr(token, name) for name in names}, "token": clear}


@blueprint.delete("/me/tokens/<int:token_id>")
@blueprint.response(204)
@in_unit_of_work(SIGNED_IN)
def revoke_token(uow: UnitOfWork, token_id: int) -> None:
    """End a token."""
    service.revoke_token(uow, token_id=token_id)


def _my_id(uow: UnitOfWork) -> int:
    if uow.actor.id is None:
        raise NotFound
    return uow.actor.id


@blueprint.get("/users")
@blueprint.arguments(schemas.FindUsers, location="query", as_kwargs=True)
@blueprint.response(200, schemas.UserPage)
@in_unit_of_work("users.manage")
def users(uow: UnitOfWork, *, q: str, role: str | None, state: str | None, after: str | None, size: int) -> Any:
    """List who may sign in, by name."""
    return queries.users(uow.session, uow.actor, words=q, role=role, state=state, after=after, size=size)


@blueprint.post("/users")
@blueprint.etag
@blueprint.arguments(schemas.CreateUser)
@blueprint.response(201, schemas.UserOut)
@in_unit_of_work("users.manage")
def create_user(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Create a user; without a password, make an invitation for them next."""
    made = service.create_user(uow, **body)
    _tell_version(made)
    return made


@blueprint.get("/users/<int:user_id>")
@blueprint.etag
@blueprint.response(200, schemas.UserOut)
@in_unit_of_work("users.manage")
def user(uow: UnitOfWork, user_id: int) -> Any:
    """Show a user."""
    found = queries.user(uow.session, user_id)
    _tell_version(found)
    return found


@blueprint.put("/users/<int:user_id>")
@blueprint.etag
@blueprint.arguments(schemas.ChangeUser)
@blueprint.response(200, schemas.UserOut)
@in_unit_of_work("users.manage")
def change_user(uow: UnitOfWork, body: dict[str, Any], user_id: int) -> Any:
    """Change who somebody is here and where they work."""
    changed = service.change_user(uow, user_id=user_id, version=_seen_version(uow, user_id), **body)
    _tell_version(changed)
    return changed


@blueprint.put("/users/<int:user_id>/active")
@blueprint.etag
@blueprint.arguments(schemas.Active)
@blueprint.response(200, schemas.UserOut)
@in_unit_of_work("users.manage")
def set_active(uow: UnitOfWork, body: dict[str, Any], user_id: int) -> Any:
    """Let somebody in, or keep them out."""
    changed = service.set_active(uow, user_id=user_id, version=_seen_version(uow, user_id), active=body["active"])
    _tell_version(changed)
    return changed


@blueprint.post("/users/<int:user_id>/invitation")
@blueprint.response(201, schemas.Invitation)
@in_unit_of_work("users.manage")
def invite(uow: UnitOfWork, user_id: int) -> Any:
    """Make a one-time link by which the person chooses a password."""
    link = service.invite(uow, user_id=user_id)
    url = url_for("accounts.invitation", link=link, _external=True)
    return {"url": url, "expires_at": uow.now + service.INVITED_FOR}


@blueprint.delete("/users/<int:user_id>/second-factor")
@blueprint.response(204)
@in_unit_of_work("users.manage")
def reset_second_factor(uow: UnitOfWork, user_id: int) -> None:
    """Take a lost second factor away."""
    service.reset_second_factor(uow, user_id=user_id)


def _tell_version(user: Any) -> None:
    blueprint.set_etag({"id": user.id, "version": user.version})


def _seen_version(uow: UnitOfWork, user_id: int) -> int:
    """Return the present version if it is the one that If-Match names; refuse otherwise."""
    found = queries.user(uow.session, user_id)
    blueprint.check_etag({"id": found.id, "version": found.version})
    version: int = found.version
    return version
