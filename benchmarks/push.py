"""Measures how fast changed statuses reach Bitrix: a CRM whose orders differ, and a simulated shop.

.venv/bin/python benchmarks/push.py --orders 1000

The simulator answers at once, where Bitrix takes 0.1 to 1 s for each write; what is measured is this
program, and how many requests it needs. The waits of the cloud's rate come from a virtual clock.
"""

import argparse
import sys
import time
from pathlib import Path

import psycopg
from databases import LINES_PER_ORDER, drop_database, fresh_crm, kept_shop, servers
from ours import SETTINGS, sync
from report import Goal, Report
from rich.console import Console

from bitrix_pipeline.bitrix_rest import BitrixRest, BitrixShop, RestOptions, Webhook
from bitrix_pipeline.demo_rest import Bucket, RestSimulator, SimulatorOptions
from bitrix_pipeline.push import Push, PushSettings
from bitrix_pipeline.push.desk import Desk
from bitrix_pipeline.sync.postgres import connect

FOLDER = Path(__file__).parents[1] / ".data" / "bench"
SHOP_ORDERS = 10_000
LOG_WIDTH = 100
"""Of the table where no terminal says how wide it is."""

GOALS = (
    Goal("push_not_sent", 0, "orders", at_least=False),
    Goal("push_cloud_seconds", 60, "s", at_least=False),
    Goal("push_requests", 110, "requests/1000", at_least=False),
)

CHANGE = """
UPDATE orders SET status = 'pushed' WHERE id IN (
    SELECT id FROM orders WHERE bitrix_status = 'N' AND NOT is_canceled AND NOT is_placeholder
      AND deleted_at IS NULL ORDER BY id DESC LIMIT %s)
"""


class VirtualClock:
    """Sleeping moves it on; nobody waits."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=1_000, help="whose status the CRM changed")
    wanted = parser.parse_args()
    progress = Console(stderr=True)
    report = Report(Console(width=None if sys.stdout.isatty() else LOG_WIDTH), GOALS)
    with servers(FOLDER) as (mariadb, postgres), progress.status("") as status:
        status.update("a shop and a CRM that agree")
        size = max(SHOP_ORDERS, 20 * wanted.orders)
        shop = kept_shop(mariadb, lines=round(size * LINES_PER_ORDER), anew=False)
        # An earlier run has changed this shop.
        shop.run(
            f"UPDATE b_sale_order SET STATUS_ID = 'N', CANCELED = 'N' ORDER BY ID DESC LIMIT {wanted.orders}"
        )
        crm = fresh_crm(postgres, "pushed")
        for table in ("order_statuses", "orders"):
            sync(shop.url, crm, table)
        with psycopg.connect(crm) as connection:
            changed = connection.execute(CHANGE, (wanted.orders,)).rowcount
        status.update(f"the push of {changed:,} statuses")
        push(shop.url, crm, changed, report)
        status.update("the schedule's question")
        look(crm, report)
        drop_database(postgres, "pushed")
    report.print_tables()
    missed = report.missed()
    for goal in missed:
        progress.print(f"missed: {goal.name} {goal}")
    return 1 if missed else 0


def push(shop_url: str, crm: str, orders: int, report: Report) -> None:
    clock = VirtualClock()
    options = SimulatorOptions(bucket=Bucket(clock=clock))
    settings = PushSettings(sync=SETTINGS, push_mapping={"pushed": "P"})
    with RestSimulator(shop_url, options) as simulator:
        webhook = Webhook.parse(simulator.webhook_url)
        with BitrixRest(webhook, RestOptions(), clock=clock, sleep=clock.sleep) as rest:
            started = time.monotonic()
            result = Push(BitrixShop(rest), postgres_url=crm, settings=settings).run(
                allow_mass=True
            )
            worked = time.monotonic() - started
        requests = len(simulator.bitrix.requests)
    report.number("push_diffs", orders, "orders")
    report.number("push_not_sent", orders - result.sent, "orders")
    report.number("push_rate", orders / worked, "orders/s")
    report.number("push_requests", requests / orders * 1000, "requests/1000")
    report.number("push_cloud_waits", clock.slept, "s")
    report.number("push_cloud_seconds", worked + clock.slept, "s")


def look(crm: str, report: Report) -> None:
    """The schedule's question, when there is nothing to send: it reads all orders."""
    with connect(crm) as connection:
        desk = Desk(connection, PushSettings(sync=SETTINGS, push_mapping={"pushed": "P"}))
        started = time.monotonic()
        desk.work()
        milliseconds = (time.monotonic() - started) * 1000
        ((orders,),) = connection.execute("SELECT count(*) FROM orders").fetchall()
    report.number("push_look_orders", orders, "orders")
    report.number("push_look", milliseconds, "ms")


if __name__ == "__main__":
    sys.exit(main())
