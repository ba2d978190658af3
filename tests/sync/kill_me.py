"""Run as a process of its own, which a test kills: syncs the tables over and over.

Arguments: the shop's URL, the CRM's URL, and from how many rows on a table is filled at once.
"""

import sys

from shop_and_crm import SETTINGS

from bitrix_pipeline.model import TABLES
from bitrix_pipeline.sync import table_sync
from bitrix_pipeline.sync.scope import Everything

if __name__ == "__main__":
    mysql_url, postgres_url, fill_rows = sys.argv[1:]
    table_sync.FILL_ROWS = int(fill_rows)

    def say(step: str, *_: int) -> None:
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()

    for table in reversed(TABLES):
        table_sync.sync_table(
            table,
            Everything(),
            mysql_url=mysql_url,
            postgres_url=postgres_url,
            settings=SETTINGS,
            progress=say,
        )
        say(f"synced {table.name}")
