"""Verbs of allocation: start a run, store its proposal, approve, pin, release, exclude.

A run reads in one transaction, thinks with none open, and writes in another. While it thinks the world may move on:
what is not there any more when it writes becomes a missing share, never a broken promise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, text, update

from app.allocation import fairness, matching, queries
from app.allocation.errors import NotProposed, ReasonMissing, ShareGone
from app.allocation.fairness import FULL
from app.allocation.matching import Missing, Proposal
from app.allocation.models import AllocationRun, Exclusion, MissingShare, RunState, Share, ShareState
from app.allocation.queries import Question
from app.allocation.states import HOLDING, PIECES_LOST
from app.foundation.bulk import among, insert_rows
from app.foundation.errors import Stale
from app.foundation.scope import visible
from app.foundation.text import tidy
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.needs import service as needs
from app.stock import service as stock
from app.stock import shortages

HELD_FOR = timedelta(days=14)
"""How long the ledger keeps what a share holds, if nobody hands it over or lets it go."""
SERIAL_KEY = 7_316_204_901
"""Proposals are written one after the other."""


def start(uow: UnitOfWork, *, county_id: int | None = None) -> AllocationRun:
    """Start a run over every open need of the country, or of one county; a run that is still thinking is returned."""
    uow.actor.require_for("allocation.run", county=county_id)
    _one_at_a_time(uow)
    live = queries.live_run(uow.session, county_id)
    if live is not None:
        return live
    run = AllocationRun(county_id=county_id, asked_by_id=uow.actor.id, asked_at=uow.now, figures={})
    uow.session.add(run)
    uow.session.flush()
    job = uow.promise("allocation.run", subject=("allocation_run", run.id), run_id=run.id)
    uow.session.flush()
    run.job_id = job.id
    uow.record("allocation.started", subject=("allocation_run", run.id), county_id=county_id)
    return run


def _one_at_a_time(uow: UnitOfWork) -> None:
    uow.session.execute(select(func.pg_advisory_xact_lock(SERIAL_KEY)))


# What the job does ----------------------------------------------------------------------------------------------------


def take_up(uow: UnitOfWork, *, run_id: int) -> Question | None:
    """Gather the question of a run; None when the run has ended already (the job came twice)."""
    run = queries.run_for_change(uow.session, run_id)
    if run.state not in (RunState.QUEUED, RunState.THINKING):
        return None
    run.state = RunState.THINKING
    return queries.question(uow.session, run, uow.now)


def think(question: Question, on_step: Callable[[int, Message], None]) -> Proposal:
    """Return who gets what; no transaction is open meanwhile."""
    return matching.propose(
        question.needs,
        question.lots,
        question.items,
        question.warehouses,
        run_on=question.run_on,
        standing=question.standing,
        withheld=question.withheld,
        on_step=on_step,
    )


def propose(uow: UnitOfWork, *, question: Question, proposal: Proposal, seconds: float) -> dict[str, Any]:
    """Write the proposal: let the earlier one go, reserve this one, and say what it brings."""
    _one_at_a_time(uow)
    run = queries.run_for_change(uow.session, question.run_id)
    if run.state != RunState.THINKING:
        return dict(run.figures)
    _let_go(uow, uow.session.scalars(queries.freed_shares(run.county_id)).all())
    wanted, late = _still_true(uow, proposal.shares)
    shares = _reserve(uow, run, wanted, late)
    _pinned_follow(uow, run)
    missing = _with_late(question, proposal.missing, late)
    _write_missing(uow, run, missing)
    run.state, run.proposed_at = RunState.PROPOSED, uow.now
    run.figures = _figures(uow, question, proposal, shares, missing, seconds)
    _supersede(uow, run)
    uow.record(
        "allocation.proposed",
        subject=("allocation_run", run.id),
        needs=len(question.needs),
        shares=len(shares),
        missing=len(missing),
    )
    return {name: run.figures[name] for name in ("needs", "lots", "shares", "missing", "seconds")}


def fail(uow: UnitOfWork, *, run_id: int) -> None:
    """Note that a run came to nothing; the earlier proposal stays as it is."""
    run = queries.run_for_change(uow.session, run_id)
    if run.state in (RunState.QUEUED, RunState.THINKING):
        run.state = RunState.FAILED


def _let_go(uow: UnitOfWork, shares: Sequence[Share]) -> None:
    """Release shares in the ledger and in the needs, all at once."""
    if not shares:
        return
    reservations = [share.reservation_id for share in shares if share.reservation_id is not None]
    stock.release_many(uow, reservations)
    needs.unreserved(uow, _by_need((share.need_id, share.covers) for share in shares))
    ids = [share.id for share in shares]
    uow.session.execute(
        update(Share)
        .where(among(Share.id, ids))
        .values(state=ShareState.RELEASED, version=Share.version + 1)
        .execution_options(synchronize_session=False)
    )
    uow.session.flush()
    uow.session.expire_all()


def _by_need(amounts: Iterable[tuple[int, int]]) -> dict[int, int]:
    total: Counter[int] = Counter()
    for need_id, amount in amounts:
        total[need_id] += amount
    return {need_id: amount for need_id, amount in sorted(total.items()) if amount}


def _still_true(uow: UnitOfWork, shares: Iterable[matching.Share]) -> tuple[list[matching.Share], Counter[int]]:
    """Return the shares whose need still lacks that much and whose lot is still free, and by need what fell away."""
    wanted = list(shares)
    shut = queries.lots_not_free(uow.session, {share.lot_id for share in wanted})
    lacking = queries.still_missing(uow.session, (share.need_id for share in wanted))
    kept, late = [], Counter[int]()
    for share in wanted:
        if share.need_id not in lacking:
            continue
        if share.lot_id not in shut and lacking[share.need_id] >= share.covers:
            lacking[share.need_id] -= share.covers
            kept.append(share)
        else:
            late[share.need_id] += share.covers
    return kept, late


def _reserve(
    uow: UnitOfWork, run: AllocationRun, shares: Sequence[matching.Share], late: Counter[int]
) -> list[matching.Share]:
    """Store the shares and reserve them in the ledger, set by set; what no longer fits is counted as ``late``."""
    if not shares:
        return []
    rows = [
        {
            "run_id": run.id,
            **share._asdict(),
            "reasons": [reason_as_json(reason) for reason in share.reasons],
            "state": ShareState.PROPOSED.value,
            "pinned": False,
            "version": 1,
        }
        for share in shares
    ]
    ids = insert_rows(uow.session, Share, rows)
    expires_at = uow.now + HELD_FOR
    reservations = stock.reserve_many(
        uow,
        [
            {
                "lot_id": share.lot_id,
                "place_id": share.place_id,
                "quantity": share.quantity,
                "purpose_kind": "share",
                "purpose_id": share_id,
                "expires_at": expires_at,
            }
            for share_id, share in zip(ids, shares, strict=True)
        ],
        skip_short=True,
    )
    too_late = [share_id for share_id, reservation in zip(ids, reservations, strict=True) if reservation is None]
    if too_late:
        uow.session.execute(delete(Share).where(among(Share.id, too_late)))
    uow.session.execute(
        text(
            "UPDATE share SET reservation_id = made.reservation_id "
            "FROM unnest(CAST(:ids AS bigint[]), CAST(:reservations AS bigint[])) AS made (share_id, reservation_id) "
            "WHERE share.id = made.share_id AND made.reservation_id IS NOT NULL"
        ),
        {"ids": list(ids), "reservations": list(reservations)},
    )
    kept = []
    for share, reservation in zip(shares, reservations, strict=True):
        if reservation is None:
            late[share.need_id] += share.covers
        else:
            kept.append(share)
    needs.reserved(uow, _by_need((share.need_id, share.covers) for share in kept))
    return kept


def reason_as_json(reason: Message) -> dict[str, Any]:
    """Return a message as JSON can keep it, dates as ISO text."""
    facts = {name: fact.isoformat() if isinstance(fact, date) else fact for name, fact in reason.facts.items()}
    return Message(reason.text, facts).to_json()


def _pinned_follow(uow: UnitOfWork, run: AllocationRun) -> None:
    """Pinned shares that wait for approval belong to the newest proposal."""
    statement = update(Share).where(Share.state == ShareState.PROPOSED, Share.pinned, Share.run_id != run.id)
    if run.county_id:
        statement = statement.where(Share.county_id == run.county_id)
    uow.session.execute(statement.values(run_id=run.id).execution_options(synchronize_session=False))


def _with_late(question: Question, missing: Sequence[Missing], late: Mapping[int, int]) -> list[Missing]:
    """Add what was taken by somebody else while the run was thinking."""
    if not late:
        return list(missing)
    rest = {need_id: units for need_id, units in late.items() if units}
    found = []
    for one in missing:
        units = rest.pop(one.need_id, 0)
        found.append(_grown(one, units) if units else one)
    by_id = {need.id: need for need in question.needs}
    for need_id, units in sorted(rest.items()):
        need = by_id[need_id]
        reason = say("%(short)s was taken by somebody else while this was being worked out.", short=units)
        again = {"code": "again", "message": say("Propose again")}
        found.append(Missing(need_id, need.county_id, need.urgency, units, "taken_meanwhile", reason, [], [again]))
    return found


def _grown(one: Missing, units: int) -> Missing:
    return Missing(
        one.need_id, one.county_id, one.urgency, one.quantity + units, one.code, one.reason, one.grounds, one.remedies
    )


def _write_missing(uow: UnitOfWork, run: AllocationRun, missing: Sequence[Missing]) -> None:
    if not missing:
        return
    rows = [
        {
            "run_id": run.id,
            "need_id": one.need_id,
            "county_id": one.county_id,
            "urgency": one.urgency,
            "quantity": one.quantity,
            "code": one.code,
            "reason": reason_as_json(one.reason),
            "grounds": [{**ground, "message": reason_as_json(ground["message"])} for ground in one.grounds],
            "remedies": [{**remedy, "message": reason_as_json(remedy["message"])} for remedy in one.remedies],
        }
        for one in missing
    ]
    insert_rows(uow.session, MissingShare, rows)


def _supersede(uow: UnitOfWork, run: AllocationRun) -> None:
    """Earlier proposals of this scope, and those that hold nothing any more, wait no longer."""
    holding = select(Share.run_id).where(Share.state == ShareState.PROPOSED)
    same_scope = AllocationRun.county_id.is_not_distinct_from(run.county_id)
    uow.session.execute(
        update(AllocationRun)
        .where(AllocationRun.state == RunState.PROPOSED, AllocationRun.id < run.id)
        .where(or_(same_scope, AllocationRun.id.not_in(holding)))
        .values(state=RunState.SUPERSEDED, version=AllocationRun.version + 1)
        .execution_options(synchronize_session=False)
    )


# Figures --------------------------------------------------------------------------------------------------------------


def _figures(
    uow: UnitOfWork,
    question: Question,
    proposal: Proposal,
    shares: Sequence[matching.Share],
    missing: Sequence[Missing],
    seconds: float,
) -> dict[str, Any]:
    """Return what the page's bars show: how much of the needs is covered, before and after."""
    given: Counter[int] = Counter()
    for share in shares:
        given[share.need_id] += share.covers
    before, after = proposal.before, proposal.after
    waiting = [need for need in question.needs if not need.excluded]
    open_after = [need for need in question.needs if need.missing > given[need.id]]
    return {
        "run_on": question.run_on.isoformat(),
        "needs": len(question.needs),
        "households": len(before),
        "lots": len(question.lots),
        "shares": len(shares),
        "missing": len(missing),
        "seconds": round(seconds, 2),
        "covered_pct": [_mean_pct(waiting, Counter()), _mean_pct(waiting, given)],
        "least_pct": [_percent(min(before.values(), default=FULL)), _percent(min(after.values(), default=FULL))],
        "waiting_days": [_longest(question, question.needs), _longest(question, open_after)],
        "gini": [fairness.gini(before.values()), fairness.gini(after.values())],
        "classes": [_class(question, given, urgency) for urgency in (1, 2, 3, 4)],
        **_groups(uow, before, after),
    }


