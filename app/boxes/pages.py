"""Pages of boxes and pallets: which there are, what is in one, and what is done with it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.boxes import queries, schemas, service, words
from app.boxes.sscc import read, spaced
from app.catalogue import queries as catalogue
from app.foundation.errors import Invalid
from app.foundation.http import in_unit_of_work
from app.foundation.language import language, today
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import queries as stock_queries
from app.stock.schemas import FindQuery

blueprint = Blueprint("boxes", __name__, url_prefix="/boxes")


@blueprint.context_processor
def said() -> dict[str, Any]:
    """Return what the templates of this package call things."""
    return {
        "kinds": words.KIND_NAMES,
        "states": words.STATES,
        "looks": words.STATE_LOOKS,
        "spaced": spaced,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


# The list and a box -------------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("stock.read")
def boxes(uow: UnitOfWork) -> ResponseReturnValue:
    """List boxes and pallets, the newest first."""
    return render_template("boxes/boxes.html", **_list(uow))


@blueprint.get("/<int:box_id>")
@in_unit_of_work("stock.read")
def box(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Show a box beside the list: where it stands, what is in it, what can be done with it."""
    return render_template("boxes/box.html", **_list(uow), **_sheet(uow, box_id))


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindBoxes().load(request.args)
    asked.pop("size", None)
    warehouses = stock_queries.warehouses(uow.session, uow.actor)
    place_id = asked.get("place_id")
    place = stock_queries.place(uow.session, place_id) if place_id else None
    return {
        "page": queries.box_page(uow.session, uow.actor, **asked),
        "warehouse_options": [(each.id, each.name) for each in warehouses],
        "warehouse": warehouses[0] if len(warehouses) == 1 else None,
        "kind_options": list(words.KIND_NAMES.items()),
        "state_options": list(words.STATES.items()),
        "at": place,
        "soon": today().toordinal() + stock_queries.SOON_DAYS,
    }


def _sheet(uow: UnitOfWork, box_id: int) -> dict[str, Any]:
    found = queries.box(uow.session, uow.actor, box_id)
    pieces, weight_g, _, inner, expires_on = queries.totals_of(uow.session, found.id)
    tree = queries.tree(uow.session, found)
    return {
        "box": found,
        "chosen_id": found.id,
        "pieces": pieces,
        "weight_g": weight_g,
        "inner": inner,
        "expires_on": expires_on,
        "tree": tree,
        "most": max((each.on_hand for branch in tree for each in branch.contents), default=1),
        "trail": [
            {
                "text": say("Opened: %(place)s", place=target.code)
                if source.id == target.id
                else say("Moved: %(place)s", place=target.code),
                "sub": say("%(moved_at)s", moved_at=move.happened_at.isoformat()),
                "state": "done",
            }
            for move, source, target in queries.moves_of(uow.session, found.id, most=8)
        ],
    }


def _with_place(uow: UnitOfWork, field: str) -> dict[str, str]:
    """Return the form; a code that was typed or scanned, and not chosen from the list, is looked up."""
    form = request.form.to_dict()
    typed = form.get(f"{field}_text", "").strip()
    if form.get(field) or not typed:
        return form
    if read(typed):
        return {**form, field: str(queries.box_by_code(uow.session, uow.actor, typed).place_id)}
    return {**form, field: str(stock_queries.place_by_code(uow.session, typed).id)}


# Opening and ending -------------------------------------------------------------------------------------------------


@blueprint.get("/new")
@in_unit_of_work("stock.operate")
def open_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a new box."""
    warehouses = stock_queries.warehouses(uow.session, uow.actor)
    home = warehouses[0] if len(warehouses) == 1 else None
    dock = stock_queries.virtual_place(uow.session, home.id, "dock") if home else None
    at = request.args.get("place_id", type=int)
    place = stock_queries.place(uow.session, at) if at and at < 2**63 else dock
    return render_template(
        "boxes/open.html",
        form={} if request.method == "POST" else {"values": {"kind": "box", "place_id": place.id if place else None}},
        place_text=place.code if place else "",
        kind_options=list(words.KIND_NAMES.items()),
        operation_id=uuid4(),
    )


@blueprint.post("/new")
@in_unit_of_work("stock.operate", form_view=open_form)
def open_box(uow: UnitOfWork) -> ResponseReturnValue:
    """Open a box."""
    made = service.open_box(uow, **schemas.OpenForm().load(_with_place(uow, "place_id")))
    done(say("New: %(box)s", box=made.place.code))
    return redirect(url_for(".box", box_id=made.id))


@blueprint.post("/<int:box_id>/close")
@in_unit_of_work("stock.operate", form_view=box)
def close(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Close a box."""
    found = service.close_box(uow, box_id=box_id)
    done(say("Closed: %(box)s", box=found.place.code), undo=url_for(".reopen", box_id=box_id))
    return redirect(url_for(".box", box_id=box_id))


