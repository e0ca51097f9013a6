"""Pages of the whole stock: what there is, what expires, what is short, what there was, and the way of a lot."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.catalogue import queries as catalogue
from app.foundation import job_queue
from app.foundation.http import in_unit_of_work
from app.foundation.language import amount, language, translate
from app.foundation.look import done, opens, url_with
from app.foundation.sheets import TYPES, Sheet
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.inventory import exports, queries, schemas, service, words
from app.inventory.proposals import Proposal
from app.stock import levels as stock_levels
from app.stock import past
from app.stock import queries as stock
from app.stock import words as stock_words

blueprint = Blueprint("inventory", __name__, url_prefix="/inventory")


def filters_of(uow: UnitOfWork, asked: dict[str, Any]) -> queries.Filters:
    """Take the filters of a view out of what was asked."""
    return schemas.filters_of(asked, today=service.day_of(uow), language=language())


def _shown(uow: UnitOfWork, filters: queries.Filters) -> dict[str, Any]:
    """Return what the filters of a page choose from."""
    seen = queries.homes_seen(uow.session, uow.actor)
    warehouses = [warehouse for warehouse, _ in seen]
    counties = {county.id: county for _, county in seen}
    said = language()
    chosen = [each for each in warehouses if each.id == filters.warehouse_id]
    return {
        "warehouse": chosen[0] if chosen else warehouses[0] if len(warehouses) == 1 else None,
        "warehouse_options": [
            (each.id, each.name) for each in warehouses if filters.county_id in (None, each.county_id)
        ],
        "county_options": [
            (each.id, each.name) for each in sorted(counties.values(), key=lambda county: county.name_key)
        ],
        "category_options": _categories(uow),
        "storage_options": list(stock_words.STORAGE.items()),
        "name": f"name_{said}",
        "unit": f"unit_name_{said}",
    }


def _categories(uow: UnitOfWork) -> list[tuple[int, str]]:
    names = queries.category_names(uow.session, language())
    return [
        (each.id, names[each.id] if each.parent_id is None else f"– {names[each.id]}")
        for each in queries.categories(uow.session)
    ]


# What there is ------------------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("stock.read")
def overview(uow: UnitOfWork) -> ResponseReturnValue:
    """Show what there is: on hand, reserved, available and on its way, grouped as asked."""
    asked = schemas.OverviewQuery().load(request.args)
    filters, by, after = filters_of(uow, asked), asked["by"], asked.get("after")
    page = queries.overview(uow.session, uow.actor, filters, by=by, after=after)
    return render_template(
        "inventory/overview.html",
        page=page,
        sums=queries.sums(uow.session, uow.actor, filters, by=by),
        by=by,
        group_tabs=[
            {"label": translate(label), "href": url_with(by=group), "current": group == by}
            for group, label in words.GROUPS.items()
        ],
        addresses={line.id: _address_of_line(by, line) for line in page.rows},
        first=words.FIRST[by],
        heaviest=max([line.weight_g for line in page.rows], default=0),
        **_shown(uow, filters),
    )


def _address_of_line(by: str, line: queries.Line) -> str:
    """Return where a line leads: deeper into what it adds up."""
    homes = ("warehouse_id", "county_id")
    kept: dict[str, Any] = {name: request.args[name] for name in homes if request.args.get(name)}
    if by == "item":
        return url_for(".item", item_id=line.id, **kept)
    if by == "lot":
        return url_for(".lot", lot_id=line.id)
    if by == "place":
        return url_for("stock.stock", place_id=line.id)
    if by == "warehouse":
        return url_with(by="item", warehouse_id=line.id, county_id=None)
    return url_with(by="item", county_id=line.id, warehouse_id=None)


@blueprint.get("/counties")
@in_unit_of_work("totals.read")
def counties(uow: UnitOfWork) -> ResponseReturnValue:
    """Show what every county has, as sums."""
    asked = schemas.CountiesQuery().load(request.args)
    rows = service.counties(uow, today=service.day_of(uow), **asked)
    items = catalogue.items(uow.session)
    item = next((each for each in items if each.id == asked.get("item_id")), None)
    if item is None and "item_id" in asked:
        item = catalogue.plain_item(uow.session, asked["item_id"])
    measure = [row.available if item else row.weight_g for row in rows]
    said = language()
    return render_template(
        "inventory/counties.html",
        rows=sorted(zip(measure, rows, strict=True), key=lambda pair: (-pair[0], pair[1].name)),
        most=max(measure, default=0),
        item=item,
        item_options=[(each.id, each.name(said)) for each in items],
        category_options=_categories(uow),
        unit=f"unit_name_{said}",
        own={county.id for _, county in queries.homes_seen(uow.session, uow.actor)},
        asked=asked,
    )


@blueprint.get("/counties/map.json")
@in_unit_of_work("totals.read")
def counties_map(uow: UnitOfWork) -> ResponseReturnValue:
    """Return the counties shaded by what they have."""
    asked = schemas.CountiesQuery().load(request.args)
    rows = service.counties(uow, today=service.day_of(uow), **asked)
    measure = {row.code: row.available if "item_id" in asked else row.weight_g for row in rows}
    most = max(measure.values(), default=0)
    return jsonify(
        {
            "depots": [],
            "runs": [],
            "left": [],
            "areas": [
                {"code": code, "share": round(amount / most, 3), "label": ""}
                for code, amount in measure.items()
                if most and amount
            ],
        }
    )


@blueprint.get("/counties/<int:county_id>")
@in_unit_of_work("totals.read")
def county(uow: UnitOfWork, county_id: int) -> ResponseReturnValue:
    """Show what a county has of each item, as sums."""
    asked = schemas.CountiesQuery().load(request.args)
    found = queries.county(uow.session, county_id)
    said = language()
    return render_template(
        "inventory/county.html",
        county=found,
        rows=service.county_items(
            uow, county_id, today=service.day_of(uow), language=said, category_id=asked.get("category_id")
        ),
        category_options=_categories(uow),
        name=f"name_{said}",
        unit=f"unit_name_{said}",
    )


# What expires -------------------------------------------------------------------------------------------------------


@blueprint.get("/expiring")
@in_unit_of_work("stock.read")
def expiring(uow: UnitOfWork) -> ResponseReturnValue:
    """List what expires, and what could be done with it."""
    asked = schemas.ExpiringQuery().load(request.args)
    filters, span = filters_of(uow, asked), asked["days"]
    page = queries.expiring(
        uow.session, uow.actor, filters, days=schemas.days_of(span), after=asked.get("after"), size=25
    )
    proposed = service.proposed(uow, page.rows, filters)
    counts = queries.expiring_counts(uow.session, uow.actor, filters)
    return render_template(
        "inventory/expiring.html",
        page=page,
        proposed=proposed,
        address_of=_address_of,
        span_tabs=[
            {
                "label": translate(label),
                "href": url_with(days=each),
                "current": each == span,
                "count": counts[schemas.days_of(each)][0],
                "attention": each in ("7", "expired"),
            }
            for each, label in words.SPANS.items()
        ],
        span=span,
        shown=counts[schemas.days_of(span)],
        **_shown(uow, filters),
    )


def _address_of(proposal: Proposal, row: queries.Expiring) -> tuple[str, Message] | None:
    """Return the page where a proposal is done, filled in, and the words of its button; none where there is none."""
    arguments = dict(proposal.arguments)
    if proposal.kind == "write_off":
        line = f"{row.lot.id}-{row.place.id}"
        return _first(
            ("write_offs.propose_form", {"line": line}, say("Propose write-off")),
            ("stock.write_off_form", {"lot_id": row.lot.id, "at": row.place.id}, say("Write off")),
        )
    if proposal.kind in ("transfer", "offer"):
        given = arguments or {
            "from_warehouse_id": row.warehouse.id,
            "item_id": row.item.id,
            "quantity": proposal.quantity,
        }
        return _first(
            ("transfers.request_form", given, say("Ask for a transfer")),
            ("transfers.new", given, say("Ask for a transfer")),
        )
    if proposal.kind == "kit":
        return _first(
            ("conversions.assemble_form", arguments, say("Make kits")),
            ("conversions.conversions", {}, say("Make kits")),
        )
    if proposal.kind == "give":
        return _first(
            ("allocation.runs", {}, say("Allocate")),
            ("needs.needs", {"item_id": row.item.id}, say("Open needs")),
        )
    return None


def _first(*ways: tuple[str, dict[str, Any], Message]) -> tuple[str, Message] | None:
    """Return the first of these pages that there is and that the person may open."""
    for endpoint, arguments, label in ways:
        if endpoint in current_app.view_functions and opens(endpoint):
            return url_for(endpoint, **arguments), label
    return None


# Levels -------------------------------------------------------------------------------------------------------------


@blueprint.get("/levels")
@in_unit_of_work("stock.read")
def levels(uow: UnitOfWork) -> ResponseReturnValue:
    """List how much there should be and how much there is."""
    asked = schemas.LevelsQuery().load(request.args)
    filters, view = filters_of(uow, asked), asked.get("view")
    page = queries.levels(uow.session, uow.actor, filters, view=view, after=asked.get("after"))
    return render_template(
        "inventory/levels.html",
        page=page,
        counts=queries.level_counts(uow.session, uow.actor, filters),
        refills=service.refills(uow, page.rows, today=filters.today),
        transfer_address=_transfer_address,
        view=view,
        **_shown(uow, filters),
    )


def _transfer_address(**arguments: Any) -> str | None:
    found = _first(
        ("transfers.request_form", arguments, say("Ask for a transfer")),
        ("transfers.new", arguments, say("Ask for a transfer")),
    )
    return found[0] if found else None


@blueprint.get("/levels/new")
@in_unit_of_work("stock.levels")
def level_form(uow: UnitOfWork, stock_level_id: int | None = None) -> ResponseReturnValue:
    """Ask how much there should be of an item."""
    values: dict[str, Any] = {
        name: request.args[name] for name in ("warehouse_id", "item_id") if request.args.get(name, "").isdigit()
    }
    item_text = ""
    if stock_level_id is not None:
        found = stock_levels.level(uow, stock_level_id)
        values = {
            "warehouse_id": found.warehouse_id,
            "item_id": found.item_id,
            "least": found.least,
            "most": found.most,
            "version": found.version,
        }
    if values.get("item_id") and int(values["item_id"]) < 2**63:
        named = catalogue.items_by_id(uow.session, [int(values["item_id"])])
        item_text = next((each.name(language()) for each in named.values()), "")
    return render_template(
        "inventory/level.html",
        form={} if request.method == "POST" else {"values": values},
        item_text=item_text,
        stock_level_id=stock_level_id,
        warehouse_options=[(each.id, each.name) for each in stock.warehouses(uow.session, uow.actor)],
    )


@blueprint.get("/levels/<int:stock_level_id>")
@in_unit_of_work("stock.levels")
def level(uow: UnitOfWork, stock_level_id: int) -> ResponseReturnValue:
    """Show a level to be changed."""
    shown: ResponseReturnValue = level_form.view(uow, stock_level_id)  # type: ignore[attr-defined]
    return shown


@blueprint.post("/levels")
@in_unit_of_work("stock.levels", form_view=level_form)
def set_level(uow: UnitOfWork) -> ResponseReturnValue:
    """Say how much there should be."""
    made = stock_levels.set_level(uow, **schemas.LevelForm().load(request.form))
    item = catalogue.plain_item(uow.session, made.item_id)
    done(say("The level is set: %(item)s", item=item.name(language())))
    return redirect(url_for(".levels", warehouse_id=made.warehouse_id))


@blueprint.post("/levels/<int:stock_level_id>/drop")
@in_unit_of_work("stock.levels")
def drop_level(uow: UnitOfWork, stock_level_id: int) -> ResponseReturnValue:
    """Say no more how much there should be."""
    gone = stock_levels.drop_level(uow, level_id=stock_level_id)
    item = catalogue.plain_item(uow.session, gone.item_id)
    done(say("There is no level any more: %(item)s", item=item.name(language())))
    return redirect(url_for(".levels"))


# The past -----------------------------------------------------------------------------------------------------------


@blueprint.get("/at")
@in_unit_of_work("stock.read")
def at(uow: UnitOfWork) -> ResponseReturnValue:
    """Show what there was at the end of a day and what it was worth."""
    asked = schemas.PastQuery().load(request.args)
    filters = filters_of(uow, asked)
    on = asked.get("on", filters.today)
    found = service.stock_at(uow, filters, on=on, clock=asked["clock"], by=asked["by"])
    return render_template(
        "inventory/at.html",
        past=found,
        on=on,
        by=asked["by"],
        first=words.FIRST[asked["by"]],
        tab_entries=[
            {"label": translate(label), "href": url_with(by=group), "current": group == asked["by"]}
            for group, label in words.PAST_GROUPS.items()
        ],
        clock_options=list(words.CLOCKS.items()),
        clock=words.CLOCKS[asked["clock"]],
        most=max([line.value for line in found.lines], default=0),
        **_shown(uow, filters),
    )


@blueprint.get("/items/<int:item_id>")
@in_unit_of_work("stock.read")
def item(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Show an item's ledger card: opening, in, out and closing of each period."""
    asked = schemas.CardQuery().load(request.args)
    found = catalogue.plain_item(uow.session, item_id)
    filters = queries.Filters(
        today=service.day_of(uow),
        language=language(),
        county_id=asked.get("county_id"),
        warehouse_id=asked.get("warehouse_id"),
    )
    homes = service.warehouses_asked(uow, warehouse_id=filters.warehouse_id, county_id=filters.county_id)
    until = min(asked.get("until", filters.today), filters.today)
    periods = past.card(
        uow, item_id=item_id, warehouse_ids=[each.id for each in homes], period=asked["period"], until=until
    )
    return render_template(
        "inventory/item.html",
        item=found,
        periods=periods,
        period_tabs=[
            {"label": translate(label), "href": url_with(period=period), "current": period == asked["period"]}
            for period, label in words.PERIODS.items()
        ],
        kinds=stock_words.KINDS,
        most=max([max(each.came, each.went) for each in periods], default=0),
        **_shown(uow, filters),
    )


