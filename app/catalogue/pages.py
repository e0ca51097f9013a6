"""Pages of the catalogue: the list, an item beside it, its form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.catalogue import queries, schemas, service
from app.catalogue.icons import ICONS
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say

blueprint = Blueprint("catalogue", __name__, url_prefix="/catalogue")

STORAGE: dict[str, Message] = {
    "ambient": say("Ambient"),
    "chilled": say("Chilled"),
    "frozen": say("Frozen"),
    "bulky": say("Bulky"),
    "hazardous": say("Hazardous"),
}
UNITS: dict[str, Message] = {"piece": say("Piece"), "g": say("Gram"), "ml": say("Millilitre")}


@blueprint.get("/")
@in_unit_of_work("catalogue.read")
def items(uow: UnitOfWork) -> ResponseReturnValue:
    """List what can be given."""
    return render_template("catalogue/items.html", **_list(uow))


@blueprint.get("/<int:item_id>")
@in_unit_of_work("catalogue.read")
def item(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Show an item beside the list."""
    found = queries.item(uow.session, item_id)
    instead = queries.substitute_items(uow.session, item_id)
    return render_template("catalogue/item.html", **_list(uow), item=found, instead=instead)


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.ItemsAsked().load(request.args)
    asked.pop("size", None)
    said = language()
    after = asked.pop("after", None)
    categories = queries.categories(uow.session)
    return {
        "page": queries.item_page(uow.session, language=said, after=after, **asked),
        "total": queries.count_items(uow.session, **asked),
        "categories": categories,
        "category_options": _category_options(categories, said),
        "storage": STORAGE,
        "name": f"name_{said}",
        "unit": f"unit_name_{said}",
    }


def _category_options(categories: list[Any], said: str) -> list[tuple[int, str]]:
    below: dict[int | None, list[Any]] = {}
    for category in categories:
        below.setdefault(category.parent_id, []).append(category)
    found = []
    for top in below.get(None, []):
        found.append((top.id, getattr(top, f"name_{said}")))
        found += [(each.id, f"– {getattr(each, f'name_{said}')}") for each in below.get(top.id, [])]
    return found


@blueprint.get("/find")
@in_unit_of_work("catalogue.read")
def find(uow: UnitOfWork) -> ResponseReturnValue:
    """Answer search as you type."""
    typed = schemas.Typed().load(request.args)["q"]
    said = language()
    found = queries.find_items(uow.session, typed, language=said) if typed else []
    rows = [
        {
            "id": each.id,
            "text": each.name(said),
            "sub": each.code,
            "unit": each.unit_name_en if said == "en" else each.unit_name_hu,
            "tracks_expiry": each.tracks_expiry,
        }
        for each in found
    ]
    return jsonify({"items": rows})


# Changing -----------------------------------------------------------------------------------------------------------


@blueprint.get("/new")
@in_unit_of_work("catalogue.manage")
def create_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a new item."""
    return _form(uow, None, {"base_unit": "piece", "unit_name_hu": "db", "unit_name_en": "pcs", "usual_quantity": 1,
                             "storage_class": "ambient", "icon": "package", "value_ft": 0})  # fmt: skip


@blueprint.post("/new")
@in_unit_of_work("catalogue.manage", form_view=create_form)
def create(uow: UnitOfWork) -> ResponseReturnValue:
    """Add an item."""
    made = service.create_item(uow, **_exact(schemas.NewItemForm().load(request.form)))
    done(say("%(item)s is in the catalogue.", item=made.name(language())))
    return redirect(url_for(".item", item_id=made.id))


@blueprint.get("/<int:item_id>/edit")
@in_unit_of_work("catalogue.manage")
def edit_form(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Ask for changes of an item."""
    found = queries.item(uow.session, item_id)
    values = {name: getattr(found, name) for name in schemas.ItemForm().fields if hasattr(found, name)}
    values |= {
        "weight_g": _written(found.weight_mg / 1000),
        "volume_ml": _written(found.volume_ul / 1000),
        "value_ft": _written(found.value_huf / 100),
    }
    return _form(uow, found, values)


@blueprint.post("/<int:item_id>/edit")
@in_unit_of_work("catalogue.manage", form_view=edit_form)
def edit(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Change an item, unless somebody else did meanwhile."""
    changes = _exact(schemas.ItemForm().load(request.form))
    version = schemas.VersionForm().load(request.form)["version"]
    changed = service.change_item(uow, item_id=item_id, version=version, **changes)
    done(say("Saved: %(item)s", item=changed.name(language())))
    return redirect(url_for(".item", item_id=item_id))


@blueprint.post("/<int:item_id>/retire")
@in_unit_of_work("catalogue.manage")
def retire(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Give no more of an item."""
    gone = service.retire_item(uow, item_id=item_id)
    done(say("Retired: %(item)s", item=gone.name(language())), undo=url_for(".bring_back", item_id=item_id))
    return redirect(url_for(".item", item_id=item_id))


@blueprint.post("/<int:item_id>/bring-back")
@in_unit_of_work("catalogue.manage")
def bring_back(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Take a retired item into use again."""
    found = service.bring_back_item(uow, item_id=item_id)
    done(say("In use again: %(item)s", item=found.name(language())))
    return redirect(url_for(".item", item_id=item_id))


@blueprint.get("/<int:item_id>/packs")
@in_unit_of_work("catalogue.manage")
def pack_form(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Ask for a barcode of an item."""
    return render_template("catalogue/pack_form.html", item=queries.item(uow.session, item_id), name=_name())


@blueprint.post("/<int:item_id>/packs")
@in_unit_of_work("catalogue.manage", form_view=pack_form)
def learn_pack(uow: UnitOfWork, item_id: int) -> ResponseReturnValue:
    """Learn a barcode of an item."""
    pack = service.learn_pack(uow, item_id=item_id, **schemas.PackForm().load(request.form))
    done(say("Barcode learnt: %(gtin)s", gtin=pack.gtin))
    return redirect(url_for(".item", item_id=item_id))


def _form(uow: UnitOfWork, item: Any, values: dict[str, Any]) -> ResponseReturnValue:
    return render_template(
        "catalogue/item_form.html",
        item=item,
        form={} if request.method == "POST" else {"values": values},
        name=_name(),
        category_options=_category_options(queries.categories(uow.session), language()),
        storage=list(STORAGE.items()),
        units=list(UNITS.items()),
        icons=[(each, each) for each in ICONS],
    )


def _exact(typed: dict[str, Any]) -> dict[str, Any]:
    """Return the form's grams, millilitres and forints as the whole numbers that are stored."""
    exact = dict(typed)
    exact["weight_mg"] = round(exact.pop("weight_g") * 1000)
    exact["volume_ul"] = round(exact.pop("volume_ml") * 1000)
    exact["value_huf"] = round(exact.pop("value_ft") * 100)
    return exact


def _written(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _name() -> str:
    return f"name_{language()}"
