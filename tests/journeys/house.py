"""A whole running house for tests: web, worker and clock as processes of their own, on a small country."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from app.foundation import child

ROOT = Path(__file__).resolve().parents[2]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@dataclass(frozen=True)
class House:
    """Where it is, and who can sign in."""

    url: str
    accounts: dict[str, dict[str, Any]]
    """By the word before the @: partner, coordinator, dispatcher, worker, driver, …"""
    env: dict[str, str]

    def token(self, who: str) -> str:
        """Return the API token of a demo account."""
        found: str = self.accounts[who]["token"]
        return found


def environment(database_url: str, redis_url: str, data_dir: Path, port: int = 0) -> dict[str, str]:
    """Return the settings of a house."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "only for tests",
        "PERSONAL_KEYS": f"test:{KEY}",
        "INDEX_KEY": KEY,
        "DATA_DIR": str(data_dir),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DEMO": "1",
        "PYTHONPATH": str(ROOT),
        "ADOMANYBANK_INSTALLED": "1",
        "WEB_PROCESSES": "1",
    }


def fill(database_url: str, data_dir: Path) -> None:
    """Fill a migrated database with a small invented country."""
    env = environment(database_url, "redis://127.0.0.1:1", data_dir)
    done = subprocess.run(
        [sys.executable, "scripts/seed", "--small"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def running(database_url: str, redis_url: str, data_dir: Path) -> Iterator[House]:
    """Start the processes, wait until the web is ready, end them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = environment(database_url, redis_url, data_dir, port)
    commands = {
        "web": [
            *(sys.executable, "-m", "gunicorn", "--config", "scripts/gunicorn.conf.py"),
            *("--bind", f"127.0.0.1:{port}", "wsgi:app"),
        ],
        "worker": [sys.executable, "scripts/worker"],
        "tick": [sys.executable, "scripts/tick", "--seconds", "1"],
    }
    logs = data_dir / "logs"
    logs.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        for name, command in commands.items():
            log = stack.enter_context((logs / f"{name}.log").open("wb"))
            process = child.start(command, cwd=ROOT, env=env, stdout=log, stderr=log)
            # A worker in the middle of a plan would finish it first, the web wait for pages; here nobody does.
            stack.callback(process.wait, 30)
            stack.callback(os.killpg, process.pid, signal.SIGKILL)
        wait_for(f"http://127.0.0.1:{port}/readyz", logs / "web.log")
        accounts = json.loads((data_dir / "demo-accounts.json").read_text())
        by_word = {account["email"].split("@")[0]: account for account in accounts}
        yield House(f"http://127.0.0.1:{port}", by_word, env)


def wait_for(address: str, log: Path, seconds_max: float = 60) -> None:
    """Wait until the address answers; what the web said is the failure's message."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        with contextlib.suppress(URLError, OSError), urllib.request.urlopen(address, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"{address} did not answer in {seconds_max} s: {log.read_text()[-3000:]}")
