"""Pages of kits and conversions: what can be made here, making up, taking apart, repacking, what was made of what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.accounts import queries as accounts
from app.catalogue import queries as catalogue
from app.conversions import kit_parts, makeup, queries, schemas, service, words
from app.conversions.errors import PartsWrong
from app.foundation.http import in_unit_of_work
from app.foundation.language import language, today
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock

blueprint = Blueprint("conversions", __name__)

SPARE_ROWS = 8
LOOKS = {"kit": "gift", "take_apart": "package-export", "repack": "transform"}


# Kits ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/kits")
@in_unit_of_work("stock.read")
def conversions(uow: UnitOfWork) -> ResponseReturnValue:
    """List the kits: what they are made up from, and how many can be made where."""
    asked = schemas.KitQuery().load(request.args)
    kits = queries.kits(uow.session, retired=asked["retired"])
    warehouses = stock.warehouses(uow.session, uow.actor)
    chosen = next((each for each in warehouses if each.id == asked.get("warehouse_id")), None)
    if chosen is None and len(warehouses) == 1:
        chosen = warehouses[0]
    return render_template(
        "conversions/kits.html",
        kits=kits,
        items=queries.items_of(uow.session, kits),
        view="kits",
        warehouse=chosen,
        warehouses=warehouses,
        warehouse_options=[(each.id, each.name) for each in warehouses],
        made=_makeable(uow, kits),
        **_looks(),
    )


def _makeable(uow: UnitOfWork, kits: Iterable[Any]) -> dict[int, dict[int, dict[str, Any]]]:
    """Return by kit and warehouse: how many can be made, what there is of each part, and what is scarcest."""
    kits = list(kits)
    parts = {kit.id: {part.item_id: part.quantity for part in kit.parts} for kit in kits}
    there = queries.available(uow.session, uow.actor, {item for each in parts.values() for item in each}, today())
    return {
        kit.id: {
            warehouse_id: {
                "count": makeup.makeable(available, parts[kit.id]),
                "available": available,
                "scarcest": makeup.scarcest(available, parts[kit.id]),
            }
            for warehouse_id, available in there.items()
        }
        for kit in kits
    }


def _looks() -> dict[str, Any]:
    return {
        "kinds": words.KINDS,
        "looks": LOOKS,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


@blueprint.get("/kits/new")
@in_unit_of_work("kits.manage")
def define_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what an item is made up from."""
    return render_template(
        "conversions/kit_form.html",
        kit=None,
        form={} if request.method == "POST" else {"values": {"tolerance_permille": kit_parts.TOLERANCE_PERMILLE}},
        rows=range(SPARE_ROWS),
        texts=_typed_texts(uow, range(SPARE_ROWS)),
        **_looks(),
    )


@blueprint.post("/kits/new")
@in_unit_of_work("kits.manage", form_view=define_form)
def define(uow: UnitOfWork) -> ResponseReturnValue:
    """Define a kit."""
    facts = schemas.KitForm().load(request.form)
    made = kit_parts.define(uow, parts=_parts(), **facts)
    done(say("The kit is saved."))
    return redirect(url_for(".kit", kit_id=made.id))


