"""Which rows a sync makes equal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Everything:
    """All rows, compared by content."""

    def __str__(self) -> str:
        return "everything"


@dataclass(frozen=True)
class IdRange:
    """The IDs from `start` up to, not including, `stop`."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if self.start >= self.stop:
            raise ValueError(f"an ID range must not be empty: {self.start} to {self.stop - 1}")

    def __str__(self) -> str:
        return f"IDs {self.start} to {self.stop - 1}"


@dataclass(frozen=True)
class Ids:
    """Exactly these IDs."""

    ids: tuple[int, ...]

    def __str__(self) -> str:
        return f"{len(self.ids)} IDs"


@dataclass(frozen=True)
class OfOrders:
    """The lines of these orders: those that the source has, and those that the target has."""

    order_ids: tuple[int, ...]

    def __str__(self) -> str:
        return f"of {len(self.order_ids)} orders"


@dataclass(frozen=True)
class ChangedLately:
    """What changed since the last sync.

    Orders: by their indexed DATE_UPDATE with an overlap, and new or vanished IDs. Other tables have
    no index on a time, and their times miss changes, so they are compared by content.
    """

    def __str__(self) -> str:
        return "changed lately"


Scope = Everything | IdRange | Ids | OfOrders | ChangedLately
