"""Migrations: they end where the models are, keep what is there, and can go back."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.foundation.database import Base, make_engine
from scripts.local import migrations
from tests import world as worlds


@pytest.fixture
def template(template_with):
    return template_with("world", worlds.fill)


def test_the_migrations_end_where_the_models_are(database_url):
    engine = make_engine(database_url, as_app_role=False)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_going_back_before_the_warehouse_floor_and_forward_again_keeps_the_ledger(database_url, superuser_url):
    before = counted(superuser_url)
    assert before["movement"] > 0
    migrations.downgrade(database_url, "0005")
    assert counted(superuser_url) == before
    migrations.upgrade(database_url)
    assert counted(superuser_url) == before
    with psycopg.connect(superuser_url) as database:
        each_has_one = database.execute(
            "SELECT (SELECT count(*) FROM warehouse) = (SELECT count(*) FROM place WHERE kind = 'conversion')"
        ).fetchone()
    assert each_has_one == (True,)


def counted(superuser_url):
    tables = ("movement", "balance", "lot", "reservation", "voucher", "need", "parcel", "journal_entry")
    with psycopg.connect(superuser_url) as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
