"""What must be true of the inbox, or a person should look."""

import dagster as dg

from bitrix_pipeline.assets.queue_checks import asked, waits_too_long
from bitrix_pipeline.assets.tables import INBOX
from bitrix_pipeline.resources import Inbox


@dg.asset_check(
    asset=INBOX,
    description="No event was given up: none is dead, and none could not be read.",
)
def nothing_dead(inbox: Inbox) -> dg.AssetCheckResult:
    """Where the shop's MySQL is read too, the next sync brings what such an event told of."""
    states = asked(inbox.status).states
    dead, unread = states["dead"], states["quarantined"]
    return dg.AssetCheckResult(
        passed=not (dead or unread),
        severity=(
            dg.AssetCheckSeverity.WARN if inbox.shop.is_configured else dg.AssetCheckSeverity.ERROR
        ),
        description=(
            f"{dead} dead, {unread} in quarantine. Look: bitrix-pipeline inbox list --dead, "
            "inbox show ID. Then: inbox replay ID, or inbox replay --reason WORDS."
            if dead or unread
            else "No event was given up."
        ),
        metadata={"events_dead": dead, "events_quarantined": unread},
    )


@dg.asset_check(
    asset=INBOX,
    description="No event has been waiting for longer than INBOX_OLDEST_MINUTES.",
)
def nothing_waits_too_long(inbox: Inbox) -> dg.AssetCheckResult:
    """By the time of receipt, so that an event which is put off again and again is noticed."""
    status = asked(inbox.status)
    return waits_too_long(
        status.oldest_waiting,
        waiting=status.backlog,
        what="events",
        metric="backlog",
        limit_minutes=inbox.settings.inbox_oldest_minutes,
    )


INBOX_CHECKS = [nothing_dead, nothing_waits_too_long]
