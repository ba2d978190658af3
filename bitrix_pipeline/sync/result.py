"""What a sync did, in numbers."""

from dataclasses import dataclass, field, fields


@dataclass
class RangeCounts:
    """Rows written in one ID range of the size that partitions have."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass
class SyncResult:
    """What one sync of one table did. Times are in seconds."""

    table: str
    scope: str
    read: int = 0
    """Source rows in the scope that were compared or taken."""
    taken: int = 0
    """Of those, rows that travelled to Postgres."""
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    archived: int = 0
    placeholders: int = 0
    """Placeholder rows made in other tables (or this one) for parents that Bitrix lacks."""
    parents: int = 0
    """Parents that Bitrix has and Postgres had not: loaded by ID."""
    set_aside: int = 0
    compare_seconds: float = 0.0
    load_seconds: float = 0.0
    seconds: float = 0.0
    ranges: dict[int, RangeCounts] = field(default_factory=dict)
    """By the number of the range: ID // partition size."""

    @property
    def unchanged(self) -> int:
        return max(self.read - self.inserted - self.updated - self.set_aside, 0)

    @property
    def rows_per_second(self) -> float:
        return self.read / self.seconds if self.seconds else 0.0

    def count(
        self, range_number: int, *, inserted: int = 0, updated: int = 0, deleted: int = 0
    ) -> None:
        """Adds rows that were written in an ID range."""
        self.inserted += inserted
        self.updated += updated
        self.deleted += deleted
        counts = self.ranges.setdefault(range_number, RangeCounts())
        counts.inserted += inserted
        counts.updated += updated
        counts.deleted += deleted

    def add(self, other: "SyncResult") -> None:
        """Takes in what another sync of the same table did."""
        for item in fields(self):
            value = getattr(other, item.name)
            if isinstance(value, int | float):
                setattr(self, item.name, getattr(self, item.name) + value)
        self.scope = f"{self.scope}, {other.scope}"
        for number, counts in other.ranges.items():
            mine = self.ranges.setdefault(number, RangeCounts())
            mine.inserted += counts.inserted
            mine.updated += counts.updated
            mine.deleted += counts.deleted

    def __str__(self) -> str:
        return (
            f"{self.table}, {self.scope}: {self.read} read, {self.inserted} inserted, "
            f"{self.updated} updated, {self.deleted} deleted, {self.archived} archived, "
            f"{self.unchanged} unchanged, {self.placeholders} placeholders, "
            f"{self.set_aside} set aside, {self.seconds:.1f} s"
        )
