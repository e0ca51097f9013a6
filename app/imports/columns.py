"""Which column of a file is meant by which of our fields: guessed from Hungarian and English headings. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.foundation.text import fold
from app.foundation.words import Message, say
from app.imports.kinds import ImportKind


@dataclass(frozen=True)
class Field:
    """One of our fields: its name, what people call it, the headings by which it is guessed."""

    name: str
    label: Message
    headings: tuple[str, ...]
    hint: Message | None = None
    needed: bool = False


OPENING_STOCK = (
    Field("name", say("Item, by name"), ("megnevezes", "termek", "termeknev", "termek neve", "cikk", "cikknev",
        "cikk megnevezese", "nev", "aru", "arunev", "adomany", "item", "item name", "name", "product", "description")),
    Field("code", say("Item, by code"), ("kod", "cikkszam", "termekkod", "cikkkod", "azonosito", "code", "item code",
        "sku")),
    Field("gtin", say("Item, by barcode"), ("vonalkod", "gtin", "ean", "ean kod", "ean13", "barcode")),
    Field("quantity", say("Quantity"), ("mennyiseg", "menny", "keszlet", "darab", "db", "darabszam", "nyito keszlet",
        "nyito mennyiseg", "quantity", "qty", "amount", "on hand", "stock"), needed=True),
    Field("unit", say("Unit"), ("me", "mertekegyseg", "egyseg", "menny egyseg", "mennyisegi egyseg", "unit", "uom"),
        say("Where the quantity has none: db, karton, kg, g, l, ml")),
    Field("place", say("Place"), ("hely", "tarolohely", "polc", "raktarhely", "lokacio", "helykod", "place", "shelf",
        "bin", "location"), say("Empty: the dock")),
    Field("expires_on", say("Best before or use by"), ("lejarat", "lejarati datum", "lejarat datuma", "szavatossag",
        "minoseget megorzi", "mmi", "fogyaszthato", "lejar", "expiry", "expires", "expires on", "best before",
        "expiry date", "bbd", "use by")),
    Field("batch", say("Batch"), ("sarzs", "tetel", "tetelszam", "lot", "lotszam", "batch", "batch no", "lot number",
        "gyartasi szam")),
    Field("condition", say("Condition"), ("allapot", "minoseg", "condition"), say("új, jó, használt")),
    Field("value", say("Value of one, Ft"), ("ertek", "egysegar", "ar", "ft", "egysegertek", "nyilvantartasi ar",
        "value", "price", "unit price")),
)  # fmt: skip

CATALOGUE = (
    Field("code", say("Code"), ("kod", "cikkszam", "termekkod", "cikkkod", "azonosito", "code", "item code", "sku"),
        needed=True),
    Field("name_hu", say("Hungarian name"), ("megnevezes", "termek", "termeknev", "nev", "magyar nev", "name hu",
        "hungarian name", "name", "item")),
    Field("name_en", say("English name"), ("angol nev", "name en", "english name")),
    Field("category", say("Category"), ("kategoria", "csoport", "termekcsoport", "cikkcsoport", "category", "group")),
    Field("base_unit", say("Base unit"), ("alapegyseg", "base unit"), say("piece (darab), g or ml")),
    Field("unit_name_hu", say("Hungarian name of the unit"), ("me", "mertekegyseg", "egyseg", "unit hu",
        "unit name hu")),
    Field("unit_name_en", say("English name of the unit"), ("unit", "unit en", "unit name en", "uom")),
    Field("weight", say("Weight of one"), ("tomeg", "suly", "tomeg g", "suly g", "brutto tomeg", "weight", "weight g"),
        say("Grams, or with its unit: 1,5 kg")),
    Field("volume", say("Volume of one"), ("terfogat", "urtartalom", "terfogat ml", "volume", "volume ml"),
        say("Millilitres, or with its unit: 1,5 l")),
    Field("storage_class", say("Storage class"), ("tarolas", "tarolasi osztaly", "tarolasi mod", "storage",
        "storage class")),
    Field("tracks_expiry", say("Has an expiry"), ("lejarat", "lejar", "lejaratos", "tracks expiry", "expires",
        "expiry")),
    Field("shelf_life_left_days_min", say("Days left at hand-over"), ("minimum napok", "hatralevo napok", "min nap",
        "days left", "days left min", "shelf life left days min")),
    Field("value", say("Value of one, Ft"), ("ertek", "egysegar", "ar", "ft", "value", "value ft", "price")),
    Field("usual_quantity", say("Usual quantity"), ("szokasos mennyiseg", "usual", "usual quantity")),
    Field("given_again_after_days", say("Given again after, days"), ("ismetles nap", "ujra adhato", "again days",
        "given again after days")),
    Field("gtin", say("Barcode"), ("vonalkod", "gtin", "ean", "ean kod", "ean13", "barcode")),
    Field("pack_quantity", say("Pieces under the barcode"), ("kiszereles", "csomagban", "karton db", "db karton",
        "pack", "pack quantity", "pack size", "quantity"), say("Empty: 1")),
)  # fmt: skip

FIELDS: dict[str, tuple[Field, ...]] = {ImportKind.OPENING_STOCK: OPENING_STOCK, ImportKind.CATALOGUE: CATALOGUE}
NAMES_AN_ITEM = ("name", "code", "gtin")


def known_heading(kind: str, heading: str) -> bool:
    """Tell whether a heading is one of those that are known for a kind of import."""
    plain = fold(heading)
    return any(plain in field.headings for field in FIELDS[kind])


def guess(kind: str, columns: Sequence[str]) -> dict[str, str]:
    """Return our field → the file's column, each column once: by the whole heading first, then by its beginning."""
    found: dict[str, str] = {}
    free = {column: fold(column) for column in columns}
    for whole in (True, False):
        for field in FIELDS[kind]:
            if field.name in found:
                continue
            for heading in field.headings:
                hits = [
                    column
                    for column, plain in free.items()
                    if plain == heading or (not whole and len(heading) > 3 and plain.startswith(heading))
                ]
                if hits:
                    found[field.name] = hits[0]
                    del free[hits[0]]
                    break
    return found


def shape(columns: Iterable[str]) -> str:
    """Return the mark of a file's shape: its headings, whatever their case and accents."""
    return hashlib.sha256("|".join(fold(column) for column in columns).encode()).hexdigest()[:32]


def missing(kind: str, fields: Mapping[str, str]) -> list[Message]:
    """Return what a mapping still lacks."""
    lacks = [
        say("Choose the column of: %(field)s", field=field.label)
        for field in FIELDS[kind]
        if field.needed and field.name not in fields
    ]
    if kind == ImportKind.OPENING_STOCK and not any(name in fields for name in NAMES_AN_ITEM):
        lacks.append(say("Choose by what an item is known: its name, code or barcode."))
    return lacks
