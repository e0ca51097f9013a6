"""Verbs: sessions, passwords and tokens, and the administrator's care for users. How they sign in: ``signing_in``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import CursorResult, text, update
from sqlalchemy.orm.attributes import flag_modified

from app.accounts import keys, queries
from app.accounts.errors import (
    EmailTaken,
    LastAdmin,
    LinkSpent,
    ScopeMissing,
    WeakPassword,
    WrongPassword,
)
from app.accounts.models import ApiToken, User, UserCounty, WebSession
from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Scope
from app.foundation.errors import Invalid, NotFound, Stale
from app.foundation.text import sort_key
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

INVITED_FOR = timedelta(hours=72)
TOKEN_DAYS_MAX = 366

SCOPE_FIELD = {
    Scope.COUNTY: "county_ids",
    Scope.WAREHOUSE: "warehouse_id",
    Scope.ORGANISATION: "organisation_id",
}


# Sessions


def leave_session(uow: UnitOfWork, *, session_id: int | None) -> None:
    """Sign out: end the session that the request itself came with, half signed in or not."""
    if session_id is not None and _end(uow, WebSession.id == session_id):
        uow.record("account.signed_out", subject=("user", uow.actor.id))


def revoke_session(uow: UnitOfWork, *, session_id: int) -> None:
    """End another browser's session of the actor."""
    if not _end(uow, WebSession.id == session_id, WebSession.user_id == uow.actor.id):
        raise NotFound
    uow.record("account.session_revoked", subject=("user", uow.actor.id))


def use_as_scanner(uow: UnitOfWork, *, session_id: int | None, scanner: bool) -> None:
    """Let this browser's session last a shift though it lies still: its page asks for a PIN instead. Or end that."""
    uow.actor.require("stock.operate")
    opened = uow.session.get(WebSession, session_id or 0)
    if opened is None or opened.user_id != uow.actor.id:
        raise NotFound
    if opened.scanner != scanner:
        opened.scanner = scanner
        uow.session.flush()
        uow.record("account.scanner", subject=("user", uow.actor.id), scanner=scanner)


def revoke_sessions(uow: UnitOfWork, *, keep_id: int | None = None) -> int:
    """End all sessions of the actor but the one kept; return how many."""
    ended = _end(uow, WebSession.user_id == uow.actor.id, WebSession.id != (keep_id or 0))
    uow.record("account.sessions_revoked", subject=("user", uow.actor.id), sessions=ended)
    return ended


def _end(uow: UnitOfWork, *which: object) -> int:
    ended: CursorResult[tuple[()]] = uow.session.execute(  # type: ignore[assignment]
        update(WebSession)
        .where(*which, WebSession.ended_at.is_(None))  # type: ignore[arg-type]
        .values(ended_at=uow.now)
        .execution_options(synchronize_session=False)
    )
    return ended.rowcount


# Passwords


def change_password(uow: UnitOfWork, *, present: str, password: str, keep_session_id: int | None = None) -> None:
    """Change the actor's own password; other browsers are signed out."""
    user = _myself(uow)
    if not keys.password_fits(present, user.password_hash):
        raise WrongPassword(field="present")
    _set_password(user, password)
    _end(uow, WebSession.user_id == user.id, WebSession.id != (keep_session_id or 0))
    uow.record("account.password_changed", subject=("user", user.id))


def _set_password(user: User, password: str, field: str = "password") -> None:
    if keys.password_is_weak(password, user.email):
        raise WeakPassword(field=field, characters_min=keys.PASSWORD_CHARACTERS_MIN)
    user.password_hash = keys.hash_password(password)


def _myself(uow: UnitOfWork) -> User:
    if uow.actor.id is None:
        raise NotFound
    return queries.user(uow.session, uow.actor.id)


def change_language(uow: UnitOfWork, *, language: str) -> None:
    """Change the language in which the actor is addressed."""
    _myself(uow).language = language


# Invitations


def invite(uow: UnitOfWork, *, user_id: int) -> str:
    """Return the end of a one-time link by which the user chooses a password."""
    uow.actor.require("users.manage")
    user = queries.user(uow.session, user_id)
    uow.record("user.invited", subject=("user", user.id))
    return keys.sign_link(user.id, uow.now + INVITED_FOR, _fingerprint(user))


