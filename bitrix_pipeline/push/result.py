"""What a push did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from bitrix_pipeline.errors import PipelineError

if TYPE_CHECKING:
    import pandas as pd

Kind: TypeAlias = Literal["sent", "already", "conflict", "failed", "dead", "postponed"]

COLUMNS = ["order", "number", "status", "bitrix", "send", "why"]


@dataclass(frozen=True)
class OrderOutcome:
    """What became of one order in one try."""

    order_id: int
    desired: str | None
    kind: Kind
    """`sent`: written and verified, if by an earlier push that did not learn of it; `already`: Bitrix
    had it; `conflict`: Bitrix's stands."""
    note: str = ""
    was_conflict: bool = False
    """Bitrix had changed too, whoever won."""


@dataclass(frozen=True)
class PushResult:
    """Counts of one push, and each order that it took up."""

    outcomes: tuple[OrderOutcome, ...] = ()
    noted_dead: int = 0
    """Orders given up without a try, because their word means nothing."""
    waiting: int = 0
    """Orders that wait for a later push."""
    fault: PipelineError | None = None
    """Why it ended early: an outage, or something that a person must mend."""

    @property
    def sent(self) -> int:
        return self._count("sent")

    @property
    def confirmed(self) -> int:
        """Bitrix has what the CRM says, whether or not it had to be told."""
        return self._count("sent", "already")

    @property
    def conflicts(self) -> int:
        return sum(outcome.was_conflict for outcome in self.outcomes)

    @property
    def failed(self) -> int:
        """Tries that ended by the order's own fault."""
        return self._count("failed", "dead")

    @property
    def dead(self) -> int:
        return self._count("dead") + self.noted_dead

    def _count(self, *kinds: Kind) -> int:
        return sum(outcome.kind in kinds for outcome in self.outcomes)

    def numbers(self) -> dict[str, int]:
        """The same names for every push: each becomes a chart."""
        return {
            "orders_sent": self.sent,
            "orders_confirmed": self.confirmed,
            "orders_in_conflict": self.conflicts,
            "orders_failed": self.failed,
            "orders_dead": self.dead,
            "orders_waiting": self.waiting,
        }


def frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Of differences: order, number, status now, Bitrix's at the last look, what is sent, why."""
    import pandas as pd  # noqa: PLC0415 - takes long, and every run of any job loads this module

    return pd.DataFrame(rows, columns=COLUMNS, dtype=object)
