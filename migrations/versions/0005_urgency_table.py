"""The urgency table as it stands on the first day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# fact, from this value on (or, for days until it is wanted, up to it), category (None: every one), class
TABLE = [
    ("baby_without_formula", None, "baby", 1),
    ("sudden_event", None, "food", 1),
    ("sudden_event", None, "bedding", 1),
    ("no_heating_below_zero", None, "fuel", 1),
    ("no_heating_below_zero", None, "bedding", 1),
    ("wanted_in_days", 1, None, 1),
    ("sudden_event", None, None, 2),
    ("no_heating_below_zero", None, "clothing", 2),
    ("no_heating", None, "fuel", 2),
    ("baby", None, "baby", 2),
    ("baby", None, "food", 2),
    ("no_running_water", None, "food-drink", 2),
    ("medical_item", None, None, 2),
    ("wanted_in_days", 3, None, 2),
    ("waiting_days", 30, None, 2),
    ("no_running_water", None, "hygiene", 3),
    ("small_child", None, "food", 3),
    ("small_child", None, "clothing", 3),
    ("only_old", None, "food", 3),
    ("only_old", None, "fuel", 3),
    ("lone_parent", None, "food", 3),
    ("lone_parent", None, "school", 3),
    ("access_need", None, None, 3),
    ("no_road_in_winter", None, None, 3),
    ("no_fridge", None, "household-appliance", 3),
    ("children", 4, "food", 3),
    ("children", 4, "clothing", 3),
    ("wanted_in_days", 7, None, 3),
    ("waiting_days", 14, None, 3),
]


def upgrade() -> None:
    """Go forward."""
    table = sa.table(
        "urgency_rule",
        sa.column("position", sa.BigInteger()),
        sa.column("fact", sa.String()),
        sa.column("threshold", sa.BigInteger()),
        sa.column("category", sa.String()),
        sa.column("urgency", sa.BigInteger()),
        sa.column("active", sa.Boolean()),
        sa.column("changed_at", sa.DateTime(timezone=True)),
        sa.column("version", sa.BigInteger()),
    )
    op.execute(
        sa.insert(table).values(
            [
                {
                    "position": number * 10,
                    "fact": fact,
                    "threshold": threshold,
                    "category": category,
                    "urgency": urgency,
                    "active": True,
                    "changed_at": sa.func.now(),
                    "version": 1,
                }
                for number, (fact, threshold, category, urgency) in enumerate(TABLE, start=1)
            ]
        )
    )


def downgrade() -> None:
    """Go back."""
    op.execute("DELETE FROM urgency_rule")
