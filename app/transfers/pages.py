"""Pages of transfers: the list, one transfer and its life, ask, pick, send, receive, settle."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.boxes import travelling
from app.catalogue import queries as catalogue
from app.foundation.http import in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.text import fold
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import voucher_papers
from app.transfers import life, operation_kinds, papers, queries, schemas, service, words
from app.transfers.errors import LinesWrong, NoSuchTransfer
from app.transfers.service import Counted

blueprint = Blueprint("transfers", __name__, url_prefix="/transfers")
KNOWN = (operation_kinds, papers)
"""Imported for what they register."""

ROWS = 6
"""Lines of an empty form."""


@blueprint.context_processor
def said() -> dict[str, Any]:
    """Return what the templates of this package call things."""
    return {
        "states": words.STATE_NAMES,
        "looks": words.STATE_LOOKS,
        "outcomes": words.OUTCOME_NAMES,
        "settled": words.OUTCOMES_DONE,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
    }


# The list and one transfer ------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("transfers.read")
def transfers(uow: UnitOfWork) -> ResponseReturnValue:
    """List transfers by what is to be done with them."""
    return render_template("transfers/transfers.html", **_list(uow))


@blueprint.get("/<int:transfer_id>")
@in_unit_of_work("transfers.read")
def transfer(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Show a transfer with its life, lines and differences, and what can be done next."""
    return render_template("transfers/transfer.html", **_sheet(uow, transfer_id))


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindTransfers().load(request.args)
    after = asked.pop("after")
    filters = queries.TransferAsked(**asked)
    counts = queries.count_transfers(uow.session, uow.actor, filters)
    return {
        "page": queries.transfers(uow.session, uow.actor, filters, after=after),
        "counts": counts,
        "view": filters.view,
        "total": counts[filters.view or "all"],
        "warehouse_options": list(queries.warehouse_names(uow.session).items()),
    }


def _sheet(uow: UnitOfWork, transfer_id: int) -> dict[str, Any]:
    found = queries.transfer(uow.session, uow.actor, transfer_id)
    warehouses = queries.warehouses(uow.session)
    lots = queries.lots_of(uow.session, transfer_id)
    giver, taker = warehouses[found.from_warehouse_id], warehouses[found.to_warehouse_id]
    gives = uow.actor.covers("stock.operate", warehouse=giver.id, county=giver.county_id)
    takes = uow.actor.covers("stock.operate", warehouse=taker.id, county=taker.county_id)
    asks = any(
        uow.actor.covers("transfers.request", warehouse=each.id, county=each.county_id) for each in (giver, taker)
    )
    items = queries.items_by_id(uow.session, [line.item_id for line in found.lines])
    open_ = found.state in queries.BEFORE_LEAVING
    return {
        "transfer": found,
        "giver": giver,
        "taker": taker,
        "gives": gives,
        "takes": takes,
        "asks": asks,
        "may_cancel": open_ and (gives or (asks and not lots)),
        "items": items,
        "lots": lots,
        "lines": [_line(line, items[line.item_id], lots) for line in found.lines],
        "reserved": queries.pick_list(uow.session, transfer_id) if open_ and gives else [],
        "waiting": sum(seen.part.received_at is None for seen in lots),
        "short": [seen for seen in lots if seen.part.short],
        "short_options": [
            (seen.part.id, f"L-{seen.lot.id} {seen.item.name(language())}: {seen.part.short}")
            for seen in lots
            if seen.part.short
        ],
        "outcome_options": _outcomes(uow, giver, taker),
        "voucher": service.note(uow, transfer_id=transfer_id),
        "trail": words.trail(found),
        "operation_id": str(uuid4()),
        "form": {},
    }


def _outcomes(uow: UnitOfWork, giver: Any, taker: Any) -> list[tuple[str, Message]]:
    """Return what this person may say of missing pieces."""

    def covers(permission: str, *ends: Any) -> bool:
        return any(uow.actor.covers(permission, warehouse=each.id, county=each.county_id) for each in ends)

    allowed = {
        "arrived": covers("stock.operate", taker),
        "stayed": covers("stock.operate", giver),
        "unexplained": covers("stock.review", giver, taker),
        "lost": covers("stock.write_off", giver),
    }
    return [(name, said) for name, said in words.OUTCOME_NAMES.items() if allowed[name]]


