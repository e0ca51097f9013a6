"""Reads: who a session or a token belongs to, and the lists of users, sessions and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, column, func, or_, select, table, text
from sqlalchemy.orm import Session

from app.accounts.models import ApiToken, User, WebSession
from app.accounts.roles import GRANTS, Role
from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotFound
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.text import fold

IDLE = timedelta(minutes=30)
"""A session nobody used for this long has ended."""
AT_MOST = timedelta(hours=12)
"""However busy, a session ends after this long."""

# Neighbours on the same line of the map, or above it, are known here by their columns only.
county = table("county", column("id"), column("name"), column("name_key"))
warehouse = table("warehouse", column("id"), column("name"), column("code"))
organisation = table("organisation", column("id"), column("name"), column("name_key"))
driver = table("driver", column("id"), column("name"), column("name_key"))
donor = table("donor", column("id"), column("name"), column("name_key"))

_WHO = """
    u.id AS user_id, u.name, u.role, u.language, u.warehouse_id, u.organisation_id, u.driver_id, u.donor_id,
    u.totp_sealed IS NOT NULL AND u.personal_key_id IS NOT NULL AS has_totp,
    ARRAY(SELECT c.county_id FROM app_user_county c WHERE c.user_id = u.id ORDER BY 1) AS county_ids
"""
_BY_SESSION = text(
    f"SELECT s.id AS session_id, s.last_seen_at AS seen_at, s.second_factor_at, s.scanner, {_WHO} "
    "FROM web_session s JOIN app_user u ON u.id = s.user_id "
    "WHERE s.key_hash = :key AND s.ended_at IS NULL AND (s.scanner OR s.last_seen_at > :idle) "
    "AND s.created_at > :at_most AND u.active"
)
_BY_TOKEN = text(
    f"SELECT t.id AS token_id, t.last_used_at AS seen_at, {_WHO} "
    "FROM api_token t JOIN app_user u ON u.id = t.user_id "
    "WHERE t.token_hash = :key AND t.revoked_at IS NULL AND t.expires_at > :now AND u.active"
)
_SEEN_SESSION = text(
    "WITH seen AS (UPDATE web_session SET last_seen_at = :now WHERE id = :id AND last_seen_at < :now "
    "RETURNING user_id) UPDATE app_user SET last_seen_at = :now FROM seen WHERE app_user.id = seen.user_id"
)
_SEEN_TOKEN = text("UPDATE api_token SET last_used_at = :now WHERE id = :id")


def session_owner(connection: Connection, key_hash: str, now: datetime) -> Any | None:
    """Return whose living session this is, with all that their rights follow from; one statement."""
    asked = {"key": key_hash, "idle": now - IDLE, "at_most": now - AT_MOST}
    return connection.execute(_BY_SESSION, asked).one_or_none()


def token_owner(connection: Connection, token_hash: str, now: datetime) -> Any | None:
    """Return whose living API token this is; one statement."""
    return connection.execute(_BY_TOKEN, {"key": token_hash, "now": now}).one_or_none()


def mark_seen(
    connection: Connection, now: datetime, *, session_id: int | None = None, token_id: int | None = None
) -> None:
    """Write when the session or token was last used."""
    if session_id is not None:
        connection.execute(_SEEN_SESSION, {"id": session_id, "now": now})
    else:
        connection.execute(_SEEN_TOKEN, {"id": token_id, "now": now})


def actor_from(row: Any) -> Actor:
    """Return the actor whom a row of :func:`session_owner` or :func:`token_owner` describes."""
    return _actor(row.user_id, row, tuple(row.county_ids))


def actor_of(user: User) -> Actor:
    """Return the actor that a user is: name, role, rights and how far they reach."""
    return _actor(user.id, user, tuple(sorted(link.county_id for link in user.counties)))


def _actor(user_id: int, who: Any, county_ids: tuple[int, ...]) -> Actor:
    own = {Role.DRIVER: who.driver_id, Role.DONOR: who.donor_id}.get(who.role, user_id)
    reach = {
        Scope.COUNTY: county_ids,
        Scope.WAREHOUSE: _one(who.warehouse_id),
        Scope.ORGANISATION: _one(who.organisation_id),
        Scope.OWN: _one(own),
    }
    return Actor(user_id, who.name, who.role, GRANTS[Role(who.role)], reach, who.language)


def _one(id: int | None) -> tuple[int, ...]:
    return () if id is None else (id,)


def names_of(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of colleagues by their ids."""
    wanted = {each for each in ids if each}
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(select(User.id, User.name).where(User.id.in_(wanted)))}


def user(session: Session, id: int) -> User:
    """Return a user, or refuse."""
    found = session.get(User, id)
    if found is None:
        raise NotFound
    return found


