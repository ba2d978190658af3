"""Takes the CRM's changes of status to Bitrix.

Invariants:
- what Bitrix has is read before anything is written, in the same turn: so a change is sent once, also
  after kill -9 or a lost answer, and not over a change that Bitrix had by then. One that is saved
  between the reading and the writing is written over, unless our module compares the version; the
  version in the answer tells of it, and it is recorded;
- a batch holds the orders' turn from the reading to the commit, as a sync does: the echo of a change
  waits outside, and finds an order that knows it already; two pushes take turns too;
- what is about to be sent is marked in a commit of its own: what became of it after a kill
  or a lost answer, the next push finds out first, and a sync in between knows the echo by the mark;
- an order's own fault costs that order a try and nobody else; an outage costs nobody one.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

from bitrix_pipeline.bitrix_rest import OWN_METHOD, BitrixShop
from bitrix_pipeline.crash_points import crash_point
from bitrix_pipeline.errors import PipelineError, SettingsError, TransientError
from bitrix_pipeline.model.orders import ORDERS
from bitrix_pipeline.push.batch import Batch
from bitrix_pipeline.push.diffs import Difference, find_differences
from bitrix_pipeline.push.errors import MassChangeError
from bitrix_pipeline.push.ledger import Ledger
from bitrix_pipeline.push.mapping import StatusMap
from bitrix_pipeline.push.result import OrderOutcome, PushResult
from bitrix_pipeline.push.settings import PushSettings
from bitrix_pipeline.push.statuses import read_map
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors
from bitrix_pipeline.sync.target import Target

log = logging.getLogger(__name__)

WITHOUT_A_RUN = "shell"


class Choose(Protocol):
    """Which orders make the next batch, with those left out that this push has tried."""

    def __call__(self, limit: int, *, without: list[int]) -> list[int]: ...


class Push:
    """One push. Another may run at once: they take turns, and neither does the other's work."""

    def __init__(
        self,
        shop: BitrixShop,
        *,
        postgres_url: str,
        settings: PushSettings,
        run_id: str = WITHOUT_A_RUN,
    ) -> None:
        self._shop = shop
        self._postgres_url = postgres_url
        self._settings = settings
        self._run_id = run_id

    def differences(self) -> list[Difference]:
        """What a push would take up now. Writes nothing, and asks Bitrix for nothing but statuses.

        Raises SettingsError, TransientError, TargetError or RestError.
        """
        with self._connected() as connection:
            statuses = read_map(connection, self._settings, self._shop)
            return self._found(connection, statuses)

    def run(self, *, allow_mass: bool = False) -> PushResult:
        """Sends what is due and says what came of it; what stopped it early is in the result.

        Raises MassChangeError before anything is sent, SettingsError, TransientError or TargetError
        when Postgres cannot be asked or another push goes on for too long, RestError when the
        statuses cannot be read.
        """
        with self._connected() as connection:
            ledger = self._ledger(connection)
            statuses = read_map(connection, self._settings, self._shop)
            recovered, fault = self._batches(ledger.in_doubt, Batch.recover, statuses)
            with connection.transaction():
                # Else what another push has just sent would be taken down again.
                ledger.wait_for_others(seconds=self._settings.turn_seconds)
                noted_dead = ledger.note(self._found(connection, statuses))
                ledger.withdraw(statuses)
            due = ledger.due()
            self._refuse_mass_change(len(due), allow_mass=allow_mass)
            crash_point("push.noted")
            outcomes: list[OrderOutcome] = []
            if due and not fault:
                self._require_silence()
                # Only what was counted: what another push notes meanwhile is that one's to count.
                outcomes, fault = self._batches(partial(ledger.take_up, due), Batch.run, statuses)
            result = PushResult((*recovered, *outcomes), noted_dead, ledger.waiting(), fault)
        log.info("pushed %s", result.numbers())
        return result

    def _batches(
        self, choose: Choose, work: Callable[[Batch], list[OrderOutcome]], statuses: StatusMap
    ) -> tuple[list[OrderOutcome], PipelineError | None]:
        """One after another until nothing is left or a fault would meet the next one too."""
        outcomes: list[OrderOutcome] = []
        tried: list[int] = []
        fault: PipelineError | None = None
        while not fault:
            try:
                with self._turn() as connection:
                    orders = choose(self._settings.batch, without=tried)
                    if not orders:
                        break
                    ledger = self._ledger(connection)
                    ledger.wait_for_others(seconds=self._settings.turn_seconds)
                    batch = Batch(
                        ledger.claim(orders),
                        shop=self._shop,
                        statuses=statuses,
                        settings=self._settings,
                        ledger=ledger,
                    )
                    done = work(batch)
                    crash_point("push.before_ledger")
            except TransientError as error:
                return outcomes, error
            crash_point("push.after_ledger")
            outcomes += done
            tried += orders
            fault = batch.fault
        return outcomes, fault

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """A transaction that holds the orders' turn. Raises TransientError when it is not given."""
        settings = replace(self._settings.sync, lock_deadline_seconds=self._settings.turn_seconds)
        with self._connected() as connection, connection.transaction():
            target = Target(connection, settings)
            target.begin()
            target.wait_for_turn(ORDERS)
            yield connection

    def _found(self, connection: Connection, statuses: StatusMap) -> list[Difference]:
        return find_differences(connection, statuses, schema=self._settings.sync.target_schema)

    def _refuse_mass_change(self, orders: int, *, allow_mass: bool) -> None:
        if orders > self._settings.max_changes and not allow_mass:
            raise MassChangeError(
                f"the status of {orders:,} orders would change in Bitrix, more than "
                f"PUSH_MAX_CHANGES={self._settings.max_changes:,}; nothing was sent. Bitrix mails "
                "buyers about it: if that is meant, run bitrix-pipeline push run --allow-mass"
            )

    def _require_silence(self) -> None:
        if not self._settings.mails_buyers and not self._shop.orders.has_own_method():
            raise SettingsError(
                "PUSH_MAILS_BUYERS=false takes our module in the shop, and the webhook has no method "
                f"{OWN_METHOD}; nothing was sent. Install the module and give the webhook its scope, "
                "or let Bitrix mail"
            )

    def _ledger(self, connection: Connection) -> Ledger:
        schema = self._settings.sync.target_schema
        return Ledger(connection, schema=schema, run_id=self._run_id)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        deadline = self._settings.sync.query_deadline_seconds
        with connect(self._postgres_url, deadline_seconds=deadline) as connection, target_errors():
            yield connection
