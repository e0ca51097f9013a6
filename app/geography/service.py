"""Loading the gazetteer and, over it, an official register that can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import case, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.foundation.child import think
from app.foundation.spreadsheets import FILE_BYTES_MAX
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.geography import gazetteer, queries, register
from app.geography.errors import RegisterNotReady, RegisterUnreadable, RegisterWrong
from app.geography.models import County, District, PostalCode, RegisterImport, Settlement
from app.geography.register import Examined

PREVIEWED, LOADED, REVERSED = "previewed", "loaded", "reversed"

EXAMINE_SECONDS_MAX = 30
EXAMINE_MEMORY_BYTES_MAX = 1_500_000_000
ONE_AT_A_TIME = 7_204_106
"""Key of the advisory lock under which registers are loaded and reversed."""

Rows = Iterable[Mapping[str, Any]]


# --- the gazetteer --------------------------------------------------------------------------------------------------


def load_gazetteer(uow: UnitOfWork, *, folder: Path = gazetteer.DATA) -> dict[str, int]:
    """Bring counties, districts, settlements and postal codes up to the gazetteer's files; twice is the same as once.

    What an official register has said about a settlement stays. Returns how many of each there are.
    """
    uow.actor.require("geography.import")
    county_rows, settlement_rows = gazetteer.counties(folder), gazetteer.settlements(folder)
    county_ids = _store_counties(uow.session, county_rows)
    district_ids = _store_districts(uow.session, county_rows, county_ids)
    settlement_ids = _store_settlements(uow.session, settlement_rows, county_ids, district_ids)
    pairs = {
        (settlement_ids[county_ids[row["county"]], row["name"]], code)
        for row in settlement_rows
        for code in row["postal_codes"]
    }
    _store_postal_codes(uow.session, pairs)
    figures = {
        "counties": len(county_ids),
        "districts": len(district_ids),
        "settlements": len(settlement_rows),
        "postal_codes": len(pairs),
    }
    uow.record("gazetteer.loaded", figures=figures)
    return figures


def _store_counties(session: Session, rows: Rows) -> dict[str, int]:
    """Store the counties; return name → id."""
    facts = ("code", "nuts3", "name", "seat", "hue")
    statement = insert(County)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["code"], set_={name: statement.excluded[name] for name in (*facts[1:], "name_key")}
        ),
        [{name: row[name] for name in facts} | {"name_key": fold(row["name"])} for row in rows],
    )
    return {row.name: row.id for row in session.execute(select(County.name, County.id))}


def _store_districts(session: Session, rows: Rows, county_ids: Mapping[str, int]) -> dict[tuple[int, str], int]:
    """Store the districts; return (county, gazetteer's name) → id. A register may have renamed one: its seat tells."""
    statement = select(District.county_id, District.seat, District.id)
    there = {(county_id, seat): district_id for county_id, seat, district_id in session.execute(statement)}
    wanted = [
        (county_ids[row["name"]], district["name"], district["seat"]) for row in rows for district in row["districts"]
    ]
    new = [
        {"county_id": county_id, "name": name, "name_key": fold(name), "seat": seat}
        for county_id, name, seat in wanted
        if (county_id, seat) not in there
    ]
    if new:
        session.execute(insert(District), new)
        there = {(county_id, seat): district_id for county_id, seat, district_id in session.execute(statement)}
    return {(county_id, name): there[county_id, seat] for county_id, name, seat in wanted}


def _store_settlements(
    session: Session, rows: Rows, county_ids: Mapping[str, int], district_ids: Mapping[tuple[int, str], int]
) -> dict[tuple[int, str], int]:
    """Store the settlements; return (county, name) → id. A register's district and population are kept."""
    statement = insert(Settlement)
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["county_id", "name"],
            set_={
                "lat": new.lat,
                "lon": new.lon,
                "name_key": new.name_key,
                "district_id": case((Settlement.district_provisional, new.district_id), else_=Settlement.district_id),
                "population": case((Settlement.ksh_code.is_(None), new.population), else_=Settlement.population),
            },
        ),
        [
            {name: row[name] for name in ("name", "lat", "lon", "population")}
            | {
                "county_id": county_ids[row["county"]],
                "district_id": district_ids[county_ids[row["county"]], row["district"]],
                "district_provisional": row["provisional"],
                "name_key": fold(row["name"]),
            }
            for row in rows
        ],
    )
    stored = session.execute(select(Settlement.county_id, Settlement.name, Settlement.id))
    return {(county_id, name): settlement_id for county_id, name, settlement_id in stored}


