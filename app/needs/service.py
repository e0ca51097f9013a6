"""What happens to signals, households and needs. The only writer of their tables.

Other packages tell it how much of a need is reserved, packed, loaded and handed over; quantities and states are kept
here alone. Those calls take thousands of needs in two statements, in the office of the needs: what follows from
a deed elsewhere is done whatever the rights of whoever did it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from sqlalchemy import CursorResult, text

from app.foundation import personal
from app.foundation.errors import Stale
from app.foundation.paging import Page
from app.foundation.text import tidy
from app.foundation.unit_of_work import UnitOfWork
from app.foundation.words import Message, say
from app.needs import matching_people, queries, triage, word_check
from app.needs.errors import (
    AlreadyDecided,
    GivenRecently,
    HouseholdElsewhere,
    NeedOver,
    NeedUnderWay,
    ReasonMissing,
    ReferenceUsed,
    ReportInvalid,
    RuleInvalid,
    WordsToCheck,
)
from app.needs.models import (
    AGE_BANDS,
    WAITING,
    Heating,
    Household,
    Need,
    NeedState,
    Signal,
    SignalLine,
    SignalState,
    UrgencyRule,
)
from app.needs.queries import HOUSEHOLD_FACTS, SIGNAL_FACTS
from app.needs.working_days import HOME, one_working_day_after
from app.partners import queries as partners
from app.partners.errors import NoAgreement

if TYPE_CHECKING:
    from app.catalogue.models import Item

CHANNELS = ("page", "api", "phone", "spreadsheet", "link")
LINES_MAX = 40
QUANTITY_MAX = 1_000_000
WANTED_WITHIN = timedelta(days=730)
MEDICAL = "medical"
"""The category of things that tell of health."""
OVER = tuple(str(state) for state in NeedState if state not in WAITING)


@dataclass(frozen=True)
class Line:
    """One thing asked for."""

    item_id: int
    quantity: int
    wanted_by: date | None = None
    substitutes_accepted: bool = True


# Signals --------------------------------------------------------------------------------------------------------------


def report(
    uow: UnitOfWork,
    *,
    organisation_id: int,
    settlement_id: int | None,
    lines: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any] | None = None,
    reference: str | None = None,
    channel: str = "page",
    contact_name: str | None = None,
    phone: str | None = None,
    street: str | None = None,
    note: str | None = None,
    words_checked: bool = False,
) -> Signal:
    """Take in what a partner reports. The same partner and reference is the same signal, told once.

    ``lines`` are mappings of item_id (or item: its code), quantity, wanted_by and substitutes_accepted.
    ``words_checked`` says that the writer has looked at the words the check found.
    """
    uow.actor.require("signals.report")
    home = queries.home(uow.session, settlement_id) if settlement_id else None
    today = _today(uow)
    if home is not None:
        uow.actor.require_for("signals.report", organisation=organisation_id, county=home.county_id)
        _gate(uow, organisation_id, today)
    known, wrong = _known_facts(facts or {})
    asked, wrong_lines = _lines(uow, lines, today)
    wrong |= wrong_lines
    if home is None:
        wrong["settlement_id"] = [say("There is no such settlement. Choose one from the list.")]
    if channel not in CHANNELS:
        wrong["channel"] = [say("There is no such channel.")]
    if wrong:
        raise ReportInvalid(wrong)
    assert home is not None, "a missing home was refused above"
    texts = {"contact_name": contact_name, "phone": phone, "street": street, "note": note}
    texts = {name: tidy(value) if value else None for name, value in texts.items()}
    content = _content_hash(home.id, known, asked, texts)
    reference = tidy(reference) if reference else ""
    reference = reference or f"~{uuid4().hex[:12]}"
    earlier = queries.signal_by_reference(uow.session, organisation_id, reference)
    if earlier is not None:
        if earlier.content_hash == content:
            return earlier
        raise ReferenceUsed(reference=reference, signal=earlier.code, received_at=earlier.received_at.isoformat())
    kinds = _check_words(texts, words_checked)
    verdict = _judge_lines(uow, known, asked, today)
    signal = Signal(
        organisation_id=organisation_id,
        reporter_id=uow.actor.id,
        reference=reference,
        channel=channel,
        settlement_id=home.id,
        county_id=home.county_id,
        facts=known,
        urgency=verdict.urgency,
        content_hash=content,
        received_at=uow.now,
        acknowledge_by=one_working_day_after(uow.now),
        lines=[
            SignalLine(
                item_id=line.item_id,
                quantity=line.quantity,
                wanted_by=line.wanted_by,
                substitutes_accepted=line.substitutes_accepted,
            )
            for line in asked
        ],
    )
    for name, value in texts.items():
        setattr(signal, name, value)
    uow.session.add(signal)
    uow.session.flush()
    uow.record(
        "signal.received",
        subject=("signal", signal.id),
        organisation_id=organisation_id,
        channel=channel,
        urgency=verdict.urgency,
        lines=len(asked),
        **({"words_kept": kinds} if kinds else {}),
    )
    return signal


def _gate(uow: UnitOfWork, organisation_id: int, today: date) -> None:
    if not partners.may_report(uow.session, organisation_id, today):
        organisation = partners.organisation(uow.session, uow.actor, organisation_id)
        raise NoAgreement(
            organisation_id=organisation_id,
            organisation=organisation.name,
            on=today,
            ended_on=partners.last_agreement_ended_on(uow.session, organisation_id, today),
        )


_YES_OR_NO = tuple(name for name in (*HOUSEHOLD_FACTS, *SIGNAL_FACTS) if name not in ("size", "heating", *AGE_BANDS))


def _known_facts(facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[Message | str]]]:
    """Return the facts in one form, and what is wrong with them by field."""
    wrong: dict[str, list[Message | str]] = {}
    for name in facts:
        if name not in HOUSEHOLD_FACTS and name not in SIGNAL_FACTS:
            wrong["facts"] = [say("This fact is not known here: %(name)s", name=str(name)[:60])]
    known: dict[str, Any] = {}
    for band in AGE_BANDS:
        number = facts.get(band) or 0
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 30:
            wrong[band] = [say("Write how many people, 0 to 30.")]
            number = 0
        known[band] = number
    people = sum(known[band] for band in AGE_BANDS)
    size = people if facts.get("size") is None else facts["size"]
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 30:
        wrong["size"] = [say("Say how many people live there: 1 to 30.")]
    elif size < people:
        wrong["size"] = [
            say("The ages add up to %(people)s people, but the household has %(size)s.", people=people, size=size)
        ]
    known["size"] = size
    heating = facts.get("heating") or Heating.UNKNOWN
    if heating not in list(Heating):
        wrong["heating"] = [say("There is no such kind of heating.")]
    known["heating"] = str(heating)
    for name in _YES_OR_NO:
        value = facts.get(name, False)
        if value is not None and not isinstance(value, bool):
            wrong[name] = [say("Answer with yes or no.")]
        known[name] = value is True
    if known["baby_without_formula"] and not known["age_0_1"] and not known["age_2_5"]:
        wrong["baby_without_formula"] = [say("Say above how many babies live there.")]
    ordered = {name: known[name] for name in (*HOUSEHOLD_FACTS, *SIGNAL_FACTS)}
    return ordered, wrong


def _lines(
    uow: UnitOfWork, lines: Iterable[Mapping[str, Any]], today: date
) -> tuple[list[Line], dict[str, list[Message | str]]]:
    """Return what is asked for, each item once, and what is wrong with it by field."""
    given = list(lines)
    if not given:
        return [], {"lines": [say("Say what is missing: choose at least one thing.")]}
    if len(given) > LINES_MAX:
        return [], {
            "lines": [say("One report holds at most %(most)s things. Send the rest in another.", most=LINES_MAX)]
        }
    codes = queries.item_ids(uow.session, {str(line["item"]) for line in given if line.get("item")})
    ids = [line.get("item_id") or codes.get(str(line.get("item"))) for line in given]
    known = queries.items(uow.session, {each for each in ids if each})
    wrong: dict[str, list[Message | str]] = {}
    asked: dict[int, Line] = {}
    for number, (line, item_id) in enumerate(zip(given, ids, strict=True)):
        quantity, wanted_by = line.get("quantity"), line.get("wanted_by")
        if item_id not in known:
            wrong[f"lines.{number}.item_id"] = [say("There is no such item. Choose one from the list.")]
            continue
        if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= QUANTITY_MAX:
            wrong[f"lines.{number}.quantity"] = [say("Write how many, from 1 to %(most)s.", most=QUANTITY_MAX)]
            continue
        if wanted_by is not None and not today <= wanted_by <= today + WANTED_WITHIN:
            wrong[f"lines.{number}.wanted_by"] = [say("The day it is wanted by is past, or too far away.")]
            continue
        before = asked.get(item_id)
        dates = [day for day in (wanted_by, before.wanted_by if before else None) if day]
        asked[item_id] = Line(
            item_id,
            min(quantity + (before.quantity if before else 0), QUANTITY_MAX),
            min(dates) if dates else None,
            bool(line.get("substitutes_accepted", True)) and (before is None or before.substitutes_accepted),
        )
    return list(asked.values()), wrong


def _check_words(texts: Mapping[str, str | None], words_checked: bool) -> list[str]:
    """Warn the writer about what must not be kept; return the kinds that stay after a second look."""
    # A name or a street may sound like anything; what is told about people stands in the note.
    looked_at = {name: texts.get(name) for name in ("note", "phone")}
    found = {name: word_check.check(value) for name, value in looked_at.items() if value}
    kinds = list(dict.fromkeys(str(finding.kind) for findings in found.values() for finding in findings))
    if kinds and not words_checked:
        fields: dict[str, list[Message | str]] = {
            name: [
                say("“%(word)s” tells of %(kind)s.", word=finding.word, kind=word_check.TITLES[finding.kind])
                for finding in findings[:5]
            ]
            for name, findings in found.items()
            if findings
        }
        raise WordsToCheck(fields, kinds)
    return kinds


def _content_hash(
    settlement_id: int, facts: Mapping[str, Any], lines: Iterable[Line], texts: Mapping[str, str | None]
) -> str:
    """Return a keyed hash: it tells equal from other, and nothing about a phone number to whoever steals it."""
    content = {
        "settlement": settlement_id,
        "facts": facts,
        "lines": sorted(
            [line.item_id, line.quantity, str(line.wanted_by), line.substitutes_accepted] for line in lines
        ),
        "texts": texts,
    }
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hmac.new(personal.keyring().index_key, canonical, hashlib.sha256).hexdigest()


def _judge_lines(uow: UnitOfWork, facts: Mapping[str, Any], lines: Iterable[Line], today: date) -> triage.Verdict:
    """Return the verdict on the most urgent line."""
    items = queries.items(uow.session, {line.item_id for line in lines})
    judge = _Judge(uow, today)
    verdicts = [judge(facts, items[line.item_id].category_id, line.wanted_by, today) for line in lines]
    return min(verdicts, key=lambda verdict: verdict.urgency)


class _Judge:
    """The urgency table of today, ready to judge many needs."""

    def __init__(self, uow: UnitOfWork, today: date) -> None:
        self.today = today
        self.codes = queries.category_codes(uow.session)
        self.rules = [
            triage.Rule(row.fact, row.urgency, row.threshold, row.category) for row in queries.rules(uow.session)
        ]

    def __call__(
        self, facts: Mapping[str, Any], category_id: int, wanted_by: date | None, since: date
    ) -> triage.Verdict:
        codes = self.codes.get(category_id, frozenset())
        known = triage.facts_of(
            facts, on=self.today, waiting_since=since, wanted_by=wanted_by, medical_item=MEDICAL in codes
        )
        return triage.judge(self.rules, known, codes)


def preview(uow: UnitOfWork, row: queries.SignalRow) -> triage.Verdict:
    """Return how urgent a signal would be judged today, and why."""
    judge = _Judge(uow, _today(uow))
    since = row.signal.received_at.astimezone(HOME).date()
    verdicts = [judge(row.signal.facts, each.item.category_id, each.line.wanted_by, since) for each in row.asked] or [
        triage.Verdict(triage.CALMEST, (triage.NO_GROUND,))
    ]
    return min(verdicts, key=lambda verdict: verdict.urgency)


def _today(uow: UnitOfWork) -> date:
    return uow.now.astimezone(HOME).date()


def signal(uow: UnitOfWork, signal_id: int) -> queries.SignalRow:
    """Return a signal that the actor may see, with what became of each line."""
    return _with_outcome(uow, [queries.signal(uow.session, uow.actor, signal_id)])[0]


def signals(uow: UnitOfWork, **asked: Any) -> Page[queries.SignalRow]:
    """Return a page of signals that the actor may see, with what became of each line."""
    found = queries.signals(uow.session, uow.actor, now=uow.now, **asked)
    return Page(_with_outcome(uow, found.rows), found.next_after, found.total)


def _with_outcome(uow: UnitOfWork, rows: Sequence[queries.SignalRow]) -> list[queries.SignalRow]:
    """Add the needs that a merged signal joined: another partner's, of which its reporter learns the outcome only."""
    hidden = {each.line.need_id for row in rows for each in row.asked if each.line.need_id and each.need is None}
    if not hidden:
        return list(rows)
    with uow.office("needs"):
        known = queries.needs_by_id(uow.session, hidden)
    return [
        replace(row, asked=[each._replace(need=each.need or known.get(each.line.need_id or 0)) for each in row.asked])
        for row in rows
    ]


