"""What a person sees while something is set up: each step, how long it took, how long the rest will take."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from scripts.local.paths import SCRATCH

TOOK = SCRATCH / "took.json"


@dataclass
class Steps:
    """Steps that are done one after the other; `expected` are their seconds on a first start, by name."""

    expected: dict[str, float]
    began: float = field(default_factory=time.monotonic)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Expect what the same step took last time, where it is known."""
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(TOOK.read_text())
            self.expected = {name: float(known.get(name, seconds)) for name, seconds in self.expected.items()}

    def seconds_left(self) -> float:
        """Return about how long the steps not done will take."""
        return sum(seconds for name, seconds in self.expected.items() if name not in self.done)

    def skip(self, name: str) -> None:
        """This step has nothing to do."""
        self.expected[name] = 0.0
        self.done.append(name)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that a step runs, and how long it took. A failed one is shown as such."""
        number = f"{len(self.done) + 1}/{len(self.expected)}"
        started = time.monotonic()
        finished = threading.Event()
        if sys.stdout.isatty():
            ticker = threading.Thread(target=self.tick, args=(number, name, started, finished), daemon=True)
            ticker.start()
        else:
            print(f"  {number}  {name} … {self.left()}", flush=True)
        try:
            yield
        except BaseException:
            finished.set()
            self.line(f"✗ {number}  {name}, after {duration(time.monotonic() - started)}\n")
            raise
        finished.set()
        took = time.monotonic() - started
        self.done.append(name)
        self.remember(name, took)
        self.line(f"✓ {number}  {name}, {duration(took)}\n")

    def left(self) -> str:
        """Return the estimate in words."""
        return f"(about {duration(self.seconds_left())} left)"

    def tick(self, number: str, name: str, started: float, finished: threading.Event) -> None:
        """Count the seconds on the terminal until the step is finished."""
        while not finished.wait(0.5):
            spent = time.monotonic() - started
            left = max(0.0, self.seconds_left() - min(spent, self.expected.get(name, 0.0)))
            self.line(f"  {number}  {name} … {duration(spent)} (about {duration(left)} left)")

    def line(self, text: str) -> None:
        """Write a line; on a terminal over the one that counts."""
        print(f"\r\033[K{text}" if sys.stdout.isatty() else text, end="", flush=True)

    def remember(self, name: str, took: float) -> None:
        """Keep how long the step took, for the next estimate."""
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(TOOK.read_text()) if TOOK.is_file() else {}
            TOOK.parent.mkdir(parents=True, exist_ok=True)
            TOOK.write_text(json.dumps({**known, name: round(took, 1)}))


def duration(seconds: float) -> str:
    """Return 0.4 s, 12 s, 1 min 20 s."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
