"""What a push must be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, TypeAlias

from bitrix_pipeline.settings import Settings
from bitrix_pipeline.sync import SyncSettings

Policy: TypeAlias = Literal["bitrix_wins", "crm_wins", "newest_wins"]

TURN_SECONDS = 60
"""A push waits no longer than this for a sync of the orders: the next push is never far."""


@dataclass(frozen=True)
class PushSettings:
    """How statuses are mapped, sent and tried again."""

    sync: SyncSettings = field(default_factory=SyncSettings)
    push_mapping: Mapping[str, str] = field(default_factory=dict)
    """The CRM's word → Bitrix's code, where the status mapping read backwards does not say."""
    conflict: Policy = "bitrix_wins"
    max_changes: int = 200
    retry_seconds: tuple[float, ...] = (60.0, 300.0, 1500.0, 7500.0, 37500.0)
    cancel_reason: str = "Canceled in the CRM"
    mails_buyers: bool = True
    """Let Bitrix mail the buyer if the new status says so."""
    batch: int = 20
    """Orders for which the orders' turn is held at once."""
    turn_seconds: int = TURN_SECONDS
    history_days: int = 365

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """From the pipeline's settings."""
        return cls(
            sync=SyncSettings.of(settings),
            push_mapping=settings.push_status_mapping,
            conflict=settings.push_conflict,
            max_changes=settings.push_max_changes,
            retry_seconds=settings.push_retry_seconds,
            cancel_reason=settings.push_cancel_reason,
            mails_buyers=settings.push_mails_buyers,
            batch=settings.bitrix_rest_batch_size,
            history_days=settings.push_history_days,
        )
