"""The thinking of a stocktake: plain values in, plain values out."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from app.stocktakes import counting
from app.stocktakes.counting import Booked, Books, Closed, Counted, Moved

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def counted(id, quantity, minutes=0, *, round=1, lot=7, item=None, deed="counted", place=1, by=1, expires_on=None):
    return Counted(id, round, place, deed, lot, item, expires_on, quantity, at(minutes), by)


def booked(on_hand, lot=7, place=1, item=3, expires_on=None, pieces=True):
    return Booked(lot, place, item, expires_on, on_hand, pieces)


def test_the_books_of_a_moment_are_those_of_now_less_what_happened_later():
    books = Books([booked(10)], [Moved(7, 1, 4, at(5)), Moved(7, 1, -2, at(20))])
    assert [books.at(1, 7, at(minutes)) for minutes in (0, 5, 19, 20)] == [8, 12, 12, 10]
    assert books.at(2, 7, NOON) == 0


def test_any_history_gives_the_books_of_any_moment():
    chance = Random(9)
    for _ in range(200):
        steps = [Moved(7, 1, chance.randint(-5, 9), at(chance.randint(-60, 60))) for _ in range(chance.randint(0, 20))]
        start = chance.randint(0, 50)
        now = start + sum(each.quantity for each in steps)
        moment = at(chance.randint(-70, 70))
        truth = start + sum(each.quantity for each in steps if each.happened_at <= moment)
        assert Books([booked(now)], steps).at(1, 7, moment) == truth


def test_the_newest_count_of_a_round_holds_by_when_it_was_counted_not_by_when_it_was_told():
    rows = [counted(1, 5, 10), counted(2, 4, 8), counted(3, 6, 10), counted(4, 1, 30, round=2)]
    assert [row.quantity for row in counting.standing(rows, 1, 1)] == [6]
    assert [row.quantity for row in counting.standing(rows, 1, 2)] == [1]


def test_a_place_found_empty_forgets_what_was_counted_before_and_not_what_is_counted_after():
    rows = [counted(1, 5, 1), counted(2, 0, 2, lot=None, deed="empty"), counted(3, 2, 3, lot=8)]
    assert [(row.lot_id, row.quantity) for row in counting.standing(rows, 1, 1)] == [(8, 2)]


def test_what_was_not_counted_in_a_closed_place_is_not_there():
    lines = counting.compare([counted(1, 5, 1)], [Closed(1, at(10))], Books([booked(5), booked(9, lot=8)], []))
    assert [(line.lot_id, line.expected, line.counted, line.recount) for line in lines] == [
        (7, 5, 5, False),
        (8, 9, 0, True),
    ]


def test_the_second_count_decides_where_the_first_differed_and_a_choice_decides_over_both():
    rows = [counted(1, 4, 1), counted(2, 9, 1, lot=8), counted(3, 5, 20, round=2)]
    books = Books([booked(6), booked(9, lot=8)], [])
    (seven, eight) = counting.compare(rows, [Closed(1, at(10), at(30))], books)
    assert (seven.first, seven.second, seven.counted, seven.difference, seven.round) == (4, 5, 5, -1, 2)
    assert (eight.counted, eight.round, eight.recount) == (9, 1, False)
    (chosen, _) = counting.compare(rows, [Closed(1, at(10), at(30))], books, [counting.Chosen(1, 7, 6)])
    assert (chosen.counted, chosen.difference, chosen.round) == (6, 0, 3)


@pytest.mark.parametrize(
    ("expected", "found", "pieces", "again"),
    [(100, 99, True, True), (1000, 991, False, False), (1000, 989, False, True), (0, 1, False, True)],
)
def test_pieces_are_counted_again_for_any_difference_and_weights_beyond_one_percent(expected, found, pieces, again):
    assert counting.needs_recount(expected, found, pieces=pieces) is again


def test_what_was_counted_together_is_dealt_out_and_the_first_to_expire_lack():
    early, late = date(2027, 1, 1), date(2027, 6, 1)
    both = [(7, early, 10), (8, late, 20)]
    assert counting.share_out(30, both) == {7: 10, 8: 20}
    assert counting.share_out(25, both) == {7: 5, 8: 20}
    assert counting.share_out(33, both) == {7: 13, 8: 20}
    assert counting.share_out(0, both) == {7: 0, 8: 0}


def test_lots_counted_together_leave_those_alone_that_were_counted_by_themselves():
    rows = [counted(1, 12, lot=None, item=3), counted(2, 4, lot=9)]
    books = Books([booked(10), booked(5, lot=8), booked(4, lot=9)], [])
    result = counting.found(rows, books, 1, 1, at(10))
    assert {lot: quantity for lot, (quantity, _) in result.items()} == {7: 7, 8: 5, 9: 4}


def test_only_what_happened_before_it_was_counted_is_contained_in_the_count():
    moved = [(1, 7, -6, at(0)), (2, 7, 6, at(0)), (3, 7, 2, at(0)), (3, 7, -2, at(0)), (4, 7, 5, at(9))]
    when = {(1, 7): at(1), (2, 7): at(1), (3, 7): at(1), (4, 7): at(1)}
    assert counting.contained(moved, when) == {(1, 7): -6, (2, 7): 6}
