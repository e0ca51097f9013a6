"""Set up what is missing, then: format, lint, types, import rules, tests. Exactly what CI runs.

Arguments go to pytest: `scripts/test tests/stock -k fefo`. With arguments only the tests run, unless --checks is there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts.local import browser, environment, servers
from scripts.local.console import Steps, duration
from scripts.local.paths import ROOT

PACKAGES = [environment.SERVER, environment.LOCAL, environment.DEV]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
EXPECTED = {"Python packages": 70.0, "Browser libraries": 15.0, "Settlements of Hungary": 15.0, "A browser": 30.0}
CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--strict", "app"],
    "import rules": ["lint-imports", "--config", ".importlinter"],
}


def main() -> None:
    """Set up, check, test; exit with pytest's code, or 1 where a check found something."""
    given = sys.argv[1:]
    if given in (["--help"], ["-h"]):
        print(f"usage: scripts/test [--checks] [pytest arguments]\n\n{__doc__}")
        return
    try:
        set_up()
    except (environment.EnvironmentProblem, browser.SetupFailed, servers.ServerProblem) as problem:
        sys.exit(f"\n{problem}")
    only_checks_wrong = False
    if not given or "--checks" in given:
        only_checks_wrong = not check()
    code = test([argument for argument in given if argument != "--checks"])
    if only_checks_wrong:
        print("\nThe checks above found something; the tests ran all the same.", file=sys.stderr)
    sys.exit(code or int(only_checks_wrong))


def set_up() -> None:
    """Make ready what checks and tests need."""
    steps = Steps(dict(EXPECTED))
    if Path(sys.prefix) != environment.VENV:
        if not environment.is_ready(PACKAGES):
            with steps.step("Python packages"):
                environment.install(PACKAGES)
        environment.re_enter("scripts.local.check")
    steps.done.append("Python packages")
    with steps.step("Browser libraries"):
        browser.install()
    with steps.step("Settlements of Hungary"):
        done = subprocess.run(
            [sys.executable, "scripts/gazetteer", "--if-needed"], cwd=ROOT, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise servers.ServerProblem(f"scripts/gazetteer failed:\n{(done.stderr or done.stdout).strip()[-3000:]}")
    with steps.step("A browser"):
        provide_browser()


def provide_browser() -> None:
    """Have Chromium for the tests that drive one."""
    if any(shutil.which(name) for name in CHROMIUM):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment.apt_install("chromium")
        return
    raise environment.EnvironmentProblem(
        "The tests drive a real browser, and there is no Chromium here.\n"
        "An administrator installs it with: apt-get install chromium\n"
        "Without it, run the other tests with: scripts/test -m 'not browser'"
    )


def check() -> bool:
    """Run the four checks; print what they find."""
    fine = True
    for name, command in CHECKS.items():
        started = time.monotonic()
        tool = environment.VENV / "bin" / command[0]
        done = subprocess.run([tool, *command[1:]], cwd=ROOT, text=True, capture_output=True, check=False)
        took = duration(time.monotonic() - started)
        if done.returncode:
            fine = False
            print(f"✗ {name}, {took}\n{done.stdout}{done.stderr}", flush=True)
        else:
            print(f"✓ {name}, {took}", flush=True)
    return fine


def test(given: list[str]) -> int:
    """Run pytest in three processes, unless the arguments say otherwise: on two cores one often waits for a server."""
    parallel = (
        []
        if any(argument.startswith(("-n", "--pdb")) for argument in given)
        else ["-n3", "--dist=loadfile", "--no-loadscope-reorder"]
    )
    command = [sys.executable, "-m", "pytest", *parallel, *given]
    # Servers and workers of tests are processes of their own, dozens of them: each module is compiled once for all.
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    main()
