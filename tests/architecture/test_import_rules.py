"""The import rules hold, and each is shown to find a wrong import."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WRONG = {
    "Packages only look down the map": ("app/stock/service.py", "from app.planning import models  # noqa"),
    "Inside a package, edges call services": ("app/stock/models.py", "from app.stock import service  # noqa"),
    "Business code does not know the web": ("app/stock/service.py", "import flask  # noqa"),
    "Thinking is pure": ("app/allocation/fairness.py", "import sqlalchemy  # noqa"),
    "OR-Tools is seen by the thinking": ("app/needs/service.py", "import ortools  # noqa"),
    "Edges do not touch tables": ("app/needs/jobs.py", "from app.needs import models  # noqa"),
}


def lint(folder):
    tool = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [tool, "--config", ".importlinter", "--no-cache"], cwd=folder, text=True, capture_output=True, check=False
    )


def test_the_import_rules_hold():
    told = lint(ROOT)
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("rule", WRONG)
def test_a_wrong_import_is_found(rule, tmp_path):
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("static", "data", "__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    file, line = WRONG[rule]
    target = tmp_path / file
    target.write_text(target.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    told = lint(tmp_path)
    broken = [each for each in told.stdout.splitlines() if each.endswith("BROKEN")]
    assert told.returncode and any(each.startswith(rule) for each in broken), told.stdout[-2000:]
