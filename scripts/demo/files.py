"""A file of the invented country that somebody brought in: its rows are read, two of them are wrong."""

from __future__ import annotations

import csv
import io

from sqlalchemy import select

from app.catalogue import queries as catalogue
from app.foundation.unit_of_work import UnitOfWork
from app.imports import judging, queries, service
from app.imports.kinds import ImportKind, ImportState
from app.stock.models import Warehouse

HEADING = ("Megnevezés", "Mennyiség", "Egység", "Lejárat", "Egységár")
ROWS = 12


def bring(uow: UnitOfWork) -> None:
    """Bring an opening stock into the first warehouse, previewed and not loaded."""
    warehouse = uow.session.scalars(select(Warehouse).order_by(Warehouse.id).limit(1)).one()
    items = [item for item in catalogue.items(uow.session) if item.base_unit == "piece" and not item.tracks_expiry]
    rows = [(item.name_hu, f"{12 + 4 * number}", "db", "", "") for number, item in enumerate(items[:ROWS])]
    rows += [("Kristálycukr 1 kg", "40", "db", "", "380"), (items[0].name_hu, "2,5", "db", "", "")]
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerows([HEADING, *rows])
    brought = service.upload(
        uow,
        kind=ImportKind.OPENING_STOCK,
        warehouse_id=warehouse.id,
        file_name="nyitókészlet.csv",
        content=written.getvalue().encode("utf-8-sig"),
    )
    known = queries.known(uow.session, brought, uow.now)
    assert brought.content is not None, "it was brought in a moment ago"
    judged = judging.examine(brought.content, brought.kind, brought.mapping["fields"], known, False)
    assert isinstance(judged, judging.Examined), "our own file can be read"
    brought.problems, brought.figures, brought.state = judged.problems, judged.figures, ImportState.PREVIEWED
