"""What a sync must be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from bitrix_pipeline.model import Table
from bitrix_pipeline.settings import Settings


@dataclass(frozen=True)
class SyncSettings:
    """The settings that shape what is written, and the limits that protect both databases."""

    target_schema: str = "public"
    shop_timezone: str = "Europe/Moscow"
    shop_language: str = "ru"
    status_mapping: Mapping[str, str] = field(default_factory=dict)
    crm_wins: bool = False
    """Where Bitrix's status changed and the CRM's word too, the word stays, to be sent by a push."""
    newest_wins: bool = False
    """The same where a push saw the CRM's word before Bitrix's status changed."""
    records_conflicts: bool = True
    """Tells the push's history where both had changed, and whose status stands."""
    push_mapping: Mapping[str, str] = field(default_factory=dict)
    """The CRM's word → the Bitrix code that it is sent as, beside `status_mapping`."""
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
    row_lock_deadline_seconds: int | None = None
    """For a row of Postgres that another transaction holds; None: as long as for one query."""
    accept_schema: bool = False
    """Lets a source column that was read before be gone: it becomes NULL."""

    def shaping(self, table: Table) -> str:
        """What of the settings shapes the table's values: a change rewrites its rows."""
        mapping = sorted(self.status_mapping.items()) if table.has_crm_status else ()
        language = self.shop_language if table.has_text_key else ""
        return repr((self.shop_timezone, language, mapping))

    @classmethod
    def of(
        cls, settings: Settings, *, allow_deletions: bool = False, accept_schema: bool = False
    ) -> Self:
        """From the pipeline's settings, with what is allowed for one sync only."""
        return cls(
            target_schema=settings.target_schema,
            shop_timezone=settings.shop_timezone,
            shop_language=settings.shop_language,
            status_mapping=settings.status_mapping,
            crm_wins=settings.push_conflict == "crm_wins" and settings.has_rest_url,
            newest_wins=settings.push_conflict == "newest_wins" and settings.has_rest_url,
            records_conflicts=settings.has_rest_url,
            push_mapping=settings.push_status_mapping,
            partition_size=settings.partition_size,
            deletion_limit_share=settings.deletion_limit_share,
            deletion_limit_rows=settings.deletion_limit_rows,
            allow_deletions=allow_deletions,
            overlap_seconds=settings.watermark_overlap_seconds,
            query_deadline_seconds=settings.query_deadline_seconds,
            lock_deadline_seconds=settings.lock_deadline_seconds,
            accept_schema=accept_schema,
        )
