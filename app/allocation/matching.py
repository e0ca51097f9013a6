"""Stock × needs → shares and missing shares, each with its reasons in words. Pure.

How much each need gets is fairness's answer (fairness.py). Here it is decided which lot it gets and from where:

- the nearest warehouse with stock, in classes of urgency; a need that one warehouse can serve whole is not split, nor
  are a household's goods spread over warehouses, unless that costs more than DETOUR_M;
- in the warehouse, the lot that expires first, if the shelf life the item must have left at hand-over is left then;
- an item that must be cooled is not given to a household without a fridge;
- a substitute where the item itself has run out and the household accepts one.

Same values in, same answer out, in whatever order they come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from app.allocation import fairness
from app.allocation.fairness import FULL, Standing, Want
from app.foundation.words import Message, say

HAND_OVER_DAYS = 3
"""From the run to the hand-over: approve, pack, plan, drive."""
DETOUR_M = 50_000
"""How much farther a warehouse may be when it serves the need whole."""
TOGETHER_M = 30_000
"""How much farther a warehouse may be when it serves the household anyway."""
SHARE_G_MAX = 600_000
SHARE_ML_MAX = 4_000_000
"""What one van carries: a larger share is cut, so that each piece can travel."""
COOLED = frozenset({"chilled", "frozen"})
EARTH_M = 6_371_009


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """A need that waits. ``covered`` is handed over or reserved for good; the rest of ``quantity`` is missing."""

    id: int
    household_id: int
    county_id: int
    item_id: int
    quantity: int
    covered: int
    urgency: int
    substitutes_accepted: bool
    size: int
    no_fridge: bool
    opened_on: date
    lat: float
    lon: float
    excluded: str | None = None
    """Why somebody keeps it out of allocation."""
    ground: Message | None = None
    """What made it as urgent as it is."""

    @property
    def missing(self) -> int:
        """Return what is neither handed over nor reserved for good."""
        return self.quantity - self.covered


@dataclass(frozen=True, slots=True)
class LotOnShelf:
    """What is available of a lot in a place. ``expires_on`` is None where it does not expire."""

    lot_id: int
    place_id: int
    warehouse_id: int
    item_id: int
    expires_on: date | None
    available: int


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What matching must know of an item. ``substitutes`` are (item, percent), the best first."""

    id: int
    storage_class: str = "ambient"
    shelf_life_left_days_min: int = 0
    weight_mg: int = 0
    volume_ul: int = 0
    substitutes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Store:
    """A warehouse as matching sees it."""

    id: int
    name: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Withheld:
    """What there is of an item and cannot be given: reserved for others, in quarantine, in other counties."""

    held: int = 0
    quarantined: int = 0
    other_counties: int = 0


class Share(NamedTuple):
    """A quantity of a lot for a need, and why."""

    need_id: int
    household_id: int
    county_id: int
    lot_id: int
    place_id: int
    warehouse_id: int
    item_id: int
    quantity: int
    covers: int
    distance_m: int
    reasons: list[Message]


@dataclass(frozen=True, slots=True)
class Missing:
    """What a need does not get, why, and what could be done, the cheapest first."""

    need_id: int
    county_id: int
    urgency: int
    quantity: int
    code: str
    reason: Message
    grounds: list[dict[str, Any]]
    remedies: list[dict[str, Any]]


@dataclass
class Proposal:
    """The answer: shares, missing shares, and each household's level (0 to FULL) before and after."""

    shares: list[Share] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    before: dict[int, int] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)
    """By need: how much of it the shares cover."""


Step = Callable[[int, Message], None]


