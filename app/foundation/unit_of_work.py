"""One business action: all of it happens, or none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app.foundation.actor import Actor, Scope
from app.foundation.job import Job
from app.foundation.journal import AccessEntry, JournalEntry


@dataclass
class UnitOfWork:
    """A transaction, who acts in it, and what time it is."""

    session: Session
    actor: Actor
    now: datetime
    promised: list[Job] = field(default_factory=list)
    _office: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    """What a package has read under lock and keeps for the rest of this transaction."""

    def record(self, deed: str, *, subject: tuple[str, int | None] = ("", None), **details: Any) -> None:
        """Write one line in the journal: ``record("need.closed", subject=("need", 7), reason="met")``.

        Details hold ids, codes and figures; never names, phones, streets or free text.
        """
        self.session.add(
            JournalEntry(
                at=self.now,
                actor_id=self.actor.id,
                actor_role=self.actor.role,
                deed=deed,
                subject_kind=subject[0] or None,
                subject_id=subject[1],
                details=details,
            )
        )

    def saw(self, subject: tuple[str, int], *, why: str) -> None:
        """Write that this person read personal data of the subject, and for what."""
        self.session.add(
            AccessEntry(
                at=self.now,
                actor_id=self.actor.id,
                actor_role=self.actor.role,
                subject_kind=subject[0],
                subject_id=subject[1],
                why=why,
            )
        )

    def promise(
        self, name: str, *, subject: tuple[str, int | None] = ("", None), queue: str = "work", **arguments: Any
    ) -> Job:
        """Promise a job: it is stored with the deed and runs once this transaction has committed."""
        job = Job(
            name=name,
            arguments=arguments,
            queue=queue,
            promised_at=self.now,
            promised_by_id=self.actor.id,
            promised_by_role=self.actor.role,
            subject_kind=subject[0] or None,
            subject_id=subject[1],
        )
        self.session.add(job)
        self.promised.append(job)
        return job

    @contextmanager
    def office(self, package: str) -> Iterator[None]:
        """Act as a package on its own tables, whatever the actor's rights: for what follows from a deed they may do.

        A driver may hand over; that the ledger moves and the need is met follows from it, though drivers read neither.
        Row-level security then lets the package's tables be read and written, and only those. Call it in that
        package's service or ledger only, after the actor's right was checked.
        """
        before, self._office = self._office, package
        self.session.flush()
        _tell_office(self.session, package)
        try:
            yield
            self.session.flush()
        finally:
            self._office = before
            # A transaction that has failed forgets the setting by itself.
            with suppress(SQLAlchemyError):
                _tell_office(self.session, before)


def utc_now() -> datetime:
    """Return the present time, with its zone."""
    return datetime.now(UTC)


@contextmanager
def unit_of_work(
    sessions: sessionmaker[Session],
    actor: Actor,
    clock: Callable[[], datetime] = utc_now,
    after_commit: Callable[[list[int]], object] = lambda _job_ids: None,
) -> Iterator[UnitOfWork]:
    """Commit on a clean exit, roll back on any exception; then ring for the promised jobs.

    The database is told who acts, so that row-level security can judge each row by itself.
    """
    with sessions.begin() as session:
        uow = UnitOfWork(session, actor, clock())
        tell_database(session, actor, uow.now)
        yield uow
        session.flush()
        promised = [job.id for job in uow.promised]
    if promised:
        after_commit(promised)


def tell_database(session: Session, actor: Actor, now: datetime) -> None:
    """Say who acts, and when, for this transaction only, to the policies of row-level security."""
    facts = {f"reach_{scope}": "{{{}}}".format(",".join(map(str, actor.reach.get(scope, ())))) for scope in _REACHES}
    facts["grants"] = "".join(f" {permission}={scope}" for permission, scope in actor.grants.items()) + " "
    session.execute(_TELL, facts | {"now": now.isoformat()})


_REACHES = (Scope.COUNTY, Scope.WAREHOUSE, Scope.ORGANISATION, Scope.OWN)
_TELL = text(
    "SELECT set_config('app.grants', :grants, true), set_config('app.now', :now, true), "
    + "".join(f"set_config('app.reach_{scope}', :reach_{scope}, true), " for scope in _REACHES)
    + "set_config('app.office', '', true)"
)
_OFFICE = text("SELECT set_config('app.office', :package, true)")


def _tell_office(session: Session, package: str) -> None:
    session.execute(_OFFICE, {"package": package})
