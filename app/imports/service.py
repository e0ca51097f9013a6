"""A file is taken in, its columns are understood, its rows judged, loaded all or none, and taken back.

uploaded → reading → previewed → loading → loaded → reversing → reversed. What takes time is a job; killed at any
moment it is run again, and what it writes is written once: in one transaction, under operation ids that follow from
the import and the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sqlalchemy import update

from app.catalogue import queries as catalogue_queries
from app.catalogue import service as catalogue
from app.foundation.bulk import among
from app.foundation.child import Say, think
from app.foundation.errors import Conflict, Invalid, Refusal
from app.foundation.job import JobState
from app.foundation.spreadsheets import FILE_BYTES_MAX
from app.foundation.text import tidy
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.imports import columns, judging, queries, receipt
from app.imports.errors import FileUnreadable, LoadedBefore, MappingIncomplete, NotNow, RowsWrong, TooManyWaiting
from app.imports.judging import Examined, Glance
from app.imports.models import BUSY, Import, ImportKind, ImportState
from app.imports.rows import Known
from app.stock import queries as stock_queries
from app.stock import service as stock

if TYPE_CHECKING:
    from app.stock.models import Voucher

SECONDS_MAX = 60
MEMORY_BYTES_MAX = 1_000_000_000
UPLOADS_AN_HOUR_MAX = 60
KEPT = timedelta(days=7)
"""A file is kept until it is loaded, or so long."""
OPERATIONS = UUID("6f0d5d5e-3f39-4c39-9d5c-0c7c9c1c2a11")
"""The name space of the operation ids of imports."""
OBSTACLES_MAX = 50
NOT_KEPT = say("The file is not kept any more. Upload it again.")
TOO_MUCH = say("The file takes too long or too much memory to read. Save only the table.")


# Taking in ----------------------------------------------------------------------------------------------------------


def upload(
    uow: UnitOfWork,
    *,
    kind: str,
    warehouse_id: int | None,
    file_name: str,
    content: bytes,
    sheet: str | None = None,
) -> Import:
    """Take a file in and guess what its columns mean; nothing of it is read yet but its first rows.

    ``sheet`` is the one of a workbook that is meant; none: the likeliest.
    """
    _must_be_allowed(uow, kind, warehouse_id)
    lately = queries.uploaded_lately(uow.session, uow.actor.id, uow.now - timedelta(hours=1))
    if uow.actor.id is not None and lately >= UPLOADS_AN_HOUR_MAX:
        raise TooManyWaiting(most=UPLOADS_AN_HOUR_MAX)
    if len(content) > FILE_BYTES_MAX:
        raise FileUnreadable(say("The file is too large: at most 5 MB can be read."))
    seen = _glance(content, kind, sheet)
    taken = Import(
        kind=ImportKind(kind).value,
        state=ImportState.UPLOADED,
        warehouse_id=warehouse_id,
        file_name=_name(file_name),
        content=content,
        content_hash=hashlib.sha256(content).hexdigest(),
        mapping=_guessed(uow, kind, seen),
        rows_count=seen.rows,
        uploaded_by_id=uow.actor.id,
        uploaded_at=uow.now,
    )
    uow.session.add(taken)
    uow.session.flush()
    uow.record("import.uploaded", subject=(queries.SUBJECT, taken.id), kind=taken.kind, rows=seen.rows)
    return taken


def _glance(content: bytes, kind: str, sheet: str | None) -> Glance:
    """Look at a file in a child process with limits of time and memory: a malicious one hurts nobody else."""
    ended = think(judging.glance, content, kind, sheet, seconds_max=SECONDS_MAX, memory_bytes_max=MEMORY_BYTES_MAX)
    if not isinstance(ended.answer, Glance):
        why = ended.answer if isinstance(ended.answer, Message) else TOO_MUCH
        raise FileUnreadable(why, field="sheet" if sheet else "file")
    return ended.answer


def _guessed(uow: UnitOfWork, kind: str, seen: Glance) -> dict[str, Any]:
    """Return what a file looks like and how its columns may be meant: as a person chose them before, or guessed."""
    shape = columns.shape(seen.columns)
    before = queries.remembered(uow.session, kind, shape) or {}
    fields = {ours: column for ours, column in before.items() if column in seen.columns}
    return {
        "shape": shape,
        "sheets": seen.sheets,
        "sheet": seen.sheet,
        "columns": seen.columns,
        "sample": seen.sample,
        "fields": fields or columns.guess(kind, seen.columns),
        "remembered": bool(fields),
    }


def choose_sheet(uow: UnitOfWork, *, import_id: int, sheet: str) -> Import:
    """Look at another sheet of the workbook; its columns are guessed anew, and what was previewed is forgotten."""
    held = _held(uow, import_id)
    _must_be_in(held, ImportState.UPLOADED, ImportState.PREVIEWED, ImportState.FAILED)
    content = queries.content(uow.session, held.id)
    if content is None:
        raise NotNow(NOT_KEPT, state=held.state)
    seen = _glance(content, held.kind, sheet)
    held.mapping, held.rows_count = _guessed(uow, held.kind, seen), seen.rows
    held.state, held.failure, held.problems, held.figures = ImportState.UPLOADED, None, None, None
    uow.record("import.sheet_chosen", subject=(queries.SUBJECT, held.id), rows=seen.rows)
    return held


def _must_be_allowed(uow: UnitOfWork, kind: str, warehouse_id: int | None) -> None:
    if kind == ImportKind.CATALOGUE:
        uow.actor.require("catalogue.manage")
        if warehouse_id is not None:
            raise Invalid(say("A catalogue is for all warehouses: leave the warehouse out."))
        return
    uow.actor.require("stock.import")
    if warehouse_id is None:
        missing = say("Choose the warehouse.")
        raise Invalid(missing, {"warehouse_id": [missing]})
    warehouse = stock_queries.warehouse(uow.session, uow.actor, warehouse_id)
    uow.actor.require_for("stock.import", warehouse=warehouse.id, county=warehouse.county_id)


def _name(file_name: str) -> str:
    try:
        return tidy(file_name.replace("\\", "/").rsplit("/", 1)[-1])[:200]
    except Invalid:
        return "?"


def understand(uow: UnitOfWork, *, import_id: int, fields: Mapping[str, str]) -> Import:
    """Say which column is meant by which of our fields; the rows are then judged by a job."""
    held = _held(uow, import_id)
    _must_be_in(held, ImportState.UPLOADED, ImportState.PREVIEWED, ImportState.FAILED)
    ours = {field.name for field in columns.FIELDS[held.kind]}
    chosen = {name: column for name, column in fields.items() if column}
    wrong = [name for name, column in chosen.items() if name not in ours or column not in held.mapping["columns"]]
    if wrong:
        raise MappingIncomplete([say("There is no such column. Choose one of the list.")])
    twice = {column for column in chosen.values() if list(chosen.values()).count(column) > 1}
    lacks = columns.missing(held.kind, chosen)
    lacks += [say("The column %(column)s is chosen twice. Keep one of them.", column=each) for each in sorted(twice)]
    if lacks:
        raise MappingIncomplete(lacks)
    _must_be_kept(uow, held)
    held.mapping = {**held.mapping, "fields": chosen}
    held.state, held.failure, held.problems, held.figures = ImportState.READING, None, None, None
    uow.promise("imports.preview", subject=(queries.SUBJECT, held.id), import_id=held.id)
    uow.record("import.mapped", subject=(queries.SUBJECT, held.id), fields=sorted(chosen))
    return held


def load(uow: UnitOfWork, *, import_id: int, again: bool = False) -> Import:
    """Load every row, or none, by a job. Asked twice it is done once; the same file a second time must be meant."""
    held = _held(uow, import_id)
    if held.state in (ImportState.LOADING, ImportState.LOADED):
        return held
    _must_be_in(held, ImportState.PREVIEWED)
    figures = held.figures or {}
    if figures.get("wrong"):
        raise RowsWrong(rows=figures["rows"], wrong=figures["wrong"])
    before = queries.loaded_before(uow.session, held)
    if before is not None and not again:
        raise LoadedBefore(import_id=before.id)
    _must_be_kept(uow, held)
    held.state, held.failure = ImportState.LOADING, None
    uow.promise("imports.load", subject=(queries.SUBJECT, held.id), import_id=held.id)
    uow.record("import.load_asked", subject=(queries.SUBJECT, held.id))
    return held


def reverse(uow: UnitOfWork, *, import_id: int) -> Import:
    """Take back what an import wrote, all or none, by a job. Asked twice it is done once."""
    held = _held(uow, import_id)
    if held.state in (ImportState.REVERSING, ImportState.REVERSED):
        return held
    _must_be_in(held, ImportState.LOADED)
    held.state, held.failure = ImportState.REVERSING, None
    uow.promise("imports.reverse", subject=(queries.SUBJECT, held.id), import_id=held.id)
    uow.record("import.reverse_asked", subject=(queries.SUBJECT, held.id))
    return held


def _held(uow: UnitOfWork, import_id: int) -> Import:
    held = queries.data_import(uow.session, uow.actor, import_id, for_change=True)
    _must_be_allowed(uow, held.kind, held.warehouse_id)
    if held.state in BUSY:
        job = queries.job_of(uow.session, held.id)
        if job is not None and job.state in (JobState.FAILED, JobState.CANCELLED):
            # The job came to nothing and wrote nothing: the person may go on from where it began.
            held.state = BUSY[ImportState(held.state)]
    return held


def _must_be_in(held: Import, *states: ImportState) -> None:
    if held.state in states:
        return
    if held.state in BUSY:
        raise NotNow(say("A job is working on this import. Wait until it has ended."), state=held.state)
    raise NotNow(say("This is not the step at which the import is. Look at it again."), state=held.state)


def _must_be_kept(uow: UnitOfWork, held: Import) -> None:
    if queries.content(uow.session, held.id) is None:
        raise NotNow(NOT_KEPT, state=held.state)


# What jobs do -------------------------------------------------------------------------------------------------------

Work = Callable[[], Any]


def preview(work: Work, import_id: int, on_message: Say, should_stop: Callable[[], bool]) -> dict[str, Any]:
    """Judge every row and keep the judgement."""
    examined = _examine(work, import_id, ImportState.READING, on_message, should_stop, with_rows=False)
    if examined is None:
        return {}
    with work() as uow:
        held = queries.data_import(uow.session, uow.actor, import_id, for_change=True)
        if held.state != ImportState.READING:
            return {}
        if isinstance(examined, Message):
            held.state, held.failure = ImportState.FAILED, examined.to_json()
            return {"failed": True}
        _keep(held, examined)
        held.state = ImportState.PREVIEWED
        uow.record(
            "import.previewed",
            subject=(queries.SUBJECT, import_id),
            rows=examined.figures["rows"],
            wrong=examined.figures["wrong"],
        )
        return {"rows": examined.figures["rows"], "wrong": examined.figures["wrong"]}


def write(work: Work, import_id: int, on_message: Say, should_stop: Callable[[], bool]) -> dict[str, Any]:
    """Judge the rows once more and write them all in one transaction, if they are still what the person saw."""
    examined = _examine(work, import_id, ImportState.LOADING, on_message, should_stop, with_rows=True)
    if examined is None:
        return {}
    try:
        with work() as uow:
            held = queries.data_import(uow.session, uow.actor, import_id, for_change=True)
            if held.state != ImportState.LOADING:
                return {}
            if isinstance(examined, Message):
                raise Conflict(examined)
            if examined.figures["wrong"] or examined.figures["mark"] != (held.figures or {}).get("mark"):
                _keep(held, examined)
                held.state = ImportState.PREVIEWED
                held.failure = say(
                    "Nothing was loaded: the catalogue or the places changed after this preview. Look at the rows "
                    "again, then load them."
                ).to_json()
                return {"moved": True}
            on_message(92)
            if held.kind == ImportKind.OPENING_STOCK:
                held.made = _write_stock(uow, held, examined.rows)
            else:
                held.made = _write_catalogue(uow, examined.rows)
            held.state, held.loaded_at, held.content = ImportState.LOADED, uow.now, None
            uow.record(
                "import.loaded",
                subject=(queries.SUBJECT, import_id),
                rows=len(examined.rows),
                by_id=held.uploaded_by_id,
            )
            return {"rows": len(examined.rows)}
    except Refusal as refusal:
        _put_back(work, import_id, ImportState.LOADING, refusal.message)
        return {"refused": True}


def take_back(work: Work, import_id: int, on_message: Say) -> dict[str, Any]:
    """Take back all that an import wrote; say what stands in the way if something does."""
    try:
        with work() as uow:
            held = queries.data_import(uow.session, uow.actor, import_id, for_change=True)
            if held.state != ImportState.REVERSING:
                return {}
            made = dict(held.made or {})
            on_message(20)
            if held.kind == ImportKind.OPENING_STOCK:
                number = _take_back_stock(uow, held, made)
            else:
                catalogue.unload_items(uow, made=made)
                number = len(made["created"]) + len(made["changed"])
            if number is None:
                return {"refused": True}
            held.state, held.reversed_at, held.failure = ImportState.REVERSED, uow.now, None
            uow.record("import.reversed", subject=(queries.SUBJECT, import_id), number=number)
            return {"number": number}
    except Refusal as refusal:
        _put_back(work, import_id, ImportState.REVERSING, refusal.message)
        return {"refused": True}


def forget_files(uow: UnitOfWork) -> int:
    """Delete the files that nobody loaded in time; what was found in them stays."""
    ids = queries.old_files(uow.session, uow.now - KEPT)
    if ids:
        dropped = update(Import).where(among(Import.id, ids)).values(content=None)
        uow.session.execute(dropped, execution_options={"synchronize_session": False})
    return len(ids)


def operation_of(import_id: int, line: int) -> UUID:
    """Return the operation id of a row: the same for ever, so that a row acts at most once."""
    return uuid5(OPERATIONS, f"{import_id}/{line}")


def _examine(
    work: Work,
    import_id: int,
    state: ImportState,
    on_message: Say,
    should_stop: Callable[[], bool],
    *,
    with_rows: bool,
) -> Examined | Message | None:
    """Return the judged file, or why it cannot be judged; None where the import is at another step."""
    with work() as uow:
        held = queries.data_import(uow.session, uow.actor, import_id)
        if held.state != state:
            return None
        content = queries.content(uow.session, import_id)
        known: Known = queries.known(uow.session, held, uow.now)
        kind, fields, sheet = held.kind, dict(held.mapping["fields"]), held.mapping.get("sheet")
    if content is None:
        return NOT_KEPT
    ended = think(
        judging.examine,
        content,
        kind,
        fields,
        known,
        with_rows,
        sheet,
        seconds_max=SECONDS_MAX,
        memory_bytes_max=MEMORY_BYTES_MAX,
        on_message=on_message,
        should_stop=should_stop,
    )
    if isinstance(ended.answer, Examined | Message):
        return ended.answer
    return TOO_MUCH


def _keep(held: Import, examined: Examined) -> None:
    held.problems, held.figures = examined.problems, examined.figures
    held.rows_count = examined.figures["rows"]


def _put_back(work: Work, import_id: int, state: ImportState, message: Message) -> None:
    with work() as uow:
        held = queries.data_import(uow.session, uow.actor, import_id, for_change=True)
        if held.state == state:
            held.state, held.failure = BUSY[state], message.to_json()


def _write_stock(uow: UnitOfWork, held: Import, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    arrivals = [
        {
            "operation_id": operation_of(held.id, row["line"]),
            "item_id": row["item_id"],
            "quantity": row["quantity"],
            "place_id": row["place_id"],
            "warehouse_id": held.warehouse_id,
            "expires_on": date.fromisoformat(row["expires_on"]) if row["expires_on"] else None,
            "batch": row["batch"],
            "condition": row["condition"],
            "unit_value_huf": row["unit_value_huf"],
            "source": f"NYITÓ I-{held.id}",
        }
        for row in rows
    ]
    lots = stock.receive_thousands(uow, arrivals)
    return {"lots": lots, "voucher_id": _paper(uow, held, list(zip(lots, rows, strict=True))).id}


def _paper(uow: UnitOfWork, held: Import, loaded: Sequence[tuple[int, Mapping[str, Any]]]) -> Voucher:
    """Number the goods-received note of an opening stock, in the name of who asked for the loading."""
    assert held.warehouse_id is not None, "an opening stock lies in a warehouse"
    job = queries.job_of(uow.session, held.id)
    return stock.issue_voucher(
        uow,
        kind="receipt",
        warehouse_id=held.warehouse_id,
        subject=(queries.SUBJECT, held.id),
        content=receipt.content(
            loaded,
            catalogue_queries.items_by_id(uow.session, {row["item_id"] for _, row in loaded}),
            import_id=held.id,
            warehouse=stock_queries.warehouse(uow.session, uow.actor, held.warehouse_id).name,
            loaded_at=uow.now,
        ),
        posted_by_id=job.promised_by_id if job else held.uploaded_by_id,
    )


def _write_catalogue(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = [row for row in rows if not row.get("again")]
    return catalogue.load_items(
        uow,
        new=[
            {"code": row["code"], "base_unit": row["base_unit"], **row["facts"]} for row in first if not row["item_id"]
        ],
        changed={row["item_id"]: (row["version"], row["facts"]) for row in first if row["item_id"] and row["facts"]},
        packs=[(row["code"], *row["pack"]) for row in rows if row["pack"]],
    )


def _take_back_stock(uow: UnitOfWork, held: Import, made: dict[str, Any]) -> int | None:
    movement_ids = stock_queries.receipts_of_lots(uow.session, made["lots"])
    gone = stock_queries.no_longer_whole(uow.session, movement_ids)
    if gone:
        obstacles = [
            {
                "lot_id": each.lot_id,
                "item": each.item_name,
                "place": each.place_code,
                "received": each.received,
                "on_hand": each.on_hand,
                "reserved": each.reserved,
            }
            for each in gone[:OBSTACLES_MAX]
        ]
        held.made = {**made, "obstacles": obstacles}
        held.state = ImportState.LOADED
        held.failure = say(
            "Nothing was taken back: of %(lots)s lots something was moved, handed out or reserved since.",
            lots=len(gone),
        ).to_json()
        return None
    movements = stock.take_back(
        uow,
        operation_id=uuid5(OPERATIONS, f"{held.id}/reversed"),
        movement_ids=movement_ids,
        reason=f"NYITÓ I-{held.id}",
    )
    if "voucher_id" in made:
        stock.cancel_voucher(uow, voucher_id=made["voucher_id"], reason=f"NYITÓ I-{held.id} visszavonva")
    held.made = {name: value for name, value in made.items() if name != "obstacles"}
    return len(movements)
