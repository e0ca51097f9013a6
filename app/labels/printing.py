"""Makes the labels of what is asked for. Printing changes nothing, so nothing is written down."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from app.foundation.language import date_
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.labels import faces, queries
from app.labels.errors import CodeCannotBePrinted, NothingToPrint, TooManyLabels
from app.labels.faces import SIZES, Face, Goods
from app.stock.scanning import What, names_a_place
from app.stock.words import CONDITIONS, PLACE_KINDS, STORAGE

LABELS_MAX = 480
"""Twenty sheets."""
COPIES_MAX = 50


def places(
    uow: UnitOfWork,
    *,
    size: str,
    ids: Collection[int] = (),
    warehouse_id: int | None = None,
    first: str | None = None,
    last: str | None = None,
    kind: str | None = None,
) -> list[Face]:
    """Return the labels of places: what stands there is not on it, for that changes."""
    asked = queries.PlacesAsked(ids, warehouse_id, first, last, kind)
    found = queries.places(uow.session, uow.actor, asked, most=LABELS_MAX) if asked != queries.PlacesAsked() else []
    made = []
    for each in found:
        if not names_a_place(each.code):
            raise CodeCannotBePrinted(place=each.code)
        lines = [each.warehouse.name, PLACE_KINDS[each.kind]]
        made.append(faces.place(SIZES[size], each.code, [*lines, *_kept([each.storage_class])]))
    return made


def lots(uow: UnitOfWork, *, size: str, ids: Collection[int] = (), place_id: int | None = None) -> list[Face]:
    """Return the labels of lots."""
    if not ids and place_id is None:
        return []
    found = queries.lots(uow.session, uow.actor, ids, place_id=place_id, most=LABELS_MAX)
    return [
        faces.lot(
            SIZES[size],
            lot.id,
            Goods(
                item.name_hu,
                item.name_en,
                item.unit_name_hu,
                item.unit_name_en,
                0,
                lot.expires_on,
                lot.use_by,
                lot.batch,
            ),
            CONDITIONS[lot.condition],
        )
        for lot, item in found
    ]


def boxes(
    uow: UnitOfWork,
    *,
    size: str,
    ids: Collection[int] = (),
    warehouse_id: int | None = None,
    kind: str | None = None,
) -> list[Face]:
    """Return the labels of boxes and pallets, with what is in them."""
    if not ids and warehouse_id is None:
        return []
    found = queries.boxes(uow.session, uow.actor, ids, warehouse_id=warehouse_id, kind=kind, most=LABELS_MAX)
    rows = queries.contents(uow.session, [each.id for each in found])
    items, packs = queries.items_with_packs(uow.session, {row.item_id for row in rows})
    inside: dict[int, list[Goods]] = {}
    for row in rows:
        item = items[row.item_id]
        pack = next((each for each in packs.get(item.id, []) if row.quantity % each.quantity == 0), None)
        inside.setdefault(row.top, []).append(
            Goods(
                item.name_hu,
                item.name_en,
                item.unit_name_hu,
                item.unit_name_en,
                row.quantity,
                row.expires_on,
                row.use_by,
                row.batch,
                pack.gtin if pack else None,
                pack.quantity if pack else 1,
            )
        )
    return [
        faces.box(SIZES[size], each.sscc, each.place.code, inside.get(each.id, []), pallet=each.kind == "pallet")
        for each in found
    ]


def parcels(uow: UnitOfWork, *, size: str, ids: Collection[int] = (), run_id: int | None = None) -> list[Face]:
    """Return the labels of parcels. A settlement and a run, no household: the label leaves the house."""
    if not ids and run_id is None:
        return []
    found = queries.parcels(uow.session, uow.actor, ids, run_id=run_id, most=LABELS_MAX)
    return [
        faces.parcel(
            SIZES[size],
            f"P-{each.id}",
            each.id,
            weight_g=each.weight_g,
            settlement=each.settlement,
            run=None
            if each.run_number is None
            else say(
                "Run %(run)s, stop %(stop)s, %(day)s", run=each.run_number, stop=each.stop, day=date_(each.run_on)
            ),
            cold=_kept(each.storage_classes),
        )
        for each in found
    ]


def _kept(storage_classes: Sequence[str]) -> list[Message]:
    """Return how it must be kept, where that is not the ordinary way."""
    return [STORAGE[each] for each in storage_classes if each != "ambient"]


def runs(uow: UnitOfWork, *, size: str, ids: Collection[int]) -> list[Face]:
    """Return the labels of runs: the scan that begins their loading."""
    return [
        faces.document(
            SIZES[size],
            What.RUN,
            each.id,
            each.code,
            [say("Run %(run)s, %(day)s", run=each.number, day=date_(each.on)), each.vehicle.plate],
        )
        for each in queries.runs(uow.session, uow.actor, ids)
    ]


def documents(uow: UnitOfWork, *, size: str, kind: str, ids: Collection[int]) -> list[Face]:
    """Return the labels of transfers, stocktakes or offers: the scan that begins the work on them."""
    label = SIZES[size]
    if kind == "transfer":
        return [
            faces.document(label, What.TRANSFER, each.id, f"A-{each.id}", [say("Transfer"), f"{source} → {target}"])
            for each, source, target in queries.transfers(uow.session, uow.actor, ids)
        ]
    if kind == "stocktake":
        return [
            faces.document(label, What.STOCKTAKE, each.id, f"LEL-{each.id}", [say("Stocktake"), name])
            for each, name in queries.stocktakes(uow.session, uow.actor, ids)
        ]
    return [
        faces.document(label, What.OFFER, each.id, f"F-{each.id}", [say("Offer")])
        for each in queries.offers(uow.session, uow.actor, ids)
    ]


def multipliers(uow: UnitOfWork, *, size: str) -> list[Face]:
    """Return the labels that multiply the next item."""
    return faces.multipliers(SIZES[size])


def printed(made: Sequence[Face], *, size: str, start: int, copies: int) -> bytes:
    """Return the PDF of labels, so many copies of each."""
    if not made:
        raise NothingToPrint
    every = [face for face in made for _ in range(copies)]
    if len(every) > LABELS_MAX:
        raise TooManyLabels(labels=len(every), most=LABELS_MAX)
    return faces.drawn(every, SIZES[size], start=start)
