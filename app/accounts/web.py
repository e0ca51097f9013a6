"""The web edge of sign-in: who acts in a request, forms that only our pages can send, the frame of every page.

CSRF token: bound to the session; of a browser without one, to its visit, a random mark carried from its first form on.
Kept: a form whose session had ended comes back after signing in again, with all that was typed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection, Engine
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Response

from app.accounts import keys, menu, queries
from app.accounts.roles import SEES_FAMILIES
from app.foundation.actor import NOBODY, Actor, Scope
from app.foundation.errors import NotAllowed, NotSignedIn, Refusal
from app.foundation.http import PUBLIC, answer, edge, permission_of, wants_json
from app.foundation.unit_of_work import UnitOfWork, unit_of_work
from app.foundation.words import Message, say

SEEN_EVERY = timedelta(minutes=1)
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"
AGAIN_FIELD = "again"
KEPT_CHARACTERS_MAX = 200_000
DEVICE_SECONDS = 180 * 24 * 3600


class NotOurForm(NotAllowed):
    """A form that did not come from one of our pages, or from an earlier sign-in."""

    kind = "not-our-form"

    def __init__(self) -> None:
        super().__init__(say("Nothing was saved: the page is from an earlier sign-in. Look at it again, then send it."))


@dataclass(frozen=True)
class SignedInBy:
    """How the request proved who sends it: by a session or by a token, one of the two."""

    session_id: int | None = None
    token_id: int | None = None
    half: bool = False
    """The password is proved, the second factor is not."""
    user_id: int | None = None
    has_totp: bool = False
    scanner: bool = False
    """A session that outlives a shift's rest, because its page is locked by a PIN."""


# Who acts


def identify() -> Actor:
    """Return who sends this request: by bearer token, else by session cookie, else nobody. One SQL statement."""
    g.signed_in_by = SignedInBy()
    token = _bearer()
    if token is not None:
        return _by_token(token)
    key = request.cookies.get(cookie_name("session"))
    return _by_session(key) if key else NOBODY


def _bearer() -> str | None:
    """Return the token that a program sent."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _by_token(token: str) -> Actor:
    now = edge().clock()
    with _autocommit() as connection:
        row = queries.token_owner(connection, keys.digest(token), now)
        if row is None:
            return NOBODY
        if row.seen_at is None or now - row.seen_at >= SEEN_EVERY:
            queries.mark_seen(connection, now, token_id=row.token_id)
    g.signed_in_by = SignedInBy(token_id=row.token_id, user_id=row.user_id, has_totp=row.has_totp)
    return queries.actor_from(row)


def _by_session(key: str) -> Actor:
    now = edge().clock()
    with _autocommit() as connection:
        row = queries.session_owner(connection, keys.digest(key), now)
        if row is None:
            return NOBODY
        if now - row.seen_at >= SEEN_EVERY:
            queries.mark_seen(connection, now, session_id=row.session_id)
    half = row.second_factor_at is None and (row.has_totp or row.role in SEES_FAMILIES)
    g.signed_in_by = SignedInBy(
        session_id=row.session_id, half=half, user_id=row.user_id, has_totp=row.has_totp, scanner=row.scanner
    )
    return NOBODY if half else queries.actor_from(row)


@contextmanager
def _autocommit() -> Iterator[Connection]:
    # Without BEGIN and COMMIT around it, the one statement is one round trip.
    engine: Engine = edge().sessions.kw["bind"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def signed_in_by() -> SignedInBy:
    """Return how this request proved who sends it."""
    found: SignedInBy = g.get("signed_in_by") or SignedInBy()
    return found


@contextmanager
def own_unit_of_work() -> Iterator[UnitOfWork]:
    """Open a unit of work beside the request's: what is counted in it stays counted whatever the request comes to."""
    with unit_of_work(edge().sessions, g.actor, edge().clock, edge().ring) as uow:
        yield uow


# Cookies


def cookie_name(name: str) -> str:
    """Return the cookie's name; behind HTTPS the prefix keeps neighbours from setting it."""
    return f"__Host-{name}" if _secure() else name


def _secure() -> bool:
    return bool(current_app.config["SETTINGS"].secure_cookies)