def _line(line: Any, item: Any, lots: list[queries.LotSeen]) -> dict[str, Any]:
    """Return a line with its sums, as a bar shows them."""
    own = [seen.part for seen in lots if seen.part.line_id == line.id]
    picked, received = sum(part.quantity for part in own), sum(part.received for part in own)
    damaged, short = sum(part.damaged for part in own), sum(part.short for part in own)
    waiting = sum(part.quantity for part in own if part.received_at is None)
    whole = max(line.quantity, picked, received, 1)
    bars = [
        (100 * (received - damaged) / whole, "good"),
        (100 * damaged / whole, "bad"),
        (100 * short / whole, "att"),
        (100 * waiting / whole, "act"),
    ]
    return {
        "item": item,
        "asked": line.quantity,
        "picked": picked,
        "received": received,
        "damaged": damaged,
        "short": short,
        "over": sum(max(0, part.received - part.quantity) for part in own),
        "bars": [bar for bar in bars if bar[0] > 0],
    }


# Asking -------------------------------------------------------------------------------------------------------------


@blueprint.get("/new")
@in_unit_of_work("transfers.request")
def request_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what is wanted, from where, to where."""
    warehouses = queries.warehouses(uow.session)
    own = [
        each.id
        for each in warehouses.values()
        if uow.actor.covers("transfers.request", warehouse=each.id, county=each.county_id)
    ]
    item_id = request.args.get("item_id", type=int)
    item = queries.items_by_id(uow.session, [item_id]).get(item_id) if item_id else None
    return render_template(
        "transfers/request.html",
        form={},
        warehouse_options=[(each.id, each.name) for each in warehouses.values()],
        from_id=request.args.get("from_warehouse_id", type=int),
        to_id=request.args.get("to_warehouse_id", type=int) or (own[0] if len(own) == 1 else None),
        first=item,
        rows=range(max(ROWS, len([name for name in request.form if name.startswith("quantity-")]))),
        operation_id=request.form.get("operation_id") or str(uuid4()),
    )


@blueprint.post("/new")
@in_unit_of_work("transfers.request", form_view=request_form)
def make_request(uow: UnitOfWork) -> ResponseReturnValue:
    """Write a request down."""
    wrong: dict[str, list[Message | str]] = {}
    told = _load(schemas.RequestForm(), request.form, wrong)
    numbers, lines = _lines(uow, wrong)
    if not lines and not wrong:
        wrong["item_id-0"] = [say("Name at least one item.")]
    if wrong:
        raise LinesWrong(wrong)
    try:
        made = service.request(uow, lines=lines, **told)
    except LinesWrong as refusal:
        refusal.fields = {_form_name(name, numbers): told for name, told in refusal.fields.items()}
        raise
    done(say("Transfer %(code)s was requested.", code=made.code))
    return redirect(url_for(".transfer", transfer_id=made.id))


def _lines(uow: UnitOfWork, wrong: dict[str, list[Message | str]]) -> tuple[list[str], list[dict[str, Any]]]:
    """Read the numbered rows of the form; an item may have been typed where no script chose it."""
    numbers, lines = [], []
    for name in request.form:
        number = name.removeprefix("quantity-")
        if name == number or not (number.isascii() and number.isdigit() and len(number) < 4):
            continue
        typed = request.form.get(f"item_id-{number}_text", "").strip()
        given = {
            "item_id": request.form.get(f"item_id-{number}") or _item_typed(uow, typed),
            "quantity": request.form.get(name),
        }
        given = {key: value for key, value in given.items() if value not in (None, "")}
        if not given and not typed:
            continue
        found: dict[str, list[Message | str]] = {}
        if typed and "item_id" not in given:
            found["item_id"] = [say("No single item is called so. Write its whole name or its code.")]
            given["item_id"] = "1"
        line = _load(schemas.TransferLineIn(), given, found)
        wrong |= {f"{field}-{number}": told for field, told in found.items()}
        numbers.append(number)
        lines.append(line)
    return numbers, lines


def _item_typed(uow: UnitOfWork, typed: str) -> int | None:
    """Return the one item of this name or code."""
    if not typed:
        return None
    found = catalogue.find_items(uow.session, typed, language=language(), limit=10)
    key = fold(typed)
    same = [each for each in found if key in (fold(each.name_hu), fold(each.name_en), fold(each.code))]
    chosen = same or found
    return chosen[0].id if len(chosen) == 1 else None


def _load(schema: Any, values: Any, wrong: dict[str, list[Message | str]]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
        wrong |= {str(name): [str(each) for each in said] for name, said in messages.items()}
        return error.valid_data if isinstance(error.valid_data, dict) else {}
    return loaded


def _form_name(name: str, numbers: list[str]) -> str:
    """Return the field of the form that a line's field is: "lines.2.reason" is "reason-2"."""
    parts = name.split(".")
    if len(parts) == 3:
        return f"{parts[2]}-{numbers[int(parts[1])]}"
    return "item_id-0" if name == "lines" else name


# Picking and sending ------------------------------------------------------------------------------------------------


