"""Reads of boxes and pallets. Where they stand is seen by those whose right to ``stock.read`` covers it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select, text
from sqlalchemy.orm import Session, aliased, joinedload

from app.boxes import sscc
from app.boxes.errors import NoSuchBox
from app.boxes.models import Box, BoxMove, BoxState
from app.catalogue.models import Item
from app.foundation.actor import Actor
from app.foundation.paging import PAGE_SIZE, Page, page
from app.foundation.scope import visible
from app.stock.models import Balance, Lot, Movement, Place

ROOT = aliased(Place, name="box_root")
OWN = aliased(Place, name="box_place")


def box(session: Session, actor: Actor, box_id: int) -> Box:
    """Return a box that the actor may see."""
    found = session.scalar(
        select(Box)
        .where(Box.id == box_id, visible(actor, "stock.read", Box))
        .options(joinedload(Box.place).joinedload(Place.root))
    )
    if found is None:
        raise NoSuchBox(box_id=box_id)
    return found


def box_by_code(session: Session, actor: Actor, typed: str) -> Box:
    """Return the box of an SSCC, or of its place's code, however it was typed."""
    digits = sscc.read(typed)
    named = Box.sscc == digits if digits else Place.code == typed.strip().upper()
    found = session.scalar(
        select(Box)
        .join(Place, Place.id == Box.place_id)
        .where(named, visible(actor, "stock.read", Box))
        .options(joinedload(Box.place).joinedload(Place.root))
    )
    if found is None:
        raise NoSuchBox(code=typed)
    return found


def sscc_known(session: Session, digits: str) -> bool:
    """Tell whether a box has this SSCC, in whichever warehouse, also one that is used no more."""
    return session.scalar(select(Box.id).where(Box.sscc == digits)) is not None


def box_id_named(session: Session, typed: str) -> int:
    """Return the box of an SSCC or of its place's code, in whichever warehouse: others have judged who may."""
    digits = sscc.read(typed)
    named = Box.sscc == digits if digits else Place.code == typed.strip().upper()
    found = session.scalar(select(Box.id).join(Place, Place.id == Box.place_id).where(named))
    if found is None:
        raise NoSuchBox(code=typed)
    return found


def box_of_place(session: Session, place_id: int) -> Box | None:
    """Return the box that a place is."""
    return session.scalar(select(Box).where(Box.place_id == place_id))


def boxes_for_change(session: Session, ids: Iterable[int]) -> dict[int, Box]:
    """Return boxes under lock, as they are now, in the order of their ids."""
    statement = (
        select(Box)
        .where(Box.id.in_(sorted(set(ids))))
        .order_by(Box.id)
        .options(joinedload(Box.place))
        .with_for_update(of=Box)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in session.scalars(statement)}


_BELOW = text(
    """
    WITH RECURSIVE below AS (
        SELECT id, place_id, 1 AS depth FROM box WHERE parent_id = :box
        UNION ALL
        SELECT box.id, box.place_id, below.depth + 1 FROM box JOIN below ON box.parent_id = below.id
        WHERE below.depth < 20
    )
    SELECT id, place_id, depth FROM below ORDER BY depth, id
    """
)


def below(session: Session, box_id: int) -> list[Row[Any]]:
    """Return the boxes in a box, through all levels: (id, place_id, depth)."""
    return list(session.execute(_BELOW, {"box": box_id}))


_ABOVE = text(
    """
    WITH RECURSIVE above AS (
        SELECT id, parent_id, 0 AS depth FROM box WHERE id = :box
        UNION ALL
        SELECT box.id, box.parent_id, above.depth + 1 FROM box JOIN above ON box.id = above.parent_id
        WHERE above.depth < 20
    )
    SELECT id FROM above ORDER BY depth
    """
)


def above(session: Session, box_id: int) -> list[int]:
    """Return the box and those that it stands in, the outermost last."""
    return list(session.scalars(_ABOVE, {"box": box_id}))


