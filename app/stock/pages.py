"""Pages of the stock: what lies where, a lot and its way, movements, places, warehouses, the proof of the ledger."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.catalogue import queries as catalogue
from app.foundation.fields import QUANTITY_MAX
from app.foundation.http import in_unit_of_work
from app.foundation.language import language, today
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries, schemas, sealing, service, shortages, words
from app.stock.errors import NoSuchWarehouse

blueprint = Blueprint("stock", __name__, url_prefix="/stock")

PROOF_ROWS_MAX = 200_000
"""Up to so many movements the proof is made while one waits; beyond, a job makes it."""


# The list and a lot -------------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("stock.read")
def stock(uow: UnitOfWork) -> ResponseReturnValue:
    """List what lies where, first to expire first."""
    return render_template("stock/stock.html", **_list(uow))


@blueprint.get("/lots/<int:lot_id>")
@in_unit_of_work("stock.read")
def lot(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Show a lot beside the list: where it lies, where it came from, where it went."""
    only_sheet = request.headers.get("HX-Target") == "sheet"
    refused = request.method == "POST"
    return render_template("stock/lot.html", **_list(uow, rows=not only_sheet), **_lot(uow, lot_id), refused=refused)


def _list(uow: UnitOfWork, *, rows: bool = True) -> dict[str, Any]:
    """Return what the list shows; without its rows where only the sheet beside it is wanted."""
    asked = schemas.StockQuery().load(request.args)
    for name in ("lot_id", "size"):
        asked.pop(name, None)
    after, sort = asked.pop("after", None), asked.pop("sort", None)
    filters = queries.StockAsked(today=today(), language=language(), **asked)
    page = queries.stock_page(uow.session, uow.actor, filters, sort=sort, after=after) if rows else queries.NO_STOCK
    warehouses = queries.warehouses(uow.session, uow.actor)
    items = catalogue.items_by_id(uow.session, {row.item_id for row in page.rows}) if rows else {}
    return {
        "page": page,
        "totals": queries.stock_totals(uow.session, uow.actor, filters) if rows else queries.NO_TOTALS,
        "view": filters.view,
        "warehouses": warehouses,
        "warehouse": _only(warehouses, filters.warehouse_id),
        "warehouse_options": [(each.id, each.name) for each in warehouses],
        "category_options": _categories(uow),
        "within_options": [(7, say("Within 7 days")), (30, say("Within 30 days")), (90, say("Within 90 days"))],
        "items": items,
        "soon": today().toordinal() + queries.SOON_DAYS,
        "conditions": words.CONDITIONS,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


def _only(warehouses: list[Any], chosen: int | None) -> Any:
    """Return the one warehouse that the list is about, if it is one."""
    if chosen is not None:
        return next((each for each in warehouses if each.id == chosen), None)
    return warehouses[0] if len(warehouses) == 1 else None


def _categories(uow: UnitOfWork) -> list[tuple[int, str]]:
    said = language()
    every = catalogue.categories(uow.session)
    found = []
    for top in every:
        if top.parent_id is None:
            found.append((top.id, getattr(top, f"name_{said}")))
            found += [(each.id, f"– {getattr(each, f'name_{said}')}") for each in every if each.parent_id == top.id]
    return found


def _lot(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    found = queries.lot(uow.session, uow.actor, lot_id)
    item = catalogue.plain_item(uow.session, found.item_id)
    balances = queries.balances_of_lot(uow.session, uow.actor, lot_id)
    real = [each for each in balances if each.guarded]
    at = request.args.get("at", type=int)
    here = next((each for each in real if each.place_id == at), real[0] if real else None)
    way = queries.way_of_lot(uow.session, uow.actor, lot_id)
    reserved = queries.reservations_of_lot(uow.session, lot_id) if real else []
    return {
        "lot": found,
        "item": item,
        "balances": real,
        "here": here,
        "trail": _trail(item, real, reserved, way),
        "states": words.LOT_STATES,
        "value_huf": (item.value_huf if found.unit_value_huf is None else found.unit_value_huf)
        * sum(each.on_hand for each in real),
        "operation_id": uuid4(),
    }


def _trail(item: Any, balances: list[Any], reserved: list[Any], way: list[queries.MovementRow]) -> list[dict[str, Any]]:
    """Return the lot's way, from where it is now back to where it came from."""
    unit = getattr(item, f"unit_name_{language()}")
    spoken = {row[0]: row for row in reserved}
    steps: list[dict[str, Any]] = [
        {
            "text": say(
                "Now: %(quantity)s %(unit)s at %(place)s", quantity=each.on_hand, unit=unit, place=each.place.code
            ),
            "sub": _spoken(spoken.get(each.place_id)),
            "state": "now",
        }
        for each in balances
    ]
    for row in way:
        moved = row.movement
        steps.append(
            {
                "text": words.step(
                    moved.kind,
                    quantity=moved.quantity,
                    unit=unit,
                    from_code=row.from_place.code,
                    to_code=row.to_place.code,
                ),
                "sub": _told(row),
                "state": "done" if row.reversed_by_id is None else "",
            }
        )
    return steps


def _spoken(row: Any) -> Message | None:
    if row is None:
        return None
    return say("%(quantity)s reserved", quantity=int(row[3]))


def _told(row: queries.MovementRow) -> Message:
    at = row.movement.happened_at.isoformat()
    if row.reversed_by_id is not None:
        return say("%(moved_at)s, was taken back", moved_at=at)
    if row.movement.kind == "receive" and row.lot.source:
        return say("%(moved_at)s, from %(source)s", moved_at=at, source=row.lot.source)
    return say("%(moved_at)s", moved_at=at)


# Receiving ----------------------------------------------------------------------------------------------------------


@blueprint.get("/receive")
@in_unit_of_work("stock.operate")
def receive_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what arrived."""
    values: dict[str, Any] = {"condition": "new"}
    item_text = ""
    if request.args.get("item_id", type=int):
        item = catalogue.item(uow.session, request.args.get("item_id", 0, type=int))
        values["item_id"], item_text = item.id, item.name(language())
    return render_template(
        "stock/receive.html",
        form={} if request.method == "POST" else {"values": values},
        item_text=item_text,
        place_options=_place_options(uow, ("dock", "quarantine", "shelf")),
        conditions=list(words.CONDITIONS.items()),
        operation_id=uuid4(),
    )


@blueprint.post("/receive")
@in_unit_of_work("stock.operate", form_view=receive_form)
def receive(uow: UnitOfWork) -> ResponseReturnValue:
    """Receive what arrived as a new lot."""
    facts = schemas.ReceiveForm().load(request.form)
    earlier = queries.movements_of_operation(uow.session, facts["operation_id"])
    if earlier:
        return redirect(url_for(".lot", lot_id=earlier[0].lot_id))
    place = queries.place(uow.session, facts["place_id"])
    made = service.receive(uow, warehouse_id=place.warehouse_id, **facts)
    movement = queries.movements_of_operation(uow.session, facts["operation_id"])[0]
    item = catalogue.item(uow.session, facts["item_id"])
    done(
        say(
            "%(quantity)s %(unit)s received: %(item)s",
            quantity=movement.quantity,
            unit=getattr(item, f"unit_name_{language()}"),
            item=item.name(language()),
        ),
        undo=url_for(".reverse", movement_id=movement.id),
        fields={"operation_id": uuid4()},
    )
    return redirect(url_for(".lot", lot_id=made.id, at=place.id))


# Moving -------------------------------------------------------------------------------------------------------------


@blueprint.get("/lots/<int:lot_id>/move")
@in_unit_of_work("stock.operate")
def move_form(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Ask how much goes where."""
    return _lot_form(uow, lot_id, "stock/move.html")


@blueprint.post("/lots/<int:lot_id>/move")
@in_unit_of_work("stock.operate", form_view=move_form)
def move(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Move some of a lot."""
    facts = schemas.MoveForm().load(request.form)
    source = queries.place(uow.session, facts["from_place_id"])
    target = queries.place(uow.session, facts["to_place_id"])
    kind = {"vehicle": "load", "staging": "pick"}.get(target.stands_in, "move")
    if target.stands_in == "shelf" and source.stands_in in ("dock", "quarantine", "staging"):
        kind = "put_away"
    return _moved(uow, lot_id, kind=kind, **facts)


def _lot_form(uow: UnitOfWork, lot_id: int, template: str) -> ResponseReturnValue:
    facts = _lot(uow, lot_id)
    here = facts["here"]
    values = {"quantity": here.available, "from_place_id": here.place_id} if here else {}
    warehouse_id = here.warehouse_id if here else None
    suggested = queries.places_for(uow.session, here.warehouse_id, lot_id, most=4) if here else []
    suggested = [each for each in suggested if here is None or each[0].id not in (here.place_id, here.place.root_id)]
    if here and here.place.stands_in == "dock" and suggested:
        values["to_place_id"] = suggested[0][0].id
    return render_template(
        template,
        **facts,
        form={} if request.method == "POST" else {"values": values},
        from_options=[(each.place_id, each.place.shown) for each in facts["balances"]],
        suggested=suggested,
        place_options=_place_options(uow, schemas.PLACE_KINDS, warehouse_id, leave_out=here.place_id if here else None),
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
    )


def _moved(uow: UnitOfWork, lot_id: int, *, kind: str, operation_id: UUID, **facts: Any) -> ResponseReturnValue:
    """Move, say so, and offer to take it back; sent twice, it is done once."""
    if not queries.movements_of_operation(uow.session, operation_id):
        if kind == "pick":
            service.first_or_why(
                uow, lot_id=lot_id, from_place_id=facts["from_place_id"], reason=facts.get("reason"), done=False
            )
        moved = service.move(uow, lot_id=lot_id, kind=kind, operation_id=operation_id, **facts)
        found = queries.lot(uow.session, uow.actor, lot_id)
        item = catalogue.item(uow.session, found.item_id)
        target = queries.place(uow.session, moved.to_place_id)
        done(
            say(
                "%(quantity)s %(unit)s, %(item)s: moved to %(place)s",
                quantity=moved.quantity,
                unit=getattr(item, f"unit_name_{language()}"),
                item=item.name(language()),
                place=target.code,
            ),
            undo=url_for(".reverse", movement_id=moved.id),
            fields={"operation_id": uuid4()},
        )
    return redirect(url_for(".lot", lot_id=lot_id, at=facts["to_place_id"]))


@blueprint.post("/lots/<int:lot_id>/state")
@in_unit_of_work("stock.operate", form_view=lot)
def change_state(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Block a lot, or free it."""
    changed = service.change_lot_state(uow, lot_id=lot_id, **schemas.LotStateForm().load(request.form))
    shortages.revise_lot(uow, changed)
    done(say("L-%(lot)s is now %(state)s", lot=str(lot_id), state=words.LOT_STATES[changed.state]))
    return redirect(url_for(".lot", lot_id=lot_id))


@blueprint.post("/movements/<int:movement_id>/reverse")
@in_unit_of_work("stock.operate")
def reverse(uow: UnitOfWork, movement_id: int) -> ResponseReturnValue:
    """Take a movement back by its opposite."""
    facts = schemas.ReverseForm().load(request.form)
    if not queries.movements_of_operation(uow.session, facts["operation_id"]):
        service.reverse(uow, movement_id=movement_id, **facts)
        done(say("Taken back. The ledger shows both."))
    original = queries.movement(uow.session, uow.actor, movement_id)
    back = request.form.get("back") == "movements"
    return redirect(url_for(".movements") if back else url_for(".lot", lot_id=original.lot_id))


# Picking ------------------------------------------------------------------------------------------------------------

PICK_ROWS_MAX = 30
SPARE_ROWS = 3


@blueprint.get("/pick")
@in_unit_of_work("stock.operate")
def pick_lists(uow: UnitOfWork) -> ResponseReturnValue:
    """Say place by place what to take for so many of some items, the first to expire first."""
    warehouses = queries.warehouses(uow.session, uow.actor)
    asked = schemas.PickQuery().load(request.args)
    if not warehouses:
        raise NoSuchWarehouse
    home = next((each for each in warehouses if each.id == asked.get("warehouse_id")), warehouses[0])
    wanted = _wanted()
    picks, short = queries.free_pick_list(uow.session, home.id, wanted, today()) if wanted else ([], [])
    others = {each.item_id for some in short for each in some.instead}
    items = catalogue.items_by_id(uow.session, {*wanted, *others})
    return render_template(
        "stock/pick.html",
        warehouse=home,
        warehouse_options=[(each.id, each.name) for each in warehouses],
        wanted=[(items[item_id], quantity) for item_id, quantity in wanted.items()],
        spare=range(len(wanted), min(len(wanted) + SPARE_ROWS, PICK_ROWS_MAX)),
        picks=picks,
        short=short,
        items=items,
        staging=queries.virtual_place(uow.session, home.id, "staging"),
        operation_id=uuid4,
        form={"values": {"warehouse_id": home.id}},
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
    )


def _wanted() -> dict[int, int]:
    """Return how many of which items the address asks for: ``?item_id-0=3&quantity-0=10``; what is no item is left."""
    wanted: dict[int, int] = {}
    for number in range(PICK_ROWS_MAX):
        row = {name: request.args.get(f"{name}-{number}", "") for name in ("item_id", "quantity")}
        if all(row.values()):
            line = schemas.WantedItem().load(row)
            wanted[line["item_id"]] = min(wanted.get(line["item_id"], 0) + line["quantity"], QUANTITY_MAX)
    if not wanted:
        return {}
    known = catalogue.items_by_id(g.uow.session, wanted)
    return {item_id: quantity for item_id, quantity in wanted.items() if item_id in known}


@blueprint.post("/pick")
@in_unit_of_work("stock.operate", form_view=pick_lists)
def pick(uow: UnitOfWork) -> ResponseReturnValue:
    """Note that a line of the list was taken to staging."""
    facts = schemas.PickForm().load(request.form)
    lot_id, operation_id = facts["lot_id"], facts["operation_id"]
    if not queries.movements_of_operation(uow.session, operation_id):
        service.first_or_why(
            uow,
            lot_id=lot_id,
            from_place_id=facts["from_place_id"],
            reason=facts.get("reason"),
            done=False,
        )
        home = queries.place(uow.session, facts["from_place_id"]).warehouse_id
        staging = queries.virtual_place(uow.session, home, "staging")
        moved = service.move(uow, kind="pick", to_place_id=staging.id, **facts)
        done(
            say(
                "%(quantity)s of L-%(lot)s taken to %(place)s",
                quantity=moved.quantity,
                lot=str(lot_id),
                place=staging.code,
            ),
            undo=url_for(".reverse", movement_id=moved.id),
            fields={"operation_id": uuid4()},
        )
    return redirect(request.full_path)


# Movements ----------------------------------------------------------------------------------------------------------


@blueprint.get("/movements")
@in_unit_of_work("stock.read")
def movements(uow: UnitOfWork) -> ResponseReturnValue:
    """List movements, the newest first."""
    asked = schemas.MovementQuery().load(request.args)
    asked.pop("size", None)
    warehouses = queries.warehouses(uow.session, uow.actor)
    return render_template(
        "stock/movements.html",
        page=queries.movement_page(uow.session, uow.actor, **asked),
        warehouse=_only(warehouses, asked.get("warehouse_id")),
        warehouse_options=[(each.id, each.name) for each in warehouses],
        kind_options=list(words.KINDS.items()),
        kinds=words.KINDS,
        place_kinds=words.PLACE_KINDS,
        lot_id=asked.get("lot_id"),
        operation_id=uuid4,
        name=f"name_{language()}",
        unit=f"unit_name_{language()}",
    )


# Places and warehouses ----------------------------------------------------------------------------------------------


@blueprint.get("/places")
@in_unit_of_work("stock.read")
def places(uow: UnitOfWork, place_id: int | None = None) -> ResponseReturnValue:
    """List places with what is in them; also after one of them could not be retired."""
    asked = schemas.PlaceQuery().load(request.args)
    asked.pop("size", None)
    warehouses = queries.warehouses(uow.session, uow.actor)
    kinds = [(kind, words.PLACE_KINDS[kind]) for kind in schemas.PLACE_KINDS]
    return render_template(
        "stock/places.html",
        page=queries.place_page(uow.session, uow.actor, **asked),
        warehouse=_only(warehouses, asked.get("warehouse_id")),
        warehouse_options=[(each.id, each.name) for each in warehouses],
        kind_options=kinds,
        kinds=words.PLACE_KINDS,
        storage=words.STORAGE,
    )


@blueprint.get("/places/new")
@in_unit_of_work("stock.operate")
def place_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask for a new place."""
    warehouses = queries.warehouses(uow.session, uow.actor)
    first = warehouses[0] if warehouses else None
    values = {"kind": "shelf", "storage_class": "ambient", "code": f"{first.code}-" if first else ""}
    return render_template(
        "stock/place_form.html",
        form={} if request.method == "POST" else {"values": values},
        warehouse_options=[(each.id, each.name) for each in warehouses],
        kind_options=[(kind, words.PLACE_KINDS[kind]) for kind in schemas.PLACE_KINDS if kind != "vehicle"],
        storage_options=list(words.STORAGE.items()),
    )


@blueprint.post("/places/new")
@in_unit_of_work("stock.operate", form_view=place_form)
def open_place(uow: UnitOfWork) -> ResponseReturnValue:
    """Open a place."""
    facts = schemas.PlaceForm().load(request.form)
    made = service.open_place(uow, **{**facts, "code": facts["code"].upper()})
    done(say("New place: %(place)s", place=made.code))
    return redirect(url_for(".places", q=made.code))


@blueprint.post("/places/<int:place_id>/retire")
@in_unit_of_work("stock.operate", form_view=lambda uow, place_id: places.view(uow))  # type: ignore[attr-defined]
def retire_place(uow: UnitOfWork, place_id: int) -> ResponseReturnValue:
    """Use an empty place no more."""
    gone = service.retire_place(uow, place_id=place_id)
    done(say("Not used any more: %(place)s", place=gone.code))
    return redirect(url_for(".places"))


@blueprint.get("/find-places")
@in_unit_of_work("stock.read")
def find_places(uow: UnitOfWork) -> ResponseReturnValue:
    """Answer search as you type."""
    asked = schemas.FindQuery().load(request.args)
    typed = asked["q"]
    found = queries.find_places(uow.session, uow.actor, typed, warehouse_id=asked.get("warehouse_id")) if typed else []
    return jsonify({"items": [{"id": each.id, "text": each.code, "sub": ""} for each in found]})


@blueprint.get("/warehouses")
@in_unit_of_work("stock.read")
def warehouses(uow: UnitOfWork) -> ResponseReturnValue:
    """List warehouses with what lies in each."""
    totals = queries.warehouse_totals(uow.session, uow.actor, today())
    heaviest = max([each.weight_g for each in totals], default=0)
    return render_template("stock/warehouses.html", totals=totals, heaviest=heaviest, storage=words.STORAGE)


def _place_options(
    uow: UnitOfWork, kinds: tuple[str, ...], warehouse_id: int | None = None, *, leave_out: int | None = None
) -> list[tuple[int, str]]:
    """Return the places of the warehouse at hand, or of all that the person may see into."""
    homes = [warehouse_id] if warehouse_id else [each.id for each in queries.warehouses(uow.session, uow.actor)]
    every = [each for home in homes for each in queries.places_of(uow.session, home, kinds)]
    every.sort(key=lambda place: (kinds.index(place.kind), place.code))
    return [(each.id, each.code) for each in every if each.id != leave_out]


# The proof ----------------------------------------------------------------------------------------------------------


@blueprint.get("/ledger")
@in_unit_of_work("ledger.verify")
def proof(uow: UnitOfWork) -> ResponseReturnValue:
    """Show that balances are what the movements add up to."""
    about = queries.movements_about(uow.session)
    now = about <= PROOF_ROWS_MAX or not uow.actor.covers("ledger.verify")
    running = None if now else queries.open_proof(uow.session)
    shown: dict[str, Any] | None = None
    if now:
        started = time.monotonic()
        found, chain = sealing.prove(uow)
        shown = {**found.as_json(), "seconds": time.monotonic() - started}
        proved_at: datetime | None = uow.now
    else:
        last = queries.last_proof(uow.session)
        shown = last.result if last else None
        proved_at = last.finished_at if last else None
        chain = sealing.verify(uow, check=False)
    return render_template(
        "stock/proof.html",
        proof=shown,
        proved_at=proved_at,
        running=running,
        places=_places_of(uow, shown),
        chain=chain,
        behind=chain.behind(uow.now),
        chain_checked=chain.as_json() if now else (shown or {}).get("chain"),
        breach_words=words.BREACHES,
    )


def _places_of(uow: UnitOfWork, shown: dict[str, Any] | None) -> dict[int, str]:
    ids = {each["place_id"] for each in (shown or {}).get("differences", [])}
    return {each.id: each.code for each in queries.places_by_id(uow.session, ids).values()} if ids else {}


@blueprint.post("/ledger/prove")
@in_unit_of_work("ledger.verify")
def prove(uow: UnitOfWork) -> ResponseReturnValue:
    """Prove the ledger now."""
    if uow.actor.covers("ledger.verify"):
        service.promise_proof(uow)
        done(say("The proof is being made."))
    return redirect(url_for(".proof"))


from app.stock import discrepancy_pages as _adds_its_pages  # noqa: E402, F401
