"""A warehouse with shelves and a small catalogue, files of every make, and jobs that run at once."""

import csv
import io
from types import SimpleNamespace

import openpyxl
import pytest

from app.catalogue import service as catalogue
from app.foundation import job_life, job_queue
from app.imports import jobs, queries, service  # noqa: F401
from app.stock import service as stock
from tests import builders as make
from tests.conftest import EVERYTHING

HEADING = ("Megnevezés", "Vonalkód", "Mennyiség", "Egység", "Hely", "Lejárat", "Sarzs", "Egységár")


def as_csv(rows, *, heading=HEADING, delimiter=";", encoding="utf-8-sig"):
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([heading, *rows])
    return written.getvalue().encode(encoding)


def as_xlsx(rows, *, heading=HEADING):
    book = openpyxl.Workbook()
    for row in (heading, *rows):
        book.active.append(list(row))
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


def as_book(sheets, *, hidden=()):
    """Return a workbook of several sheets: name → rows, with their heading."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


@pytest.fixture
def house(work):
    """Miskolc with two shelves, and flour, milk and rice."""
    with work() as uow:
        county = make.a_county(uow)
        settlement = make.a_settlement(uow, county)
        warehouse = stock.open_warehouse(
            uow,
            code="MIS",
            name="Miskolc",
            county_id=county.id,
            settlement_id=settlement.id,
            lat=48.1,
            lon=20.8,
            storage_classes=["ambient"],
        )
        shelves = [
            stock.open_place(uow, warehouse_id=warehouse.id, code=f"MIS-A-0{n}", kind="shelf").id for n in (1, 2)
        ]
        names = {"liszt": ("Búzaliszt BL 55, 1 kg", "Wheat flour, 1 kg"), "tej": ("UHT tej, 1 l", "UHT milk, 1 l")}
        flour = make.an_item(
            uow, "FLOUR", name_hu=names["liszt"][0], name_en=names["liszt"][1], name_hu_key="buzaliszt bl 55 1 kg",
            name_en_key="wheat flour 1 kg", weight_mg=1_000_000,
        )  # fmt: skip
        milk = make.an_item(
            uow, "MILK", name_hu=names["tej"][0], name_en=names["tej"][1], name_hu_key="uht tej 1 l",
            name_en_key="uht milk 1 l", tracks_expiry=True, weight_mg=1_030_000, volume_ul=1_000_000,
        )  # fmt: skip
        rice = make.an_item(
            uow, "RICE-LOOSE", name_hu="Rizs, ömlesztett", name_en="Rice, loose", name_hu_key="rizs omlesztett",
            name_en_key="rice loose", base_unit="g", unit_name_hu="g", unit_name_en="g", weight_mg=1000,
        )  # fmt: skip
        catalogue.learn_pack(uow, item_id=flour.id, gtin="02000001001004", quantity=1)
        catalogue.learn_pack(uow, item_id=flour.id, gtin="12000001001001", quantity=10)
        return SimpleNamespace(
            warehouse_id=warehouse.id,
            county_id=county.id,
            shelves=shelves,
            dock_id=queries.known(
                uow.session, SimpleNamespace(kind="opening_stock", warehouse_id=warehouse.id), uow.now
            ).dock_id,
            flour=flour.id,
            milk=milk.id,
            rice=rice.id,
        )


@pytest.fixture
def run_jobs(sessions):
    """Run every promised job here and now; return how each ended."""
    worker = job_queue.Worker(make_sessions=lambda: sessions, actor=EVERYTHING, ring=lambda ids: None)

    def run():
        ended = []
        while True:
            with sessions.begin() as session:
                waiting = job_life.waiting(session, seconds=-10)
                job_ids = [job_id for ids in waiting.values() for job_id in ids]
            if not job_ids:
                return ended
            for job_id in job_ids:
                with sessions.begin() as session:
                    taken = job_life.take(session, job_id)
                job_queue.run_taken(worker, sessions, taken)
                with sessions() as session:
                    job = session.get_one(job_queue.Job, job_id)
                    ended.append((job.name, job.state, job.result))

    return run


@pytest.fixture
def taken_in(work, house, run_jobs):
    """Take a file in and have it previewed with the columns that were guessed, or with others."""

    def make_it(content, *, kind="opening_stock", fields=None, name="nyitó.csv", actor=EVERYTHING):
        warehouse_id = house.warehouse_id if kind == "opening_stock" else None
        with work(actor) as uow:
            taken = service.upload(uow, kind=kind, warehouse_id=warehouse_id, file_name=name, content=content)
            service.understand(uow, import_id=taken.id, fields=fields or taken.mapping["fields"])
            import_id = taken.id
        run_jobs()
        return import_id

    return make_it


@pytest.fixture
def the(work):
    """Read an import."""

    def read(import_id):
        with work() as uow:
            found = queries.data_import(uow.session, uow.actor, import_id)
            uow.session.refresh(found)
            uow.session.expunge(found)
            return found

    return read


@pytest.fixture
def deed(work, run_jobs):
    """Ask for a deed (load, reverse) and run its job."""

    def do(name, import_id, **arguments):
        with work() as uow:
            getattr(service, name)(uow, import_id=import_id, **arguments)
        return run_jobs()

    return do
