"""Measures how fast a backlog of webhooks becomes rows: a CRM that has the shop, and news of all orders.

.venv/bin/python benchmarks/drain.py --orders 100000
"""

import argparse
import sys
import time
from pathlib import Path

import psycopg
from databases import LINES_PER_ORDER, Shop, drop_database, fresh_crm, kept_shop, servers
from ours import SETTINGS, sync
from rich.console import Console

from bitrix_pipeline.inbox.apply import FromShop
from bitrix_pipeline.inbox.drain import Drain
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.model import TABLES

FOLDER = Path(__file__).parents[1] / ".data" / "bench"
RECEIVED_AT_ONCE = 1_000
GOALS = {"backlog_drained": 1_000.0}

RECEIVE = "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s, %s, %s, %s, %s::text[])"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=100_000, help="in the backlog, about")
    wanted = parser.parse_args()
    with servers(FOLDER) as (mariadb, postgres), Console(stderr=True).status("") as status:
        status.update(f"a shop of {wanted.orders:,} orders")
        shop = kept_shop(mariadb, lines=round(wanted.orders * LINES_PER_ORDER), anew=False)
        crm = fresh_crm(postgres, "drained")
        for table in TABLES:
            sync(shop.url, crm, table.name)
        shop.run("UPDATE b_sale_order SET VERSION = VERSION + 1, COMMENTS = 'Позвонить'")
        status.update("the backlog")
        orders = receive_news_of_all(shop, crm)
        status.update("the drain")
        seconds = drain(shop, crm, orders)
        drop_database(postgres, "drained")
    return 0 if orders / seconds >= GOALS["backlog_drained"] else 1


def receive_news_of_all(shop: Shop, crm: str) -> int:
    """Hands over one `order.saved` for each order, as the receiver does; returns how many."""
    with shop.server.connect(shop.name) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT ID FROM b_sale_order ORDER BY ID")
        ids = [row[0] for row in cursor.fetchall()]
    with psycopg.connect(crm, autocommit=True) as connection:
        for first in range(0, len(ids), RECEIVED_AT_ONCE):
            part = ids[first : first + RECEIVED_AT_ONCE]
            count = len(part)
            connection.execute(
                RECEIVE,
                (
                    ["module"] * count, [f"evt_{id_}" for id_ in part], [None] * count,
                    ["order.saved"] * count, ["orders"] * count, part, [b"{}"] * count,
                    [None] * count,
                ),
            )  # fmt: skip
    return len(ids)


def drain(shop: Shop, crm: str, orders: int) -> float:
    """Seconds; raises SystemExit when an event was not applied or an order not written."""
    apply = FromShop(mysql_url=shop.url, postgres_url=crm, settings=SETTINGS)
    settings = InboxSettings(linger_seconds=0)
    started = time.monotonic()
    result = Drain(apply, postgres_url=crm, settings=settings, run_id="bench").run()
    seconds = time.monotonic() - started
    if (result.applied, result.tables["orders"].updated) != (orders, orders):
        raise SystemExit(f"{result.applied} events and {result.tables['orders']}, not {orders}")
    print(f"BENCH name=backlog value={orders} unit=orders")
    print(f"BENCH name=backlog_seconds value={seconds:.4g} unit=s")
    print(f"BENCH name=backlog_drained value={orders / seconds:.6g} unit=orders/s")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
