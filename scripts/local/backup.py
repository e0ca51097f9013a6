"""Back up a running database and its files into one archive; restore it beside the old one, compare, then swap.

The keys of personal data are not in the archive, on purpose: whoever finds it alone can read no name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from scripts.local import servers

APP_ROLE = "adomanybank_app"
DUMP, MANIFEST, FILES = "database.dump", "manifest.json", "files"

Tell = Callable[[str], object]


class BackupProblem(Exception):
    """It could not be done; the message says why, what was kept and what a person can do."""


def plain(url: str) -> str:
    """Return an address as libpq wants it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1).replace("postgres://", "postgresql://", 1)


def tool(name: str) -> str:
    """Return pg_dump or pg_restore, from where the server's binaries are."""
    return str(servers.postgres_binaries() / name)


def call(command: list[str], url: str) -> None:
    """Run a tool of PostgreSQL. The password goes by the environment, where other users cannot read it."""
    known = conninfo_to_dict(url)
    env = {**os.environ, "PGPASSWORD": str(known.pop("password", ""))}
    address = " ".join(f"{name}='{value}'" for name, value in known.items())
    done = subprocess.run([*command, "--dbname", address], env=env, text=True, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-1500:]
        if "row-level security" in said:
            said += (
                "\nThis role is bound by row-level security and would save a part only. Set BACKUP_URL to a superuser, "
                "or to a role made by: CREATE ROLE backup LOGIN BYPASSRLS PASSWORD '…' IN ROLE pg_read_all_data"
            )
        raise BackupProblem(f"{Path(command[0]).name} failed: {said}")


def counts(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, int]:
    """Return the number of rows of every table."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
    ).fetchall()
    found = {}
    for (table,) in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(table)))).fetchone()
        assert row, "count always answers"
        found[str(table)] = int(str(row[0]))
    return found


def revision(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """Return the version of the tables."""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def digest(file: Path) -> str:
    """Return a file's SHA-256."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def backup(url: str, archive: Path, files: Path | None, tell: Tell = print) -> dict[str, object]:
    """Write the archive: one moment of the database, while everybody goes on working, and the files."""
    url = plain(url)
    with tempfile.TemporaryDirectory(prefix="adomanybank-backup-", dir=archive.parent) as folder:
        dump = Path(folder) / DUMP
        with psycopg.connect(url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            row = connection.execute("SELECT pg_export_snapshot()").fetchone()
            assert row, "a snapshot has a name"
            manifest: dict[str, object] = {
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "server": connection.info.server_version,
                "revision": revision(connection),
                "rows": counts(connection),
            }
            form = ["--format=custom", "--compress=6", "--no-owner", f"--snapshot={row[0]}", f"--file={dump}"]
            call([tool("pg_dump"), *form], url)
        manifest["sha256"] = digest(dump)
        (Path(folder) / MANIFEST).write_text(json.dumps(manifest, indent=1))
        unfinished = archive.with_name(f".{archive.name}.unfinished")
        os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with tarfile.open(unfinished, "w") as tar:
            tar.add(Path(folder) / MANIFEST, MANIFEST)
            tar.add(dump, DUMP)
            if files and files.is_dir():
                tar.add(files, FILES)
        unfinished.replace(archive)
    rows = sum(dict(manifest["rows"]).values())  # type: ignore[call-overload]
    tell(f"{archive}: {rows} rows, {archive.stat().st_size / 1e6:.1f} MB, tables of version {manifest['revision']}")
    return manifest


def restore(url: str, archive: Path, files: Path | None, tell: Tell = print) -> str:
    """Restore into a database of its own, compare it with the archive, and only then let it take the old one's place.

    Return the name that the old database has now.
    """
    url = plain(url)
    known = conninfo_to_dict(url)
    name, stamp = str(known["dbname"]), datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    fresh, old = f"{name}_restored_{stamp}", f"{name}_before_{stamp}"
    with tempfile.TemporaryDirectory(prefix="adomanybank-restore-") as folder:
        manifest = unpack(archive, Path(folder))
        admin_url = psycopg.conninfo.make_conninfo(url, dbname="postgres")
        with psycopg.connect(admin_url, autocommit=True) as admin:
            owner = owner_of(admin, name) or admin.info.user
            provide_role(admin, owner)
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(fresh), sql.Identifier(owner)
                )
            )
            try:
                fresh_url = psycopg.conninfo.make_conninfo(url, dbname=fresh)
                form = ["--exit-on-error", "--single-transaction", "--no-owner", f"--role={owner}"]
                call([tool("pg_restore"), *form, str(Path(folder) / DUMP)], fresh_url)
                compare(fresh_url, manifest)
            except BaseException:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(fresh)))
                raise
            swap(admin, name, old, fresh)
        if files and (Path(folder) / FILES).is_dir():
            if files.exists():
                files.rename(files.with_name(f"{files.name}_before_{stamp}"))
            shutil.move(Path(folder) / FILES, files)
    tell(f"Restored to {name}, every table as counted. The database that was there is now {old}; drop it when sure.")
    return old


def unpack(archive: Path, folder: Path) -> dict[str, object]:
    """Unpack an archive and prove it whole."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        manifest: dict[str, object] = json.loads((folder / MANIFEST).read_text())
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BackupProblem(f"{archive} cannot be read as a backup: {error}") from error
    if digest(folder / DUMP) != manifest["sha256"]:
        raise BackupProblem(f"{archive} is damaged: the checksum of its dump is another. Nothing was changed.")
    return manifest


def owner_of(admin: psycopg.Connection[tuple[object, ...]], name: str) -> str | None:
    """Return who owns a database, or None where there is none."""
    row = admin.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [name]).fetchone()
    return str(row[0]) if row else None


def provide_role(admin: psycopg.Connection[tuple[object, ...]], owner: str) -> None:
    """Make the role the application acts as; a dump holds rights for it, but not itself."""
    role = sql.Identifier(APP_ROLE)
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    admin.execute(sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(owner)))


def compare(url: str, manifest: dict[str, object]) -> None:
    """Refuse a restored database that is not what was saved."""
    with psycopg.connect(url) as connection:
        if (found := counts(connection)) != manifest["rows"]:
            wanted = dict(manifest["rows"])  # type: ignore[call-overload]
            wrong = [table for table in {*found, *wanted} if found.get(table) != wanted.get(table)]
            raise BackupProblem(f"Restored, but not what was saved: {', '.join(sorted(wrong))}. Nothing was changed.")


def swap(admin: psycopg.Connection[tuple[object, ...]], name: str, old: str, fresh: str) -> None:
    """Let the restored database take the place; whoever is connected is sent away and connects again."""
    if owner_of(admin, name):
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(old)))
    admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(fresh), sql.Identifier(name)))
