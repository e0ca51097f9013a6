"""The warehouse floor: boxes, transfers, stocktakes, write-offs, conversions, discrepancies, levels, seals, imports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "adomanybank_app"
ONLY_GROW = ("box_move", "stocktake_count", "ledger_seal")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "kit",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("tolerance_permille", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_kit_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kit"),
        sa.UniqueConstraint("item_id", name="uq_kit_item_id"),
    )
    op.create_table(
        "kit_part",
        sa.Column("kit_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_kit_part_quantity_positive"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_kit_part_item_id"),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name="fk_kit_part_kit_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_kit_part"),
        sa.UniqueConstraint("kit_id", "item_id", name="uq_kit_part_kit_id_item_id"),
    )
    op.create_table(
        "conversion",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("kit_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("weight_in_g", sa.BigInteger(), nullable=False),
        sa.Column("weight_out_g", sa.BigInteger(), nullable=False),
        sa.Column("tolerance_permille", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by_id", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_conversion_county_id"),
        sa.ForeignKeyConstraint(["kit_id"], ["kit.id"], name="fk_conversion_kit_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_conversion_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_conversion"),
        sa.UniqueConstraint("operation_id", name="uq_conversion_operation_id"),
    )
    op.create_index("ix_conversion_warehouse_id_id", "conversion", ["warehouse_id", "id"], unique=False)
    op.create_table(
        "data_import",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows_count", sa.BigInteger(), nullable=True),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("made", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_data_import_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_data_import"),
    )
    op.create_index("ix_data_import_uploaded_by_id_id", "data_import", ["uploaded_by_id", "id"], unique=False)
    op.create_table(
        "ledger_seal",
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("movement_ids", postgresql.ARRAY(sa.BIGINT()), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_ledger_seal_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_seal"),
        sa.UniqueConstraint("warehouse_id", "number", name="uq_ledger_seal_warehouse_id_number"),
    )
    op.create_table(
        "stock_export",
        sa.Column("asked_by_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stock_export"),
    )
    op.create_table(
        "stock_export_part",
        sa.Column("export_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["stock_export.id"], name="fk_stock_export_part_export_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stock_export_part"),
        sa.UniqueConstraint("export_id", "number", name="uq_stock_export_part_export_id_number"),
    )
    op.create_index("ix_stock_export_asked_by_id_id", "stock_export", ["asked_by_id", "id"], unique=False)
    op.execute("CREATE INDEX ix_movement_recorded_at ON movement USING brin (recorded_at)")
    op.execute("CREATE INDEX ix_movement_happened_at ON movement USING brin (happened_at)")
    # Movements written before are looked at one by one: nobody may change them, and it costs time only.
    op.add_column("movement", sa.Column("inside", sa.Boolean(), server_default=sa.false(), nullable=False))
    for clock in ("recorded_at", "happened_at"):
        op.create_index(
            f"ix_movement_crossing_{clock}",
            "movement",
            [clock],
            unique=False,
            postgresql_where=sa.text("NOT inside"),
        )
    op.add_column(
        "balance",
        sa.Column("stocked", sa.Boolean(), sa.Computed("guarded AND on_hand > 0", persisted=True), nullable=False),
    )
    _index_balances("stocked")
    op.create_index("ix_lot_not_free", "lot", ["id"], unique=False, postgresql_where=sa.text("state <> 'free'"))
    op.create_index(
        "ix_lot_stated_value",
        "lot",
        ["id"],
        unique=False,
        postgresql_include=["unit_value_huf"],
        postgresql_where=sa.text("unit_value_huf IS NOT NULL"),
    )
    op.execute("DROP INDEX ix_balance_place_id")
    op.create_index("ix_balance_place_id_stocked", "balance", ["place_id", "stocked"], unique=False)
    op.create_table(
        "stock_level",
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("least", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("least >= 0 AND (most IS NULL OR most >= least)", name="ck_stock_level_least_below_most"),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_stock_level_county_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_stock_level_item_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_stock_level_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stock_level"),
        sa.UniqueConstraint("warehouse_id", "item_id", name="uq_stock_level_warehouse_id_item_id"),
    )
    op.create_table(
        "box",
        sa.Column("sscc", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dissolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("parent_id <> id", name="ck_box_not_in_itself"),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_box_county_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["box.id"], name="fk_box_parent_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_box_place_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_box_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_box"),
        sa.UniqueConstraint("place_id", name="uq_box_place_id"),
        sa.UniqueConstraint("sscc", name="uq_box_sscc"),
    )
    op.create_index("ix_box_parent_id", "box", ["parent_id"], unique=False)
    op.create_index("ix_box_warehouse_id", "box", ["warehouse_id"], unique=False)
    op.create_table(
        "conversion_lot",
        sa.Column("conversion_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("comes_out", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_conversion_lot_quantity_positive"),
        sa.ForeignKeyConstraint(["conversion_id"], ["conversion.id"], name="fk_conversion_lot_conversion_id"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_conversion_lot_lot_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_conversion_lot_place_id"),
        sa.PrimaryKeyConstraint("id", name="pk_conversion_lot"),
    )
    op.create_index("ix_conversion_lot_conversion_id", "conversion_lot", ["conversion_id"], unique=False)
    op.create_index("ix_conversion_lot_lot_id", "conversion_lot", ["lot_id"], unique=False)
    op.create_table(
        "box_move",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("box_id", sa.BigInteger(), nullable=False),
        sa.Column("from_place_id", sa.BigInteger(), nullable=False),
        sa.Column("to_place_id", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["box.id"], name="fk_box_move_box_id"),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_box_move_county_id"),
        sa.ForeignKeyConstraint(["from_place_id"], ["place.id"], name="fk_box_move_from_place_id"),
        sa.ForeignKeyConstraint(["to_place_id"], ["place.id"], name="fk_box_move_to_place_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_box_move_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_box_move"),
        sa.UniqueConstraint("operation_id", name="uq_box_move_operation_id"),
    )
    op.create_index("ix_box_move_box_id_id", "box_move", ["box_id", "id"], unique=False)
    op.create_table(
        "review",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("place_id", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("resolution", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("movement_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_review_county_id"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_review_lot_id"),
        sa.ForeignKeyConstraint(["movement_id"], ["movement.id"], name="fk_review_movement_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_review_place_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_review_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("operation_id", name="uq_review_operation_id"),
    )
    op.create_index("ix_review_warehouse_id_state_id", "review", ["warehouse_id", "state", "id"], unique=False)
    op.create_table(
        "stocktake",
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place_ids", postgresql.ARRAY(sa.BIGINT()), nullable=False),
        sa.Column("category_ids", postgresql.ARRAY(sa.BIGINT()), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.BigInteger(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_stocktake_county_id"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_stocktake_voucher_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_stocktake_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stocktake"),
    )
    op.create_index("ix_stocktake_warehouse_id_id", "stocktake", ["warehouse_id", "id"], unique=False)
    op.create_table(
        "transfer",
        sa.Column("from_warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("to_warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("from_county_id", sa.BigInteger(), nullable=False),
        sa.Column("to_county_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanted_on", sa.Date(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("carried_by", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by_id", sa.BigInteger(), nullable=True),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("from_warehouse_id <> to_warehouse_id", name="ck_transfer_warehouses_differ"),
        sa.ForeignKeyConstraint(["from_county_id"], ["county.id"], name="fk_transfer_from_county_id"),
        sa.ForeignKeyConstraint(["from_warehouse_id"], ["warehouse.id"], name="fk_transfer_from_warehouse_id"),
        sa.ForeignKeyConstraint(["to_county_id"], ["county.id"], name="fk_transfer_to_county_id"),
        sa.ForeignKeyConstraint(["to_warehouse_id"], ["warehouse.id"], name="fk_transfer_to_warehouse_id"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_transfer_voucher_id"),
        sa.PrimaryKeyConstraint("id", name="pk_transfer"),
        sa.UniqueConstraint("operation_id", name="uq_transfer_operation_id"),
    )
    op.create_index("ix_transfer_from_warehouse_id_id", "transfer", ["from_warehouse_id", "id"], unique=False)
    op.create_index("ix_transfer_to_warehouse_id_id", "transfer", ["to_warehouse_id", "id"], unique=False)
    op.create_table(
        "write_off",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("committee", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decision_note", sa.String(), nullable=True),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_write_off_county_id"),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name="fk_write_off_voucher_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_write_off_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_write_off"),
        sa.UniqueConstraint("operation_id", name="uq_write_off_operation_id"),
    )
    op.create_index("ix_write_off_warehouse_id_id", "write_off", ["warehouse_id", "id"], unique=False)
    op.create_table(
        "stocktake_place",
        sa.Column("stocktake_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_by_id", sa.BigInteger(), nullable=True),
        sa.Column("recount", sa.Boolean(), nullable=False),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_stocktake_place_place_id"),
        sa.ForeignKeyConstraint(["stocktake_id"], ["stocktake.id"], name="fk_stocktake_place_stocktake_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stocktake_place"),
        sa.UniqueConstraint("stocktake_id", "place_id", name="uq_stocktake_place_stocktake_id_place_id"),
    )
    op.create_index("ix_stocktake_place_place_id", "stocktake_place", ["place_id"], unique=False)
    op.create_table(
        "stocktake_count",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("stocktake_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="ck_stocktake_count_quantity_not_negative"),
        sa.CheckConstraint("round IN (1, 2)", name="ck_stocktake_count_round_one_or_two"),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name="fk_stocktake_count_county_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_stocktake_count_item_id"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_stocktake_count_lot_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_stocktake_count_place_id"),
        sa.ForeignKeyConstraint(["stocktake_id"], ["stocktake.id"], name="fk_stocktake_count_stocktake_id"),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name="fk_stocktake_count_warehouse_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stocktake_count"),
        sa.UniqueConstraint("operation_id", name="uq_stocktake_count_operation_id"),
    )
    op.create_index(
        "ix_stocktake_count_stocktake_id_place_id",
        "stocktake_count",
        ["stocktake_id", "place_id", "lot_id"],
        unique=False,
    )
    op.create_table(
        "stocktake_line",
        sa.Column("stocktake_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("movement_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_stocktake_line_lot_id"),
        sa.ForeignKeyConstraint(["movement_id"], ["movement.id"], name="fk_stocktake_line_movement_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_stocktake_line_place_id"),
        sa.ForeignKeyConstraint(["stocktake_id"], ["stocktake.id"], name="fk_stocktake_line_stocktake_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stocktake_line"),
        sa.UniqueConstraint(
            "stocktake_id", "place_id", "lot_id", name="uq_stocktake_line_stocktake_id_place_id_lot_id"
        ),
    )
    op.create_index("ix_stocktake_line_stocktake_id", "stocktake_line", ["stocktake_id"], unique=False)
    op.create_table(
        "transfer_line",
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_transfer_line_quantity_positive"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_transfer_line_item_id"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfer.id"], name="fk_transfer_line_transfer_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_line"),
    )
    op.create_index("ix_transfer_line_transfer_id", "transfer_line", ["transfer_id"], unique=False)
    op.create_table(
        "write_off_line",
        sa.Column("write_off_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("movement_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_write_off_line_quantity_positive"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_write_off_line_lot_id"),
        sa.ForeignKeyConstraint(["movement_id"], ["movement.id"], name="fk_write_off_line_movement_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_write_off_line_place_id"),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"], name="fk_write_off_line_reservation_id"),
        sa.ForeignKeyConstraint(["write_off_id"], ["write_off.id"], name="fk_write_off_line_write_off_id"),
        sa.PrimaryKeyConstraint("id", name="pk_write_off_line"),
    )
    op.create_index("ix_write_off_line_write_off_id", "write_off_line", ["write_off_id"], unique=False)
    op.create_table(
        "write_off_photo",
        sa.Column("write_off_id", sa.BigInteger(), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["write_off_id"], ["write_off.id"], name="fk_write_off_photo_write_off_id"),
        sa.PrimaryKeyConstraint("id", name="pk_write_off_photo"),
    )
    op.create_index("ix_write_off_photo_write_off_id", "write_off_photo", ["write_off_id"], unique=False)
    op.create_table(
        "transfer_lot",
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("from_place_id", sa.BigInteger(), nullable=True),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("box_id", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("to_place_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_by_id", sa.BigInteger(), nullable=True),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.BigInteger(), nullable=True),
        sa.Column("settle_reason", sa.String(), nullable=True),
        sa.Column("settlement_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0 OR (quantity = 0 AND received > 0)", name="ck_transfer_lot_quantity_positive"),
        sa.CheckConstraint(
            "received >= 0 AND damaged >= 0 AND damaged <= received", name="ck_transfer_lot_received_makes_sense"
        ),
        sa.ForeignKeyConstraint(["box_id"], ["box.id"], name="fk_transfer_lot_box_id"),
        sa.ForeignKeyConstraint(["from_place_id"], ["place.id"], name="fk_transfer_lot_from_place_id"),
        sa.ForeignKeyConstraint(["line_id"], ["transfer_line.id"], name="fk_transfer_lot_line_id"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_transfer_lot_lot_id"),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name="fk_transfer_lot_place_id"),
        sa.ForeignKeyConstraint(["to_place_id"], ["place.id"], name="fk_transfer_lot_to_place_id"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfer.id"], name="fk_transfer_lot_transfer_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_lot"),
    )
    op.create_index("ix_transfer_lot_transfer_id", "transfer_lot", ["transfer_id"], unique=False)
    op.add_column("place", sa.Column("root_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_place_root_id", "place", ["root_id"], unique=False)
    op.create_foreign_key("fk_place_root_id", "place", "place", ["root_id"], ["id"])
    op.add_column("voucher", sa.Column("cancel_reason", sa.String(), nullable=True))
    op.add_column("web_session", sa.Column("scanner", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("web_session", "scanner", server_default=None)
    # Every warehouse gets the place through which conversions go.
    op.execute(
        """
        SELECT set_config('app.office', 'stock', true);
        INSERT INTO place (warehouse_id, county_id, code, kind, storage_class)
        SELECT id, county_id, code || '-ATALAK', 'conversion', 'ambient' FROM warehouse;
        """
    )
    for table in ONLY_GROW:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {ROLE}")


def _index_balances(where: str) -> None:
    op.execute(
        f"""
        DROP INDEX ix_balance_on_shelf;
        DROP INDEX ix_balance_expires_on_id;
        CREATE INDEX ix_balance_on_shelf ON balance (warehouse_id, item_id, expires_on) WHERE {where};
        CREATE INDEX ix_balance_expires_on_id ON balance (expires_on, id) WHERE {where};
        """
    )


def downgrade() -> None:
    """Go back. What was converted or boxed stays in the ledger, so its places stay too."""
    op.execute(
        """
        SELECT set_config('app.office', 'stock', true);
        DELETE FROM place WHERE kind = 'conversion' AND NOT EXISTS (
            SELECT FROM movement WHERE movement.from_place_id = place.id OR movement.to_place_id = place.id
        );
        """
    )
    op.drop_column("web_session", "scanner")
    op.drop_column("voucher", "cancel_reason")
    op.drop_constraint("fk_place_root_id", "place", type_="foreignkey")
    op.drop_index("ix_place_root_id", table_name="place")
    op.drop_column("place", "root_id")
    op.drop_index("ix_transfer_lot_transfer_id", table_name="transfer_lot")
    op.drop_table("transfer_lot")
    op.drop_index("ix_write_off_photo_write_off_id", table_name="write_off_photo")
    op.drop_table("write_off_photo")
    op.drop_index("ix_write_off_line_write_off_id", table_name="write_off_line")
    op.drop_table("write_off_line")
    op.drop_index("ix_transfer_line_transfer_id", table_name="transfer_line")
    op.drop_table("transfer_line")
    op.drop_index("ix_stocktake_line_stocktake_id", table_name="stocktake_line")
    op.drop_table("stocktake_line")
    op.drop_index("ix_stocktake_place_place_id", table_name="stocktake_place")
    op.drop_table("stocktake_place")
    op.drop_index("ix_stocktake_count_stocktake_id_place_id", table_name="stocktake_count")
    op.drop_table("stocktake_count")
    op.drop_index("ix_write_off_warehouse_id_id", table_name="write_off")
    op.drop_table("write_off")
    op.drop_index("ix_transfer_to_warehouse_id_id", table_name="transfer")
    op.drop_index("ix_transfer_from_warehouse_id_id", table_name="transfer")
    op.drop_table("transfer")
    op.drop_index("ix_stocktake_warehouse_id_id", table_name="stocktake")
    op.drop_table("stocktake")
    op.drop_index("ix_review_warehouse_id_state_id", table_name="review")
    op.drop_table("review")
    op.drop_index("ix_box_move_box_id_id", table_name="box_move")
    op.drop_table("box_move")
    op.drop_index("ix_conversion_lot_lot_id", table_name="conversion_lot")
    op.drop_index("ix_conversion_lot_conversion_id", table_name="conversion_lot")
    op.drop_table("conversion_lot")
    op.drop_index("ix_box_warehouse_id", table_name="box")
    op.drop_index("ix_box_parent_id", table_name="box")
    op.drop_table("box")
    op.drop_table("stock_level")
    op.drop_index("ix_lot_stated_value", table_name="lot")
    op.drop_index("ix_lot_not_free", table_name="lot")
    op.drop_index("ix_balance_place_id_stocked", table_name="balance")
    op.create_index("ix_balance_place_id", "balance", ["place_id"], unique=False)
    _index_balances("guarded")
    op.drop_column("balance", "stocked")
    op.drop_index("ix_movement_crossing_happened_at", table_name="movement")
    op.drop_index("ix_movement_crossing_recorded_at", table_name="movement")
    op.drop_column("movement", "inside")
    op.execute("DROP INDEX ix_movement_happened_at")
    op.execute("DROP INDEX ix_movement_recorded_at")
    op.drop_table("stock_export_part")
    op.drop_index("ix_stock_export_asked_by_id_id", table_name="stock_export")
    op.drop_table("stock_export")
    op.drop_table("ledger_seal")
    op.drop_index("ix_data_import_uploaded_by_id_id", table_name="data_import")
    op.drop_table("data_import")
    op.drop_index("ix_conversion_warehouse_id_id", table_name="conversion")
    op.drop_table("conversion")
    op.drop_table("kit_part")
    op.drop_table("kit")
