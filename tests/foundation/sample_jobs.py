"""Jobs that tests run in real workers. Start a worker with: python -m tests.foundation.sample_jobs"""

import os
import signal
import time

from app.foundation import child, job_queue
from app.foundation.actor import Actor
from app.foundation.database import make_engine, make_sessions
from app.foundation.errors import Conflict
from app.foundation.words import say
from scripts.local import worker


@job_queue.job("sample.count", title=say("Counting"))
def count(run, *, number, seconds=0.0):
    time.sleep(seconds)
    with run.work() as uow:
        uow.record("sample.counted", number=number)
    return {"number": number}


@job_queue.job("sample.stumble")
def stumble(run):
    raise RuntimeError("Csenyéte, Fő utca 1")


@job_queue.job("sample.refuse")
def refuse(run):
    raise Conflict(say("There is nothing to count."))


@job_queue.job("sample.polite", seconds_max=60)
def polite(run):
    run.progress(10, say("Waiting to be stopped"))
    while not run.should_stop():
        time.sleep(0.05)
    return {"best": "so far"}


@job_queue.job("sample.deaf", seconds_max=60)
def deaf(run):
    run.progress(10, say("Not listening"))
    while True:
        time.sleep(0.05)


def brood(*, say):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(os.getpid())
    time.sleep(600)


@job_queue.job("sample.think", seconds_max=120)
def think(run):
    child.think(brood, seconds_max=100, on_message=lambda pid: run.progress(50, say("Process %(pid)s", pid=pid)))


@job_queue.job("sample.steps")
def steps(run):
    run.progress(10, say("Gathering %(count)s", count=1))
    run.said_at = 0.0
    run.progress(20, say("Gathering %(count)s", count=2))
    run.progress(60, say("Sorting"))


def work():
    """Listen like scripts/worker, with these jobs alone."""
    job_queue.STOP_SECONDS = 1.0
    job_queue.BEAT_SECONDS = 0.3
    job_queue.prepare(
        job_queue.Worker(
            make_sessions=lambda: make_sessions(make_engine(os.environ["DATABASE_URL"], pool_size=4)),
            actor=Actor(None, "job", "job"),
            ring=job_queue.Doorbell(os.environ["REDIS_URL"]).ring,
        )
    )
    worker.listen(os.environ["REDIS_URL"], "work")


if __name__ == "__main__":
    # Jobs are registered under the module's own name, not as __main__.
    from tests.foundation import sample_jobs

    sample_jobs.work()
