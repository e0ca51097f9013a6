"""Pages of what can no longer be given: proposals and records, what lies in quarantine and why, what expires."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from app.accounts import queries as accounts
from app.foundation.http import in_unit_of_work
from app.foundation.language import language, today
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.stock import queries as stock
from app.write_offs import papers, queries, schemas, service, words
from app.write_offs.errors import LinesWrong

blueprint = Blueprint("write_offs", __name__, url_prefix="/write-offs")

LOOKS = {
    "proposed": ("clock", ""),
    "posted": ("trash", "refused"),
    "refused": ("circle-check", "good"),
    "withdrawn": ("arrow-back-up", ""),
    "taken_back": ("arrow-back-up", "attention"),
}
CHOSEN_MAX = 100


# Lists --------------------------------------------------------------------------------------------------------------


@blueprint.get("/")
@in_unit_of_work("stock.read")
def write_offs(uow: UnitOfWork) -> ResponseReturnValue:
    """List what is proposed; with ?view=decided what was decided, or withdrawn."""
    asked = schemas.WriteOffQuery().load(request.args)
    asked.pop("size", None)
    asked.pop("state", None)
    view = "decided" if request.args.get("view") == "decided" else "proposed"
    return render_template(
        "write_offs/list.html",
        page=queries.write_off_page(uow.session, uow.actor, state=view, **asked),
        view=view,
        reason_options=list(words.REASONS.items()),
        **_around(uow, asked.get("warehouse_id")),
    )


@blueprint.get("/quarantine")
@in_unit_of_work("stock.read")
def quarantined(uow: UnitOfWork) -> ResponseReturnValue:
    """List what lies in quarantine or is blocked: why, since when, and what to do next."""
    asked = schemas.HeldQuery().load(request.args)
    asked.pop("size", None)
    return render_template(
        "write_offs/quarantine.html",
        page=queries.quarantine_page(uow.session, uow.actor, **asked),
        view="quarantine",
        **_around(uow, asked.get("warehouse_id")),
    )


@blueprint.get("/expiring")
@in_unit_of_work("stock.read")
def expiring(uow: UnitOfWork) -> ResponseReturnValue:
    """List what has expired or soon will, and what to do next."""
    asked = schemas.HeldQuery().load(request.args)
    asked.pop("size", None)
    return render_template(
        "write_offs/expiring.html",
        page=queries.expiring_page(uow.session, uow.actor, today(), **asked),
        view="expiring",
        operation_id=uuid4(),
        **_around(uow, asked.get("warehouse_id")),
    )


def _around(uow: UnitOfWork, warehouse_id: int | None) -> dict[str, Any]:
    """Return what stands around each list."""
    warehouses = stock.warehouses(uow.session, uow.actor)
    chosen = next((each for each in warehouses if each.id == warehouse_id), None)
    if chosen is None and len(warehouses) == 1:
        chosen = warehouses[0]
    return {
        "totals": queries.totals(uow.session, uow.actor, today(), warehouse_id),
        "warehouse": chosen,
        "warehouse_options": [(each.id, each.name) for each in warehouses],
        "warehouse_names": {each.id: each.name for each in warehouses},
        **_looks(),
    }


def _looks() -> dict[str, Any]:
    return {
        "reasons": words.REASONS,
        "states": words.STATES,
        "apart": words.APART,
        "looks": LOOKS,
        "name": f"name_{language()}",
        "unit": f"unit_name_{language()}",
        "items_name": f"items_{language()}",
    }


# One write-off ------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:write_off_id>")
@in_unit_of_work("stock.read")
def write_off(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Show a write-off: what, why, its pictures, and what was decided."""
    found = queries.write_off(uow.session, uow.actor, write_off_id)
    here = {"warehouse": found.warehouse_id, "county": found.county_id}
    manager = uow.actor.covers("stock.write_off", **here)
    own = found.proposed_by_id is not None and found.proposed_by_id == uow.actor.id
    rows = queries.lines_of(uow.session, found.id)
    return render_template(
        "write_offs/write_off.html",
        write_off=found,
        rows=rows,
        value_huf=sum(row.value for row in rows),
        weight_g=sum(row.item.weight_mg * row.line.quantity for row in rows) // 1000,
        photo_ids=queries.photo_ids(uow.session, found.id),
        photos_max=service.PHOTOS_MAX,
        voucher=queries.voucher(uow.session, uow.actor, found),
        names=accounts.names_of(uow.session, [found.proposed_by_id, found.decided_by_id]),
        warehouse=stock.warehouse(uow.session, uow.actor, found.warehouse_id),
        manager=manager,
        own=own,
        worker=uow.actor.covers("stock.operate", **here),
        operation_id=uuid4(),
        form={},
        **_looks(),
    )


