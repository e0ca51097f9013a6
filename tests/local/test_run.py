"""The launcher: it brings everything up, keeps it up, and leaves nothing behind however it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from scripts.local import servers

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS_MAX = 90


def a_free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def processes_of(home):
    """Return the processes whose command or environment names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            text = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            if entry.name.isdigit() and int(entry.name) != os.getpid() and str(home).encode() in text:
                found.append(int(entry.name))
    return found


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


class Running:
    """A launcher, its port and its folder."""

    def __init__(self, home, port):
        self.home, self.port = home, port
        self.log = home / "launcher.log"
        self.env = os.environ | {"ADOMANYBANK_HOME": str(home), "PORT": str(port), "WEB_PROCESSES": "1"}
        for name in ("DATABASE_URL", "REDIS_URL", "PYTHONPATH"):
            self.env.pop(name, None)
        self.process = None

    def command(self, *options):
        return [ROOT / "scripts" / "run", "--no-demo", "--workers", "1", *options]

    def start(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(lambda: self.process.poll() is not None or "Ready after" in self.said(), READY_SECONDS_MAX)
        assert self.process.poll() is None, self.said()

    def said(self):
        return self.log.read_text()

    def is_ready(self):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as it,
        ):
            return json.load(it) == {"status": "ready", "database": "ok", "redis": "ok"}
        return False

    def again(self, *options, **env):
        return subprocess.run(
            self.command(*options), env=self.env | env, text=True, capture_output=True, check=False, timeout=60
        )


@pytest.fixture(scope="module")
def running():
    with servers.fleeting_folder() as home:
        launcher = Running(home, a_free_port())
        launcher.start()
        yield launcher
        if launcher.process.poll() is None:
            launcher.process.kill()
        wait_until(lambda: not processes_of(home), 20)


@pytest.mark.slow
def test_everything_is_up_and_only_near(running):
    assert running.is_ready()
    kept = running.home / "keys.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert (running.home / "environment.json").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_second_start_is_told_where_the_first_one_is(running):
    told = running.again()
    assert told.returncode == 1
    assert f"process {running.process.pid}" in told.stderr and f":{running.port}" in told.stderr


@pytest.mark.slow
def test_a_busy_port_is_said(running):
    with servers.fleeting_folder() as other:
        told = running.again(ADOMANYBANK_HOME=str(other))
    assert told.returncode == 1 and f"cannot listen on 127.0.0.1:{running.port}" in told.stderr


@pytest.mark.slow
def test_a_wrong_port_is_said(running):
    told = running.again(PORT="eighty")
    assert told.returncode == 1 and "PORT is 'eighty'" in told.stderr


@pytest.mark.slow
def test_what_is_killed_comes_back(running):
    ours = processes_of(running.home)
    servants = [pid for pid in ours if b"postgres\0-D" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert servants
    os.kill(servants[0], signal.SIGKILL)
    time.sleep(0.5)
    wait_until(running.is_ready, 30)
    assert "PostgreSQL ended with -9; it is started again." in running.said()


@pytest.mark.slow
def test_a_killed_launcher_leaves_nothing_and_the_next_one_starts_over_it(running):
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not processes_of(running.home), 20)
    running.start()
    assert running.is_ready()


@pytest.mark.slow
def test_told_to_stop_it_stops_everything(running):
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    assert not processes_of(running.home)
    assert "Nothing is lost" in running.said()
    assert not (running.home / "environment.json").exists()