@blueprint.post("/<int:transfer_id>/accept")
@in_unit_of_work("stock.operate", form_view=transfer)
def accept(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Reserve what is asked for."""
    service.accept(uow, transfer_id=transfer_id, **schemas.VersionForm().load(request.form))
    done(say("Reserved on its shelves, first to expire first."))
    return redirect(url_for(".pick_form", transfer_id=transfer_id))


@blueprint.get("/<int:transfer_id>/pick")
@in_unit_of_work("stock.operate")
def pick_form(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Show what is to be picked, as one walks."""
    context = _sheet(uow, transfer_id)
    if not context["gives"]:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return render_template("transfers/pick.html", operation_ids=[uuid4() for _ in context["reserved"]], **context)


@blueprint.post("/<int:transfer_id>/pick")
@in_unit_of_work("stock.operate", form_view=pick_form)
def pick(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Move one row of the list to staging."""
    body = schemas.PickForm().load(request.form)
    part, _ = service.pick(uow, transfer_id=transfer_id, **body)
    done(
        say("%(quantity)s picked of lot %(lot)s.", quantity=body["quantity"], lot=f"L-{body['lot_id']}"),
        undo=url_for(".unpick", transfer_id=transfer_id),
        fields={"operation_id": str(uuid4()), "transfer_lot_id": part.id},
    )
    return redirect(url_for(".pick_form", transfer_id=transfer_id))


@blueprint.post("/<int:transfer_id>/pick-box")
@in_unit_of_work("stock.operate", form_view=pick_form)
def pick_box(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Pick a whole box or pallet."""
    body = schemas.BoxForm().load(request.form)
    box_id = travelling.named(uow, body["box"])
    made = service.pick_box(uow, transfer_id=transfer_id, box_id=box_id, operation_id=body["operation_id"])
    done(
        say("%(quantity)s picked with their box.", quantity=sum(part.quantity for part in made)),
        undo=url_for(".unpick", transfer_id=transfer_id),
        fields={"operation_id": str(uuid4()), "transfer_lot_id": made[0].id},
    )
    return redirect(url_for(".pick_form", transfer_id=transfer_id))


@blueprint.post("/<int:transfer_id>/pick-all")
@in_unit_of_work("stock.operate", form_view=pick_form)
def pick_all(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Move everything on the list to staging."""
    service.pick_all(uow, transfer_id=transfer_id, **schemas.OperationForm().load(request.form))
    done(say("Everything on the list stands in staging."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))


@blueprint.post("/<int:transfer_id>/unpick")
@in_unit_of_work("stock.operate", form_view=transfer)
def unpick(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Put a pick back."""
    body = schemas.UnpickForm().load(request.form)
    if queries.transfer_id_of(uow.session, body["transfer_lot_id"]) != transfer_id:
        raise NoSuchTransfer(transfer_id=transfer_id)
    service.unpick(uow, **body)
    done(say("It is back on its shelf."))
    return redirect(url_for(".pick_form", transfer_id=transfer_id))


@blueprint.post("/<int:transfer_id>/finish")
@in_unit_of_work("stock.operate", form_view=transfer)
def finish(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Say that no more is picked."""
    service.finish(uow, transfer_id=transfer_id, **schemas.VersionForm().load(request.form))
    done(say("Picking is over; what was still reserved is free again."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))


@blueprint.get("/<int:transfer_id>/send")
@in_unit_of_work("stock.operate")
def send_form(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Ask who carries it, and when it should arrive."""
    context = _sheet(uow, transfer_id)
    if not context["gives"]:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return render_template("transfers/send.html", **context)


@blueprint.post("/<int:transfer_id>/send")
@in_unit_of_work("stock.operate", form_view=send_form)
def send(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Let it leave."""
    service.send(uow, transfer_id=transfer_id, **schemas.SendForm().load(request.form))
    done(say("It is in transit. Print the transfer note and give it along."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))


@blueprint.get("/<int:transfer_id>/note.pdf")
@in_unit_of_work("transfers.read")
def note(uow: UnitOfWork, transfer_id: int) -> Response:
    """Show the transfer note."""
    voucher = service.note(uow, transfer_id=transfer_id)
    if voucher is None:
        raise NoSuchTransfer(transfer_id=transfer_id)
    return Response(voucher_papers.draw(voucher), mimetype="application/pdf", headers={"Content-Disposition": "inline"})


# Receiving and settling ---------------------------------------------------------------------------------------------


@blueprint.get("/<int:transfer_id>/receive")
@in_unit_of_work("stock.operate")
def receive_form(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Ask what arrived, lot by lot."""
    context = _sheet(uow, transfer_id)
    if not context["takes"]:
        raise NoSuchTransfer(transfer_id=transfer_id)
    places = queries.places_to_receive(uow.session, context["taker"].id)
    context["operation_id"] = request.form.get("operation_id") or context["operation_id"]
    return render_template(
        "transfers/receive.html",
        coming=[seen for seen in context["lots"] if seen.part.received_at is None],
        place_options=[(each.id, each.code) for each in places],
        **context,
    )


@blueprint.post("/<int:transfer_id>/receive")
@in_unit_of_work("stock.operate", form_view=receive_form)
def receive(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Take in what was counted."""
    wrong: dict[str, list[Message | str]] = {}
    told = _load(schemas.OperationForm(), request.form, wrong)
    numbers = [
        name.removeprefix("received-")
        for name in request.form
        if name.startswith("received-") and name.removeprefix("received-").isdigit() and len(name) < 28
    ]
    counted = []
    for number in numbers:
        if not request.form[f"received-{number}"].strip():
            continue
        found: dict[str, list[Message | str]] = {}
        names = ("received", "damaged", "reason", "to_place_id")
        values = {name: request.form.get(f"{name}-{number}", "") for name in names}
        values["to_place_id"] = values["to_place_id"] or request.form.get("to_place_id", "")
        line = _load(schemas.CountedForm(), values, found)
        wrong |= {f"{name}-{number}": said for name, said in found.items()}
        if not found:
            counted.append((number, Counted(int(number), **line)))
    if wrong:
        raise LinesWrong(wrong)
    try:
        received = service.receive(uow, transfer_id=transfer_id, counted=[each for _, each in counted], **told)
    except LinesWrong as refusal:
        chosen = [number for number, _ in counted]
        refusal.fields = {_received_name(name, chosen): said for name, said in refusal.fields.items()}
        raise
    left = [seen for seen in queries.lots_of(uow.session, transfer_id) if seen.part.received_at is None]
    if left:
        done(say("Received. %(lots)s lots are still to be counted.", lots=len(left)))
    elif any(seen.part.short for seen in queries.lots_of(uow.session, transfer_id)):
        done(say("Received with differences: say what became of the missing pieces."))
    else:
        done(say("Everything was received: it stands on the dock, to be put away."))
    return redirect(url_for(".transfer", transfer_id=received.id))


def _received_name(name: str, numbers: list[str]) -> str:
    parts = name.split(".")
    return f"{parts[2]}-{numbers[int(parts[1])]}" if len(parts) == 3 else ""


@blueprint.get("/<int:transfer_id>/add")
@in_unit_of_work("stock.operate")
def add_form(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Ask what came though nobody had sent it."""
    context = _sheet(uow, transfer_id)
    if not context["takes"] or (context["transfer"].state, "add") not in life.MOVES:
        raise NoSuchTransfer(transfer_id=transfer_id)
    places = queries.places_to_receive(uow.session, context["taker"].id)
    context["operation_id"] = request.form.get("operation_id") or context["operation_id"]
    return render_template("transfers/add.html", place_options=[(each.id, each.code) for each in places], **context)


@blueprint.post("/<int:transfer_id>/add")
@in_unit_of_work("stock.operate", form_view=add_form)
def add(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Take in what nobody had sent."""
    facts = schemas.AddForm().load(request.form)
    code = facts.pop("lot", None)
    lot_id = _lot_of(code) if code else None
    if code and lot_id is None:
        raise LinesWrong({"lot": [say("A lot is called L- and its number, such as L-812.")]})
    if lot_id is None and facts.get("item_id") is None:
        facts["item_id"] = _item_typed(uow, request.form.get("item_id_text", "").strip())
    service.add(uow, transfer_id=transfer_id, lot_id=lot_id, **facts)
    done(say("Taken in: it stands on the books here, and among the discrepancies of the giving warehouse."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))


def _lot_of(code: str) -> int | None:
    """Return the number of a lot's label: "L-812"."""
    number = code.strip().upper().removeprefix("L-")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


@blueprint.post("/<int:transfer_id>/settle")
@in_unit_of_work("stock.operate", form_view=transfer)
def settle(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Say what became of missing pieces."""
    body = schemas.SettleForm().load(request.form)
    if queries.transfer_id_of(uow.session, body["transfer_lot_id"]) != transfer_id:
        raise NoSuchTransfer(transfer_id=transfer_id)
    service.settle(uow, **body)
    done(say("Settled: nothing of this lot is in transit any more."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))


@blueprint.post("/<int:transfer_id>/cancel")
@in_unit_of_work("transfers.request|stock.operate", form_view=transfer)
def cancel(uow: UnitOfWork, transfer_id: int) -> ResponseReturnValue:
    """Call it off."""
    service.cancel(uow, transfer_id=transfer_id, **schemas.CancelForm().load(request.form))
    done(say("The transfer was called off; nothing is reserved for it any more."))
    return redirect(url_for(".transfer", transfer_id=transfer_id))
