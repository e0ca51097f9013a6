"""The scan page, and what makes an app of it: a service worker with all that the page needs, a manifest, icons.

The page is the same for everybody and names nobody, so that it may be kept on the phone. Who holds the phone, and
what lies in the warehouse, it asks the API.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from PIL import Image, ImageDraw

from app.boxes import service as boxes
from app.floor.protocol import PROTOCOL
from app.floor.texts import texts
from app.foundation.http import PUBLIC, in_unit_of_work
from app.foundation.language import CATALOGUES, language, translate
from app.foundation.look import asset
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import say

blueprint = Blueprint("floor", __name__, url_prefix="/scan")

STYLES = ("vendor/tabler/css/tabler.min.css", "vendor/inter/opsz.css", "css/tokens.css", "css/app.css", "css/scan.css")
SCRIPTS = "js/scan"
FILES = (
    "vendor/icons.svg",
    "vendor/inter/files/inter-latin-opsz-normal.woff2",
    "vendor/inter/files/inter-latin-ext-opsz-normal.woff2",
    "vendor/zxing/es/reader/index.js",
    "vendor/zxing/es/share.js",
    "vendor/zxing/reader/zxing_reader.wasm",
    "vendor/idb/index.js",
)
"""What the page needs beside its styles and its own scripts."""
SIZES = (180, 192, 512)
DECODER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
"""Only the worker that reads codes may compile WebAssembly; the page itself stays under the policy of all pages."""


@blueprint.get("")
@in_unit_of_work("stock.operate")
def scan(uow: UnitOfWork) -> ResponseReturnValue:
    """Show the scan page. It holds no name and no stock: it is kept on the phone."""
    config = {
        "language": language(),
        "protocol": PROTOCOL,
        "sprite": asset("vendor/icons.svg"),
        "worker": url_for(".service_worker"),
        "decoder": url_for(".decoder"),
        "page": url_for(".scan"),
        "home": url_for("reports.home"),
        "sign_in": url_for("accounts.sign_in", next=url_for(".scan")),
        "sign_out": url_for("accounts.sign_out"),
        "api": "/api/v1",
        "sscc_prefix": boxes.company_prefix(),
        "texts": texts(),
    }
    # Inside a script element only "</" could end it early.
    written = json.dumps(config, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return render_template("floor/scan.html", config=written, styles=STYLES)


@blueprint.get("/sw.js")
@in_unit_of_work(PUBLIC)
def service_worker(uow: UnitOfWork) -> ResponseReturnValue:
    """Return the service worker with the list of what it keeps; another list is another version."""
    files = _kept()
    folder = _static()
    source = (folder / SCRIPTS / "sw.js").read_text(encoding="utf-8")
    head = f"const VERSION = {json.dumps(_version())};\nconst PAGE = {json.dumps(url_for('.scan'))};\n"
    head += f"const FILES = {json.dumps(files)};\n"
    response = Response(head + source, mimetype="text/javascript")
    response.headers["Service-Worker-Allowed"] = url_for(".scan")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/decoder.js")
@in_unit_of_work(PUBLIC)
def decoder(uow: UnitOfWork) -> ResponseReturnValue:
    """Return the worker that reads codes from pictures, under the one policy that lets it compile WebAssembly."""
    response = Response((_static() / SCRIPTS / "decoder.js").read_bytes(), mimetype="text/javascript")
    response.headers["Content-Security-Policy"] = DECODER_POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/app.webmanifest")
@in_unit_of_work(PUBLIC)
def manifest(uow: UnitOfWork) -> ResponseReturnValue:
    """Return what a phone needs to install the page as an app."""
    icons = [
        {"src": url_for(".icon", size=size), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in SIZES[1:]
        for purpose in ("any", "maskable")
    ]
    document = {
        "id": url_for(".scan"),
        "name": translate(say("Adománybank: scanning")),
        "short_name": translate(say("Scanning")),
        "lang": language(),
        "start_url": url_for(".scan"),
        "scope": url_for(".scan"),
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#f4f6f8",
        "theme_color": "#ffffff",
        "icons": icons,
    }
    response = Response(json.dumps(document, ensure_ascii=False), mimetype="application/manifest+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/icon-<int:size>.png")
@in_unit_of_work(PUBLIC)
def icon(uow: UnitOfWork, size: int) -> ResponseReturnValue:
    """Return the app's icon, drawn."""
    response = Response(_icon(size if size in SIZES else SIZES[0]), mimetype="image/png")
    response.headers["Cache-Control"] = "public, max-age=604800"
    return response


@lru_cache(maxsize=4)
def _icon(size: int) -> bytes:
    """Draw a barcode under a scanning line; its edge is free, so that a phone may cut any shape from it."""
    unit = 64
    picture = Image.new("RGB", (16 * unit, 16 * unit), "#0f5873")
    pen = ImageDraw.Draw(picture)
    left = 4 * unit
    for width, bar in (
        (30, 1),
        (22, 0),
        (56, 1),
        (30, 0),
        (22, 1),
        (44, 0),
        (80, 1),
        (26, 0),
        (26, 1),
        (52, 0),
        (48, 1),
    ):
        scaled = width * 8 * unit // 436
        if bar:
            pen.rectangle((left, 4.4 * unit, left + scaled, 11.6 * unit), fill="#ffffff")
        left += scaled
    pen.rounded_rectangle((3 * unit, 7.7 * unit, 13 * unit, 8.3 * unit), radius=20, fill="#f0ad1e")
    written = io.BytesIO()
    picture.resize((size, size), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


def _static() -> Path:
    folder = current_app.static_folder
    assert folder is not None, "the application has a static folder"
    return Path(folder)


def _scripts() -> list[str]:
    """Return the page's own scripts; the two workers have addresses of their own."""
    names = sorted(path.name for path in (_static() / SCRIPTS).glob("*.js"))
    return [f"{SCRIPTS}/{name}" for name in names if name not in ("sw.js", "decoder.js")]


def _kept() -> list[str]:
    """Return the addresses of everything that the page needs without a network."""
    plain = [path for path in FILES if path != "vendor/icons.svg"]
    styles: list[Any] = [asset(path) for path in (*STYLES, "vendor/icons.svg")]
    own = [url_for("static", filename=path) for path in (*_scripts(), *plain)]
    icons = [url_for(".icon", size=size) for size in SIZES]
    return [*styles, *own, url_for(".decoder"), url_for(".manifest"), *icons]


def _version() -> str:
    folder = _static()
    names = [*STYLES, *FILES, *_scripts(), f"{SCRIPTS}/sw.js", f"{SCRIPTS}/decoder.js"]
    paths = [folder / name for name in names]
    paths += [Path(current_app.root_path) / "templates/floor/scan.html", Path(__file__).with_name("texts.py")]
    paths += sorted(CATALOGUES.glob("*/LC_MESSAGES/floor.po"))
    return _digest(tuple((str(path), path.stat().st_mtime_ns) for path in paths if path.is_file()))


@lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, int], ...]) -> str:
    found = hashlib.sha256()
    for path, _ in files:
        found.update(Path(path).read_bytes())
    return found.hexdigest()[:16]