def user_by_email(session: Session, email: str) -> User | None:
    """Return the user with this address."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def users(
    session: Session,
    actor: Actor,
    *,
    words: str = "",
    role: str | None = None,
    state: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[User]:
    """Return a page of users by name; ``words`` is looked for in name and e-mail, ``state`` is active or inactive."""
    actor.require("users.manage")
    statement = _found_users(words, role, state)
    found = page(session, statement, order=[User.name_key, User.id], after=after, size=size)
    total = session.scalar(select(func.count()).select_from(_found_users(words, role, state).subquery()))
    return Page(found.rows, found.next_after, total)


def _found_users(words: str, role: str | None, state: str | None) -> Select[User]:
    statement = select(User)
    for word in fold(words).split():
        sought = f"%{word}%"
        statement = statement.where(or_(User.name_key.like(sought), User.email.like(sought)))
    if role:
        statement = statement.where(User.role == role)
    if state in ("active", "inactive"):
        statement = statement.where(User.active == (state == "active"))
    return statement


def living_sessions(session: Session, user_id: int, now: datetime) -> Sequence[WebSession]:
    """Return the browsers in which the user is signed in, the latest first."""
    return session.scalars(
        select(WebSession)
        .where(
            WebSession.user_id == user_id,
            WebSession.ended_at.is_(None),
            or_(WebSession.scanner, WebSession.last_seen_at > now - IDLE),
            WebSession.created_at > now - AT_MOST,
        )
        .order_by(WebSession.last_seen_at.desc(), WebSession.id.desc())
    ).all()


def tokens(session: Session, user_id: int, now: datetime) -> Sequence[ApiToken]:
    """Return the user's API tokens that are not revoked, the newest first."""
    return session.scalars(
        select(ApiToken)
        .where(
            ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now - timedelta(days=30)
        )
        .order_by(ApiToken.id.desc())
        .limit(200)
    ).all()


def active_admins(session: Session) -> int:
    """Return how many administrators can sign in."""
    return session.scalar(select(func.count()).where(User.role == Role.ADMIN, User.active)) or 0


def scope_choices(session: Session) -> dict[str, list[tuple[int, str]]]:
    """Return what a user's role may be bound to, as lists of (id, name) by the field's name."""
    lists = {
        "county_ids": (county, county.c.name_key),
        "warehouse_id": (warehouse, warehouse.c.name),
        "organisation_id": (organisation, organisation.c.name_key),
        "driver_id": (driver, driver.c.name_key),
        "donor_id": (donor, donor.c.name_key),
    }
    return {
        name: [
            (row.id, row.name) for row in session.execute(select(source.c.id, source.c.name).order_by(key).limit(1000))
        ]
        for name, (source, key) in lists.items()
    }


_SCOPES = {
    "county_ids": county,
    "warehouse_id": warehouse,
    "organisation_id": organisation,
    "driver_id": driver,
    "donor_id": donor,
}


def all_exist(session: Session, field: str, ids: Iterable[int]) -> bool:
    """Tell whether everything that a user's field names is there."""
    wanted = set(ids)
    return not wanted or len(_names(session, _SCOPES[field], wanted)) == len(wanted)


def scope_names(session: Session, people: Iterable[User]) -> dict[int, str]:
    """Return where each of the users works, by user id; one statement a kind of scope."""
    people = list(people)
    county_ids = {link.county_id for person in people for link in person.counties}
    names = _names(session, county, county_ids)
    found = {
        person.id: ", ".join(sorted(names[link.county_id] for link in person.counties if link.county_id in names))
        for person in people
        if person.counties
    }
    for attribute, source in (
        ("warehouse_id", warehouse),
        ("organisation_id", organisation),
        ("driver_id", driver),
        ("donor_id", donor),
    ):
        names = _names(session, source, {getattr(person, attribute) for person in people} - {None})
        for person in people:
            name = names.get(getattr(person, attribute))
            if name:
                found.setdefault(person.id, name)
    return found


def _names(session: Session, source: Any, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(source.c.id, source.c.name).where(source.c.id.in_(ids)))}


@dataclass(frozen=True)
class ShellFacts:
    """What the frame of every page tells: where the person works, and how many of their jobs run."""

    scope_name: str | None
    running_jobs: int


_SHELL = text(
    """
    SELECT (SELECT count(*) FROM job
            WHERE state IN ('queued', 'running') AND (:all_jobs OR promised_by_id = :id)) AS running_jobs,
           coalesce((SELECT string_agg(name, ', ' ORDER BY name_key) FROM county WHERE id = ANY(:counties)),
                    (SELECT name FROM warehouse WHERE id = :warehouse),
                    (SELECT name FROM organisation WHERE id = :organisation)) AS scope_name
    """
)


def shell_facts(session: Session, actor: Actor) -> ShellFacts:
    """Return what the frame of a page tells about the actor; one statement."""
    first = {scope: ids[0] if ids else None for scope, ids in actor.reach.items()}
    row = session.execute(
        _SHELL,
        {
            "all_jobs": actor.grants.get("jobs.read") is Scope.ALL,
            "id": actor.id,
            "counties": list(actor.reach.get(Scope.COUNTY, ())),
            "warehouse": first.get(Scope.WAREHOUSE),
            "organisation": first.get(Scope.ORGANISATION),
        },
    ).one()
    return ShellFacts(row.scope_name, row.running_jobs)