def propose(
    needs: Iterable[OpenNeed],
    lots: Iterable[LotOnShelf],
    items: Mapping[int, ItemFacts],
    warehouses: Mapping[int, Store],
    *,
    run_on: date,
    hand_over_days: int = HAND_OVER_DAYS,
    standing: Mapping[int, Standing] | None = None,
    withheld: Mapping[int, Withheld] | None = None,
    on_step: Step = lambda _percent, _what: None,
) -> Proposal:
    """Return who gets which lot from where, and who gets nothing and why."""
    hand_over_on = run_on + timedelta(days=hand_over_days)
    ordered = sorted(needs, key=lambda need: need.id)
    shelf = _Shelf(lots, items, hand_over_on)
    wants = [_want(need, items, shelf) for need in ordered]
    on_step(20, say("%(needs)s needs and %(lots)s lots are sorted", needs=len(ordered), lots=shelf.usable_lots))

    gifts, after = fairness.deal(wants, shelf.total, standing)
    before = _levels(wants, standing or {})
    on_step(
        50, say("Dealt out to %(households)s households, the one furthest from enough first", households=len(after))
    )

    amounts = _merge(gifts)
    shares = _Sender(ordered, shelf, warehouses, items).send(amounts)
    on_step(80, say("Warehouses and lots are chosen for %(shares)s shares", shares=len(shares)))

    proposal = Proposal(before=before, after=after)
    given: Counter[int] = Counter()
    for share in shares:
        given[share.need_id] += share.covers
    proposal.given = dict(given)
    explain = _Explainer(ordered, shelf, items, withheld or {}, amounts, given, after, warehouses, hand_over_on)
    proposal.shares = [explain.share(share) for share in shares]
    proposal.missing = [explain.missing(need) for need in ordered if need.missing > given[need.id]]
    return proposal


def _want(need: OpenNeed, items: Mapping[int, ItemFacts], shelf: _Shelf) -> Want:
    return Want(
        need_id=need.id,
        household_id=need.household_id,
        urgency=need.urgency,
        quantity=need.quantity,
        covered=need.covered,
        size=need.size,
        waiting_since=need.opened_on.toordinal(),
        sources=() if need.excluded else tuple(s for s in _sources(need, items) if shelf.total.get(s[0])),
    )


def _sources(need: OpenNeed, items: Mapping[int, ItemFacts]) -> list[tuple[int, int]]:
    """Return what may be given for the need, the best first."""
    wished = items[need.item_id]
    candidates = [(need.item_id, 100), *(wished.substitutes if need.substitutes_accepted else ())]
    return [(item_id, percent) for item_id, percent in candidates if item_id in items and _keeps(need, items[item_id])]


def _keeps(need: OpenNeed, item: ItemFacts) -> bool:
    """Tell whether the household can keep the item."""
    return not (need.no_fridge and item.storage_class in COOLED)


def _levels(wants: Sequence[Want], standing: Mapping[int, Standing]) -> dict[int, int]:
    levels: Counter[int] = Counter()
    count: Counter[int] = Counter()
    for want in wants:
        levels[want.household_id] += fairness.level_of(want.covered, want.quantity)
        count[want.household_id] += 1
    return {
        household_id: (levels[household_id] + standing.get(household_id, Standing()).levels)
        // (number + standing.get(household_id, Standing()).needs)
        for household_id, number in sorted(count.items())
    }


