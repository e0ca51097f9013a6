"""Which permissions let the rows of a table be read and written: the second wall, kept by PostgreSQL itself.

Migration 0004 writes these rules into the database; a test holds the two together. The columns come from the models'
``SCOPED_BY``. Office: a package acting on its own tables, for what follows from a deed (``UnitOfWork.office``).
"""

from __future__ import annotations

from dataclasses import dataclass

EVERYBODY = ("catalogue.read",)
"""Held by every role: anybody who is signed in."""


@dataclass(frozen=True)
class Rule:
    """Who reads and who writes the rows of a table."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    offices: tuple[str, ...]
    """Packages that read and write the table in their own office."""
    read_offices: tuple[str, ...] = ()
    anywhere: bool = False
    """A right whose scope the table has no column for reaches every row: a driver sees each vehicle."""
    follows: tuple[str, str] | None = None
    """(parent table, column): the row is read with its parent."""


def follows(parent: str, column: str, rule: Rule) -> Rule:
    """Return the rule of a table whose rows are parts of a parent's row."""
    return Rule(rule.read, rule.write, rule.offices, rule.read_offices, rule.anywhere, (parent, column))


_ORGANISATION = Rule(("partners.read", "signals.report", "signals.read"), ("partners.manage",), ("partners",))
_HOUSEHOLD = Rule(("households.read",), ("signals.triage", "needs.change"), ("needs",))
_SIGNAL = Rule(("signals.read",), ("signals.report", "signals.triage"), ("needs",))
_NEED = Rule(
    ("needs.read", "signals.read", "allocation.read"),
    ("needs.change", "signals.triage", "allocation.run", "allocation.approve"),
    ("needs",),
    ("allocation",),
)
_SHARE = Rule(("allocation.read",), ("allocation.run", "allocation.approve"), ("allocation",))
_WAREHOUSE = Rule(EVERYBODY, ("warehouses.manage",), ("stock",))
_PLACE = Rule(EVERYBODY, ("warehouses.manage", "fleet.manage", "stock.operate"), ("stock",))
_LEDGER = Rule(("stock.read",), ("stock.operate", "stock.write_off", "donations.receive"), ("stock",), ("allocation",))
_VOUCHER = Rule(
    ("stock.read", "donations.read", "runs.read"),
    ("stock.operate", "donations.receive", "runs.load"),
    ("stock",),
    ("donations", "delivery"),
)
_FLOOR = ("stock.read",), ("stock.operate",)
_BOX = Rule(*_FLOOR, ("boxes",), ("allocation", "delivery", "stock", "transfers"))
_REVIEW = Rule(("stock.read",), ("stock.operate", "stock.review"), ("stock",))
_LEVEL = Rule(("stock.read",), ("stock.levels",), ("stock",))
_TRANSFER = Rule(("transfers.read",), (), ("transfers",))
_STOCKTAKE = Rule(("stock.read",), ("stock.operate", "stocktakes.manage"), ("stocktakes",))
_WRITE_OFF = Rule(("stock.read",), ("stock.operate", "stock.write_off"), ("write_offs",))
_CONVERSION = Rule(*_FLOOR, ("conversions",), ("stock",))
_IMPORT = Rule(("stock.import", "catalogue.manage"), ("stock.import", "catalogue.manage"), ("imports",))
_DONOR = Rule(
    ("donations.read", "donations.receive", "offers.own", "users.manage"),
    ("donations.offer", "donations.decide", "donations.receive", "offers.own"),
    ("donations",),
    anywhere=True,
)
_OFFER = Rule(
    ("donations.read", "donations.receive", "offers.own"),
    ("donations.offer", "donations.decide", "donations.receive", "offers.own"),
    ("donations",),
)
_ARRIVAL = Rule(
    ("donations.read", "donations.receive", "stock.read"),
    ("donations.receive", "donations.decide"),
    ("donations",),
)
_VEHICLE = Rule(
    ("fleet.read", "runs.read", "plans.read"),
    ("fleet.manage",),
    ("delivery",),
    anywhere=True,
)
_DRIVER = Rule(("fleet.read", "runs.read", "plans.read"), ("fleet.manage",), ("delivery",))
_RUN = Rule(
    ("runs.read", "runs.load", "runs.drive", "plans.read"),
    ("plans.publish", "runs.change", "runs.load", "runs.drive"),
    ("delivery",),
)
_PARCEL = Rule(
    ("runs.read", "runs.load", "runs.drive", "plans.read", "allocation.read"),
    ("runs.load", "runs.drive", "runs.change", "plans.publish", "allocation.approve"),
    ("delivery",),
)
_PROOF = Rule(("runs.read", "runs.drive"), ("runs.drive",), ("delivery",))
_PLAN = Rule(("plans.read",), ("plans.plan", "plans.publish", "plans.import"), ("planning",))

RULES: dict[str, Rule] = {
    "organisation": _ORGANISATION,
    "agreement": follows("organisation", "organisation_id", _ORGANISATION),
    "service_area": follows("organisation", "organisation_id", _ORGANISATION),
    "household": _HOUSEHOLD,
    "signal": _SIGNAL,
    "signal_line": follows("signal", "signal_id", _SIGNAL),
    "need": _NEED,
    "share": _SHARE,
    "missing_share": _SHARE,
    "need_exclusion": _SHARE,
    "warehouse": _WAREHOUSE,
    "place": _PLACE,
    "movement": _LEDGER,
    "balance": _LEDGER,
    "voucher": _VOUCHER,
    "donor": _DONOR,
    "offer": _OFFER,
    "offer_line": follows("offer", "offer_id", _OFFER),
    "arrival": _ARRIVAL,
    "arrival_line": follows("arrival", "arrival_id", _ARRIVAL),
    "vehicle": _VEHICLE,
    "vehicle_absence": follows("vehicle", "vehicle_id", _VEHICLE),
    "driver": _DRIVER,
    "run": _RUN,
    "stop": _RUN,
    "parcel": _PARCEL,
    "parcel_line": follows("parcel", "parcel_id", _PARCEL),
    "proof": _PROOF,
    "plan": _PLAN,
    "plan_version": follows("plan", "plan_id", _PLAN),
    "review": _REVIEW,
    "stock_level": _LEVEL,
    "box": _BOX,
    "box_move": _BOX,
    "transfer": _TRANSFER,
    "transfer_line": follows("transfer", "transfer_id", _TRANSFER),
    "transfer_lot": follows("transfer", "transfer_id", _TRANSFER),
    "stocktake": _STOCKTAKE,
    "stocktake_place": follows("stocktake", "stocktake_id", _STOCKTAKE),
    "stocktake_count": _STOCKTAKE,
    "stocktake_line": follows("stocktake", "stocktake_id", _STOCKTAKE),
    "write_off": _WRITE_OFF,
    "write_off_line": follows("write_off", "write_off_id", _WRITE_OFF),
    "write_off_photo": follows("write_off", "write_off_id", _WRITE_OFF),
    "conversion": _CONVERSION,
    "conversion_lot": follows("conversion", "conversion_id", _CONVERSION),
    "data_import": _IMPORT,
}
