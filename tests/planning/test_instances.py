"""The files of the routing world are read by their own rounding (tiny ones are written here)."""

from __future__ import annotations

import pytest

from app.planning import audit, instances
from app.planning.problem import UNLIMITED
from app.planning.timing import make_plan

CVRP = """NAME : X-n4-k2
COMMENT : "made up"
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 1 1
4 6 8
DEMAND_SECTION
1 0
2 6
3 5
4 4
DEPOT_SECTION
1
-1
EOF
"""
CVRP_SOLUTION = "Route #1: 1 3\nRoute #2: 2\nCost 22\n"
SOLOMON = """C1

VEHICLE
NUMBER     CAPACITY
  2         20

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0        100          0
    1      1         1         10         10         20          5
    2      3         4         10          0         90          5
"""
CORDEAU = """2 1 2 2
50 20
0 20
1 3 4 2 10 1 2 1 2
2 0 9 0 10 1 2 1 2
3 0 0 0 0 0 0
4 0 10 0 0 0 0
"""
FLEET = """NAME: fleet
TYPE: MDVRPTW
DIMENSION: 3
VEHICLES: 2
EDGE_WEIGHT_TYPE: EUC_2D
VEHICLES_MAX_DURATION: 460
NODE_COORD_SECTION
1 0 0
2 0 5
3 1.5 2
DEMAND_SECTION
1 0
2 0
3 7
SERVICE_TIME_SECTION
1 0
2 0
3 2.5
TIME_WINDOW_SECTION
1 0 1000
2 0 1000
3 10 20
CAPACITY_SECTION
1 8
2 9
VEHICLES_UNIT_DISTANCE_COST_SECTION
1 3
2 4
VEHICLES_FIXED_COST_SECTION
1 2
2 1
VEHICLES_DEPOT_SECTION
1 1
2 2
DEPOT_SECTION
1
2
-1
EOF
"""


def test_a_published_cost_is_reproduced():
    instance = instances.parse(CVRP, name="X-n4-k2")
    routes, cost = instances.read_solution(CVRP_SOLUTION)
    problem = instance.problem
    assert instance.family == "X" and routes == [[1, 3], [2]]
    plan = make_plan(problem, [(problem.vehicles[i].id, route) for i, route in enumerate(routes)])
    # 5 + 5 + 10 and 1.41 rounded there and back.
    assert plan.cost == cost == 22
    assert audit.check(problem, plan) == []


def test_solomon_cuts_to_tenths_and_keeps_windows():
    problem = instances.parse(SOLOMON, name="C1").problem
    assert problem.scale == 10 and len(problem.vehicles) == 2
    assert problem.distances_m[0, 1] == 14 and problem.distances_m[0, 2] == 50
    assert problem.stops[0].windows == ((100, 200),) and problem.stops[0].service_seconds == 50
    assert problem.working_hours(problem.vehicles[0]) == (0, 1_000)


def test_cordeau_has_its_depots_at_the_end_and_a_limit_for_each():
    problem = instances.parse(CORDEAU, name="p").problem
    assert [depot.location for depot in problem.depots] == [2, 3]
    assert problem.vehicles[0].duration_max_seconds == 500_002 and problem.vehicles[1].duration_max_seconds == UNLIMITED
    assert problem.distances_m[2, 0] == 50_000 and problem.stops[0].service_seconds == 20_000


def test_vrplib_fleets_depots_and_windows_are_read_in_thousandths():
    problem = instances.parse(FLEET, name="fleet").problem
    assert [stop.location for stop in problem.stops] == [2]
    first, second = problem.vehicles
    assert (first.capacity.weight_g, first.metre_cost, first.fixed_cost, first.start_depot_id) == (8, 3, 2_000, 0)
    assert (second.capacity.weight_g, second.start_depot_id, second.duration_max_seconds) == (9, 1, 460_000)
    assert problem.distances_m[0, 2] == 2_500 and problem.stops[0].service_seconds == 2_500


@pytest.mark.parametrize("text", ["", "VEHICLE\n", CVRP.replace("2 3 4\n", ""), "2 1 2 2\n0 0\n", CVRP[:130]])
def test_what_is_no_instance_is_refused(text):
    with pytest.raises(instances.UnknownFormat):
        instances.parse(text, name="broken")
