"""Refusals about partners."""

from __future__ import annotations

from datetime import date

from app.foundation.errors import Invalid, NotAllowed, NotFound
from app.foundation.words import Message, say


class OrganisationNotFound(NotFound):
    """There is no such organisation, or it is not for this person to know of."""

    kind = "organisation-not-found"

    def __init__(self, organisation_id: int) -> None:
        super().__init__(organisation_id=organisation_id)


class NoAgreement(NotAllowed):
    """No agreement in force lets this organisation report."""

    kind = "no-agreement"

    def __init__(self, *, organisation_id: int, organisation: str, on: date, ended_on: date | None) -> None:
        if ended_on is None:
            message = say(
                "Nothing was sent: %(organisation)s has no agreement that lets it report. Call the county coordinator.",
                organisation=organisation,
            )
        else:
            message = say(
                "Nothing was sent: the agreement of %(organisation)s ended on %(ended_on)s. "
                "Call the county coordinator.",
                organisation=organisation,
                ended_on=ended_on.isoformat(),
            )
        super().__init__(message, organisation_id=organisation_id, on=on.isoformat())


class PartnerInvalid(Invalid):
    """Something about the organisation cannot be right."""

    kind = "partner-invalid"

    def __init__(self, field: str, sentence: Message) -> None:
        super().__init__(sentence, fields={field: [sentence]})