def move_of_operation(session: Session, operation_id: UUID) -> BoxMove | None:
    """Return the move that an operation made."""
    return session.scalar(select(BoxMove).where(BoxMove.operation_id == operation_id))


def moved_by(session: Session, operation_id: UUID) -> bool:
    """Tell whether an operation has moved something in the ledger."""
    return session.scalar(select(Movement.id).where(Movement.operation_id == operation_id).limit(1)) is not None


def moves_of(session: Session, box_id: int, *, most: int = 20) -> list[Any]:
    """Return where a box stood, the newest move first: (move, from, to)."""
    source, target = aliased(Place), aliased(Place)
    statement = (
        select(BoxMove, source, target)
        .join(source, source.id == BoxMove.from_place_id)
        .join(target, target.id == BoxMove.to_place_id)
        .where(BoxMove.box_id == box_id)
        .order_by(BoxMove.id.desc())
        .limit(most)
    )
    return list(session.execute(statement))


# What is in them ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """So many of a lot in a box."""

    box_id: int
    lot_id: int
    place_id: int
    item: Item
    lot: Lot
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """Return what nobody has spoken for."""
        return self.on_hand - self.reserved


def contents(session: Session, box_ids: Sequence[int]) -> list[Content]:
    """Return what lies in boxes themselves (not in the boxes in them), by item and expiry."""
    statement = (
        select(Box.id, Balance.lot_id, Balance.place_id, Item, Lot, Balance.on_hand, Balance.reserved)
        .join(Balance, Balance.place_id == Box.place_id)
        .join(Lot, Lot.id == Balance.lot_id)
        .join(Item, Item.id == Balance.item_id)
        .where(Box.id.in_(list(box_ids)), Balance.on_hand > 0)
        .order_by(Item.name_hu_key, Balance.expires_on, Balance.id)
    )
    return [Content(*row) for row in session.execute(statement)]


@dataclass(frozen=True)
class BoxRow:
    """A box as lists show it."""

    box: Box
    place: Place
    root: Place
    inside: str | None
    """The code of the box that it stands in."""
    pieces: int
    weight_g: int
    lots: int
    boxes: int
    first_expires_on: date | None


