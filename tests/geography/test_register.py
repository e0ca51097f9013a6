"""An official register: previewed row by row, loaded whole or not at all, taken back without a trace."""

import io
import zipfile

import openpyxl
import pytest
from sqlalchemy import select

from app.foundation.actor import Actor, Scope
from app.foundation.errors import NotAllowed
from app.foundation.journal import JournalEntry
from app.foundation.words import Message
from app.geography import queries, service
from app.geography.errors import RegisterNotReady, RegisterUnreadable, RegisterWrong
from app.geography.models import District, Settlement
from app.geography.point import Point
from app.geography.register import Examined, Known, KnownSettlement, examine
from tests.geography.conftest import COUNTIES, CSENYETE, DOC, FAJ, HEADING, SETTLEMENTS, as_csv

KNOWN = Known(
    {
        name: (
            KnownSettlement(
                id=number,
                name=name,
                county=county,
                point=Point(lat, lon),
                postal_codes=frozenset(codes),
                ksh_code=None,
                district=district,
                provisional=True,
                population=population,
                deprivation_class=None,
            ),
        )
        for number, (name, county, lat, lon, codes, district, population) in enumerate(SETTLEMENTS, 1)
    },
    {row[2]: row[1] for row in COUNTIES},
)


def judged(content):
    """Judge a register without any database."""
    examined = examine(content, KNOWN)
    assert isinstance(examined, Examined), examined
    return examined


def preview(work, content, name="register.csv"):
    with work() as uow:
        return service.preview_register(uow, file_name=name, content=content)


def problems(upload, row=0):
    return [str(Message.from_json(each)) for each in upload.rows[row]["problems"]]


def remarks(upload, row=0):
    return [str(Message.from_json(each)) for each in upload.rows[row]["remarks"]]


def as_xlsx(rows, heading=HEADING, *, numbers=True, above=()):
    book = openpyxl.Workbook()
    for row in above:
        book.active.append(row)
    book.active.append(list(heading))
    for row in rows:
        cells = [row[column] for column in heading]
        book.active.append([int(cell) if numbers and cell.isdigit() else cell for cell in cells])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def everything(work):
    with work() as uow:
        return [
            uow.session.execute(select(table.__table__).order_by(table.__table__.c.id)).all()
            for table in (Settlement, District)
        ]


def test_a_register_brings_codes_districts_population_and_classes(work):
    upload = preview(work, as_csv([FAJ, CSENYETE, DOC]))
    assert upload.figures == {"rows": 3, "wrong": 0, "odd": 0, "district_changes": 1, "not_in_file": 9}
    with work() as uow:
        assert queries.settlement_named(uow.session, "Fáj").ksh_code is None, "a preview loads nothing"
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    with work() as uow:
        csenyete = queries.settlement_named(uow.session, "Csenyéte")
        assert (csenyete.ksh_code, csenyete.population, csenyete.deprivation_class) == ("20002", 400, 3)
        assert (csenyete.district.name, csenyete.district.code) == ("Encsi járás", "201")
        assert csenyete.district.deprivation_class == 3
        assert not csenyete.district_provisional
        assert queries.settlement_named(uow.session, "Encs").district_provisional, "it was not in the file"
        deeds = set(uow.session.scalars(select(JournalEntry.deed)))
        assert {"register.previewed", "register.loaded"} <= deeds


def test_reversing_puts_everything_back(work):
    before = everything(work)
    renamed = [FAJ | {"district": "Encsvidéki"}, CSENYETE | {"district": "Encsvidéki"}, DOC]
    upload = preview(work, as_csv(renamed))
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    assert everything(work) != before
    with work() as uow:
        service.reverse_register(uow, import_id=upload.id)
    assert everything(work) == before


def test_a_district_that_the_register_brings_goes_again_when_it_is_reversed(work):
    before = everything(work)
    upload = preview(work, as_csv([FAJ | {"district": "Fáji", "district_code": "209", "district_seat": "Fáj"}]))
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    with work() as uow:
        assert queries.settlement_named(uow.session, "Fáj").district.name == "Fáji járás"
    with work() as uow:
        service.reverse_register(uow, import_id=upload.id)
    assert everything(work) == before


