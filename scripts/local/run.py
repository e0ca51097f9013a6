"""Set up what is missing and run Adománybank on this machine; Ctrl-C ends it all.

The first start takes a minute or two and needs PyPI and the npm registry; later ones take seconds.

Settings, all optional (the environment):
  HOST, PORT        where the web listens (127.0.0.1:8000)
  DATABASE_URL      a PostgreSQL of yours (15 or newer), instead of one started here
  REDIS_URL         a Redis or Valkey of yours, instead of one started here
  ADOMANYBANK_HOME  where data, keys and logs lie
  PERSONAL_KEYS, INDEX_KEY, SECRET_KEY   your own keys, instead of ones made and kept beside the data
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.error import URLError

from scripts.local import browser, environment, servers
from scripts.local.console import Steps, duration
from scripts.local.paths import ROOT, fingerprint, is_stamped, write_stamp
from scripts.local.supervisor import Child, Supervisor

PACKAGES = [environment.SERVER, environment.LOCAL]
READY_SECONDS_MAX = 60
EXPECTED = {
    "Python packages": 60.0,
    "Browser libraries": 15.0,
    "Settlements of Hungary": 15.0,
    "Database and Redis": 3.0,
    "Tables": 3.0,
    "Demo data": 45.0,
    "Web, workers and clock": 6.0,
}

Problems = (environment.EnvironmentProblem, browser.SetupFailed, servers.ServerProblem)


def main() -> None:
    """Bring everything up, say where it is, keep it up."""
    options = arguments()
    os.environ.setdefault("ADOMANYBANK_BEGAN", str(time.time()))
    host, port = os.environ.get("HOST", "127.0.0.1"), port_from(os.environ.get("PORT", "8000"))
    inside = Path(sys.prefix) == environment.VENV
    if not inside:
        print(f"Adománybank in {ROOT}", flush=True)
    try:
        with servers.only_one(servers.home_folder()) as lock:
            refuse_busy_port(host, port)
            steps = Steps(dict(EXPECTED))
            if not inside:
                set_up_python(steps)
                # The lock is taken again by ourselves, in the environment's interpreter.
                lock.close()
                environment.re_enter("scripts.local.run")
            steps.done.append("Python packages")
            run(steps, lock, host, port, options)
    except Problems as problem:
        sys.exit(f"\n{problem}")
    except KeyboardInterrupt:
        sys.exit("\nStopped before it was ready; the next start goes on from here.")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "scripts/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="job workers (2)")
    parser.add_argument("--no-demo", action="store_true", help="start without demo data")
    parser.add_argument("--prepare", action="store_true", help="set up, fill, stop again")
    return parser.parse_args()


def port_from(text: str) -> int:
    """Read a port, or say what is wrong with it."""
    if not text.isdigit() or not 0 < int(text) < 65536:
        sys.exit(f"PORT is {text!r}; it must be a whole number from 1 to 65535.")
    return int(text)


def refuse_busy_port(host: str, port: int) -> None:
    """Say clearly when somebody else listens where the web should."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise servers.ServerProblem(
                f"The web cannot listen on {host}:{port}: {error.strerror}. "
                f"Choose another port, such as: PORT={port + 1} scripts/run"
            ) from error


def set_up_python(steps: Steps) -> None:
    """Make the environment and install the packages, unless they are there."""
    if environment.is_ready(PACKAGES):
        steps.skip("Python packages")
        return
    print("First start: this takes a minute or two.", flush=True)
    with steps.step("Python packages"):
        environment.install(PACKAGES)


def run(steps: Steps, lock: IO[str], host: str, port: int, options: argparse.Namespace) -> None:
    """Set up the rest, start everything, and stay until told to stop."""
    began = float(os.environ.pop("ADOMANYBANK_BEGAN"))
    home = servers.home_folder()
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    with steps.step("Browser libraries"):
        browser.install()
    with steps.step("Settlements of Hungary"):
        provide_gazetteer()
    with steps.step("Database and Redis"):
        running = servers.start_all(home)
    settings = settings_of(running, home, host, port, demo=not options.no_demo)
    supervisor = Supervisor(children(settings, host, port, options.workers, running))
    try:
        with steps.step("Tables"):
            if not has_newest_tables(settings["DATABASE_URL"]):
                call("scripts/migrate", env=settings)
        if options.no_demo or has_demo(settings["DATABASE_URL"]):
            steps.skip("Demo data")
        else:
            with steps.step("Demo data"):
                call("scripts/seed", "--if-empty", env=settings)
        if options.prepare:
            print(f"Ready after {duration(time.time() - began)}.")
            return
        servers.write_secret(home / "environment.json", json.dumps(settings | for_backups(running)))
        with steps.step("Web, workers and clock"):
            supervisor.start()
            wait_until_ready(supervisor, host, port)
        servers.note_holder(lock, f"process {os.getpid()}, {settings['BASE_URL']}")
        welcome(settings, options, time.time() - began)
        with contextlib.suppress(KeyboardInterrupt):
            supervisor.keep_up()
        print("\nStopping …", flush=True)
    finally:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        (home / "environment.json").unlink(missing_ok=True)
        supervisor.stop()
        running.stop()
    print("Stopped. Nothing is lost; start again with scripts/run.")