def acknowledge(uow: UnitOfWork, signal_id: int) -> Signal:
    """Say that somebody has seen the signal. Saying it twice changes nothing."""
    signal = _to_decide(uow, signal_id)
    if signal.acknowledged_at is None:
        _mark_acknowledged(uow, signal)
        signal.state = SignalState.ACKNOWLEDGED
        uow.session.flush()
    return signal


def _mark_acknowledged(uow: UnitOfWork, signal: Signal) -> None:
    if signal.acknowledged_at is None:
        signal.acknowledged_at = uow.now
        uow.record("signal.acknowledged", subject=("signal", signal.id), in_time=bool(uow.now <= signal.acknowledge_by))


def confirm(
    uow: UnitOfWork, signal_id: int, household_id: int | None = None, *, again_reason: str | None = None
) -> Household:
    """Confirm a signal: its household is kept (a new one, or the known one given), its needs are opened."""
    signal = _to_decide(uow, signal_id)
    household = _known_household(uow, signal, household_id) if household_id else _new_household(uow, signal)
    opened = _open_needs(uow, signal, household, again_reason)
    _decide(uow, signal, SignalState.CONFIRMED, household)
    uow.record(
        "signal.confirmed",
        subject=("signal", signal.id),
        household_id=household.id,
        known=household_id is not None,
        need_ids=[need.id for need in opened],
        **({"given_again": True} if again_reason else {}),
    )
    return household


