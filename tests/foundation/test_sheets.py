"""Tables that leave the house: they open in office programs, and nothing in them acts."""

import io
import weakref
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook

from app.foundation.sheets import as_csv, as_xlsx, written_as

FORMULAS = ["=1+1", "+49", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("typed", FORMULAS)
def test_what_looks_like_a_formula_is_a_text_in_both_forms(typed):
    written = as_csv(["name"], [[typed]]).decode("utf-8-sig").splitlines()[1]
    assert written.strip('"').startswith("'")
    cell = load_workbook(io.BytesIO(as_xlsx(["name"], [[typed]]))).active["A2"]
    assert (cell.data_type, cell.value[0]) == ("s", "'")


@pytest.mark.parametrize("typed", ["#N/A", "#REF!", "12", "2026-11-24", "TRUE"])
def test_a_text_stays_a_text_in_a_workbook(typed):
    cell = load_workbook(io.BytesIO(as_xlsx(["name"], [[typed]]))).active["A2"]
    assert (cell.data_type, cell.value) == ("s", typed)


def test_numbers_days_and_times_stay_what_they_are():
    moment = datetime(2026, 11, 24, 15, 5, tzinfo=UTC)
    row = [-12, date(2026, 11, 24), moment, None, "Ózd; „ő”"]
    lines = as_csv(list("abcde"), [row]).decode("utf-8-sig").splitlines()
    assert lines[1] == '-12;2026-11-24;2026-11-24 16:05:00;;"Ózd; „ő”"'
    cells = [cell.value for cell in load_workbook(io.BytesIO(as_xlsx(list("abcde"), [row]))).active[2]]
    assert cells == [-12, datetime(2026, 11, 24), datetime(2026, 11, 24, 16, 5), None, "Ózd; „ő”"]


class Row(list):
    """A row whose end can be noticed."""

    __hash__ = object.__hash__


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_of_a_long_table_no_more_than_a_few_rows_are_in_memory_at_once(form):
    alive, most = weakref.WeakSet(), []

    def rows():
        for number in range(3_000):
            row = Row([number, "=1+1", f"row {number} is long enough to fill a mebibyte " * 10])
            alive.add(row)
            most.append(len(alive))
            yield row

    sheet = written_as(form, ["a", "b", "c"], rows())
    assert (sheet.rows, max(most)) == (3_000, most[-1])
    assert max(most) <= 3
    assert sheet.file._rolled == (sheet.size > 2**20)
    pieces = list(sheet)
    assert max(map(len, pieces)) <= 2**16 and sheet.file.closed


def test_a_row_that_cannot_be_read_leaves_no_half_a_table():
    def rows():
        yield ["one"]
        raise ValueError

    with pytest.raises(ValueError):
        written_as("csv", ["a"], rows())