def invited(uow: UnitOfWork, *, link: str) -> User:
    """Return whom a link invites, or refuse."""
    read = keys.read_link(link)
    user = uow.session.get(User, read[0]) if read else None
    if user is None or not user.active or not keys.link_holds(link, _fingerprint(user), uow.now):
        raise LinkSpent
    return user


def accept_invitation(uow: UnitOfWork, *, link: str, password: str) -> User:
    """Choose the first password, or a new one; the link is spent by that, and everybody is signed out."""
    user = invited(uow, link=link)
    _set_password(user, password)
    _end(uow, WebSession.user_id == user.id)
    uow.record("account.password_chosen", subject=("user", user.id))
    return user


def _fingerprint(user: User) -> str:
    # Whatever the link is to change makes it another: used once, it holds no more.
    return f"{user.password_hash or ''}|{user.email}|{user.version}"


# Tokens


def make_token(uow: UnitOfWork, user_id: int, name: str, days: int) -> tuple[ApiToken, str]:
    """Make an API token for oneself, or by an administrator for anybody; its clear text is returned this once."""
    if uow.actor.id != user_id:
        uow.actor.require("users.manage")
    if not 1 <= days <= TOKEN_DAYS_MAX:
        said = say("From 1 to %(days_max)s days.", days_max=TOKEN_DAYS_MAX)
        raise Invalid(said, {"days": [said]})
    queries.user(uow.session, user_id)
    clear = f"{keys.TOKEN_START}{keys.new_key()}"
    token = ApiToken(
        user_id=user_id,
        name=name,
        prefix=clear[: len(keys.TOKEN_START) + 6],
        token_hash=keys.digest(clear),
        created_at=uow.now,
        expires_at=uow.now + timedelta(days=days),
    )
    uow.session.add(token)
    uow.session.flush()
    uow.record("account.token_made", subject=("user", user_id), token_id=token.id)
    return token, clear


def revoke_token(uow: UnitOfWork, *, token_id: int) -> ApiToken:
    """End a token of the actor; what it protected is closed at once."""
    token = uow.session.get(ApiToken, token_id)
    if token is None or token.user_id != uow.actor.id:
        raise NotFound
    if token.revoked_at is None:
        token.revoked_at = uow.now
        uow.record("account.token_revoked", subject=("user", token.user_id), token_id=token.id)
    return token


# Users


def create_user(
    uow: UnitOfWork,
    email: str,
    name: str,
    role: str,
    password: str | None = None,
    county_ids: Sequence[int] = (),
    warehouse_id: int | None = None,
    organisation_id: int | None = None,
    driver_id: int | None = None,
    donor_id: int | None = None,
    language: str = "hu",
) -> User:
    """Create somebody who may sign in; without a password they choose one by an invitation."""
    uow.actor.require("users.manage")
    if queries.user_by_email(uow.session, email) is not None:
        raise EmailTaken
    user = User(
        email=keys.plain_email(email),
        name=name,
        name_key=sort_key(name),
        role=Role(role),
        language=language,
        created_at=uow.now,
    )
    if password is not None:
        _set_password(user, password)
    _place(uow, user, county_ids, warehouse_id, organisation_id, driver_id, donor_id)
    uow.session.add(user)
    uow.session.flush()
    uow.record("user.created", subject=("user", user.id), role=str(role))
    return user


def change_user(
    uow: UnitOfWork,
    *,
    user_id: int,
    version: int,
    email: str,
    name: str,
    role: str,
    county_ids: Sequence[int] = (),
    warehouse_id: int | None = None,
    organisation_id: int | None = None,
    driver_id: int | None = None,
    donor_id: int | None = None,
    language: str = "hu",
) -> User:
    """Change who somebody is here and where they work; holds from their next request on."""
    uow.actor.require("users.manage")
    user = _seen(uow, user_id, version)
    twin = queries.user_by_email(uow.session, email)
    if twin is not None and twin.id != user.id:
        raise EmailTaken
    if user.role == Role.ADMIN and role != Role.ADMIN:
        _leave_an_admin(uow, user)
    before = user.role
    user.email, user.name, user.name_key = keys.plain_email(email), name, sort_key(name)
    user.role, user.language = Role(role), language
    _place(uow, user, county_ids, warehouse_id, organisation_id, driver_id, donor_id)
    # The counties are rows of another table: the user's own version must tell of them too.
    flag_modified(user, "name")
    uow.session.flush()
    uow.record("user.changed", subject=("user", user.id), role=str(role), role_before=before)
    return user


