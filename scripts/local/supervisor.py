"""Keep child processes up: one that ends is started again, more and more slowly if it keeps ending."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.foundation import child

LOOK_SECONDS = 0.25
PAUSE_SECONDS_MIN = 0.25
PAUSE_SECONDS_MAX = 15.0
STEADY_SECONDS = 30.0
STOP_SECONDS = 6.0
LOG_BYTES_MAX = 5_000_000


@dataclass
class Child:
    """A process that should be up, and how often it has lately ended."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    log: Path
    death_signal: int
    process: subprocess.Popen[bytes] | None = None
    revive: Callable[[], subprocess.Popen[bytes] | None] | None = None
    """How to start it, where that is more than running the command."""
    started_at: float = 0.0
    pause_seconds: float = PAUSE_SECONDS_MIN
    due_at: float = 0.0

    @classmethod
    def of_server(cls, name: str, server: Any) -> Child:
        """Keep up a server that already runs; it knows itself how to start again."""

        def revive() -> subprocess.Popen[bytes] | None:
            server.start()
            process: subprocess.Popen[bytes] | None = server.process
            return process

        return cls(name, [], {}, server.log, 0, server.process, revive, time.monotonic())

    def start(self) -> None:
        """Start it."""
        self.started_at = time.monotonic()
        if self.revive:
            self.process = self.revive()
            return
        if self.log.is_file() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self.process = child.start(
                self.command,
                death_signal=self.death_signal,
                cwd=Path(__file__).resolve().parents[2],
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ended(self) -> bool:
        """Tell whether it is down."""
        return self.process is None or self.process.poll() is not None


@dataclass
class Supervisor:
    """Processes that are kept up; only the main thread may use it, because children die with their thread."""

    children: list[Child]

    def start(self) -> None:
        """Start what is not up yet."""
        for each in self.children:
            if each.process is None:
                each.start()

    def keep_up(self) -> None:
        """Look after the children until interrupted."""
        while True:
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Start again what has ended, after a pause that doubles while it keeps ending."""
        now = time.monotonic()
        for each in self.children:
            if not each.ended():
                continue
            if not each.due_at:
                if now - each.started_at > STEADY_SECONDS:
                    each.pause_seconds = PAUSE_SECONDS_MIN
                each.due_at = now + each.pause_seconds
                each.pause_seconds = min(each.pause_seconds * 2, PAUSE_SECONDS_MAX)
                code = each.process.returncode if each.process else "nothing"
                print(f"{each.name} ended with {code}; it is started again. Log: {each.log}", flush=True)
            elif now >= each.due_at:
                each.due_at = 0.0
                try:
                    each.start()
                except Exception as problem:
                    print(f"{each.name} could not be started: {problem}", flush=True)

    def stop(self) -> None:
        """Ask everything but the servers to end, then insist."""
        own = [each for each in self.children if not each.revive and each.process]
        for each in own:
            if each.process and not each.ended():
                with contextlib.suppress(ProcessLookupError):
                    each.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and not all(each.ended() for each in own):
            time.sleep(0.05)
        for each in own:
            if each.process:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(each.process.pid, signal.SIGKILL)
                each.process.wait()

    def last_words(self, name: str) -> str:
        """Return the end of a child's log."""
        log = next(each.log for each in self.children if each.name == name)
        text = log.read_text(errors="replace").strip()[-2000:] if log.is_file() else ""
        return f"The end of {log}:\n{text}"
