"""Pages of donations: offers and the answer to them, arrivals line by line, and the public form."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from app.donations import papers, queries, schemas, service
from app.donations.errors import STATE_NAMES, LinesWrong
from app.donations.papers import CONDITION_NAMES, INSPECTIONS
from app.foundation.http import PUBLIC, in_unit_of_work
from app.foundation.language import language
from app.foundation.look import done
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.geography import queries as geography

blueprint = Blueprint("donations", __name__)

OFFER_ROWS = 6
SPARE_ROWS = 3
DONOR_KIND_NAMES: dict[str, Message] = {
    "person": say("Private person"),
    "company": say("Company"),
    "parish": say("Parish"),
    "institution": say("Institution"),
    "anonymous": say("Without a name"),
}
DIFFER_NAMES: dict[str, Message] = {
    "short": say("Less came than was offered"),
    "over": say("More came than was offered"),
    "other": say("It was not offered"),
    "condition": say("Another condition than offered"),
    "refused": say("Refused at the inspection"),
}
STATE_LOOKS = {
    "offered": ("clock", "attention"),
    "accepted": ("truck", "act"),
    "declined": ("ban", ""),
    "arrived": ("package-import", "act"),
    "closed": ("circle-check", "good"),
}


@blueprint.context_processor
def words() -> dict[str, Any]:
    """Return what the templates of this package call things."""
    return {
        "states": STATE_NAMES,
        "looks": STATE_LOOKS,
        "conditions": CONDITION_NAMES,
        "inspections": INSPECTIONS,
        "donor_kinds": DONOR_KIND_NAMES,
    }


# Offers


@blueprint.get("/offers")
@in_unit_of_work("donations.read")
def offers(uow: UnitOfWork) -> ResponseReturnValue:
    """List offers by what is to be done with them."""
    return render_template("donations/offers.html", **_list(uow))


@blueprint.get("/offers/<int:offer_id>")
@in_unit_of_work("donations.read")
def offer(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Show an offer beside the list, with what can be done next."""
    return render_template("donations/offer.html", **_list(uow), **_sheet(uow, offer_id))


def _list(uow: UnitOfWork) -> dict[str, Any]:
    asked = schemas.FindOffers().load(request.args)
    counted = {name: asked[name] for name in ("q", "county_id", "warehouse_id")}
    page = queries.offers(uow.session, uow.actor, **asked)
    counts = queries.count_offers(uow.session, uow.actor, **counted)
    return {
        "page": page,
        "counts": counts,
        "view": asked["view"],
        "total": counts[asked["view"] or "all"],
        "begun": queries.open_arrivals(uow.session, uow.actor, most=5) if uow.actor.may("donations.receive") else [],
        "counties": queries.counties(uow.session),
    }


def _sheet(uow: UnitOfWork, offer_id: int) -> dict[str, Any]:
    found = queries.offer(uow.session, uow.actor, offer_id)
    arrivals = queries.arrivals_of(uow.session, uow.actor, offer_id)
    warehouse = queries.warehouse(uow.session, found.warehouse_id) if found.warehouse_id else None
    return {
        "offer": found,
        "chosen_id": offer_id,
        "arrivals": arrivals,
        "items": queries.items_of(uow.session, [line.item_id for line in found.lines]),
        "vouchers": queries.vouchers(uow.session, [arrival.voucher_id for arrival in arrivals]),
        "warehouse": warehouse,
        "county": queries.county_name(uow.session, found.county_id),
        "scanned": _scanned(uow, found),
        "operation_id": str(uuid4()),
        "warehouses": queries.warehouses(uow.session, uow.actor, "donations.decide"),
        "form": {"values": {"warehouse_id": found.warehouse_id, "collection": found.collection}},
    }


