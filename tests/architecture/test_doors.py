"""A package's tables are read by queries alone and written only by their own package.

A neighbour's words (its enumerations) may be said anywhere, and its rows may be named in annotations.
"""

import ast
import importlib
import inspect
from pathlib import Path

from app.foundation.database import Base

ROOT = Path(__file__).resolve().parents[2]
READERS = {"models", "queries", "totals"}


def imported_models(source):
    """Return (package, names) of each import of `app.<package>.models` that happens when the module runs."""
    tree = ast.parse(source)
    for_types = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.If) and ast.unparse(outer.test) == "TYPE_CHECKING"
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node in for_types or node.module is None:
            continue
        parts = node.module.split(".")
        if parts[0] == "app" and parts[-1] == "models":
            yield parts[1], [alias.name for alias in node.names]
        elif parts[0] == "app" and len(parts) == 2 and any(alias.name == "models" for alias in node.names):
            yield parts[1], ["models"]


def is_table(package, name):
    """Tell whether the name is a table of the package, or all of them."""
    if name == "models":
        return True
    found = getattr(importlib.import_module(f"app.{package}.models"), name)
    return inspect.isclass(found) and issubclass(found, Base)


def reaches(package, part, source):
    """Return the neighbours' tables that a module works with."""
    return [
        f"app.{package}.{part} reaches into app.{home}.models.{name}"
        for home, names in imported_models(source)
        if home != package and part not in READERS
        for name in names
        if is_table(home, name)
    ]


def test_only_readers_touch_a_neighbours_tables():
    wrong = []
    for file in sorted((ROOT / "app").glob("*/*.py")):
        if file.parent.name != "foundation":
            wrong += reaches(file.parent.name, file.stem, file.read_text(encoding="utf-8"))
    assert wrong == []


def test_a_service_that_reaches_into_a_neighbours_tables_is_found():
    source = "from app.stock.models import Lot, LotState"
    assert reaches("needs", "service", source) == ["app.needs.service reaches into app.stock.models.Lot"]
    assert reaches("needs", "queries", source) == []
    assert reaches("stock", "service", source) == []
    assert reaches("needs", "service", "if TYPE_CHECKING:\n    from app.stock.models import Lot") == []
    assert reaches("needs", "service", "from app.stock import models")
