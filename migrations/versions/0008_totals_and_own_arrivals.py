"""Counts of needs are answered by an index alone; a donor reads what arrived of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.policies import Rule, guard, unguard

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RULES = [
    Rule(
        "arrival",
        read=["donations.read", "donations.receive", "stock.read"],
        write=["donations.receive", "donations.decide"],
        offices=["donations"],
        scoped_by={"county": "county_id", "warehouse": "warehouse_id", "own": "donor_id"},
    ),
    Rule(
        "arrival_line",
        read=["donations.read", "donations.receive", "stock.read"],
        write=["donations.receive", "donations.decide"],
        offices=["donations"],
        follows=("arrival", "arrival_id"),
    ),
]
"""In place of those of 0004."""

BEFORE = {"county": "county_id", "warehouse": "warehouse_id"}


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_need_totals",
        "need",
        ["state", "urgency"],
        postgresql_include=["county_id", "organisation_id", "opened_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    _guard_again(RULES)


def downgrade() -> None:
    """Go back."""
    _guard_again([rule._replace(scoped_by=BEFORE) if rule.scoped_by else rule for rule in RULES])
    op.drop_index("ix_need_totals", table_name="need")


def _guard_again(rules: list[Rule]) -> None:
    by_table = {rule.table: rule for rule in rules}
    for rule in rules:
        op.execute(unguard(rule))
        op.execute(guard(rule, by_table))
