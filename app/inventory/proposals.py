"""What could be done with goods that expire soon: who waits for them, who lacks them, what they fit into.

Pure: it gets figures and gives proposals, the best first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.foundation.words import Message, say

MOST = 3
"""So many proposals a lot; the first is the one to take."""


@dataclass(frozen=True)
class Goods:
    """Some of a lot in a place, that expires."""

    item_id: int
    warehouse_id: int
    county_id: int
    quantity: int
    """What nobody has spoken for."""
    days_left: int
    days_needed: int
    """Days that must be left at the hand-over."""
    held: bool = False
    """In quarantine, or blocked."""


@dataclass(frozen=True)
class Lack:
    """A warehouse that has less of an item than it should."""

    warehouse_id: int
    county_id: int
    name: str
    quantity: int


@dataclass(frozen=True)
class Around:
    """What else is known of an item."""

    wanted: int = 0
    """By open needs of the whole country."""
    wanted_by_county: Mapping[int, int] = field(default_factory=dict)
    lacks: Sequence[Lack] = ()
    kits: Sequence[tuple[int, str]] = ()
    """(kit, name) that the item is a part of."""
    homes: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    """county → (warehouse, name): where its needs are served from."""
    county_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """What could be done: in words, and the page where it is done, filled in."""

    kind: str
    """give, transfer, kit, offer, write_off, hold."""
    quantity: int
    text: Message
    arguments: Mapping[str, Any] = field(default_factory=dict)


def proposals(goods: Goods, around: Around) -> list[Proposal]:
    """Return what could be done with the goods, the best first; never nothing."""
    if goods.quantity <= 0:
        return [Proposal("hold", 0, say("All of it is spoken for already"))]
    if goods.days_left < 0:
        return [_write_off(goods, say("Expired: write it off"))]
    if goods.held:
        return [Proposal("hold", goods.quantity, say("Decide on the quarantine first"))]
    if goods.days_left < goods.days_needed:
        return [_write_off(goods, say("Too late to hand out: write it off, or lower the days asked for"))]
    found = [*_given(goods, around), *_moved(goods, around), *_packed(goods, around)]
    if not found:
        found = [Proposal("offer", goods.quantity, say("Nobody waits for it: offer it to another warehouse"))]
        if goods.days_left <= goods.days_needed + 3:
            found.append(_write_off(goods, say("Hardly any time is left: prepare the write-off")))
    return found[:MOST]


def _given(goods: Goods, around: Around) -> list[Proposal]:
    here = min(goods.quantity, around.wanted_by_county.get(goods.county_id, 0))
    if here:
        return [Proposal("give", here, say("Open needs of the county could take %(quantity)s", quantity=here))]
    return []


def _moved(goods: Goods, around: Around) -> list[Proposal]:
    """Where a warehouse lacks it, then where another county's needs wait."""
    found = []
    for lack in sorted(around.lacks, key=lambda lack: (lack.county_id != goods.county_id, -lack.quantity)):
        if lack.warehouse_id != goods.warehouse_id:
            sentence = say("%(name)s lacks %(quantity)s", name=lack.name, quantity=lack.quantity)
            found.append(_transfer(goods, min(goods.quantity, lack.quantity), lack.warehouse_id, sentence))
    elsewhere = sorted(around.wanted_by_county.items(), key=lambda each: -each[1])
    for county_id, quantity in elsewhere:
        home = around.homes.get(county_id)
        if county_id != goods.county_id and home is not None:
            county = around.county_names.get(county_id, "")
            sentence = say("Needs of another county wait for %(quantity)s: %(name)s", quantity=quantity, name=county)
            found.append(_transfer(goods, min(goods.quantity, quantity), home[0], sentence))
    if not found and not around.wanted_by_county and around.wanted:
        sentence = say("Open needs of the country could take %(quantity)s", quantity=around.wanted)
        found.append(Proposal("give", min(goods.quantity, around.wanted), sentence))
    return found[:2]


def _packed(goods: Goods, around: Around) -> list[Proposal]:
    return [
        Proposal("kit", goods.quantity, say("It is part of a kit: %(name)s", name=name), {"kit_id": kit_id})
        for kit_id, name in around.kits[:1]
    ]


def _transfer(goods: Goods, quantity: int, to_warehouse_id: int, sentence: Message) -> Proposal:
    arguments = {
        "from_warehouse_id": goods.warehouse_id,
        "to_warehouse_id": to_warehouse_id,
        "item_id": goods.item_id,
        "quantity": quantity,
    }
    return Proposal("transfer", quantity, sentence, arguments)


def _write_off(goods: Goods, sentence: Message) -> Proposal:
    return Proposal("write_off", goods.quantity, sentence)


# Levels -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """A warehouse that has more of an item than it needs."""

    warehouse_id: int
    name: str
    surplus: int


@dataclass(frozen=True)
class Refill:
    """How a shelf below its least could be filled: so much from each surplus, the rest to be asked for."""

    wanted: int
    transfers: Sequence[tuple[Source, int]] = ()
    to_ask: int = 0


def surplus(available: int, least: int | None, most: int | None) -> int:
    """Return what a warehouse can spare: above its most, else above twice its least; half where it named neither."""
    if least is None:
        return max(0, available // 2)
    return max(0, available - (most if most is not None else 2 * least))


def refill(*, available: int, coming: int, least: int, most: int | None, sources: Sequence[Source]) -> Refill:
    """Return how a warehouse gets back to its most; to twice its least where it has no most."""
    have = available + coming
    if have >= least:
        return Refill(0)
    wanted = (most if most is not None else 2 * least) - have
    left, taken = wanted, []
    for source in sorted(sources, key=lambda source: (-source.surplus, source.warehouse_id)):
        share = min(left, source.surplus)
        if share > 0:
            taken.append((source, share))
            left -= share
    return Refill(wanted, tuple(taken), left)
