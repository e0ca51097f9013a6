"""Structured logs, one JSON object a line, that cannot hold personal data: fields not on the list are dropped."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog
from flask import Flask, Response, g, request

ALLOWED = frozenset(
    {"event", "level", "at", "logger", "process", "version", "dropped", "error", "where", "reason_code"}
    | {"request_id", "method", "route", "endpoint", "status", "milliseconds", "role", "actor_id"}
    | {"job", "job_id", "attempt", "fence", "state", "worker", "queue", "seconds", "count", "counts", "seal"}
)
"""What a log line may hold: codes, ids and figures. Names, texts, addresses, bodies and queries have no field."""

OUR_WORDS = ("gunicorn", "rq", "alembic")
"""Libraries whose log lines are known to hold no data of ours; of all others only the template is kept."""

FRAMES_MAX = 12


def configure() -> None:
    """Send every log line of this process through the list, to standard error."""
    level = logging.getLevelNamesMapping().get(os.environ.get("LOG_LEVEL", "INFO").upper(), logging.INFO)
    structlog.configure(
        processors=[structlog.processors.add_log_level, only_allowed, to_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LibraryLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.WARNING))


def install(app: Flask) -> None:
    """Write one line for each request: its route, not its address; its size of trouble, not its content."""
    log = structlog.get_logger("request")

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        if request.endpoint not in ("static", "healthz", "readyz", "metrics"):
            actor = g.get("actor")
            log.info(
                "request",
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
                role=str(actor.role) if actor else None,
                actor_id=actor.id if actor else None,
                request_id=g.get("request_id"),
            )
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(end)


def only_allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop what is not on the list, and say that it was dropped; an exception becomes its type and its places."""
    trouble = event.pop("exc_info", None)
    kept = {name: value for name, value in event.items() if name in ALLOWED}
    if dropped := sorted(set(event) - set(kept)):
        kept["dropped"] = dropped
    if isinstance(trouble, BaseException):
        kept |= places(type(trouble), trouble.__traceback__)
    elif trouble:
        kind, _, trace = sys.exc_info()
        kept |= places(kind, trace)
    return kept


def places(kind: type[BaseException] | None, trace: TracebackType | None) -> dict[str, Any]:
    """Return the type of an exception and where it happened; never its message, which may quote data."""
    frames = traceback.extract_tb(trace)[-FRAMES_MAX:]
    return {
        "error": kind.__name__ if kind else None,
        "where": [f"{frame.filename.rsplit('/site-packages/')[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    }


def to_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return the line."""
    return json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}, default=str)


class LibraryLines(logging.Formatter):
    """Lines of libraries, in the same shape."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a library's line; what it put into the template is kept only where it is known to be harmless."""
        known = record.name.split(".")[0] in OUR_WORDS
        event: dict[str, Any] = {
            "event": record.getMessage() if known else str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            event |= places(record.exc_info[0], record.exc_info[2])
        return to_json(None, "", event)
