"""Why a stop was left out, and the cheapest change that would serve it. Pure.

Every place in every run that may serve the stop is tried; where it does not fit, one thing at a time is let go: the
stop's own window, the end or the start of the shift, the load. What then fits is a relaxation: a code with its figures,
a sentence, and – for ``relaxed`` – a change that can be made to the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.foundation.words import Message, say
from app.planning import audit
from app.planning.problem import (
    ALWAYS,
    UNLIMITED,
    Load,
    Plan,
    Problem,
    Relaxation,
    Route,
    Stop,
    TimeWindow,
    Unserved,
    Vehicle,
    may_carry,
)
from app.planning.timing import Legs, best_times, forward, make_route

POSITIONS_TRIED = 3
"""In each run, the places with the shortest detour."""
RELAXATIONS_SHOWN = 3
EARLIER_SECONDS = (900, 1_800, 2_700, 3_600, 5_400, 7_200)
SECOND_WORTH = 1_000
"""To compare changes: moving a window or a shift by a second, in thousandths of the currency."""
GRAM_WORTH = 20
"""Taking a gram (or a millilitre) off a run."""
STOPS_EXPLAINED_MAX = 300
"""Beyond this many the search was given far too few vehicles, and the rest gets its reason only."""


def explain(problem: Problem, plan: Plan) -> Plan:
    """Return the plan with a reason and the cheapest relaxations at every stop that it leaves out."""
    explainer = _Explainer(problem, plan)
    dearest_first = sorted(plan.unserved, key=lambda each: -problem.penalty_of(problem.stop_by_id[each.stop_id]))
    in_full = {each.stop_id for each in dearest_first[:STOPS_EXPLAINED_MAX]}
    return replace(
        plan,
        unserved=tuple(
            explainer.explained(problem.stop_by_id[each.stop_id], in_full=each.stop_id in in_full)
            for each in plan.unserved
        ),
    )


def relaxed(problem: Problem, stop_id: int, relaxation: Relaxation) -> Problem:
    """Return the problem with a relaxation made: what had to give way has given way."""
    facts = {name: fact for name, fact in relaxation.facts.items() if isinstance(fact, int)}
    stop = problem.stop_by_id[stop_id]
    if relaxation.code in ("window_later", "window_earlier"):
        return _with_stop(problem, replace(stop, windows=_windows(stop, relaxation)))
    if relaxation.code in ("shift_later", "shift_earlier") and relaxation.vehicle_id is not None:
        return _with_vehicle(problem, _shift(problem.vehicle_by_id[relaxation.vehicle_id], relaxation))
    if relaxation.vehicle_id is None:
        return problem
    vehicle = problem.vehicle_by_id[relaxation.vehicle_id]
    if relaxation.code == "more_room":
        room = Load(*(amount + facts.get(name, 0) for name, amount in vehicle.capacity._asdict().items()))
        return _with_vehicle(problem, replace(vehicle, capacity=room))
    if relaxation.code == "longer_day":
        return _with_vehicle(problem, replace(vehicle, duration_max_seconds=facts["duration_max_seconds"]))
    if relaxation.code == "longer_way":
        return _with_vehicle(problem, replace(vehicle, distance_max_m=facts["distance_max_m"]))
    if relaxation.code == "one_more_stop":
        return _with_vehicle(problem, replace(vehicle, stops_max=vehicle.stops_max + 1))
    if relaxation.code == "other_depot" and stop.depot_ids is not None:
        return _with_stop(problem, replace(stop, depot_ids=stop.depot_ids | {vehicle.start_depot_id}))
    return problem


def with_stop(problem: Problem, vehicle_id: int, stop_ids: Sequence[int], stop_id: int) -> Route | None:
    """Return the cheapest route of a vehicle with one more stop, the order of the others kept; None if none holds.

    The problem is that of this run alone: the vehicle and these stops.
    """
    vehicle = problem.vehicle_by_id[vehicle_id]
    orders = [[*stop_ids[:at], stop_id, *stop_ids[at:]] for at in range(len(stop_ids) + 1)]
    for route in sorted((make_route(problem, vehicle, order) for order in orders), key=lambda route: route.cost):
        if not audit.check(problem, Plan((route,), (), route.cost, 0)):
            return route
    return None


def with_route(plan: Plan, route: Route, penalty: int) -> Plan:
    """Return the plan with a vehicle's route put in place of its old one; ``penalty`` is no longer to be paid."""
    kept = [each for each in plan.routes if each.vehicle_id != route.vehicle_id]
    routes = tuple(sorted([*kept, route], key=lambda each: each.vehicle_id))
    return replace(
        plan,
        routes=routes,
        unserved=tuple(each for each in plan.unserved if each.stop_id not in route.stop_ids),
        cost=sum(each.cost for each in routes),
        penalty=plan.penalty - penalty,
    )