def test_the_gazetteer_may_be_loaded_again_without_undoing_the_register(work, small_country):
    upload = preview(work, as_csv([FAJ, CSENYETE]))
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    loaded = everything(work)
    with work() as uow:
        service.load_gazetteer(uow, folder=small_country)
    assert everything(work) == loaded


def test_one_wrong_row_keeps_the_whole_register_out(work):
    before = everything(work)
    upload = preview(work, as_csv([FAJ, CSENYETE | {"name": "Csenyte"}]))
    assert upload.figures["wrong"] == 1
    with pytest.raises(RegisterWrong, match="1 of 2 rows are wrong"), work() as uow:
        service.load_register(uow, import_id=upload.id)
    assert everything(work) == before


def test_a_register_is_loaded_once_and_reversed_once(work):
    upload = preview(work, as_csv([FAJ]))
    with pytest.raises(RegisterNotReady), work() as uow:
        service.reverse_register(uow, import_id=upload.id)
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    with pytest.raises(RegisterNotReady, match="already"), work() as uow:
        service.load_register(uow, import_id=upload.id)
    with work() as uow:
        service.reverse_register(uow, import_id=upload.id)
    with pytest.raises(RegisterNotReady), work() as uow:
        service.reverse_register(uow, import_id=upload.id)


def test_the_latest_register_is_reversed_first(work, clock):
    first = preview(work, as_csv([FAJ]), "first.csv")
    with work() as uow:
        service.load_register(uow, import_id=first.id)
    clock.now = clock.now.replace(hour=12)
    second = preview(work, as_csv([FAJ | {"population_2024": "501"}]), "second.csv")
    clock.now = clock.now.replace(hour=13)
    with work() as uow:
        service.load_register(uow, import_id=second.id)
    with pytest.raises(RegisterNotReady, match=r"Reverse that first: second\.csv"), work() as uow:
        service.reverse_register(uow, import_id=first.id)


def test_a_preview_from_before_another_load_is_out_of_date(work, clock):
    first, second = preview(work, as_csv([FAJ])), preview(work, as_csv([DOC]))
    clock.now = clock.now.replace(hour=12)
    with work() as uow:
        service.load_register(uow, import_id=first.id)
    with pytest.raises(RegisterNotReady, match="Upload the file again"), work() as uow:
        service.load_register(uow, import_id=second.id)


def test_only_who_may_import_may_preview(work):
    reader = Actor(1, "Reader", "driver", grants={"geography.read": Scope.ALL})
    with pytest.raises(NotAllowed), work(reader) as uow:
        service.preview_register(uow, file_name="x.csv", content=as_csv([FAJ]))


# --- what a row can have wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "Csenyte"}, "Unknown settlement: “Csenyte”. Is it Csenyéte?"),
        ({"name": "Xyzxyz"}, "Unknown settlement: “Xyzxyz”."),
        ({"name": "Dóc"}, "Dóc is in Csongrád-Csanád, not in Borsod-Abaúj-Zemplén."),
        ({"county": "Csongrád", "name": "Szeged"}, "There is no county “Csongrád”. Is it Csongrád-Csanád?"),
        ({"name": "Baranya", "county": "Pécs"}, "Name and county look swapped: “Baranya” is a county."),
        ({"name": ""}, "Name and county must be given."),
        ({"name": "CsenyĂ©te"}, "Wrong encoding: “CsenyĂ©te” should read “Csenyéte”. Save the file as UTF-8."),
        ({"name": "Csenyéte"}, None),
        ({"name": "Cseny\ufffdte"}, "Wrong encoding: “Cseny\ufffdte” should read “Csenyéte”. Save the file as UTF-8."),
        ({"name": "Cseny?te"}, "Wrong encoding: “Cseny?te” should read “Csenyéte”. Save the file as UTF-8."),
        ({"ksh_code": "20003"}, "The KSH code 20003 is wrong: its last digit does not match the others."),
        ({"ksh_code": "3837x"}, "“3837x” is no KSH code: it has five digits."),
        ({"ksh_code": ""}, "“” is no KSH code: it has five digits."),
        ({"nuts3": "HU312"}, "NUTS 3 of Borsod-Abaúj-Zemplén is HU311, not HU312."),
        ({"district": ""}, "The district must be given."),
        ({"district_seat": "Szeged"}, "The district's seat “Szeged” is no settlement of Borsod-Abaúj-Zemplén."),
        ({"population_2024": "-5"}, "population: “-5” is no whole number from 0 to 5000000."),
        ({"population_2024": "400,5"}, "population: “400,5” is no whole number from 0 to 5000000."),
        ({"population_2024": "٤٠٠"}, "population: “٤٠٠” is no whole number from 0 to 5000000."),
        ({"population_2024": "99999999"}, "population: 99999999 is past its range, 0 to 5000000."),
        ({"benef_settlement_code": "7"}, "benef_settlement_code: 7 is past its range, 0 to 3."),
        (
            {"lat": "20.9693", "lon": "48.4342"},
            "Latitude and longitude look swapped: 48.4342, 20.9693 would be in Hungary.",
        ),
        ({"lat": "50.08", "lon": "14.44"}, "The point 50.08, 14.44 is outside Hungary."),
        ({"lat": "46.25", "lon": "20.15"}, "The point is 250217 from Csenyéte."),
        ({"lat": "north", "lon": "20.9"}, "“north”, “20.9” are no coordinates: write degrees such as 47.4979."),
    ],
)
def test_each_wrong_row_is_answered(row, said):
    upload = judged(as_csv([FAJ, CSENYETE | row], delimiter=";"))
    assert problems(upload, 0) == []
    if said is None:
        assert problems(upload, 1) == []
    elif "The point is" in said:
        assert problems(upload, 1)[0].startswith("The point is 25"), "metres are said in the reader's way"
    else:
        assert said in problems(upload, 1)
    assert upload.rows[1]["line"] == 3


