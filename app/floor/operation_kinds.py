"""What only the floor asks for: an unknown barcode is learnt, and a delivery that was scanned in gets its note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.catalogue import service as catalogue
from app.donations import service as donations
from app.floor.schemas import GoodsReceivedPayload, LearnPackPayload, reads_since
from app.foundation.errors import Refusal
from app.foundation.unit_of_work import UnitOfWork
from app.stock.operations import Done, operation


# Behind neither stand goods: what is refused of them needs nobody to look for anything.
@operation("learn_pack", reads_since("learn_pack", LearnPackPayload()), plain=(Refusal,))
def learn_pack(
    uow: UnitOfWork, *, operation_id: UUID, happened_at: datetime, late: bool, gtin: str, item_id: int, quantity: int
) -> Done:
    """Learn once, for all warehouses, what a barcode holds."""
    pack = catalogue.learn_pack(uow, item_id=item_id, gtin=gtin, quantity=quantity)
    return Done({"pack_id": pack.id, "gtin": pack.gtin, "item_id": pack.item_id, "quantity": pack.quantity})


@operation("goods_received", reads_since("goods_received", GoodsReceivedPayload()), plain=(Refusal,))
def goods_received(
    uow: UnitOfWork,
    *,
    operation_id: UUID,
    happened_at: datetime,
    late: bool,
    warehouse_id: int,
    receipts: Sequence[UUID],
    offer_id: int | None,
) -> Done:
    """Write the goods-received note of what was scanned in, and count it towards its offer.

    The phone's only way in: ``receive`` (or ``receive_into_box``) for each pack, then this once, when all is in.
    """
    arrival, voucher = donations.note_what_was_scanned(
        uow,
        operation_id=operation_id,
        warehouse_id=warehouse_id,
        receipts=receipts,
        offer_id=offer_id,
        happened_at=happened_at,
    )
    return Done({"arrival_id": arrival.id, "voucher": voucher.code, "lines": len(arrival.lines)})