def merge(uow: UnitOfWork, signal_id: int, into_household_id: int, *, again_reason: str | None = None) -> Household:
    """Say that the signal tells of a household we know from another signal; partners never see each other's text.

    What the household waits for already is not asked for twice; the rest is opened.
    """
    signal = _to_decide(uow, signal_id)
    household = _known_household(uow, signal, into_household_id)
    opened = _open_needs(uow, signal, household, again_reason)
    signal.merged_into_id = queries.latest_signal_of(uow.session, household.id, but=signal.id)
    _decide(uow, signal, SignalState.MERGED, household)
    uow.record(
        "signal.merged",
        subject=("signal", signal.id),
        household_id=household.id,
        merged_into_id=signal.merged_into_id,
        need_ids=[need.id for need in opened],
    )
    _answer(uow, signal_ids=[signal.id])
    return household


def refuse(uow: UnitOfWork, signal_id: int, reason: str | None) -> Signal:
    """Say no to a signal. The reporter reads the reason."""
    reason = tidy(reason or "")
    if not reason:
        raise ReasonMissing
    signal = _to_decide(uow, signal_id)
    signal.refusal_reason = reason
    _mark_acknowledged(uow, signal)
    signal.state, signal.decided_at, signal.decided_by_id = SignalState.REFUSED, uow.now, uow.actor.id
    signal.answered_at = uow.now
    _forget_contact(signal)
    uow.session.flush()
    uow.record("signal.refused", subject=("signal", signal.id))
    return signal


