"""Pages of signing in, of one's own account, and of the administrator's users."""

from __future__ import annotations

from typing import Any

import segno
from flask import Blueprint, current_app, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.accounts import keys, menu, queries, schemas, service, signing_in, web
from app.accounts.roles import GRANTS, Role
from app.foundation.actor import NOBODY, Scope
from app.foundation.errors import NotSignedIn
from app.foundation.http import PUBLIC, SIGNED_IN, in_unit_of_work
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

blueprint = Blueprint("accounts", __name__)


# Signing in


@blueprint.get("/sign-in")
@in_unit_of_work(PUBLIC)
def sign_in(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for e-mail and password."""
    if uow.actor.role != NOBODY.role:
        return redirect(web.local_address(request.args.get("next")))
    return render_template(
        "accounts/sign_in.html",
        form={} if request.form else {"values": {"email": request.args.get("email", "")}},
        next=request.values.get("next", ""),
        kept=web.kept_again(),
        demo_people=_demo_people(uow),
        role_names=menu.ROLE_NAMES,
    )


@blueprint.post("/sign-in")
@in_unit_of_work(PUBLIC, form_view=sign_in)
def sign_in_now(uow: UnitOfWork) -> ResponseReturnValue:
    """Prove the password; go on to the code, or to where the person was going."""
    facts = schemas.SignIn().load(request.form)
    device = web.device_mark(facts["email"])
    with web.own_unit_of_work() as counting:
        counted = signing_in.count_try(counting, email=facts["email"], address=request.remote_addr or "", device=device)
    opened = signing_in.sign_in(uow, **facts, browser=_browser())
    signing_in.forget_tries(uow, email=facts["email"], counted=counted, device=device)
    service.leave_session(uow, session_id=web.signed_in_by().session_id)
    g.new_session = opened.key
    if not opened.second_factor_wanted:
        return _welcome(opened.user.email, opened.key)
    kept = web.kept_again()
    if kept is None:
        response = redirect(url_for(".second_factor", next=request.form.get("next") or None))
    else:
        response = make_response(_ask_code(opened.user.totp is not None, kept))
    web.set_cookie(response, "session", opened.key)
    return response


@blueprint.get("/sign-in/code")
@in_unit_of_work(PUBLIC)
def second_factor(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a one-time code; who has none yet is led to set it up."""
    by = web.signed_in_by()
    if not by.half:
        return redirect(url_for(".sign_in") if uow.actor.role == NOBODY.role else "/")
    if not by.has_totp:
        return redirect(url_for(".set_up", next=request.args.get("next")))
    demo_code = signing_in.demo_code(uow, user_id=by.user_id) if _demo() and by.user_id else None
    return _ask_code(True, web.kept_again(), demo_code)


@blueprint.post("/sign-in/code")
@in_unit_of_work(PUBLIC, form_view=second_factor)
def second_factor_now(uow: UnitOfWork) -> ResponseReturnValue:
    """Prove the code."""
    session_id, user_id = _half_signed_in()
    code = schemas.Code().load(request.form)["code"]
    with web.own_unit_of_work() as counting:
        signing_in.count_code(counting, user_id=user_id)
    user = signing_in.prove_code(uow, session_id=session_id, code=code)
    return _welcome(user.email)


@blueprint.get("/sign-in/set-up")
@in_unit_of_work(PUBLIC)
def set_up(uow: UnitOfWork) -> ResponseReturnValue:
    """Show the QR code that an authenticator app reads, and ask for its first code."""
    by = web.signed_in_by()
    if not by.half or by.has_totp or by.user_id is None:
        return redirect(url_for(".second_factor"))
    return _show_set_up(queries.user(uow.session, by.user_id).email)


@blueprint.post("/sign-in/set-up")
@in_unit_of_work(PUBLIC, form_view=set_up)
def set_up_now(uow: UnitOfWork) -> ResponseReturnValue:
    """Set the second factor up, proved by its first code."""
    session_id, user_id = _half_signed_in()
    secret = _offered_secret(session_id)
    if secret is None:
        return redirect(url_for(".set_up"))
    code = schemas.Code().load(request.form)["code"]
    with web.own_unit_of_work() as counting:
        signing_in.count_code(counting, user_id=user_id)
    user = signing_in.set_up_second_factor(uow, session_id=session_id, totp_secret=secret, code=code)
    return _welcome(user.email)


def _half_signed_in() -> tuple[int, int]:
    by = web.signed_in_by()
    if not by.half or by.session_id is None or by.user_id is None:
        raise NotSignedIn
    return by.session_id, by.user_id


def _show_set_up(email: str, kept: web.Kept | None = None) -> str:
    session_id = web.signed_in_by().session_id or 0
    secret = _offered_secret(session_id) or keys.new_totp_secret()
    code = segno.make(keys.totp_address(secret, email), error="m")
    return render_template(
        "accounts/set_up.html",
        picture=Markup(code.svg_inline(border=2, omitsize=True)),  # noqa: S704  # drawn by us from our own address
        secret=secret,
        secret_proof=keys.keyed("totp-offer", str(session_id), secret),
        next=request.values.get("next", ""),
        kept=kept or web.kept_again(),
        form={},
    )


def _offered_secret(session_id: int) -> str | None:
    """Return the secret that this form was shown with; None if it is not one that we offered to this session."""
    secret, proof = request.form.get("secret", ""), request.form.get("secret_proof", "")
    return secret if secret and web.equal(proof, keys.keyed("totp-offer", str(session_id), secret)) else None


def _ask_code(has_totp: bool, kept: web.Kept | None, demo_code: str | None = None) -> str:
    if not has_totp:
        return _show_set_up(request.form.get("email", ""), kept)
    return render_template(
        "accounts/code.html", next=request.values.get("next", ""), kept=kept, demo_code=demo_code, form={}
    )


def _welcome(email: str, key: str | None = None) -> ResponseReturnValue:
    """Lead a person who is now signed in on; a form that waited for it can be sent."""
    kept = web.kept_again()
    if kept is None:
        response = redirect(web.local_address(request.form.get("next")))
    else:
        response = make_response(render_template("accounts/again.html", kept=kept, refusal=None))
    if key is not None:
        web.set_cookie(response, "session", key)
    web.remember_device(response, email)
    return response


@blueprint.post("/sign-out")
@in_unit_of_work(PUBLIC)
def sign_out(uow: UnitOfWork) -> ResponseReturnValue:
    """End this session."""
    service.leave_session(uow, session_id=web.signed_in_by().session_id)
    response = redirect(url_for(".sign_in"))
    web.drop_cookie(response, "session")
    return response


def _browser() -> str:
    agent = request.user_agent.string
    kinds = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
    kind = next((name for mark, name in kinds if mark in agent), "?")
    return f"{kind} · {next((name for name in systems if name in agent), '?')}"


def _demo() -> bool:
    return bool(current_app.config["SETTINGS"].demo)


def _demo_people(uow: UnitOfWork) -> list[Any]:
    return signing_in.demo_people(uow) if _demo() else []


# Invitations


@blueprint.get("/invitation/<link>")
@in_unit_of_work(PUBLIC)
def invitation(uow: UnitOfWork, link: str) -> ResponseReturnValue:
    """Ask an invited person for a password of their own."""
    user = service.invited(uow, link=link)
    return render_template("accounts/invitation.html", link=link, user=user, form={})


@blueprint.post("/invitation/<link>")
@in_unit_of_work(PUBLIC, form_view=invitation)
def invitation_now(uow: UnitOfWork, link: str) -> ResponseReturnValue:
    """Take the password; the link is spent."""
    facts = schemas.ChoosePassword().load(request.form)
    user = service.accept_invitation(uow, link=link, password=facts["password"])
    done(say("The password is set. It can be used to sign in now."))
    return redirect(url_for(".sign_in", email=user.email))


# One's own account


@blueprint.get("/me")
@in_unit_of_work(SIGNED_IN)
def sessions(uow: UnitOfWork) -> ResponseReturnValue:
    """Show where one is signed in, and change the password."""
    assert uow.actor.id is not None, "somebody is signed in"
    return render_template(
        "accounts/sessions.html",
        user=queries.user(uow.session, uow.actor.id),
        role=menu.ROLE_NAMES.get(uow.actor.role),
        sessions=queries.living_sessions(uow.session, uow.actor.id, uow.now),
        current_id=web.signed_in_by().session_id,
        form={},
    )


@blueprint.post("/me/password")
@in_unit_of_work(SIGNED_IN, form_view=sessions)
def change_password(uow: UnitOfWork) -> ResponseReturnValue:
    """Change one's own password."""
    facts = schemas.ChangePassword().load(request.form)
    assert uow.actor.id is not None, "somebody is signed in"
    with web.own_unit_of_work() as counting:
        signing_in.count_code(counting, user_id=uow.actor.id)
    service.change_password(uow, **facts, keep_session_id=web.signed_in_by().session_id)
    done(say("The password is changed. Other browsers were signed out."))
    return redirect(url_for(".sessions"))


@blueprint.post("/me/language")
@in_unit_of_work(SIGNED_IN)
def change_language(uow: UnitOfWork) -> ResponseReturnValue:
    """Change the language in which one is addressed."""
    language = schemas.Language().load(request.form)["language"]
    service.change_language(uow, language=language)
    done(say("The language is changed."))
    return redirect(url_for(".sessions", lang=language))


@blueprint.post("/me/sessions/<int:session_id>/end")
@in_unit_of_work(SIGNED_IN)
def end_session(uow: UnitOfWork, session_id: int) -> ResponseReturnValue:
    """Sign another browser out."""
    service.revoke_session(uow, session_id=session_id)
    done(say("That browser is signed out."))
    return redirect(url_for(".sessions"))


@blueprint.post("/me/sessions/end-others")
@in_unit_of_work(SIGNED_IN)
def end_other_sessions(uow: UnitOfWork) -> ResponseReturnValue:
    """Sign every other browser out."""
    service.revoke_sessions(uow, keep_id=web.signed_in_by().session_id)
    done(say("Every other browser is signed out."))
    return redirect(url_for(".sessions"))


@blueprint.get("/me/tokens")
@in_unit_of_work(SIGNED_IN)
def tokens(uow: UnitOfWork) -> ResponseReturnValue:
    """Show one's API tokens, and make one."""
    return _show_tokens(uow)


def _show_tokens(uow: UnitOfWork, new: tuple[Any, str] | None = None) -> str:
    assert uow.actor.id is not None, "somebody is signed in"
    return render_template(
        "accounts/tokens.html",
        tokens=queries.tokens(uow.session, uow.actor.id, uow.now),
        new=new,
        moment=uow.now,
        form={},
    )


@blueprint.post("/me/tokens")
@in_unit_of_work(SIGNED_IN, form_view=tokens)
def make_token(uow: UnitOfWork) -> ResponseReturnValue:
    """Make a token and show it, this once."""
    assert uow.actor.id is not None, "somebody is signed in"
    made = service.make_token(uow, uow.actor.id, **schemas.MakeTokenForm().load(request.form))
    return _show_tokens(uow, new=made)


@blueprint.post("/me/tokens/<int:token_id>/revoke")
@in_unit_of_work(SIGNED_IN)
def revoke_token(uow: UnitOfWork, token_id: int) -> ResponseReturnValue:
    """End a token."""
    service.revoke_token(uow, token_id=token_id)
    done(say("The token is revoked."))
    return redirect(url_for(".tokens"))


# Users


def _user_list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindUsers().load(request.args)
    page = queries.users(
        uow.session, uow.actor, words=asked["q"], role=asked["role"], state=asked["state"], after=asked["after"]
    )
    return {
        "page": page,
        "scopes": queries.scope_names(uow.session, page.rows),
        "roles": _roles(),
        "role_names": menu.ROLE_NAMES,
        "chosen_id": None,
    }


def _roles() -> list[tuple[str, Any]]:
    return [(role.value, menu.ROLE_NAMES[role]) for role in Role]


@blueprint.get("/users")
@in_unit_of_work("users.manage")
def users(uow: UnitOfWork) -> ResponseReturnValue:
    """List who may sign in."""
    return render_template("accounts/users.html", **_user_list(uow))


@blueprint.get("/users/<int:user_id>")
@in_unit_of_work("users.manage")
def user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Show a user beside the list."""
    return _show_user(uow, user_id)


def _show_user(uow: UnitOfWork, user_id: int, link: str | None = None) -> str:
    found = queries.user(uow.session, user_id)
    listed = {**_user_list(uow), "chosen_id": user_id}
    return render_template(
        "accounts/user.html",
        **listed,
        user=found,
        scope=queries.scope_names(uow.session, [found]).get(user_id),
        invitation_url=url_for(".invitation", link=link, _external=True) if link else None,
        sessions=len(queries.living_sessions(uow.session, user_id, uow.now)),
        tokens=len(queries.tokens(uow.session, user_id, uow.now)),
    )


@blueprint.get("/users/new")
@in_unit_of_work("users.manage")
def new_user(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for the facts of a new user."""
    return _user_form(uow, None)


@blueprint.post("/users")
@in_unit_of_work("users.manage", form_view=new_user)
def create_user(uow: UnitOfWork) -> ResponseReturnValue:
    """Create a user; without a password the page shows a link to pass on."""
    made = service.create_user(uow, **schemas.CreateUserForm().load(request.form))
    if made.password_hash is None:
        return _show_user(uow, made.id, service.invite(uow, user_id=made.id))
    done(say("%(name)s may sign in from now on.", name=made.name))
    return redirect(url_for(".user", user_id=made.id))


@blueprint.get("/users/<int:user_id>/edit")
@in_unit_of_work("users.manage")
def edit_user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Show the facts of a user to be changed."""
    return _user_form(uow, queries.user(uow.session, user_id))


@blueprint.post("/users/<int:user_id>/edit")
@in_unit_of_work("users.manage", form_view=edit_user)
def change_user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Change a user."""
    changed = service.change_user(uow, user_id=user_id, **schemas.ChangeUserForm().load(request.form))
    done(say("%(name)s was changed.", name=changed.name))
    return redirect(url_for(".user", user_id=user_id))


def _user_form(uow: UnitOfWork, found: Any) -> str:
    names = ("email", "name", "role", "language", "warehouse_id", "organisation_id", "driver_id", "donor_id", "version")
    values = {} if found is None else {name: getattr(found, name) for name in names}
    if found is not None:
        values["county_ids"] = [link.county_id for link in found.counties]
    form = {} if g.refusal is not None else {"values": values}
    needed = {
        role: [scope.value for scope in (Scope.COUNTY, Scope.WAREHOUSE, Scope.ORGANISATION) if scope in grants.values()]
        for role, grants in GRANTS.items()
    }
    return render_template(
        "accounts/user_form.html",
        user=found,
        form=form,
        roles=_roles(),
        choices=queries.scope_choices(uow.session),
        needed=needed,
    )


@blueprint.post("/users/<int:user_id>/invite")
@in_unit_of_work("users.manage")
def invite_user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Make a one-time link by which the person chooses a password."""
    return _show_user(uow, user_id, service.invite(uow, user_id=user_id))


@blueprint.post("/users/<int:user_id>/deactivate")
@in_unit_of_work("users.manage")
def deactivate_user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Keep somebody out from now on."""
    version = schemas.VersionForm().load(request.form)["version"]
    kept_out = service.set_active(uow, user_id=user_id, version=version, active=False)
    done(
        say("%(name)s cannot sign in any more.", name=kept_out.name),
        undo=url_for(".activate_user", user_id=user_id),
        fields={"version": kept_out.version},
    )
    return redirect(url_for(".user", user_id=user_id))


@blueprint.post("/users/<int:user_id>/activate")
@in_unit_of_work("users.manage")
def activate_user(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    version = schemas.VersionForm().load(request.form)["version"]
    let_in = service.set_active(uow, user_id=user_id, version=version, active=True)
    done(say("%(name)s may sign in from now on.", name=let_in.name))
    return redirect(url_for(".user", user_id=user_id))


@blueprint.post("/users/<int:user_id>/reset-second-factor")
@in_unit_of_work("users.manage")
def reset_second_factor(uow: UnitOfWork, user_id: int) -> ResponseReturnValue:
    """Take a lost second factor away."""
    reset = service.reset_second_factor(uow, user_id=user_id)
    done(say("%(name)s sets up one-time codes anew at the next sign-in.", name=reset.name))
    return redirect(url_for(".user", user_id=user_id))
