"""The issue note (kiadási bizonylat) of what is handed out at the gate; what leaves with a run has a delivery note."""

from __future__ import annotations

from app.catalogue import queries as catalogue
from app.foundation.unit_of_work import UnitOfWork
from app.stock import queries, service
from app.stock.models import Kind, Lot, Movement, PlaceKind, Voucher


def paper_hand_out(uow: UnitOfWork, movement: Movement) -> Voucher | None:
    """Number the paper of a hand-over; None where it belongs to a run, because it came off a vehicle."""
    source = queries.place(uow.session, movement.from_place_id)
    if movement.kind != Kind.HAND_OVER or source.kind == PlaceKind.VEHICLE:
        return None
    lot = uow.session.get_one(Lot, movement.lot_id)
    item = catalogue.plain_item(uow.session, lot.item_id)
    line = {
        "lot": f"L-{lot.id}",
        "item_hu": item.name_hu,
        "item_en": item.name_en,
        "unit_hu": item.unit_name_hu,
        "unit_en": item.unit_name_en,
        "quantity": movement.quantity,
        "expires_on": lot.expires_on.isoformat() if lot.expires_on else None,
        "place": source.code,
    }
    return service.issue_voucher(
        uow,
        kind="issue",
        warehouse_id=source.warehouse_id,
        subject=("movement", movement.id),
        content={"warehouse": source.warehouse.name, "reason": movement.reason, "lines": [line]},
    )


def issued(uow: UnitOfWork, *, voucher_id: int) -> Voucher | None:
    """Return a voucher to a package that has judged who may read it."""
    with uow.office("stock"):
        return uow.session.get(Voucher, voucher_id)


def papers_of(uow: UnitOfWork, *, subject: tuple[str, int]) -> list[Voucher]:
    """Return the vouchers of a subject, whoever asks, to a package that has judged what follows for them."""
    with uow.office("stock"):
        return queries.vouchers_of(uow.session, uow.actor, subject)
