"""What must be true of the way back, or a person should look."""

import dagster as dg

from bitrix_pipeline.assets.push import DIFFS
from bitrix_pipeline.assets.queue_checks import asked, waits_too_long
from bitrix_pipeline.resources import StatusPush


@dg.asset_check(asset=DIFFS, description="No order was given up: Bitrix takes what the CRM says.")
def nothing_given_up(status_push: StatusPush) -> dg.AssetCheckResult:
    dead = asked(status_push.status).states["dead"]
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
    status = asked(status_push.status)
    return waits_too_long(
        status.oldest_waiting,
        waiting=status.states["waiting"],
        what="statuses",
        metric="orders_waiting",
        limit_minutes=status_push.settings.push_oldest_minutes,
    )


PUSH_CHECKS = [nothing_given_up, no_status_waits_too_long]
