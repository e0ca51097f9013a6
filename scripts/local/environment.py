"""The Python environment of this checkout, and the settings of the instance that runs from it.

A command begins with `environment.enter()`: it then runs in the checkout's environment, and where DATABASE_URL is not
given, against the running instance.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.local.paths import ROOT, VENV, fingerprint, is_stamped, write_stamp

SERVER = ROOT / "requirements.txt"
LOCAL = ROOT / "scripts" / "requirements" / "local.txt"
DEV = ROOT / "scripts" / "requirements" / "dev.txt"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class EnvironmentProblem(Exception):
    """The environment cannot be made; the message says what a person can do."""


def python() -> Path:
    """Return the environment's interpreter."""
    return VENV / "bin" / "python"


def inputs(files: list[Path]) -> str:
    """Return the fingerprint of what an environment with these files depends on."""
    return fingerprint(files, str(VENV), VERSION)


def is_ready(files: list[Path]) -> bool:
    """Tell whether exactly these requirement files are installed."""
    return python().exists() and is_stamped(stamp_name(files), inputs(files)) and works()


def stamp_name(files: list[Path]) -> str:
    """Return the stamp of a set of requirement files."""
    return "python-" + "-".join(file.stem for file in files)


def works() -> bool:
    """Tell whether the environment's interpreter starts; a moved checkout's does not find its packages."""
    return (
        python().exists()
        and not subprocess.run(
            [python(), "-c", "import sys, pip; assert sys.prefix == sys.argv[1]", str(VENV)],
            capture_output=True,
            check=False,
        ).returncode
    )


def install(files: list[Path]) -> None:
    """Create the environment where there is none, and install the files' packages, each checked by its hash."""
    if not works():
        create()
    command = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--require-hashes", "--no-compile", "--root-user-action=ignore"]
    for file in files:
        command += ["-r", str(file)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    if done.returncode:
        raise EnvironmentProblem(
            f"The Python packages could not be installed. pip said:\n{done.stderr.strip()[-2000:]}"
        )
    write_stamp(stamp_name(files), inputs(files))


def create() -> None:
    """Create the environment. Where Debian's python3-venv is missing, root gets it; others try without."""
    if VENV.exists() and not os.access(VENV, os.W_OK):
        raise EnvironmentProblem(f"{VENV} belongs to somebody else. Remove it, or use a clone of your own.")
    shutil.rmtree(VENV, ignore_errors=True)
    interpreter = getattr(sys, "_base_executable", sys.executable)
    first = subprocess.run([interpreter, "-m", "venv", VENV], text=True, capture_output=True, check=False)
    if not first.returncode:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    package = f"python{VERSION}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt_install(package)
        again = subprocess.run([interpreter, "-m", "venv", VENV], text=True, capture_output=True, check=False)
        if again.returncode:
            raise EnvironmentProblem(f"No Python environment could be made: {again.stdout}{again.stderr}")
        return
    if not without_ensurepip(interpreter):
        raise EnvironmentProblem(
            f"Python's module ensurepip is missing, so no environment can be made in {VENV}.\n"
            f"An administrator installs it with: apt-get install {package}\n"
            "Then start this again; nothing else needs an administrator."
        )


def without_ensurepip(interpreter: str) -> bool:
    """Make an environment with the system's own pip, where there is one."""
    for command in (
        [interpreter, "-m", "venv", "--without-pip", VENV],
        [interpreter, "-m", "pip", "--python", python(), "install", "--quiet", "pip"],
    ):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            return False
    return works()


def apt_install(*packages: str) -> None:
    """Install Debian packages, as root."""
    quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=settings, **quietly)
    done = subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, env=settings, **quietly
    )
    if done.returncode:
        raise EnvironmentProblem(f"apt-get install {' '.join(packages)} failed:\n{str(done.stderr).strip()[-1500:]}")


def re_enter(module: str) -> None:
    """Go on in the environment's interpreter, as the same process, so that signals still find us."""
    if Path(sys.prefix) != VENV and python().exists():
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(python(), [str(python()), "-m", module, *sys.argv[1:]])


def enter(*, needs_instance: bool = True) -> None:
    """Run this command in the checkout's environment, with the settings of the running instance."""
    if Path(sys.prefix) != VENV and python().exists() and not os.environ.get("ADOMANYBANK_INSTALLED"):
        os.execv(python(), [str(python()), *sys.argv])
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if needs_instance and "DATABASE_URL" not in os.environ:
        from scripts.local import servers

        for name, value in servers.running_environment().items():
            os.environ.setdefault(name, value)