def _to_decide(uow: UnitOfWork, signal_id: int) -> Signal:
    uow.actor.require("signals.triage")
    signal = queries.signal_for_change(uow.session, uow.actor, signal_id)
    if signal.decided_at is not None:
        raise AlreadyDecided(signal=signal.code, state=signal.state, decided_at=signal.decided_at.isoformat())
    return signal


def _decide(uow: UnitOfWork, signal: Signal, state: SignalState, household: Household) -> None:
    _mark_acknowledged(uow, signal)
    signal.state, signal.household_id = state, household.id
    signal.decided_at, signal.decided_by_id = uow.now, uow.actor.id
    # The household keeps them now; one copy is enough to keep, and to erase.
    _forget_contact(signal)
    uow.session.flush()


def _forget_contact(signal: Signal) -> None:
    signal.contact_name = signal.phone = signal.street = None


def _new_household(uow: UnitOfWork, signal: Signal) -> Household:
    household = Household(county_id=signal.county_id, settlement_id=signal.settlement_id, opened_at=uow.now)
    _take_over(household, signal)
    uow.session.add(household)
    uow.session.flush()
    uow.record("household.opened", subject=("household", household.id), signal_id=signal.id)
    return household


def _known_household(uow: UnitOfWork, signal: Signal, household_id: int) -> Household:
    household = queries.household_for_change(uow.session, uow.actor, household_id)
    if household.county_id != signal.county_id:
        raise HouseholdElsewhere(household=household.code, signal=signal.code)
    uow.saw(("household", household.id), why="signal")
    _take_over(household, signal)
    uow.record("household.updated", subject=("household", household.id), signal_id=signal.id)
    uow.session.flush()
    return household


def _take_over(household: Household, signal: Signal) -> None:
    """Bring a household up to date with the newest signal; what the signal does not know stays."""
    for name in HOUSEHOLD_FACTS:
        value = signal.facts.get(name)
        if value is not None and not (name == "heating" and value == Heating.UNKNOWN and household.heating):
            setattr(household, name, value)
    household.settlement_id = signal.settlement_id
    for name in ("contact_name", "phone", "street"):
        told = getattr(signal, name)
        if told:
            setattr(household, name, told)
    if household.contact_name:
        household.name_index = personal.blind(household.contact_name, str(household.settlement_id))


