"""Is it alive, and can it do its work: /healthz and /readyz, for supervisors and load balancers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app.foundation.http import PUBLIC, RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from app.foundation.job_queue import Doorbell


def install(app: Flask, sessions: sessionmaker[Session], doorbell: Doorbell) -> None:
    """Answer /healthz (the process lives) and /readyz (the database answers; Redis may be away, work goes on)."""

    def healthz() -> Response:
        return jsonify(status="ok")

    def readyz() -> Response:
        redis = "ok" if doorbell.answers() else "away"
        try:
            with sessions() as session:
                session.execute(text("SET LOCAL statement_timeout = 2000"))
                session.execute(text("SELECT 1 FROM job LIMIT 1"))
        except SQLAlchemyError:
            response = jsonify(status="not ready", database="away", redis=redis)
            response.status_code = 503
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response
        return jsonify(status="ready", database="ok", redis=redis)

    for name, view in (("healthz", healthz), ("readyz", readyz)):
        view.permission = PUBLIC  # type: ignore[attr-defined]
        app.add_url_rule(f"/{name}", name, view)
