"""A search that overruns, eats memory or crashes loses neither what it told nor the others (E10)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.planning import child
from app.planning.child import Done, Lost, Pool, Task, Told

NAUGHTY = "tests.planning.naughty:"


def run(pool: Pool, function: str, seconds: float = 20) -> list:
    pool.give(Task(1, NAUGHTY + function, {"value": 7}, seconds))
    news = []
    while pool.busy:
        news += pool.events(0.1)
    return news


@pytest.mark.parametrize(
    ("function", "why"),
    [("crash", "crashed"), ("eat", "out_of_memory"), ("vanish", "out_of_memory"), ("stumble", "failed")],
)
def test_a_child_that_dies_says_why_and_is_replaced(function, why):
    with Pool(1, memory_max_bytes=600 * 2**20) as pool:
        news = run(pool, function)
        assert isinstance(news[-1], Lost) and news[-1].why == why
        assert function == "stumble" or (isinstance(news[0], Told) and news[0].value == 7)
        again = run(pool, "answer")
        assert isinstance(again[-1], Done) and again[-1].value == 7


def test_a_child_that_overruns_is_ended_though_it_ignores_the_request(monkeypatch):
    monkeypatch.setattr(child, "OVERRUN_SECONDS", 0.5)
    monkeypatch.setattr(child, "GRACE_SECONDS", 0.3)
    began = time.monotonic()
    with Pool(1) as pool:
        news = run(pool, "overrun", seconds=1)
    assert [type(each) for each in news] == [Told, Lost] and news[-1].why == "overrun"
    assert time.monotonic() - began < 6


def test_leaving_the_pool_ends_its_children(monkeypatch):
    monkeypatch.setattr(child, "GRACE_SECONDS", 0.3)
    with Pool(2) as pool:
        pool.give(Task(1, NAUGHTY + "overrun", {"value": 7}, 60))
        pids = [each.process.pid for each in pool._children]
        pool.events(2)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_child_dies_with_its_parent():
    code = (
        "import os, signal; from app.planning.child import Child; child = Child(); "
        "print(child.process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code], cwd=child.ROOT, capture_output=True, text=True, check=False)
    pid = int(parent.stdout)
    for _ in range(100):
        if not _alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    pytest.fail("the child outlived its parent")


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