def _open_needs(uow: UnitOfWork, signal: Signal, household: Household, again_reason: str | None) -> list[Need]:
    waiting = queries.waiting_needs_by_item(uow.session, household.id)
    wanted = [line for line in signal.lines if line.item_id not in waiting]
    _guard_against_twice(uow, household, wanted, again_reason)
    items = queries.items(uow.session, {line.item_id for line in wanted})
    judge = _Judge(uow, _today(uow))
    since = signal.received_at.astimezone(HOME).date()
    opened = []
    for line in signal.lines:
        need = waiting.get(line.item_id)
        if need is None:
            item: Item | None = items.get(line.item_id)
            verdict = judge(_facts_of(household, signal), item.category_id if item else 0, line.wanted_by, since)
            need = Need(
                household_id=household.id,
                signal_id=signal.id,
                organisation_id=signal.organisation_id,
                county_id=household.county_id,
                settlement_id=household.settlement_id,
                item_id=line.item_id,
                quantity=line.quantity,
                urgency=verdict.urgency,
                urgency_grounds=[ground.to_json() for ground in verdict.grounds],
                substitutes_accepted=line.substitutes_accepted,
                wanted_by=line.wanted_by,
                # Waiting began when the partner told us, not when we came round to it.
                opened_at=signal.received_at,
            )
            uow.session.add(need)
            opened.append(need)
            waiting[line.item_id] = need
        elif line.wanted_by and (need.wanted_by is None or line.wanted_by < need.wanted_by):
            need.wanted_by = line.wanted_by
    uow.session.flush()
    for line in signal.lines:
        line.need_id = waiting[line.item_id].id
    for need in opened:
        uow.record("need.opened", subject=("need", need.id), urgency=need.urgency, quantity=need.quantity)
    return opened


def _facts_of(household: Household, signal: Signal) -> dict[str, Any]:
    known = {name: getattr(household, name) for name in HOUSEHOLD_FACTS}
    return known | {name: signal.facts.get(name) for name in SIGNAL_FACTS}


def _guard_against_twice(
    uow: UnitOfWork, household: Household, wanted: Iterable[SignalLine], again_reason: str | None
) -> None:
    given = queries.given_lately(uow.session, household.id, [line.item_id for line in wanted], now=uow.now)
    if given and not again_reason:
        raise GivenRecently(
            household=household.code,
            items=[
                {"item": item.name_hu, "handed_over_at": at.isoformat(), "interval_days": item.given_again_after_days}
                for item, at in given
            ],
        )


def suggestions(uow: UnitOfWork, row: queries.SignalRow) -> list[matching_people.Suggestion]:
    """Return households that may be the one in the signal, the likeliest first. A person decides."""
    uow.actor.require("households.read")
    signal = row.signal
    name = signal.contact_name
    index = personal.blind(name, str(signal.settlement_id)) if name else None
    return matching_people.suggest(
        name_index=index,
        settlement_id=signal.settlement_id,
        facts=signal.facts,
        known=queries.known_households(uow.session, signal.settlement_id),
    )[:5]


# Needs: what happens to them elsewhere ------------------------------------------------------------------------------

