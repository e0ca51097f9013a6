"""The wrong rows of an import as a table that leaves the house: to be mended and uploaded again."""

from __future__ import annotations

from app.foundation import sheets
from app.foundation.language import translate
from app.foundation.words import Message, say
from app.imports.models import Import


def as_csv(found: Import) -> bytes:
    """Return the wrong rows with their own cells; what is wrong stands after them, so the file can be read again."""
    heads = [*found.mapping["columns"], say("Row"), say("What is wrong")]
    rows = []
    for problem in found.problems or []:
        said = "; ".join(
            f"{each['column']}: {translate(Message.from_json(each['message']))}"
            if each["column"]
            else translate(Message.from_json(each["message"]))
            for each in problem["wrong"]
        )
        cells = list(problem["cells"])[: len(heads) - 2]
        rows.append([*cells, *[""] * (len(heads) - 2 - len(cells)), problem["row"], said])
    return sheets.as_csv(heads, rows)
