"""Real servers for every test: one PostgreSQL cluster a run, a migrated template, a fresh copy of it for each test.

A copy costs about 60 ms, so services commit for real, in as many connections and threads as they like.
With pytest-xdist the controller starts the cluster, the workers share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import itertools
import os
import pkgutil
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from psycopg import sql

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import app as application
from app.accounts.roles import GRANTS
from app.config import Settings
from app.foundation.actor import Actor, Scope
from app.foundation.database import make_engine, make_sessions
from app.foundation.unit_of_work import UnitOfWork, unit_of_work
from scripts.local import migrations, servers

# Tables name each other across packages: one test alone must know them all.
for module in pkgutil.walk_packages(application.__path__, "app."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)


class Compiled(BytecodeCache):
    """Templates as they were compiled for the first application of this process: each test makes one of its own."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Hand a template back."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": Compiled()}

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
"""Noon in Budapest on a Monday; the clock of tests unless they turn it."""

EVERYTHING = Actor(
    1, "Everything", "admin", grants={permission: Scope.ALL for grants in GRANTS.values() for permission in grants}
)
"""An actor with every permission in every scope."""

SERVER_VARIABLE = "TEST_SERVER_URL"
"""The superuser's address of the cluster; set it to test on a server of your own."""
TEMPLATE = "adomanybank_template"
STARTED = contextlib.ExitStack()

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    """In the controller of a parallel run, start the cluster before its workers start."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        start_cluster()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long stories, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.path.parent.name != "journeys")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process has started."""
    STARTED.close()


def start_cluster() -> Cluster:
    """Start the cluster, build the migrated template, and tell later processes where it is."""
    if SERVER_VARIABLE not in os.environ:
        postgres = STARTED.enter_context(servers.fleeting_postgres())
        os.environ[SERVER_VARIABLE] = postgres.url("postgres", "postgres")
        STARTED.callback(os.environ.pop, SERVER_VARIABLE, None)
    cluster = Cluster(os.environ[SERVER_VARIABLE])
    cluster.provide_owner()
    cluster.drop(TEMPLATE)
    cluster.create(TEMPLATE, "template1")
    migrations.upgrade(cluster.url(TEMPLATE))
    os.environ["TEST_TEMPLATE_READY"] = "1"
    STARTED.callback(os.environ.pop, "TEST_TEMPLATE_READY", None)
    return cluster


@dataclass(frozen=True)
class Cluster:
    """The PostgreSQL server of this run."""

    superuser_url: str

    def url(self, database: str, user: str = servers.OWNER) -> str:
        """Return the address of a database for its owner, or another user."""
        address = self.superuser_url.rsplit("/", 1)[0].replace("://postgres:", f"://{user}:", 1)
        return f"{address}/{database}"

    def execute(self, statement: sql.Composed | str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.superuser_url, autocommit=True) as admin:
            admin.execute(statement)  # type: ignore[arg-type]

    def provide_owner(self) -> None:
        """Create the role that owns databases; it has the superuser's password, and is none."""
        password = psycopg.conninfo.conninfo_to_dict(self.superuser_url).get("password", "")
        with psycopg.connect(self.superuser_url, autocommit=True) as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [servers.OWNER]).fetchone():
                deed = sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}")
                admin.execute(deed.format(sql.Identifier(servers.OWNER), sql.Literal(password)))

    def create(self, database: str, template: str = TEMPLATE) -> None:
        """Create a database as a copy of a template."""
        deed = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY wal_log")
        self.execute(deed.format(*map(sql.Identifier, (database, servers.OWNER, template))))

    def drop(self, database: str) -> None:
        """Drop a database, whoever is still connected."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


NUMBERS = itertools.count(1)


def database_name(kind: str) -> str:
    """Return a name that no other process of this run uses."""
    return f"{kind}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}_{next(NUMBERS)}"


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The server of this run."""
    if "TEST_TEMPLATE_READY" in os.environ:
        return Cluster(os.environ[SERVER_VARIABLE])
    return start_cluster()


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def template_with(cluster: Cluster) -> Callable[[str, Callable[[str], object]], str]:
    """Return a maker of richer templates, each filled once per process.

    `template_with("gazetteer", fill)` calls `fill(database_url)` the first time and returns the template's name. A
    module whose tests all need it overrides the fixture `template`.
    """
    made: dict[str, str] = {}

    def make(name: str, fill: Callable[[str], object]) -> str:
        if name not in made:
            database = database_name(f"template_{name}")
            cluster.create(database)
            fill(cluster.url(database))
            made[name] = database
        return made[name]

    return make


