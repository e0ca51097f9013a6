"""Figures for Prometheus at /metrics: requests and their times, jobs by state and the age of the oldest that waits.

With several web processes they share PROMETHEUS_MULTIPROC_DIR. No figure carries a name, an id or a place.
"""

from __future__ import annotations

import ipaddress
import os
import time

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.foundation.errors import NotFound
from app.foundation.http import PUBLIC, edge

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
REQUESTS = Counter("adomanybank_requests_total", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("adomanybank_request_seconds", "Time to answer.", ["route"], buckets=SECONDS)


def install(app: Flask) -> None:
    """Count requests, and answer /metrics."""

    def begin() -> None:
        g.request_began = time.perf_counter()

    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, str(response.status_code)).inc()
        if "request_began" in g:
            REQUEST_SECONDS.labels(route).observe(time.perf_counter() - g.request_began)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(end)
    app.add_url_rule("/metrics", "metrics", answer)


def answer() -> Response:
    """Answer with the figures; only to this machine and private networks."""
    if not from_near():
        raise NotFound
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry) + job_figures(), mimetype=CONTENT_TYPE_LATEST)


answer.permission = PUBLIC  # type: ignore[attr-defined]


def from_near() -> bool:
    """Tell whether the asker is on this machine or in a private network."""
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_private
    except ValueError:
        return False


def job_figures() -> bytes:
    """Return jobs by state; asked of the database, so that every process says the same."""
    registry = CollectorRegistry()
    jobs = Gauge("adomanybank_jobs", "Jobs of the last day by state.", ["state"], registry=registry)
    oldest = Gauge("adomanybank_job_waiting_seconds", "Age of the oldest job that waits.", registry=registry)
    statement = text(
        "SELECT state, count(*), coalesce(extract(epoch FROM now() - min(promised_at)), 0) FROM job "
        "WHERE state IN ('queued', 'running') OR finished_at > now() - interval '1 day' GROUP BY state"
    )
    try:
        with edge().sessions() as session:
            for state, count, seconds in session.execute(statement):
                jobs.labels(state).set(count)
                if state == "queued":
                    oldest.set(max(0.0, float(seconds)))
    except SQLAlchemyError:
        return b""
    return generate_latest(registry)
