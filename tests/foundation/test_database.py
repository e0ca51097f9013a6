"""Connections that wait in the pool: they are asked whether they live only after they have rested."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.foundation import database


@pytest.fixture
def engine(database_url):
    made = database.make_engine(database_url, pool_size=2)
    yield made
    made.dispose()


def number_of(engine):
    with engine.connect() as connection:
        return connection.scalar(text("SELECT pg_backend_pid()"))


def end(superuser_url, number):
    with psycopg.connect(superuser_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [number])


def test_a_connection_that_died_while_it_rested_is_replaced(engine, superuser_url, monkeypatch):
    first = number_of(engine)
    assert number_of(engine) == first, "the one used last is used again"
    end(superuser_url, first)
    monkeypatch.setattr(database, "REST_SECONDS", -1)
    assert number_of(engine) != first


def test_one_that_died_a_moment_ago_is_noticed_once(engine, superuser_url):
    first = number_of(engine)
    end(superuser_url, first)
    with pytest.raises(DBAPIError) as fault:
        number_of(engine)
    assert fault.value.connection_invalidated
    assert number_of(engine) != first


def test_a_connection_that_is_in_use_all_the_time_is_not_asked(engine, monkeypatch):
    asked = []
    monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: asked.append(connection))
    for _ in range(3):
        number_of(engine)
    assert not asked
    monkeypatch.setattr(database, "REST_SECONDS", -1)
    number_of(engine)
    assert len(asked) == 1
