"""The first administrator of a new installation."""

import os
import subprocess
from pathlib import Path

from tests.journeys import house

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_administrator_gets_a_link_and_a_second_of_the_same_name_a_sentence(database_url, tmp_path):
    env = os.environ | house.environment(database_url, f"unix://{tmp_path}/nobody.sock", tmp_path)
    del env["ADOMANYBANK_INSTALLED"]
    command = [ROOT / "scripts" / "add_admin", "anna@example.org", "Minta Anna"]
    first = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert first.returncode == 0 and "/invitation/" in first.stdout, first.stderr
    again = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert again.returncode == 1 and "Nobody was added" in again.stderr
