"""Runs, parcels, vehicles and drivers as JSON. Devices that lose the network use POST /operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask_smorest import Blueprint

from app.delivery import operation_kinds as _registers_its_kinds  # noqa: F401
from app.delivery import queries, schemas, service
from app.foundation.actor import Scope
from app.foundation.http import in_unit_of_work
from app.foundation.unit_of_work import UnitOfWork
from app.stock.once import once
from app.stock.operations import believed

blueprint = Blueprint("delivery-api", __name__, description="Vehicles, parcels, runs, stops and proofs")


# Runs -----------------------------------------------------------------------------------------------------------------


@blueprint.get("/runs")
@blueprint.arguments(schemas.FindRuns, location="query")
@blueprint.response(200, schemas.DeliveryRunsOut)
@in_unit_of_work("runs.read")
def runs(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List runs, the newest day first."""
    after, size = asked.pop("after"), asked.pop("size")
    page = queries.runs_page(uow.session, uow.actor, queries.Asked(**asked), after=after, size=size)
    return {"items": [row[0] for row in page.rows], "next_after": page.next_after}


@blueprint.post("/runs")
@blueprint.etag
@blueprint.arguments(schemas.RunIn)
@blueprint.response(201, schemas.RunSheetOut)
@blueprint.alt_response(409, description="parcel-not-in-state, or vehicle-busy")
@in_unit_of_work("plans.publish")
def draft(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Draft a run by hand, without a plan."""
    on = body.pop("on")
    [made] = service.draft_runs(uow, plan_id=None, on=on, runs=[body])
    return _sheet(uow, made)


@blueprint.get("/runs/<int:run_id>")
@blueprint.etag
@blueprint.response(200, schemas.RunSheetOut)
@in_unit_of_work("runs.read")
def run(uow: UnitOfWork, run_id: int) -> Any:
    """Show a run with its stops and parcels. Parcels that tell of health show their code only."""
    return _sheet(uow, queries.run(uow.session, uow.actor, run_id))


def _sheet(uow: UnitOfWork, found: Any) -> dict[str, Any]:
    blueprint.set_etag({"run": found.id, "version": found.version})
    plain = {name: getattr(found, name) for name in schemas.DeliveryRunOut().fields}
    return {**plain, "stops": [_stop(seen) for seen in queries.stops_of(uow.session, found.id)]}


def _stop(seen: queries.StopSeen) -> dict[str, Any]:
    names = [name for name in schemas.StopOut().fields if name not in ("settlement", "parcels")]
    plain = {name: getattr(seen.stop, name) for name in names}
    return {**plain, "settlement": seen.settlement, "parcels": [_parcel(each) for each in seen.parcels]}


def _parcel(seen: queries.ParcelSeen) -> dict[str, Any]:
    parcel = seen.parcel
    names = [name for name in schemas.ParcelOut().fields if name not in ("contents_hidden", "lines")]
    hidden = parcel.health_related
    plain = {name: getattr(parcel, name) for name in names}
    return {**plain, "contents_hidden": hidden, "lines": [] if hidden else seen.lines}


def _seen(uow: UnitOfWork, run_id: int) -> int:
    found = queries.run(uow.session, uow.actor, run_id)
    blueprint.check_etag({"run": found.id, "version": found.version})
    return int(found.version)


@blueprint.post("/runs/<int:run_id>/publish")
@blueprint.response(200, schemas.DeliveryRunOut)
@blueprint.alt_response(409, description="run-not-in-state")
@in_unit_of_work("plans.publish")
def publish(uow: UnitOfWork, run_id: int) -> Any:
    """Publish a drafted run."""
    return service.publish(uow, run_ids=[run_id])[0]


@blueprint.post("/runs/<int:run_id>/withdraw")
@blueprint.arguments(schemas.Withdraw)
@blueprint.response(200, schemas.DeliveryRunOut)
@blueprint.alt_response(409, description="run-not-in-state")
@in_unit_of_work("plans.publish")
def withdraw(uow: UnitOfWork, body: dict[str, Any], run_id: int) -> Any:
    """Withdraw a run that is not being loaded yet; its parcels wait for another one."""
    return service.withdraw(uow, run_id=run_id, reason=body["reason"])


@blueprint.put("/runs/<int:run_id>/driver")
@blueprint.etag
@blueprint.arguments(schemas.DriverGiven)
@blueprint.response(200, schemas.RunSheetOut)
@in_unit_of_work("runs.change")
def give_driver(uow: UnitOfWork, body: dict[str, Any], run_id: int) -> Any:
    """Give a run another driver."""
    return _sheet(uow, service.give_driver(uow, run_id=run_id, version=_seen(uow, run_id), **body))


@blueprint.get("/runs/<int:run_id>/pick-list")
@blueprint.response(200, schemas.RunPickListOut)
@in_unit_of_work("runs.load")
def pick_list(uow: UnitOfWork, run_id: int) -> dict[str, Any]:
    """Say place by place what is to be taken for the parcels of a run that are not packed yet."""
    queries.run(uow.session, uow.actor, run_id, "runs.load")
    picks, packed = queries.pick_list(uow.session, run_id)
    names = [name for name in schemas.PickedLine().fields if name != "parcel_id"]
    items = [{**{name: getattr(pick, name) for name in names}, "parcel_id": parcel_id} for pick, parcel_id in picks]
    return {"items": items, "packed": [parcel_id for parcel_id, done in packed.items() if done]}


@blueprint.post("/parcels/<int:parcel_id>/pack")
@blueprint.arguments(schemas.Pack)
@blueprint.response(200, schemas.ParcelOut)
@blueprint.alt_response(409, description="parcel-not-in-state, not-enough-stock, not-to-be-handed-out")
@in_unit_of_work("runs.load")
def pack(uow: UnitOfWork, body: dict[str, Any], parcel_id: int) -> Any:
    """Take what is reserved for a parcel to staging; it stays reserved for it."""
    asked = {"parcel_id": parcel_id, **body}
    return _once(uow, "pack_parcel", asked, lambda: service.pack_parcel(uow, **_believed(uow, asked)))


@blueprint.post("/runs/<int:run_id>/parcels/<int:parcel_id>/load")
@blueprint.arguments(schemas.Deed)
@blueprint.response(200, schemas.ParcelOut)
@blueprint.alt_response(409, description="parcel-elsewhere, parcel-not-in-state, run-not-in-state")
@in_unit_of_work("runs.load")
def load(uow: UnitOfWork, body: dict[str, Any], run_id: int, parcel_id: int) -> Any:
    """Load a parcel: shelf → vehicle."""
    asked = {"parcel_id": parcel_id, "run_id": run_id, **body}
    return _once(uow, "load_parcel", asked, lambda: service.load(uow, **_believed(uow, asked)))


def _once(uow: UnitOfWork, kind: str, asked: dict[str, Any], deed: Callable[[], Any]) -> dict[str, Any]:
    """Do it once: the same deed under the same number is answered again, another one under it is refused."""
    parcel = once(
        uow,
        operation_id=asked["operation_id"],
        kind=kind,
        asked=asked,
        deed=deed,
        again=lambda: queries.parcel(uow.session, uow.actor, asked["parcel_id"]),
    )
    return _parcel(queries.ParcelSeen(parcel))


def _believed(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    told = asked["happened_at"]
    return {**asked, "happened_at": believed(told, uow.now) if told else None}


@blueprint.post("/parcels/<int:parcel_id>/unload")
@blueprint.arguments(schemas.Deed)
@blueprint.response(200, schemas.ParcelOut)
@in_unit_of_work("runs.load")
def unload(uow: UnitOfWork, body: dict[str, Any], parcel_id: int) -> Any:
    """Take a parcel off the vehicle again, before the run leaves."""
    asked = {"parcel_id": parcel_id, **body}
    return _once(uow, "unload_parcel", asked, lambda: service.unload(uow, **_believed(uow, asked)))


@blueprint.post("/runs/<int:run_id>/depart")
@blueprint.response(200, schemas.DeliveryRunOut)
@in_unit_of_work("runs.drive|runs.load")
def depart(uow: UnitOfWork, run_id: int) -> Any:
    """Let a run leave with what is loaded; a delivery note is numbered."""
    return service.depart(uow, run_id=run_id)


@blueprint.post("/parcels/<int:parcel_id>/hand-over")
@blueprint.arguments(schemas.HandOver)
@blueprint.response(200, schemas.ParcelOut)
@blueprint.alt_response(422, description="wrong-code, proof-missing or quantities-wrong")
@in_unit_of_work("runs.drive|runs.load")
def hand_over(uow: UnitOfWork, body: dict[str, Any], parcel_id: int) -> Any:
    """Hand a parcel over with the household's six digits or a signature; in part with ``quantities``."""
    asked = {"parcel_id": parcel_id, **body}
    return _once(uow, "hand_over_parcel", asked, lambda: service.hand_over(uow, **_believed(uow, asked)))


@blueprint.post("/parcels/<int:parcel_id>/fail")
@blueprint.arguments(schemas.Failure)
@blueprint.response(200, schemas.ParcelOut)
@in_unit_of_work("runs.drive|runs.load")
def fail(uow: UnitOfWork, body: dict[str, Any], parcel_id: int) -> Any:
    """Note why a parcel could not be handed over."""
    return _parcel(queries.ParcelSeen(service.fail(uow, parcel_id=parcel_id, **body)))


@blueprint.post("/parcels/<int:parcel_id>/bring-back")
@blueprint.arguments(schemas.BringBack)
@blueprint.response(200, schemas.ParcelOut)
@in_unit_of_work("runs.drive|runs.load")
def bring_back(uow: UnitOfWork, body: dict[str, Any], parcel_id: int) -> Any:
    """Bring back what was not handed over: vehicle → dock."""
    asked = {"parcel_id": parcel_id, **body}
    return _once(uow, "bring_back_parcel", asked, lambda: service.bring_back(uow, **_believed(uow, asked)))


@blueprint.post("/runs/<int:run_id>/close")
@blueprint.arguments(schemas.Close)
@blueprint.response(200, schemas.DeliveryRunOut)
@blueprint.alt_response(409, description="vehicle-not-empty: bring back or explain what is still on it")
@in_unit_of_work("runs.drive|runs.load")
def close(uow: UnitOfWork, body: dict[str, Any], run_id: int) -> Any:
    """Close a run; the vehicle is empty, or whoever may write off explains the rest."""
    return service.close(uow, run_id=run_id, explanation=body["explanation"], operation_id=uuid4)


@blueprint.get("/stops/<int:stop_id>/contacts")
@blueprint.response(200, schemas.ContactsOut)
@in_unit_of_work("stops.contact")
def contacts(uow: UnitOfWork, stop_id: int) -> dict[str, Any]:
    """Show whom to hand over to. Open from loading until a day after the run; each look is written down."""
    seen, found = queries.stop_seen(uow.session, uow.actor, stop_id)
    household_ids = {each.parcel.household_id for each in seen.parcels}
    return {"items": list(service.contacts(uow, run=found, household_ids=household_ids).values())}


@blueprint.get("/parcels")
@blueprint.response(200, schemas.ParcelsToPlan)
@in_unit_of_work("plans.plan")
def parcels(uow: UnitOfWork) -> dict[str, Any]:
    """List the parcels that wait for a run, in the counties one plans for."""
    everywhere = uow.actor.grants["plans.plan"] is Scope.ALL
    county_ids = None if everywhere else uow.actor.reach.get(Scope.COUNTY, ())
    return {"items": queries.parcels_to_plan(uow.session, county_ids)}


# Fleet ----------------------------------------------------------------------------------------------------------------


def _asked(asked: dict[str, Any]) -> queries.FleetAsked:
    return queries.FleetAsked(asked["q"], asked["warehouse_id"], None if asked["retired"] else True)


@blueprint.get("/vehicles")
@blueprint.arguments(schemas.FindFleet, location="query")
@blueprint.response(200, schemas.VehiclesOut)
@in_unit_of_work("fleet.read")
def vehicles(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List vehicles by plate."""
    page = queries.vehicles_page(
        uow.session,
        uow.actor,
        _asked(asked),
        uow.now.astimezone(queries.HOME).date(),
        after=asked["after"],
        size=asked["size"],
    )
    return {"items": [row[0] for row in page.rows], "next_after": page.next_after}


@blueprint.post("/vehicles")
@blueprint.etag
@blueprint.arguments(schemas.VehicleIn)
@blueprint.response(201, schemas.VehicleOut)
@in_unit_of_work("fleet.manage")
def add_vehicle(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Take a vehicle into the fleet."""
    return _vehicle(service.add_vehicle(uow, **body))


def _vehicle(found: Any) -> Any:
    blueprint.set_etag({"vehicle": found.id, "version": found.version})
    return found


@blueprint.get("/vehicles/<int:vehicle_id>")
@blueprint.etag
@blueprint.response(200, schemas.VehicleOut)
@in_unit_of_work("fleet.read")
def vehicle(uow: UnitOfWork, vehicle_id: int) -> Any:
    """Show a vehicle."""
    return _vehicle(queries.vehicle(uow.session, uow.actor, vehicle_id))


@blueprint.patch("/vehicles/<int:vehicle_id>")
@blueprint.etag
@blueprint.arguments(schemas.VehicleFacts, example={"model": "Renault Master", "active": True})
@blueprint.response(200, schemas.VehicleOut)
@in_unit_of_work("fleet.manage")
def change_vehicle(uow: UnitOfWork, body: dict[str, Any], vehicle_id: int) -> Any:
    """Change a vehicle."""
    found = queries.vehicle(uow.session, uow.actor, vehicle_id)
    blueprint.check_etag({"vehicle": found.id, "version": found.version})
    return _vehicle(service.change_vehicle(uow, vehicle_id=vehicle_id, version=found.version, **body))


@blueprint.get("/vehicles/<int:vehicle_id>/absences")
@blueprint.response(200, schemas.AbsenceOut(many=True))
@in_unit_of_work("fleet.read")
def absences(uow: UnitOfWork, vehicle_id: int) -> Any:
    """List when a vehicle is away, from today on."""
    queries.vehicle(uow.session, uow.actor, vehicle_id)
    return queries.absences(uow.session, vehicle_id, uow.now.astimezone(queries.HOME).date())


@blueprint.post("/vehicles/<int:vehicle_id>/absences")
@blueprint.arguments(schemas.AbsenceIn)
@blueprint.response(201, schemas.AbsenceOut)
@in_unit_of_work("fleet.manage")
def add_absence(uow: UnitOfWork, body: dict[str, Any], vehicle_id: int) -> Any:
    """Note the days on which a vehicle is not to be had."""
    return service.add_absence(uow, vehicle_id=vehicle_id, **body)


@blueprint.delete("/absences/<int:absence_id>")
@blueprint.response(204)
@in_unit_of_work("fleet.manage")
def drop_absence(uow: UnitOfWork, absence_id: int) -> None:
    """Take an absence back."""
    service.drop_absence(uow, absence_id=absence_id)


@blueprint.get("/drivers")
@blueprint.arguments(schemas.FindFleet, location="query")
@blueprint.response(200, schemas.DriversOut)
@in_unit_of_work("fleet.read")
def drivers(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List drivers by name."""
    page = queries.drivers_page(uow.session, uow.actor, _asked(asked), after=asked["after"], size=asked["size"])
    return {"items": [row[0] for row in page.rows], "next_after": page.next_after}


@blueprint.post("/drivers")
@blueprint.etag
@blueprint.arguments(schemas.DriverIn)
@blueprint.response(201, schemas.DriverOut)
@in_unit_of_work("fleet.manage")
def add_driver(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Take a driver into the fleet."""
    return _driver(service.add_driver(uow, **body))


def _driver(found: Any) -> Any:
    blueprint.set_etag({"driver": found.id, "version": found.version})
    return found


@blueprint.get("/drivers/<int:driver_id>")
@blueprint.etag
@blueprint.response(200, schemas.DriverOut)
@in_unit_of_work("fleet.read")
def driver(uow: UnitOfWork, driver_id: int) -> Any:
    """Show a driver."""
    return _driver(queries.driver(uow.session, uow.actor, driver_id))


@blueprint.patch("/drivers/<int:driver_id>")
@blueprint.etag
@blueprint.arguments(schemas.DriverFacts, example={"shift_starts_at": "07:00", "shift_ends_at": "15:00"})
@blueprint.response(200, schemas.DriverOut)
@in_unit_of_work("fleet.manage")
def change_driver(uow: UnitOfWork, body: dict[str, Any], driver_id: int) -> Any:
    """Change a driver."""
    found = queries.driver(uow.session, uow.actor, driver_id)
    blueprint.check_etag({"driver": found.id, "version": found.version})
    return _driver(service.change_driver(uow, driver_id=driver_id, version=found.version, **body))
