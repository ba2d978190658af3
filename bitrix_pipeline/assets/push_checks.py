"""What must be true of the way back, or a person should look."""

import dagster as dg

from bitrix_pipeline.assets.push import DIFFS
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.push.desk import Status
from bitrix_pipeline.resources import StatusPush


def _status(status_push: StatusPush) -> Status:
    try:
        return status_push.status()
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


@dg.asset_check(asset=DIFFS, description="No order was given up: Bitrix takes what the CRM says.")
def nothing_given_up(status_push: StatusPush) -> dg.AssetCheckResult:
    dead = _status(status_push).states["dead"]
    return dg.AssetCheckResult(
        passed=not dead,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{dead} orders were given up. Look: bitrix-pipeline push list --dead. Then: push retry "
            "ORDER, or push skip ORDER."
            if dead
            else "No order was given up."
        ),
        metadata={"orders_dead": dead},
    )


@dg.asset_check(
    asset=DIFFS, description="No status has been waiting for longer than PUSH_OLDEST_MINUTES."
)
def no_status_waits_too_long(status_push: StatusPush) -> dg.AssetCheckResult:
    status, limit = _status(status_push), status_push.settings.push_oldest_minutes
    seconds = status.oldest_waiting.total_seconds() if status.oldest_waiting else 0.0
    return dg.AssetCheckResult(
        passed=seconds <= limit * 60,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{status.states['waiting']} statuses wait, the oldest for {seconds / 60:.1f} minutes; "
            f"the limit is {limit:g}."
        ),
        metadata={
            "orders_waiting": status.states["waiting"],
            "oldest_waiting_seconds": round(seconds, 1),
        },
    )


PUSH_CHECKS = [nothing_given_up, no_status_waits_too_long]
