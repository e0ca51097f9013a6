"""Pages of stocktakes: the list, one and its differences, approving, and counting on the floor without the scanner."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.catalogue import queries as catalogue
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import discrepancies
from app.stock import queries as stock
from app.stocktakes import papers, queries, schemas, service, shown, words
from app.stocktakes.schemas import Counted

blueprint = Blueprint("stocktakes", __name__, url_prefix="/stocktakes")


@blueprint.context_processor
def said() -> dict[str, Any]:
    """Return what the templates of this package call things."""
    return {
        "states": words.STATES,
        "looks": words.LOOKS,
        "place_states": words.PLACES,
        "reasons": words.REASONS,
        "rounds": words.ROUNDS,
        "deeds": words.DEEDS,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


# The list and one of them -------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("stock.read")
def stocktakes(uow: UnitOfWork) -> ResponseReturnValue:
    """List stocktakes, the newest first."""
    asked = schemas.StocktakesQuery().load(request.args)
    asked.pop("size", None)
    warehouses = stock.warehouses(uow.session, uow.actor)
    return render_template(
        "stocktakes/stocktakes.html",
        page=queries.stocktake_page(uow.session, uow.actor, **asked),
        counts=queries.counts_by_view(uow.session, uow.actor),
        view=asked["view"],
        warehouse=warehouses[0] if len(warehouses) == 1 else None,
        warehouse_options=[(each.id, each.name) for each in warehouses],
    )


@blueprint.get("/<int:stocktake_id>")
@in_unit_of_work("stock.read")
def stocktake(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Show how far the places of a stocktake are."""
    return render_template("stocktakes/stocktake.html", **_one(uow, stocktake_id))


def _one(uow: UnitOfWork, stocktake_id: int) -> dict[str, Any]:
    row = queries.stocktake_row(uow.session, uow.actor, stocktake_id)
    found = row.stocktake
    scope = {"warehouse": found.warehouse_id, "county": found.county_id}
    parts = queries.place_rows(uow.session, found.id)
    shelves = [
        (root, list(inside)) for root, inside in groupby(parts, key=lambda each: each.stands_at or each.place.code)
    ]
    running = found.state in queries.RUNNING
    manages = uow.actor.covers("stocktakes.manage", **scope)
    return {
        "row": row,
        "stocktake": found,
        "parts": parts,
        "shelves": shelves,
        "running": running,
        "manages": manages,
        "counts_here": running and uow.actor.covers("stock.operate", **scope),
        "sees_books": manages or found.state == "posted",
        "done_pct": 100 * sum(each.state == "done" for each in parts) / len(parts) if parts else 0,
        "recount_pct": 100 * sum(each.state == "recount" for each in parts) / len(parts) if parts else 0,
        "voucher": queries.voucher_of(uow.session, found),
        "names": accounts.names_of(uow.session, [found.opened_by_id, found.approved_by_id]),
    }


