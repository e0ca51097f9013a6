"""What became of goods on the road, as counts: how many parcels, in how many settlements; never for whom."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from app.delivery.models import Parcel, ParcelLine, ParcelState
from app.foundation.bulk import among
from app.foundation.unit_of_work import UnitOfWork


def handed_over(uow: UnitOfWork, lot_ids: Iterable[int]) -> tuple[int, int]:
    """Return (parcels, settlements) that got something of these lots; who asks was judged by the lots' source."""
    statement = (
        select(func.count(Parcel.id.distinct()), func.count(Parcel.settlement_id.distinct()))
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .where(among(ParcelLine.lot_id, lot_ids), Parcel.state == ParcelState.HANDED_OVER)
    )
    with uow.office("delivery"):
        row = uow.session.execute(statement).one()
    return int(row[0]), int(row[1])
