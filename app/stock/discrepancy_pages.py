"""Pages of discrepancies: the queue, one of them beside it, what is done about it, and the table that leaves."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.foundation.http import in_unit_of_work
from app.foundation.language import language, translate
from app.foundation.look import done
from app.foundation.sheets import ROWS_MAX, TYPES, written_as
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import discrepancy_schemas as schemas
from app.stock import discrepancy_words as words
from app.stock import operations, queries
from app.stock.pages import blueprint

SEEN = {
    "quantity": say("Quantity"),
    "from_place": say("From"),
    "to_place": say("To"),
    "place": say("Place"),
    "item_code": say("Item"),
    "gtin": say("Barcode"),
    "batch": say("Maker's lot"),
    "expires_on": say("Expiry"),
    "parcel_id": say("Parcel"),
    "run_id": say("Run"),
    "stocktake_id": say("Stocktake"),
    "transfer_id": say("Transfer"),
    "sscc": say("Box"),
    "reason": say("Why"),
}
"""What of a payload is shown, in this order."""
LETTERS = {"parcel_id": "P-", "run_id": "R-", "stocktake_id": "", "transfer_id": ""}


@blueprint.get("/discrepancies")
@in_unit_of_work("stock.read")
def reviews(uow: UnitOfWork) -> ResponseReturnValue:
    """List what phones saw and the books did not."""
    return render_template("stock/reviews.html", **_list(uow))


@blueprint.get("/discrepancies/<int:review_id>")
@in_unit_of_work("stock.read")
def review(uow: UnitOfWork, review_id: int) -> ResponseReturnValue:
    """Show a discrepancy beside the queue, with what can be done about it."""
    return render_template("stock/review.html", **_list(uow), **_sheet(uow, review_id))


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.ReviewsQuery().load(request.args)
    filters = schemas.filters(asked)
    warehouses = queries.warehouses(uow.session, uow.actor)
    chosen = filters["warehouse_id"]
    return {
        "page": queries.review_page(uow.session, uow.actor, **filters, after=asked["after"]),
        "counts": queries.reviews_count(uow.session, uow.actor, warehouse_id=chosen),
        "asked": asked,
        "warehouse": next((each for each in warehouses if each.id == chosen or len(warehouses) == 1), None),
        "warehouse_options": [(each.id, each.name) for each in warehouses],
        "kind_options": list(words.DEEDS.items()),
        "deed": words.deed,
        "outcomes": words.OUTCOMES,
        "said": words.said,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


def _sheet(uow: UnitOfWork, review_id: int) -> dict[str, Any]:
    row = queries.review_row(uow.session, uow.actor, review_id)
    lies = queries.where_it_lies(uow.session, uow.actor, row.review.lot_id) if row.review.lot_id else []
    return {
        "row": row,
        "chosen_id": review_id,
        "seen": _seen(uow, row.review.payload),
        "lies": lies,
        "place_options": _places(row, lies),
        "again": operations.may_be_done_again(row.review),
        "contained": row.review.payload.get("contained"),
        "resolutions": words.RESOLUTIONS,
        "operation_id": uuid4(),
        "form": {"values": {"quantity": row.review.quantity or "", "place_id": row.review.place_id or ""}},
    }


def _places(row: queries.ReviewRow, lies: list[Any]) -> list[tuple[int, str]]:
    """Return where something could be booked: where the phone was, and where the lot lies."""
    options = {row.place.id: row.place.code} if row.place is not None and row.place.guarded else {}
    options |= {each.place_id: each.place.code for each in lies}
    return list(options.items())


def _seen(uow: UnitOfWork, payload: dict[str, Any]) -> list[tuple[Any, str]]:
    """Return what the phone saw, in words: numbers of places become their codes."""
    told = dict(payload)
    ids = {
        name.removesuffix("_id"): told[name] for name in ("place_id", "from_place_id", "to_place_id") if name in told
    }
    codes = queries.places_by_id(uow.session, [each for each in ids.values() if isinstance(each, int)])
    told |= {name: codes[number].code for name, number in ids.items() if number in codes}
    return [
        (label, f"{LETTERS.get(name, '')}{told[name]}")
        for name, label in SEEN.items()
        if told.get(name) not in (None, "", True, False)
    ]


@blueprint.post("/discrepancies/<int:review_id>")
@in_unit_of_work("stock.review", form_view=review)
def resolve(uow: UnitOfWork, review_id: int) -> ResponseReturnValue:
    """Do what was chosen about a discrepancy."""
    found = operations.resolve(uow, review_id=review_id, **schemas.ResolveForm().load(request.form))
    done(say("Resolved: %(resolution)s.", resolution=words.RESOLUTIONS[found.resolution or "nothing"]))
    return redirect(url_for(".reviews"))


@blueprint.get("/discrepancies/table")
@in_unit_of_work("stock.read")
def reviews_table(uow: UnitOfWork) -> ResponseReturnValue:
    """Return the discrepancies as a table."""
    asked = schemas.ExportQuery().load(request.args)
    rows = queries.reviews_for_export(uow.session, uow.actor, most=ROWS_MAX, **schemas.filters(asked))
    heads = [
        say("Number"), say("When"), say("Deed"), say("What became of it"), say("Item"), say("Lot"), say("Place"),
        say("Difference"), say("What does not fit"), say("Who"), say("Resolution"), say("Note"), say("Resolved by"),
        say("Resolved at"),
    ]  # fmt: skip
    written = written_as(asked["form"], heads, (_cells(row) for row in rows))
    name = f"discrepancies.{asked['form']}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written, content_type=TYPES[asked["form"]], headers=headers)


def _cells(row: queries.ReviewRow) -> list[Any]:
    found = row.review
    return [
        found.id,
        found.happened_at,
        words.deed(found.kind),
        words.OUTCOMES[found.outcome],
        row.item.name(language()) if row.item else None,
        f"L-{row.lot.id}" if row.lot else None,
        row.place.code if row.place else None,
        found.quantity,
        " ".join(translate(each) for each in words.said(found.said)),
        row.who,
        words.RESOLUTIONS[found.resolution] if found.resolution else None,
        found.note,
        row.resolved_by,
        found.resolved_at,
    ]
