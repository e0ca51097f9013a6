"""What the goods-received note (bevételezési bizonylat) of an opening stock says: like lots in one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.foundation.text import sort_key

if TYPE_CHECKING:
    from app.catalogue.models import Item

Row = Mapping[str, Any]


def content(
    rows: Iterable[tuple[int, Row]], items: Mapping[int, Item], *, import_id: int, warehouse: str, loaded_at: datetime
) -> dict[str, Any]:
    """Return what is stored with the note, from (lot, row) as they were loaded; a person's file name is not in it."""
    alike: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    for lot_id, row in rows:
        item = items[row["item_id"]]
        key = (sort_key(item.name_hu), item.code, row["expires_on"] or "", row["condition"])
        alike.setdefault(key, []).append((lot_id, row))
    return {
        "import": f"I-{import_id}",
        "warehouse": warehouse,
        "arrived_at": loaded_at.isoformat(),
        "lines": [_line(items[group[0][1]["item_id"]], group) for _, group in sorted(alike.items())],
    }


def _line(item: Item, group: list[tuple[int, Row]]) -> dict[str, Any]:
    """Return one line: lots of one item, expiry and condition; what nobody valued has the catalogue's value."""
    lot_id, first = group[0]
    quantity = sum(row["quantity"] for _, row in group)
    return {
        "lot": f"L-{lot_id}" if len(group) == 1 else None,
        "lots": len(group),
        "item_hu": item.name_hu,
        "item_en": item.name_en,
        "unit_hu": item.unit_name_hu,
        "unit_en": item.unit_name_en,
        "quantity": quantity,
        "expires_on": first["expires_on"],
        "condition": first["condition"],
        "inspection": "accept",
        "reason": None,
        "value_huf": sum(
            row["quantity"] * (item.value_huf if row["unit_value_huf"] is None else row["unit_value_huf"])
            for _, row in group
        ),
        "weight_g": item.weight_mg * quantity // 1000,
    }