@blueprint.get("/<int:write_off_id>/record.pdf")
@in_unit_of_work("stock.read")
def record(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Return the record of a write-off."""
    return papers.record_of(uow, write_off_id)


@blueprint.get("/photos/<int:write_off_photo_id>.jpg")
@in_unit_of_work("stock.read")
def photo(uow: UnitOfWork, write_off_photo_id: int) -> ResponseReturnValue:
    """Return a picture of goods."""
    return papers.photo_of(uow, write_off_photo_id)


# Proposing ----------------------------------------------------------------------------------------------------------


@blueprint.get("/new")
@in_unit_of_work("stock.operate")
def propose_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what is to be written off and why: a lot (?lot_id=), or what was chosen in a list (?line=lot-place)."""
    asked = schemas.ChosenQuery().load(request.args)
    rows = _chosen(uow)
    values: dict[str, Any] = {}
    if request.method == "GET":
        expired = rows and all(row.lot.expires_on is not None and row.lot.expires_on < today() for row in rows)
        values["reason"] = asked.get("reason") or ("expired" if expired else "")
        at = asked.get("at")
        for row in rows:
            whole = at is None or row.place.id == at
            values[f"quantity-{row.lot.id}-{row.place.id}"] = (row.balance.available or "") if whole else ""
    return render_template(
        "write_offs/propose.html",
        rows=rows,
        form={"values": values} if values else {},
        operation_id=uuid4(),
        reason_options=_reason_tiles(),
        **_looks(),
    )


def _reason_tiles() -> list[tuple[str, Message, str]]:
    return [
        _reason("expired", icon="calendar-due"),
        _reason("damaged", icon="box-off"),
        _reason("spoiled", icon="bug"),
        _reason("recalled", icon="speakerphone"),
        _reason("unusable", icon="ban"),
        _reason("lost", icon="zoom-question"),
    ]


def _reason(value: str, *, icon: str) -> tuple[str, Message, str]:
    return value, words.REASONS[value], icon


def _chosen(uow: UnitOfWork) -> list[queries.Held]:
    """Return what the form is about, by its address or by the fields that were sent."""
    keys = [_key(each) for each in request.args.getlist("line")[:CHOSEN_MAX]]
    keys += [_key(each.removeprefix("quantity-")) for each in request.form if each.startswith("quantity-")]
    wanted = list(dict.fromkeys(key for key in keys if key is not None))[:CHOSEN_MAX]
    found = queries.held(uow.session, uow.actor, wanted)
    rows = [found[key] for key in wanted if key in found]
    lot_id = request.args.get("lot_id", type=int)
    if lot_id is not None and not rows and 0 < lot_id < 2**63:
        rows = queries.held_of_lot(uow.session, uow.actor, lot_id)
    return rows if request.form else queries.held_with(uow.session, rows)


def _key(text: str) -> queries.Key | None:
    """Read "20811-44"."""
    lot_id, _, place_id = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (lot_id, place_id)):
        return None
    return int(lot_id), int(place_id)


