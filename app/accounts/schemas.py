"""Wire shapes of users, sessions and tokens."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from app.accounts.roles import Role
from app.foundation.fields import Asked, Choice, Form, Line, Moment, WholeNumber, Wire
from app.foundation.words import say

LANGUAGES = ("hu", "en")


class Email(Line):
    """An e-mail address; whether anybody reads it is not checked."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=200, **kwargs)
        self.validators.append(
            validate.Regexp(
                r"[^@\s]+@[^@\s]+\.[^@\s.]+$", error=str(say("Write an e-mail address, such as nev@pelda.hu."))
            )
        )


class Password(Line):
    """A password as typed; how good it must be is the service's rule."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(most=256, load_only=True, **kwargs)


class SignIn(Form):
    """The sign-in page."""

    email = Line(required=True, most=200)
    password = Password(required=True)


class Code(Form):
    """A one-time code."""

    code = Line(required=True, most=20)


class ChangePassword(Form):
    """One's own password."""

    present = Password(required=True)
    password = Password(required=True)


class ChoosePassword(Form):
    """The password that an invitation asks for."""

    password = Password(required=True)


class Language(Form):
    """The language in which one is addressed."""

    language = Choice(LANGUAGES, required=True)


class MakeToken(Wire):
    """What is asked for a new API token."""

    name = Line(required=True, least=1, most=100)
    days = WholeNumber(least=1, most=366, load_default=90)


class MakeTokenForm(MakeToken, Form):
    """The same from a form."""

    class Meta(Form.Meta):
        """Leave unknown keys."""


class _UserFacts(Wire):
    email = Email(required=True)
    name = Line(required=True, least=1, most=100)
    role = Choice(Role, required=True)
    language = Choice(LANGUAGES, load_default="hu")
    county_ids = fields.List(WholeNumber(least=1), load_default=list)
    warehouse_id = WholeNumber(least=1, load_default=None, allow_none=True)
    organisation_id = WholeNumber(least=1, load_default=None, allow_none=True)
    driver_id = WholeNumber(least=1, load_default=None, allow_none=True)
    donor_id = WholeNumber(least=1, load_default=None, allow_none=True)


class CreateUser(_UserFacts):
    """A new user; without a password an invitation lets them choose one."""

    password = Password(load_default=None, allow_none=True)


class ChangeUser(_UserFacts):
    """A user as they shall be."""


class CreateUserForm(CreateUser, Form):
    """A new user from a form."""

    class Meta(Form.Meta):
        """Leave unknown keys."""


class ChangeUserForm(ChangeUser, Form):
    """A user from a form, with the version that was seen."""

    class Meta(Form.Meta):
        """Leave unknown keys."""

    version = WholeNumber(required=True, least=1)


class VersionForm(Form):
    """The version that was seen when a button was pressed."""

    version = WholeNumber(required=True, least=1)


class FindUsers(Asked):
    """How the list of users is asked for."""

    q = Line(most=100, load_default="")
    role = Choice(Role, load_default=None)
    state = Choice(("active", "inactive"), load_default=None)
    after = fields.String(load_default=None)
    size = WholeNumber(least=1, most=200, load_default=50)


class Active(Wire):
    """Whether a user may sign in."""

    active = fields.Boolean(required=True)


class UserOut(Wire):
    """A user."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    role = fields.String()
    language = fields.String()
    county_ids = fields.Function(lambda user: sorted(link.county_id for link in user.counties))
    warehouse_id = fields.Integer(allow_none=True)
    organisation_id = fields.Integer(allow_none=True)
    driver_id = fields.Integer(allow_none=True)
    donor_id = fields.Integer(allow_none=True)
    active = fields.Boolean()
    created_at = Moment()
    last_seen_at = Moment(allow_none=True)
    version = fields.Integer()


class UserPage(Wire):
    """A page of users."""

    rows = fields.List(fields.Nested(UserOut))
    next_after = fields.String(allow_none=True)
    total = fields.Integer(allow_none=True)


class Invitation(Wire):
    """A one-time link."""

    url = fields.String()
    expires_at = Moment()


class TokenOut(Wire):
    """An API token, without what it protects."""

    id = fields.Integer()
    name = fields.String()
    prefix = fields.String()
    created_at = Moment()
    expires_at = Moment()
    last_used_at = Moment(allow_none=True)
    revoked_at = Moment(allow_none=True)


class NewToken(TokenOut):
    """A new API token; ``token`` is shown this once."""

    token = fields.String()


class SessionOut(Wire):
    """A browser in which one is signed in."""

    id = fields.Integer()
    browser = fields.String(allow_none=True)
    created_at = Moment()
    last_seen_at = Moment()
    current = fields.Boolean()


class MeOut(Wire):
    """Who acts, and what they may do."""

    id = fields.Integer()
    name = fields.String()
    role = fields.String()
    language = fields.String()
    grants = fields.Function(lambda actor: {permission: scope.value for permission, scope in actor.grants.items()})
    reach = fields.Function(lambda actor: {scope.value: list(ids) for scope, ids in actor.reach.items() if ids})
