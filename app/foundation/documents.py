"""PDF documents: a typst template and plain data in, bytes out. ``paper`` is the form of every voucher and record.

The data goes in as JSON, never as markup: whatever somebody typed is shown as they typed it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typst

from app.foundation.language import language, translate
from app.foundation.words import Message


def pdf(template: Path, data: Mapping[str, Any]) -> bytes:
    """Return the document. Messages in ``data`` are said in the reader's language; ``language`` is added to it."""
    stored = json.dumps({**_plain(data), "language": language()}, ensure_ascii=False)
    made: bytes = typst.compile(template, root=template.parent, sys_inputs={"data": stored})
    return made


KEPT = "\n\u00a0\u202f"
"""Not printable to Python, and wanted: numbers and their units stand together by such spaces."""
PAPER = Path(__file__).parent / "papers" / "paper.typ"


def paper(
    *,
    title: Message,
    code: str,
    facts: Sequence[Sequence[Any]],
    heads: Sequence[Message],
    rows: Sequence[Sequence[Any]],
    wide: int = 0,
    sums: Sequence[Sequence[Any]] = (),
    closing: Message | None = None,
    signatures: Sequence[Any] = (),
    cancelled: Message | None = None,
) -> bytes:
    """Return a voucher or record: its code, facts and sums as (label, value), a table whose column ``wide`` fills up.

    ``cancelled`` is written across it where the paper no longer holds. Values are shown as they are; Messages are said
    in the reader's language.
    """
    return pdf(
        PAPER,
        {
            "title": title,
            "code": code,
            "facts": facts,
            "heads": heads,
            "rows": rows,
            "wide": wide,
            "sums": sums,
            "closing": closing,
            "signatures": signatures,
            "cancelled": cancelled,
        },
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return "".join(letter for letter in value if letter in KEPT or letter.isprintable())
    return value if isinstance(value, int | float | bool | None) else str(value)
