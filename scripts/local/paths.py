"""Where things are, and whether a step's inputs have changed since it last ran."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

VENV = Path(os.environ.get("ADOMANYBANK_VENV") or ROOT / ".venv")
"""The Python environment; ADOMANYBANK_VENV moves it."""

SCRATCH = ROOT / ".var"
"""Git-ignored: stamps, logs, and for ordinary users without a writable home the data."""


def fingerprint(files: Iterable[Path], *words: str) -> str:
    """Return a hash of the words and of the files' contents; a missing file counts as empty."""
    seen = hashlib.sha256()
    for word in words:
        seen.update(word.encode() + b"\0")
    for file in files:
        seen.update(str(file).encode() + b"\0")
        seen.update(file.read_bytes() if file.is_file() else b"")
    return seen.hexdigest()


def is_stamped(step: str, inputs: str) -> bool:
    """Has this step run with exactly these inputs?"""
    stamp = SCRATCH / "stamps" / step
    return stamp.is_file() and stamp.read_text() == inputs


def write_stamp(step: str, inputs: str) -> None:
    """Remember that the step ran with these inputs."""
    stamp = SCRATCH / "stamps" / step
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(inputs)
