"""Bring a database to the newest shape. Needs the installed environment."""

from __future__ import annotations

import os
from unittest import mock

from alembic import command
from alembic.config import Config

from scripts.local.paths import ROOT


def configuration(database_url: str) -> Config:
    """Return Alembic's configuration for a database; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Apply the migrations up to a revision."""
    with mock.patch.dict(os.environ, {"DATABASE_URL": database_url}):
        command.upgrade(configuration(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take migrations back down to a revision."""
    with mock.patch.dict(os.environ, {"DATABASE_URL": database_url}):
        command.downgrade(configuration(database_url), revision)