def _percent(level: int) -> int:
    return level * 100 // FULL


def _mean_pct(of: Sequence[matching.OpenNeed], given: Mapping[int, int]) -> int:
    if not of:
        return 100
    levels = sum(fairness.level_of(need.covered + given.get(need.id, 0), need.quantity) for need in of)
    return _percent(levels // len(of))


def _longest(question: Question, of: Iterable[matching.OpenNeed]) -> int:
    return max(((question.run_on - need.opened_on).days for need in of), default=0)


def _class(question: Question, given: Mapping[int, int], urgency: int) -> dict[str, int]:
    inside = [need for need in question.needs if need.urgency == urgency]
    met = sum(given.get(need.id, 0) >= need.missing for need in inside)
    return {"urgency": urgency, "needs": len(inside), "met": met, "pct": _mean_pct(inside, given) if inside else 100}


def _groups(uow: UnitOfWork, before: Mapping[int, int], after: Mapping[int, int]) -> dict[str, Any]:
    """Return the mean level of households by county and by district, before and after."""
    of = queries.groups_of(uow.session, before)
    counties, districts = queries.names_of_groups(uow.session)
    by_county: dict[int, list[tuple[int, int]]] = defaultdict(list)
    by_district: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for household_id, level in before.items():
        county_id, district_id = of[household_id]
        by_county[county_id].append((level, after[household_id]))
        by_district[district_id].append((level, after[household_id]))
    return {
        "counties": [{"id": id, "name": counties[id], **_change(found)} for id, found in sorted(by_county.items())],
        "districts": [
            {"id": id, "name": districts[id][0], "county_id": districts[id][1], **_change(found)}
            for id, found in sorted(by_district.items())
        ],
    }


def _change(levels: Sequence[tuple[int, int]]) -> dict[str, int]:
    count = len(levels)
    return {
        "households": count,
        "before": _percent(sum(level for level, _ in levels) // count),
        "after": _percent(sum(level for _, level in levels) // count),
    }


# What people decide ---------------------------------------------------------------------------------------------------


def approve(uow: UnitOfWork, *, run_id: int) -> AllocationRun:
    """Approve the shares of a proposal, in the counties that the actor decides for; packing follows by itself."""
    uow.actor.require("allocation.approve")
    _one_at_a_time(uow)
    run = queries.run_for_change(uow.session, run_id)
    if run.state != RunState.PROPOSED:
        raise NotProposed(run_id=run.id, state=run.state)
    mine = visible(uow.actor, "allocation.approve", Share)
    approved = uow.session.scalars(
        update(Share)
        .where(Share.run_id == run.id, Share.state == ShareState.PROPOSED, mine)
        .values(state=ShareState.APPROVED, version=Share.version + 1)
        .returning(Share.id)
        .execution_options(synchronize_session=False)
    ).all()
    with uow.office("allocation"):
        # Other counties' shares decide whether the proposal still waits, though the actor may not read them.
        others = select(func.count()).where(Share.run_id == run.id, Share.state == ShareState.PROPOSED)
        waiting = uow.session.scalar(others)
    if not approved and waiting:
        raise NotProposed(run_id=run.id, state=run.state)
    if not waiting:
        run.state, run.approved_at = RunState.APPROVED, uow.now
    uow.session.flush()
    uow.session.expire_all()
    uow.promise("delivery.pack", subject=("allocation_run", run.id), run_id=run.id)
    uow.record("allocation.approved", subject=("allocation_run", run.id), shares=len(approved), waiting=waiting)
    return run


def pin(uow: UnitOfWork, *, share_id: int, reason: str, version: int | None = None) -> Share:
    """Keep a share whatever the next run would say."""
    share = _share(uow, share_id, version, (ShareState.PROPOSED, ShareState.APPROVED))
    share.pinned, share.pin_reason = True, _reason(reason)
    uow.record("share.pinned", subject=("share", share.id), need_id=share.need_id)
    return share


def unpin(uow: UnitOfWork, *, share_id: int, version: int | None = None) -> Share:
    """Leave a share to the next run again."""
    share = _share(uow, share_id, version, (ShareState.PROPOSED, ShareState.APPROVED))
    share.pinned, share.pin_reason = False, None
    uow.record("share.unpinned", subject=("share", share.id), need_id=share.need_id)
    return share


def release(uow: UnitOfWork, *, share_id: int, reason: str, version: int | None = None) -> Share:
    """Put a share back on the shelf: the goods are free, the need is open again."""
    share = _share(uow, share_id, version, (ShareState.PROPOSED, ShareState.APPROVED))
    why = _reason(reason)
    share.pin_reason, share.pinned = why, False
    uow.session.flush()
    _let_go(uow, [share])
    uow.record("share.released", subject=("share", share.id), need_id=share.need_id, quantity=share.quantity)
    return share


def release_for_need(uow: UnitOfWork, *, need_id: int) -> int:
    """Let go of what is held for a need that has ended; return how many shares."""
    statement = select(Share).where(
        Share.need_id == need_id, Share.state.in_([ShareState.PROPOSED, ShareState.APPROVED])
    )
    shares = uow.session.scalars(statement.with_for_update()).all()
    _let_go(uow, shares)
    packed = select(Share.id).where(Share.need_id == need_id, Share.state == ShareState.PACKED).limit(1)
    if uow.session.scalar(packed) is not None:
        uow.promise("delivery.drop_need", subject=("need", need_id), need_id=need_id)
    return len(shares)


def exclude(uow: UnitOfWork, *, need_id: int, reason: str) -> Exclusion:
    """Keep a need out of allocation until somebody takes that back; what was proposed for it is free again."""
    need = queries.need_to_decide(uow.session, uow.actor, need_id)
    why = _reason(reason)
    found = queries.exclusion(uow.session, need_id)
    if found is None:
        found = Exclusion(
            need_id=need_id, county_id=need.county_id, made_at=uow.now, made_by_id=uow.actor.id, reason=why
        )
        uow.session.add(found)
    found.reason = why
    statement = select(Share).where(Share.need_id == need_id, Share.state == ShareState.PROPOSED).with_for_update()
    _let_go(uow, uow.session.scalars(statement).all())
    uow.record("need.excluded", subject=("need", need_id))
    return found


def include(uow: UnitOfWork, *, need_id: int) -> None:
    """Let a need take part in allocation again."""
    need = queries.need_to_decide(uow.session, uow.actor, need_id)
    uow.session.execute(delete(Exclusion).where(Exclusion.need_id == need.id))
    uow.record("need.included", subject=("need", need_id))


def _share(uow: UnitOfWork, share_id: int, version: int | None, states: Sequence[ShareState]) -> Share:
    share = queries.share_for_change(uow.session, uow.actor, share_id)
    if share.state not in states:
        raise ShareGone(share_id=share.id, state=share.state)
    if version is not None and version != share.version:
        raise Stale
    return share


def _reason(reason: str | None) -> str:
    written = tidy(reason or "")
    if not written:
        raise ReasonMissing
    return written


# Pieces that are not there -------------------------------------------------------------------------------------------


def revise(uow: UnitOfWork, *, reservation_ids: Sequence[int]) -> dict[str, int]:
    """Learn that promises lost pieces: their shares shrink, their needs are open again for what they lost.

    What lies in a parcel, delivery takes out of it; whether it may have left already, only delivery knows.
    """
    statement = select(Share).where(among(Share.reservation_id, reservation_ids), Share.state.in_(HOLDING))
    shares = uow.session.scalars(statement.order_by(Share.id).with_for_update()).all()
    packed = [share.id for share in shares if share.state == ShareState.PACKED]
    if packed:
        uow.promise("delivery.revise", share_ids=packed)
    return {"needs": shrink(uow, [share.id for share in shares if share.id not in packed]), "packed": len(packed)}


def shrink(uow: UnitOfWork, share_ids: Iterable[int]) -> int:
    """Bring shares to what the ledger still holds for them, nothing or less; return how many needs lost something."""
    with uow.office("allocation"):
        found = shares_of(uow, share_ids)
        held = shortages.still_held(uow, shortages.SHARE, list(found))
        lost: Counter[int] = Counter()
        runs = {}
        for share in found.values():
            reservation_id, quantity = held.get(share.id, (None, 0))
            if quantity >= share.quantity:
                share.reservation_id = reservation_id
                continue
            covers = share.covers * quantity // share.quantity
            lost[share.need_id] += share.covers - covers
            runs[share.need_id] = share.run_id
            if quantity:
                share.quantity, share.covers, share.reservation_id = quantity, covers, reservation_id
            else:
                share.state, share.pinned = ShareState.RELEASED.value, False
        uow.session.flush()
        _tell_missing(uow, runs, lost)
    needs.unreserved(uow, {need_id: units for need_id, units in sorted(lost.items()) if units})
    if lost:
        uow.record("allocation.lost", needs=len(lost), units=lost.total())
    return len(lost)


def _tell_missing(uow: UnitOfWork, runs: Mapping[int, int], lost: Mapping[int, int]) -> None:
    """Write what needs lost among the missing shares, of the newest run where a coordinator looks."""
    again = {"code": "again", "message": say("Propose again").to_json()}
    rows = [
        {
            "run_id": queries.newest_proposal(uow.session, need.county_id) or runs[need.id],
            "need_id": need.id,
            "county_id": need.county_id,
            "urgency": need.urgency,
            "quantity": lost[need.id],
            "code": PIECES_LOST,
            "reason": say(
                "%(short)s were reserved, but are not there any more or may not be given.", short=lost[need.id]
            ).to_json(),
            "grounds": [],
            "remedies": [again],
        }
        for need in queries.needs_by_id(uow.session, lost)
        if lost[need.id]
    ]
    insert_rows(uow.session, MissingShare, rows)


# For delivery ---------------------------------------------------------------------------------------------------------


def packed(uow: UnitOfWork, *, share_ids: Sequence[int]) -> None:
    """Note that approved shares lie in parcels."""
    _mark(uow, share_ids, ShareState.PACKED)


def handed_over(uow: UnitOfWork, *, share_ids: Sequence[int]) -> None:
    """Note that shares reached their households."""
    _mark(uow, share_ids, ShareState.HANDED_OVER)


def returned(uow: UnitOfWork, *, share_ids: Sequence[int]) -> None:
    """Note that shares came back: they hold nothing any more."""
    _mark(uow, share_ids, ShareState.RELEASED)


def hold_again(uow: UnitOfWork, *, reservations: Mapping[int, int]) -> None:
    """Note by which reservation shares are held now: ``{share_id: reservation_id}``."""
    with uow.office("allocation"):
        uow.session.execute(
            text(
                "UPDATE share SET reservation_id = made.reservation_id, version = version + 1 "
                "FROM unnest(CAST(:ids AS bigint[]), CAST(:reservations AS bigint[])) "
                "AS made (share_id, reservation_id) WHERE share.id = made.share_id"
            ),
            {"ids": list(reservations), "reservations": list(reservations.values())},
        )


def shares_of(uow: UnitOfWork, share_ids: Iterable[int]) -> dict[int, Share]:
    """Return shares by id, as they are now, for what follows from a deed of delivery."""
    with uow.office("allocation"):
        statement = select(Share).where(among(Share.id, share_ids)).execution_options(populate_existing=True)
        return {share.id: share for share in uow.session.scalars(statement)}


def _mark(uow: UnitOfWork, share_ids: Sequence[int], state: ShareState) -> None:
    if not share_ids:
        return
    with uow.office("allocation"):
        uow.session.execute(
            update(Share)
            .where(among(Share.id, share_ids))
            .values(state=state.value, version=Share.version + 1)
            .execution_options(synchronize_session=False)
        )