@blueprint.post("/<int:box_id>/reopen")
@in_unit_of_work("stock.operate", form_view=box)
def reopen(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Open a closed box again."""
    found = service.reopen_box(uow, box_id=box_id)
    done(say("Open again: %(box)s", box=found.place.code))
    return redirect(url_for(".box", box_id=box_id))


@blueprint.post("/<int:box_id>/dissolve")
@in_unit_of_work("stock.operate", form_view=box)
def dissolve(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Use an empty box no more."""
    found = service.dissolve_box(uow, box_id=box_id)
    done(say("Not used any more: %(place)s", place=found.place.code))
    return redirect(url_for(".boxes"))


# Filling and emptying -----------------------------------------------------------------------------------------------


@blueprint.get("/<int:box_id>/fill")
@in_unit_of_work("stock.operate")
def fill_form(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Ask what goes into the box."""
    return _form(uow, box_id, "boxes/fill.html")


@blueprint.post("/<int:box_id>/fill")
@in_unit_of_work("stock.operate", form_view=fill_form)
def fill(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Put some of a lot into the box, and ask for the next."""
    facts = schemas.FillForm().load(request.form)
    lot_id, place_id = _lot_and_place(facts.pop("from_"))
    if not queries.moved_by(uow.session, facts["operation_id"]):
        booked = service.fill_box(uow, box_id=box_id, lot_id=lot_id, from_place_id=place_id, **facts)
        _say_moved(uow, booked.movement)
    return redirect(url_for(".box", box_id=box_id))


def _lot_and_place(text: str) -> tuple[int, int]:
    """Return the lot and the place of a choice: "20811-12"."""
    lot, _, place = text.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (lot, place)):
        return int(lot), int(place)
    raise Invalid(
        say("Nothing was moved: please look at the marked fields."), {"from": [say("Choose a lot from the list.")]}
    )


@blueprint.get("/<int:box_id>/find-lots")
@in_unit_of_work("stock.operate")
def find_lots(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Answer search as you type: what lies in the box's warehouse, outside the box."""
    found = queries.box(uow.session, uow.actor, box_id)
    typed = FindQuery().load(request.args)["q"]
    if not typed:
        return jsonify({"items": []})
    asked = stock_queries.StockAsked(today=today(), q=typed, warehouse_id=found.warehouse_id, language=language())
    rows = stock_queries.stock_page(uow.session, uow.actor, asked, size=12).rows
    items = catalogue.items_by_id(uow.session, {row.item_id for row in rows})
    return jsonify(
        {
            "items": [
                {
                    "id": f"{row.lot_id}-{row.place_id}",
                    "text": f"{items[row.item_id].name(language())} · L-{row.lot_id}",
                    "sub": f"{row.place.shown} · {row.available}",
                }
                for row in rows
                if row.place_id != found.place_id and row.available > 0
            ]
        }
    )


@blueprint.get("/<int:box_id>/empty")
@in_unit_of_work("stock.operate")
def empty_form(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Ask what is taken out of the box."""
    held = queries.contents(uow.session, [queries.box(uow.session, uow.actor, box_id).id])
    options = [
        (each.lot_id, f"{each.item.name(language())} · L-{each.lot_id} · {each.available} / {each.on_hand}")
        for each in held
    ]
    return _form(uow, box_id, "boxes/empty.html", lot_options=options)


@blueprint.post("/<int:box_id>/empty")
@in_unit_of_work("stock.operate", form_view=empty_form)
def empty(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Take some of a lot out of the box."""
    facts = schemas.EmptyForm().load(_with_place(uow, "to_place_id"))
    if not queries.moved_by(uow.session, facts["operation_id"]):
        _say_moved(uow, service.empty_box(uow, box_id=box_id, **facts).movement)
    return redirect(url_for(".box", box_id=box_id))


def _say_moved(uow: UnitOfWork, movement: Any) -> None:
    item = catalogue.plain_item(uow.session, stock_queries.lot(uow.session, uow.actor, movement.lot_id).item_id)
    target = stock_queries.place(uow.session, movement.to_place_id)
    done(
        say(
            "%(quantity)s %(unit)s, %(item)s: moved to %(place)s",
            quantity=movement.quantity,
            unit=getattr(item, f"unit_name_{language()}"),
            item=item.name(language()),
            place=target.code,
        ),
        undo=url_for("stock.reverse", movement_id=movement.id),
        fields={"operation_id": uuid4()},
    )


# Moving as one ------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:box_id>/move")
@in_unit_of_work("stock.operate")
def move_form(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Ask where the box goes: a place, or another box."""
    return _form(uow, box_id, "boxes/move.html")


@blueprint.post("/<int:box_id>/move")
@in_unit_of_work("stock.operate", form_view=move_form)
def move(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Move the box with all that is in it."""
    facts = schemas.MoveForm().load(_with_place(uow, "to_place_id"))
    before = queries.box(uow.session, uow.actor, box_id).place.parent_id
    new = queries.move_of_operation(uow.session, facts["operation_id"]) is None
    (moved,) = service.move_boxes(uow, box_ids=[box_id], **facts)
    if new:
        target = stock_queries.place(uow.session, facts["to_place_id"])
        done(
            say("%(box)s was moved: %(place)s", box=moved.place.code, place=target.code),
            undo=url_for(".move", box_id=box_id),
            fields={"operation_id": uuid4(), "to_place_id": before, "reason": facts.get("reason") or ""},
        )
    return redirect(url_for(".box", box_id=box_id))


@blueprint.get("/<int:box_id>/merge")
@in_unit_of_work("stock.operate")
def merge_form(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Ask into which box everything goes, and how many pieces that are."""
    found = queries.box(uow.session, uow.actor, box_id)
    others = queries.open_boxes(uow.session, uow.actor, found.warehouse_id)
    return _form(
        uow,
        box_id,
        "boxes/merge.html",
        into_options=[(each.id, each.place.shown) for each in others if each.id != box_id],
    )


@blueprint.post("/<int:box_id>/merge")
@in_unit_of_work("stock.operate", form_view=merge_form)
def merge(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Put everything into another box."""
    facts = schemas.MergeForm().load(request.form)
    facts["dissolve"] = bool(facts.get("dissolve"))
    merged = service.merge_boxes(uow, box_id=box_id, **facts)
    done(say("%(pieces)s pieces are now in %(box)s", pieces=facts["pieces"], box=merged.into.place.code))
    return redirect(url_for(".box", box_id=merged.into.id))


@blueprint.get("/<int:box_id>/split")
@in_unit_of_work("stock.operate")
def split_form(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Ask how many of what go into a new box."""
    return _form(uow, box_id, "boxes/split.html")


@blueprint.post("/<int:box_id>/split")
@in_unit_of_work("stock.operate", form_view=split_form)
def split(uow: UnitOfWork, box_id: int) -> ResponseReturnValue:
    """Put some of what is in the box into a new one."""
    lines = []
    for field, value in request.form.items():
        lot = field.removeprefix("quantity-")
        if field.startswith("quantity-") and value.strip() not in ("", "0"):
            lines.append(schemas.SplitLineIn().load({"lot_id": lot, "quantity": value}))
    if not lines:
        sentence = say("Write how many of at least one lot.")
        raise Invalid(say("Nothing was moved: please look at the marked fields."), {"": [sentence]})
    operation_id = schemas.Deed().load({"operation_id": request.form.get("operation_id")})["operation_id"]
    made = service.split_box(uow, operation_id=operation_id, box_id=box_id, lines=lines)
    done(say("New: %(box)s", box=made.place.code))
    return redirect(url_for(".box", box_id=made.id))


def _form(uow: UnitOfWork, box_id: int, template: str, **more: Any) -> ResponseReturnValue:
    found = queries.box(uow.session, uow.actor, box_id)
    return render_template(
        template,
        form={},
        box=found,
        contents=queries.contents(uow.session, [found.id]),
        pieces=queries.totals_of(uow.session, found.id)[0],
        operation_id=uuid4(),
        **more,
    )
