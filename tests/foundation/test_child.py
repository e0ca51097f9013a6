"""Long thinking in a child process: it answers, it is stopped, it never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.foundation import child


def add(a, b, *, say):
    say({"best": a})
    return a + b


def never_end(heard, *, say):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(os.getpid())
    while True:
        time.sleep(0.05)


def end_when_asked(*, say):
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    say("started")
    while not asked:
        time.sleep(0.02)
    return "best so far"


def crash(*, say):
    say("a first answer")
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(*, say):
    raise ValueError("cannot be solved")


def eat_memory(*, say):
    return len(bytearray(2 << 30))


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def test_it_answers_and_what_it_said_on_the_way_was_heard():
    heard = []
    assert child.think(add, 2, 3, seconds_max=30, on_message=heard.append) == child.Ended("answered", 5)
    assert heard == [{"best": 2}]


def test_one_that_overruns_and_ignores_sigterm_is_killed():
    heard = []
    started = time.monotonic()
    ended = child.think(never_end, 0, seconds_max=1, grace_seconds=0.5, on_message=heard.append)
    assert ended.how == "overran"
    assert time.monotonic() - started < 5
    assert gone(heard[0])


def test_one_that_is_told_to_stop_may_still_answer():
    heard = []
    ended = child.think(end_when_asked, seconds_max=60, on_message=heard.append, should_stop=lambda: bool(heard))
    assert ended == child.Ended("stopped", "best so far")


def test_a_crash_keeps_what_was_said_before():
    heard = []
    ended = child.think(crash, seconds_max=30, on_message=heard.append)
    assert ended.how == "failed" and "-11" in ended.reason
    assert heard == ["a first answer"]


def test_an_exception_is_told():
    ended = child.think(refuse, seconds_max=30)
    assert ended.how == "failed" and ended.reason == "ValueError: cannot be solved"


def test_memory_has_an_end():
    ended = child.think(eat_memory, seconds_max=30, memory_bytes_max=1 << 30)
    assert ended.how == "failed" and "MemoryError" in ended.reason


def test_a_child_dies_with_its_killed_parent():
    code = (
        "import os, time; from app.foundation import child; "
        "print(child.start(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    sleeper = int(parent.stdout.readline())
    assert not gone(sleeper)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while not gone(sleeper) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(sleeper)
