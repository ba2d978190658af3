"""Takes news out of the inbox and makes the tables as it says.

Invariants:
- an event is done in the transaction that wrote its rows, and only by the drain that holds it;
- an event's own fault costs that event a try and nobody else: what fails is halved until it is alone;
- an outage, or a table that cannot be synced at all, costs no try: the events wait;
- where only a sync holds a table up, news of other tables goes on;
- what a database breaks off, because it is slow, waits longer and longer, and lets others pass.
"""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from itertools import filterfalse

from bitrix_pipeline.crash_points import crash_point
from bitrix_pipeline.errors import (
    DeletionWaveError,
    PipelineError,
    RowRefusedError,
    SettingsError,
    SourceError,
    StatementAbortedError,
    TargetError,
    TransientError,
    TurnMissedError,
)
from bitrix_pipeline.inbox.apply import Apply
from bitrix_pipeline.inbox.errors import LeaseLostError
from bitrix_pipeline.inbox.jobs import LEASES_LOST_UNTIL_DEAD, Claim, ClaimedEvent, Jobs, complete
from bitrix_pipeline.inbox.news import News
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync import SyncResult
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors

log = logging.getLogger(__name__)

OUTAGE_SECONDS = 10.0
"""Before events are looked at again after an outage."""

SECONDS_BETWEEN_CONNECTING = 1.0

REPORT_EVERY_SECONDS = 30.0

SCOPE = "what webhooks told of"

WAVE = "a wave of deletions"
ALLOW = f"If this is right, run bitrix-pipeline inbox replay --reason '{WAVE}' --allow-deletions"

# Of the table, the account or the settings, so no event is to blame.
GENERAL_FAULTS = (SourceError, TargetError, SettingsError)