@blueprint.post("/new")
@in_unit_of_work("stock.operate", form_view=propose_form)
def propose(uow: UnitOfWork) -> ResponseReturnValue:
    """Propose to write off what was chosen."""
    facts = schemas.ProposalForm().load(request.form)
    lines, wrong = [], {}
    for field, value in request.form.items():
        key = _key(field.removeprefix("quantity-")) if field.startswith("quantity-") else None
        if key is None or not value.strip():
            continue
        try:
            quantity = schemas.QuantityField().load({"quantity": value})["quantity"]
        except ValidationError as error:
            wrong[field] = error.messages_dict["quantity"]
            continue
        lines.append({"lot_id": key[0], "place_id": key[1], "quantity": quantity})
    if wrong or not lines:
        raise LinesWrong(wrong, None if wrong else say("Nothing was proposed: write how many at least once."))
    proposed = service.propose(uow, lines=lines, **facts)
    made, lost = proposed.write_off, proposed.needs_lost
    file = request.files.get("photo")
    if file is not None and file.filename:
        service.add_photo(uow, write_off_id=made.id, content=file.read())
    told = say("S-%(write_off)s is proposed: nobody else can take these goods.", write_off=str(made.id))
    if lost:
        told = say(
            "S-%(write_off)s is proposed. Needs that lost what was reserved for them: %(lost)s. They are open again.",
            write_off=str(made.id),
            lost=lost,
        )
    done(
        told,
        undo=url_for(".withdraw", write_off_id=made.id),
    )
    return redirect(url_for(".write_off", write_off_id=made.id))


@blueprint.post("/expired")
@in_unit_of_work("stock.operate", form_view=lambda uow: expiring.view(uow))  # type: ignore[attr-defined]
def propose_expired(uow: UnitOfWork) -> ResponseReturnValue:
    """Propose everything of a warehouse that has expired."""
    made = service.propose_expired(uow, **schemas.ExpiredForm().load(request.form))
    done(
        say(
            "S-%(write_off)s is proposed with everything that has expired: %(lines)s lines.",
            write_off=str(made.id),
            lines=len(made.lines),
        ),
        undo=url_for(".withdraw", write_off_id=made.id),
    )
    return redirect(url_for(".write_off", write_off_id=made.id))