@pytest.fixture(scope="session")
def shared_template_with(cluster: Cluster, run_folder: Path) -> Callable[[str, Callable[[str], object]], str]:
    """Return a maker of templates that are dear: each is filled once in a run, and other processes wait for it.

    What `fill` keeps in memory is known to one process only.
    """

    def make(name: str, fill: Callable[[str], object]) -> str:
        ready = run_folder / f"template-{name}.ready"
        with (run_folder / f"template-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ready.exists():
                database = database_name(f"template_{name}")
                cluster.create(database)
                fill(cluster.url(database))
                ready.write_text(database)
        return ready.read_text()

    return make


@pytest.fixture(scope="session")
def new_database(cluster: Cluster) -> Callable[[str], contextlib.AbstractContextManager[str]]:
    """Return a maker of databases for fixtures that live longer than a test: `with new_database(template) as url`."""

    @contextlib.contextmanager
    def make(template: str = TEMPLATE) -> Iterator[str]:
        name = database_name("test")
        cluster.create(name, template)
        try:
            yield cluster.url(name)
        finally:
            cluster.drop(name)

    return make


@pytest.fixture
def template() -> str:
    """The template of this test's database."""
    return TEMPLATE


@pytest.fixture
def database_url(new_database: Any, template: str) -> Iterator[str]:
    """A migrated database for this test alone; the address is its owner's."""
    with new_database(template) as url:
        yield url


@pytest.fixture
def superuser_url(cluster: Cluster, database_url: str) -> str:
    """The same database for the superuser, whom no policy binds."""
    return cluster.url(database_url.rsplit("/", 1)[1], "postgres")


@pytest.fixture
def sessions(database_url: str) -> Iterator[Any]:
    """Sessions that act as the application's role, bound by row-level security."""
    engine = make_engine(database_url, pool_size=10)
    yield make_sessions(engine)
    engine.dispose()


class Clock:
    """A clock that stands still until a test turns it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of `work`; set `clock.now` to turn it."""
    return Clock()


@pytest.fixture
def work(sessions: Any, clock: Clock) -> Callable[..., contextlib.AbstractContextManager[UnitOfWork]]:
    """Open a unit of work: `with work() as uow`, or `work(actor)` for somebody with fewer rights."""

    def make(actor: Actor = EVERYTHING) -> contextlib.AbstractContextManager[UnitOfWork]:
        return unit_of_work(sessions, actor, clock)

    return make


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[servers.Valkey]:
    """One Valkey per process."""
    with servers.fleeting_valkey() as valkey:
        yield valkey


@pytest.fixture
def valkey_url(valkey_server: servers.Valkey) -> str:
    """An empty Valkey."""
    import redis

    redis.Redis.from_url(valkey_server.url).flushall()
    return valkey_server.url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a test; nobody answers at its Redis, and requests must not mind."""
    return Settings(
        database_url=database_url,
        redis_url=f"unix://{tmp_path}/nobody.sock",
        secret_key="only for tests",
        personal_keys={"test": bytes(range(32))},
        index_key=bytes(range(32, 64)),
        data_dir=tmp_path,
        demo=True,
    )


@pytest.fixture
def app(settings: Settings) -> Any:
    """The whole application on this test's database."""
    from app.factory import create_app

    flask_app = create_app(settings)
    flask_app.config["TESTING"] = True
    return flask_app


@pytest.fixture
def client(app: Any) -> Any:
    """A browser without a sign-in."""
    return app.test_client()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The process's one headless Chromium: Playwright cannot be started twice in a thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
