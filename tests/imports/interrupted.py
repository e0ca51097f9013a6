"""Run a job in a process of its own that stops in the middle of writing, to be killed there: DATABASE_URL, job."""

import sys
import time

from app.catalogue import service as catalogue
from app.foundation import job_life, job_queue
from app.foundation.database import make_engine, make_sessions
from app.imports import jobs  # noqa: F401
from app.stock import service as stock
from tests.conftest import EVERYTHING


def stops_after(deed):
    def slowly(*arguments, **named):
        made = deed(*arguments, **named)
        print("written", flush=True)
        time.sleep(120)
        return made

    return slowly


if __name__ == "__main__":
    for module, name in ((stock, "receive_thousands"), (stock, "take_back"), (catalogue, "load_items")):
        setattr(module, name, stops_after(getattr(module, name)))
    sessions = make_sessions(make_engine(sys.argv[1], pool_size=4))
    worker = job_queue.Worker(make_sessions=lambda: sessions, actor=EVERYTHING, ring=lambda ids: None)
    with sessions.begin() as session:
        taken = job_life.take(session, int(sys.argv[2]))
    job_queue.run_taken(worker, sessions, taken)