@dataclass
class DrainResult:
    """What a drain did."""

    applied: int = 0
    failed: int = 0
    """Tries that ended by an event's own fault."""
    dead: int = 0
    postponed: int = 0
    batches: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds from receipt to commit, of the events applied."""
    tables: dict[str, SyncResult] = field(default_factory=dict)
    fault: PipelineError | None = None
    """Why it ended early: an outage, or something that a person must mend."""

    def add_tables(self, results: dict[str, SyncResult]) -> None:
        for name, result in results.items():
            total = self.tables.setdefault(name, SyncResult(name, SCOPE))
            total.add(result)
            total.scope = SCOPE

    def add(self, other: "DrainResult") -> None:
        self.applied += other.applied
        self.failed += other.failed
        self.dead += other.dead
        self.postponed += other.postponed
        self.batches += other.batches
        self.delays += other.delays
        self.fault = other.fault or self.fault
        self.add_tables(other.tables)


class _Part:
    """What was done since it was last reported."""

    def __init__(self, report: "Report", total: DrainResult) -> None:
        self.result = DrainResult()
        self._report = report
        self._total = total
        self._told = time.monotonic()

    def tell_if_due(self, now: float) -> None:
        if self.result.batches and now - self._told >= REPORT_EVERY_SECONDS:
            self.tell()

    def tell(self) -> None:
        part, self.result, self._told = self.result, DrainResult(), time.monotonic()
        self._total.add(part)
        if part.batches:
            self._report(part)


Report = Callable[[DrainResult], None]
"""Told what was done since it was told last: at least every REPORT_EVERY_SECONDS, and at the end."""


class Drain:
    """One drain. Several may run at once; none does another's work."""

    def __init__(
        self,
        apply: Apply,
        *,
        postgres_url: str,
        settings: InboxSettings,
        run_id: str,
        report: Report = lambda _: None,
    ) -> None:
        self._apply = apply
        self._postgres_url = postgres_url
        self._settings = settings
        self._run_id = run_id
        self._report = report

    def run(self, *, most_seconds: float = 600.0) -> DrainResult:
        """Drains until there has been no news for the linger time, or `most_seconds` are over.

        Raises TransientError or TargetError only when the inbox itself cannot be reached and nothing
        is held.
        """
        total = DrainResult()
        # An answer that comes after the lease is of no use.
        deadline = self._settings.lease_seconds
        with (
            closing(connect(self._postgres_url, deadline_seconds=deadline)) as connection,
            News(self._postgres_url) as news,
        ):
            jobs = Jobs(connection, self._settings, run_id=self._run_id)
            end, part = time.monotonic() + most_seconds, _Part(self._report, total)
            quiet_until = time.monotonic() + self._settings.linger_seconds
            try:
                while True:
                    with target_errors():
                        claim = jobs.claim()
                    if claim:
                        self._work(claim, jobs, part.result)
                        quiet_until = time.monotonic() + self._settings.linger_seconds
                    now = time.monotonic()
                    if part.result.fault or now >= end or (not claim and now >= quiet_until):
                        break
                    part.tell_if_due(now)
                    if not claim:
                        news.wait(min(quiet_until, end, now + REPORT_EVERY_SECONDS) - now)
            finally:
                part.tell()
        return total

    def _work(self, claim: Claim, jobs: Jobs, part: DrainResult) -> None:
        crash_point("drain.claimed")
        part.batches += 1
        try:
            self._bring_to_an_end(claim, jobs, part)
        except TransientError as cut:
            part.fault = part.fault or cut
            self._give_back(claim, part, cut)

    def _bring_to_an_end(self, claim: Claim, jobs: Jobs, part: DrainResult) -> None:
        """Raises TransientError when the inbox cannot be reached."""
        deadly = tuple(e for e in claim.events if e.leases_lost >= LEASES_LOST_UNTIL_DEAD)
        if deadly:
            reason = f"{LEASES_LOST_UNTIL_DEAD} drains ended while they applied it"
            with target_errors():
                part.dead += jobs.fail(Claim(claim.lease, deadly), reason=reason, final=True)
        rest = tuple(e for e in claim.events if e not in deadly)
        if rest:
            self._settle(Claim(claim.lease, rest), jobs, part)

    def _settle(self, claim: Claim, jobs: Jobs, part: DrainResult) -> None:
        """Brings each of the events to its end, or to its next try."""
        with target_errors():
            if part.fault:
                # A part of the same batch met it a moment ago.
                self._put_off(claim, jobs, part, part.fault)
                return
            jobs.renew(claim)
            try:
                self._commit(claim, part)
            except LeaseLostError as lost:
                log.warning("%s", lost)
            except RowRefusedError as fault:
                self._blame(claim, jobs, part, fault)
            except StatementAbortedError as aborted:
                self._put_back(claim, jobs, part, aborted)
            except TurnMissedError as missed:
                self._put_off_table(claim, jobs, part, missed)
            except (TransientError, *GENERAL_FAULTS) as fault:
                part.fault = fault
                self._put_off(claim, jobs, part, fault)
            except DeletionWaveError as wave:
                self._stop_wave(claim, jobs, part, wave)
            except Exception as fault:  # noqa: BLE001 - an event must not be able to stop the others
                self._blame(claim, jobs, part, fault)

    def _commit(self, claim: Claim, part: DrainResult) -> None:
        delays: dict[int, float] = {}

        def seal(connection: Connection) -> None:
            delays.update(complete(connection, claim))
            crash_point("drain.before_commit")

        results = self._apply(claim, seal)
        crash_point("drain.after_commit")
        part.applied += len(claim.events)
        part.delays += delays.values()
        part.add_tables(results)

    def _blame(self, claim: Claim, jobs: Jobs, part: DrainResult, fault: Exception) -> None:
        halves = _halves(claim)
        for half in halves:
            self._settle(half, jobs, part)
        if not halves:
            reason = _in_words(fault)
            log.warning("events %s failed: %s", [event.id for event in claim.events], reason)
            part.failed += len(claim.events)
            part.dead += jobs.fail(claim, reason=reason)

    def _stop_wave(
        self, claim: Claim, jobs: Jobs, part: DrainResult, wave: DeletionWaveError
    ) -> None:
        """All that this batch has of it stops and asks; the pieces are counted over the whole drain."""

        def is_gone(event: ClaimedEvent) -> bool:
            return event.entity == wave.entity and event.entity_id in wave.ids

        rest = tuple(filterfalse(is_gone, claim.events))
        gone = tuple(filter(is_gone, claim.events)) or claim.events
        part.failed += len(gone)
        reason = f"{WAVE}: {wave.found}. {ALLOW}"
        part.dead += jobs.fail(Claim(claim.lease, gone), reason=reason, final=True)
        if 0 < len(rest) < len(claim.events):
            self._settle(Claim(claim.lease, rest), jobs, part)

    def _put_back(
        self, claim: Claim, jobs: Jobs, part: DrainResult, aborted: TransientError
    ) -> None:
        """Not halved here: each half may take as long again, and others wait."""
        log.warning("%d events are taken in smaller batches: %s", len(claim.events), aborted)
        waiting, dead = jobs.put_back(claim, reason=str(aborted))
        part.dead += dead
        part.postponed += waiting

    def _put_off(self, claim: Claim, jobs: Jobs, part: DrainResult, fault: PipelineError) -> None:
        jobs.postpone(claim, seconds=OUTAGE_SECONDS, reason=str(fault))
        part.postponed += len(claim.events)

    def _put_off_table(
        self, claim: Claim, jobs: Jobs, part: DrainResult, missed: TurnMissedError
    ) -> None:
        """What is news of the table waits, and the rest is applied; no fault ends the run."""
        tables = {event.entity for event in claim.events}
        late = claim.events if len(tables) == 1 else _news_of({missed.table}, claim)
        if late:
            log.warning("%d events wait: %s", len(late), missed)
            self._put_off(Claim(claim.lease, late), jobs, part, missed)
            rest = [_news_of(tables - {missed.table}, claim)] if len(tables) > 1 else []
        else:
            # The turn of a parent's, or of the lines': some of these tables may do without.
            rest = [_news_of({table}, claim) for table in tables]
        for events in rest:
            self._settle(Claim(claim.lease, events), jobs, part)

    def _give_back(self, claim: Claim, part: DrainResult, cut: TransientError) -> None:
        """By a connection of its own, what is still held when that of the inbox was cut.

        Otherwise its lease would end as if this drain had died of it. It waits as what a database
        broke off does: an event that makes Postgres itself crash must not do that every ten seconds.
        """
        deadline = self._settings.lease_seconds
        give_up = time.monotonic() + deadline
        is_held = True
        while is_held:
            try:
                with (
                    closing(connect(self._postgres_url, deadline_seconds=deadline)) as connection,
                    target_errors(),
                ):
                    jobs = Jobs(connection, self._settings, run_id=self._run_id)
                    self._put_back(claim, jobs, part, cut)
                is_held = False
            except (TransientError, TargetError) as error:
                if time.monotonic() > give_up:
                    log.warning("the events stay leased until their time is up: %s", error)
                    return
                time.sleep(SECONDS_BETWEEN_CONNECTING)


def _news_of(tables: Collection[str | None], claim: Claim) -> tuple[ClaimedEvent, ...]:
    return tuple(event for event in claim.events if event.entity in tables)


def _halves(claim: Claim) -> list[Claim]:
    """Two parts, all events of one row in the same while there is another; none of one event."""
    rows: dict[tuple[str | None, int | None], list[ClaimedEvent]] = {}
    for event in claim.events:
        rows.setdefault((event.entity, event.entity_id), []).append(event)
    groups = list(rows.values()) if len(rows) > 1 else [[event] for event in claim.events]
    middle = len(groups) // 2
    return [
        Claim(claim.lease, tuple(event for group in part for event in group))
        for part in (groups[:middle], groups[middle:])
        if middle
    ]


def _in_words(fault: Exception) -> str:
    """Only our own errors are known to repeat nothing of a customer's."""
    return str(fault) if isinstance(fault, PipelineError) else type(fault).__name__
