"""The embedded servers: nothing is lost, nothing stays behind, and every trouble is said in plain words."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from app.foundation import child
from scripts.local import servers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home():
    with servers.fleeting_folder() as folder:
        yield folder


@pytest.fixture
def postgres(home):
    cluster = servers.Postgres(home)
    cluster.initialise()
    cluster.start()
    cluster.provide()
    yield cluster
    cluster.stop()


def processes_using(folder):
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def wait_until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def test_acknowledged_rows_survive_a_killed_server(postgres):
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE gift (id bigint)")
        connection.execute("INSERT INTO gift SELECT generate_series(1, 1000)")
    os.kill(postgres.process.pid, signal.SIGKILL)
    postgres.process.wait()
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT count(*) FROM gift").fetchone() == (1000,)


def test_the_owner_of_the_data_is_no_superuser(postgres):
    with psycopg.connect(postgres.url()) as connection:
        row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, False)


def test_without_the_password_nobody_comes_in(postgres):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres")
    assert (postgres.home / "postgres.password").stat().st_mode & 0o077 == 0


def test_a_pid_file_that_names_a_stranger_is_removed(postgres):
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(f"{os.getppid()}\n{postgres.data}\n")
    postgres.start()
    with psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_of_another_major_version_is_left_alone_and_said(postgres):
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("99\n")
    with pytest.raises(servers.ServerProblem, match="was written by PostgreSQL 99"):
        postgres.initialise()


def test_an_initdb_that_was_cut_off_starts_afresh(home):
    (home / "postgres").mkdir()
    (home / "postgres" / "half").write_text("x")
    cluster = servers.Postgres(home)
    cluster.initialise()
    assert (cluster.data / "PG_VERSION").exists()


def test_what_valkey_was_told_survives_its_kill(home):
    valkey = servers.Valkey(home)
    valkey.start()
    try:
        redis.Redis.from_url(valkey.url).rpush("bell", *range(100))
        time.sleep(1.5)
        os.kill(valkey.process.pid, signal.SIGKILL)
        valkey.process.wait()
        valkey.start()
        assert redis.Redis.from_url(valkey.url).llen("bell") == 100
    finally:
        valkey.stop()


def test_a_killed_launcher_leaves_no_process_behind(home):
    code = (
        "import sys, time; from pathlib import Path; from scripts.local import servers; home = Path(sys.argv[1]); "
        "running = servers.start_all(home, {}); print('ready', flush=True); time.sleep(100)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, home], cwd=ROOT, stdout=subprocess.PIPE)
    assert launcher.stdout.readline() == b"ready\n"
    assert len(processes_using(home)) >= 3
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not processes_using(home))


def test_the_second_launcher_is_told_who_runs(home):
    code = (
        "import sys, time; from pathlib import Path; from scripts.local import servers\n"
        "with servers.only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(100)"
    )
    first = child.start([sys.executable, "-c", code, str(home)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(servers.AlreadyRunning, match=f"process {first.pid}"), servers.only_one(home):
            pass
    finally:
        child.stop(first)
    with servers.only_one(home):
        pass


def test_a_given_database_that_cannot_be_reached_is_said_without_its_password():
    with pytest.raises(servers.ServerProblem, match="cannot be reached") as problem:
        servers.check_database("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(problem.value).split("cannot be reached")[0]


def test_a_given_redis_that_cannot_be_reached_is_said():
    with pytest.raises(servers.ServerProblem, match="REDIS_URL is given"):
        servers.check_redis("redis://127.0.0.1:1/0")
