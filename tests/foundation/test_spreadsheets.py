"""Files of every office program are read, and none of them hurts the reader."""

import io
import time
import zipfile

import openpyxl
import pytest

from app.foundation.child import think
from app.foundation.spreadsheets import NumberCell, Unreadable, read_any_table, read_table

HEADING = ("Megnevezés", "Mennyiség", "Hely")
ROWS = [("Őszibarack, űrtartalom", "1 234,5", "MIS-A-01"), ("Tűző szőnyeg", "7", "")]


def known(heading):
    return heading.strip() in HEADING


def cells(table):
    return [[str(row.cells[column]) for column in table.columns] for row in table.rows]


def text(delimiter=";"):
    quoted = [HEADING, *ROWS]
    return "\r\n".join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in quoted)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1250", "iso8859-2", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_a_text_file_is_read_in_every_encoding_and_cut(encoding, delimiter):
    table = read_any_table(text(delimiter).encode(encoding), known)
    assert table.columns == HEADING
    assert cells(table) == [list(row) for row in ROWS]


def test_titles_above_and_a_line_that_names_the_separator_are_passed_over():
    table = read_any_table(("sep=;\r\nNyitókészlet 2026\r\n\r\n" + text()).encode(), known)
    assert cells(table) == [list(row) for row in ROWS]
    assert [row.line for row in table.rows] == [5, 6]


def test_columns_without_a_heading_and_with_the_same_are_told_apart():
    table = read_any_table(b"Hely;;Hely\r\n1;2;3\r\n", known)
    assert table.columns == ("Hely", "B", "Hely (2)")


def workbook(rows, heading=HEADING):
    book = openpyxl.Workbook()
    for row in (heading, *rows):
        book.active.append(list(row))
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


def ods(body, extra=None):
    """Return an ODS file whose only sheet holds ``body``."""
    spaces = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{extra or ""}<office:document-content {spaces}><office:body>'
        f'<office:spreadsheet><table:table table:name="A">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        packed.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
        packed.writestr("content.xml", content)
    return stored.getvalue()


def cell(value, kind="string", times=1, repeated="columns"):
    number = f' office:value="{value}"' if kind == "float" else ""
    return (
        f'<table:table-cell office:value-type="{kind}"{number} table:number-{repeated}-repeated="{times}">'
        f"<text:p>{value}</text:p></table:table-cell>"
    )


def row(*found, times=1):
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(found)}</table:table-row>'


EMPTY_TO_THE_EDGE = '<table:table-cell table:number-columns-repeated="16381"/>'


def test_an_ods_file_is_read_with_the_empty_cells_that_office_programs_write_to_the_edge():
    body = (
        row(*(cell(each) for each in HEADING), EMPTY_TO_THE_EDGE)
        + row(cell("Liszt"), cell("12.5", "float"), cell("MIS-A-01"), EMPTY_TO_THE_EDGE)
        + f'<table:table-row table:number-rows-repeated="1048574">{EMPTY_TO_THE_EDGE}</table:table-row>'
    )
    table = read_any_table(ods(body), known)
    assert cells(table) == [["Liszt", "12.5", "MIS-A-01"]]
    assert isinstance(table.rows[0].cells["Mennyiség"], NumberCell)


def test_a_number_of_a_workbook_is_known_as_one_and_a_text_that_looks_like_one_is_not():
    table = read_any_table(workbook([("a", 1.5, "1.5")]), known)
    found = table.rows[0].cells
    assert (type(found["Mennyiség"]), found["Mennyiség"]) == (NumberCell, "1.5")
    assert (type(found["Hely"]), found["Hely"]) == (str, "1.5")


# --- bombs: refused before they are parsed --------------------------------------------------------------------------


def repacked(content, change):
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, change(part.filename, old.read(part)))
    return stored.getvalue()


def with_sheet(change):
    return repacked(workbook([("a", 1, "b")]), lambda name, data: change(data) if name.endswith("sheet1.xml") else data)


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n > 1 else "&lol;" * 10}">' for n in range(1, 10))
    + "]>"
)


def grown():
    return with_sheet(lambda data: data.replace(b"</sheetData>", b"<!--" + b" " * 60_000_000 + b"--></sheetData>"))


def lying():
    content = bytearray(with_sheet(lambda data: data + b"<!--" + b" " * 40_000_000 + b"-->"))
    # The sizes that the archive declares say little; what comes out of it is counted.
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = 0
        while (start := content.find(sign, start)) >= 0:
            content[start + at : start + at + 4] = (1000).to_bytes(4, "little")
            start += 4
    return bytes(content)


def nested():
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([("a", 1, "b")]))) as old, zipfile.ZipFile(stored, "w") as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))
        new.writestr("xl/embeddings/inner.bin", workbook([("a", 1, "b")]))
    return stored.getvalue()


BOMBS = {
    "a sheet that grows past 50 MB": grown,
    "sizes that lie": lying,
    "an archive within": nested,
    "a billion laughs in XLSX": lambda: with_sheet(
        lambda data: data.replace(b"<worksheet", LAUGHS.encode() + b"<worksheet", 1)
    ),
    "a billion laughs in ODS": lambda: ods(row(cell("&l9;")), LAUGHS),
    "a cell in the last row and column": lambda: with_sheet(
        lambda data: data.replace(b"</sheetData>", b'<row r="9"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    ),
    "a cell far down and far right, each within bounds": lambda: with_sheet(
        lambda data: data.replace(b"</sheetData>", b'<row r="90000"><c r="XFA90000"><v>1</v></c></row></sheetData>')
    ),
    "a million columns": lambda: with_sheet(
        lambda data: data.replace(b"</sheetData>", b'<row r="9"><c r="BDWGN9"><v>1</v></c></row></sheetData>')
    ),
    "a cell repeated a billion times": lambda: ods(
        row(*(cell(each) for each in HEADING)) + row(cell("x", times=16384), times=1048576)
    ),
    "one giant line": lambda: b"Hely;" + b"a;" * 2_400_000,
    "one giant cell": lambda: b'Hely;Megnevez\n"' + b"a" * 4_000_000,
    "many small parts": lambda: many_parts(),
}


def many_parts():
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as packed:
        for number in range(2000):
            packed.writestr(f"xl/{number}.xml", "<a/>")
    return stored.getvalue()


def read(content, *, say):
    try:
        return len(read_any_table(content, known).rows)
    except Unreadable as refused:
        return str(refused)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_words_quickly_and_within_little_memory(bomb):
    content = BOMBS[bomb]()
    assert len(content) <= 5_000_000, "it would be refused for its size alone"
    started = time.monotonic()
    ended = think(read, content, seconds_max=30, memory_bytes_max=600_000_000)
    assert ended.how == "answered", ended.reason
    assert isinstance(ended.answer, str) and ended.answer.endswith("."), ended.answer
    assert time.monotonic() - started < 10


def test_what_is_no_table_says_why():
    for content, said in (
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0old", "old XLS"),
        (b"PK\x03\x04broken", "damaged"),
        (b"x" * 5_000_001, "at most 5 MB"),
        (b"just words\nand more words\n", "No table"),
    ):
        with pytest.raises(Unreadable, match=said):
            read_any_table(content, known)
    with pytest.raises(Unreadable, match="No heading was found"):
        read_table(b"a;b\r\n1;2\r\n", ("name", "county"))
