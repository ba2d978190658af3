"""What a sync must be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SyncSettings:
    """The settings that shape what is written, and the limits that protect both databases."""

    target_schema: str = "public"
    shop_timezone: str = "Europe/Moscow"
    shop_language: str = "ru"
    status_mapping: Mapping[str, str] = field(default_factory=dict)
    partition_size: int = 100_000
    """IDs in one partition; only groups the counts."""
    deletion_limit_share: float = 0.05
    deletion_limit_rows: int = 100
    allow_deletions: bool = False
    """Lets one sync delete more than the limit, or all rows when the source is empty."""
    overlap_seconds: int = 600
    """How far before the newest change seen the next `ChangedLately` begins."""
    query_deadline_seconds: int = 300
    """For one query on either side."""
    lock_deadline_seconds: int = 900
    """For another sync of the same table to end."""
    accept_schema: bool = False
    """Lets a source column that was read before be gone: it becomes NULL."""

    @property
    def shapes_values(self) -> str:
        """What of the settings is part of every row's hash: a change rewrites the rows."""
        mapping = sorted(self.status_mapping.items())
        return repr((self.shop_timezone, self.shop_language, mapping))