def provide_gazetteer() -> None:
    """Build the gazetteer where it is missing or its sources have changed."""
    scripts = ROOT / "scripts"
    code = [scripts / "local" / name for name in ("gazetteer.py", "gazetteer_files.py", "county_map.py")]
    outline = browser.VENDOR / "world-atlas" / "countries-10m.json"
    inputs = fingerprint([*code, outline, scripts / "gazetteer_corrections.csv", environment.LOCAL])
    made = ROOT / "app" / "geography" / "data"
    if not is_stamped("settlements", inputs) or not (made / "settlements.json").is_file():
        call("scripts/gazetteer", "--if-needed")
        write_stamp("settlements", inputs)


def has_newest_tables(url: str) -> bool:
    """Ask the database for the version of its tables; only where it is an older one the migrations need to run."""
    from alembic.script import ScriptDirectory

    return (
        asked(url, "SELECT version_num FROM alembic_version")
        == ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    )


def has_demo(url: str) -> bool:
    """Tell whether the database was filled before."""
    return asked(url, "SELECT 1 FROM item LIMIT 1") is not None


def asked(url: str, question: str) -> object:
    """Return the first value of an answer, None where there is no row or no such table."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        try:
            row = connection.execute(question.encode()).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM and a closed terminal like Ctrl-C."""
    raise KeyboardInterrupt


def call(*command: str, env: dict[str, str] | None = None) -> None:
    """Run one of our commands in the environment; its complaint is the problem."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "ADOMANYBANK_INSTALLED": "1", **(env or {})},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-3000:]
        raise servers.ServerProblem(f"{command[0]} failed:\n{said}")


def settings_of(running: servers.Servers, home: Path, host: str, port: int, *, demo: bool) -> dict[str, str]:
    """Return the settings of web, workers and clock; keys that nobody gave are made once and kept."""
    file = home / "keys.json"
    if not file.is_file():
        made = {"SECRET_KEY": secrets.token_urlsafe(32), "PERSONAL_KEYS": f"first:{key()}", "INDEX_KEY": key()}
        servers.write_secret(file, json.dumps(made))
    kept: dict[str, str] = json.loads(file.read_text())
    data = home / "files"
    data.mkdir(exist_ok=True, mode=0o700)
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104 – compared, not bound
    return {
        **{name: os.environ.get(name) or value for name, value in kept.items()},
        "DATABASE_URL": running.database_url,
        "REDIS_URL": running.redis_url,
        "BASE_URL": os.environ.get("BASE_URL") or f"http://{shown}:{port}",
        "DATA_DIR": os.environ.get("DATA_DIR") or str(data),
        "DEMO": "1" if demo else "0",
    }


def for_backups(running: servers.Servers) -> dict[str, str]:
    """Return the address that scripts/deploy/backup uses: the superuser's, whom no policy binds."""
    return {"BACKUP_URL": running.postgres.url(user="postgres")} if running.postgres else {}


def key() -> str:
    """Return 32 random bytes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def children(settings: dict[str, str], host: str, port: int, workers: int, running: servers.Servers) -> list[Child]:
    """Return what is kept up: our servers, the web, the workers and the clock."""
    env = {**os.environ, **settings, "PYTHONPATH": str(ROOT), "ADOMANYBANK_INSTALLED": "1"}
    python = sys.executable
    gunicorn = [
        python,
        "-m",
        "gunicorn",
        "--config",
        "scripts/gunicorn.conf.py",
        "--bind",
        f"{host}:{port}",
        "wsgi:app",
    ]
    logs = servers.home_folder() / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    found = [Child.of_server(name, server) for name, server in running.started()]
    found.append(Child("web", gunicorn, env, logs / "web.log", signal.SIGTERM))
    for number in range(1, workers + 1):
        name = f"worker-{number}"
        found.append(Child(name, [python, "scripts/worker"], env, logs / f"{name}.log", signal.SIGKILL))
    found.append(Child("tick", [python, "scripts/tick"], env, logs / "tick.log", signal.SIGKILL))
    return found


def wait_until_ready(supervisor: Supervisor, host: str, port: int) -> None:
    """Wait until the web answers that it can do its work."""
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '') else host}:{port}/readyz"  # noqa: S104
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        supervisor.look()
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        if time.monotonic() > deadline:
            raise servers.ServerProblem(
                f"The web did not become ready in {READY_SECONDS_MAX} s. {supervisor.last_words('web')}"
            )
        time.sleep(0.1)


def welcome(settings: dict[str, str], options: argparse.Namespace, took: float) -> None:
    """Say where it is and who can sign in."""
    print(f"\nReady after {duration(took)}. Open {settings['BASE_URL']}", flush=True)
    if not options.no_demo and (ROOT / "scripts" / "logins").exists():
        said = subprocess.run(
            [sys.executable, "scripts/logins"],
            cwd=ROOT,
            env={**os.environ, **settings, "ADOMANYBANK_INSTALLED": "1"},
            text=True,
            capture_output=True,
            check=False,
        )
        print(said.stdout.rstrip() or said.stderr.strip()[-500:], flush=True)
    print(f"Logs: {servers.home_folder() / 'logs'}   Stop: Ctrl-C", flush=True)


if __name__ == "__main__":
    main()