def box_page(
    session: Session,
    actor: Actor,
    *,
    warehouse_id: int | None = None,
    kind: str | None = None,
    state: str | None = None,
    place_id: int | None = None,
    q: str | None = None,
    after: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[BoxRow]:
    """Return one page of boxes, the newest first. Without a state, those that are in use."""
    statement: Select[Any] = select(Box, OWN, ROOT)  # type: ignore[assignment]
    statement = (
        statement.join(OWN, OWN.id == Box.place_id)
        .join(ROOT, ROOT.id == OWN.root_id)
        .where(visible(actor, "stock.read", Box))
    )
    statement = statement.where(Box.state == state) if state else statement.where(Box.state != BoxState.DISSOLVED)
    if warehouse_id is not None:
        statement = statement.where(Box.warehouse_id == warehouse_id)
    if kind:
        statement = statement.where(Box.kind == kind)
    if place_id is not None:
        statement = statement.where(OWN.root_id == place_id)
    if q and q.strip():
        statement = statement.where(_named(q.strip()))
    found = page(session, statement, order=[Box.id], after=after, size=size, descending=True)
    ids = [row[0].id for row in found.rows]
    totals = _totals(session, ids)
    parents = {
        row.id: row.code
        for row in session.execute(
            select(Box.id, Place.code)
            .join(Place, Place.id == Box.place_id)
            .where(Box.id.in_({row[0].parent_id for row in found.rows if row[0].parent_id}))
        )
    }
    empty = (0, 0, 0, 0, None)
    rows = [
        BoxRow(each, own, root, parents.get(each.parent_id or 0), *totals.get(each.id, empty))
        for each, own, root in found.rows
    ]
    return Page(rows, found.next_after)


def _named(q: str) -> Any:
    digits = sscc.read(q) or "".join(letter for letter in q if letter.isdigit())
    conditions = [OWN.code.icontains(q, autoescape=True), ROOT.code.icontains(q, autoescape=True)]
    if len(digits) > 3:
        conditions.append(Box.sscc.contains(digits))
    return or_(*conditions)


_TOTALS = text(
    """
    WITH RECURSIVE inside AS (
        SELECT id AS top, id, place_id, 0 AS depth FROM box WHERE id = ANY (CAST(:boxes AS bigint[]))
        UNION ALL
        SELECT inside.top, box.id, box.place_id, inside.depth + 1 FROM box JOIN inside ON box.parent_id = inside.id
        WHERE inside.depth < 20
    )
    SELECT top, coalesce(sum(balance.on_hand), 0)::bigint,
           coalesce(sum(balance.on_hand * item.weight_mg) / 1000, 0)::bigint,
           count(balance.id), count(DISTINCT inside.id) - 1, min(lot.expires_on)
    FROM inside
    LEFT JOIN balance ON balance.place_id = inside.place_id AND balance.on_hand > 0
    LEFT JOIN lot ON lot.id = balance.lot_id
    LEFT JOIN item ON item.id = balance.item_id
    GROUP BY top
    """
)


def _totals(session: Session, box_ids: Sequence[int]) -> dict[int, tuple[int, int, int, int, date | None]]:
    """Return by box, with the boxes in it: pieces, grams, lots, boxes, the first expiry."""
    if not box_ids:
        return {}
    return {row[0]: tuple(row[1:]) for row in session.execute(_TOTALS, {"boxes": list(box_ids)})}


def totals_of(session: Session, box_id: int) -> tuple[int, int, int, int, date | None]:
    """Return pieces, grams, lots, boxes and the first expiry of a box with the boxes in it."""
    return _totals(session, [box_id]).get(box_id, (0, 0, 0, 0, None))


def pieces_and_boxes_in(session: Session, found: Box) -> tuple[int, int]:
    """Return how many pieces lie in a box itself, and how many boxes stand in it."""
    pieces = session.scalar(
        select(func.coalesce(func.sum(Balance.on_hand), 0)).where(Balance.place_id == found.place_id)
    )
    boxes = session.scalar(
        select(func.count()).select_from(Box).where(Box.parent_id == found.id, Box.state != BoxState.DISSOLVED)
    )
    return int(pieces or 0), int(boxes or 0)


@dataclass(frozen=True)
class Branch:
    """A box in the tree under another one, with what lies in it."""

    box: Box
    depth: int
    contents: Sequence[Content]


def tree(session: Session, found: Box) -> list[Branch]:
    """Return a box and those in it, each after the one it stands in, with what lies in each."""
    depths = {row.id: row.depth for row in below(session, found.id)}
    ids = [found.id, *depths]
    boxes = {
        each.id: each for each in session.scalars(select(Box).where(Box.id.in_(ids)).options(joinedload(Box.place)))
    }
    held: dict[int, list[Content]] = {}
    for content in contents(session, ids):
        held.setdefault(content.box_id, []).append(content)
    children: dict[int | None, list[Box]] = {}
    for each in sorted(boxes.values(), key=lambda each: each.id):
        children.setdefault(each.parent_id if each.id != found.id else None, []).append(each)
    branches: list[Branch] = []

    def walk(each: Box, depth: int) -> None:
        branches.append(Branch(each, depth, held.get(each.id, [])))
        for child in children.get(each.id, []):
            walk(child, depth + 1)

    walk(boxes[found.id], 0)
    return branches


def open_boxes(session: Session, actor: Actor, warehouse_id: int, *, most: int = 200) -> list[Box]:
    """Return the boxes of a warehouse that may be filled, the newest first, for a choice."""
    statement = (
        select(Box)
        .where(Box.warehouse_id == warehouse_id, Box.state == BoxState.OPEN, visible(actor, "stock.read", Box))
        .options(joinedload(Box.place).joinedload(Place.root))
        .order_by(Box.id.desc())
        .limit(most)
    )
    return list(session.scalars(statement))


def next_number(session: Session) -> int:
    """Draw the number of a new box."""
    return int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('box', 'id'))")) or 0)