@blueprint.post("/<int:write_off_id>/photos")
@in_unit_of_work("stock.operate", form_view=write_off)
def add_photo(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Add a picture of the goods."""
    file = request.files.get("photo")
    service.add_photo(uow, write_off_id=write_off_id, content=file.read() if file is not None else b"")
    done(say("The picture is stored."))
    return redirect(url_for(".write_off", write_off_id=write_off_id))


# Deciding -----------------------------------------------------------------------------------------------------------


@blueprint.post("/<int:write_off_id>/decide")
@in_unit_of_work("stock.write_off", form_view=write_off)
def decide(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Write off, with three names."""
    facts = schemas.DecisionForm().load(request.form)
    committee = [facts.pop(f"member_{number}") for number in (1, 2, 3)]
    found = service.decide(uow, write_off_id=write_off_id, committee=committee, **facts)
    codes = queries.voucher_codes(uow.session, [found.voucher_id])
    done(say("Written off. The record: %(voucher)s", voucher=codes.get(found.voucher_id or 0, "")))
    return redirect(url_for(".write_off", write_off_id=write_off_id))


@blueprint.post("/<int:write_off_id>/refuse")
@in_unit_of_work("stock.write_off", form_view=write_off)
def refuse(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Refuse: the goods stay."""
    service.refuse(uow, write_off_id=write_off_id, **schemas.NoteForm().load(request.form))
    done(say("Refused: the goods are free again."))
    return redirect(url_for(".write_off", write_off_id=write_off_id))


@blueprint.post("/<int:write_off_id>/withdraw")
@in_unit_of_work("stock.operate", form_view=write_off)
def withdraw(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Withdraw a proposal."""
    service.withdraw(uow, write_off_id=write_off_id, **schemas.NoteForm().load(request.form))
    done(say("Withdrawn: the goods are free again."))
    return redirect(url_for(".write_off", write_off_id=write_off_id))


@blueprint.post("/<int:write_off_id>/take-back")
@in_unit_of_work("stock.write_off", form_view=write_off)
def take_back(uow: UnitOfWork, write_off_id: int) -> ResponseReturnValue:
    """Take a record back: the goods return, the record stays cancelled."""
    service.take_back(uow, write_off_id=write_off_id, **schemas.TakeBackForm().load(request.form))
    done(say("Taken back: the goods are where they were, the record is cancelled and keeps its number."))
    return redirect(url_for(".write_off", write_off_id=write_off_id))


# Quarantine ---------------------------------------------------------------------------------------------------------


@blueprint.get("/lots/<int:lot_id>/quarantine")
@in_unit_of_work("stock.operate")
def quarantine_form(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Ask how much is held apart, and why."""
    stock.lot(uow.session, uow.actor, lot_id)
    rows = [row for row in queries.held_of_lot(uow.session, uow.actor, lot_id) if row.place.stands_in != "quarantine"]
    return _lot_form("write_offs/quarantine_form.html", rows, [])


@blueprint.post("/lots/<int:lot_id>/quarantine")
@in_unit_of_work("stock.operate", form_view=quarantine_form)
def quarantine(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Hold some of a lot apart."""
    facts = schemas.QuarantineForm().load(request.form)
    if queries.moved_before(uow.session, facts["operation_id"]) is None:
        booked = service.quarantine(uow, lot_id=lot_id, **facts)
        done(
            say("In quarantine: L-%(lot)s, %(quantity)s.", lot=str(lot_id), quantity=booked.movement.quantity),
            undo=url_for("stock.reverse", movement_id=booked.movement.id),
            fields={"operation_id": uuid4()},
        )
    return redirect(url_for(".quarantined"))


@blueprint.get("/lots/<int:lot_id>/release")
@in_unit_of_work("stock.operate")
def release_form(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Ask how much goes back among the rest, and where."""
    stock.lot(uow.session, uow.actor, lot_id)
    rows = [row for row in queries.held_of_lot(uow.session, uow.actor, lot_id) if row.place.stands_in == "quarantine"]
    homes = {row.balance.warehouse_id for row in rows}
    places = [each for home in homes for each in stock.places_of(uow.session, home, ("dock", "shelf"))]
    places.sort(key=lambda place: (place.kind != "dock", place.code))
    return _lot_form("write_offs/release_form.html", rows, [(each.id, each.code) for each in places])


@blueprint.post("/lots/<int:lot_id>/release")
@in_unit_of_work("stock.operate", form_view=release_form)
def release(uow: UnitOfWork, lot_id: int) -> ResponseReturnValue:
    """Put some of a lot back among the rest."""
    facts = schemas.ReleaseForm().load(request.form)
    if queries.moved_before(uow.session, facts["operation_id"]) is None:
        booked = service.release(uow, lot_id=lot_id, **facts)
        target = stock.place(uow.session, booked.movement.to_place_id)
        done(
            say("Released: L-%(lot)s is at %(place)s.", lot=str(lot_id), place=target.code),
            undo=url_for("stock.reverse", movement_id=booked.movement.id),
            fields={"operation_id": uuid4()},
        )
    return redirect(url_for(".quarantined"))


def _lot_form(template: str, rows: list[queries.Held], places: list[tuple[int, str]]) -> ResponseReturnValue:
    at = request.args.get("at", type=int)
    here = next((row for row in rows if row.place.id == at), rows[0] if rows else None)
    values = {"quantity": here.balance.available or "", "from_place_id": here.place.id} if here else {}
    return render_template(
        template,
        rows=rows,
        here=here,
        form={} if request.method == "POST" else {"values": values},
        from_options=[(row.place.id, row.place.shown) for row in rows],
        place_options=places,
        operation_id=uuid4(),
        **_looks(),
    )


@blueprint.get("/recall")
@in_unit_of_work("stock.write_off")
def recall_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask which maker's batch was called back."""
    return render_template("write_offs/recall.html", form={})


@blueprint.post("/recall")
@in_unit_of_work("stock.write_off", form_view=recall_form)
def recall(uow: UnitOfWork) -> ResponseReturnValue:
    """Block every lot of the batch that lies here."""
    lots = service.block_batch(uow, **schemas.BatchForm().load(request.form))
    done(say("Blocked: %(lots)s lots of the batch. They are listed under quarantine.", lots=len(lots)))
    return redirect(url_for(".quarantined"))