# The needs are locked in the order of their ids first, so that two of these never wait for each other.
_LOCK = text("SELECT id FROM need WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
_BY_QUANTITY = "FROM unnest(CAST(:ids AS bigint[]), CAST(:quantities AS bigint[])) AS told(id, quantity)"

_RESERVED = text(
    f"""
    UPDATE need SET quantity_reserved = quantity_reserved + told.quantity, version = version + 1,
        state = CASE WHEN state = 'open' THEN 'reserved' ELSE state END
    {_BY_QUANTITY} WHERE need.id = told.id AND need.closed_at IS NULL
    """
)
_UNRESERVED = text(
    f"""
    UPDATE need SET quantity_reserved = GREATEST(quantity_reserved - told.quantity, 0), version = version + 1,
        state = CASE WHEN closed_at IS NULL AND quantity_reserved <= told.quantity THEN 'open' ELSE state END
    {_BY_QUANTITY} WHERE need.id = told.id
    """
)
_REOPENED = text(
    f"""
    UPDATE need SET quantity_reserved = GREATEST(quantity_reserved - told.quantity, 0), version = version + 1,
        state = CASE WHEN closed_at IS NOT NULL THEN state
                     WHEN quantity_reserved <= told.quantity THEN 'open'
                     ELSE 'reserved' END
    {_BY_QUANTITY} WHERE need.id = told.id
    """
)
_HANDED_OVER = text(
    f"""
    UPDATE need SET
        quantity_reserved = GREATEST(quantity_reserved - told.quantity, 0),
        quantity_handed_over = quantity_handed_over + told.quantity,
        version = version + 1,
        state = CASE WHEN quantity_handed_over + told.quantity >= need.quantity THEN 'handed_over'
                     WHEN closed_at IS NOT NULL THEN state
                     WHEN quantity_reserved > told.quantity THEN state
                     ELSE 'open' END,
        closed_at = CASE WHEN quantity_handed_over + told.quantity >= need.quantity THEN COALESCE(closed_at, :now)
                         ELSE closed_at END
    {_BY_QUANTITY} WHERE need.id = told.id
    """
)
_MARKED = text(
    "UPDATE need SET state = :state, version = version + 1 "
    "WHERE id = ANY(:ids) AND closed_at IS NULL AND state <> :state"
)
_GIVEN_AT = text(
    "UPDATE household SET last_handed_over_at = :now, version = version + 1 "
    "WHERE id IN (SELECT household_id FROM need WHERE id = ANY(:ids))"
)
_ANSWERED = text(
    """
    UPDATE signal SET state = 'answered', answered_at = :now, version = version + 1
    WHERE state IN ('confirmed', 'merged')
        AND (id = ANY(:signal_ids) OR id IN (SELECT signal_id FROM signal_line WHERE need_id = ANY(:need_ids)))
        AND NOT EXISTS (
            SELECT 1 FROM signal_line JOIN need ON need.id = signal_line.need_id
            WHERE signal_line.signal_id = signal.id AND need.closed_at IS NULL)
    RETURNING id
    """
)


def reserved(uow: UnitOfWork, quantities: Mapping[int, int]) -> None:
    """Goods are reserved for these needs: ``{need_id: quantity}``."""
    _tell(uow, _RESERVED, quantities, "needs.reserved")


def unreserved(uow: UnitOfWork, quantities: Mapping[int, int]) -> None:
    """Goods went back to the shelf: ``{need_id: quantity}``; a need without any is open again."""
    _tell(uow, _UNRESERVED, quantities, "needs.unreserved")


def planned(uow: UnitOfWork, need_ids: Collection[int]) -> None:
    """Goods for these needs are on a published run."""
    _mark(uow, need_ids, NeedState.PLANNED)


def unplanned(uow: UnitOfWork, need_ids: Collection[int]) -> None:
    """The run was withdrawn: the goods are still reserved."""
    _mark(uow, need_ids, NeedState.RESERVED)


def loaded(uow: UnitOfWork, need_ids: Collection[int]) -> None:
    """Goods for these needs are on a van."""
    _mark(uow, need_ids, NeedState.LOADED)


def handed_over(uow: UnitOfWork, need_id: int, quantity: int) -> None:
    """Goods for one need were handed over. When all of it was, the need is over, and perhaps its signal too."""
    handed_over_many(uow, {need_id: quantity})


def handed_over_many(uow: UnitOfWork, quantities: Mapping[int, int]) -> None:
    """Goods were handed over: ``{need_id: quantity}``, in the need's own item's units."""
    quantities = {need_id: quantity for need_id, quantity in quantities.items() if quantity > 0}
    if not quantities:
        return
    _tell(uow, _HANDED_OVER, quantities, "needs.handed_over", now=uow.now)
    ids = sorted(quantities)
    with uow.office("needs"):
        uow.session.execute(_GIVEN_AT, {"ids": ids, "now": uow.now})
    _refresh(uow, Household, None)
    _answer(uow, need_ids=ids)


def reopen(uow: UnitOfWork, need_ids: Collection[int] | Mapping[int, int]) -> None:
    """Goods came back: ``{need_id: quantity}``, or need ids when all that was reserved for them did."""
    if isinstance(need_ids, Mapping):
        quantities = dict(need_ids)
    else:
        quantities = dict.fromkeys(need_ids, 2**40)
    _tell(uow, _REOPENED, quantities, "needs.reopened")


def _tell(uow: UnitOfWork, statement: Any, quantities: Mapping[int, int], deed: str, **more: Any) -> None:
    if not quantities:
        return
    assert all(quantity > 0 for quantity in quantities.values()), "quantities of needs are told as positive numbers"
    ids = sorted(quantities)
    told = {"ids": ids, "quantities": [quantities[need_id] for need_id in ids], **more}
    changed = _write(uow, statement, told)
    assert changed == len(ids) or statement is _RESERVED, f"{deed}: {changed} of {len(ids)} needs were found"
    _refresh(uow, Need, set(ids))
    one = ids[0] if len(ids) == 1 else None
    uow.record(
        deed,
        subject=("need", one),
        needs=changed,
        **({"quantity": quantities[ids[0]]} if one and quantities[ids[0]] < 2**40 else {}),
    )


def _mark(uow: UnitOfWork, need_ids: Collection[int], state: NeedState) -> None:
    ids = sorted(set(need_ids))
    if not ids:
        return
    changed = _write(uow, _MARKED, {"ids": ids, "state": str(state)})
    _refresh(uow, Need, set(ids))
    uow.record(f"needs.{state}", subject=("need", ids[0] if len(ids) == 1 else None), needs=changed)


def _write(uow: UnitOfWork, statement: Any, told: dict[str, Any]) -> int:
    """Lock the needs in order, run the statement, return how many rows it changed."""
    with uow.office("needs"):
        uow.session.execute(_LOCK, {"ids": told["ids"]})
        changed = cast("CursorResult[Any]", uow.session.execute(statement, told))
    return changed.rowcount


def _answer(uow: UnitOfWork, *, need_ids: Collection[int] = (), signal_ids: Collection[int] = ()) -> None:
    """Close the signals whose needs are all over; their reporters see the outcome."""
    told = {"need_ids": list(need_ids), "signal_ids": list(signal_ids), "now": uow.now}
    with uow.office("needs"):
        found = uow.session.scalars(_ANSWERED, told).all()
    for signal_id in found:
        uow.record("signal.answered", subject=("signal", signal_id))
    if found:
        _refresh(uow, Signal, set(found))


def _refresh(uow: UnitOfWork, table: type[Any], ids: set[int] | None) -> None:
    """Let the next look at objects of this session read what a statement has just written."""
    for record in list(uow.session.identity_map.values()):
        if isinstance(record, table) and (ids is None or record.id in ids):
            uow.session.expire(record)


# Needs: what a coordinator decides ----------------------------------------------------------------------------------


def close(uow: UnitOfWork, need_id: int, *, reason: str, state: str = NeedState.NOT_NEEDED) -> Need:
    """Close a need: not needed any more, or it cannot be met. What was reserved for it goes back to the shelf."""
    uow.actor.require("needs.change")
    reason = tidy(reason or "")
    if not reason:
        raise ReasonMissing
    assert state in (NeedState.NOT_NEEDED, NeedState.CANNOT_BE_MET), "handed over is told by delivery"
    need = queries.need_for_change(uow.session, uow.actor, need_id)
    if need.closed_at is not None:
        raise NeedOver(need_id=need_id, state=need.state)
    if need.state == NeedState.LOADED:
        raise NeedUnderWay(need_id=need_id, state=need.state)
    was_reserved = need.quantity_reserved
    need.state, need.closed_at, need.close_reason = state, uow.now, reason
    uow.session.flush()
    uow.record("need.closed", subject=("need", need_id), state=state, quantity_reserved=was_reserved)
    if was_reserved:
        uow.promise("allocation.release", subject=("need", need_id), need_id=need_id)
    _answer(uow, need_ids=[need_id])
    return need


def reopen_closed(uow: UnitOfWork, need_id: int) -> Need:
    """Take back a closing: the need waits again, as long as before."""
    uow.actor.require("needs.change")
    need = queries.need_for_change(uow.session, uow.actor, need_id)
    if need.closed_at is None or need.state == NeedState.HANDED_OVER:
        raise NeedOver(need_id=need_id, state=need.state)
    need.state = NeedState.RESERVED if need.quantity_reserved else NeedState.OPEN
    need.closed_at = need.close_reason = None
    uow.session.flush()
    uow.record("need.reopened", subject=("need", need_id))
    return need


def override_urgency(
    uow: UnitOfWork, need_id: int, *, urgency: int | None, reason: str | None, version: int | None = None
) -> Need:
    """Put a need into another class than the table says, with a reason; None lets the table decide again."""
    uow.actor.require("needs.change")
    reason = tidy(reason or "")
    if urgency is not None and not reason:
        raise ReasonMissing
    need = queries.need_for_change(uow.session, uow.actor, need_id)
    if version is not None and need.version != version:
        raise Stale(version=need.version)
    if need.closed_at is not None:
        raise NeedOver(need_id=need_id, state=need.state)
    before = need.urgency
    need.urgency_override, need.urgency_override_reason = urgency, reason if urgency else None
    if urgency is not None:
        need.urgency = urgency
    uow.session.flush()
    if urgency is None:
        judge_needs(uow, [need_id])
        uow.session.refresh(need)
    uow.record(
        "need.urgency", subject=("need", need_id), before=before, urgency=need.urgency, by_hand=urgency is not None
    )
    return need


# The urgency table ----------------------------------------------------------------------------------------------------

_JUDGED = text(
    """
    UPDATE need SET urgency = told.urgency, urgency_grounds = CAST(told.grounds AS jsonb), version = version + 1
    FROM unnest(CAST(:ids AS bigint[]), CAST(:urgencies AS bigint[]), CAST(:grounds AS text[]))
        AS told(id, urgency, grounds)
    WHERE need.id = told.id AND need.closed_at IS NULL
    """
)


def judge_needs(uow: UnitOfWork, need_ids: Collection[int] | None = None) -> int:
    """Judge the needs that wait by today's table; return how many changed. Waiting makes a need more urgent."""
    judge = _Judge(uow, _today(uow))
    changed: list[tuple[int, int, str]] = []
    for row in queries.needs_to_judge(uow.session, need_ids):
        verdict = judge(row.household, row.category_id, row.wanted_by, row.opened_at.astimezone(HOME).date())
        grounds = [ground.to_json() for ground in verdict.grounds]
        urgency = row.override or verdict.urgency
        if (urgency, grounds) != (row.urgency, row.grounds):
            changed.append((row.id, urgency, json.dumps(grounds)))
    if changed:
        changed.sort()
        ids, urgencies, written = (list(column) for column in zip(*changed, strict=True))
        uow.session.execute(_LOCK, {"ids": ids})
        uow.session.execute(_JUDGED, {"ids": ids, "urgencies": urgencies, "grounds": written})
        _refresh(uow, Need, set(ids))
        uow.record("needs.judged", needs=len(changed))
    return len(changed)


_SIGNALS_JUDGED = text(
    """
    UPDATE signal SET urgency = told.urgency, version = version + 1
    FROM unnest(CAST(:ids AS bigint[]), CAST(:urgencies AS bigint[])) AS told(id, urgency)
    WHERE signal.id = told.id AND signal.decided_at IS NULL
    """
)


def judge_signals(uow: UnitOfWork) -> int:
    """Judge the signals that nobody has decided on, so that the queue keeps its order; return how many changed."""
    judge = _Judge(uow, _today(uow))
    classes: dict[int, int] = {}
    before: dict[int, int] = {}
    for row in queries.signals_to_judge(uow.session):
        before[row.id] = row.urgency
        verdict = judge(row.facts, row.category_id, row.wanted_by, row.received_at.astimezone(HOME).date())
        classes[row.id] = min(classes.get(row.id, triage.CALMEST), verdict.urgency)
    changed = {signal_id: urgency for signal_id, urgency in classes.items() if urgency != before[signal_id]}
    if changed:
        ids = sorted(changed)
        told = {"ids": ids, "urgencies": [changed[signal_id] for signal_id in ids]}
        uow.session.execute(_SIGNALS_JUDGED, told)
        _refresh(uow, Signal, set(ids))
        uow.record("signals.judged", signals=len(ids))
    return len(changed)


def change_rule(
    uow: UnitOfWork,
    rule_id: int,
    *,
    urgency: int,
    threshold: int | None = None,
    category: str | None = None,
    active: bool = True,
    version: int | None = None,
) -> UrgencyRule:
    """Change a row of the urgency table; needs that wait are judged anew by a job."""
    uow.actor.require("urgency.manage")
    rule = queries.rule_for_change(uow.session, rule_id)
    if version is not None and rule.version != version:
        raise Stale(version=rule.version)
    _check_rule(uow, rule.fact, urgency, threshold, category)
    before = _written(rule)
    rule.urgency, rule.threshold, rule.category, rule.active = urgency, threshold, category, active
    if _written(rule) != before:
        rule.changed_at, rule.changed_by_id = uow.now, uow.actor.id
        uow.session.flush()
        uow.record(
            "urgency_rule.changed",
            subject=("urgency_rule", rule.id),
            fact=rule.fact,
            before=before,
            after=_written(rule),
        )
        uow.promise("needs.judge")
    return rule


def add_rule(
    uow: UnitOfWork, *, fact: str, urgency: int, threshold: int | None = None, category: str | None = None
) -> UrgencyRule:
    """Add a row to the urgency table."""
    uow.actor.require("urgency.manage")
    _check_rule(uow, fact, urgency, threshold, category)
    last = max((rule.position for rule in queries.rules(uow.session, active=False)), default=0)
    rule = UrgencyRule(
        position=last + 10,
        fact=fact,
        urgency=urgency,
        threshold=threshold,
        category=category,
        changed_at=uow.now,
        changed_by_id=uow.actor.id,
    )
    uow.session.add(rule)
    uow.session.flush()
    uow.record("urgency_rule.added", subject=("urgency_rule", rule.id), fact=fact, after=_written(rule))
    uow.promise("needs.judge")
    return rule


def _check_rule(uow: UnitOfWork, fact: str, urgency: int, threshold: int | None, category: str | None) -> None:
    known = triage.FACTS.get(fact)
    if known is None:
        raise RuleInvalid("fact", say("There is no such fact. Choose one from the list."))
    if urgency not in range(1, 5):
        raise RuleInvalid("urgency", say("Urgency classes are 1 to 4."))
    if known.counts and (threshold is None or not 0 <= threshold <= 3650):
        raise RuleInvalid("threshold", say("This fact is a number: say from which value on, 0 to 3,650."))
    if not known.counts and threshold is not None:
        raise RuleInvalid("threshold", say("This fact is yes or no: it has no number."))
    if category is not None and category not in {each.code for each in queries.categories(uow.session)}:
        raise RuleInvalid("category", say("There is no such category. Choose one from the list."))


def _written(rule: UrgencyRule) -> dict[str, Any]:
    return {
        "urgency": rule.urgency,
        "threshold": rule.threshold,
        "category": rule.category,
        "active": rule.active,
    }


def due(signal: Signal, now: datetime) -> int:
    """Return the seconds left until the signal must be looked at; negative when it is late."""
    return round((signal.acknowledge_by - now).total_seconds())