def _whole(relaxation: Relaxation, name: str) -> int:
    fact = relaxation.facts[name]
    assert isinstance(fact, int), f"{relaxation.code} states its {name} as a whole number"
    return fact


def _windows(stop: Stop, relaxation: Relaxation) -> tuple[TimeWindow, ...]:
    """Return the stop's windows with one made wider; others that it now covers are gone."""
    wider = TimeWindow(_whole(relaxation, "opens_seconds"), _whole(relaxation, "closes_seconds"))
    apart = [
        w for w in stop.windows if w.closes_seconds < wider.opens_seconds or w.opens_seconds > wider.closes_seconds
    ]
    return tuple(sorted([*apart, wider]))


def _shift(vehicle: Vehicle, relaxation: Relaxation) -> Vehicle:
    if relaxation.code == "shift_later":
        shift = vehicle.shift._replace(closes_seconds=_whole(relaxation, "closes_seconds"))
    else:
        shift = vehicle.shift._replace(opens_seconds=_whole(relaxation, "opens_seconds"))
    return replace(vehicle, shift=shift)


def _with_stop(problem: Problem, stop: Stop) -> Problem:
    return replace(problem, stops=tuple(stop if each.id == stop.id else each for each in problem.stops))


def _with_vehicle(problem: Problem, vehicle: Vehicle) -> Problem:
    return replace(problem, vehicles=tuple(vehicle if each.id == vehicle.id else each for each in problem.vehicles))


def clock(seconds: int) -> str:
    """Return a time of day as people write it: 28,800 → 8:00."""
    return f"{seconds // 3600 % 24}:{seconds // 60 % 60:02d}"