def _store_postal_codes(session: Session, pairs: set[tuple[int, str]]) -> None:
    """Make the stored pairs of settlement and code these, for every settlement in them."""
    ours = {settlement_id for settlement_id, _ in pairs}
    stored = {
        (settlement_id, code)
        for settlement_id, code in session.execute(select(PostalCode.settlement_id, PostalCode.code))
        if settlement_id in ours
    }
    if gone := stored - pairs:
        session.execute(delete(PostalCode).where(tuple_(PostalCode.settlement_id, PostalCode.code).in_(sorted(gone))))
    if new := pairs - stored:
        session.execute(insert(PostalCode), [{"settlement_id": each, "code": code} for each, code in sorted(new)])


# --- the register ---------------------------------------------------------------------------------------------------


def preview_register(uow: UnitOfWork, *, file_name: str, content: bytes) -> RegisterImport:
    """Judge a register row by row and keep the judgement; nothing of it is loaded yet.

    Reading happens in a child process with limits of time and memory: a malicious file hurts nobody else.
    """
    uow.actor.require("geography.import")
    assert uow.actor.id is not None, "registers are uploaded by somebody"
    if len(content) > FILE_BYTES_MAX:
        raise RegisterUnreadable(say("The file is too large: at most 5 MB can be read."))
    known = queries.known(uow.session)
    if not known.settlements:
        raise RegisterNotReady(say("The gazetteer is not loaded yet: there is nothing to hold the register against."))
    ended = think(
        register.examine,
        content,
        known,
        seconds_max=EXAMINE_SECONDS_MAX,
        memory_bytes_max=EXAMINE_MEMORY_BYTES_MAX,
    )
    if isinstance(ended.answer, Message):
        raise RegisterUnreadable(ended.answer)
    if not isinstance(ended.answer, Examined):
        raise RegisterUnreadable(say("The file takes too long or too much memory to read. Save only the table."))
    upload = RegisterImport(
        file_name=file_name[:200],
        state=PREVIEWED,
        rows=ended.answer.rows,
        figures=ended.answer.figures,
        uploaded_by_id=uow.actor.id,
        uploaded_at=uow.now,
    )
    uow.session.add(upload)
    uow.session.flush()
    uow.record("register.previewed", subject=("register_import", upload.id), figures=upload.figures)
    return upload


def load_register(uow: UnitOfWork, *, import_id: int) -> RegisterImport:
    """Load every row of a previewed register, or none; what it changes is kept, so that it can go back."""
    uow.actor.require("geography.import")
    _one_at_a_time(uow.session)
    upload = queries.register_import(uow.session, import_id, for_change=True)
    if upload.state != PREVIEWED:
        raise RegisterNotReady(say("This register was loaded already."))
    if upload.figures["wrong"]:
        raise RegisterWrong(rows=upload.figures["rows"], wrong=upload.figures["wrong"])
    if _changed_since(uow.session, upload):
        raise RegisterNotReady(
            say("Another register was loaded or reversed after this preview. Upload the file again.")
        )
    county_ids = {county.name: county.id for county in queries.counties(uow.session)}
    before: list[dict[str, Any]] = []
    districts = _load_districts(uow.session, upload.rows, county_ids, before)
    _load_settlements(uow.session, upload.rows, county_ids, districts, before)
    upload.state, upload.loaded_at, upload.before = LOADED, uow.now, before
    uow.record("register.loaded", subject=("register_import", upload.id), rows=len(upload.rows))
    return upload


def reverse_register(uow: UnitOfWork, *, import_id: int) -> RegisterImport:
    """Put back everything that a loaded register changed. The latest one goes first."""
    uow.actor.require("geography.import")
    _one_at_a_time(uow.session)
    upload = queries.register_import(uow.session, import_id, for_change=True)
    if upload.state != LOADED:
        raise RegisterNotReady(say("Only a loaded register can be reversed."))
    later = uow.session.scalar(
        select(RegisterImport)
        .where(RegisterImport.state == LOADED, RegisterImport.loaded_at > upload.loaded_at)
        .order_by(RegisterImport.loaded_at.desc())
        .limit(1)
    )
    if later is not None:
        raise RegisterNotReady(
            say("A later register stands on this one. Reverse that first: %(file)s.", file=later.file_name)
        )
    kept = {kind: [each["was"] for each in upload.before or () if each["kind"] == kind] for kind in KINDS}
    for table, rows in ((Settlement, kept["settlement"]), (District, kept["district"])):
        if rows:
            uow.session.execute(update(table), rows)
    for district in kept["new district"]:
        _drop_district(uow.session, district["id"])
    uow.session.expire_all()
    upload.state, upload.reversed_at = REVERSED, uow.now
    uow.record("register.reversed", subject=("register_import", upload.id), rows=len(upload.rows))
    return upload