def test_swapped_code_columns_are_seen():
    upload = judged(as_csv([FAJ | {"ksh_code": FAJ["postal_codes"], "postal_codes": FAJ["ksh_code"]}]))
    assert any("KSH code" in each for each in problems(upload))


def test_a_settlement_or_a_code_twice_is_named_with_its_row():
    upload = judged(as_csv([FAJ, CSENYETE, FAJ]))
    assert problems(upload, 2) == [
        "The settlement stands in row 2 already.",
        "The KSH code stands in row 2 already.",
    ]


def test_rows_of_one_district_must_agree_on_it():
    third = FAJ | {"name": "Fulókércs", "ksh_code": "40004", "lat": "48.43", "lon": "21.1", "postal_codes": "3864"}
    upload = judged(as_csv([FAJ, CSENYETE, third | {"district_code": "205", "benef_district_code": "1"}]))
    assert problems(upload, 0) == problems(upload, 1) == []
    assert problems(upload, 2) == [
        "Encsi járás has 201 as its code in other rows, here 205.",
        "Encsi járás has 3 as its deprivation class in other rows, here 1.",
    ]


def test_a_code_may_not_change_or_move(work):
    upload = preview(work, as_csv([FAJ]))
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
    again = preview(work, as_csv([FAJ | {"ksh_code": "20002"}, CSENYETE | {"ksh_code": "10001"}]))
    assert problems(again, 0) == ["The KSH code was 10001 until now and cannot become 20002."]
    assert problems(again, 1) == ["The KSH code 10001 belongs to Fáj."]


def test_what_is_only_odd_is_remarked_on_and_loaded(work):
    odd = FAJ | {"postal_codes": "3999", "lat": "48.49", "lon": "21.08", "ksh_code": "02741"}
    upload = preview(work, as_csv([odd | {"ksh_code": "2741"}]))
    assert upload.figures["wrong"] == 0
    assert upload.figures["odd"] == 1
    assert remarks(upload)[0] == "The KSH code lost its leading zero; it was put back."
    assert remarks(upload)[-1] == "Postal codes differ: 3999 here, 3865 stored. They are left as they are."
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
        assert queries.settlement_named(uow.session, "Fáj").ksh_code == "02741"


def test_the_capital_needs_no_district(work):
    capital = FAJ | {
        **dict.fromkeys(("district", "district_code", "district_seat", "benef_district_code", "postal_codes"), ""),
        "name": "Budapest",
        "county": "Budapest",
        "nuts3": "HU110",
        "lat": "47.4979",
        "lon": "19.0402",
    }
    upload = preview(work, as_csv([capital]))
    assert problems(upload) == []
    with work() as uow:
        service.load_register(uow, import_id=upload.id)
        assert queries.settlement_named(uow.session, "Budapest").district.name == "Budapest"


