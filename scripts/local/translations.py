"""Compare what the program says with what app/translations can say in Hungarian.

    scripts/translations                   what is missing, unused, contradictory or has other placeholders
    scripts/translations --update needs    add the missing sentences of app/needs to needs.po, to be filled in

A sentence may stand in the file of any package; the file is named for whoever looks after it. There is nothing to
compile: the program reads these files when it starts.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from scripts.local.paths import ROOT

APP = ROOT / "app"
FOLDER = APP / "translations" / "hu" / "LC_MESSAGES"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "say": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")

Sentence = tuple[str | None, str]
"""Context and English text."""


@dataclass
class Said:
    """A sentence of the program: its plural, and where it is said."""

    plural: str | None = None
    places: list[str] = field(default_factory=list)


def package_of(path: Path) -> str:
    """Return the package that says what this file says; the look and the foundation are the shell."""
    parts = path.relative_to(APP).parts
    if parts[0] == "templates":
        return parts[1] if len(parts) > 2 else "shell"
    return parts[0] if len(parts) > 1 and parts[0] != "foundation" else "shell"


def sources() -> Iterator[tuple[Path, str]]:
    """Return every file that may say something, and how to read it."""
    for path in sorted(APP.rglob("*.py")):
        yield path, "python"
    for path in sorted((APP / "templates").rglob("*")):
        if path.suffix in (".html", ".txt", ".typ"):
            yield path, "jinja2.ext:babel_extract"


def extract() -> dict[Sentence, Said]:
    """Return every sentence of the program."""
    found: dict[Sentence, Said] = {}
    for path, method in sources():
        for line, message, _, context in extract_from_file(method, str(path), keywords=KEYWORDS):
            singular, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, None)
            if not isinstance(singular, str) or not singular:
                continue
            said = found.setdefault((context, singular), Said())
            said.plural = said.plural or (plural if isinstance(plural, str) else None)
            said.places.append(f"{path.relative_to(ROOT)}:{line}")
    return found


def read(path: Path) -> Catalog:
    """Read one catalogue."""
    if not path.is_file():
        return Catalog(locale="hu", charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale="hu")


def texts(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return a message's forms."""
    return [value] if isinstance(value, str) else list(value or [])


def faults(said: dict[Sentence, Said]) -> list[str]:
    """Return what is wrong with the catalogues, one line each."""
    found: list[str] = []
    known: dict[Sentence, tuple[tuple[str, ...], str]] = {}
    for path in sorted(FOLDER.glob("*.po")):
        for entry in read(path):
            if not entry.id:
                continue
            ids, strings = texts(entry.id), texts(entry.string)
            sentence = (entry.context, ids[0])
            if not all(strings) or entry.fuzzy:
                found.append(f"{path.name}: not translated: {ids[0]!r}")
                continue
            if sentence not in said:
                found.append(f"{path.name}: nobody says this any more: {ids[0]!r}")
            if sentence in known and known[sentence][0] != tuple(strings):
                found.append(f"{path.name}: {ids[0]!r} is said otherwise in {known[sentence][1]}")
            known.setdefault(sentence, (tuple(strings), path.name))
            plural = len(ids) > 1
            wanted = [set(PLACEHOLDER.findall(text)) - {""} for text in ids]
            for text in strings:
                has = set(PLACEHOLDER.findall(text)) - {""}
                # "1 nap" may leave the number of a singular unsaid.
                if not (has == wanted[-1] or (plural and has <= wanted[-1] and wanted[0] <= has | {"num"})):
                    found.append(f"{path.name}: other placeholders: {ids[0]!r} → {text!r}")
    for sentence, places in said.items():
        if sentence not in known:
            found.append(f"{places.places[0]}: no Hungarian for {sentence[1]!r}")
    return found


def update(package: str, said: dict[Sentence, Said]) -> int:
    """Add the package's missing sentences to its catalogue; return how many."""
    have = {(entry.context, texts(entry.id)[0]) for path in FOLDER.glob("*.po") for entry in read(path) if entry.id}
    path = FOLDER / f"{package}.po"
    catalogue, added = read(path), 0
    for (context, text), what in said.items():
        if (context, text) in have or package not in {
            package_of(ROOT / place.rsplit(":", 1)[0]) for place in what.places
        }:
            continue
        catalogue.add((text, what.plural) if what.plural else text, context=context)
        added += 1
    if added:
        write(path, catalogue)
    return added


def write(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue without places and dates, so that it changes only when its sentences do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.fuzzy = False
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, no_location=True, omit_header=True, sort_output=False)


def main() -> None:
    """Check, or add what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", metavar="PACKAGE", help="add the package's missing sentences to its file")
    arguments = parser.parse_args()
    said = extract()
    if arguments.update:
        print(f"{arguments.update}.po: {update(arguments.update, said)} sentences to translate")
        return
    wrong = faults(said)
    print("\n".join(wrong) or f"All {len(said)} sentences can be said in Hungarian.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
