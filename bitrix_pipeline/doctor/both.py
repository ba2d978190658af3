"""What shows only when the shop and the CRM are seen together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from psycopg import sql

from bitrix_pipeline.doctor.crm import Crm
from bitrix_pipeline.doctor.finding import Finding, listed, problem
from bitrix_pipeline.doctor.shop import Shop
from bitrix_pipeline.sync.target_sql import internal

TOPIC = "sync"


@dataclass(frozen=True)
class Both:
    shop: Shop
    crm: Crm


def check_lost_columns(both: Both) -> Iterator[Finding]:
    """A sync stops at a column that it read before and that is gone."""
    if not both.crm.is_migrated:
        return
    query = sql.SQL("SELECT table_name, source_columns FROM {} ORDER BY 1").format(
        internal("sync_state")
    )
    for table, known in both.crm.rows(query):
        lost = [column for column in known if not both.shop.facts.has(column)]
        if lost:
            yield problem(
                TOPIC,
                f"{listed(lost)} was read before and the shop no longer shows it, so {table} is "
                "not synced.",
                "Look whether BITRIX_MYSQL_URL names the right shop and the account may read it; "
                f"if the shop was really changed so: bitrix-pipeline sync --table {table} "
                "--accept-schema",
            )


CHECKS: tuple[Callable[[Both], Iterator[Finding]], ...] = (check_lost_columns,)
