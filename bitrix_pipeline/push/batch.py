"""Some orders from the reading to the ledger, inside a transaction that holds the orders' turn."""

from collections.abc import Mapping, Sequence

from bitrix_pipeline.bitrix_rest import (
    BitrixShop,
    NotExecutedError,
    OrderState,
    RestError,
    UnknownOutcome,
    VersionConflictError,
)
from bitrix_pipeline.crash_points import crash_point
from bitrix_pipeline.push.errors import is_of_all, reason
from bitrix_pipeline.push.judge import Verdict, change_for, judge, status_of
from bitrix_pipeline.push.ledger import Entry, Ledger, Told
from bitrix_pipeline.push.mapping import BitrixStatus, StatusMap
from bitrix_pipeline.push.result import Kind, OrderOutcome
from bitrix_pipeline.push.settings import PushSettings

OUTAGE_SECONDS = 10.0
"""Before an order is looked at again after an outage."""

MARKED = "Bitrix saved it with a warning: the order is marked there"
NO_ANSWER = "Bitrix gave no answer and has not changed it"


class Batch:
    """Reads, judges, writes and notes."""

    def __init__(
        self,
        entries: Sequence[Entry],
        *,
        shop: BitrixShop,
        statuses: StatusMap,
        settings: PushSettings,
        ledger: Ledger,
    ) -> None:
        self.fault: RestError | None = None
        """What would meet every other order too."""
        self._entries = entries
        self._shop = shop
        self._statuses = statuses
        self._settings = settings
        self._ledger = ledger
        self._outcomes: dict[int, OrderOutcome] = {}
        self._before: dict[int, BitrixStatus] = {}
        self._conflicts: set[int] = set()

    def run(self) -> list[OrderOutcome]:
        """What became of each; those that nobody could be asked about are put off."""
        states = self._read([entry.order_id for entry in self._entries])
        to_write = [
            entry
            for entry in self._entries
            if (state := states.get(entry.order_id)) is not None and self._must_write(entry, state)
        ]
        crash_point("push.before_write")
        self._write(to_write, states)
        left = [entry for entry in self._entries if entry.order_id not in self._outcomes]
        if left:
            note = reason(self.fault) if self.fault else "it was not executed"
            self._ledger.postpone(left, seconds=OUTAGE_SECONDS, note=note)
            for entry in left:
                self._add(entry, "postponed", note)
        return list(self._outcomes.values())

    def _must_write(self, entry: Entry, state: OrderState) -> bool:
        now = self._before[entry.order_id] = status_of(state)
        verdict = judge(entry, state, self._statuses, self._settings.conflict)
        if verdict.is_conflict:
            self._conflicts.add(entry.order_id)
        if verdict.step == "confirm":
            self._ledger.confirm(entry)
            self._ledger.remember(entry, now, state.version)
            self._ledger.tell(entry, Told("confirmed", now, now, "Bitrix had it already"))
            self._add(entry, "already")
        elif verdict.step == "give way":
            self._give_way(entry, state, verdict)
        return verdict.step == "write"

    def _give_way(self, entry: Entry, state: OrderState, verdict: Verdict) -> None:
        assert verdict.is_conflict  # noqa: S101 - the only reason to
        now = status_of(state)
        note = f"Bitrix changed too, from {entry.seen} to {now}, and stands ({self._settings.conflict})"
        self._ledger.give_way(entry, note)
        self._ledger.remember(entry, now, state.version, word=self._statuses.word(now))
        self._ledger.tell(entry, Told("conflict", now, now, note))
        self._add(entry, "conflict", note)

    def _write(self, entries: Sequence[Entry], states: Mapping[int, OrderState]) -> None:
        if not entries:
            return
        changes = [
            change_for(entry, states[entry.order_id], reason=self._settings.cancel_reason)
            for entry in entries
        ]
        try:
            answers = self._shop.orders.change(changes)
        except RestError as error:
            self.fault = error
            return
        crash_point("push.after_write")
        unknown = [
            entry for entry in entries if isinstance(answers[entry.order_id], UnknownOutcome)
        ]
        for entry in entries:
            answer = answers[entry.order_id]
            if isinstance(answer, OrderState):
                self._verify(entry, answer)
            elif entry not in unknown:
                self._failed(entry, answer)
        self._look_again(unknown)

    def _look_again(self, unknown: Sequence[Entry]) -> None:
        """Nobody knows whether these were written, so they are read and not written again."""
        if not unknown:
            return
        states = self._read([entry.order_id for entry in unknown])
        for entry in unknown:
            state = states.get(entry.order_id)
            if state is None:
                continue
            if entry.target.is_met_by(status_of(state)):
                self._verify(entry, state)
            else:
                self._blame(entry, NO_ANSWER)

    def _read(self, orders: Sequence[int]) -> dict[int, OrderState]:
        """Those that could be read; the others have their outcome, or wait."""
        entries = {entry.order_id: entry for entry in self._entries}
        found = {}
        for order, answer in self._shop.orders.get(orders).items():
            if isinstance(answer, OrderState):
                found[order] = answer
            else:
                self._failed(entries[order], answer)
        return found

    def _verify(self, entry: Entry, state: OrderState) -> None:
        """From the answer: success may still mean that the order was not changed, or is marked."""
        before, now = self._before[entry.order_id], status_of(state)
        if not entry.target.is_met_by(now):
            self._blame(entry, f"Bitrix took it and has {now} all the same")
            return
        note = MARKED if state.is_marked else ""
        if entry.order_id in self._conflicts:
            note = (
                f"Bitrix had changed too, from {entry.seen} to {before}; the CRM's stands. {note}"
            )
        self._ledger.confirm(entry)
        self._ledger.remember(entry, now, state.version)
        self._ledger.tell(entry, Told("sent", before, now, note.strip() or None))
        self._add(entry, "sent", note.strip())

    def _failed(self, entry: Entry, error: RestError) -> None:
        if isinstance(error, NotExecutedError):
            # The error that stopped the batch is another command's.
            return
        if is_of_all(error):
            self.fault = self.fault or error
        elif isinstance(error, VersionConflictError):
            # Saved by somebody since it was read; the next push reads it again.
            note = reason(error)
            self._ledger.postpone([entry], seconds=OUTAGE_SECONDS, note=note)
            self._add(entry, "postponed", note)
        else:
            self._blame(entry, reason(error))

    def _blame(self, entry: Entry, note: str) -> None:
        is_last = self._ledger.fail(entry, note, self._settings.retry_seconds)
        before = self._before.get(entry.order_id)
        self._ledger.tell(entry, Told("dead" if is_last else "failed", before, note=note))
        self._add(entry, "dead" if is_last else "failed", note)

    def _add(self, entry: Entry, kind: Kind, note: str = "") -> None:
        self._outcomes[entry.order_id] = OrderOutcome(
            entry.order_id, entry.desired, kind, note, entry.order_id in self._conflicts
        )
