"""Child processes that never outlive their parent, and long thinking that can always be stopped.

Standard library only: the launcher uses this before anything is installed.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Literal

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
LENGTH_BYTES = 8
LOOK_UP_SECONDS = 0.25

Say = Callable[[object], None]
"""What a thinker calls to send a message (a progress figure, the best answer so far) to its parent."""


def die_with_parent(death_signal: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Ask the kernel to send this process a signal when its parent ends; end at once if it already has.

    The kernel means the parent's *thread*: start children from a thread that lives as long as they should.
    """
    LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal))
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def start(
    command: list[str],
    *,
    death_signal: int = signal.SIGKILL,
    user: tuple[int, int] | None = None,
    memory_bytes_max: int | None = None,
    **popen: Any,
) -> subprocess.Popen[bytes]:
    """Start a command in its own session that ends when we end, as another (user, group) if given."""
    parent = os.getpid()

    def before_exec() -> None:
        die_with_parent(death_signal, parent)
        if memory_bytes_max is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes_max, memory_bytes_max))

    if user is not None:
        popen |= {"user": user[0], "group": user[1], "extra_groups": []}
    return subprocess.Popen(command, start_new_session=True, preexec_fn=before_exec, **popen)  # noqa: PLW1509


def stop(process: subprocess.Popen[bytes], *, grace_seconds: float = 2.0, ask: int = signal.SIGTERM) -> None:
    """Ask a process to end, wait, then end its whole session."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@dataclass(frozen=True)
class Ended:
    """How a thinker ended. `answer` is its return value, if it still gave one."""

    how: Literal["answered", "stopped", "overran", "failed"]
    answer: Any = None
    reason: str = ""


def think(
    thinker: Callable[..., Any],
    *arguments: object,
    seconds_max: float,
    on_message: Say = lambda message: None,
    should_stop: Callable[[], bool] = lambda: False,
    memory_bytes_max: int | None = None,
    grace_seconds: float = 2.0,
) -> Ended:
    """Run `thinker(*arguments, say=say)` in a fresh process and wait for its answer.

    The thinker is a module-level function of plain, picklable values. What it says arrives at `on_message` while it
    works, so its best answer so far is ours even when the process is killed. It is ended (SIGTERM, `grace_seconds`,
    SIGKILL) when `should_stop` turns true or after `seconds_max`; it may answer SIGTERM by returning early.
    """
    process = start(
        [sys.executable, "-m", "app.foundation.child", f"{thinker.__module__}:{thinker.__qualname__}"],
        memory_bytes_max=memory_bytes_max,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin and process.stdout and process.stderr, "three pipes were asked for"
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(pickle.dumps(arguments))
            process.stdin.close()
        return listen(process, time.monotonic() + seconds_max, on_message, should_stop, grace_seconds)
    finally:
        stop(process, grace_seconds=0)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def listen(
    process: subprocess.Popen[bytes],
    deadline: float,
    on_message: Say,
    should_stop: Callable[[], bool],
    grace_seconds: float,
) -> Ended:
    """Hand messages on until the process answers, is told to stop, overruns or ends."""
    assert process.stdout and process.stderr, "both pipes were asked for"
    told: Literal["stopped", "overran"] | None = None
    heard, complaint = b"", b""
    with selectors.DefaultSelector() as pipes:
        pipes.register(process.stdout, selectors.EVENT_READ)
        pipes.register(process.stderr, selectors.EVENT_READ)
        while pipes.get_map():
            if told is None and (should_stop() or time.monotonic() > deadline):
                told = "overran" if time.monotonic() > deadline else "stopped"
                process.terminate()
                deadline = time.monotonic() + grace_seconds
            if told and time.monotonic() > deadline:
                break
            for key, _ in pipes.select(LOOK_UP_SECONDS):
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    pipes.unregister(key.fileobj)
                elif key.fileobj is process.stderr:
                    complaint = (complaint + chunk)[-4000:]
                else:
                    heard += chunk
            messages, heard = split_messages(heard)
            for kind, value in messages:
                if kind == "said":
                    on_message(value)
                elif kind == "answered":
                    return Ended(told or "answered", value)
                else:
                    return Ended(told or "failed", reason=str(value))
    if told:
        return Ended(told)
    code = process.wait()
    return Ended("failed", reason=complaint.decode(errors="replace").strip() or f"the process ended with {code}")


def split_messages(heard: bytes) -> tuple[list[tuple[str, Any]], bytes]:
    """Return the complete messages in a stream of length-prefixed pickles, and what is left of it."""
    messages = []
    while len(heard) >= LENGTH_BYTES:
        end = LENGTH_BYTES + int.from_bytes(heard[:LENGTH_BYTES], "big")
        if len(heard) < end:
            break
        messages.append(pickle.loads(heard[LENGTH_BYTES:end]))  # noqa: S301 – written by our own child
        heard = heard[end:]
    return messages, heard


def send(pipe: IO[bytes], kind: str, value: object) -> None:
    """Write one length-prefixed pickle."""
    message = pickle.dumps((kind, value))
    pipe.write(len(message).to_bytes(LENGTH_BYTES, "big") + message)
    pipe.flush()


def main(name: str) -> None:
    """The child's side: read the arguments, think, answer. What is printed goes to stderr, never into the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, _, function = name.partition(":")
    try:
        arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 – written by our own parent
        thinker = getattr(importlib.import_module(module), function)
        send(answers, "answered", thinker(*arguments, say=lambda value: send(answers, "said", value)))
    except BaseException as error:
        send(answers, "failed", f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    main(sys.argv[1])