@blueprint.get("/<int:stocktake_id>/differences")
@in_unit_of_work("stock.read")
def differences(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """List what differs in closed places; before posting only to who decides, others are told so."""
    context = _one(uow, stocktake_id)
    if not context["sees_books"]:
        return render_template("stocktakes/blind.html", **context)
    return render_template("stocktakes/differences.html", **context, **_differences(uow, context["stocktake"]))


def _differences(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    lines = shown.lines(uow, found)
    differing = [each for each in lines if each.line.difference or each.line.recount or each.line.round != 1]
    return {
        "lines": differing,
        "compared": len(lines),
        "missing_huf": -sum(each.value_huf for each in lines if each.value_huf < 0) / 100,
        "found_huf": sum(each.value_huf for each in lines if each.value_huf > 0) / 100,
        "seen": service.digest([each.line for each in lines]),
        "counted_here": uow.actor.id in queries.counters(uow.session, found.id),
        "reason_options": [(reason, words.REASONS[reason]) for reason in service.REASONS],
        "operation_id": uuid4(),
    }


# Opening and ending -------------------------------------------------------------------------------------------------


@blueprint.get("/new")
@in_unit_of_work("stocktakes.manage")
def open_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what is to be counted."""
    warehouses = stock.warehouses(uow.session, uow.actor)
    chosen = request.args.get("warehouse_id", type=int) or (warehouses[0].id if warehouses else 0)
    kinds = ("shelf", "dock", "quarantine", "staging")
    places = stock.places_of(uow.session, chosen, kinds) if any(each.id == chosen for each in warehouses) else []
    tops = [each for each in places if each.parent_id is None]
    categories = [each for each in catalogue.categories(uow.session) if each.parent_id is None]
    return render_template(
        "stocktakes/open.html",
        form={} if request.method == "POST" else {"values": {"warehouse_id": chosen}},
        chosen=chosen,
        warehouse_options=[(each.id, each.name) for each in warehouses],
        place_options=[(each.id, each.code) for each in tops],
        category_options=[(each.id, getattr(each, f"name_{language()}")) for each in categories],
    )


@blueprint.post("/new")
@in_unit_of_work("stocktakes.manage", form_view=open_form)
def open_stocktake(uow: UnitOfWork) -> ResponseReturnValue:
    """Open a stocktake."""
    facts = schemas.OpenForm().load(request.form)
    made = service.open_stocktake(uow, **facts)
    done(say("The stocktake is open: counting can begin."))
    return redirect(url_for(".stocktake", stocktake_id=made.id))


@blueprint.post("/for-discrepancy/<int:review_id>")
@in_unit_of_work("stocktakes.manage")
def open_for_review(uow: UnitOfWork, review_id: int) -> ResponseReturnValue:
    """Count the place of a discrepancy; the count decides."""
    review = discrepancies.leave_to_stocktake(uow, review_id=review_id)
    made = service.open_for_review(uow, review=review)
    done(say("The stocktake is open: counting can begin."))
    return redirect(url_for(".stocktake", stocktake_id=made.id))


@blueprint.post("/<int:stocktake_id>/complete")
@in_unit_of_work("stocktakes.manage", form_view=stocktake)
def complete(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Close the first count."""
    leave_out = bool(schemas.CompleteForm().load(request.form)["leave_out"])
    service.complete(uow, stocktake_id=stocktake_id, leave_out=leave_out)
    done(say("The first count is closed."))
    return redirect(url_for(".differences", stocktake_id=stocktake_id))


@blueprint.post("/<int:stocktake_id>/decide")
@in_unit_of_work("stocktakes.manage", form_view=differences)
def decide(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Say why a line differs, or choose a third quantity."""
    service.decide(uow, stocktake_id=stocktake_id, **schemas.DecideForm().load(request.form))
    return redirect(url_for(".differences", stocktake_id=stocktake_id))


@blueprint.get("/<int:stocktake_id>/approve")
@in_unit_of_work("stocktakes.manage")
def approve_form(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Show what approving would post, before it is posted."""
    context = _one(uow, stocktake_id)
    found = context["stocktake"]
    uow.actor.require_for("stocktakes.manage", warehouse=found.warehouse_id, county=found.county_id)
    losing = service.promises_losing(uow, found)
    return render_template("stocktakes/approve.html", **context, **_differences(uow, found), losing=losing)


@blueprint.post("/<int:stocktake_id>/approve")
@in_unit_of_work("stocktakes.manage", form_view=approve_form)
def approve(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Post the differences."""
    service.approve(uow, stocktake_id=stocktake_id, **schemas.ApproveForm().load(request.form))
    done(say("The stocktake is posted; its record is written."))
    return redirect(url_for(".stocktake", stocktake_id=stocktake_id))


@blueprint.post("/<int:stocktake_id>/cancel")
@in_unit_of_work("stocktakes.manage", form_view=stocktake)
def cancel(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Give a stocktake up."""
    service.cancel(uow, stocktake_id=stocktake_id, **schemas.CancelForm().load(request.form))
    done(say("The stocktake was given up; nothing was posted."))
    return redirect(url_for(".stocktakes"))


# Papers -------------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:stocktake_id>/sheets.pdf")
@in_unit_of_work("stock.read")
def sheets(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Return the sheets for counting by hand."""
    return shown.sheets(uow, stocktake_id)


@blueprint.get("/<int:stocktake_id>/record.pdf")
@in_unit_of_work("stock.read")
def record(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Return the record of a posted stocktake."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    return papers.as_response(papers.record(queries.voucher_of(uow.session, found)), f"LEL-{found.id}")


# Counting on the floor ----------------------------------------------------------------------------------------------


@blueprint.get("/<int:stocktake_id>/count")
@in_unit_of_work("stock.operate")
def count_places(uow: UnitOfWork, stocktake_id: int) -> ResponseReturnValue:
    """Choose the place to count, by its code or from those that wait."""
    context = _one(uow, stocktake_id)
    code = (request.args.get("code") or "").strip().upper()[:40]
    named = next((each for each in context["parts"] if each.place.code == code), None)
    if named is not None:
        return redirect(url_for(".count_place", stocktake_id=stocktake_id, place_id=named.place.id))
    waiting = [each for each in context["parts"] if each.state != "done"]
    return render_template("stocktakes/count_places.html", **context, waiting=waiting, code=code)


@blueprint.get("/<int:stocktake_id>/count/<int:place_id>")
@in_unit_of_work("stock.operate")
def count_place(uow: UnitOfWork, stocktake_id: int, place_id: int) -> ResponseReturnValue:
    """Show the lots of a place to be counted, without what the books hold of them."""
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    place = stock.place(uow.session, place_id)
    at = shown.counting_at(uow, found, place)
    return render_template(
        "stocktakes/count_place.html",
        stocktake=found,
        place=place,
        at=at,
        running=found.state in queries.RUNNING,
        operation_id=uuid4(),
        found_id=uuid4(),
    )


@blueprint.post("/<int:stocktake_id>/count/<int:place_id>")
@in_unit_of_work("stock.operate", form_view=count_place)
def count_now(uow: UnitOfWork, stocktake_id: int, place_id: int) -> ResponseReturnValue:
    """Write down what was counted, and close the place."""
    facts = schemas.PlaceForm().load(request.form)
    number: UUID = facts["operation_id"]
    at = {"stocktake_id": stocktake_id, "place_id": place_id, "round": facts["round"]}
    empty = request.form.get("empty") == "1"
    found = queries.stocktake(uow.session, uow.actor, stocktake_id)
    # What was counted before and stands on the page as it was, was not counted now: the hall has gone on working.
    so_far = queries.counted_so_far(uow.session, found.id, place_id, facts["round"])
    for name, value in request.form.items():
        lot = name.removeprefix("lot_")
        if empty or lot == name or not (lot.isascii() and lot.isdigit() and len(lot) < 19):
            continue
        before = so_far.get(int(lot))
        typed = value.strip() or ("" if before is None else "0")
        if typed and (quantity := Counted().deserialize(typed)) != before:
            service.count(uow, operation_id=uuid5(number, lot), lot_id=int(lot), quantity=quantity, **at)
    if request.form.get("close") == "1" or empty:
        service.close_place(uow, operation_id=number, empty=empty, **at)
        done(say("Counted. Next place, please."))
        return redirect(url_for(".count_places", stocktake_id=stocktake_id))
    done(say("Written down."))
    return redirect(url_for(".count_place", stocktake_id=stocktake_id, place_id=place_id))


@blueprint.post("/<int:stocktake_id>/count/<int:place_id>/found")
@in_unit_of_work("stock.operate", form_view=count_place)
def count_found(uow: UnitOfWork, stocktake_id: int, place_id: int) -> ResponseReturnValue:
    """Write down something that lies there and is not on the list."""
    facts = schemas.FoundForm().load(request.form)
    service.count(uow, stocktake_id=stocktake_id, place_id=place_id, **facts)
    done(say("Written down."))
    return redirect(url_for(".count_place", stocktake_id=stocktake_id, place_id=place_id))
