"""How large the invented country is, and where need is greatest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How many of each thing; tests use a small country."""

    vehicles: int = 220
    organisations: int = 60
    donors: int = 80
    offers: int = 240
    lots: int = 15_000
    households: int = 4_000
    needs: int = 10_000
    settlements_at_least: int = 2_500
    waiting_signals: int = 160
    late_households: int = 400
    """Households whose needs were confirmed after the first allocation: they wait for the next one."""


SMALL = Size(
    vehicles=24, organisations=20, donors=6, offers=12, lots=900, households=60, needs=150, settlements_at_least=50,
    waiting_signals=8, late_households=10,
)  # fmt: skip

SEATS = {
    "Budapest": ("BUD", "Budapest"),
    "Baranya": ("PEC", "Pécs"),
    "Bács-Kiskun": ("KEC", "Kecskemét"),
    "Békés": ("BEK", "Békéscsaba"),
    "Borsod-Abaúj-Zemplén": ("MIS", "Miskolc"),
    "Csongrád-Csanád": ("SZE", "Szeged"),
    "Fejér": ("SZF", "Székesfehérvár"),
    "Győr-Moson-Sopron": ("GYO", "Győr"),
    "Hajdú-Bihar": ("DEB", "Debrecen"),
    "Heves": ("EGE", "Eger"),
    "Jász-Nagykun-Szolnok": ("SZO", "Szolnok"),
    "Komárom-Esztergom": ("TAT", "Tatabánya"),
    "Nógrád": ("SAL", "Salgótarján"),
    # The seat of Pest county is Budapest itself; its warehouse stands just outside.
    "Pest": ("VCS", "Vecsés"),
    "Somogy": ("KAP", "Kaposvár"),
    "Szabolcs-Szatmár-Bereg": ("NYI", "Nyíregyháza"),
    "Tolna": ("SZK", "Szekszárd"),
    "Vas": ("SZH", "Szombathely"),
    "Veszprém": ("VES", "Veszprém"),
    "Zala": ("ZAL", "Zalaegerszeg"),
}
"""County → (code of its warehouse, settlement it stands in)."""

WEIGHT = {
    "Borsod-Abaúj-Zemplén": 5.0,
    "Szabolcs-Szatmár-Bereg": 5.0,
    "Nógrád": 3.5,
    "Heves": 2.5,
    "Baranya": 3.0,
    "Somogy": 2.6,
    "Hajdú-Bihar": 2.4,
    "Békés": 2.0,
    "Jász-Nagykun-Szolnok": 2.2,
    "Tolna": 1.8,
    "Bács-Kiskun": 1.5,
    "Zala": 1.1,
    "Budapest": 6.0,
}
"""How much likelier a household is in a county's settlement than elsewhere (1)."""
