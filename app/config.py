"""Every setting, typed, read once. Only the factory and the scripts read them."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.boxes.sscc import PREFIX


class SettingWrong(Exception):
    """A setting cannot be used; the message says which, what it is now and what it should be."""


@dataclass(frozen=True)
class Settings:
    """What differs from one installation to the next."""

    database_url: str
    redis_url: str
    secret_key: str
    """Signs CSRF tokens and short-lived links."""
    personal_keys: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    """Master keys of personal data by key id, newest first, 32 bytes each."""
    index_key: bytes = field(repr=False, default=b"")
    """Key of the blind index, 32 bytes."""
    base_url: str = "http://127.0.0.1:8000"
    secure_cookies: bool = False
    """True behind HTTPS: cookies then are ``__Host-`` and Secure."""
    trusted_proxies: int = 0
    pool_size: int = 10
    web_threads: int = 12
    """Of one server process, as scripts/gunicorn.conf.py has them."""
    osrm_url: str | None = None
    tiles_url: str | None = None
    geocoder_url: str | None = None
    solver_processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    data_dir: Path = Path(".var")
    gs1_prefix: str = PREFIX
    """The GS1 company prefix under which boxes and pallets are numbered (SSCC). The default is of the range that GS1
    leaves to each organisation for itself: good inside the house, to be replaced before boxes are sent to others."""
    demo: bool = False
    """Demo accounts may be shown on the sign-in page."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings; say clearly which one is missing or wrong."""

        def must(name: str) -> str:
            value = environment.get(name, "")
            if not value:
                raise SettingWrong(f"{name} is not set. Start everything with scripts/run, or set it yourself.")
            return value

        def whole(name: str, default: int) -> int:
            value = environment.get(name, str(default))
            if not value.isdigit():
                raise SettingWrong(f"{name} is {value!r}; it must be a whole number, such as {default}.")
            return int(value)

        def prefix(name: str, default: str) -> str:
            value = environment.get(name) or default
            if not (value.isascii() and value.isdigit() and 7 <= len(value) <= 12):
                raise SettingWrong(f"{name} is {value!r}; a GS1 company prefix has 7 to 12 digits, such as {default}.")
            return value

        def key(name: str, text: str) -> bytes:
            try:
                value = base64.urlsafe_b64decode(text)
            except ValueError as error:
                raise SettingWrong(f"{name} is not base64.") from error
            if len(value) != 32:
                raise SettingWrong(f"{name} holds {len(value)} bytes; it must hold 32.")
            return value

        personal_keys: dict[str, bytes] = {}
        for pair in must("PERSONAL_KEYS").split(","):
            name, _, text = pair.partition(":")
            personal_keys[name.strip()] = key("PERSONAL_KEYS", text.strip())
        return cls(
            database_url=must("DATABASE_URL"),
            redis_url=must("REDIS_URL"),
            secret_key=must("SECRET_KEY"),
            personal_keys=personal_keys,
            index_key=key("INDEX_KEY", must("INDEX_KEY")),
            base_url=environment.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/"),
            secure_cookies=environment.get("BASE_URL", "").startswith("https://"),
            trusted_proxies=whole("TRUSTED_PROXIES", 0),
            pool_size=whole("POOL_SIZE", 10),
            web_threads=whole("WEB_THREADS", 12),
            osrm_url=environment.get("OSRM_URL") or None,
            tiles_url=environment.get("TILES_URL") or None,
            geocoder_url=environment.get("GEOCODER_URL") or None,
            solver_processes=whole("SOLVER_PROCESSES", os.cpu_count() or 1),
            data_dir=Path(environment.get("DATA_DIR", ".var")),
            gs1_prefix=prefix("GS1_PREFIX", PREFIX),
            demo=environment.get("DEMO", "") == "1",
        )