# The way of a lot ---------------------------------------------------------------------------------------------------


@blueprint.get("/lots/<int:lot_id>")
@in_unit_of_work("stock.read")
def lot(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Show the way of a lot both ways: from the donor here, and on to the hand-over."""
    found = service.history(uow, lot_id)
    this = catalogue.plain_item(uow.session, found["lot"].item_id)
    unit = getattr(this, f"unit_name_{language()}")

    def pieces(number: int) -> Markup:
        return Markup('<bdi translate="no">{}</bdi>').format(amount(number, unit))

    return render_template(
        "inventory/lot.html",
        **found,
        item=this,
        unit_name=unit,
        trail=[_step(row, unit) for row in reversed(found["movements"])],
        conversions=words.CONVERSIONS,
        transfer_states=words.TRANSFER_STATES,
        parcel_states=words.PARCEL_STATES,
        whereabouts=[
            (translate(stock_words.PLACE_KINDS[kind]), pieces(found["pieces"][kind]))
            for kind in stock_words.PLACE_KINDS
            if kind != "donor" and found["pieces"].get(kind)
        ],
        more=len(found["movements"]) == service.STEPS_MAX,
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
    )


def _step(row: stock.MovementRow, unit: str) -> dict[str, Any]:
    moved = row.movement
    at = moved.happened_at.isoformat()
    return {
        "text": stock_words.step(
            moved.kind,
            quantity=moved.quantity,
            unit=unit,
            from_code=row.from_place.code,
            to_code=row.to_place.code,
        ),
        "sub": say("%(moved_at)s", moved_at=at)
        if row.reversed_by_id is None
        else say("%(moved_at)s, was taken back", moved_at=at),
        "state": "done" if row.reversed_by_id is None else "",
    }


@blueprint.get("/offers/<int:offer_id>")
@in_unit_of_work("donations.read")
def offer(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Show where a donor's gift went, as counts."""
    return render_template(
        "inventory/gift.html",
        gift=service.gift(uow, offer_id),
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
    )


# Exports ------------------------------------------------------------------------------------------------------------


@blueprint.get("/export")
@in_unit_of_work("stock.read")
def export(uow: UnitOfWork) -> ResponseReturnValue:
    """Give a view as a file; a long one becomes a job, whose page is opened."""
    asked = schemas.ExportQuery().load(request.args)
    filters, view, form = filters_of(uow, asked), asked.pop("view"), asked.pop("form")
    if view == "counties":
        uow.actor.require("totals.read")
    details = {name: value for name, value in asked.items() if name in ("by", "clock", "item_id")}
    details |= {name: asked[name].isoformat() for name in ("on", "since", "until") if name in asked}
    details |= {"days": schemas.days_of(asked["days"]), "view": asked.get("level")}
    if view == "movements":
        details["words"] = {kind: translate(said) for kind, said in stock_words.KINDS.items()}
    heads = [translate(words.FIRST[details["by"]] if head.text == "Name" else head) for head in words.HEADS[view]]
    made = exports.export(uow, filters, view=view, form=form, heads=heads, asked=details)
    if isinstance(made, Sheet):
        return file_of(made, f"{words.FILES[view]}-{filters.today}.{form}")
    return redirect(url_for(".exported", stock_export_id=made.id))


def file_of(sheet: Sheet, name: str) -> Response:
    """Return a file to be saved, piece by piece."""
    answer = Response(sheet, content_type=TYPES[sheet.form])
    answer.headers["Content-Length"] = str(sheet.size)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


@blueprint.get("/exports/<int:stock_export_id>")
@in_unit_of_work("stock.read")
def exported(uow: UnitOfWork, stock_export_id: int) -> ResponseReturnValue:
    """Show how far a long export is, and give its file to who asked for it."""
    found = exports.own_export(uow, stock_export_id)
    return render_template(
        "inventory/exported.html",
        export=found,
        job=exports.job_of(uow, found),
        title=job_queue.title_of(exports.EXPORT_JOB),
        until=found.asked_at + exports.KEPT,
    )


@blueprint.get("/exports/<int:stock_export_id>/file")
@in_unit_of_work("stock.read")
def exported_file(uow: UnitOfWork, stock_export_id: int) -> ResponseReturnValue:
    """Give the file of a long export."""
    found, sheet = exports.own_export(uow, stock_export_id), exports.kept_export(uow, stock_export_id)
    if sheet is None:
        return redirect(url_for(".exported", stock_export_id=stock_export_id))
    return file_of(sheet, f"{words.FILES[found.view]}-{found.asked_at.date()}.{found.form}")
