"""What could be done with goods that expire, and how a shelf gets full again."""

from hypothesis import given
from hypothesis import strategies as st

from app.inventory.proposals import MOST, Around, Goods, Lack, Source, proposals, refill, surplus


def goods(**facts):
    given = {"item_id": 1, "warehouse_id": 10, "county_id": 100, "quantity": 50, "days_left": 20, "days_needed": 3}
    return Goods(**{**given, **facts})


def kinds(of, around=None):
    return [each.kind for each in proposals(of, around or Around())]


def test_what_has_expired_or_would_be_too_late_is_written_off():
    assert kinds(goods(days_left=-1)) == ["write_off"]
    assert kinds(goods(days_left=2), Around(wanted=9, wanted_by_county={100: 9})) == ["write_off"]


def test_open_needs_of_the_county_come_first_then_who_lacks_it_then_other_counties():
    around = Around(
        wanted=100,
        wanted_by_county={100: 20, 200: 80},
        lacks=[Lack(10, 100, "Own", 5), Lack(11, 100, "Near", 6), Lack(21, 200, "Far", 30)],
        homes={200: (20, "Elsewhere")},
    )
    found = proposals(goods(), around)
    assert [(each.kind, each.quantity) for each in found] == [("give", 20), ("transfer", 6), ("transfer", 30)]
    assert found[1].arguments == {"from_warehouse_id": 10, "to_warehouse_id": 11, "item_id": 1, "quantity": 6}


def test_what_nobody_waits_for_is_offered_and_hardly_any_time_prepares_the_write_off():
    assert kinds(goods()) == ["offer"]
    assert kinds(goods(days_left=5)) == ["offer", "write_off"]


def test_what_is_held_or_spoken_for_is_not_proposed_to_anybody():
    around = Around(wanted_by_county={100: 9})
    assert kinds(goods(held=True), around) == ["hold"]
    assert kinds(goods(quantity=0), around) == ["hold"]


def test_a_kit_is_a_use():
    assert kinds(goods(), Around(kits=[(3, "Family parcel")])) == ["kit"]


@given(
    quantity=st.integers(0, 1000),
    days=st.integers(-5, 100),
    wanted=st.dictionaries(st.integers(100, 105), st.integers(1, 500), max_size=5),
    lacks=st.lists(st.tuples(st.integers(10, 15), st.integers(1, 500)), max_size=5),
)
def test_there_is_always_a_proposal_and_never_of_more_than_there_is(quantity, days, wanted, lacks):
    around = Around(
        wanted=sum(wanted.values()),
        wanted_by_county=wanted,
        lacks=[Lack(warehouse, 100 + warehouse - 10, "W", missing) for warehouse, missing in lacks],
        homes={county: (county, "H") for county in range(100, 106)},
    )
    found = proposals(goods(quantity=quantity, days_left=days), around)
    assert 1 <= len(found) <= MOST
    assert all(0 <= each.quantity <= quantity for each in found)


def test_a_shelf_below_its_least_is_filled_to_its_most_from_the_largest_surplus_first():
    sources = [Source(1, "A", 30), Source(2, "B", 50), Source(3, "C", 500)]
    found = refill(available=4, coming=6, least=20, most=600, sources=sources)
    assert [(source.name, share) for source, share in found.transfers] == [("C", 500), ("B", 50), ("A", 30)]
    assert (found.wanted, found.to_ask) == (590, 10)


def test_what_is_on_its_way_counts_and_twice_the_least_stands_for_a_most():
    assert refill(available=4, coming=16, least=20, most=None, sources=[]).wanted == 0
    assert refill(available=4, coming=0, least=20, most=None, sources=[]).to_ask == 36


def test_only_what_is_above_the_own_most_can_be_spared():
    assert surplus(100, 20, 60) == 40
    assert surplus(100, 20, None) == 60
    assert surplus(100, None, None) == 50
    assert surplus(10, 20, 60) == 0
