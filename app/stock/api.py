"""The stock as JSON: operations of devices, balances, lots, movements, places, warehouses, the proof."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import current_app, g, request
from flask_smorest import Blueprint

from app.foundation.errors import Refusal, TooMany
from app.foundation.http import SIGNED_IN, allowed, in_unit_of_work, work_of
from app.foundation.language import language, today, translate
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say
from app.stock import operation_kinds as _registers_its_kinds  # noqa: F401
from app.stock import operations, queries, schemas, service, shortages

blueprint = Blueprint("stock-api", __name__, description="Warehouses, places, lots, movements and their proof")


class TooLarge(Refusal):
    """More was sent than one request may hold."""

    status = 413
    kind = "too-large"


class Busy(TooMany):
    """Other devices are being answered: the batch is to be sent again in a moment. The store is there."""

    kind = "busy"

    def __init__(self) -> None:
        super().__init__(
            say("Many devices send at once. Nothing was lost: it is sent again by itself in a moment."),
            retry_after_seconds=random.randint(*WAIT_SECONDS),
        )


BATCH_BYTES = 4096
"""What is longer holds many operations: a phone sends what it queued."""
WAIT_SECONDS = (1, 4)
QUEUE_SECONDS_MAX = 30


class WaitingRoom:
    """Where batches wait in one server process: one is at work, the others take half of the threads with it.

    After an outage every phone sends at once. Those who open a page or scan one thing must not wait behind them.
    """

    def __init__(self, threads: int) -> None:
        self.seats = threading.BoundedSemaphore(max(1, threads // 2))
        self.desk = threading.BoundedSemaphore(1)

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Wait until it is one's turn; where no seat is free, or it takes too long, come back later."""
        if not self.seats.acquire(blocking=False):
            raise Busy
        try:
            if not self.desk.acquire(timeout=QUEUE_SECONDS_MAX):
                raise Busy
            try:
                yield
            finally:
                self.desk.release()
        finally:
            self.seats.release()


def waiting_room() -> WaitingRoom:
    """Return the waiting room of this process."""
    found: WaitingRoom | None = current_app.extensions.get("stock.waiting-room")
    if found is None:
        mine = WaitingRoom(current_app.config["SETTINGS"].web_threads)
        found = current_app.extensions.setdefault("stock.waiting-room", mine)
    return found


