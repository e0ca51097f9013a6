"""What a kit is made up from: said by whoever has ``kits.manage``. What weighs in must weigh out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.catalogue import queries as catalogue
from app.conversions import makeup, queries
from app.conversions.errors import KitExists, PartsWrong, WeightDiffers
from app.conversions.models import Kit, KitPart
from app.foundation.errors import Stale
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say

if TYPE_CHECKING:
    from app.catalogue.models import Item

TOLERANCE_PERMILLE = 20
TOLERANCE_MAX = 200
PARTS_MAX = 30


def define(
    uow: UnitOfWork, *, item_id: int, parts: Sequence[Mapping[str, Any]], tolerance_permille: int = TOLERANCE_PERMILLE
) -> Kit:
    """Say what an item is made up from; each part is ``item_id quantity``. The weights must agree."""
    uow.actor.require("kits.manage")
    item = catalogue.plain_item(uow.session, item_id)
    earlier = queries.kit_of_item(uow.session, item_id)
    if earlier is not None:
        raise KitExists(item=item.name_hu, kit_id=earlier.id)
    wanted = _parts(uow, item, parts, tolerance_permille)
    made = Kit(item_id=item_id, tolerance_permille=tolerance_permille)
    made.parts = [KitPart(item_id=part, quantity=quantity) for part, quantity in wanted.items()]
    uow.session.add(made)
    uow.session.flush()
    uow.record("kit.defined", subject=("kit", made.id), item_id=item_id, parts=len(wanted))
    return made


def change(
    uow: UnitOfWork,
    *,
    kit_id: int,
    version: int,
    parts: Sequence[Mapping[str, Any]],
    tolerance_permille: int = TOLERANCE_PERMILLE,
) -> Kit:
    """Say anew what a kit is made up from; what was made up before remembers what went into it."""
    uow.actor.require("kits.manage")
    found = queries.kit(uow.session, kit_id, locked=True)
    if found.version != version:
        raise Stale(version=found.version)
    wanted = _parts(uow, catalogue.plain_item(uow.session, found.item_id), parts, tolerance_permille)
    known = {part.item_id: part for part in found.parts}
    for item_id, part in known.items():
        if item_id not in wanted:
            found.parts.remove(part)
    for item_id, quantity in wanted.items():
        if item_id in known:
            known[item_id].quantity = quantity
        else:
            found.parts.append(KitPart(item_id=item_id, quantity=quantity))
    found.tolerance_permille = tolerance_permille
    found.retired_at = None
    # Parts are rows of their own: the kit is counted on, whatever of it has changed.
    found.version = version + 1
    uow.session.flush()
    uow.record("kit.changed", subject=("kit", found.id), parts=len(wanted))
    return found


def retire(uow: UnitOfWork, *, kit_id: int) -> Kit:
    """Make a kit no more; those that are made stay, and can be taken apart."""
    uow.actor.require("kits.manage")
    found = queries.kit(uow.session, kit_id, locked=True)
    if found.retired_at is None:
        found.retired_at = uow.now
        uow.session.flush()
        uow.record("kit.retired", subject=("kit", found.id))
    return found


def _parts(uow: UnitOfWork, item: Item, parts: Sequence[Mapping[str, Any]], permille: int) -> dict[int, int]:
    wanted: dict[int, int] = {}
    for part in parts:
        wanted[part["item_id"]] = wanted.get(part["item_id"], 0) + part["quantity"]
    if not 1 <= len(wanted) <= PARTS_MAX:
        raise PartsWrong({"parts": [say("Name between 1 and %(most)s parts.", most=PARTS_MAX)]})
    items = catalogue.items_by_id(uow.session, wanted)
    made_of = queries.parts_in_use(uow.session)
    wrong: dict[str, list[Message | str]] = {}
    for number, part in enumerate(parts):
        if part["item_id"] not in items:
            wrong[f"parts.{number}.item_id"] = [say("There is no such item.")]
        elif item.id in _within(part["item_id"], made_of):
            wrong[f"parts.{number}.item_id"] = [say("A kit is no part of itself.")]
    if wrong:
        raise PartsWrong(wrong)
    must_agree(sum(items[part].weight_mg * quantity for part, quantity in wanted.items()), item.weight_mg, permille)
    return wanted


def _within(item_id: int, made_of: Mapping[int, Iterable[int]]) -> set[int]:
    """Return an item and everything that it is made up from, as far down as it goes."""
    seen, turn = {item_id}, {item_id}
    while turn:
        turn = {part for each in turn for part in made_of.get(each, ())} - seen
        seen |= turn
    return seen


def must_agree(weight_in: int, weight_out: int, permille: int) -> None:
    """Refuse what weighs otherwise than what it is made from, beyond the tolerance."""
    if not makeup.agrees(weight_in, weight_out, permille):
        raise WeightDiffers(weight_in_mg=weight_in, weight_out_mg=weight_out, tolerance_permille=permille)
