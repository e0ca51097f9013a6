"""A job worker: RQ as it comes, on one queue. Needs the installed environment."""

from __future__ import annotations

import sys

from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer

from app.accounts.roles import SYSTEM
from app.config import Settings, SettingWrong
from app.foundation import job_queue
from app.foundation.database import make_engine, make_sessions


def work(queue: str, *, burst: bool) -> None:
    """Set up what jobs need, then listen to one queue; a forked process does each job and ends with us."""
    from app.factory import create_app

    try:
        settings = Settings.from_environment()
    except SettingWrong as problem:
        sys.exit(str(problem))
    # Jobs speak the readers' languages and read encrypted fields: the application is set up once, before we fork.
    create_app(settings).app_context().push()
    job_queue.prepare(
        job_queue.Worker(
            make_sessions=lambda: make_sessions(make_engine(settings.database_url, pool_size=4)),
            actor=SYSTEM,
            ring=job_queue.Doorbell(settings.redis_url).ring,
            settings=settings,
        )
    )
    listen(settings.redis_url, queue, burst=burst)


def listen(redis_url: str, queue: str, *, burst: bool = False) -> None:
    """Wait for the bell on one queue until told to stop."""
    worker = Worker(
        [queue],
        connection=Redis.from_url(redis_url),
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=10,
        log_job_description=False,
    )
    worker.max_connection_wait_time = 5.0
    worker.work(burst=burst, logging_level="WARNING")
