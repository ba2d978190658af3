"""What the checks of both queues, the inbox and the way back, have in common."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import dagster as dg

from bitrix_pipeline.errors import PermanentError

Status = TypeVar("Status")


def asked(status: Callable[[], Status]) -> Status:
    """The status; what a person must mend ends the check's run, without another try."""
    try:
        return status()
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def waits_too_long(
    oldest: timedelta | None, *, waiting: int, what: str, metric: str, limit_minutes: float
) -> dg.AssetCheckResult:
    """Whether the oldest of those that wait has waited longer than the limit."""
    seconds = oldest.total_seconds() if oldest else 0.0
    return dg.AssetCheckResult(
        passed=seconds <= limit_minutes * 60,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{waiting} {what} wait, the oldest for {seconds / 60:.1f} minutes; "
            f"the limit is {limit_minutes:g}."
        ),
        metadata={metric: waiting, "oldest_waiting_seconds": round(seconds, 1)},
    )
