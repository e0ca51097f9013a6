"""Pages of delivery: runs for the office, loading for the hall, the road for the driver, and the fleet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.catalogue import queries as catalogue
from app.delivery import papers, queries, schemas, service
from app.delivery.errors import ContactClosed, ParcelPast
from app.delivery.states import ParcelState, RunState
from app.delivery.words import EVENTS, FAILURES, PARCEL_STATES, RELATIONS, RUN_STATES, STORAGE
from app.foundation.errors import NotAllowed
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

blueprint = Blueprint("delivery", __name__)

LICENCES = [(each, each) for each in schemas.LICENCES]


def _item(line: queries.LineSeen) -> str:
    return line.name_en if language() == "en" else line.name_hu


def _unit(line: queries.LineSeen) -> str:
    return line.unit_en if language() == "en" else line.unit_hu


WORDS: dict[str, Any] = {
    "RUN_STATES": RUN_STATES,
    "PARCEL_STATES": PARCEL_STATES,
    "FAILURES": FAILURES,
    "STORAGE": STORAGE,
    "item_name": _item,
    "unit_name": _unit,
}


# Runs in the office ---------------------------------------------------------------------------------------------------


@blueprint.get("/runs")
@in_unit_of_work("runs.read")
def runs(uow: UnitOfWork) -> ResponseReturnValue:
    """List the runs of a day."""
    asked = schemas.FindRunsOnPage().load(request.args)
    after, size, view = asked.pop("after"), asked.pop("size"), asked.pop("view")
    today = uow.now.astimezone(queries.HOME).date()
    days = {"today": today, "tomorrow": today + timedelta(days=1)}
    if asked["on"] is not None:
        view = "all"
    asked["on"] = asked["on"] or days.get(view)
    found = queries.Asked(**asked)
    return render_template(
        "delivery/runs.html",
        page=queries.runs_page(uow.session, uow.actor, found, after=after, size=size),
        view=view,
        counts={
            name: sum(queries.runs_count(uow.session, uow.actor, queries.Asked(on=on)).values())
            for name, on in days.items()
        },
        warehouses=queries.warehouse_names(uow.session, uow.actor, queries.READ),
        own=uow.actor.role == "driver",
        **WORDS,
    )


@blueprint.get("/runs/<int:run_id>")
@in_unit_of_work("runs.read")
def run(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Show a run: stops in order, parcels, how far it is."""
    found = queries.run(uow.session, uow.actor, run_id)
    stops = queries.stops_of(uow.session, found.id)
    where = {"county": found.county_id, "warehouse": found.warehouse_id, "own": found.driver_id}
    may = {
        name: uow.actor.covers(name, **where) for name in ("runs.load", "runs.change", "plans.publish", "runs.drive")
    }
    drivers = []
    if may["runs.change"] and found.state in (RunState.DRAFT, RunState.PUBLISHED, RunState.LOADING):
        asked = queries.FleetAsked(warehouse_id=found.warehouse_id)
        drivers = [
            (row[0].id, row[0].name) for row in queries.drivers_page(uow.session, uow.actor, asked, size=200).rows
        ]
    return render_template(
        "delivery/run.html",
        run=found,
        stops=stops,
        totals=_totals(stops),
        hue=queries.county_hue(uow.session, found.county_id),
        warehouse=queries.warehouse_of(uow.session, found.warehouse_id),
        may_here=may,
        drivers=drivers,
        history=_history(uow, found),
        **WORDS,
    )


def _history(uow: UnitOfWork, found: Any) -> list[dict[str, Any]]:
    return [
        {"text": EVENTS[entry.deed], "side": entry.at, "state": "done"}
        for entry in queries.history(uow.session, found.id)
        if entry.deed in EVENTS
    ]


