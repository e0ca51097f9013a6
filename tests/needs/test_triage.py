from datetime import date

from app.needs.triage import FACTS, Rule, facts_of, freezes, judge

WINTER, SUMMER = date(2026, 12, 10), date(2026, 7, 1)
TABLE = [
    Rule("baby_without_formula", 1, category="baby"),
    Rule("no_heating_below_zero", 1, category="fuel"),
    Rule("no_heating", 2, category="fuel"),
    Rule("wanted_in_days", 2, threshold=3),
    Rule("waiting_days", 3, threshold=14),
    Rule("children", 3, threshold=4, category="food"),
]


def known(on=WINTER, since=WINTER, wanted_by=None, medical=False, **household):
    return facts_of(household, on=on, waiting_since=since, wanted_by=wanted_by, medical_item=medical)


def test_a_baby_without_formula_makes_baby_food_urgent_and_furniture_not():
    facts = known(age_0_1=1, size=3, baby_without_formula=True)
    urgent = judge(TABLE, facts, {"baby-food", "baby"})
    assert urgent.urgency == 1
    assert urgent.grounds[0].text == "There is nothing to feed the baby today"
    assert judge(TABLE, facts, {"furniture"}).urgency == 4


def test_no_heating_is_more_urgent_when_it_freezes():
    assert judge(TABLE, known(heating="none", on=WINTER), {"fuel"}).urgency == 1
    assert judge(TABLE, known(heating="none", on=SUMMER, since=SUMMER), {"fuel"}).urgency == 2
    assert judge(TABLE, known(heating="wood"), {"fuel"}).urgency == 4
    assert [freezes(date(2026, 11, day)) for day in (14, 15)] == [False, True]
    assert [freezes(date(2026, 3, day)) for day in (15, 16)] == [True, False]


def test_numbers_count_from_their_threshold_on_and_days_until_wanted_up_to_it():
    assert judge(TABLE, known(since=date(2026, 11, 26))).urgency == 3
    assert judge(TABLE, known(since=date(2026, 11, 27))).urgency == 4
    assert judge(TABLE, known(wanted_by=date(2026, 12, 13))).urgency == 2
    assert judge(TABLE, known(wanted_by=date(2026, 12, 14))).urgency == 4
    four = known(age_2_5=1, age_6_13=3, size=5)
    assert judge(TABLE, four, {"food-staple", "food"}).urgency == 3
    assert judge(TABLE, four, {"school"}).urgency == 4


def test_every_ground_is_said_once_the_deciding_one_first():
    facts = known(heating="none", since=date(2026, 11, 1), wanted_by=date(2026, 12, 11))
    verdict = judge(TABLE, facts, {"fuel"})
    assert verdict.urgency == 1
    assert [str(ground) for ground in verdict.grounds] == [
        "The home has no heating, and it freezes at this time of the year",
        "The home has no heating",
        "Days until it is wanted: 1",
        "Days of waiting: 39",
    ]


def test_without_a_row_that_holds_a_need_can_wait_and_says_so():
    verdict = judge([], known(size=3))
    assert verdict.urgency == 4
    assert str(verdict.grounds[0]) == "No row of the urgency table holds: it can wait"


def test_a_fact_nobody_knows_decides_nothing():
    assert judge([Rule("full_moon", 1)], known(size=3)).urgency == 4
    assert set(known(size=3)) == set(FACTS)


def test_everybody_over_65_is_told_from_somebody_over_65():
    rules = [Rule("only_old", 3)]
    assert judge(rules, known(size=2, age_65_up=2)).urgency == 3
    assert judge(rules, known(size=3, age_65_up=2)).urgency == 4
    assert judge(rules, known(size=0)).urgency == 4
