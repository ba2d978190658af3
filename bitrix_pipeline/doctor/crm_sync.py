"""Where the sync of each table stands, as it noted itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from psycopg import sql

from bitrix_pipeline.doctor.clocks import spoken
from bitrix_pipeline.doctor.crm import Crm
from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, warning
from bitrix_pipeline.sync.target_sql import internal

TOPIC = "sync"


def check_set_aside(crm: Crm) -> Iterator[Finding]:
    if not crm.is_migrated:
        return
    query = sql.SQL("SELECT table_name, count(*) FROM {} GROUP BY 1 ORDER BY 1").format(
        internal("set_aside")
    )
    waiting = [f"{count} of {table}" for table, count in crm.rows(query)]
    if waiting:
        yield warning(
            TOPIC,
            f"Rows that Postgres refused are waiting: {listed(waiting)}.",
            "SELECT table_name, row_id, reason FROM bitrix_pipeline.set_aside; mend the reason, "
            "and the next sync --full tries them again.",
        )
    else:
        yield ok(TOPIC, "No row is waiting that Postgres refused.")


def check_freshness(crm: Crm) -> Iterator[Finding]:
    if not crm.is_migrated:
        return
    query = sql.SQL("SELECT table_name, compared_at FROM {} WHERE compared_at IS NOT NULL").format(
        internal("sync_state")
    )
    synced = {str(table): moment for table, moment in crm.rows(query)}
    never = [name for name in crm.target_tables if name not in synced]
    if never:
        yield note(TOPIC, f"Never synced yet: {listed(never)}.", "Run bitrix-pipeline sync.")
    limit = timedelta(minutes=crm.settings.freshness_minutes)
    now = datetime.now(UTC)
    ages = {name: now - synced[name] for name in crm.target_tables if name in synced}
    stale = [f"{name} ({spoken(age)} ago)" for name, age in ages.items() if age > limit]
    if stale:
        yield warning(
            TOPIC,
            f"Not synced within {spoken(limit)}: {listed(stale)}.",
            "Look in the Dagster UI whether the schedule is on and what its last runs say, "
            "or run bitrix-pipeline sync.",
        )
    elif ages:
        yield ok(TOPIC, f"The last syncs ended within {spoken(limit)}.")


CHECKS: tuple[Callable[[Crm], Iterator[Finding]], ...] = (check_set_aside, check_freshness)