def _totals(stops: list[queries.StopSeen]) -> dict[str, int]:
    parcels = [each for seen in stops for each in seen.parcels]
    over = (ParcelState.HANDED_OVER, ParcelState.PARTLY, ParcelState.BROUGHT_BACK)
    return {
        "stops": sum(bool(seen.parcels) for seen in stops),
        "parcels": len(parcels),
        "weight_g": sum(each.parcel.weight_g for each in parcels),
        "volume_ml": sum(each.parcel.volume_ml for each in parcels),
        "planned": sum(each.parcel.state == ParcelState.PLANNED for each in parcels),
        "loaded": sum(each.parcel.state not in (ParcelState.READY, ParcelState.PLANNED) for each in parcels),
        "on_vehicle": sum(each.on_vehicle for each in parcels),
        "ended": sum(each.parcel.state in over for each in parcels),
        "handed_over": sum(each.parcel.state == ParcelState.HANDED_OVER for each in parcels),
        "open_stops": sum(seen.open for seen in stops),
    }


@blueprint.post("/runs/<int:run_id>/publish")
@in_unit_of_work("plans.publish", form_view=run)
def publish(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Publish a draft."""
    service.publish(uow, run_ids=[run_id])
    done(say("Published: the warehouse can load it, the driver sees it."))
    return redirect(url_for(".run", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/withdraw")
@in_unit_of_work("plans.publish", form_view=run)
def withdraw(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Withdraw a run."""
    service.withdraw(uow, run_id=run_id)
    done(say("Withdrawn: its parcels wait for another run."))
    return redirect(url_for(".run", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/driver")
@in_unit_of_work("runs.change", form_view=run)
def give_driver(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Give a run another driver."""
    asked = schemas.DriverGivenForm().load(request.form)
    service.give_driver(uow, run_id=run_id, driver_id=asked["driver_id"])
    done(say("The driver is changed."))
    return redirect(url_for(".run", run_id=run_id))


# Papers ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/runs/<int:run_id>/run-sheet.pdf")
@in_unit_of_work("runs.read")
def run_sheet(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Print the run sheet; addresses only for whoever may read them now."""
    found = queries.run(uow.session, uow.actor, run_id)
    stops = queries.stops_of(uow.session, run_id)
    contacts = _contacts(uow, found, stops)
    made = papers.run_sheet(found, stops, contacts, _warehouse_name(uow, found))
    return _pdf(made, f"{found.code}-run-sheet.pdf")


@blueprint.get("/runs/<int:run_id>/loading-list.pdf")
@in_unit_of_work("runs.read")
def loading_list(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Print the loading list: last in, first out."""
    found = queries.run(uow.session, uow.actor, run_id)
    stops = queries.stops_of(uow.session, run_id)
    return _pdf(papers.loading_list(found, stops, _warehouse_name(uow, found)), f"{found.code}-loading-list.pdf")


@blueprint.get("/runs/<int:run_id>/packing-list.pdf")
@in_unit_of_work("runs.load")
def packing_list(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Print what goes into each parcel, for the hall."""
    found = queries.run(uow.session, uow.actor, run_id, "runs.load")
    stops = queries.stops_of(uow.session, run_id)
    return _pdf(papers.packing_list(found, stops, _warehouse_name(uow, found)), f"{found.code}-packing-list.pdf")


def _warehouse_name(uow: UnitOfWork, found: Any) -> str:
    warehouse = queries.warehouse_of(uow.session, found.warehouse_id)
    return warehouse.name if warehouse else ""


def _pdf(made: bytes, name: str) -> Response:
    return Response(made, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _contacts(uow: UnitOfWork, found: Any, stops: list[queries.StopSeen]) -> dict[int, service.Contact]:
    """Return the addresses that this person may read now; none where the window is shut or the role has no need."""
    households = {each.parcel.household_id for seen in stops for each in seen.parcels}
    try:
        return service.contacts(uow, run=found, household_ids=households)
    except (ContactClosed, NotAllowed):
        return {}


# Picking and packing --------------------------------------------------------------------------------------------------


@blueprint.get("/runs/<int:run_id>/picking")
@in_unit_of_work("runs.load")
def picking(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Say on the phone, place by place, what is to be taken for a run, and which parcels are packed."""
    found = queries.run(uow.session, uow.actor, run_id, "runs.load")
    picks, packed = queries.pick_list(uow.session, run_id)
    return render_template(
        "delivery/picking.html",
        run=found,
        picks=picks,
        packed=packed,
        items=catalogue.items_by_id(uow.session, {pick.item_id for pick, _ in picks}),
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
        number=uuid4,
        **WORDS,
    )


@blueprint.post("/runs/<int:run_id>/parcels/<int:parcel_id>/pack")
@in_unit_of_work("runs.load", form_view=lambda uow, run_id, parcel_id: picking.view(uow, run_id))  # type: ignore[attr-defined]
def pack(uow: UnitOfWork, run_id: int, parcel_id: int) -> ResponseReturnValue:
    """Note that one parcel is packed in staging."""
    asked = schemas.DeedForm().load(request.form)
    service.pack_parcel(uow, parcel_id=parcel_id, operation_id=asked["operation_id"] or uuid4())
    return redirect(url_for(".picking", run_id=run_id))


# Loading --------------------------------------------------------------------------------------------------------------


@blueprint.get("/runs/<int:run_id>/loading")
@in_unit_of_work("runs.load")
def loading(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Load a run on the phone: the last stop's parcels first."""
    found = queries.run(uow.session, uow.actor, run_id, "runs.load")
    stops = queries.stops_of(uow.session, run_id)
    rows = [(seen, each) for seen in reversed(stops) for each in seen.parcels]
    return render_template(
        "delivery/loading.html",
        run=found,
        rows=rows,
        next_id=next((each.parcel.id for _, each in rows if each.parcel.state == ParcelState.PLANNED), None),
        totals=_totals(stops),
        number=uuid4,
        **WORDS,
    )


@blueprint.post("/runs/<int:run_id>/parcels/<int:parcel_id>/load")
@in_unit_of_work("runs.load")
def load(uow: UnitOfWork, run_id: int, parcel_id: int) -> ResponseReturnValue:
    """Load one parcel."""
    asked = schemas.DeedForm().load(request.form)
    service.load(uow, parcel_id=parcel_id, run_id=run_id, operation_id=asked["operation_id"] or uuid4())
    return redirect(url_for(".loading", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/parcels/<int:parcel_id>/unload")
@in_unit_of_work("runs.load")
def unload(uow: UnitOfWork, run_id: int, parcel_id: int) -> ResponseReturnValue:
    """Take one parcel off again."""
    asked = schemas.DeedForm().load(request.form)
    service.unload(uow, parcel_id=parcel_id, operation_id=asked["operation_id"] or uuid4())
    return redirect(url_for(".loading", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/depart")
@in_unit_of_work("runs.drive|runs.load", form_view=run)
def depart(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Let the run leave."""
    found = service.depart(uow, run_id=run_id)
    done(say("The run is on the road. The delivery note is numbered."))
    own = uow.actor.covers("runs.drive", own=found.driver_id)
    return redirect(url_for(".on_the_road" if own else ".run", run_id=run_id))


# On the road ----------------------------------------------------------------------------------------------------------


@blueprint.get("/drive")
@in_unit_of_work("runs.drive")
def drive(uow: UnitOfWork) -> ResponseReturnValue:
    """Lead the driver to today's run, or say what comes next."""
    today = uow.now.astimezone(queries.HOME).date()
    driver_id = next(iter(uow.actor.reach.get("own", ())), 0)  # type: ignore[call-overload]
    found = queries.runs_of_driver(uow.session, driver_id, today)
    live = [each for each in found if each.state in (RunState.LOADING, RunState.ON_THE_ROAD)]
    if live:
        return redirect(url_for(".on_the_road", run_id=live[0].id))
    return render_template("delivery/drive.html", runs=found, today=today, **WORDS)


@blueprint.get("/runs/<int:run_id>/drive")
@in_unit_of_work("runs.drive")
def on_the_road(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Show the next stop: where, when, whom, what."""
    found = queries.run(uow.session, uow.actor, run_id, "runs.drive")
    stops = [seen for seen in queries.stops_of(uow.session, run_id) if seen.parcels]
    chosen = request.args.get("stop", type=int)
    current = next((seen for seen in stops if seen.stop.id == chosen), None)
    current = current or next((seen for seen in stops if seen.open), None)
    if current is None or found.state not in (RunState.LOADING, RunState.ON_THE_ROAD):
        return render_template("delivery/drive_end.html", run=found, stops=stops, totals=_totals(stops), **WORDS)
    following = next((seen for seen in stops if seen.open and seen.stop.position > current.stop.position), None)
    return render_template(
        "delivery/stop.html",
        run=found,
        stops=stops,
        seen=current,
        following=following,
        totals=_totals(stops),
        contacts=_contacts(uow, found, [current]),
        late_seconds=int((current.stop.window_until - current.stop.arrives_at).total_seconds())
        if current.stop.window_until
        else None,
        **WORDS,
    )


@blueprint.get("/runs/<int:run_id>/drive/stops")
@in_unit_of_work("runs.drive")
def drive_stops(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """List the stops of the run on the phone."""
    found = queries.run(uow.session, uow.actor, run_id, "runs.drive")
    stops = [seen for seen in queries.stops_of(uow.session, run_id) if seen.parcels]
    return render_template("delivery/drive_stops.html", run=found, stops=stops, totals=_totals(stops), **WORDS)


def _at_the_door(uow: UnitOfWork, stop_id: int, household_id: int) -> dict[str, Any]:
    """Return what a page about one household at a stop shows."""
    seen, found = queries.stop_seen(uow.session, uow.actor, stop_id)
    parcels = [each for each in seen.parcels if each.parcel.household_id == household_id]
    return {
        "run": found,
        "seen": seen,
        "household_id": household_id,
        "parcels": [each for each in parcels if each.parcel.state == ParcelState.LOADED],
        "RELATIONS": RELATIONS,
        "number": uuid4,
        **WORDS,
    }


@blueprint.get("/stops/<int:stop_id>/households/<int:household_id>/hand-over")
@in_unit_of_work("runs.drive")
def hand_over_form(uow: UnitOfWork, stop_id: int, household_id: int) -> ResponseReturnValue:
    """Ask who received and for the proof."""
    shown = _at_the_door(uow, stop_id, household_id)
    if not shown["parcels"]:
        return redirect(url_for(".on_the_road", run_id=shown["run"].id))
    return render_template("delivery/hand_over.html", **shown)


@blueprint.post("/stops/<int:stop_id>/households/<int:household_id>/hand-over")
@in_unit_of_work("runs.drive", form_view=hand_over_form)
def hand_over(uow: UnitOfWork, stop_id: int, household_id: int) -> ResponseReturnValue:
    """Hand over everything for one household; with quantities, only that much."""
    asked = schemas.HandOverForm().load(request.form)
    shown = _at_the_door(uow, stop_id, household_id)
    if not shown["parcels"]:
        return redirect(url_for(".on_the_road", run_id=shown["run"].id))
    proof = {asked["proof"]: asked[asked["proof"]]}
    for number, each in enumerate(shown["parcels"]):
        service.hand_over(
            uow,
            parcel_id=each.parcel.id,
            relation=asked["relation"],
            # One proof, an operation a parcel: the first carries the form's own number.
            operation_id=asked["operation_id"] if asked["operation_id"] and number == 0 else uuid4(),
            quantities=_quantities(each),
            **proof,
        )
    done(say("Handed over. The next stop is here."))
    return redirect(url_for(".on_the_road", run_id=shown["run"].id))


def _quantities(seen: queries.ParcelSeen) -> dict[int, int] | None:
    """Return what the form says was handed over of a parcel; None: all of it."""
    if not request.form.get("partly"):
        return None
    given = {}
    for line in seen.lines:
        typed = request.form.get(f"line-{line.id}", "")
        given[line.id] = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1
    return given


@blueprint.get("/stops/<int:stop_id>/households/<int:household_id>/fail")
@in_unit_of_work("runs.drive")
def fail_form(uow: UnitOfWork, stop_id: int, household_id: int) -> ResponseReturnValue:
    """Ask why it could not be handed over."""
    return render_template("delivery/fail.html", **_at_the_door(uow, stop_id, household_id))


@blueprint.post("/stops/<int:stop_id>/households/<int:household_id>/fail")
@in_unit_of_work("runs.drive", form_view=fail_form)
def fail(uow: UnitOfWork, stop_id: int, household_id: int) -> ResponseReturnValue:
    """Note it; the parcels stay on the vehicle."""
    reason = schemas.FailureForm().load(request.form)["reason"]
    shown = _at_the_door(uow, stop_id, household_id)
    for each in shown["parcels"]:
        service.fail(uow, parcel_id=each.parcel.id, reason=reason)
    done(
        say("Noted: it stays on the vehicle."),
        undo=url_for(".try_again", stop_id=stop_id, household_id=household_id),
    )
    return redirect(url_for(".on_the_road", run_id=shown["run"].id))


@blueprint.post("/stops/<int:stop_id>/households/<int:household_id>/try-again")
@in_unit_of_work("runs.drive")
def try_again(uow: UnitOfWork, stop_id: int, household_id: int) -> ResponseReturnValue:
    """Take it back: the driver goes there once more."""
    seen, found = queries.stop_seen(uow.session, uow.actor, stop_id)
    for each in seen.parcels:
        if each.parcel.household_id == household_id and each.failed:
            service.try_again(uow, parcel_id=each.parcel.id)
    return redirect(url_for(".on_the_road", run_id=found.id, stop=stop_id))


@blueprint.get("/runs/<int:run_id>/return")
@in_unit_of_work("runs.drive|runs.load")
def coming_back(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Bring back what is still on the vehicle, then close the run."""
    found = queries.run(uow.session, uow.actor, run_id)
    stops = queries.stops_of(uow.session, run_id)
    parcels = [each for seen in stops for each in seen.parcels]
    return render_template(
        "delivery/return.html",
        run=found,
        stops=stops,
        totals=_totals(stops),
        waiting=[each for each in parcels if each.on_vehicle],
        returned=[each for each in parcels if each.parcel.state == ParcelState.BROUGHT_BACK],
        may_explain=uow.actor.covers("stock.write_off", warehouse=found.warehouse_id, county=found.county_id),
        number=uuid4,
        **WORDS,
    )


@blueprint.post("/runs/<int:run_id>/bring-back")
@in_unit_of_work("runs.drive|runs.load", form_view=coming_back)
def bring_back(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Bring back one parcel, or everything that is left."""
    queries.run(uow.session, uow.actor, run_id)
    chosen = request.form.get("parcel_id", type=int)
    parcels = [
        each.parcel for seen in queries.stops_of(uow.session, run_id) for each in seen.parcels if each.on_vehicle
    ]
    count = 0
    for parcel in parcels:
        if chosen is None or parcel.id == chosen:
            try:
                service.bring_back(uow, parcel_id=parcel.id, operation_id=uuid4())
                count += 1
            except ParcelPast:
                continue
    done(say("%(count)s back on the dock; the needs are open again.", count=count))
    return redirect(url_for(".coming_back", run_id=run_id))


@blueprint.post("/runs/<int:run_id>/close")
@in_unit_of_work("runs.drive|runs.load", form_view=coming_back)
def close(uow: UnitOfWork, run_id: int) -> ResponseReturnValue:
    """Close the run."""
    asked = schemas.CloseForm().load(request.form)
    service.close(uow, run_id=run_id, explanation=asked["explanation"], operation_id=uuid4)
    done(say("The run is closed; the vehicle's balance is 0."))
    return redirect(url_for(".drive" if uow.actor.role == "driver" else ".run", run_id=run_id))


# Fleet ----------------------------------------------------------------------------------------------------------------


@blueprint.get("/vehicles")
@in_unit_of_work("fleet.read")
def vehicles(uow: UnitOfWork) -> ResponseReturnValue:
    """List vehicles."""
    return render_template("delivery/vehicles.html", **_vehicles(uow))


def _vehicles(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindFleet().load(request.args)
    filters = queries.FleetAsked(asked["q"], asked["warehouse_id"], None if asked["retired"] else True)
    today = uow.now.astimezone(queries.HOME).date()
    return {
        "page": queries.vehicles_page(uow.session, uow.actor, filters, today, after=asked["after"], size=asked["size"]),
        "warehouses": queries.warehouse_names(uow.session, uow.actor, "fleet.read"),
        "kept": {name: value for name, value in request.args.items() if name != "after"},
        **WORDS,
    }


@blueprint.get("/vehicles/<int:vehicle_id>")
@in_unit_of_work("fleet.read")
def vehicle(uow: UnitOfWork, vehicle_id: int) -> ResponseReturnValue:
    """Open a vehicle: what it carries, who drives it, when it is away."""
    found = queries.vehicle(uow.session, uow.actor, vehicle_id)
    today = uow.now.astimezone(queries.HOME).date()
    asked = queries.Asked(vehicle_id=found.id)
    return render_template(
        "delivery/vehicle.html",
        vehicle=found,
        absences=queries.absences(uow.session, found.id, today),
        runs=queries.runs_page(uow.session, uow.actor, asked, size=5).rows if uow.actor.may("runs.read") else [],
        **_vehicles(uow),
    )


@blueprint.get("/vehicles/new")
@in_unit_of_work("fleet.manage")
def vehicle_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a new vehicle."""
    return _vehicle_form(uow, None)


@blueprint.post("/vehicles/new")
@in_unit_of_work("fleet.manage", form_view=vehicle_form)
def add_vehicle(uow: UnitOfWork) -> ResponseReturnValue:
    """Take a vehicle into the fleet."""
    facts = schemas.VehicleForm().load(request.form)
    facts.pop("version")
    facts["active"] = True
    made = service.add_vehicle(uow, **{**facts, "warehouse_id": facts["warehouse_id"] or 0})
    done(say("The vehicle is in the fleet."))
    return redirect(url_for(".vehicle", vehicle_id=made.id))


@blueprint.get("/vehicles/<int:vehicle_id>/edit")
@in_unit_of_work("fleet.manage")
def edit_vehicle_form(uow: UnitOfWork, vehicle_id: int) -> ResponseReturnValue:
    """Ask what changes about a vehicle."""
    return _vehicle_form(uow, queries.vehicle(uow.session, uow.actor, vehicle_id, "fleet.manage"))


@blueprint.post("/vehicles/<int:vehicle_id>/edit")
@in_unit_of_work("fleet.manage", form_view=edit_vehicle_form)
def edit_vehicle(uow: UnitOfWork, vehicle_id: int) -> ResponseReturnValue:
    """Change a vehicle."""
    facts = schemas.VehicleForm().load(request.form)
    changes = {name: value for name, value in facts.items() if name not in ("plate", "warehouse_id")}
    service.change_vehicle(uow, vehicle_id=vehicle_id, **changes)
    done(say("Saved."))
    return redirect(url_for(".vehicle", vehicle_id=vehicle_id))


def _vehicle_form(uow: UnitOfWork, found: Any) -> ResponseReturnValue:
    values = {}
    if found is not None:
        names = (
            "model", "capacity_pallets", "storage_classes", "tail_lift", "licence", "cost_fixed_huf",
            "cost_per_km_huf", "cost_per_hour_huf", "lent_by", "active", "version",
        )  # fmt: skip
        values = {name: getattr(found, name) for name in names}
        values |= {"capacity_kg": found.capacity_g // 1000, "capacity_l": found.capacity_ml // 1000}
    return render_template(
        "delivery/vehicle_form.html",
        vehicle=found,
        form={"values": values} if found is not None and request.method == "GET" else {},
        warehouses=queries.warehouse_names(uow.session, uow.actor, "fleet.manage"),
        storage=list(STORAGE.items()),
        licences=LICENCES,
    )


@blueprint.post("/vehicles/<int:vehicle_id>/absences")
@in_unit_of_work("fleet.manage", form_view=vehicle)
def add_absence(uow: UnitOfWork, vehicle_id: int) -> ResponseReturnValue:
    """Note days away."""
    made = service.add_absence(uow, vehicle_id=vehicle_id, **schemas.AbsenceForm().load(request.form))
    done(say("Noted: the plan leaves it out on these days."), undo=url_for(".drop_absence", absence_id=made.id))
    return redirect(url_for(".vehicle", vehicle_id=vehicle_id))


@blueprint.post("/absences/<int:absence_id>/drop")
@in_unit_of_work("fleet.manage")
def drop_absence(uow: UnitOfWork, absence_id: int) -> ResponseReturnValue:
    """Take days away back."""
    vehicle_id = service.drop_absence(uow, absence_id=absence_id)
    done(say("It can be planned again."))
    return redirect(url_for(".vehicle", vehicle_id=vehicle_id))


@blueprint.get("/drivers")
@in_unit_of_work("fleet.read")
def drivers(uow: UnitOfWork) -> ResponseReturnValue:
    """List drivers."""
    return render_template("delivery/drivers.html", **_drivers(uow))


def _drivers(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindFleet().load(request.args)
    filters = queries.FleetAsked(asked["q"], asked["warehouse_id"], None if asked["retired"] else True)
    return {
        "page": queries.drivers_page(uow.session, uow.actor, filters, after=asked["after"], size=asked["size"]),
        "warehouses": queries.warehouse_names(uow.session, uow.actor, "fleet.read"),
        "kept": {name: value for name, value in request.args.items() if name != "after"},
        **WORDS,
    }


@blueprint.get("/drivers/<int:driver_id>")
@in_unit_of_work("fleet.read")
def driver(uow: UnitOfWork, driver_id: int) -> ResponseReturnValue:
    """Open a driver."""
    found = queries.driver(uow.session, uow.actor, driver_id)
    asked = queries.Asked(driver_id=found.id)
    return render_template(
        "delivery/driver.html",
        driver=found,
        plate=next((row.plate for row in queries.vehicles_of(uow.session, [found.vehicle_id or 0]).values()), None),
        runs=queries.runs_page(uow.session, uow.actor, asked, size=5).rows if uow.actor.may("runs.read") else [],
        **_drivers(uow),
    )


@blueprint.get("/drivers/new")
@in_unit_of_work("fleet.manage")
def driver_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a new driver."""
    return _driver_form(uow, None)


@blueprint.post("/drivers/new")
@in_unit_of_work("fleet.manage", form_view=driver_form)
def add_driver(uow: UnitOfWork) -> ResponseReturnValue:
    """Take a driver into the fleet."""
    facts = schemas.DriverForm().load(request.form)
    facts.pop("version")
    made = service.add_driver(uow, **{**facts, "warehouse_id": facts["warehouse_id"] or 0, "active": True})
    done(say("The driver is in the fleet."))
    return redirect(url_for(".driver", driver_id=made.id))


@blueprint.get("/drivers/<int:driver_id>/edit")
@in_unit_of_work("fleet.manage")
def edit_driver_form(uow: UnitOfWork, driver_id: int) -> ResponseReturnValue:
    """Ask what changes about a driver."""
    return _driver_form(uow, queries.driver(uow.session, uow.actor, driver_id, "fleet.manage"))


@blueprint.post("/drivers/<int:driver_id>/edit")
@in_unit_of_work("fleet.manage", form_view=edit_driver_form)
def edit_driver(uow: UnitOfWork, driver_id: int) -> ResponseReturnValue:
    """Change a driver."""
    facts = schemas.DriverForm().load(request.form)
    changes = {name: value for name, value in facts.items() if name != "warehouse_id"}
    service.change_driver(uow, driver_id=driver_id, **changes)
    done(say("Saved."))
    return redirect(url_for(".driver", driver_id=driver_id))


def _driver_form(uow: UnitOfWork, found: Any) -> ResponseReturnValue:
    values = {}
    if found is not None:
        names = ("name", "licence", "vehicle_id", "volunteer", "active", "version")
        values = {name: getattr(found, name) for name in names}
        values |= {name: getattr(found, name).strftime("%H:%M") for name in ("shift_starts_at", "shift_ends_at")}
    return render_template(
        "delivery/driver_form.html",
        driver=found,
        form={"values": values} if found is not None and request.method == "GET" else {},
        warehouses=queries.warehouse_names(uow.session, uow.actor, "fleet.manage"),
        vehicles=queries.vehicle_names(uow.session, uow.actor),
        licences=LICENCES,
    )
