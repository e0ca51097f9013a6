"""A backup is only one when it has been restored."""

import subprocess
import tarfile
from pathlib import Path

import psycopg
import pytest

from scripts.local import backup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def filled(work, superuser_url, tmp_path):
    """A database with rows, and a folder with a file."""
    with work() as uow:
        for number in range(200):
            uow.record("sample.counted", number=number)
        uow.promise("sample.count", number=1)
    files = tmp_path / "files"
    files.mkdir()
    (files / "letter.pdf").write_bytes(b"%PDF")
    return superuser_url, files


def rows(url, statement="SELECT count(*), sum((details->>'number')::int) FROM journal_entry"):
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone()


def test_what_was_saved_comes_back_and_what_was_there_is_kept(filled, sessions, work, tmp_path, cluster):
    url, files = filled
    archive = tmp_path / "backup.tar"
    backup.backup(url, archive, files)
    with work() as uow:
        uow.record("sample.after_the_backup", number=1000)
    (files / "letter.pdf").unlink()
    sessions.kw["bind"].dispose()
    old = backup.restore(url, archive, files)
    try:
        assert rows(url) == (200, sum(range(200)))
        assert rows(cluster.url(old, "postgres")) == (201, sum(range(200)) + 1000)
        assert (files / "letter.pdf").read_bytes() == b"%PDF"
        with work() as uow:  # as the application's role, with its policies and triggers
            uow.record("sample.again", number=1)
        with pytest.raises(psycopg.Error), psycopg.connect(url) as connection:
            connection.execute("DELETE FROM movement")
            connection.execute("SET ROLE adomanybank_app")
            connection.execute("DELETE FROM journal_entry")
    finally:
        cluster.drop(old)


def test_a_damaged_archive_changes_nothing(filled, tmp_path):
    url, files = filled
    archive = tmp_path / "backup.tar"
    backup.backup(url, archive, files)
    with tarfile.open(archive) as tar:
        offset = tar.getmember("database.dump").offset_data
    content = bytearray(archive.read_bytes())
    content[offset + 5000] ^= 1
    archive.write_bytes(content)
    with pytest.raises(backup.BackupProblem, match="damaged"):
        backup.restore(url, archive, files)
    assert rows(url)[0] == 200


def test_a_role_that_sees_only_a_part_is_refused(filled, database_url, tmp_path):
    with psycopg.connect(filled[0], autocommit=True) as connection:
        connection.execute("ALTER TABLE job ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE job FORCE ROW LEVEL SECURITY")
    with pytest.raises(backup.BackupProblem, match="BACKUP_URL"):
        backup.backup(database_url, tmp_path / "part.tar", None)
    assert not (tmp_path / "part.tar").exists()


@pytest.mark.parametrize(
    "command",
    ["run", "test", "servers", "assets", "migrate", "worker", "tick", "deploy/backup", "deploy/restore"],
)
def test_every_command_explains_itself(command):
    told = subprocess.run([ROOT / "scripts" / command, "--help"], text=True, capture_output=True, check=False)
    assert told.returncode == 0 and "usage" in told.stdout, told.stderr