@blueprint.get("/kits/<int:kit_id>/change")
@in_unit_of_work("kits.manage")
def change_form(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Ask what a kit is made up from now."""
    found = queries.kit(uow.session, kit_id)
    items = queries.items_of(uow.session, [found])
    values: dict[str, Any] = {"tolerance_permille": found.tolerance_permille}
    texts = {}
    for number, part in enumerate(found.parts):
        values |= {f"part-{number}": part.item_id, f"quantity-{number}": part.quantity}
        texts[number] = items[part.item_id].name(language())
    rows = range(max(SPARE_ROWS, len(found.parts) + 3))
    return render_template(
        "conversions/kit_form.html",
        kit=found,
        item=items[found.item_id],
        form={} if request.method == "POST" else {"values": values},
        rows=rows,
        texts=texts if request.method == "GET" else _typed_texts(uow, rows),
        **_looks(),
    )


@blueprint.post("/kits/<int:kit_id>/change")
@in_unit_of_work("kits.manage", form_view=change_form)
def change(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Change a kit."""
    facts = schemas.KitChangeForm().load(request.form)
    kit_parts.change(uow, kit_id=kit_id, parts=_parts(), **facts)
    done(say("The kit is saved."))
    return redirect(url_for(".kit", kit_id=kit_id))


@blueprint.post("/kits/<int:kit_id>/retire")
@in_unit_of_work("kits.manage")
def retire(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Make a kit no more."""
    kit_parts.retire(uow, kit_id=kit_id)
    done(say("The kit is not made any more. Those that are made can be given, and taken apart."))
    return redirect(url_for(".conversions"))


def _parts() -> list[dict[str, Any]]:
    """Read the numbered rows of the form; an empty one is left out."""
    parts: list[dict[str, Any]] = []
    wrong: dict[str, list[Message | str]] = {}
    numbers = sorted(
        {int(tail) for name in request.form for _, _, tail in [name.rpartition("part-")] if tail.isdecimal()}
    )
    for number in numbers[: kit_parts.PARTS_MAX]:
        item_id, quantity = request.form.get(f"part-{number}", ""), request.form.get(f"quantity-{number}", "")
        if not item_id and not quantity and not request.form.get(f"part-{number}_text", "").strip():
            continue
        try:
            parts.append(schemas.KitPartIn().load({"item_id": item_id or None, "quantity": quantity or None}))
        except ValidationError as error:
            told = error.messages_dict
            wrong |= {f"part-{number}": told["item_id"]} if "item_id" in told else {}
            wrong |= {f"quantity-{number}": told["quantity"]} if "quantity" in told else {}
    if wrong or not parts:
        raise PartsWrong(wrong or {"part-0": [say("Name at least one part.")]})
    return parts


def _typed_texts(uow: UnitOfWork, rows: Iterable[int]) -> dict[int, str]:
    """Return what was typed into the rows of a form that came back."""
    return {number: request.form.get(f"part-{number}_text", "") for number in rows}


@blueprint.get("/kits/<int:kit_id>")
@in_unit_of_work("stock.read")
def kit(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Show a kit: its parts, how many can be made where, what was made last."""
    found = queries.kit(uow.session, kit_id)
    warehouses = stock.warehouses(uow.session, uow.actor)
    return render_template(
        "conversions/kit.html",
        kit=found,
        items=queries.items_of(uow.session, [found]),
        warehouses=warehouses,
        warehouse=warehouses[0] if len(warehouses) == 1 else None,
        made=_makeable(uow, [found])[found.id],
        page=queries.conversion_page(uow.session, uow.actor, kit_id=found.id, size=8),
        **_looks(),
    )


# Making up, taking apart, repacking ---------------------------------------------------------------------------------


@blueprint.get("/kits/<int:kit_id>/assemble")
@in_unit_of_work("stock.operate")
def assemble_form(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Ask how many kits, where; show which lots would be taken."""
    found = queries.kit(uow.session, kit_id)
    items = queries.items_of(uow.session, [found])
    warehouses = stock.warehouses(uow.session, uow.actor)
    asked = schemas.KitQuery().load(request.args)
    home = next(
        (each for each in warehouses if each.id == asked.get("warehouse_id")), warehouses[0] if warehouses else None
    )
    made = _makeable(uow, [found])[found.id].get(home.id if home else 0)
    lots = queries.part_lots(uow.session, uow.actor, home.id, [part.item_id for part in found.parts]) if home else []
    return render_template(
        "conversions/assemble.html",
        kit=found,
        item=items[found.item_id],
        items=items,
        warehouse=home,
        warehouse_options=[(each.id, each.name) for each in warehouses],
        made=made or {"count": 0, "available": {}, "scarcest": [part.item_id for part in found.parts]},
        lots={part.item_id: [row for row in lots if row.lot.item_id == part.item_id] for part in found.parts},
        form={} if request.method == "POST" else {"values": {"count": made["count"] if made else ""}},
        place_options=_places(uow, home.id if home else None, ("dock", "shelf", "staging")),
        source_options=sorted(
            {(row.place.root_id or row.place.id, (row.place.root or row.place).code) for row in lots}
        ),
        operation_id=uuid4(),
        **_looks(),
    )


@blueprint.post("/kits/<int:kit_id>/assemble")
@in_unit_of_work("stock.operate", form_view=assemble_form)
def assemble(uow: UnitOfWork, kit_id: int) -> ResponseReturnValue:
    """Make up kits."""
    facts = schemas.AssembleForm().load(request.form)
    made = service.assemble(uow, kit_id=kit_id, **facts).conversion
    return _made(made, say("Made up: %(count)s kits. Print their label, or move them on.", count=facts["count"]))


@blueprint.get("/conversions/lots/<int:lot_id>/take-apart")
@in_unit_of_work("stock.operate")
def take_apart_form(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Ask how many kits are taken apart, and where the parts go."""
    facts = _lot_form(uow, lot_id)
    making = queries.making_of(uow.session, lot_id)
    known = queries.kit_of_item(uow.session, facts["lot"].item_id)
    parts = dict(_per_kit(making, known))
    return render_template(
        "conversions/take_apart.html",
        making=making,
        parts=parts,
        items=catalogue.items_by_id(uow.session, parts),
        **facts,
    )


def _per_kit(making: queries.Making | None, known: Any) -> list[tuple[int, int]]:
    """Return what one kit of a lot gives back: (item, quantity)."""
    if making is None:
        return [(part.item_id, part.quantity) for part in known.parts] if known else []
    whole: dict[int, int] = {}
    for _, item_id, quantity in making.went_in:
        whole[item_id] = whole.get(item_id, 0) + quantity
    return [(item_id, quantity // making.made) for item_id, quantity in whole.items()]


@blueprint.post("/conversions/lots/<int:lot_id>/take-apart")
@in_unit_of_work("stock.operate", form_view=take_apart_form)
def take_apart(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Take kits apart."""
    facts = schemas.TakeApartForm().load(request.form)
    made = service.take_apart(uow, lot_id=lot_id, **facts).conversion
    return _made(made, say("Taken apart: %(count)s kits.", count=facts["count"]))


@blueprint.get("/conversions/lots/<int:lot_id>/repack")
@in_unit_of_work("stock.operate")
def repack_form(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Ask what becomes of some of a lot."""
    facts = _lot_form(uow, lot_id)
    if facts["form"]:
        facts["form"]["values"] |= {"tolerance_permille": kit_parts.TOLERANCE_PERMILLE, "lost": 0}
    return render_template("conversions/repack.html", **facts)


@blueprint.post("/conversions/lots/<int:lot_id>/repack")
@in_unit_of_work("stock.operate", form_view=repack_form)
def repack(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Repack some of a lot."""
    facts = schemas.RepackForm().load(request.form)
    made = service.repack(uow, lot_id=lot_id, **facts).conversion
    return _made(made, say("Repacked: %(in_g)s into %(out_g)s.", in_g=made.weight_in_g, out_g=made.weight_out_g))


def _lot_form(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    lot = stock.lot(uow.session, uow.actor, lot_id)
    rows = queries.convertible(uow.session, uow.actor, lot_id)
    at = schemas.LotQuery().load(request.args).get("at")
    here = next((row for row in rows if row.place.id == at), rows[0] if rows else None)
    values = {"from_place_id": here.place.id, "to_place_id": here.place.id} if here else {}
    return {
        "lot": lot,
        "item": catalogue.plain_item(uow.session, lot.item_id),
        "here": here,
        "form": {} if request.method == "POST" else {"values": dict(values)},
        "from_options": [(row.place.id, row.place.shown) for row in rows],
        "place_options": _places(
            uow, here.balance.warehouse_id if here else None, ("dock", "shelf", "staging", "quarantine")
        ),
        "operation_id": uuid4(),
        **_looks(),
    }


def _places(uow: UnitOfWork, warehouse_id: int | None, kinds: tuple[str, ...]) -> list[tuple[int, str]]:
    if warehouse_id is None:
        return []
    places = stock.places_of(uow.session, warehouse_id, kinds)
    places.sort(key=lambda place: (kinds.index(place.kind), place.code))
    return [(each.id, each.code) for each in places]


def _made(made: Any, sentence: Message) -> ResponseReturnValue:
    undo = url_for(".undo", conversion_id=made.id)
    done(sentence, undo=undo, fields={"operation_id": uuid4(), "reason": "undo"})
    return redirect(url_for(".conversion", conversion_id=made.id))


# Conversions --------------------------------------------------------------------------------------------------------


@blueprint.get("/conversions")
@in_unit_of_work("stock.read")
def history(uow: UnitOfWork) -> ResponseReturnValue:
    """List conversions, the newest first."""
    asked = schemas.ConversionQuery().load(request.args)
    asked.pop("size", None)
    warehouses = stock.warehouses(uow.session, uow.actor)
    return render_template(
        "conversions/history.html",
        page=queries.conversion_page(uow.session, uow.actor, **asked),
        view="history",
        warehouse=warehouses[0] if len(warehouses) == 1 else None,
        warehouse_options=[(each.id, each.name) for each in warehouses],
        kind_options=list(words.KINDS.items()),
        **_looks(),
    )


@blueprint.get("/conversions/<int:conversion_id>")
@in_unit_of_work("stock.read")
def conversion(uow: UnitOfWork, conversion_id: int) -> ResponseReturnValue:
    """Show a conversion: what went in, what came out, what it weighed."""
    found = queries.conversion(uow.session, uow.actor, conversion_id)
    rows = queries.lots_of(uow.session, [found.id]).get(found.id, [])
    return render_template(
        "conversions/conversion.html",
        conversion=found,
        went_in=[row for row in rows if not row.part.comes_out],
        came_out=[row for row in rows if row.part.comes_out],
        lost=queries.lost_in(uow.session, found),
        warehouse=stock.warehouse(uow.session, uow.actor, found.warehouse_id),
        who=accounts.names_of(uow.session, [found.done_by_id]).get(found.done_by_id or 0),
        worker=uow.actor.covers("stock.operate", warehouse=found.warehouse_id, county=found.county_id),
        operation_id=uuid4(),
        form={},
        **_looks(),
    )


@blueprint.post("/conversions/<int:conversion_id>/undo")
@in_unit_of_work("stock.operate", form_view=conversion)
def undo(uow: UnitOfWork, conversion_id: int) -> ResponseReturnValue:
    """Take a conversion back."""
    service.undo(uow, conversion_id=conversion_id, **schemas.UndoForm().load(request.form))
    done(say("Taken back: everything is where it was. The ledger shows both."))
    return redirect(url_for(".conversion", conversion_id=conversion_id))
