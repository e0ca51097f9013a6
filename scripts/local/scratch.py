"""A database and a web server of its own for a benchmark: made, filled, measured, thrown away."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import psycopg
from psycopg import sql

from app.accounts.roles import GRANTS
from app.foundation.actor import Actor, Scope
from scripts.local import migrations, servers
from scripts.local.paths import ROOT

EVERYTHING = Actor(
    None, "Benchmark", "system", grants={permission: Scope.ALL for grants in GRANTS.values() for permission in grants}
)


@contextlib.contextmanager
def database(*, lasting: bool = True) -> Iterator[str]:
    """Give a migrated database: next to DATABASE_URL where it is set, else on a server of our own, on disk.

    ``lasting`` keeps every promise about crashes, as real work does.
    """
    given = os.environ.get("DATABASE_URL")
    with contextlib.ExitStack() as stack:
        if given:
            name = f"bench_{secrets.token_hex(4)}"
            _execute(given, "CREATE DATABASE {}", name)
            stack.callback(_execute, given, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            url = f"{given.rsplit('/', 1)[0]}/{name}"
        else:
            home = Path(tempfile.mkdtemp(prefix="adomanybank-bench-", dir="/var/tmp"))
            home.chmod(0o711)
            stack.callback(shutil.rmtree, home, ignore_errors=True)
            postgres = servers.Postgres(home, servers.LASTING if lasting else servers.FLEETING)
            postgres.initialise()
            postgres.start()
            stack.callback(postgres.stop)
            postgres.provide()
            url = postgres.url()
        migrations.upgrade(url)
        yield url


def _execute(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def environment(database_url: str) -> dict[str, str]:
    """Return the settings of a web server that nobody else uses; there is no Redis, and scans do not mind."""

    def key() -> str:
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()

    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": "unix:///nonexistent/valkey.sock",
        "SECRET_KEY": key(),
        "PERSONAL_KEYS": f"bench:{key()}",
        "INDEX_KEY": key(),
        "PYTHONPATH": str(ROOT),
        "ADOMANYBANK_INSTALLED": "1",
    }


@contextlib.contextmanager
def web(database_url: str) -> Iterator[int]:
    """Serve the application as it is served for real; give the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "scripts/gunicorn.conf.py"]
    process = subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", "wsgi:app"],
        cwd=ROOT,
        env=environment(database_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit("The web server did not start: try `gunicorn wsgi:app` by hand.")
        with contextlib.suppress(URLError, OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return
        time.sleep(0.1)
    raise SystemExit("The web server did not answer within two minutes.")
