"""Searches that misbehave, for children to run."""

from __future__ import annotations

import os
import signal
import time


def answer(tell, value):
    """Say the value twice."""
    tell(value)
    return value


def overrun(tell, value):
    """Tell something good, then never end, whatever is asked."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(value)
    time.sleep(600)


def eat(tell, value):
    """Eat all memory."""
    tell(value)
    hoard = []
    while True:
        hoard.append(bytearray(64 * 2**20))


def crash(tell, value):
    """Crash as C++ does."""
    tell(value)
    os.abort()


def vanish(tell, value):
    """Be killed as the kernel does it when memory is short."""
    tell(value)
    os.kill(os.getpid(), signal.SIGKILL)


def stumble(tell, value):
    """Raise."""
    raise RuntimeError("stumbled")


# What a solver's module offers; each misbehaves after it has told its best.


def first(tell, problem, seconds, seed=0, frugal=False):
    """Tell a plan of one stop, then crash."""
    tell([(problem.vehicles[0].id, [problem.stops[0].id])])
    os.abort()


def improve(tell, problem, start, seconds, seed=0, solutions=None):
    """Never end."""
    time.sleep(600)
