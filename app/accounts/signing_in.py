"""Signing in: tries are counted before they are judged, a password opens a session, a one-time code completes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import CursorResult, delete, func, select, text, update

from app.accounts import keys, queries
from app.accounts.errors import TooManyTries, WrongCode, WrongSignIn
from app.accounts.models import SignInAttempt, User, WebSession
from app.accounts.roles import SEES_FAMILIES, Role
from app.foundation.errors import NotFound
from app.foundation.unit_of_work import UnitOfWork

FREE_TRIES = {"account": 5, "address": 30, "device": 5, "code": 5}
"""Wrong tries within the hour before the next one has to wait. Many people may share one address."""
FIRST_WAIT_SECONDS = 10
WAIT_SECONDS_MAX = 15 * 60
REMEMBERED = timedelta(hours=1)


@dataclass(frozen=True)
class SignedIn:
    """A new session: the key its browser carries, and whether a code must still be typed."""

    user: User
    key: str
    second_factor_wanted: bool


# Tries


def count_try(uow: UnitOfWork, *, email: str, address: str, device: str | None) -> list[int]:
    """Count one more try to sign in, before it is judged; refuse if it comes too soon. Return the counted rows.

    ``device`` is the mark of a browser that has signed in to this account before: it is counted by itself, so that a
    stranger who guesses at the account elsewhere cannot lock its owner out.
    """
    email = keys.plain_email(email)
    who = (
        {"device": keys.keyed("device", device, email)}
        if device
        else {
            "account": keys.keyed("account", email),
            "address": keys.keyed("address", address),
        }
    )
    return _count(uow, who)


def forget_tries(uow: UnitOfWork, *, email: str, counted: Sequence[int], device: str | None) -> None:
    """The person proved who they are: their own tries count no more, those of the address do."""
    who = [keys.keyed("account", keys.plain_email(email))]
    if device:
        who.append(keys.keyed("device", device, keys.plain_email(email)))
    uow.session.execute(delete(SignInAttempt).where(SignInAttempt.who.in_(who) | SignInAttempt.id.in_(counted)))


def _count(uow: UnitOfWork, who: dict[str, str]) -> list[int]:
    # Twins that come at once are counted one after the other.
    for key in sorted(who.values()):
        uow.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": key})
    uow.session.execute(delete(SignInAttempt).where(SignInAttempt.at < uow.now - timedelta(days=1)))
    waits = [_wait_seconds(uow, key, FREE_TRIES[kind]) for kind, key in who.items()]
    if max(waits) > 0:
        raise TooManyTries(retry_after_seconds=max(waits))
    rows = [SignInAttempt(who=key, at=uow.now) for key in who.values()]
    uow.session.add_all(rows)
    uow.session.flush()
    return [row.id for row in rows]


def _wait_seconds(uow: UnitOfWork, key: str, free: int) -> int:
    count, latest = uow.session.execute(
        select(func.count(), func.max(SignInAttempt.at)).where(
            SignInAttempt.who == key, SignInAttempt.at > uow.now - REMEMBERED
        )
    ).one()
    if count < free:
        return 0
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(count - free, 20), WAIT_SECONDS_MAX)
    return max(0, round((latest + timedelta(seconds=wait) - uow.now).total_seconds()))


# Password and code


def sign_in(uow: UnitOfWork, *, email: str, password: str, browser: str | None = None) -> SignedIn:
    """Prove the password and open a session with a new key. The tries were counted before: see :func:`count_try`."""
    user = queries.user_by_email(uow.session, email)
    fits = keys.password_fits(password, user.password_hash if user is not None and user.active else None)
    if user is None or not fits:
        raise WrongSignIn
    assert user.password_hash is not None, "a password that fits was stored"
    if keys.hash_is_old(user.password_hash):
        user.password_hash = keys.hash_password(password)
    key = keys.new_key()
    uow.session.add(
        WebSession(
            key_hash=keys.digest(key), user_id=user.id, created_at=uow.now, last_seen_at=uow.now, browser=browser
        )
    )
    user_id = user.id
    uow.session.execute(
        update(User).where(User.id == user_id).values(last_seen_at=uow.now).execution_options(synchronize_session=False)
    )
    uow.record("account.signed_in", subject=("user", user_id))
    return SignedIn(user, key, wants_second_factor(user))


def wants_second_factor(user: User) -> bool:
    """Tell whether a code is asked for: of roles that see families always, of others once they have set it up."""
    return user.role in SEES_FAMILIES or user.totp is not None


def prove_code(uow: UnitOfWork, *, session_id: int, code: str) -> User:
    """Prove the second factor of a half signed-in session. A code works once, also for twins that come at once."""
    opened, user = _half_session(uow, session_id)
    if user.totp is None:
        raise WrongCode
    _use_code(uow, user, user.totp, code)
    opened.second_factor_at = uow.now
    _forget_codes(uow, user.id)
    return user


def set_up_second_factor(uow: UnitOfWork, *, session_id: int, totp_secret: str, code: str) -> User:
    """Set the second factor up: the code proves that the authenticator app knows the secret."""
    opened, user = _half_session(uow, session_id)
    if user.totp is not None:
        raise WrongCode
    if keys.totp_slot(totp_secret, code, uow.now) is None:
        raise WrongCode
    user.totp = totp_secret
    uow.session.flush()
    _use_code(uow, user, totp_secret, code)
    opened.second_factor_at = uow.now
    uow.record("account.second_factor_set_up", subject=("user", user.id))
    return user


def count_code(uow: UnitOfWork, *, user_id: int) -> None:
    """Count one more try of a code, before it is judged; refuse if it comes too soon."""
    _count(uow, {"code": keys.keyed("code", str(user_id))})


def _forget_codes(uow: UnitOfWork, user_id: int) -> None:
    uow.session.execute(delete(SignInAttempt).where(SignInAttempt.who == keys.keyed("code", str(user_id))))


def _half_session(uow: UnitOfWork, session_id: int) -> tuple[WebSession, User]:
    opened = uow.session.get(WebSession, session_id)
    if opened is None or opened.ended_at is not None:
        raise NotFound
    return opened, queries.user(uow.session, opened.user_id)


def _use_code(uow: UnitOfWork, user: User, totp_secret: str, code: str) -> None:
    slot = keys.totp_slot(totp_secret, code, uow.now)
    if slot is None:
        raise WrongCode
    used: CursorResult[tuple[()]] = uow.session.execute(  # type: ignore[assignment]
        update(User)
        .where(User.id == user.id, func.coalesce(User.totp_last_slot, 0) < slot)
        .values(totp_last_slot=slot)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:
        raise WrongCode


# Demo


@dataclass(frozen=True)
class DemoPerson:
    """An account that the sign-in page of a demo shows."""

    name: str
    email: str
    role: str
    code: str | None


def demo_people(uow: UnitOfWork) -> list[DemoPerson]:
    """Return one person of each role, with the one-time code that holds now. Of demo installations only."""
    first = select(func.min(User.id)).where(User.active, User.password_hash.is_not(None)).group_by(User.role)
    by_role = {user.role: user for user in uow.session.scalars(select(User).where(User.id.in_(first)))}
    return [
        DemoPerson(user.name, user.email, user.role, _demo_code(uow, user))
        for role in Role
        if (user := by_role.get(role))
    ]


def demo_code(uow: UnitOfWork, *, user_id: int) -> str | None:
    """Return the one-time code of a demo account that holds now."""
    return _demo_code(uow, queries.user(uow.session, user_id))


def _demo_code(uow: UnitOfWork, user: User) -> str | None:
    return keys.totp_unused(user.totp, user.totp_last_slot, uow.now) if user.totp else None
