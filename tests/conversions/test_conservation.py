"""Whatever is made up, taken apart, repacked and taken back in whatever order: nothing comes from nothing."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select, text

from app.conversions import queries, service
from app.conversions.models import Conversion
from app.foundation.errors import Refusal
from app.stock import queries as stock
from app.stock.models import Balance, Lot, Movement, Warehouse
from tests.builders import a_lot, an_item
from tests.conversions.conftest import LATE, build_room

DEEDS = some.lists(
    some.tuples(
        some.sampled_from(["kit", "kit", "apart", "repack", "undo"]),
        some.integers(1, 7),
        some.integers(0, 5),
        some.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def free(uow):
    """Return (lot, place) with something on it, in order."""
    statement = select(Balance.lot_id, Balance.place_id).where(Balance.guarded, Balance.on_hand > 0)
    return uow.session.execute(statement.order_by(Balance.lot_id, Balance.place_id)).all()


def weight_mg(uow):
    """Return what lies in the warehouse and what was lost, by weight."""
    statement = text(
        "SELECT coalesce(sum(balance.on_hand * item.weight_mg), 0) FROM balance "
        "JOIN item ON item.id = balance.item_id JOIN place ON place.id = balance.place_id "
        "WHERE balance.guarded OR place.kind = 'loss'"
    )
    return uow.session.scalar(statement)


def one(uow, room, sack, deed):
    kind, number, choice, done = deed
    if kind == "kit":
        service.assemble(uow, operation_id=uuid4(), kit_id=room.kit, count=number, to_place_id=room.dock)
        return
    if kind == "undo":
        ids = uow.session.scalars(select(Conversion.id).order_by(Conversion.id)).all()
        if ids:
            service.undo(uow, conversion_id=ids[choice % len(ids)], operation_id=uuid4(), reason="by chance")
        return
    there = free(uow)
    lot_id, place_id = there[choice % len(there)]
    ends = {"operation_id": uuid4(), "lot_id": lot_id, "from_place_id": place_id, "to_place_id": room.shelf}
    if kind == "apart":
        service.take_apart(uow, count=number, **ends)
    else:
        item_id = uow.session.get(Lot, lot_id).item_id
        bags = number * 25 if item_id == sack else number
        into = room.flour if item_id == sack else item_id
        lost = {"lost": bags // 10, "lost_reason": "spilt"} if done else {}
        service.repack(uow, quantity=number, to_item_id=into, to_quantity=bags, **ends, **lost)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(deeds=DEEDS)
def test_every_item_adds_up_to_nothing_over_all_places_and_no_weight_is_made(new_database, deeds):
    from tests.conftest import EVERYTHING, NOON, make_engine, make_sessions, unit_of_work

    with new_database() as url:
        engine = make_engine(url, pool_size=2)
        sessions = make_sessions(engine)

        def work():
            return unit_of_work(sessions, EVERYTHING, lambda: NOON)

        with work() as uow:
            room = build_room(uow)
            sack = an_item(uow, "SACK-25KG", weight_mg=25_000_000).id
            warehouse = uow.session.get(Warehouse, room.warehouse_id)
            a_lot(uow, warehouse, 3, item=an_item(uow, "SACK-25KG"), expires_on=LATE)
            before = weight_mg(uow)
        for deed in deeds:
            try:
                with work() as uow:
                    one(uow, room, sack, deed)
            except Refusal:
                pass
        with work() as uow:
            proof = stock.verify(uow.session)
            assert proof.holds, proof.as_json()
            sums = select(Balance.item_id, func.sum(Balance.on_hand)).group_by(Balance.item_id)
            assert {total for _, total in uow.session.execute(sums)} == {0}
            # Every weight of these items agrees exactly, so that none is made or lost within a tolerance either.
            assert weight_mg(uow) == before
            for made in uow.session.scalars(select(Conversion)):
                assert made.weight_in_g == made.weight_out_g
                lines = uow.session.scalars(
                    select(Movement.line).where(Movement.operation_id == made.operation_id).order_by(Movement.line)
                )
                assert list(lines) == list(range(len(queries.movements_of(uow.session, made.operation_id))))
        engine.dispose()