def set_active(uow: UnitOfWork, *, user_id: int, version: int, active: bool) -> User:
    """Let somebody in, or keep them out: their sessions and tokens stop at once."""
    uow.actor.require("users.manage")
    user = _seen(uow, user_id, version)
    if user.active and not active and user.role == Role.ADMIN:
        _leave_an_admin(uow, user)
    user.active = active
    if not active:
        _end(uow, WebSession.user_id == user.id)
    uow.record("user.activated" if active else "user.deactivated", subject=("user", user.id))
    uow.session.flush()
    return user


def set_up_totp(uow: UnitOfWork, user_id: int, totp_secret: str | None = None) -> str:
    """Give a user a second factor without asking for a code, as the demo data does; return its secret."""
    user = queries.user(uow.session, user_id)
    user.totp = totp_secret or keys.new_totp_secret()
    user.totp_last_slot = None
    uow.session.flush()
    found = user.totp
    assert found is not None, "it was just set"
    return found


def reset_second_factor(uow: UnitOfWork, *, user_id: int) -> User:
    """Take a lost second factor away; the person is signed out and sets up a new one at the next sign-in."""
    uow.actor.require("users.manage")
    user = queries.user(uow.session, user_id)
    user.totp = None
    user.totp_last_slot = None
    _end(uow, WebSession.user_id == user.id)
    uow.record("user.second_factor_reset", subject=("user", user.id))
    uow.session.flush()
    return user


def _seen(uow: UnitOfWork, user_id: int, version: int) -> User:
    user = queries.user(uow.session, user_id)
    if user.version != version:
        raise Stale
    return user


def _leave_an_admin(uow: UnitOfWork, leaving: User) -> None:
    uow.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('admins', 7))"))
    if leaving.active and queries.active_admins(uow.session) <= 1:
        raise LastAdmin


def _place(
    uow: UnitOfWork,
    user: User,
    county_ids: Sequence[int],
    warehouse_id: int | None,
    organisation_id: int | None,
    driver_id: int | None,
    donor_id: int | None,
) -> None:
    scopes = set(GRANTS[Role(user.role)].values())
    given = {"county_ids": list(county_ids), "warehouse_id": warehouse_id, "organisation_id": organisation_id}
    for scope, field in SCOPE_FIELD.items():
        if scope in scopes and not given[field]:
            raise ScopeMissing(field=field)
    if user.role == Role.DRIVER and driver_id is None:
        raise ScopeMissing(field="driver_id")
    if user.role == Role.DONOR and donor_id is None:
        raise ScopeMissing(field="donor_id")
    # Only what the role works by is kept: a warehouse worker who becomes a coordinator keeps no warehouse.
    wanted = sorted(set(county_ids)) if Scope.COUNTY in scopes else []
    present = {link.county_id: link for link in user.counties}
    user.counties = [present.get(county_id) or UserCounty(county_id=county_id) for county_id in wanted]
    user.warehouse_id = warehouse_id if Scope.WAREHOUSE in scopes else None
    user.organisation_id = organisation_id if Scope.ORGANISATION in scopes else None
    user.driver_id = driver_id if user.role == Role.DRIVER else None
    user.donor_id = donor_id if user.role == Role.DONOR else None
    with uow.session.no_autoflush:
        if not queries.all_exist(uow.session, "county_ids", wanted):
            raise ScopeMissing(field="county_ids")
        for field in ("warehouse_id", "organisation_id", "driver_id", "donor_id"):
            id = getattr(user, field)
            if id is not None and not queries.all_exist(uow.session, field, [id]):
                raise ScopeMissing(field=field)