@blueprint.post("/offers/<int:offer_id>/accept")
@in_unit_of_work("donations.decide", form_view=offer)
def accept(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Accept an offer."""
    body = schemas.AcceptForm().load(request.form)
    body["collection"] = bool(body["collection"])
    service.accept(uow, offer_id=offer_id, **body)
    done(say("Offer accepted."), undo=url_for(".reconsider", offer_id=offer_id))
    return redirect(url_for(".offer", offer_id=offer_id))


@blueprint.post("/offers/<int:offer_id>/decline")
@in_unit_of_work("donations.decide", form_view=offer)
def decline(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Decline an offer with a reason."""
    service.decline(uow, offer_id=offer_id, **schemas.DeclineForm().load(request.form))
    done(say("Offer declined."), undo=url_for(".reconsider", offer_id=offer_id))
    return redirect(url_for(".offer", offer_id=offer_id))


@blueprint.post("/offers/<int:offer_id>/reconsider")
@in_unit_of_work("donations.decide", form_view=offer)
def reconsider(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Take the decision back."""
    service.reconsider(uow, offer_id=offer_id)
    done(say("The offer waits for an answer again."))
    return redirect(url_for(".offer", offer_id=offer_id))


@blueprint.post("/offers/<int:offer_id>/close")
@in_unit_of_work("donations.receive", form_view=offer)
def close(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Say that nothing more will come."""
    service.close(uow, offer_id=offer_id)
    done(say("Offer closed."))
    return redirect(url_for(".offer", offer_id=offer_id))


def _scanned(uow: UnitOfWork, offer: Any) -> int:
    """Return how many lots of an offer phones have brought in that stand on no note yet."""
    if offer.warehouse_id is None or not uow.actor.may("donations.receive"):
        return 0
    return len(queries.scanned_for(uow.session, offer))


@blueprint.post("/offers/<int:offer_id>/note")
@in_unit_of_work("donations.receive", form_view=offer)
def note_scanned(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Write the note of what was scanned in for an offer and never ended."""
    told = schemas.NoteForm().load(request.form)
    arrived = service.note_of_offer(uow, offer_id=offer_id, **told)
    done(say("The goods-received note is written."))
    return redirect(url_for(".arrival", arrival_id=arrived.id))


@blueprint.get("/offers/<int:offer_id>/certificate.pdf")
@in_unit_of_work("donations.read")
def certificate(uow: UnitOfWork, offer_id: int) -> Response:
    """Show the donor's certificate."""
    return papers.as_response(papers.certificate(service.certificate(uow, offer_id=offer_id)))


@blueprint.get("/offers/new")
@in_unit_of_work("donations.offer")
def offer_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what is offered."""
    own = uow.actor.may("offers.own")
    return render_template(
        "donations/offer_form.html",
        form={},
        form_id=request.form.get("form_id") or uuid4().hex,
        public=False,
        own=own,
        donors=[] if own else queries.donor_names(uow.session),
        all_items=_choice_of_items(uow),
        rows=range(OFFER_ROWS),
    )


@blueprint.post("/offers/new")
@in_unit_of_work("donations.offer", form_view=offer_form)
def make_offer(uow: UnitOfWork) -> ResponseReturnValue:
    """Write an offer down."""
    made = _offer_from_form(uow, donor_known=uow.actor.may("offers.own"))
    done(say("Offer %(code)s was written down.", code=f"F-{made.id}"))
    return redirect(url_for(".offer", offer_id=made.id))


@blueprint.get("/felajanlas")
@in_unit_of_work(PUBLIC)
def public_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Let anybody offer goods, without signing in."""
    return render_template(
        "donations/offer_form.html",
        form={},
        form_id=request.form.get("form_id") or uuid4().hex,
        public=True,
        own=False,
        donors=[],
        all_items=_choice_of_items(uow),
        rows=range(OFFER_ROWS),
    )


@blueprint.post("/felajanlas")
@in_unit_of_work(PUBLIC, form_view=public_form)
def public_offer(uow: UnitOfWork) -> ResponseReturnValue:
    """Take in what somebody offers, and thank them."""
    made = _offer_from_form(uow, donor_known=False)
    return render_template("donations/thanks.html", code=f"F-{made.id}")


def _offer_from_form(uow: UnitOfWork, *, donor_known: bool) -> Any:
    wrong: dict[str, list[Message | str]] = {}
    told = _load(schemas.OfferFields(), request.form, wrong)
    lines = _rows(schemas.OfferLineIn(), ("item_id", "quantity", "condition", "expires_on"), wrong)
    if not lines and not wrong:
        wrong["item_id-0"] = [say("Name at least one thing.")]
    donor = None
    if told["donor_id"] is None and not donor_known:
        if not told["name"] and told["kind"] != "anonymous":
            wrong["name"] = [say("Write a name, or choose “Without a name”.")]
        known = ("kind", "name", "contact_name", "email", "phone")
        donor = {name: told[name] for name in known} | {"name": told["name"] or service.PRIVATE_PERSON}
    if wrong:
        raise LinesWrong(wrong)
    place = geography.settlement_typed(
        uow.session, settlement_id=told["settlement_id"], text=told["settlement_id_text"]
    )
    return service.offer(
        uow,
        lines=lines,
        settlement_id=place.id,
        donor_id=told["donor_id"],
        donor=donor,
        collection=told["collection"],
        until=told["until"],
        note=told["note"],
        reference=told["form_id"],
    )


def _choice_of_items(uow: UnitOfWork) -> list[tuple[int, str]]:
    english = language() == "en"
    return [
        (item.id, f"{item.name(language())} ({item.unit_name_en if english else item.unit_name_hu})")
        for item in queries.choice_of_items(uow.session)
    ]


def _load(schema: Any, values: Any, wrong: dict[str, list[Message | str]]) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}
        wrong |= {str(name): [str(each) for each in said] for name, said in messages.items()}
        good = error.valid_data if isinstance(error.valid_data, dict) else {}
        return {name: field.load_default for name, field in schema.fields.items()} | good
    return loaded


def _rows(schema: Any, names: tuple[str, ...], wrong: dict[str, list[Message | str]]) -> list[dict[str, Any]]:
    """Read the numbered rows of a form; a row without a quantity is left out."""
    form: MultiDict[str, str] = request.form
    lines = []
    for number in sorted({name.rsplit("-", 1)[1] for name in form if name.startswith("quantity-")}, key=_as_number):
        given = {name: form[f"{name}-{number}"] for name in names if form.get(f"{name}-{number}")}
        if "quantity" not in given and ("item_id" not in given or "offer_line_id" in given):
            continue
        found: dict[str, list[Message | str]] = {}
        line = _load(schema, given, found)
        wrong |= {f"{name}-{number}": said for name, said in found.items()}
        lines.append(line)
    return lines


def _as_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


# Arrivals


@blueprint.get("/offers/<int:offer_id>/arrive")
@in_unit_of_work("donations.receive")
def arrive_form(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Ask what came of an offer, line by line."""
    found = queries.offer(uow.session, uow.actor, offer_id)
    return _arrival_page(uow, offer=found)


@blueprint.post("/offers/<int:offer_id>/arrive")
@in_unit_of_work("donations.receive", form_view=arrive_form)
def arrive(uow: UnitOfWork, offer_id: int) -> ResponseReturnValue:
    """Receive what came of an offer."""
    return _receive(uow, offer_id=offer_id)


@blueprint.get("/arrivals/new")
@in_unit_of_work("donations.receive")
def unannounced_form(uow: UnitOfWork) -> ResponseReturnValue:
    """Ask what came without an offer."""
    return _arrival_page(uow, offer=None)


@blueprint.post("/arrivals/new")
@in_unit_of_work("donations.receive", form_view=unannounced_form)
def unannounced(uow: UnitOfWork) -> ResponseReturnValue:
    """Receive what came without an offer."""
    return _receive(uow, offer_id=None)


def _arrival_page(uow: UnitOfWork, *, offer: Any) -> str:
    lines = [line for line in offer.lines if line.arrived < line.quantity] if offer else []
    return render_template(
        "donations/arrival_form.html",
        form={},
        offer=offer,
        lines=lines,
        spare=range(len(lines), len(lines) + (SPARE_ROWS if offer else OFFER_ROWS)),
        items=queries.items_of(uow.session, [line.item_id for line in lines]),
        all_items=_choice_of_items(uow),
        donors=queries.donor_names(uow.session) if offer is None else [],
        warehouses=queries.warehouses(uow.session, uow.actor, "donations.receive"),
        operation_id=request.form.get("operation_id") or str(uuid4()),
    )


def _receive(uow: UnitOfWork, *, offer_id: int | None) -> ResponseReturnValue:
    wrong: dict[str, list[Message | str]] = {}
    told = _load(schemas.ArrivalFields(), request.form, wrong)
    names = ("item_id", "quantity", "inspection", "expires_on", "condition", "reason", "offer_line_id")
    lines = _rows(schemas.ArrivalLineIn(), names, wrong)
    if not lines and not wrong:
        wrong["quantity-0"] = [say("Name at least one thing.")]
    if wrong:
        raise LinesWrong(wrong)
    try:
        operation_id: UUID = told["operation_id"]
        arrived = service.arrive(
            uow,
            operation_id=operation_id,
            warehouse_id=told["warehouse_id"],
            lines=lines,
            offer_id=offer_id,
            donor_id=told["donor_id"],
        )
    except LinesWrong as refusal:
        refusal.fields = {_form_name(name): said for name, said in refusal.fields.items()}
        raise
    done(say("Received: it stands on the dock, to be put away."))
    return redirect(url_for(".arrival", arrival_id=arrived.id))


def _form_name(name: str) -> str:
    """Return the field of the form that a line's field is: "lines.2.reason" is "reason-2"."""
    parts = name.split(".")
    return f"{parts[2]}-{parts[1]}" if len(parts) == 3 else name


@blueprint.get("/arrivals/<int:arrival_id>")
@in_unit_of_work("donations.read")
def arrival(uow: UnitOfWork, arrival_id: int) -> ResponseReturnValue:
    """Show what arrived, and its papers."""
    found = queries.arrival(uow.session, uow.actor, arrival_id)
    return render_template(
        "donations/arrival.html",
        arrival=found,
        items=queries.items_of(uow.session, _items_about(uow, found)),
        voucher=queries.vouchers(uow.session, [found.voucher_id]).get(found.voucher_id or 0),
        donor=queries.donor(uow.session, found.donor_id),
        differs=service.differences(found, queries.offer(uow.session, uow.actor, found.offer_id))
        if found.offer_id
        else [],
        differ_names=DIFFER_NAMES,
        begun=found.voucher_id is None and found.content_hash is None,
        warehouse=queries.warehouse(uow.session, found.warehouse_id),
    )


def _items_about(uow: UnitOfWork, found: Any) -> list[int]:
    offered = queries.offer(uow.session, uow.actor, found.offer_id).lines if found.offer_id else []
    return [line.item_id for line in (*found.lines, *offered)]


@blueprint.post("/arrivals/<int:arrival_id>/close")
@in_unit_of_work("donations.receive", form_view=arrival)
def close_arrival(uow: UnitOfWork, arrival_id: int) -> ResponseReturnValue:
    """End an arrival that was received scan by scan."""
    service.close_arrival(uow, arrival_id=arrival_id)
    done(say("Received: it stands on the dock, to be put away."))
    return redirect(url_for(".arrival", arrival_id=arrival_id))


@blueprint.get("/arrivals/<int:arrival_id>/note.pdf")
@in_unit_of_work("donations.read")
def note(uow: UnitOfWork, arrival_id: int) -> Response:
    """Show the goods-received note."""
    found = queries.arrival(uow.session, uow.actor, arrival_id)
    return papers.as_response(papers.note(queries.note_of(uow.session, found)))
