"""Many rows in one statement come back in their order, with every type as it was."""

from __future__ import annotations

from sqlalchemy import select

from app.delivery.models import Vehicle
from app.foundation.bulk import among, insert_rows
from app.needs.models import Need
from tests.builders import a_household, a_need, a_place, a_warehouse


def test_rows_keep_their_order_and_their_types(work):
    with work() as uow:
        warehouse, need = a_warehouse(uow), a_need(uow, a_household(uow))
        rows = [
            {
                "plate": f"Ő-{number}", "model": 'He said "no"', "warehouse_id": warehouse.id,
                "county_id": warehouse.county_id, "place_id": a_place(uow, warehouse, "vehicle").id,
                "capacity_g": 2**40, "capacity_ml": 5, "capacity_pallets": 0,
                "storage_classes": ["ambient", "chilled"], "tail_lift": True,
                "licence": "B", "cost_fixed_huf": 0, "cost_per_km_huf": 0, "cost_per_hour_huf": 0, "lent_by": None,
                "active": True, "version": 1,
            }
            for number in range(30)
        ]  # fmt: skip
        ids = insert_rows(uow.session, Vehicle, rows)
        found = {vehicle.id: vehicle for vehicle in uow.session.scalars(select(Vehicle).where(among(Vehicle.id, ids)))}
        assert [found[id].plate for id in ids] == [row["plate"] for row in rows]
        first = found[ids[0]]
        assert (first.capacity_g, first.storage_classes, first.lent_by) == (2**40, ["ambient", "chilled"], None)
        assert insert_rows(uow.session, Vehicle, []) == []
        assert uow.session.scalars(select(Need.id).where(among(Need.id, [need.id, 10**9]))).all() == [need.id]
