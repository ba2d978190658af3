"""Some orders from the reading to the ledger, inside a transaction that holds the orders' turn."""

from collections.abc import Mapping, Sequence

from bitrix_pipeline.bitrix_rest import (
    BitrixShop,
    NotExecutedError,
    OrderLockedError,
    OrderState,
    RestError,
    UnknownOutcome,
    VersionConflictError,
)
from bitrix_pipeline.crash_points import crash_point
from bitrix_pipeline.errors import RowRefusedError
from bitrix_pipeline.push.errors import is_of_all, reason
from bitrix_pipeline.push.judge import (
    change_for,
    is_a_third,
    judge,
    status_of,
    was_saved_between,
)
from bitrix_pipeline.push.ledger import Entry, Ledger, Settled
from bitrix_pipeline.push.mapping import StatusMap
from bitrix_pipeline.push.reading import read_orders
from bitrix_pipeline.push.result import Kind, OrderOutcome
from bitrix_pipeline.push.settings import PushSettings

MARKED = "Bitrix saved it with a warning: the order is marked there"
RECOVERED = "Bitrix has it since an earlier push, which did not learn what became of it"
NOT_CHANGED = "Bitrix was told and has not changed it"


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
        self._before: dict[int, OrderState] = {}
        self._conflicts: set[int] = set()
        self._settled: list[Settled] = []
        self._in_doubt: list[int] = []
        """Bitrix may still do what it was told, or has and Postgres does not know it."""

    def run(self) -> list[OrderOutcome]:
        """What became of each; those that nobody could be asked about are put off.

        The orders' own rows are written when Bitrix has nothing more to be asked: the CRM never
        waits for it.
        """
        states = self._before = self._read([entry.order_id for entry in self._entries])
        verdicts = {
            entry: judge(entry, state, self._statuses, self._settings.conflict)
            for entry in self._entries
            if (state := states.get(entry.order_id)) is not None
        }
        self._conflicts = {entry.order_id for entry in verdicts if verdicts[entry].is_conflict}
        crash_point("push.before_write")
        answers = self._write([e for e in verdicts if verdicts[e].step == "write"], states)
        for entry, verdict in verdicts.items():
            if verdict.step == "confirm":
                self._confirm(entry, states[entry.order_id])
            elif verdict.step == "give way":
                state, policy = states[entry.order_id], self._settings.conflict
                change = f"from {entry.seen} to {status_of(state)}"
                note = f"Bitrix changed too, {change}, and stands ({policy})"
                self._give_way(entry, state, note)
        for entry, answer in answers.items():
            self._verify(entry, answer)
        self._settle()
        self._put_off([e for e in self._entries if e.order_id not in self._outcomes])
        return [self._outcomes[entry.order_id] for entry in self._entries]

    def recover(self) -> list[OrderOutcome]:
        """Of orders that an earlier push left in doubt: those that it did change.

        They are confirmed before the CRM's words are looked at anew. Else a change of the CRM's made
        meanwhile would look like one that Bitrix's own change is in conflict with.
        """
        states = self._read([entry.order_id for entry in self._entries], were_sent=True)
        for entry in self._entries:
            state = states.get(entry.order_id)
            if state and entry.target.is_met_by(status_of(state)):
                now = status_of(state)
                self._settled.append(
                    Settled(entry, "sent", entry.seen, now, state.version, RECOVERED)
                )
                self._add(entry, "sent", RECOVERED)
        self._settle()
        kept = {order for order in self._in_doubt if self._outcomes[order].kind == "failed"}
        self._ledger.release(list({*states, *self._outcomes} - kept))
        return list(self._outcomes.values())

    def _settle(self) -> None:
        """Each by itself when Postgres refuses one: that one is tried again, and keeps its mark.

        Bitrix has been told already, and the others have done nothing wrong.
        """
        if not self._settled:
            return
        try:
            self._ledger.settle(self._settled)
        except RowRefusedError:
            for each in self._settled:
                self._settle_alone(each)

    def _settle_alone(self, settled: Settled) -> None:
        try:
            self._ledger.settle([settled])
        except RowRefusedError as error:
            self._in_doubt.append(settled.entry.order_id)
            self._blame(settled.entry, f"Bitrix has {settled.after}, but {error}")

    def _write(
        self, entries: Sequence[Entry], states: Mapping[int, OrderState]
    ) -> dict[Entry, OrderState | RestError]:
        """What Bitrix answered, or what it has where the answer was lost."""
        if not entries:
            return {}
        changes = [change_for(entry, states[entry.order_id], self._settings) for entry in entries]
        try:
            answers = self._shop.orders.change(changes)
        except RestError as error:
            self.fault = error
            return {}
        crash_point("push.after_write")
        # Nobody knows whether these were written, so they are read and not written again.
        self._in_doubt = [order for order, a in answers.items() if isinstance(a, UnknownOutcome)]
        known = {order: a for order, a in answers.items() if order not in self._in_doubt}
        if self._in_doubt:
            known |= self._read(self._in_doubt)
        return {entry: known[entry.order_id] for entry in entries if entry.order_id in known}

    def _verify(self, entry: Entry, answer: OrderState | RestError) -> None:
        """Success may still mean that the order was not changed, or is marked."""
        if not isinstance(answer, OrderState):
            self._failed(entry, answer)
            return
        state = self._before[entry.order_id]
        before, now = status_of(state), status_of(answer)
        if entry.target.is_met_by(now):
            self._sent(entry, answer)
        elif entry.order_id not in self._in_doubt and is_a_third(now, before, entry.target):
            self._give_way(entry, answer, f"the shop's own code made it {now} in the same save")
        else:
            self._blame(entry, NOT_CHANGED)

    def _sent(self, entry: Entry, answer: OrderState) -> None:
        state = self._before[entry.order_id]
        before, notes = status_of(state), []
        if entry.order_id in self._conflicts:
            notes.append(
                f"Bitrix had changed too, from {entry.seen} to {before}; the CRM's stands."
            )
        if was_saved_between(state, answer):
            self._conflicts.add(entry.order_id)
            notes.append(
                f"Somebody saved it between the reading (version {state.version}) and the writing "
                f"(version {answer.version}); the CRM's stands."
            )
        if answer.is_marked and not state.is_marked:
            notes.append(MARKED)
        note, after = " ".join(notes), status_of(answer)
        self._settled.append(Settled(entry, "sent", before, after, answer.version, note))
        self._add(entry, "sent", note)

    def _confirm(self, entry: Entry, state: OrderState) -> None:
        now = status_of(state)
        note = "Bitrix had it already"
        self._settled.append(Settled(entry, "confirmed", now, now, state.version, note))
        self._add(entry, "already")

    def _give_way(self, entry: Entry, state: OrderState, note: str) -> None:
        before, now = status_of(self._before[entry.order_id]), status_of(state)
        word = self._statuses.word(now)
        self._conflicts.add(entry.order_id)
        self._settled.append(Settled(entry, "conflict", before, now, state.version, note, word))
        self._add(entry, "conflict", note)

    def _put_off(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        note = reason(self.fault) if self.fault else "it was not executed"
        self._postpone(entries, note)

    def _read(self, orders: Sequence[int], *, were_sent: bool = False) -> dict[int, OrderState]:
        """Those that could be read; the others have their outcome, or wait."""
        entries = {entry.order_id: entry for entry in self._entries}
        reading = read_orders(self._shop, orders, seconds=self._settings.turn_seconds)
        for order, error in reading.failed.items():
            self._failed(entries[order], error)
        if were_sent:
            self._in_doubt += reading.to_blame
        for order, error in reading.to_blame.items():
            self._blame(entries[order], f"Bitrix cannot read it: {reason(error)}")
        return reading.found

    def _failed(self, entry: Entry, error: RestError) -> None:
        if isinstance(error, NotExecutedError):
            # The error that stopped the batch is another command's.
            return
        if is_of_all(error):
            self.fault = self.fault or error
        elif isinstance(error, VersionConflictError | OrderLockedError):
            # Somebody saves it, or has since it was read; the next push reads it again.
            self._postpone([entry], reason(error))
        else:
            self._blame(entry, reason(error))

    def _postpone(self, entries: Sequence[Entry], note: str) -> None:
        self._ledger.postpone(entries, note=note, in_doubt=self._in_doubt)
        for entry in entries:
            self._add(entry, "postponed", note)

    def _blame(self, entry: Entry, note: str) -> None:
        state = self._before.get(entry.order_id)
        is_tried_again = self._ledger.fail(
            entry,
            note,
            self._settings.retry_seconds,
            before=status_of(state) if state else None,
            in_doubt=entry.order_id in self._in_doubt,
        )
        self._add(entry, "failed" if is_tried_again else "dead", note)

    def _add(self, entry: Entry, kind: Kind, note: str = "") -> None:
        self._outcomes[entry.order_id] = OrderOutcome(
            entry.order_id, entry.desired, kind, note, entry.order_id in self._conflicts
        )
