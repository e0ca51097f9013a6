"""The catalogue that comes with the house: our own facts, in ``data/*.csv``. Pure reading."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent / "data"


def categories() -> list[dict[str, Any]]:
    """Return the categories, parents before children."""
    return [
        {**row, "parent": row["parent"] or None, "position": number} for number, row in enumerate(_rows("categories"))
    ]


def items() -> list[dict[str, Any]]:
    """Return the items; ``category`` is a code."""
    return [
        {
            "code": row["code"],
            "category": row["category"],
            "name_hu": row["name_hu"],
            "name_en": row["name_en"],
            "unit_name_hu": row["unit_hu"],
            "unit_name_en": row["unit_en"],
            "base_unit": row["base_unit"],
            "weight_mg": round(float(row["weight_g"]) * 1000),
            "volume_ul": round(float(row["volume_ml"]) * 1000),
            "storage_class": row["storage_class"],
            "tracks_expiry": row["expires"] == "1",
            "shelf_life_left_days_min": int(row["days_left_min"]),
            "value_huf": round(float(row["value_ft"]) * 100),
            "usual_quantity": int(row["usual"]),
            "given_again_after_days": int(row["again_days"]) if row["again_days"] else None,
            "health_related": row["health"] == "1",
            "icon": row["icon"],
        }
        for row in _rows("items")
    ]


def packs() -> list[dict[str, Any]]:
    """Return the packs; ``item`` is a code. Their GTINs begin with 952, which GS1 keeps for demonstrations.

    So no real product has them, and the scan grammar believes them: numbers from 2… are a shop's own, and it would ask
    about each. Between the figures of an item's number stand noughts (item 16 is …001060…), so that no two neighbours
    swapped in one of these numbers, which a check digit may not see, make another of them.
    """
    return [{"item": row["item"], "gtin": row["gtin"], "quantity": int(row["quantity"])} for row in _rows("packs")]


def substitutes() -> list[dict[str, Any]]:
    """Return which item may be given instead of which."""
    return [{**row, "quantity_percent": int(row["quantity_percent"])} for row in _rows("substitutes")]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")