def set_cookie(response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie that no script reads and no other site's form carries."""
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=seconds,
        path="/",
        secure=_secure(),
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(cookie_name(name), path="/", secure=_secure(), httponly=True, samesite="Lax")


def device_mark(email: str) -> str | None:
    """Return the mark of this browser if it has signed in to this account before."""
    mark, _, proof = request.cookies.get(cookie_name("device"), "").partition(".")
    right = keys.keyed("device-mark", mark, keys.plain_email(email))
    return mark if mark and hmac.compare_digest(right, proof) else None


def remember_device(response: Response, email: str) -> None:
    """Let this browser be known as the account's own, so that strangers' guesses do not lock it out."""
    mark = device_mark(email) or secrets.token_urlsafe(16)
    proof = keys.keyed("device-mark", mark, keys.plain_email(email))
    set_cookie(response, "device", f"{mark}.{proof}", DEVICE_SECONDS)


# Forms of our own pages


def csrf_token() -> str:
    """Return the token that proves a form to be ours."""
    bound_to = g.get("new_session") or _bound_to()
    if not bound_to:
        bound_to = g.new_visit = secrets.token_urlsafe(24)
    return _token_of(bound_to)


def _bound_to() -> str:
    name = "session" if signed_in_by().session_id is not None else "visit"
    return request.cookies.get(cookie_name(name)) or str(g.get("new_visit", ""))


def _token_of(bound_to: str) -> str:
    key = str(current_app.secret_key).encode()
    whole = hmac.new(key, b"csrf|" + bound_to.encode("utf-8", "replace"), hashlib.sha256)
    return base64.urlsafe_b64encode(whole.digest()).decode().rstrip("=")


def _give_visit(response: Response) -> Response:
    visit = g.get("new_visit")
    if visit:
        set_cookie(response, "visit", visit)
    return response


def _check_form() -> None:
    """Refuse a change that another site's page may have sent. Tokens of programs cannot be sent by a page."""
    by = signed_in_by()
    if request.method in SAFE or by.token_id is not None or request.endpoint is None:
        return
    if _bearer() is not None or (wants_json() and by.session_id is None):
        return  # Nothing that a browser adds by itself speaks for this request: a name and password it might.
    if not _from_our_page():
        raise NotAllowed(say("Nothing was saved: the form did not come from a page of this site."))
    if by.session_id is None and permission_of(request.endpoint, request.method) != PUBLIC:
        return  # The view answers 401 and keeps what was typed.
    bound_to = _bound_to()
    sent = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not bound_to or not hmac.compare_digest(_token_of(bound_to).encode(), sent.encode("utf-8", "replace")):
        raise NotOurForm


def _from_our_page() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    # Our pages send no referrer, for which browsers write the origin as "null": the token then decides alone.
    origin = request.headers.get("Origin", "null")
    return origin == "null" or urlsplit(origin).netloc == request.host


# What was typed is kept


@dataclass(frozen=True)
class Kept:
    """A form that could not be taken because the session had ended: where it was going, and what was typed."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def to_text(self) -> str:
        """Return it as one hidden field, signed, so that nobody else can put words into a person's mouth."""
        body = base64.urlsafe_b64encode(json.dumps([self.action, self.fields]).encode()).decode()
        return f"{_mac(body)}.{body}"

    @classmethod
    def from_text(cls, text: str) -> Kept | None:
        """Read back what :meth:`to_text` wrote; None if it is not ours."""
        proof, _, body = text.partition(".")
        if not body or not hmac.compare_digest(_mac(body).encode(), proof.encode("utf-8", "replace")):
            return None
        action, fields = json.loads(base64.urlsafe_b64decode(body))
        return cls(action, [(name, value) for name, value in fields])


def _mac(body: str) -> str:
    key = str(current_app.secret_key).encode()
    return hmac.new(key, b"kept|" + body.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def kept_again() -> Kept | None:
    """Return the form that this request carries on behalf of the sign-in pages, if it does."""
    return Kept.from_text(request.form[AGAIN_FIELD]) if request.form.get(AGAIN_FIELD) else None


def equal(one: str, other: str) -> bool:
    """Compare two proofs in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def kept_form(form: Mapping[str, Any] | ImmutableMultiDict[str, str]) -> Kept | None:
    """Return the form of this request as something to be sent again; passwords and files are not kept."""
    if request.form.get(AGAIN_FIELD):
        return kept_again()
    pairs = form.items(multi=True) if isinstance(form, ImmutableMultiDict) else form.items()
    fields = [(name, value) for name, value in pairs if name != CSRF_FIELD and "password" not in name]
    if not fields or sum(len(name) + len(value) for name, value in fields) > KEPT_CHARACTERS_MAX:
        return None
    return Kept(request.full_path.rstrip("?"), fields)


def _ask_to_sign_in(refusal: NotSignedIn) -> Any:
    """Answer 401 to programs and scripts; lead a person to the sign-in page and keep what was typed."""
    if wants_json() or request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
        response = answer(refusal)
        response.headers["WWW-Authenticate"] = 'Bearer realm="adomanybank"'
        return response
    here = request.full_path.rstrip("?")
    next_page = "accounts.second_factor" if signed_in_by().half else "accounts.sign_in"
    if request.method in SAFE:
        return redirect(url_for(next_page, next=None if here == "/" else here))
    kept = kept_form(request.form)
    g.refusal = refusal
    page = render_template("accounts/sign_in.html", kept=kept, next="", demo_people=[], form={"values": {"email": ""}})
    return make_response(page, refusal.status)


def _send_again(refusal: NotOurForm) -> Any:
    kept = None if wants_json() or request.headers.get("HX-Request") else kept_form(request.form)
    if kept is None:
        return answer(refusal)
    return make_response(render_template("accounts/again.html", kept=kept, refusal=refusal), refusal.status)


def local_address(target: str | None) -> str:
    """Return an address of this site to go on to; anything else becomes the home page."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\n" in target or "\r" in target:
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


# The frame of every page


@dataclass(frozen=True)
class Entry:
    """A line of the menu."""

    endpoint: str
    label: Message
    icon: str
    href: str


class Shell:
    """What the frame of a page shows. The database is asked once, and only by pages that show a frame."""

    sign_in_url = "/sign-in"
    search_label: Message | None = None

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.who = actor.name

    @cached_property
    def menu(self) -> list[Entry]:
        """Places of this role whose pages exist."""
        return _entries(menu.MENU.get(self.actor.role, ()))

    @cached_property
    def own(self) -> list[Entry]:
        """The person's own pages, behind their name."""
        return _entries(menu.OWN)

    @property
    def place(self) -> str | None:
        """The menu entry of the page's own blueprint."""
        blueprint = f"{request.blueprint}."
        return next((entry.endpoint for entry in self.menu if entry.endpoint.startswith(blueprint)), None)

    @property
    def search_url(self) -> str | None:
        """Where the search of the bar asks."""
        return _address(menu.SEARCH.get(self.actor.role))

    @property
    def jobs_url(self) -> str | None:
        """The page of running jobs."""
        return _address(menu.JOBS) if self.actor.may("jobs.read") else None

    @property
    def sign_out_url(self) -> str:
        """Where signing out is posted to."""
        return url_for("accounts.sign_out")

    @cached_property
    def _facts(self) -> queries.ShellFacts:
        uow: UnitOfWork | None = g.get("uow")
        if uow is not None and uow.session.is_active and uow.session.in_transaction():
            return queries.shell_facts(uow.session, self.actor)
        with own_unit_of_work() as fresh:
            return queries.shell_facts(fresh.session, self.actor)

    @property
    def running_jobs(self) -> int:
        """How many of the person's jobs run or wait."""
        return self._facts.running_jobs if self.jobs_url else 0

    @property
    def scope_name(self) -> str | Message | None:
        """Where the person works: a county, a warehouse, an organisation."""
        counties = self.actor.reach.get(Scope.COUNTY, ())
        if len(counties) > 2:
            return say("%(count)s counties", count=len(counties))
        return self._facts.scope_name or menu.ROLE_NAMES.get(self.actor.role)

    @property
    def role_name(self) -> Message | None:
        """What the person is here."""
        return menu.ROLE_NAMES.get(self.actor.role)


def _entries(lines: Any) -> list[Entry]:
    return [
        Entry(endpoint, label, icon, href)
        for endpoint, label, icon in lines
        if (href := _address(endpoint)) is not None
    ]


def _address(endpoint: str | None) -> str | None:
    return url_for(endpoint) if endpoint in current_app.view_functions else None


def _frame() -> None:
    g.shell = Shell(g.actor) if g.actor.role != NOBODY.role else None


def install(app: Flask) -> None:
    """Add what every request needs of sign-in. Comes after ``foundation.http.install``, which asks who acts."""
    app.jinja_env.globals["csrf_token"] = csrf_token
    app.before_request(_frame)
    app.before_request(_check_form)
    app.after_request(_give_visit)
    handlers: dict[type[Refusal], Callable[[Any], Any]] = {NotSignedIn: _ask_to_sign_in, NotOurForm: _send_again}
    for kind, handler in handlers.items():
        app.register_error_handler(kind, handler)
