"""The country as JSON."""

from __future__ import annotations

from typing import Any

from flask import current_app, make_response, request
from flask_smorest import Blueprint

from app.foundation.fields import Paged
from app.foundation.http import in_unit_of_work
from app.foundation.paging import Page
from app.foundation.unit_of_work import UnitOfWork
from app.geography import gazetteer, geocoder, queries, schemas, service
from app.geography.point import Point

blueprint = Blueprint(
    "geography-api", __name__, description="Counties, districts, settlements, distances, and the official register"
)


@blueprint.get("/settlements")
@blueprint.arguments(schemas.SettlementsAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.SettlementsPage)
@in_unit_of_work("geography.read")
def settlements(uow: UnitOfWork, **asked: Any) -> Any:
    """List settlements by name."""
    return queries.settlements(uow.session, **asked)


@blueprint.get("/settlements/search")
@blueprint.arguments(schemas.SettlementTyped, location="query", as_kwargs=True)
@blueprint.response(200, schemas.FoundPage)
@in_unit_of_work("geography.read")
def search(uow: UnitOfWork, *, q: str, county_id: int | None, limit: int) -> Any:
    """Find settlements as their name or postal code is being typed, accents aside."""
    return {"items": queries.find_settlements(uow.session, q, county_id=county_id, limit=limit)}


@blueprint.get("/settlements/distance")
@blueprint.arguments(schemas.DistanceAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.DistanceView)
@in_unit_of_work("geography.read")
def distance(uow: UnitOfWork, *, from_id: int, to_id: int) -> Any:
    """Measure the distance of two settlements over the ellipsoid."""
    metres = queries.distance_between(uow.session, from_id, to_id)
    return {"from_id": from_id, "to_id": to_id, "distance_m": metres}


@blueprint.get("/settlements/<int:settlement_id>")
@blueprint.etag
@blueprint.response(200, schemas.SettlementView)
@in_unit_of_work("geography.read")
def settlement(uow: UnitOfWork, settlement_id: int) -> Any:
    """Show a settlement."""
    return queries.settlement(uow.session, settlement_id)


@blueprint.get("/settlements/<int:settlement_id>/near")
@blueprint.arguments(schemas.NearAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.NeighbourView(many=True))
@in_unit_of_work("geography.read")
def near(uow: UnitOfWork, settlement_id: int, *, limit: int) -> Any:
    """List the settlements nearest to a settlement."""
    here = queries.settlement(uow.session, settlement_id)
    found = queries.nearest(uow.session, Point(here.lat, here.lon), limit=limit, leave_out=here.id)
    return [
        {"id": each.id, "name": each.name, "county": each.county.name, "distance_m": metres} for each, metres in found
    ]


@blueprint.get("/counties")
@blueprint.etag
@blueprint.response(200, schemas.CountyView(many=True))
@in_unit_of_work("geography.read")
def counties(uow: UnitOfWork) -> Any:
    """List the counties."""
    return queries.county_figures(uow.session)


@blueprint.get("/districts")
@blueprint.arguments(schemas.DistrictsAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.DistrictView(many=True))
@in_unit_of_work("geography.read")
def districts(uow: UnitOfWork, *, county_id: int | None) -> Any:
    """List the districts, of one county or of all."""
    return queries.districts(uow.session, county_id=county_id)


@blueprint.get("/map/base")
@blueprint.response(200, {"type": "object", "description": "GeoJSON: outline, borders (each once) and counties"})
@in_unit_of_work("geography.read")
def base_map(uow: UnitOfWork) -> Any:
    """Give the country's outline, county borders and county areas, computed from the gazetteer."""
    del uow  # the map is a file; the unit of work has checked the right to it
    drawn = gazetteer.country_map()
    response = make_response(drawn.text)
    response.mimetype = "application/json"
    response.set_etag(drawn.etag)
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response.make_conditional(request)


@blueprint.get("/addresses")
@blueprint.arguments(schemas.AddressAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.LocatedPage)
@in_unit_of_work("geography.read")
def addresses(uow: UnitOfWork, *, address: str) -> Any:
    """Find the point of an address: the settlement's, and the street's where a geocoder is set."""
    asked = geocoder.from_url(current_app.config["SETTINGS"].geocoder_url)
    return {"items": queries.locate(uow.session, address, asked)}


# --- the register ---------------------------------------------------------------------------------------------------


@blueprint.get("/registers")
@blueprint.arguments(Paged, location="query", as_kwargs=True)
@blueprint.response(200, schemas.RegistersPage)
@in_unit_of_work("geography.import")
def registers(uow: UnitOfWork, *, after: str | None, size: int) -> Any:
    """List the registers that were uploaded, newest first."""
    return queries.register_imports(uow.session, after=after, size=size)


@blueprint.post("/registers")
@blueprint.arguments(schemas.RegisterUpload, location="files", as_kwargs=True)
@blueprint.response(201, schemas.RegisterView)
@in_unit_of_work("geography.import")
def preview(uow: UnitOfWork, *, file: Any) -> Any:
    """Upload a register, CSV or XLSX, and have it judged row by row; nothing of it is loaded yet."""
    return service.preview_register(uow, file_name=file.filename or "", content=file.read())


@blueprint.get("/registers/<int:import_id>")
@blueprint.response(200, schemas.RegisterView)
@in_unit_of_work("geography.import")
def register(uow: UnitOfWork, import_id: int) -> Any:
    """Show an uploaded register."""
    return queries.register_import(uow.session, import_id)


@blueprint.get("/registers/<int:import_id>/rows")
@blueprint.arguments(schemas.RegisterRowsAsked, location="query", as_kwargs=True)
@blueprint.response(200, schemas.RegisterRowsPage)
@in_unit_of_work("geography.import")
def register_rows(uow: UnitOfWork, import_id: int, *, show: str, after: str | None, size: int) -> Any:
    """List the rows of a register, with what is wrong or odd about each."""
    upload = queries.register_import(uow.session, import_id)
    found = queries.register_rows(upload, show=show, after=after, size=size)
    return Page([schemas.said(row) for row in found.rows], found.next_after, found.total)


@blueprint.post("/registers/<int:import_id>/load")
@blueprint.response(200, schemas.RegisterView)
@in_unit_of_work("geography.import")
def load(uow: UnitOfWork, import_id: int) -> Any:
    """Load every row of a previewed register, or none."""
    return service.load_register(uow, import_id=import_id)


@blueprint.post("/registers/<int:import_id>/reverse")
@blueprint.response(200, schemas.RegisterView)
@in_unit_of_work("geography.import")
def reverse(uow: UnitOfWork, import_id: int) -> Any:
    """Put back what a loaded register changed."""
    return service.reverse_register(uow, import_id=import_id)
