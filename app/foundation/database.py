"""The engine, the session factory, and the base class of every table."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Engine, Identity, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

# Named constraints, so that migrations can change them.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

REST_SECONDS = 2.0
"""A connection that was used so lately is taken to live."""

APP_ROLE = "adomanybank_app"
"""The database role the application acts as: it owns nothing, so row-level security binds it."""


class Base(DeclarativeBase):
    """Every table. Whole numbers are 64 bits, times carry their zone, dictionaries are JSONB."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Numbered:
    """Mixin: a running number as the primary key."""

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)


def make_engine(url: str, *, pool_size: int = 10, as_app_role: bool = True, statement_seconds_max: int = 60) -> Engine:
    """Return an engine whose connections act as the application's own role.

    A connection waits at most 5 s for a free place in the pool: a full pool is answered, not suffered. One that has
    rested is asked first whether it still lives; to ask each time would be a tenth of a scan's cost.
    """
    url = url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    options = f"-c timezone=UTC -c statement_timeout={statement_seconds_max * 1000} -c lock_timeout=15000"
    if as_app_role:
        options += f" -c role={APP_ROLE}"
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_use_lifo=True,
        connect_args={"options": options, "connect_timeout": 5},
    )
    event.listen(engine, "checkin", _rests)
    event.listen(engine, "checkout", partial(_wakes, engine))
    return engine


def _rests(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = time.monotonic()


def _wakes(engine: Engine, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Give a connection that has died while it rested back to the pool, which opens another."""
    now = time.monotonic()
    if now - record.info.get("rests_since", now) > REST_SECONDS:
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Return the factory of sessions. Objects stay readable after commit, because templates read them."""
    return sessionmaker(engine, expire_on_commit=False)
