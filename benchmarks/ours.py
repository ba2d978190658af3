"""Our own cases: a sync and the independent check."""

import psycopg
import pymysql

from bitrix_pipeline.model import table_named
from bitrix_pipeline.sync.mysql import parse_mysql_url
from bitrix_pipeline.sync.scope import Everything
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.table_sync import sync_table
from bitrix_pipeline.verify import Rules, verify

SETTINGS = SyncSettings(status_mapping={"N": "new", "P": "paid", "F": "completed"})


def sync(mysql_url: str, postgres_url: str, table: str) -> dict[str, int]:
    result = sync_table(
        table_named(table),
        Everything(),
        mysql_url=mysql_url,
        postgres_url=postgres_url,
        settings=SETTINGS,
    )
    return {"rows": result.read, "changed": result.inserted + result.updated + result.deleted}


def check(mysql_url: str, postgres_url: str, table: str) -> dict[str, int]:
    """Raises SystemExit when a row differs: then nothing measured here is worth anything."""
    url = parse_mysql_url(mysql_url)
    source = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        charset="utf8mb4",
        autocommit=True,
    )
    rules = Rules(
        shop_timezone=SETTINGS.shop_timezone,
        status_mapping=SETTINGS.status_mapping,
        shop_language=SETTINGS.shop_language,
        target_schema=SETTINGS.target_schema,
    )
    with source, psycopg.connect(postgres_url, autocommit=True) as target:
        (verdict,) = verify(source, target, rules=rules, tables=[table])
    if not verdict.equal:
        raise SystemExit(f"{table} is not equal to its source: {verdict}")
    return {"rows": verdict.source_rows}
