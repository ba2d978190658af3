"""What the inbox must be told."""

from dataclasses import dataclass
from typing import Self

from bitrix_pipeline.settings import Settings


@dataclass(frozen=True)
class InboxSettings:
    """How news is taken, tried again and kept. Times in seconds unless the name says otherwise."""

    batch: int = 500
    lease_seconds: int = 120
    retry_seconds: tuple[float, ...] = (5.0, 25.0, 125.0)
    linger_seconds: float = 60.0
    retention_days: int = 30
    dead_retention_days: int = 180

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """From the pipeline's settings."""
        return cls(
            batch=settings.inbox_batch,
            lease_seconds=settings.inbox_lease_seconds,
            retry_seconds=settings.inbox_retry_seconds,
            linger_seconds=settings.inbox_linger_seconds,
            retention_days=settings.inbox_retention_days,
            dead_retention_days=settings.inbox_dead_retention_days,
        )
