"""Runs a search in processes of its own, under limits that it cannot talk itself out of.

A solver's own time limit is a wish: it may hang in presolve, swallow an exception, eat all memory or crash the
interpreter. So it thinks in a child; the parent keeps what it has told so far and ends it when time is up: SIGTERM,
two seconds, SIGKILL. A child dies with its parent.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import resource
import selectors
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from app.foundation.child import die_with_parent

MEMORY_MAX_BYTES = 3 * 2**30
GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""
OVERRUN_SECONDS = 5.0
"""How long a task may go past its time before it is ended; leaving a loop takes a moment."""
START_SECONDS_MAX = 60.0
"""How long a new process may take to begin its task: on a crowded machine loading the libraries takes a while."""
ROOT = Path(__file__).resolve().parents[2]
HEADER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do: a function by name (``module:function``) that takes ``tell`` and plain values."""

    key: int
    function: str
    arguments: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Told:
    """Something good enough to keep, before the end."""

    task: Task
    value: Any


@dataclass(frozen=True, slots=True)
class Done:
    """The answer."""

    task: Task
    value: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """The child ended without an answer: ``overrun``, ``out_of_memory``, ``crashed`` or ``failed`` (an exception)."""

    task: Task
    why: str
    detail: str = ""


Event = Told | Done | Lost


class Child:
    """One process that does one task after another."""

    def __init__(self, memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
        there_read, here_write = os.pipe()
        here_read, there_write = os.pipe()
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                __name__,
                str(there_read),
                str(there_write),
                str(memory_max_bytes),
                str(os.getpid()),
            ],
            pass_fds=(there_read, there_write),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there_read)
        os.close(there_write)
        os.set_blocking(here_read, False)
        self.reading, self.writing = here_read, here_write
        self.task: Task | None = None
        self.ends = 0.0
        self._buffer = bytearray()

    def give(self, task: Task) -> None:
        """Start a task; the child must be idle."""
        assert self.task is None, "a child does one task at a time"
        self.task, self.ends = task, time.monotonic() + START_SECONDS_MAX
        with contextlib.suppress(BrokenPipeError):  # It died before; reading finds out and says why.
            _write(self.writing, (task.function, dict(task.arguments)))

    def events(self) -> Iterator[Event]:
        """Return what has arrived since; a dead child's task is lost."""
        alive = self._fill()
        while self.task is not None and (message := self._next()) is not None:
            kind, value = message
            task = self.task
            if kind == "began":
                self.ends = time.monotonic() + task.seconds + OVERRUN_SECONDS
                continue
            if kind == "told":
                yield Told(task, value)
                continue
            self.task = None
            yield Done(task, value) if kind == "done" else Lost(task, value["why"], value["detail"])
        if not alive and self.task is not None:
            task, self.task = self.task, None
            code = self.process.wait()
            yield Lost(task, "out_of_memory" if code == -signal.SIGKILL else "crashed", f"exit code {code}")

    def stop(self) -> None:
        """End the process, kindly and then not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for descriptor in (self.reading, self.writing):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _fill(self) -> bool:
        while True:
            try:
                piece = os.read(self.reading, 1 << 20)
            except BlockingIOError:
                return True
            if not piece:
                return False
            self._buffer += piece

    def _next(self) -> tuple[str, Any] | None:
        if len(self._buffer) < HEADER.size:
            return None
        (length,) = HEADER.unpack_from(self._buffer)
        if len(self._buffer) < HEADER.size + length:
            return None
        body = bytes(self._buffer[HEADER.size : HEADER.size + length])
        del self._buffer[: HEADER.size + length]
        message: tuple[str, Any] = pickle.loads(body)  # noqa: S301 - written by our own child
        return message


class Pool:
    """As many children as there are cores to use. Leaving the ``with`` ends them all."""

    def __init__(self, processes: int, memory_max_bytes: int = MEMORY_MAX_BYTES) -> None:
        self._memory_max_bytes = memory_max_bytes
        self._children = [Child(memory_max_bytes) for _ in range(max(1, processes))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def idle(self) -> int:
        """How many children have nothing to do."""
        return sum(child.task is None for child in self._children)

    @property
    def busy(self) -> bool:
        """Whether any child has something to do."""
        return self.idle < len(self._children)

    def give(self, task: Task) -> None:
        """Give a task to an idle child."""
        next(child for child in self._children if child.task is None).give(task)

    def events(self, timeout_seconds: float) -> list[Event]:
        """Wait a while for news; a child past its time is ended and replaced."""
        selector = selectors.DefaultSelector()
        working = [child for child in self._children if child.task is not None]
        for child in working:
            selector.register(child.reading, selectors.EVENT_READ)
        selector.select(max(0.0, timeout_seconds))
        selector.close()
        news: list[Event] = []
        for child in working:
            news += child.events()
            if child.task is not None and time.monotonic() > child.ends:
                task, child.task = child.task, None
                news.append(Lost(task, "overrun", f"ended after {task.seconds:.1f} s"))
                self._replace(child)
            elif child.task is None and child.process.poll() is not None:
                self._replace(child)
        return news

    def stop(self) -> None:
        """End all children at once."""
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        for child in self._children:
            child.stop()
        self._children = []

    def _replace(self, child: Child) -> None:
        child.stop()
        self._children[self._children.index(child)] = Child(self._memory_max_bytes)


# --------------------------------------------------------------------------------------------------- inside the child


def _write(descriptor: int, message: object) -> None:
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    left = memoryview(HEADER.pack(len(body)) + body)
    while left:
        left = left[os.write(descriptor, left) :]


def _read(stream: BinaryIO) -> Any:
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    return pickle.loads(stream.read(HEADER.unpack(header)[0]))  # noqa: S301 - written by our own parent


def main(reading: int, writing: int, memory_max_bytes: int, parent: int) -> None:
    """Do tasks until the pipe closes."""
    die_with_parent(parent=parent)
    resource.setrlimit(resource.RLIMIT_AS, (memory_max_bytes, memory_max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tell: Callable[[Any], None] = lambda value: _write(writing, ("told", value))  # noqa: E731
    with os.fdopen(reading, "rb") as stream:
        while (message := _read(stream)) is not None:
            name, arguments = message
            module, function = name.split(":")
            try:
                work = getattr(importlib.import_module(module), function)
                _write(writing, ("began", None))
                answer = work(tell=tell, **arguments)
            except MemoryError:
                _write(writing, ("lost", {"why": "out_of_memory", "detail": ""}))
            except Exception:
                _write(writing, ("lost", {"why": "failed", "detail": traceback.format_exc(limit=8)}))
            else:
                _write(writing, ("done", answer))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:5]))
