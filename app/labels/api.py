"""Labels as PDF for programs: /api/v1/labels/…"""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.labels.sheets import SHEETS, Sheet

blueprint = Blueprint("labels-api", "labels", description="Labels as PDF, ready to print")

NOTHING = "nothing-to-print: it is not there, or not yours to see"
TOO_MANY = "too-many-labels, or a code that no label can carry"


def _offer(sheet: Sheet) -> None:
    def labels(uow: UnitOfWork, asked: dict[str, Any]) -> Response:
        return sheet.pdf(uow, asked)

    labels.__name__, labels.__doc__ = sheet.name, sheet.summary
    view = in_unit_of_work(sheet.permission)(labels)
    view = blueprint.alt_response(422, description=TOO_MANY)(view)
    if sheet.needs_choice:
        view = blueprint.alt_response(404, description=NOTHING)(view)
    view = blueprint.response(200, content_type="application/pdf", description=sheet.made)(view)
    view = blueprint.arguments(sheet.asked, location="query")(view)
    blueprint.get(f"/labels/{sheet.name}", endpoint=sheet.name)(view)


for each in SHEETS:
    _offer(each)