def _merge(gifts: Iterable[fairness.Gift]) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the portions of a need added up: (need, item) → (units, covers)."""
    amounts: dict[tuple[int, int], tuple[int, int]] = {}
    for gift in gifts:
        units, covers = amounts.get((gift.need_id, gift.item_id), (0, 0))
        amounts[gift.need_id, gift.item_id] = (units + gift.units, covers + gift.covers)
    return {key: amount for key, amount in amounts.items() if amount[0]}


class _Shelf:
    """What can be given: by item and warehouse, first to expire first; and what expires too early."""

    def __init__(self, lots: Iterable[LotOnShelf], items: Mapping[int, ItemFacts], hand_over_on: date) -> None:
        self.total: Counter[int] = Counter()
        self.too_old: Counter[int] = Counter()
        self.last_expiry: dict[int, date] = {}
        """Of what expires too early: the latest day."""
        self.usable_lots = 0
        self.queues: dict[tuple[int, int], list[LotOnShelf]] = defaultdict(list)
        for lot in lots:
            item = items.get(lot.item_id)
            if item is None or lot.available <= 0:
                continue
            needed_on = hand_over_on + timedelta(days=item.shelf_life_left_days_min)
            if lot.expires_on is not None and lot.expires_on < needed_on:
                self.too_old[lot.item_id] += lot.available
                self.last_expiry[lot.item_id] = max(lot.expires_on, self.last_expiry.get(lot.item_id, lot.expires_on))
                continue
            self.usable_lots += 1
            self.total[lot.item_id] += lot.available
            self.queues[lot.item_id, lot.warehouse_id].append(lot)
        for queue in self.queues.values():
            # The first to expire stands last, where it is taken from.
            queue.sort(key=lambda lot: (lot.expires_on or date.max, lot.lot_id, lot.place_id), reverse=True)
        self.by_warehouse: dict[int, dict[int, int]] = defaultdict(dict)
        for (item_id, warehouse_id), queue in sorted(self.queues.items()):
            self.by_warehouse[item_id][warehouse_id] = sum(lot.available for lot in queue)
        self.at_first = {item_id: dict(there) for item_id, there in self.by_warehouse.items()}
        self._open: dict[tuple[int, int], int] = {}

    def take(self, item_id: int, warehouse_id: int, units: int) -> list[tuple[LotOnShelf, int]]:
        """Take units out of a warehouse, first to expire first."""
        queue = self.queues[item_id, warehouse_id]
        taken = []
        self.by_warehouse[item_id][warehouse_id] -= units
        while units:
            lot = queue[-1]
            left = self._open.get((lot.lot_id, lot.place_id), lot.available)
            part = min(units, left)
            taken.append((lot, part))
            units -= part
            if part == left:
                queue.pop()
            self._open[lot.lot_id, lot.place_id] = left - part
        return taken


class _Sender:
    """Decides from which warehouse each amount comes."""

    def __init__(
        self,
        needs: Sequence[OpenNeed],
        shelf: _Shelf,
        warehouses: Mapping[int, Store],
        items: Mapping[int, ItemFacts],
    ) -> None:
        self.needs = {need.id: need for need in needs}
        self.shelf = shelf
        self.items = items
        self.warehouse_ids = sorted(warehouses)
        self.column = {warehouse_id: at for at, warehouse_id in enumerate(self.warehouse_ids)}
        points = sorted({(need.lat, need.lon) for need in needs})
        self.row = {point: at for at, point in enumerate(points)}
        self.metres = distances_m(points, [(warehouses[at].lat, warehouses[at].lon) for at in self.warehouse_ids])
        self.serves: dict[int, set[int]] = defaultdict(set)
        """By household: the warehouses that serve it anyway."""
        self.shares: list[Share] = []

    def send(self, amounts: Mapping[tuple[int, int], tuple[int, int]]) -> list[Share]:
        groups: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        for (need_id, item_id), (units, covers) in sorted(amounts.items()):
            groups[self.needs[need_id].urgency, item_id].append((need_id, units, covers))
        for (_urgency, item_id), wanted in sorted(groups.items()):
            self._send_item(item_id, wanted)
        return self.shares

    def _send_item(self, item_id: int, wanted: list[tuple[int, int, int]]) -> None:
        """Serve the needs of one class for one item: near before far, whole before split."""
        there = self.shelf.by_warehouse[item_id]
        stores = [warehouse_id for warehouse_id, units in there.items() if units]
        rows = [self.row[self._point(need_id)] for need_id, _, _ in wanted]
        metres = self.metres[np.ix_(rows, [self.column[warehouse_id] for warehouse_id in stores])].copy()
        for at, (need_id, _, _) in enumerate(wanted):
            for warehouse_id in self.serves.get(self.needs[need_id].household_id, ()):
                if there.get(warehouse_id):
                    metres[at, stores.index(warehouse_id)] -= TOGETHER_M
        near_enough = metres <= metres.min(axis=1, keepdims=True) + DETOUR_M
        order = np.argsort(metres, axis=None, kind="stable").tolist()
        whole = near_enough.ravel().tolist()
        left = [units for _, units, _ in wanted]
        uncovered = [covers for _, _, covers in wanted]
        open_needs = len(wanted)
        for split in (False, True):
            for pair in order:
                at, store = divmod(pair, len(stores))
                if not left[at] or not (split or whole[pair]):
                    continue
                warehouse_id = stores[store]
                units = min(left[at], there[warehouse_id])
                if not units or (units < left[at] and not split):
                    continue
                covers = uncovered[at] if units == left[at] else uncovered[at] * units // left[at]
                self._give(wanted[at][0], item_id, warehouse_id, units, covers)
                left[at] -= units
                uncovered[at] -= covers
                open_needs -= not left[at]
                if not open_needs:
                    return
        assert not any(left), "fairness dealt out no more than there is"

    def _give(self, need_id: int, item_id: int, warehouse_id: int, units: int, covers: int) -> None:
        need = self.needs[need_id]
        self.serves[need.household_id].add(warehouse_id)
        distance_m = int(self.metres[self.row[self._point(need_id)], self.column[warehouse_id]])
        for lot, part in self.shelf.take(item_id, warehouse_id, units):
            covered = covers if part == units else covers * part // units
            units, covers = units - part, covers - covered
            for piece, covered_piece in _cut(part, covered, self.items[item_id]):
                self.shares.append(
                    Share(
                        need_id,
                        need.household_id,
                        need.county_id,
                        lot.lot_id,
                        lot.place_id,
                        warehouse_id,
                        item_id,
                        piece,
                        covered_piece,
                        distance_m,
                        [_lot_reason(lot)],
                    )
                )

    def _point(self, need_id: int) -> tuple[float, float]:
        need = self.needs[need_id]
        return need.lat, need.lon


def _cut(units: int, covers: int, item: ItemFacts) -> Iterable[tuple[int, int]]:
    """Cut what no van can carry at once into pieces that one can; each piece covers something."""
    most = units
    if item.weight_mg:
        most = min(most, SHARE_G_MAX * 1000 // item.weight_mg)
    if item.volume_ul:
        most = min(most, SHARE_ML_MAX * 1000 // item.volume_ul)
    most = max(1, most)
    while units:
        piece = min(most, units)
        covered = covers if piece == units else covers * piece // units
        yield piece, covered
        units, covers = units - piece, covers - covered


def distances_m(points: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> Any:
    """Return the great-circle distances in whole metres, a row a point."""
    here = np.radians(np.array(points, dtype=float).reshape(-1, 2))
    there = np.radians(np.array(others, dtype=float).reshape(-1, 2))
    half = (
        np.sin((here[:, None, 0] - there[None, :, 0]) / 2) ** 2
        + np.cos(here[:, None, 0]) * np.cos(there[None, :, 0]) * np.sin((here[:, None, 1] - there[None, :, 1]) / 2) ** 2
    )
    return np.rint(2 * EARTH_M * np.arcsin(np.sqrt(half))).astype(np.int64)


def _lot_reason(lot: LotOnShelf) -> Message:
    if lot.expires_on is None:
        return say("Lot: it does not expire.")
    return say("Lot: the first to expire of those that last long enough, %(expires_on)s.", expires_on=lot.expires_on)


class _Explainer:
    """Says why: this much, this lot, from there; and why not more."""

    def __init__(
        self,
        needs: Sequence[OpenNeed],
        shelf: _Shelf,
        items: Mapping[int, ItemFacts],
        withheld: Mapping[int, Withheld],
        amounts: Mapping[tuple[int, int], tuple[int, int]],
        given: Mapping[int, int],
        levels: Mapping[int, int],
        warehouses: Mapping[int, Store],
        hand_over_on: date,
    ) -> None:
        self.needs = {need.id: need for need in needs}
        self.shelf = shelf
        self.items = items
        self.withheld = withheld
        self.given = given
        self.levels = levels
        self.warehouses = warehouses
        self.hand_over_on = hand_over_on
        self.by_class: dict[int, Counter[int]] = defaultdict(Counter)
        """By item: how many units went to each class."""
        for (need_id, item_id), (units, _) in amounts.items():
            self.by_class[item_id][self.needs[need_id].urgency] += units
        self.stores = sorted(warehouses.values(), key=lambda store: store.id)
        self._near: dict[tuple[float, float], list[tuple[int, int]]] = {}

    def share(self, share: Share) -> Share:
        """Add why this much and why from there to why this lot."""
        need = self.needs[share.need_id]
        reasons = [self._how_much(need), *share.reasons, self._from_where(need, share)]
        if share.item_id != need.item_id:
            reasons.insert(1, say("A substitute: what was asked for has run out, and the household accepts one."))
        return share._replace(reasons=reasons)

    def _how_much(self, need: OpenNeed) -> Message:
        given = self.given[need.id]
        facts = {"urgency": need.urgency, "given": given, "wanted": need.missing}
        if given >= need.missing:
            return say("Class %(urgency)s: %(given)s of %(wanted)s missing, so nothing is missing any more.", **facts)
        return say(
            "Class %(urgency)s: %(given)s of %(wanted)s missing. Whoever was further from enough came first; "
            "this household now has %(level_pct)s of what it needs.",
            **facts,
            level_pct=self._percent(need),
        )

    def _from_where(self, need: OpenNeed, share: Share) -> Message:
        facts = {"warehouse": self.warehouses[share.warehouse_id].name, "distance_m": share.distance_m}
        nearer = [
            warehouse_id
            for distance_m, warehouse_id in self._nearest(need)
            if distance_m < share.distance_m and self.shelf.at_first.get(share.item_id, {}).get(warehouse_id)
        ]
        if not nearer:
            return say("Warehouse: %(warehouse)s, %(distance_m)s. The nearest with stock.", **facts)
        facts["nearer"] = self.warehouses[nearer[0]].name
        if self.shelf.by_warehouse[share.item_id].get(nearer[0]):
            return say(
                "Warehouse: %(warehouse)s, %(distance_m)s. A nearer one (%(nearer)s) has too little, or the household "
                "gets other things from here: one parcel instead of two.",
                **facts,
            )
        return say(
            "Warehouse: %(warehouse)s, %(distance_m)s. The nearer one (%(nearer)s) gave its stock to more urgent or "
            "nearer needs.",
            **facts,
        )

    def _nearest(self, need: OpenNeed) -> list[tuple[int, int]]:
        point = (need.lat, need.lon)
        if point not in self._near:
            metres = distances_m([point], [(store.lat, store.lon) for store in self.stores])[0].tolist()
            self._near[point] = sorted(zip(metres, [store.id for store in self.stores], strict=True))
        return self._near[point]

    def _percent(self, need: OpenNeed) -> int:
        return self.levels[need.household_id] * 100 // FULL

    def missing(self, need: OpenNeed) -> Missing:
        """Say why the rest of a need is missing: the deciding reason, its grounds, its remedies."""
        short = need.missing - self.given.get(need.id, 0)
        code, reason = self._why(need, short)
        grounds = [{"code": "class", "message": self._class_ground(need)}]
        if self.given.get(need.id):
            grounds.append({"code": "given", "message": self._how_much(need)})
        for item_id, _percent in _sources(need, self.items) or [(need.item_id, 100)]:
            grounds += self._item_grounds(need, item_id)
        remedies = self._remedies(need, code, short)
        return Missing(need.id, need.county_id, need.urgency, short, code, reason, grounds, remedies)

    def _class_ground(self, need: OpenNeed) -> Message:
        if need.ground:
            return say("Class %(urgency)s: %(ground)s", urgency=need.urgency, ground=need.ground)
        return say("Class %(urgency)s. More urgent classes are served first.", urgency=need.urgency)

    def _why(self, need: OpenNeed, short: int) -> tuple[str, Message]:
        """Return the deciding reason, from the most particular to the most general."""
        item = self.items[need.item_id]
        kept_out = self.withheld.get(need.item_id, Withheld())
        if need.excluded:
            return "excluded", say("Kept out of allocation by hand: %(reason)s", reason=need.excluded)
        total = self.shelf.total.get(need.item_id, 0)
        if not _keeps(need, item) and total:
            return "no_fridge", say(
                "It must be cooled and the household has no fridge. %(there)s are in stock.", there=total
            )
        sources = [item_id for item_id, _ in _sources(need, self.items) if self.shelf.total.get(item_id)]
        if sources:
            urgent, same = self._went(need, sources)
            facts = {"short": short, "there": sum(self.shelf.total[item_id] for item_id in sources)}
            if urgent and not same:
                return "more_urgent_first", say(
                    "%(short)s missing: all %(there)s went to more urgent classes.", **facts
                )
            return "others_further_from_enough", say(
                "%(short)s missing: there are only %(there)s, and others were further from enough.", **facts
            )
        substitutes = self._substitutes(need)
        if substitutes and not need.substitutes_accepted:
            return "substitutes_not_accepted", say(
                "Not in stock. A substitute is (%(there)s), but the household does not accept one.",
                there=self.shelf.total[substitutes[0]],
            )
        if too_old := self.shelf.too_old.get(need.item_id, 0):
            return "expires_before_hand_over", say(
                "All %(there)s in stock expire too early: %(days)s days must be left at hand-over, on %(needed_on)s.",
                there=too_old,
                days=item.shelf_life_left_days_min,
                needed_on=self.hand_over_on,
            )
        if kept_out.held:
            return "held_for_others", say("All %(there)s in stock are reserved for others.", there=kept_out.held)
        if kept_out.quarantined:
            return "quarantined", say("The only %(there)s in stock are in quarantine.", there=kept_out.quarantined)
        if kept_out.other_counties:
            return "other_counties", say(
                "Not in this county's stock. Other counties have %(there)s.", there=kept_out.other_counties
            )
        return "nowhere_in_stock", say("Nowhere in stock: %(short)s missing.", short=short)

    def _went(self, need: OpenNeed, sources: Iterable[int]) -> tuple[int, int]:
        """Return how many units went to more urgent classes and how many to this one."""
        urgent = same = 0
        for item_id in sources:
            for urgency, units in self.by_class[item_id].items():
                urgent += units if urgency < need.urgency else 0
                same += units if urgency == need.urgency else 0
        return urgent, same

    def _substitutes(self, need: OpenNeed) -> list[int]:
        """Return the substitutes in stock that the household could keep."""
        return [
            item_id
            for item_id, _ in self.items[need.item_id].substitutes
            if item_id in self.items and self.shelf.total.get(item_id) and _keeps(need, self.items[item_id])
        ]

    def _item_grounds(self, need: OpenNeed, item_id: int) -> list[dict[str, Any]]:
        """Return what there is of an item and where it went; the page writes the item's name before it."""
        grounds: list[dict[str, Any]] = []
        if not _keeps(need, self.items[item_id]):
            return grounds
        if total := self.shelf.total.get(item_id, 0):
            urgent, same = self._went(need, [item_id])
            message = say(
                "In all warehouses: %(there)s. More urgent classes got %(urgent)s, this class %(same)s.",
                there=total,
                urgent=urgent,
                same=same,
            )
            grounds.append({"code": "dealt", "item_id": item_id, "message": message})
            nearest = next((w for _, w in self._nearest(need) if self.shelf.at_first[item_id].get(w)), None)
            if nearest is not None:
                there = self.shelf.at_first[item_id][nearest]
                left = self.shelf.by_warehouse[item_id].get(nearest, 0)
                message = say(
                    "Warehouse: %(warehouse)s. %(there)s there, %(gone)s of it for other needs.",
                    warehouse=self.warehouses[nearest].name,
                    there=there,
                    gone=there - left,
                )
                grounds.append({"code": "nearest", "item_id": item_id, "message": message})
        if too_old := self.shelf.too_old.get(item_id, 0):
            message = say(
                "%(there)s more expire too early, the last on %(expires_on)s; %(days)s days must be left at hand-over.",
                there=too_old,
                expires_on=self.shelf.last_expiry[item_id],
                days=self.items[item_id].shelf_life_left_days_min,
            )
            grounds.append({"code": "too_old", "item_id": item_id, "message": message})
        if held := self.withheld.get(item_id, Withheld()).held:
            grounds.append(
                {"code": "held", "item_id": item_id, "message": say("%(held)s are reserved for others.", held=held)}
            )
        if not grounds:
            grounds.append({"code": "none", "item_id": item_id, "message": say("Nowhere in stock.")})
        return grounds

    def _remedies(self, need: OpenNeed, code: str, short: int) -> list[dict[str, Any]]:
        """Return what could be done about it, the cheapest first."""
        remedies: list[dict[str, Any]] = []
        kept_out = self.withheld.get(need.item_id, Withheld())
        if code == "excluded":
            return [{"code": "include", "message": say("Let it take part again")}]
        substitutes = self._substitutes(need)
        if substitutes and not need.substitutes_accepted:
            remedies.append(
                {
                    "code": "accept_substitute",
                    "item_id": substitutes[0],
                    "quantity": self.shelf.total[substitutes[0]],
                    "message": say(
                        "Ask whether a substitute will do: %(there)s in stock", there=self.shelf.total[substitutes[0]]
                    ),
                }
            )
        if code == "no_fridge":
            remedies.append(
                {"code": "find_fridge", "message": say("Find a fridge nearby, then change it on the household's page")}
            )
            return remedies
        if too_old := self.shelf.too_old.get(need.item_id, 0):
            days = self.items[need.item_id].shelf_life_left_days_min
            by = self.shelf.last_expiry[need.item_id] - timedelta(days=days)
            if by >= self.hand_over_on - timedelta(days=HAND_OVER_DAYS):
                message = say(
                    "Hand over by %(by_on)s: then up to %(there)s can still be given", by_on=by, there=too_old
                )
                remedies.append({"code": "sooner", "quantity": too_old, "message": message})
        if kept_out.quarantined:
            message = say("Inspect the quarantine: %(there)s wait there", there=kept_out.quarantined)
            remedies.append({"code": "inspect", "quantity": kept_out.quarantined, "message": message})
        if kept_out.other_counties:
            message = say("Propose for the whole country: other counties have %(there)s", there=kept_out.other_counties)
            remedies.append({"code": "national", "quantity": kept_out.other_counties, "message": message})
        remedies.append(
            {"code": "wanted", "quantity": short, "message": say("Ask donors for it: %(short)s missing", short=short)}
        )
        return remedies
