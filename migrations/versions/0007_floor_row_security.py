"""Row-level security of the warehouse floor's tables."""

from __future__ import annotations

from alembic import op

from migrations.policies import Rule, guard, unguard

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RULES = [
    Rule(
        "review",
        read=["stock.read"],
        write=["stock.operate", "stock.review"],
        offices=["stock"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "stock_level",
        read=["stock.read"],
        write=["stock.levels"],
        offices=["stock"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "box",
        read=["stock.read"],
        write=["stock.operate"],
        offices=["boxes"],
        read_offices=("allocation", "delivery", "stock", "transfers"),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "box_move",
        read=["stock.read"],
        write=["stock.operate"],
        offices=["boxes"],
        read_offices=("allocation", "delivery", "stock", "transfers"),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "transfer",
        read=["transfers.read"],
        write=[],
        offices=["transfers"],
    ),
    Rule(
        "transfer_line",
        read=["transfers.read"],
        write=[],
        offices=["transfers"],
        follows=("transfer", "transfer_id"),
    ),
    Rule(
        "transfer_lot",
        read=["transfers.read"],
        write=[],
        offices=["transfers"],
        follows=("transfer", "transfer_id"),
    ),
    Rule(
        "stocktake",
        read=["stock.read"],
        write=["stock.operate", "stocktakes.manage"],
        offices=["stocktakes"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "stocktake_place",
        read=["stock.read"],
        write=["stock.operate", "stocktakes.manage"],
        offices=["stocktakes"],
        follows=("stocktake", "stocktake_id"),
    ),
    Rule(
        "stocktake_count",
        read=["stock.read"],
        write=["stock.operate", "stocktakes.manage"],
        offices=["stocktakes"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "stocktake_line",
        read=["stock.read"],
        write=["stock.operate", "stocktakes.manage"],
        offices=["stocktakes"],
        follows=("stocktake", "stocktake_id"),
    ),
    Rule(
        "write_off",
        read=["stock.read"],
        write=["stock.operate", "stock.write_off"],
        offices=["write_offs"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "write_off_line",
        read=["stock.read"],
        write=["stock.operate", "stock.write_off"],
        offices=["write_offs"],
        follows=("write_off", "write_off_id"),
    ),
    Rule(
        "write_off_photo",
        read=["stock.read"],
        write=["stock.operate", "stock.write_off"],
        offices=["write_offs"],
        follows=("write_off", "write_off_id"),
    ),
    Rule(
        "conversion",
        read=["stock.read"],
        write=["stock.operate"],
        offices=["conversions"],
        read_offices=("stock",),
        scoped_by={"county": "county_id", "warehouse": "warehouse_id"},
    ),
    Rule(
        "conversion_lot",
        read=["stock.read"],
        write=["stock.operate"],
        offices=["conversions"],
        read_offices=("stock",),
        follows=("conversion", "conversion_id"),
    ),
    Rule(
        "data_import",
        read=["stock.import", "catalogue.manage"],
        write=["stock.import", "catalogue.manage"],
        offices=["imports"],
        scoped_by={"warehouse": "warehouse_id"},
    ),
]


def upgrade() -> None:
    """Go forward."""
    by_table = {rule.table: rule for rule in RULES}
    for rule in RULES:
        op.execute(guard(rule, by_table))


def downgrade() -> None:
    """Go back."""
    for rule in RULES:
        op.execute(unguard(rule))
