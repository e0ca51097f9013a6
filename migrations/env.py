"""Runs the migrations: each is one transaction, as the owner of the tables."""

from __future__ import annotations

import importlib
import os
import pkgutil

from alembic import context

import app
from app.foundation.database import Base, make_engine

for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)
for module_name in ("job", "journal", "personal"):
    importlib.import_module(f"app.foundation.{module_name}")


def run() -> None:
    """Bring the database of DATABASE_URL (or the one handed in) to the wanted version."""
    url = context.config.attributes.get("url") or os.environ["DATABASE_URL"]
    engine = make_engine(url, pool_size=1, as_app_role=False, statement_seconds_max=3600)
    with engine.connect() as connection:
        context.configure(connection, target_metadata=Base.metadata, compare_server_default=False)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
