"""The ledger only grows: nobody changes, deletes or truncates a movement, not even the owner of the tables.

The journal, the access log and the operations are closed to the application's role by 0002; their retention is a deed
of the owner. Movements have none: corrections are new movements.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ONLY_GROWS = ("journal_entry", "access_entry", "operation")


def upgrade() -> None:
    """Go forward."""
    op.execute(
        """
        CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% of % is refused: it only grows', TG_OP, TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END $$;

        CREATE TRIGGER movement_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
        -- Also where triggers of replication would be left out.
        ALTER TABLE movement ENABLE ALWAYS TRIGGER movement_only_grows;
        """
    )
    for table in ONLY_GROWS:
        op.execute(
            f"""
            CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
            """
        )


def downgrade() -> None:
    """Go back."""
    for table in ("movement", *ONLY_GROWS):
        op.execute(f"DROP TRIGGER IF EXISTS {table}_only_grows ON {table}")
    op.execute("DROP FUNCTION refuse_to_rewrite_history()")
