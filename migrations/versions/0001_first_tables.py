"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "access_entry",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_entry")),
    )
    op.create_index("ix_access_entry_subject", "access_entry", ["subject_kind", "subject_id", "id"], unique=False)
    op.create_table(
        "category",
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_hu", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("icon", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("code", name=op.f("uq_category_code")),
    )
    op.create_table(
        "county",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("nuts3", sa.String(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("hue", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_county")),
        sa.UniqueConstraint("code", name=op.f("uq_county_code")),
        sa.UniqueConstraint("name", name=op.f("uq_county_name")),
        sa.UniqueConstraint("nuts3", name=op.f("uq_county_nuts3")),
    )
    op.create_table(
        "job",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.Column("step", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("promised_by_id", sa.BigInteger(), nullable=True),
        sa.Column("promised_by_role", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_job_progress_in_percent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_open",
        "job",
        ["state", "promised_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_job_subject", "job", ["subject_kind", "subject_id", "id"], unique=False)
    op.create_table(
        "journal_entry",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
    )
    op.create_index("ix_journal_entry_actor_id_id", "journal_entry", ["actor_id", "id"], unique=False)
    op.create_index("ix_journal_entry_deed_id", "journal_entry", ["deed", "id"], unique=False)
    op.create_index("ix_journal_entry_subject", "journal_entry", ["subject_kind", "subject_id", "id"], unique=False)
    op.create_table(
        "operation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload_hash", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
        sa.UniqueConstraint("device_id", "sequence", name=op.f("uq_operation_device_id_sequence")),
    )
    op.create_index("ix_operation_recorded_at", "operation", ["recorded_at"], unique=False)
    op.create_table(
        "periodic_run",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_periodic_run")),
        sa.UniqueConstraint("name", "slot", name=op.f("uq_periodic_run_name_slot")),
    )
    op.create_table(
        "personal_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("master_key", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_key")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_at", "sign_in_attempt", ["at"], unique=False)
    op.create_index("ix_sign_in_attempt_who_at", "sign_in_attempt", ["who", "at"], unique=False)
    op.create_table(
        "urgency_rule",
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("urgency BETWEEN 1 AND 4", name=op.f("ck_urgency_rule_urgency_class")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_urgency_rule")),
    )
    op.create_table(
        "district",
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("seat", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("deprivation_class", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_district_county_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district")),
        sa.UniqueConstraint("county_id", "name", name=op.f("uq_district_county_id_name")),
    )
    op.create_table(
        "item",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("name_hu", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_hu_key", sa.String(), nullable=False),
        sa.Column("name_en_key", sa.String(), nullable=False),
        sa.Column("base_unit", sa.String(), nullable=False),
        sa.Column("unit_name_hu", sa.String(), nullable=False),
        sa.Column("unit_name_en", sa.String(), nullable=False),
        sa.Column("weight_mg", sa.BigInteger(), nullable=False),
        sa.Column("volume_ul", sa.BigInteger(), nullable=False),
        sa.Column("storage_class", sa.String(), nullable=False),
        sa.Column("tracks_expiry", sa.Boolean(), nullable=False),
        sa.Column("shelf_life_left_days_min", sa.BigInteger(), nullable=False),
        sa.Column("value_huf", sa.BigInteger(), nullable=False),
        sa.Column("usual_quantity", sa.BigInteger(), nullable=False),
        sa.Column("given_again_after_days", sa.BigInteger(), nullable=True),
        sa.Column("health_related", sa.Boolean(), nullable=False),
        sa.Column("icon", sa.String(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("shelf_life_left_days_min >= 0", name=op.f("ck_item_shelf_life_not_negative")),
        sa.CheckConstraint("weight_mg >= 0 AND volume_ul >= 0", name=op.f("ck_item_weight_and_volume_not_negative")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_item_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("code", name=op.f("uq_item_code")),
    )
    op.create_index(op.f("ix_item_category_id"), "item", ["category_id"], unique=False)
    op.create_index("ix_item_name_en_key_id", "item", ["name_en_key", "id"], unique=False)
    op.create_index("ix_item_name_hu_key_id", "item", ["name_hu_key", "id"], unique=False)
    op.create_table(
        "pack",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("gtin", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_pack_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_pack_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack")),
        sa.UniqueConstraint("gtin", name=op.f("uq_pack_gtin")),
    )
    op.create_index(op.f("ix_pack_item_id"), "pack", ["item_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=False),
        sa.Column("district_provisional", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("ksh_code", sa.String(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=True),
        sa.Column("deprivation_class", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_settlement_point_on_earth")
        ),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_settlement_county_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_settlement_district_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("county_id", "name", name=op.f("uq_settlement_county_id_name")),
        sa.UniqueConstraint("ksh_code", name=op.f("uq_settlement_ksh_code")),
    )
    op.create_index(op.f("ix_settlement_county_id"), "settlement", ["county_id"], unique=False)
    op.create_index(op.f("ix_settlement_district_id"), "settlement", ["district_id"], unique=False)
    op.create_index(
        "ix_settlement_name_key",
        "settlement",
        ["name_key"],
        unique=False,
        postgresql_ops={"name_key": "text_pattern_ops"},
    )
    op.create_table(
        "substitute",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("substitute_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity_percent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("item_id <> substitute_id", name=op.f("ck_substitute_another_item")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_substitute_item_id")),
        sa.ForeignKeyConstraint(["substitute_id"], ["item.id"], name=op.f("fk_substitute_substitute_id")),
        sa.PrimaryKeyConstraint("item_id", "substitute_id", name=op.f("pk_substitute")),
    )
    op.create_table(
        "donor",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("personal_key_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["personal_key_id"], ["personal_key.id"], name=op.f("fk_donor_personal_key_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_donor_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donor")),
        sa.UniqueConstraint("personal_key_id", name=op.f("uq_donor_personal_key_id")),
    )
    op.create_index("ix_donor_name_key_id", "donor", ["name_key", "id"], unique=False)
    op.create_table(
        "household",
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("age_0_1", sa.BigInteger(), nullable=False),
        sa.Column("age_2_5", sa.BigInteger(), nullable=False),
        sa.Column("age_6_13", sa.BigInteger(), nullable=False),
        sa.Column("age_14_17", sa.BigInteger(), nullable=False),
        sa.Column("age_18_64", sa.BigInteger(), nullable=False),
        sa.Column("age_65_up", sa.BigInteger(), nullable=False),
        sa.Column("heating", sa.String(), nullable=False),
        sa.Column("no_running_water", sa.Boolean(), nullable=False),
        sa.Column("no_fridge", sa.Boolean(), nullable=False),
        sa.Column("no_road_in_winter", sa.Boolean(), nullable=False),
        sa.Column("lone_parent", sa.Boolean(), nullable=False),
        sa.Column("access_need", sa.Boolean(), nullable=False),
        sa.Column("baby_formula", sa.Boolean(), nullable=False),
        sa.Column("contact_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("street_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("personal_key_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("size BETWEEN 1 AND 30", name=op.f("ck_household_size_plausible")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_household_county_id")),
        sa.ForeignKeyConstraint(
            ["personal_key_id"], ["personal_key.id"], name=op.f("fk_household_personal_key_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_household_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("personal_key_id", name=op.f("uq_household_personal_key_id")),
    )
    op.create_index("ix_household_county_id_id", "household", ["county_id", "id"], unique=False)
    op.create_index("ix_household_name_index", "household", ["name_index"], unique=False)
    op.create_index(op.f("ix_household_settlement_id"), "household", ["settlement_id"], unique=False)
    op.create_table(
        "organisation",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_organisation_county_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_organisation_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_index(op.f("ix_organisation_county_id"), "organisation", ["county_id"], unique=False)
    op.create_index("ix_organisation_name_key_id", "organisation", ["name_key", "id"], unique=False)
    op.create_table(
        "postal_code",
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_postal_code_settlement_id")),
        sa.PrimaryKeyConstraint("settlement_id", "code", name=op.f("pk_postal_code")),
    )
    op.create_index(op.f("ix_postal_code_code"), "postal_code", ["code"], unique=False)
    op.create_table(
        "warehouse",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.Column("loading_bays", sa.BigInteger(), nullable=False),
        sa.Column("storage_classes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_warehouse_county_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_warehouse_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouse")),
        sa.UniqueConstraint("code", name=op.f("uq_warehouse_code")),
    )
    op.create_index(op.f("ix_warehouse_county_id"), "warehouse", ["county_id"], unique=False)
    op.create_table(
        "agreement",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("may_report", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_agreement_ends_after_start")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_agreement_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    op.create_index(op.f("ix_agreement_organisation_id"), "agreement", ["organisation_id"], unique=False)
    op.create_table(
        "lot",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("use_by", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.String(), nullable=True),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("unit_value_huf", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_lot_item_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_lot_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
    )
    op.create_index("ix_lot_item_id_expires_on", "lot", ["item_id", "expires_on"], unique=False)
    op.create_index(op.f("ix_lot_warehouse_id"), "lot", ["warehouse_id"], unique=False)
    op.create_table(
        "offer",
        sa.Column("donor_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=True),
        sa.Column("collection", sa.Boolean(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("decline_reason", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_offer_county_id")),
        sa.ForeignKeyConstraint(["donor_id"], ["donor.id"], name=op.f("fk_offer_donor_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_offer_settlement_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_offer_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("reference", name=op.f("uq_offer_reference")),
    )
    op.create_index(op.f("ix_offer_donor_id"), "offer", ["donor_id"], unique=False)
    op.create_index("ix_offer_state_id", "offer", ["state", "id"], unique=False)
    op.create_table(
        "place",
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("storage_class", sa.String(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_place_county_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["place.id"], name=op.f("fk_place_parent_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_place_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("code", name=op.f("uq_place_code")),
    )
    op.create_index(op.f("ix_place_warehouse_id"), "place", ["warehouse_id"], unique=False)
    op.create_table(
        "service_area",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(county_id, district_id, settlement_id) = 1", name=op.f("ck_service_area_one_place")
        ),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_service_area_county_id")),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_service_area_district_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_service_area_organisation_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_service_area_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_area")),
    )
    op.create_index(op.f("ix_service_area_organisation_id"), "service_area", ["organisation_id"], unique=False)
    op.create_table(
        "voucher_series",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_voucher_series_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_series")),
        sa.UniqueConstraint("kind", "warehouse_id", "year", name=op.f("uq_voucher_series_kind_warehouse_id_year")),
    )
    op.create_table(
        "balance",
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("NOT guarded OR (on_hand >= 0 AND reserved <= on_hand)", name=op.f("ck_balance_covered")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_balance_reserved_not_negative")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_balance_county_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_balance_item_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_balance_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_balance_place_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_balance_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance")),
        sa.UniqueConstraint("lot_id", "place_id", name=op.f("uq_balance_lot_id_place_id")),
        # Room on each page for the next version of a row: a scan then touches no index.
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_balance_on_shelf",
        "balance",
        ["warehouse_id", "item_id", "expires_on"],
        unique=False,
        postgresql_where=sa.text("guarded"),
    )
    op.create_index(
        "ix_balance_expires_on_id",
        "balance",
        ["expires_on", "id"],
        unique=False,
        postgresql_where=sa.text("guarded"),
    )
    op.create_index("ix_balance_place_id", "balance", ["place_id"], unique=False)
    op.create_table(
        "movement",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("from_place_id", sa.BigInteger(), nullable=False),
        sa.Column("to_place_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("from_place_id <> to_place_id", name=op.f("ck_movement_places_differ")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_movement_quantity_positive")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_movement_county_id")),
        sa.ForeignKeyConstraint(["from_place_id"], ["place.id"], name=op.f("fk_movement_from_place_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_movement_lot_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["movement.id"], name=op.f("fk_movement_reverses_id")),
        sa.ForeignKeyConstraint(["to_place_id"], ["place.id"], name=op.f("fk_movement_to_place_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_movement_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
        sa.UniqueConstraint("operation_id", "line", name=op.f("uq_movement_operation_id_line")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_movement_reverses_id")),
    )
    op.create_index("ix_movement_kind_id", "movement", ["kind", "id"], unique=False)
    op.create_index("ix_movement_lot_id_id", "movement", ["lot_id", "id"], unique=False)
    op.create_index("ix_movement_warehouse_id_id", "movement", ["warehouse_id", "id"], unique=False)
    op.create_table(
        "offer_line",
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("unit_value_huf", sa.BigInteger(), nullable=True),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_offer_line_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_offer_line_item_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_offer_line_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_line")),
    )
    op.create_index(op.f("ix_offer_line_offer_id"), "offer_line", ["offer_id"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("purpose_kind", sa.String(), nullable=False),
        sa.Column("purpose_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservation_quantity_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_reservation_lot_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_reservation_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    op.create_index(
        "ix_reservation_expiring",
        "reservation",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_reservation_pending_lot",
        "reservation",
        ["lot_id", "place_id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_reservation_purpose", "reservation", ["purpose_kind", "purpose_id"], unique=False)
    op.create_table(
        "vehicle",
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("capacity_g", sa.BigInteger(), nullable=False),
        sa.Column("capacity_ml", sa.BigInteger(), nullable=False),
        sa.Column("capacity_pallets", sa.BigInteger(), nullable=False),
        sa.Column("storage_classes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("tail_lift", sa.Boolean(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("cost_fixed_huf", sa.BigInteger(), nullable=False),
        sa.Column("cost_per_km_huf", sa.BigInteger(), nullable=False),
        sa.Column("cost_per_hour_huf", sa.BigInteger(), nullable=False),
        sa.Column("lent_by", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint(
            "capacity_g > 0 AND capacity_ml > 0 AND capacity_pallets >= 0", name=op.f("ck_vehicle_capacities_positive")
        ),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_vehicle_county_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_vehicle_place_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_vehicle_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("place_id", name=op.f("uq_vehicle_place_id")),
        sa.UniqueConstraint("plate", name=op.f("uq_vehicle_plate")),
    )
    op.create_index(op.f("ix_vehicle_warehouse_id"), "vehicle", ["warehouse_id"], unique=False)
    op.create_table(
        "voucher",
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_voucher_county_id")),
        sa.ForeignKeyConstraint(["series_id"], ["voucher_series.id"], name=op.f("fk_voucher_series_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_voucher_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("code", name=op.f("uq_voucher_code")),
        sa.UniqueConstraint("series_id", "number", name=op.f("uq_voucher_series_id_number")),
    )
    op.create_index("ix_voucher_subject", "voucher", ["subject_kind", "subject_id"], unique=False)
    op.create_index(op.f("ix_voucher_warehouse_id"), "voucher", ["warehouse_id"], unique=False)
    op.create_table(
        "arrival",
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("donor_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by_id", sa.BigInteger(), nullable=True),
        sa.Column("voucher_id", sa.BigInteger(), nullable=True),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_arrival_county_id")),
        sa.ForeignKeyConstraint(["donor_id"], ["donor.id"], name=op.f("fk_arrival_donor_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_arrival_offer_id")),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("fk_arrival_voucher_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_arrival_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
        sa.UniqueConstraint("operation_id", name=op.f("uq_arrival_operation_id")),
    )
    op.create_index(op.f("ix_arrival_offer_id"), "arrival", ["offer_id"], unique=False)
    op.create_index(op.f("ix_arrival_warehouse_id"), "arrival", ["warehouse_id"], unique=False)
    op.create_table(
        "driver",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("shift_starts_at", sa.Time(), nullable=False),
        sa.Column("shift_ends_at", sa.Time(), nullable=False),
        sa.Column("volunteer", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_driver_county_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_driver_vehicle_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_driver_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver")),
    )
    op.create_index(op.f("ix_driver_warehouse_id"), "driver", ["warehouse_id"], unique=False)
    op.create_table(
        "vehicle_absence",
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("until >= since", name=op.f("ck_vehicle_absence_ends_after_start")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_vehicle_absence_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_absence")),
    )
    op.create_index(op.f("ix_vehicle_absence_vehicle_id"), "vehicle_absence", ["vehicle_id"], unique=False)
    op.create_table(
        "app_user",
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("donor_id", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_last_slot", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("personal_key_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["donor_id"], ["donor.id"], name=op.f("fk_app_user_donor_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_app_user_driver_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_app_user_organisation_id")),
        sa.ForeignKeyConstraint(
            ["personal_key_id"], ["personal_key.id"], name=op.f("fk_app_user_personal_key_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_app_user_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("email", name=op.f("uq_app_user_email")),
        sa.UniqueConstraint("personal_key_id", name=op.f("uq_app_user_personal_key_id")),
    )
    op.create_table(
        "arrival_line",
        sa.Column("arrival_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_line_id", sa.BigInteger(), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("inspection", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_arrival_line_quantity_positive")),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_arrival_line_arrival_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_arrival_line_item_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_arrival_line_lot_id")),
        sa.ForeignKeyConstraint(["offer_line_id"], ["offer_line.id"], name=op.f("fk_arrival_line_offer_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival_line")),
    )
    op.create_index(op.f("ix_arrival_line_arrival_id"), "arrival_line", ["arrival_id"], unique=False)
    op.create_table(
        "allocation_run",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["asked_by_id"], ["app_user.id"], name=op.f("fk_allocation_run_asked_by_id")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_allocation_run_county_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_allocation_run_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_run")),
    )
    op.create_table(
        "api_token",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_api_token_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "app_user_county",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_app_user_county_county_id")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_app_user_county_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "county_id", name=op.f("pk_app_user_county")),
    )
    op.create_table(
        "plan",
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("county_ids", postgresql.ARRAY(sa.BIGINT()), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("seconds_max", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("course", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["asked_by_id"], ["app_user.id"], name=op.f("fk_plan_asked_by_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_plan_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_index("ix_plan_on_id", "plan", ["on", "id"], unique=False)
    op.create_table(
        "register_import",
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["app_user.id"], name=op.f("fk_register_import_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_import")),
    )
    op.create_table(
        "signal",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("reporter_id", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("contact_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("street_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("refusal_reason", sa.String(), nullable=True),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledge_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("personal_key_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("urgency BETWEEN 1 AND 4", name=op.f("ck_signal_urgency_class")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_signal_county_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_signal_household_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["signal.id"], name=op.f("fk_signal_merged_into_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_signal_organisation_id")),
        sa.ForeignKeyConstraint(
            ["personal_key_id"], ["personal_key.id"], name=op.f("fk_signal_personal_key_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_signal_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
        sa.UniqueConstraint("organisation_id", "reference", name=op.f("uq_signal_organisation_id_reference")),
        sa.UniqueConstraint("personal_key_id", name=op.f("uq_signal_personal_key_id")),
    )
    op.create_index("ix_signal_county_id_state_id", "signal", ["county_id", "state", "id"], unique=False)
    op.create_index(op.f("ix_signal_household_id"), "signal", ["household_id"], unique=False)
    op.create_index("ix_signal_state_id", "signal", ["state", "id"], unique=False)
    op.create_index(
        "ix_signal_waiting", "signal", ["urgency", "id"], unique=False, postgresql_where=sa.text("decided_at IS NULL")
    )
    op.create_index("ix_signal_organisation_id_id", "signal", ["organisation_id", "id"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_web_session_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_web_session_key_hash")),
    )
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"], unique=False)
    op.create_table(
        "need",
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("quantity_reserved", sa.BigInteger(), nullable=False),
        sa.Column("quantity_handed_over", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("urgency_grounds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgency_override", sa.BigInteger(), nullable=True),
        sa.Column("urgency_override_reason", sa.String(), nullable=True),
        sa.Column("substitutes_accepted", sa.Boolean(), nullable=False),
        sa.Column("wanted_by", sa.Date(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_need_quantity_positive")),
        sa.CheckConstraint(
            "quantity_reserved >= 0 AND quantity_handed_over >= 0", name=op.f("ck_need_quantities_not_negative")
        ),
        sa.CheckConstraint("urgency BETWEEN 1 AND 4", name=op.f("ck_need_urgency_class")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_need_county_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_need_household_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_need_item_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_need_organisation_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_need_settlement_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_need_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
    )
    op.create_index("ix_need_county_id_state_urgency_id", "need", ["county_id", "state", "urgency", "id"], unique=False)
    op.create_index(op.f("ix_need_household_id"), "need", ["household_id"], unique=False)
    op.create_index("ix_need_item_id_state", "need", ["item_id", "state"], unique=False)
    op.create_index("ix_need_organisation_id_id", "need", ["organisation_id", "id"], unique=False)
    op.create_index(op.f("ix_need_settlement_id"), "need", ["settlement_id"], unique=False)
    op.create_index(op.f("ix_need_signal_id"), "need", ["signal_id"], unique=False)
    op.create_index("ix_need_state_urgency_id", "need", ["state", "urgency", "id"], unique=False)
    op.create_index(
        "ix_need_waiting", "need", ["urgency", "id"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index(
        "ix_need_waiting_in_county",
        "need",
        ["county_id", "urgency", "id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "plan_version",
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("violations", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_version_plan_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_version_plan_id_number")),
    )
    op.create_table(
        "run",
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column("departs_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returns_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distance_m", sa.BigInteger(), nullable=False),
        sa.Column("cost_huf", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("loading_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_run_county_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_run_driver_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_run_plan_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_run_vehicle_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_run_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_county_id_on_id", "run", ["county_id", "on", "id"], unique=False)
    op.create_index("ix_run_driver_id_on", "run", ["driver_id", "on"], unique=False)
    op.create_index(op.f("ix_run_plan_id"), "run", ["plan_id"], unique=False)
    op.create_index("ix_run_warehouse_id_on_id", "run", ["warehouse_id", "on", "id"], unique=False)
    op.create_table(
        "signal_line",
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("wanted_by", sa.Date(), nullable=True),
        sa.Column("substitutes_accepted", sa.Boolean(), nullable=False),
        sa.Column("need_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_signal_line_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_signal_line_item_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_signal_line_need_id")),
        sa.ForeignKeyConstraint(["signal_id"], ["signal.id"], name=op.f("fk_signal_line_signal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_line")),
    )
    op.create_index(op.f("ix_signal_line_need_id"), "signal_line", ["need_id"], unique=False)
    op.create_index(op.f("ix_signal_line_signal_id"), "signal_line", ["signal_id"], unique=False)
    op.create_table(
        "missing_share",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("need_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("grounds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("remedies", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_missing_share_quantity_positive")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_missing_share_county_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_missing_share_need_id")),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name=op.f("fk_missing_share_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missing_share")),
    )
    op.create_index(op.f("ix_missing_share_need_id"), "missing_share", ["need_id"], unique=False)
    op.create_index("ix_missing_share_run_id_urgency_id", "missing_share", ["run_id", "urgency", "id"], unique=False)
    op.create_table(
        "need_exclusion",
        sa.Column("need_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_need_exclusion_county_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["app_user.id"], name=op.f("fk_need_exclusion_made_by_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_exclusion_need_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_exclusion")),
        sa.UniqueConstraint("need_id", name=op.f("uq_need_exclusion_need_id")),
    )
    op.create_table(
        "share",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("need_id", sa.BigInteger(), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("covers", sa.BigInteger(), nullable=False),
        sa.Column("distance_m", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("pin_reason", sa.String(), nullable=True),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0 AND covers >= 0", name=op.f("ck_share_quantity_positive")),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_share_county_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_share_household_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_share_item_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_share_lot_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_share_need_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_share_place_id")),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"], name=op.f("fk_share_reservation_id")),
        sa.ForeignKeyConstraint(["run_id"], ["allocation_run.id"], name=op.f("fk_share_run_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_share_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
    )
    op.create_index(
        "ix_share_approved",
        "share",
        ["warehouse_id", "household_id"],
        unique=False,
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.create_index("ix_share_county_id_id", "share", ["county_id", "id"], unique=False)
    op.create_index(op.f("ix_share_need_id"), "share", ["need_id"], unique=False)
    op.create_index("ix_share_run_id_id", "share", ["run_id", "id"], unique=False)
    op.create_table(
        "stop",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaves_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_stop_county_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_stop_driver_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_stop_run_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_stop_settlement_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_stop_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_stop_run_id_position")),
    )
    op.create_index(op.f("ix_stop_run_id"), "stop", ["run_id"], unique=False)
    op.create_table(
        "parcel",
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("stop_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("urgency", sa.BigInteger(), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=False),
        sa.Column("volume_ml", sa.BigInteger(), nullable=False),
        sa.Column("storage_classes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("health_related", sa.Boolean(), nullable=False),
        sa.Column("hand_over_code", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_parcel_county_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_parcel_driver_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_parcel_household_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_parcel_settlement_id")),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.id"], name=op.f("fk_parcel_stop_id")),
        sa.ForeignKeyConstraint(["warehouse_id"], ["warehouse.id"], name=op.f("fk_parcel_warehouse_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
    )
    op.create_index("ix_parcel_household_id", "parcel", ["household_id"], unique=False)
    op.create_index(op.f("ix_parcel_settlement_id"), "parcel", ["settlement_id"], unique=False)
    op.create_index("ix_parcel_state_warehouse_id_id", "parcel", ["state", "warehouse_id", "id"], unique=False)
    op.create_index(
        "ix_parcel_stop_id", "parcel", ["stop_id"], unique=False, postgresql_where=sa.text("stop_id IS NOT NULL")
    )
    op.create_table(
        "parcel_line",
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("need_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("quantity_handed_over", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_parcel_line_quantity_positive")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_parcel_line_item_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_parcel_line_lot_id")),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_parcel_line_need_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_line_parcel_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_parcel_line_place_id")),
        sa.ForeignKeyConstraint(["share_id"], ["share.id"], name=op.f("fk_parcel_line_share_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_line")),
        sa.UniqueConstraint("share_id", name=op.f("uq_parcel_line_share_id")),
    )
    op.create_index(op.f("ix_parcel_line_need_id"), "parcel_line", ["need_id"], unique=False)
    op.create_index(op.f("ix_parcel_line_parcel_id"), "parcel_line", ["parcel_id"], unique=False)
    op.create_table(
        "proof",
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("signature_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("personal_key_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["county_id"], ["county.id"], name=op.f("fk_proof_county_id")),
        sa.ForeignKeyConstraint(["driver_id"], ["driver.id"], name=op.f("fk_proof_driver_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_proof_parcel_id")),
        sa.ForeignKeyConstraint(
            ["personal_key_id"], ["personal_key.id"], name=op.f("fk_proof_personal_key_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof")),
        sa.UniqueConstraint("parcel_id", name=op.f("uq_proof_parcel_id")),
        sa.UniqueConstraint("personal_key_id", name=op.f("uq_proof_personal_key_id")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("proof")
    op.drop_index(op.f("ix_parcel_line_parcel_id"), table_name="parcel_line")
    op.drop_index(op.f("ix_parcel_line_need_id"), table_name="parcel_line")
    op.drop_table("parcel_line")
    op.drop_index("ix_parcel_stop_id", table_name="parcel", postgresql_where=sa.text("stop_id IS NOT NULL"))
    op.drop_index("ix_parcel_state_warehouse_id_id", table_name="parcel")
    op.drop_index(op.f("ix_parcel_settlement_id"), table_name="parcel")
    op.drop_index("ix_parcel_household_id", table_name="parcel")
    op.drop_table("parcel")
    op.drop_index(op.f("ix_stop_run_id"), table_name="stop")
    op.drop_table("stop")
    op.drop_index("ix_share_run_id_id", table_name="share")
    op.drop_index(op.f("ix_share_need_id"), table_name="share")
    op.drop_index("ix_share_county_id_id", table_name="share")
    op.drop_index("ix_share_approved", table_name="share", postgresql_where=sa.text("state = 'approved'"))
    op.drop_table("share")
    op.drop_table("need_exclusion")
    op.drop_index("ix_missing_share_run_id_urgency_id", table_name="missing_share")
    op.drop_index(op.f("ix_missing_share_need_id"), table_name="missing_share")
    op.drop_table("missing_share")
    op.drop_index(op.f("ix_signal_line_signal_id"), table_name="signal_line")
    op.drop_index(op.f("ix_signal_line_need_id"), table_name="signal_line")
    op.drop_table("signal_line")
    op.drop_index("ix_run_warehouse_id_on_id", table_name="run")
    op.drop_index(op.f("ix_run_plan_id"), table_name="run")
    op.drop_index("ix_run_driver_id_on", table_name="run")
    op.drop_index("ix_run_county_id_on_id", table_name="run")
    op.drop_table("run")
    op.drop_table("plan_version")
    op.drop_index("ix_need_waiting_in_county", table_name="need", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_need_waiting", table_name="need", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_need_state_urgency_id", table_name="need")
    op.drop_index(op.f("ix_need_signal_id"), table_name="need")
    op.drop_index(op.f("ix_need_settlement_id"), table_name="need")
    op.drop_index("ix_need_organisation_id_id", table_name="need")
    op.drop_index("ix_need_item_id_state", table_name="need")
    op.drop_index(op.f("ix_need_household_id"), table_name="need")
    op.drop_index("ix_need_county_id_state_urgency_id", table_name="need")
    op.drop_table("need")
    op.drop_index("ix_web_session_user_id", table_name="web_session")
    op.drop_table("web_session")
    op.drop_index("ix_signal_organisation_id_id", table_name="signal")
    op.drop_index("ix_signal_waiting", table_name="signal", postgresql_where=sa.text("decided_at IS NULL"))
    op.drop_index("ix_signal_state_id", table_name="signal")
    op.drop_index(op.f("ix_signal_household_id"), table_name="signal")
    op.drop_index("ix_signal_county_id_state_id", table_name="signal")
    op.drop_table("signal")
    op.drop_table("register_import")
    op.drop_index("ix_plan_on_id", table_name="plan")
    op.drop_table("plan")
    op.drop_table("app_user_county")
    op.drop_index(op.f("ix_api_token_user_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_table("allocation_run")
    op.drop_index(op.f("ix_arrival_line_arrival_id"), table_name="arrival_line")
    op.drop_table("arrival_line")
    op.drop_table("app_user")
    op.drop_index(op.f("ix_vehicle_absence_vehicle_id"), table_name="vehicle_absence")
    op.drop_table("vehicle_absence")
    op.drop_index(op.f("ix_driver_warehouse_id"), table_name="driver")
    op.drop_table("driver")
    op.drop_index(op.f("ix_arrival_warehouse_id"), table_name="arrival")
    op.drop_index(op.f("ix_arrival_offer_id"), table_name="arrival")
    op.drop_table("arrival")
    op.drop_index(op.f("ix_voucher_warehouse_id"), table_name="voucher")
    op.drop_index("ix_voucher_subject", table_name="voucher")
    op.drop_table("voucher")
    op.drop_index(op.f("ix_vehicle_warehouse_id"), table_name="vehicle")
    op.drop_table("vehicle")
    op.drop_index("ix_reservation_purpose", table_name="reservation")
    op.drop_index("ix_reservation_pending_lot", table_name="reservation", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("ix_reservation_expiring", table_name="reservation", postgresql_where=sa.text("state = 'pending'"))
    op.drop_table("reservation")
    op.drop_index(op.f("ix_offer_line_offer_id"), table_name="offer_line")
    op.drop_table("offer_line")
    op.drop_index("ix_movement_warehouse_id_id", table_name="movement")
    op.drop_index("ix_movement_lot_id_id", table_name="movement")
    op.drop_index("ix_movement_kind_id", table_name="movement")
    op.drop_table("movement")
    op.drop_index("ix_balance_place_id", table_name="balance")
    op.drop_index("ix_balance_expires_on_id", table_name="balance", postgresql_where=sa.text("guarded"))
    op.drop_index("ix_balance_on_shelf", table_name="balance", postgresql_where=sa.text("guarded"))
    op.drop_table("balance")
    op.drop_table("voucher_series")
    op.drop_index(op.f("ix_service_area_organisation_id"), table_name="service_area")
    op.drop_table("service_area")
    op.drop_index(op.f("ix_place_warehouse_id"), table_name="place")
    op.drop_table("place")
    op.drop_index("ix_offer_state_id", table_name="offer")
    op.drop_index(op.f("ix_offer_donor_id"), table_name="offer")
    op.drop_table("offer")
    op.drop_index(op.f("ix_lot_warehouse_id"), table_name="lot")
    op.drop_index("ix_lot_item_id_expires_on", table_name="lot")
    op.drop_table("lot")
    op.drop_index(op.f("ix_agreement_organisation_id"), table_name="agreement")
    op.drop_table("agreement")
    op.drop_index(op.f("ix_warehouse_county_id"), table_name="warehouse")
    op.drop_table("warehouse")
    op.drop_index(op.f("ix_postal_code_code"), table_name="postal_code")
    op.drop_table("postal_code")
    op.drop_index("ix_organisation_name_key_id", table_name="organisation")
    op.drop_index(op.f("ix_organisation_county_id"), table_name="organisation")
    op.drop_table("organisation")
    op.drop_index(op.f("ix_household_settlement_id"), table_name="household")
    op.drop_index("ix_household_name_index", table_name="household")
    op.drop_index("ix_household_county_id_id", table_name="household")
    op.drop_table("household")
    op.drop_index("ix_donor_name_key_id", table_name="donor")
    op.drop_table("donor")
    op.drop_table("substitute")
    op.drop_index("ix_settlement_name_key", table_name="settlement", postgresql_ops={"name_key": "text_pattern_ops"})
    op.drop_index(op.f("ix_settlement_district_id"), table_name="settlement")
    op.drop_index(op.f("ix_settlement_county_id"), table_name="settlement")
    op.drop_table("settlement")
    op.drop_index(op.f("ix_pack_item_id"), table_name="pack")
    op.drop_table("pack")
    op.drop_index("ix_item_name_hu_key_id", table_name="item")
    op.drop_index("ix_item_name_en_key_id", table_name="item")
    op.drop_index(op.f("ix_item_category_id"), table_name="item")
    op.drop_table("item")
    op.drop_table("district")
    op.drop_table("urgency_rule")
    op.drop_index("ix_sign_in_attempt_who_at", table_name="sign_in_attempt")
    op.drop_index("ix_sign_in_attempt_at", table_name="sign_in_attempt")
    op.drop_table("sign_in_attempt")
    op.drop_table("personal_key")
    op.drop_table("periodic_run")
    op.drop_index("ix_operation_recorded_at", table_name="operation")
    op.drop_table("operation")
    op.drop_index("ix_journal_entry_subject", table_name="journal_entry")
    op.drop_index("ix_journal_entry_deed_id", table_name="journal_entry")
    op.drop_index("ix_journal_entry_actor_id_id", table_name="journal_entry")
    op.drop_table("journal_entry")
    op.drop_index("ix_job_subject", table_name="job")
    op.drop_index("ix_job_open", table_name="job", postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.drop_table("job")
    op.drop_table("county")
    op.drop_table("category")
    op.drop_index("ix_access_entry_subject", table_name="access_entry")
    op.drop_table("access_entry")