# --- what a file can be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), (";", "cp1250"), ("\t", "iso8859-2"), (";", "utf-16"), ("|", "utf-8")],
)
def test_files_of_every_office_program_are_read(delimiter, encoding):
    upload = judged(as_csv([FAJ, CSENYETE], delimiter=delimiter, encoding=encoding))
    assert upload.figures["wrong"] == 0
    assert [row["name"] for row in upload.rows] == ["Fáj", "Csenyéte"]


def test_a_decimal_comma_is_read_where_semicolons_part_the_cells():
    upload = judged(as_csv([FAJ | {"lat": "48,421203", "lon": "21,076386"}], delimiter=";"))
    assert problems(upload) == []


def test_a_decimal_comma_between_commas_is_named():
    text = as_csv([FAJ]).decode().replace("48.421203", "48,421203")
    upload = judged(text.encode())
    assert problems(upload) == [
        "The row has 16 cells, the heading 15. Is a comma inside a number or a name?",
    ]


def test_a_workbook_is_read_with_titles_above_and_numbers_as_numbers():
    content = as_xlsx([FAJ | {"ksh_code": "02741"}, CSENYETE], above=[["Helységnévtár 2024"], []])
    upload = judged(content)
    assert upload.figures["wrong"] == 0
    assert upload.rows[0]["values"]["ksh_code"] == "02741"
    assert upload.rows[0]["line"] == 4


def bomb() -> bytes:
    """A workbook of half a megabyte whose sheet grows to 300."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"<row><c><v>1</v></c></row>" * 12_000_000)
    return file.getvalue()


def liar() -> bytes:
    """A workbook that declares less than it unpacks to."""
    content = bytearray(as_xlsx([FAJ]))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as packed:
        part = next(each for each in packed.infolist() if "sheet1" in each.filename)
    directory = content.rindex(part.filename.encode()) - 46
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"x" * 5_000_001, "too large"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old XLS"),
        (b"PK\x03\x04 this is no zip", "damaged"),
        (liar(), "damaged"),
        (as_xlsx([FAJ])[:-200], "damaged"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no text"),
        (b"apple,pear\n1,2\n", "No heading was found"),
        (as_csv([FAJ], heading=["name", "county"]), "The heading lacks ksh_code, district"),
        (as_csv([]), "no rows"),
        (b"name,county,ksh_code,district,name\nF,B,1,E,F\n", "The column name is there twice"),
        (as_csv([FAJ] * 20_001), "too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_register_is_refused_with_the_reason(content, said):
    refused = examine(content, KNOWN)
    assert isinstance(refused, Message)
    assert said in str(refused)


def test_a_refused_file_is_told_at_the_forms_field(work):
    with pytest.raises(RegisterUnreadable, match="is empty") as refused, work() as uow:
        service.preview_register(uow, file_name="x", content=b"")
    assert "file" in refused.value.fields


def test_a_bomb_is_refused_before_it_is_parsed(work):
    content = bomb()
    assert len(content) < 2_000_000
    with pytest.raises(RegisterUnreadable, match="grows too much"), work() as uow:
        service.preview_register(uow, file_name="bomb.xlsx", content=content)


def test_a_file_that_takes_too_long_is_stopped(work, monkeypatch):
    monkeypatch.setattr(service, "EXAMINE_SECONDS_MAX", -1)
    with pytest.raises(RegisterUnreadable, match="too long"), work() as uow:
        service.preview_register(uow, file_name="x.csv", content=as_csv([FAJ]))


def test_a_spreadsheet_before_its_gazetteer_is_told_so(new_database, clock):
    from app.foundation.database import make_engine, make_sessions
    from app.foundation.unit_of_work import unit_of_work
    from tests.conftest import EVERYTHING

    with new_database() as url:
        engine = make_engine(url, pool_size=1)
        with (
            pytest.raises(RegisterNotReady, match="not loaded yet"),
            unit_of_work(make_sessions(engine), EVERYTHING, clock) as uow,
        ):
            service.preview_register(uow, file_name="x.csv", content=as_csv([FAJ]))
        engine.dispose()
