"""A gift's way: offered, decided on, arrived line by line, thanked for."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from app.donations import queries, service
from app.donations.errors import ArrivalKnown, LinesWrong, NoSuchOffer, OfferPast, ReasonNeeded, ReferenceUsed
from app.donations.models import Arrival, Donor, Offer, OfferState
from app.foundation.actor import NOBODY
from app.foundation.errors import NotAllowed, Stale
from app.stock import queries as stock
from app.stock.models import Balance, Lot, LotState, Movement, PlaceKind

MAY = date(2027, 5, 31)


def offered(work, mill, **more) -> int:
    donor = {"kind": "company", "name": "Tisza Malom Kft."}
    with work(mill.coordinator) as uow:
        told = {"lines": mill.lines(), "settlement_id": mill.settlement_id, "donor": donor, **more}
        return service.offer(uow, **told).id


def accepted(work, mill) -> int:
    offer_id = offered(work, mill)
    with work(mill.coordinator) as uow:
        service.accept(uow, offer_id=offer_id, warehouse_id=mill.warehouse_id)
    return offer_id


def came(mill, quantity, inspection="accept", **more):
    return {"item_id": mill.flour_id, "quantity": quantity, "inspection": inspection, "expires_on": MAY, **more}


def test_accepted_goods_stand_on_the_dock_doubtful_ones_in_quarantine_refused_ones_nowhere(work, mill):
    offer_id = accepted(work, mill)
    lines = [came(mill, 500), came(mill, 60, "quarantine", reason="damp"), came(mill, 40, "refuse", reason="torn")]
    with work(mill.worker) as uow:
        arrival = service.arrive(
            uow, operation_id=uuid4(), warehouse_id=mill.warehouse_id, offer_id=offer_id, lines=lines
        )
        arrival_id = arrival.id
    with work() as uow:
        arrival = queries.arrival(uow.session, uow.actor, arrival_id)
        good, doubtful, refused = arrival.lines
        dock = stock.virtual_place(uow.session, mill.warehouse_id, PlaceKind.DOCK)
        aside = stock.virtual_place(uow.session, mill.warehouse_id, PlaceKind.QUARANTINE)
        on_hand = {row.place_id: row.on_hand for row in uow.session.scalars(select(Balance).where(Balance.guarded))}
        assert on_hand == {dock.id: 500, aside.id: 60}
        assert uow.session.get_one(Lot, good.lot_id).state == LotState.FREE
        assert uow.session.get_one(Lot, doubtful.lot_id).state == LotState.QUARANTINED
        assert refused.lot_id is None
        note = queries.vouchers(uow.session, [arrival.voucher_id])[arrival.voucher_id]
        assert note.code.startswith("BEV/") and note.code.endswith("/2026/00001")
        assert queries.offer(uow.session, uow.actor, offer_id).state == OfferState.ARRIVED


def test_an_arrival_sent_twice_arrives_once_and_changed_content_is_refused(work, mill):
    offer_id, operation_id = accepted(work, mill), uuid4()
    told = {"operation_id": operation_id, "warehouse_id": mill.warehouse_id, "offer_id": offer_id}
    with work(mill.worker) as uow:
        first = service.arrive(uow, **told, lines=[came(mill, 500)]).id
    with work(mill.worker) as uow:
        assert service.arrive(uow, **told, lines=[came(mill, 500)]).id == first
    with pytest.raises(ArrivalKnown), work(mill.worker) as uow:
        service.arrive(uow, **told, lines=[came(mill, 501)])
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Movement)) == 1


def test_an_offer_closes_by_itself_when_all_of_it_has_come(work, mill):
    offer_id = accepted(work, mill)
    with work() as uow:
        line_id = queries.offer(uow.session, uow.actor, offer_id).lines[0].id
    for quantity, state in ((400, OfferState.ARRIVED), (200, OfferState.CLOSED)):
        with work(mill.worker) as uow:
            service.arrive(
                uow,
                operation_id=uuid4(),
                warehouse_id=mill.warehouse_id,
                offer_id=offer_id,
                lines=[came(mill, quantity, offer_line_id=line_id)],
            )
        with work() as uow:
            assert queries.offer(uow.session, uow.actor, offer_id).state == state


def test_a_line_without_its_expiry_or_its_reason_is_named_and_nothing_arrives(work, mill):
    lines = [came(mill, 5, expires_on=None), came(mill, 5, "refuse")]
    with pytest.raises(LinesWrong) as refused, work(mill.worker) as uow:
        service.arrive(uow, operation_id=uuid4(), warehouse_id=mill.warehouse_id, lines=lines)
    assert set(refused.value.fields) == {"lines.0.expires_on", "lines.1.reason"}
    with work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Arrival)) == 0


def test_the_same_reference_is_the_same_offer_and_other_content_is_refused(work, mill):
    first = offered(work, mill, reference="MALOM-1")
    assert offered(work, mill, reference="MALOM-1") == first
    with pytest.raises(ReferenceUsed, match="MALOM-1"):
        offered(work, mill, reference="MALOM-1", lines=mill.lines(601))


def test_another_county_neither_sees_nor_decides_an_offer(work, mill):
    offer_id = offered(work, mill)
    with pytest.raises(NoSuchOffer), work(mill.stranger) as uow:
        service.accept(uow, offer_id=offer_id, warehouse_id=mill.warehouse_id)
    with pytest.raises(NotAllowed), work(mill.worker) as uow:
        service.decline(uow, offer_id=offer_id, reason="no room")


def test_an_offer_is_declined_with_a_reason_once_and_can_be_reconsidered(work, mill):
    offer_id = offered(work, mill)
    with pytest.raises(ReasonNeeded), work(mill.coordinator) as uow:
        service.decline(uow, offer_id=offer_id, reason="")
    with work(mill.coordinator) as uow:
        service.decline(uow, offer_id=offer_id, reason="Nincs hely.")
    with pytest.raises(OfferPast, match="declined"), work(mill.coordinator) as uow:
        service.accept(uow, offer_id=offer_id, warehouse_id=mill.warehouse_id)
    with work(mill.coordinator) as uow:
        assert service.reconsider(uow, offer_id=offer_id).state == OfferState.OFFERED


def test_a_decision_on_an_offer_that_changed_meanwhile_is_refused(work, mill):
    offer_id = offered(work, mill)
    with work() as uow:
        version = uow.session.get_one(Offer, offer_id).version
    with work(mill.coordinator) as uow:
        service.decline(uow, offer_id=offer_id, reason="Nincs hely.")
    with work(mill.coordinator) as uow:
        service.reconsider(uow, offer_id=offer_id)
    with pytest.raises(Stale), work(mill.coordinator) as uow:
        service.accept(uow, offer_id=offer_id, warehouse_id=mill.warehouse_id, version=version)


def test_a_private_persons_name_is_sealed_and_shown_on_no_list(work, mill, database_url, superuser_url):
    import psycopg

    with work(NOBODY) as uow:
        service.offer(
            uow,
            lines=mill.lines(),
            settlement_id=mill.settlement_id,
            donor={"kind": "person", "name": "Kovács Kanári", "phone": "+36 55 111 222"},
        )
    with work() as uow:
        donor = uow.session.scalars(select(Donor)).one()
        assert donor.name == "magánszemély"
        assert donor.contact_name == "Kovács Kanári"
    with psycopg.connect(superuser_url) as raw:
        stored = str(raw.execute("SELECT d.*::text FROM donor d").fetchall())
    assert "Kanári" not in stored and "111 222" not in stored


def test_the_certificate_is_numbered_once_when_the_offer_is_closed(work, mill):
    offer_id = accepted(work, mill)
    with pytest.raises(OfferPast), work(mill.coordinator) as uow:
        service.certificate(uow, offer_id=offer_id)
    with work(mill.worker) as uow:
        service.arrive(
            uow,
            operation_id=UUID(int=7),
            warehouse_id=mill.warehouse_id,
            offer_id=offer_id,
            lines=[came(mill, 500), came(mill, 100, "refuse", reason="torn")],
        )
    with work(mill.worker) as uow:
        service.close(uow, offer_id=offer_id)
    codes = set()
    for _ in range(2):
        with work(mill.coordinator) as uow:
            voucher = service.certificate(uow, offer_id=offer_id)
            codes.add(voucher.code)
            assert [line["quantity"] for line in voucher.content["lines"]] == [500]
    assert len(codes) == 1 and codes.pop().startswith("IGA/")
