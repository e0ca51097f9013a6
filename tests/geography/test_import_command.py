"""scripts/import_settlements: the gazetteer and a register from the command line."""

import os
import subprocess
import sys
from base64 import urlsafe_b64encode

import pytest

from app.geography import gazetteer, queries
from scripts.local.paths import ROOT
from tests.geography.conftest import CSENYETE, FAJ, as_csv

pytestmark = pytest.mark.skipif(
    not (gazetteer.DATA / "settlements.json").is_file(), reason="scripts/gazetteer has not been run"
)


@pytest.fixture
def template():
    return "adomanybank_template"


@pytest.fixture
def command(database_url):
    key = urlsafe_b64encode(bytes(32)).decode()
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": "unix:///nowhere",
        "SECRET_KEY": "only for tests",
        "PERSONAL_KEYS": f"test:{key}",
        "INDEX_KEY": key,
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "scripts/import_settlements", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **settings},
            text=True,
            capture_output=True,
            check=False,
        )

    return run


def test_the_whole_country_is_loaded_and_a_register_over_it(command, work, tmp_path):
    done = command()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "gazetteer: 20 counties, 175 districts, 3155 settlements, 3567 postal codes\n"

    with work() as uow:
        from tests.geography.conftest import a_person

        a_person(uow)
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    csenyete = CSENYETE | {"lat": "48.434", "lon": "21.040"}
    good.write_bytes(as_csv([FAJ, csenyete]))
    bad.write_bytes(as_csv([FAJ, csenyete | {"name": "Csenyte"}]))

    assert command(good).returncode == 2, "in nobody's name"
    nobody = command(good, "--by", "nobody@example.org")
    assert nobody.returncode == 1
    assert "Nobody here has the address" in nobody.stderr

    refused = command(bad, "--by", "everything@example.org")
    assert refused.returncode == 1
    assert "row 3, Csenyte: Unknown settlement: “Csenyte”. Is it Csenyéte?" in refused.stdout
    assert "1 of 2 rows are wrong" in refused.stderr

    loaded = command(good, "--by", "everything@example.org")
    assert loaded.returncode == 0, loaded.stderr
    with work() as uow:
        assert queries.settlement_named(uow.session, "Csenyéte").ksh_code == "20002"