def one_batch_after_another(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let each process of the server work on one batch at a time; single scans do not wait."""

    @wraps(view)
    def wrapper(*args: Any, **arguments: Any) -> Any:
        if (request.content_length or 0) <= BATCH_BYTES:
            return view(*args, **arguments)
        with waiting_room().wait():
            return view(*args, **arguments)

    return wrapper


# Operations ---------------------------------------------------------------------------------------------------------


@blueprint.post("/operations")
@one_batch_after_another
@blueprint.arguments(schemas.OperationsBody)
@blueprint.response(200, schemas.OperationsAnswer)
@blueprint.alt_response(429, description="busy: too many devices send at once. Send it again after Retry-After.")
@blueprint.alt_response(503, description="away: the store cannot be reached. Send it again after Retry-After.")
@allowed(SIGNED_IN)
def operate(body: dict[str, Any]) -> dict[str, Any]:
    """Apply operations of a device, each once and for ever; the answers are in the order they were sent.

    Each operation is ``{operation_id, device_id, sequence, happened_at, kind, payload}``: two UUIDs, a number that
    grows with each operation of the device, the device's time with its zone. Kinds of the stock: receive, put_away,
    move, pick, pick_item, load, hand_over, bring_back, write_off, reverse; of boxes: open_box, receive_into_box,
    fill_box, empty_box, move_box, nest_box, unnest_box, close_box, reopen_box, merge_boxes, split_box, dissolve_box;
    of transfers: pick_transfer, pick_transfer_box, unpick_transfer, receive_transfer_box, receive_transfer_line,
    receive_transfer_extra; of stocktakes: count, place_counted, count_place_empty; of what cannot be given:
    propose_write_off, withdraw_write_off, quarantine, release_quarantine; of kits: assemble_kit, take_apart, repack;
    of the floor: learn_pack, goods_received; of parcels: pack_parcel, load_parcel, unload_parcel, hand_over_parcel,
    fail_parcel, bring_back_parcel. Each is a transaction of its own, and its answer is final: applied, duplicate
    (answered before; ``first_outcome`` says how), rejected (``problem`` says why) or needs_review (booked, though
    the books disagreed). The same id with other content is refused with 422.
    """
    if (request.content_length or 0) > operations.BYTES_MAX:
        raise TooLarge(say("Send at most 256 KiB at once."))
    answers = operations.apply_batch(work_of(g.actor), g.actor, body["operations"])
    return {"answers": [_said(answer) for answer in answers]}


def _said(answer: operations.Answer) -> dict[str, Any]:
    """Say an answer in the reader's language."""
    said: dict[str, Any] = {"operation_id": answer.operation_id, "outcome": answer.outcome}
    if answer.first_outcome:
        said["first_outcome"] = answer.first_outcome
    for name in ("result", "clock"):
        if name in answer.kept:
            said[name] = answer.kept[name]
    if "review" in answer.kept:
        said["review"] = [translate(sentence) for sentence in answer.kept["review"]]
    if "problem" in answer.kept:
        said["problem"] = _problem(answer.kept["problem"])
    return said


def _problem(kept: Mapping[str, Any]) -> dict[str, Any]:
    document = {
        "type": kept["type"],
        "title": HTTPStatus(kept["status"]).phrase,
        "status": kept["status"],
        "detail": translate(kept["message"]),
    }
    for name, fact in kept.get("facts", {}).items():
        document.setdefault(name, fact)
    if "fields" in kept:
        document["fields"] = {name: [translate(each) for each in said] for name, said in kept["fields"].items()}
    return document


# Reads --------------------------------------------------------------------------------------------------------------


@blueprint.get("/balances")
@blueprint.arguments(schemas.StockQuery, location="query")
@blueprint.response(200, schemas.BalancesOut)
@in_unit_of_work("stock.read")
def balances(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List what lies where, first to expire first."""
    pages = {name: asked.pop(name) for name in ("after", "size", "sort") if name in asked}
    filters = queries.StockAsked(today=today(), language=language(), **asked)
    page = queries.stock_page(uow.session, uow.actor, filters, **pages)
    return {"items": page.rows, "next_after": page.next_after}


@blueprint.get("/lots/<int:lot_id>")
@blueprint.response(200, schemas.LotWithBalances)
@in_unit_of_work("stock.read")
def lot(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    """Return a lot and where it lies."""
    return _lot(uow, lot_id)


def _lot(uow: UnitOfWork, lot_id: int) -> dict[str, Any]:
    found = queries.lot(uow.session, uow.actor, lot_id)
    plain = {name: getattr(found, name) for name in schemas.LotOut().fields}
    return {**plain, "balances": queries.balances_of_lot(uow.session, uow.actor, lot_id)}


@blueprint.put("/lots/<int:lot_id>/state")
@blueprint.arguments(schemas.LotStateIn)
@blueprint.response(200, schemas.LotWithBalances)
@in_unit_of_work("stock.operate")
def change_lot_state(uow: UnitOfWork, body: dict[str, Any], lot_id: int) -> dict[str, Any]:
    """Block a lot, put it into quarantine as a whole, or free it."""
    shortages.revise_lot(uow, service.change_lot_state(uow, lot_id=lot_id, **body))
    return _lot(uow, lot_id)


@blueprint.get("/lots/<int:lot_id>/put-away")
@blueprint.arguments(schemas.PutAwayAsked, location="query")
@blueprint.response(200, schemas.SuggestionsOut)
@in_unit_of_work("stock.operate")
def put_away_suggestions(uow: UnitOfWork, asked: dict[str, Any], lot_id: int) -> dict[str, Any]:
    """Suggest shelves for a lot: where the same item lies, that keep things as it needs."""
    queries.lot(uow.session, uow.actor, lot_id)
    home = queries.warehouse(uow.session, uow.actor, asked["warehouse_id"])
    found = queries.places_for(uow.session, home.id, lot_id, most=8)
    return {
        "items": [
            {
                "place_id": place.id,
                "code": place.code,
                "storage_class": place.storage_class,
                "same_item": same,
                "pieces": pieces,
            }
            for place, same, pieces in found
        ]
    }


@blueprint.get("/pick-list")
@blueprint.arguments(schemas.PickAsked, location="query")
@blueprint.response(200, schemas.PickListOut)
@in_unit_of_work("stock.operate")
def pick_list(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Say place by place what to take for so many of some items, with what may be given instead of what is short."""
    home = queries.warehouse(uow.session, uow.actor, asked["warehouse_id"])
    picks, short = queries.free_pick_list(uow.session, home.id, schemas.wanted_items(asked["items"]), today())
    return {"items": picks, "short": short}


@blueprint.get("/pick-list/reserved")
@blueprint.arguments(schemas.ReservedAsked, location="query")
@blueprint.response(200, schemas.PickListOut)
@in_unit_of_work("stock.operate")
def reserved_pick_list(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """Say place by place what is reserved for a purpose and not picked yet, in places that one works in."""
    picks = queries.reserved_pick_list(uow.session, asked["purpose_kind"], [asked["purpose_id"]])
    return {"items": queries.where_one_works(uow.session, uow.actor, picks), "short": []}


@blueprint.get("/movements")
@blueprint.arguments(schemas.MovementQuery, location="query")
@blueprint.response(200, schemas.MovementsOut)
@in_unit_of_work("stock.read")
def movements(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List movements, the newest first."""
    page = queries.movement_page(uow.session, uow.actor, **asked)
    return {"items": [row.movement for row in page.rows], "next_after": page.next_after}


@blueprint.get("/places")
@blueprint.arguments(schemas.PlaceQuery, location="query")
@blueprint.response(200, schemas.PlacesOut)
@in_unit_of_work("stock.read")
def places(uow: UnitOfWork, asked: dict[str, Any]) -> dict[str, Any]:
    """List places by code, with what is in them."""
    page = queries.place_page(uow.session, uow.actor, **asked)
    items = [
        {**{name: getattr(place, name) for name in schemas.PlaceOut().fields}, "lots": lots, "weight_g": weight_g}
        for place, lots, weight_g in page.rows
    ]
    return {"items": items, "next_after": page.next_after}


@blueprint.post("/places")
@blueprint.arguments(schemas.PlaceIn)
@blueprint.response(201, schemas.PlaceOut)
@in_unit_of_work("stock.operate")
def open_place(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Open a place."""
    return service.open_place(uow, **body)


@blueprint.get("/warehouses")
@blueprint.response(200, schemas.WarehousesOut)
@in_unit_of_work("stock.read")
def warehouses(uow: UnitOfWork) -> dict[str, Any]:
    """List the warehouses."""
    return {"items": queries.warehouses(uow.session, uow.actor)}


@blueprint.post("/warehouses")
@blueprint.arguments(schemas.WarehouseIn)
@blueprint.response(201, schemas.WarehouseOut)
@in_unit_of_work("warehouses.manage")
def open_warehouse(uow: UnitOfWork, body: dict[str, Any]) -> Any:
    """Open a warehouse with its first places."""
    return service.open_warehouse(uow, **body)


@blueprint.get("/warehouses/<int:warehouse_id>")
@blueprint.etag
@blueprint.response(200, schemas.WarehouseOut)
@in_unit_of_work("stock.read")
def warehouse(uow: UnitOfWork, warehouse_id: int) -> Any:
    """Return a warehouse, with its ETag."""
    found = queries.warehouse(uow.session, uow.actor, warehouse_id)
    blueprint.set_etag({"warehouse": found.id, "version": found.version})
    return found


@blueprint.patch("/warehouses/<int:warehouse_id>")
@blueprint.etag
@blueprint.arguments(schemas.WarehouseChange)
@blueprint.response(200, schemas.WarehouseOut)
@in_unit_of_work("warehouses.manage")
def change_warehouse(uow: UnitOfWork, body: dict[str, Any], warehouse_id: int) -> Any:
    """Change a warehouse; If-Match holds the ETag that was read."""
    found = queries.warehouse(uow.session, uow.actor, warehouse_id)
    blueprint.check_etag({"warehouse": found.id, "version": found.version})
    changed = service.change_warehouse(uow, warehouse_id=warehouse_id, version=found.version, **body)
    blueprint.set_etag({"warehouse": changed.id, "version": changed.version})
    return changed


@blueprint.get("/ledger/proof")
@blueprint.response(200, schemas.ProofOut)
@in_unit_of_work("ledger.verify")
def proof(uow: UnitOfWork) -> dict[str, Any]:
    """Recompute every balance from the movements, now, and say what differs."""
    started = time.monotonic()
    found = service.prove(uow)
    return {**found.as_json(), "seconds": round(time.monotonic() - started, 3), "proved_at": uow.now}


from app.stock import discrepancy_api as _adds_its_routes  # noqa: E402, F401