KINDS = ("settlement", "district", "new district")


def _one_at_a_time(session: Session) -> None:
    session.execute(select(func.pg_advisory_xact_lock(ONE_AT_A_TIME)))


def _changed_since(session: Session, upload: RegisterImport) -> bool:
    later = select(RegisterImport.id).where(
        or_(RegisterImport.loaded_at > upload.uploaded_at, RegisterImport.reversed_at > upload.uploaded_at)
    )
    return bool(session.scalar(select(later.exists())))


def _load_districts(
    session: Session, rows: Rows, county_ids: Mapping[str, int], before: list[dict[str, Any]]
) -> dict[tuple[int, str], int]:
    """Give districts their code, name, seat and class, or make them; return (county, register's name) → id."""
    stored = list(session.scalars(select(District)))
    answer: dict[tuple[int, str], int] = {}
    for (county_id, name), facts in _district_facts(rows, county_ids).items():
        district = _same_district(stored, county_id, name, facts)
        if district is None:
            district = District(county_id=county_id, name=name, name_key=fold(name), seat=facts["seat"] or name)
            district.code, district.deprivation_class = facts["code"], facts["deprivation_class"]
            session.add(district)
            session.flush()
            stored.append(district)
            before.append({"kind": "new district", "was": {"id": district.id}})
        else:
            was = {fact: getattr(district, fact) for fact in ("id", "name", "name_key", "seat", "code")}
            before.append({"kind": "district", "was": was | {"deprivation_class": district.deprivation_class}})
            district.name, district.name_key = name, fold(name)
            for fact in ("seat", "code", "deprivation_class"):
                if facts[fact] is not None:
                    setattr(district, fact, facts[fact])
        answer[county_id, name] = district.id
    session.flush()
    return answer


def _district_facts(rows: Rows, county_ids: Mapping[str, int]) -> dict[tuple[int, str], dict[str, Any]]:
    """Return what the rows say about each district; they agree, that was judged."""
    facts: dict[tuple[int, str], dict[str, Any]] = {}
    for row in rows:
        values = row["values"]
        if values["district"] is None:
            continue
        known = facts.setdefault(
            (county_ids[row["county"]], values["district"]), {"code": None, "seat": None, "deprivation_class": None}
        )
        for fact, column in (
            ("code", "district_code"),
            ("seat", "district_seat"),
            ("deprivation_class", "district_deprivation_class"),
        ):
            known[fact] = values[column] if values[column] is not None else known[fact]
    return facts


def _same_district(stored: Sequence[District], county_id: int, name: str, facts: Mapping[str, Any]) -> District | None:
    """Return the stored district that is meant: by its code, else its seat, else its name."""
    own = [district for district in stored if district.county_id == county_id]
    for fact, wanted in (("code", facts["code"]), ("seat", facts["seat"]), ("name", name)):
        for district in own:
            if wanted is not None and getattr(district, fact) == wanted:
                return district
    return None


def _load_settlements(
    session: Session,
    rows: Rows,
    county_ids: Mapping[str, int],
    districts: Mapping[tuple[int, str], int],
    before: list[dict[str, Any]],
) -> None:
    """Give settlements what the register says; an empty cell says nothing."""
    loaded = ("district_id", "district_provisional", "ksh_code", "population", "deprivation_class")
    was = {
        row["id"]: dict(row)
        for row in session.execute(select(Settlement.id, *(getattr(Settlement, name) for name in loaded))).mappings()
    }
    changes = []
    for row in rows:
        settlement_id, values = row["settlement_id"], row["values"]
        now = dict(was[settlement_id])
        before.append({"kind": "settlement", "was": was[settlement_id]})
        now["ksh_code"] = values["ksh_code"]
        if values["district"] is not None:
            now["district_id"] = districts[county_ids[row["county"]], values["district"]]
            now["district_provisional"] = False
        for name in ("population", "deprivation_class"):
            now[name] = values[name] if values[name] is not None else now[name]
        changes.append(now)
    session.execute(update(Settlement), changes)
    session.expire_all()


def _drop_district(session: Session, district_id: int) -> None:
    """Delete a district that a register brought, unless something else has come to point at it."""
    try:
        with session.begin_nested():
            session.execute(delete(District).where(District.id == district_id))
    except IntegrityError:
        session.execute(update(District).where(District.id == district_id).values(code=None, deprivation_class=None))
