"""Joins the parts. Nothing imports it but wsgi.py and scripts/."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from datetime import datetime
from types import ModuleType
from typing import Any

from flask import Flask
from flask_smorest import Api
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app.accounts import web as accounts_web
from app.boxes import service as boxes
from app.config import Settings
from app.foundation import health, http, job_queue, language, logs, look, metrics
from app.foundation.actor import Actor
from app.foundation.database import make_engine, make_sessions
from app.foundation.personal import Keyring, use_keyring
from app.foundation.unit_of_work import utc_now

PACKAGES = (
    "accounts",
    "geography",
    "catalogue",
    "partners",
    "stock",
    "boxes",
    "transfers",
    "stocktakes",
    "write_offs",
    "conversions",
    "imports",
    "vouchers",
    "donations",
    "needs",
    "allocation",
    "delivery",
    "planning",
    "audit",
    "reports",
    "labels",
    "floor",
    "inventory",
)
API_PREFIX = "/api/v1"
BODY_BYTES_MAX = 6 * 1024 * 1024


def create_app(
    settings: Settings,
    *,
    sessions: sessionmaker[Session] | None = None,
    clock: Callable[[], datetime] = utc_now,
    ring: Callable[[list[int]], object] | None = None,
    identify: Callable[[], Actor] | None = None,
) -> Flask:
    """Return the application. What tests need to hold in their hands can be handed in."""
    use_keyring(Keyring(settings.personal_keys, settings.index_key))
    boxes.use_company_prefix(settings.gs1_prefix)
    logs.configure()
    app = Flask("app", static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SETTINGS=settings,
        MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES_MAX,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="__Host-flash" if settings.secure_cookies else "flash",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TILES_SOURCE=_origin(settings.tiles_url),
        **_api_settings(),
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    sessions = sessions or make_sessions(make_engine(settings.database_url, pool_size=settings.pool_size))
    doorbell = job_queue.Doorbell(settings.redis_url)
    edge = http.Edge(sessions, clock, ring or doorbell.ring, identify or accounts_web.identify)
    language.init_app(app)
    http.install(app, edge)
    accounts_web.install(app)
    look.init_app(app)
    metrics.install(app)
    logs.install(app)
    health.install(app, sessions, doorbell)
    api = Api(app)
    # flask-smorest answers faults in a form of its own; here they are problem documents like all others.
    app.register_error_handler(HTTPException, http.http_fault)
    for name in PACKAGES:
        for part in _parts(name, "pages"):
            app.register_blueprint(part.blueprint)
        for part in _parts(name, "api"):
            api.register_blueprint(part.blueprint, url_prefix=API_PREFIX)
    load_jobs()
    return app


def load_jobs() -> None:
    """Import every package's jobs, so that a worker knows them by name."""
    for name in PACKAGES:
        list(_parts(name, "jobs"))


def _parts(package: str, part: str) -> Iterator[ModuleType]:
    """Yield a package's edge where it has one."""
    if importlib.util.find_spec(f"app.{package}") and importlib.util.find_spec(f"app.{package}.{part}"):
        yield importlib.import_module(f"app.{package}.{part}")


def _origin(url: str | None) -> str:
    """Return the origin of the map tiles as a source for the content policy."""
    return " " + "/".join(url.split("/")[:3]).replace("{s}", "*") if url else ""


def _api_settings() -> dict[str, Any]:
    return {
        "API_TITLE": "Adománybank",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
        "OPENAPI_SWAGGER_UI_PATH": "docs",
        "OPENAPI_SWAGGER_UI_URL": "/static/vendor/swagger-ui/",
        "API_SPEC_OPTIONS": {
            "security": [{"token": []}],
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "info": {"license": {"name": "MIT", "identifier": "MIT"}},
        },
    }
