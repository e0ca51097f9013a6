from app.foundation.words import say
from app.planning import picture
from app.planning.problem import (
    ALWAYS,
    Depot,
    Load,
    Plan,
    Point,
    Relaxation,
    Route,
    Stop,
    TimeWindow,
    Unserved,
    Vehicle,
    Visit,
)

MISKOLC, EGER = Depot(1, 0, "Miskolc"), Depot(2, 1, "Eger")
EIGHT = 8 * 3600
SHIFT = TimeWindow(7 * 3600, 15 * 3600)
BIG = Load(1_000, 2_000, 4)
VEHICLES = [Vehicle(n, depot, depot, BIG, SHIFT, name=f"Van {n}") for n, depot in ((11, 1), (12, 1), (21, 2))]
STOPS = [
    Stop(1, 2, Load(100), (TimeWindow(EIGHT, EIGHT + 3600),), priority=1, name="Csenyéte"),
    Stop(2, 3, Load(200), (ALWAYS,), priority=3, name="Tomor"),
    Stop(3, 4, Load(300), (ALWAYS,), priority=3, name="Szendrőlád"),
    Stop(4, 5, Load(400), (ALWAYS,), priority=1, name="Göncruszka"),
]
QUESTION = picture.Question([EGER, MISKOLC], VEHICLES, STOPS, [Point(48 + n / 10, 20 + n / 10) for n in range(6)])


def a_route(vehicle_id, *stop_ids):
    visits = tuple(
        Visit(stop_id, EIGHT + place * 3600 - 600, EIGHT + place * 3600, EIGHT + place * 3600 + 900)
        for place, stop_id in enumerate(stop_ids)
    )
    return Route(vehicle_id, visits, EIGHT - 3600, EIGHT + 3 * 3600, Load(650, 400, 1), 42_000, 4 * 3600, 7)


HELP = Relaxation("window", {}, say("It fits"), vehicle_id=11, extra_m=11_000)
PLAN = Plan(
    (a_route(11, 1, 2), a_route(12), a_route(21, 3)),
    (Unserved(4, say("The window is too short"), "window", (HELP,)),),
    14,
    0,
)
HUES = {1: 3, 2: 5}


def view():
    return picture.picture(QUESTION, PLAN, HUES)


def test_runs_stand_below_their_warehouse_and_vehicles_that_stay_are_left_away():
    depots = view().depots
    assert [(depot.name, [run.id for run in depot.runs]) for depot in depots] == [("Eger", [21]), ("Miskolc", [11])]
    assert [(depot.hue, depot.stops, depot.distance_m) for depot in depots] == [(5, 1, 42_000), (3, 2, 42_000)]
    assert (view().runs, view().stops, view().distance_m, view().weight_g) == (2, 3, 84_000, 1_300)


def test_bars_say_how_full_weight_volume_and_working_time_are():
    run = view().run(11)
    assert (run.weight_pct, run.volume_pct, run.time_pct) == (65, 20, 50)


def test_what_was_left_out_stands_most_urgent_first_with_its_letter_and_what_would_help():
    (left,) = view().left
    assert (left.letter, left.name, left.urgency, str(left.reason)) == ("A", "Göncruszka", 1, "The window is too short")
    assert [(help.code, help.run_number, help.extra_m) for help in left.helps] == [("window", 2, 11_000)]


def test_letters_go_on_after_z():
    assert [picture.letter(place) for place in (0, 25, 26, 51, 52, 702)] == ["A", "Z", "AA", "AZ", "BA", "AAA"]


def test_a_day_shows_stops_windows_and_waiting_in_their_order():
    day = picture.day(QUESTION, PLAN, view(), 11)
    assert [visit.name for visit in day.visits] == ["Csenyéte", "Tomor"]
    assert len(day.windows) == 1
    assert len(day.waits) == 2
    assert day.stops[0].x < day.stops[1].x
    assert all(0 <= bar.x <= 100 and bar.x + bar.width <= 100.01 for bar in [*day.stops, *day.windows, *day.waits])
    assert picture.day(QUESTION, PLAN, view(), 12) is None


def test_the_map_gets_runs_from_their_warehouse_and_what_was_left_out():
    drawn = picture.drawing(QUESTION, PLAN, view(), HUES)
    assert [run["id"] for run in drawn["runs"]] == [11, 21]
    assert drawn["runs"][0]["depot"] == [48.0, 20.0]
    assert [stop["name"] for stop in drawn["runs"][0]["stops"]] == ["Csenyéte", "Tomor"]
    assert [left["letter"] for left in drawn["left"]] == ["A"]


def test_a_difference_names_what_comes_and_goes_run_by_run():
    before = Plan((a_route(11, 1), a_route(12, 3)), (), 14, 0)
    changes = picture.difference((QUESTION, before), (QUESTION, PLAN))
    assert [(change.kind, change.name, change.added, change.dropped) for change in changes] == [
        ("gone", "Van 12", [], ["Szendrőlád"]),
        ("more", "Van 11", ["Tomor"], []),
        ("new", "Van 21", ["Szendrőlád"], []),
    ]
    assert picture.difference((QUESTION, PLAN), (QUESTION, PLAN)) == []


def test_the_falling_line_ends_at_the_cheapest_plan_and_the_bound_lies_below_it():
    line = picture.falling([[2, 4210, 9], [30, 3537, 9]], 60, 3392)
    assert line["path"].startswith("M16.0,16.0")
    assert line["x"] == 240.0
    assert line["y"] < line["bound"]
    assert picture.falling([], 60, None) is None