def _minutes(seconds: int) -> int:
    return -(-seconds // 60)


@dataclass(frozen=True, slots=True)
class _Place:
    """A stop put into a run before one of its visits."""

    vehicle: Vehicle
    stops: tuple[Stop, ...]
    position: int
    extra_m: int
    extra_cost: int


class _Explainer:
    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        routes = {route.vehicle_id: route for route in plan.routes}
        self.routes = {
            vehicle.id: tuple(problem.stop_by_id[s] for s in routes[vehicle.id].stop_ids)
            if vehicle.id in routes
            else ()
            for vehicle in problem.vehicles
        }
        self.loads = {
            vehicle.id: routes[vehicle.id].load if vehicle.id in routes else Load() for vehicle in problem.vehicles
        }

    def explained(self, stop: Stop, *, in_full: bool) -> Unserved:
        able = [vehicle for vehicle in self.problem.vehicles if may_carry(vehicle, stop)]
        if not able:
            code, reason = self._nobody_may(stop)
            return Unserved(stop.id, reason, code, self._elsewhere(stop) if in_full else ())
        roomy = [vehicle for vehicle in able if stop.demand.fits(vehicle.capacity)]
        if not roomy:
            return Unserved(stop.id, *self._too_large(stop, able))
        found: dict[str, tuple[int, Relaxation]] = {}
        for relaxation, worth in self._relaxations(stop, roomy) if in_full else ():
            if relaxation.code not in found or worth < found[relaxation.code][0]:
                found[relaxation.code] = (worth, relaxation)
        best = [relaxation for _, relaxation in sorted(found.values(), key=lambda pair: pair[0])][:RELAXATIONS_SHOWN]
        reason, code = self._reason(stop, best[0] if best else None)
        return Unserved(stop.id, reason, code, tuple(best))

    # -------------------------------------------------------------------------------------------- nobody, or too large

    def _nobody_may(self, stop: Stop) -> tuple[str, Message]:
        vehicles = self.problem.vehicles
        if not vehicles:
            return "no_vehicle", say("There is no vehicle on this day")
        here = [v for v in vehicles if stop.depot_ids is None or v.start_depot_id in stop.depot_ids]
        if not here:
            return "no_vehicle_here", say("No vehicle starts from the warehouse that holds the goods")
        cold = [v for v in here if stop.storage_classes <= v.storage_classes]
        if not cold:
            missing = stop.storage_classes - frozenset().union(*(v.storage_classes for v in here))
            return "storage_class", _cannot_carry(missing or stop.storage_classes)
        if not any(v.may_leave for v in cold):
            return "licence", say("No driver has the licence for a vehicle that could carry this")
        return "vehicle_named", say("Only certain vehicles may go there, and none of them is free on this day")

    def _elsewhere(self, stop: Stop) -> tuple[Relaxation, ...]:
        """Return the nearest run of another warehouse that could come for the goods."""
        anywhere = replace(stop, depot_ids=None)
        near: list[tuple[int, Vehicle]] = []
        for vehicle in self.problem.vehicles:
            if may_carry(vehicle, anywhere) and not may_carry(vehicle, stop) and stop.demand.fits(vehicle.capacity):
                home = self.problem.depot_by_id[vehicle.start_depot_id].location
                near.append((int(self.problem.distances_m[home, stop.location]), vehicle))
        for metres, vehicle in sorted(near, key=lambda pair: pair[0])[:1]:
            message = say("%(vehicle)s of another warehouse could carry it", vehicle=vehicle.name)
            facts = {"depot_id": vehicle.start_depot_id, "vehicle_id": vehicle.id}
            cost = 2 * metres * vehicle.metre_cost
            return (Relaxation("other_depot", facts, message, vehicle.id, None, 2 * metres, cost),)
        return ()

    def _too_large(self, stop: Stop, able: list[Vehicle]) -> tuple[Message, str, tuple[Relaxation, ...]]:
        roomiest = max(
            able, key=lambda v: (sum(d <= c for d, c in zip(stop.demand, v.capacity, strict=True)), v.capacity)
        )
        over = _over(stop.demand, roomiest.capacity)
        reason = say("It is too large for every vehicle that may carry it: %(over)s too much", over=_amounts(over))
        split = Relaxation(
            "split", dict(over), say("Split it: %(over)s has to go on another run", over=_amounts(over)), roomiest.id
        )
        return reason, "too_large", (split,)

    def _reason(self, stop: Stop, best: Relaxation | None) -> tuple[Message, str]:
        if best is None:
            return say("No run has both the time and the room for it"), "no_room_and_time"
        if best.code == "room_left":
            if best.extra_cost > self.problem.penalty_of(stop):
                return say("Going there costs more than leaving it out"), "too_dear"
            return say("The planning ended before a place was found for it"), "not_found_in_time"
        reasons = {
            "window_later": say(
                "It can be served only until %(until)s, and no run is there by then",
                until=clock(stop.windows[-1].closes_seconds),
            ),
            "window_earlier": say(
                "It can be served only from %(from_)s, and every run is there before",
                from_=clock(stop.windows[0].opens_seconds),
            ),
            "more_room": say("The runs that could serve it are full"),
            "one_more_stop": say("The runs that could serve it have as many stops as they may"),
            "longer_way": say("The runs that could serve it would go farther than they may"),
        }
        return reasons.get(best.code, say("The working time of the runs that could serve it is used up")), best.code

    # -------------------------------------------------------------------------------------------------- what would fit

    def _relaxations(self, stop: Stop, vehicles: list[Vehicle]) -> Iterator[tuple[Relaxation, int]]:
        empty_tried = set[tuple[object, ...]]()
        for vehicle in vehicles:
            if not self.routes[vehicle.id]:
                # Idle vehicles of one kind give one answer.
                kind = (
                    vehicle.start_depot_id,
                    vehicle.end_depot_id,
                    vehicle.capacity,
                    vehicle.shift,
                    vehicle.metre_cost,
                )
                if kind in empty_tried:
                    continue
                empty_tried.add(kind)
            for place in self._places(vehicle, stop):
                relaxation = self._relaxation(place, stop)
                if relaxation is not None:
                    yield relaxation

    def _places(self, vehicle: Vehicle, stop: Stop) -> list[_Place]:
        stops = self.routes[vehicle.id]
        problem = self.problem
        way = [
            problem.depot_by_id[vehicle.start_depot_id].location,
            *(s.location for s in stops),
            problem.depot_by_id[vehicle.end_depot_id].location,
        ]
        distances, seconds = problem.distances_m, problem.durations_seconds
        here = stop.location
        extra = (distances[way[:-1], here] + distances[here, way[1:]] - distances[way[:-1], way[1:]]).tolist()
        longer = (seconds[way[:-1], here] + seconds[here, way[1:]] - seconds[way[:-1], way[1:]]).tolist()
        best = sorted(range(len(extra)), key=extra.__getitem__)[:POSITIONS_TRIED]
        fixed = vehicle.fixed_cost if not stops else 0
        return [
            _Place(
                vehicle,
                (*stops[:p], stop, *stops[p:]),
                p,
                extra[p],
                fixed + extra[p] * vehicle.metre_cost + (longer[p] + stop.service_seconds) * vehicle.second_cost,
            )
            for p in best
        ]

    def _relaxation(self, place: _Place, stop: Stop) -> tuple[Relaxation, int] | None:
        vehicle = place.vehicle
        over = _over(self.loads[vehicle.id].plus(stop.demand), vehicle.capacity)
        legs = Legs(self.problem, vehicle, place.stops)
        limits = list(self._limits(place, legs))
        _, _, late = forward(legs, legs.leaves_seconds)
        wrong = bool(over) + len(limits) + bool(late)
        if wrong == 0:
            return self._made(place, "room_left", {}, say("There is room: %(run)s", run=vehicle.name), 0)
        if wrong > 1:
            return None
        if over:
            worth = sum(
                amount * (GRAM_WORTH if name != "pallet_places" else 5_000_000) for name, amount in over.items()
            )
            message = say("%(run)s is full: %(over)s too much", run=vehicle.name, over=_amounts(over))
            return self._made(place, "more_room", dict(over), message, worth)
        if limits:
            code, facts, message, worth = limits[0]
            return self._made(place, code, facts, message, worth)
        return self._on_time(place, legs, stop)

    def _limits(self, place: _Place, legs: Legs) -> Iterator[tuple[str, dict[str, int], Message, int]]:
        vehicle = place.vehicle
        metres = sum(legs.distances_m)
        if metres > vehicle.distance_max_m:
            more = metres - vehicle.distance_max_m
            message = say("%(run)s would go %(km)s km farther than it may", run=vehicle.name, km=-(-more // 1000))
            yield "longer_way", {"distance_max_m": metres}, message, more * vehicle.metre_cost
        if len(place.stops) > vehicle.stops_max:
            yield (
                "one_more_stop",
                {},
                say("One stop more than %(run)s may have", run=vehicle.name),
                3_600 * SECOND_WORTH,
            )
        if vehicle.duration_max_seconds >= UNLIMITED:
            return
        _, start, end, late = best_times(legs)
        if not late and end - start > vehicle.duration_max_seconds:
            more = end - start - vehicle.duration_max_seconds
            message = say(
                "%(run)s would work %(minutes)s min longer than it may", run=vehicle.name, minutes=_minutes(more)
            )
            yield "longer_day", {"duration_max_seconds": end - start}, message, more * SECOND_WORTH

    def _on_time(self, place: _Place, legs: Legs, stop: Stop) -> tuple[Relaxation, int] | None:
        """Return the smallest change of one time that makes the run punctual."""
        choices = (self._window(place, stop), self._shift_end(place, legs), self._shift_start(place))
        fitting = [choice for choice in choices if choice is not None and self._punctual(place, stop, choice[0])]
        return min(fitting, key=lambda pair: pair[1], default=None)

    def _punctual(self, place: _Place, stop: Stop, relaxation: Relaxation) -> bool:
        """Return whether the change alone is enough: the day may become too long by it."""
        vehicle, stops = place.vehicle, place.stops
        if relaxation.code in ("window_later", "window_earlier"):
            changed = replace(stop, windows=_windows(stop, relaxation))
            stops = tuple(changed if each.id == stop.id else each for each in stops)
        else:
            vehicle = _shift(vehicle, relaxation)
        _, start, end, late = best_times(Legs(self.problem, vehicle, stops))
        return not late and end - start <= vehicle.duration_max_seconds

    def _window(self, place: _Place, stop: Stop) -> tuple[Relaxation, int] | None:
        any_time = tuple(replace(s, windows=(ALWAYS,)) if s.id == stop.id else s for s in place.stops)
        legs = Legs(self.problem, place.vehicle, any_time)
        visits, _, late = forward(legs, legs.leaves_seconds)
        if late:
            return None
        begins = visits[place.position].begins_seconds
        later = [(begins - w.closes_seconds, w) for w in stop.windows if w.closes_seconds < begins]
        earlier = [(w.opens_seconds - begins, w) for w in stop.windows if w.opens_seconds > begins]
        seconds, window = min(later + earlier, key=lambda pair: pair[0], default=(0, None))
        if window is None:
            return None
        run = place.vehicle.name
        if begins > window.closes_seconds:
            closes = -(-begins // 300) * 300
            facts = {"opens_seconds": window.opens_seconds, "closes_seconds": closes}
            message = say(
                "Fits if the window closes %(minutes)s min later, at %(at)s: %(run)s",
                minutes=_minutes(closes - window.closes_seconds),
                at=clock(closes),
                run=run,
            )
            return self._made(place, "window_later", facts, message, seconds * SECOND_WORTH)
        opens = begins // 300 * 300
        facts = {"opens_seconds": opens, "closes_seconds": window.closes_seconds}
        message = say(
            "Fits if the window opens %(minutes)s min earlier, at %(at)s: %(run)s",
            minutes=_minutes(window.opens_seconds - opens),
            at=clock(opens),
            run=run,
        )
        return self._made(place, "window_earlier", facts, message, seconds * SECOND_WORTH)

    def _shift_end(self, place: _Place, legs: Legs) -> tuple[Relaxation, int] | None:
        vehicle, depot = place.vehicle, self.problem.depot_by_id[place.vehicle.end_depot_id]
        _, back, late = forward(legs, legs.leaves_seconds)
        if late > max(0, back - legs.back_seconds) or back > depot.opening.closes_seconds:
            return None
        more = back - vehicle.shift.closes_seconds
        message = say(
            "%(run)s would be back %(minutes)s min after its driver's shift", run=vehicle.name, minutes=_minutes(more)
        )
        return self._made(place, "shift_later", {"closes_seconds": back}, message, more * SECOND_WORTH)

    def _shift_start(self, place: _Place) -> tuple[Relaxation, int] | None:
        vehicle, depot = place.vehicle, self.problem.depot_by_id[place.vehicle.start_depot_id]
        for seconds in EARLIER_SECONDS:
            opens = vehicle.shift.opens_seconds - seconds
            if opens < max(0, depot.opening.opens_seconds):
                return None
            earlier = replace(vehicle, shift=vehicle.shift._replace(opens_seconds=opens))
            legs = Legs(self.problem, earlier, place.stops)
            if forward(legs, legs.leaves_seconds)[2] == 0:
                message = say(
                    "Fits if %(run)s leaves %(minutes)s min earlier, at %(at)s",
                    run=vehicle.name,
                    minutes=_minutes(seconds),
                    at=clock(opens),
                )
                return self._made(place, "shift_earlier", {"opens_seconds": opens}, message, seconds * SECOND_WORTH)
        return None

    def _made(
        self, place: _Place, code: str, facts: dict[str, int], message: Message, worth: int
    ) -> tuple[Relaxation, int]:
        relaxation = Relaxation(code, facts, message, place.vehicle.id, place.position, place.extra_m, place.extra_cost)
        return relaxation, worth + place.extra_cost


def _cannot_carry(classes: frozenset[str]) -> Message:
    if "hazardous" in classes:
        return say("No vehicle of this warehouse may carry hazardous goods on this day")
    if "frozen" in classes:
        return say("No vehicle of this warehouse can keep goods frozen on this day")
    if "chilled" in classes:
        return say("No vehicle of this warehouse has cooling on this day")
    if "bulky" in classes:
        return say("No vehicle of this warehouse can take bulky goods on this day")
    return say("No vehicle of this warehouse can carry this on this day")


def _over(load: Load, capacity: Load) -> dict[str, int]:
    return {
        name: amount - most for name, amount, most in zip(Load._fields, load, capacity, strict=True) if amount > most
    }


def _amounts(over: dict[str, int]) -> str:
    parts = []
    if "weight_g" in over:
        parts.append(f"{-(-over['weight_g'] // 1000)} kg")
    if "volume_ml" in over:
        parts.append(f"{-(-over['volume_ml'] // 1000)} l")
    if "pallet_places" in over:
        parts.append(f"{over['pallet_places']} pal")
    return ", ".join(parts)
