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
from rich.console import Console

from bitrix_pipeline.bitrix_rest import BitrixRest, BitrixShop, RestOptions, Webhook
from bitrix_pipeline.demo_rest import Bucket, RestSimulator, SimulatorOptions
from bitrix_pipeline.push import Push, PushSettings
from bitrix_pipeline.push.desk import Desk
from bitrix_pipeline.sync.postgres import connect

FOLDER = Path(__file__).parents[1] / ".data" / "bench"
SHOP_ORDERS = 10_000
MOST_SECONDS = 60.0

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
    with servers(FOLDER) as (mariadb, postgres), Console(stderr=True).status("") as status:
        status.update("a shop")
        size = max(SHOP_ORDERS, 20 * wanted.orders)
        shop = kept_shop(mariadb, lines=round(size * LINES_PER_ORDER), anew=False)
        crm = fresh_crm(postgres, "pushed")
        for table in ("order_statuses", "orders"):
            sync(shop.url, crm, table)
        with psycopg.connect(crm) as connection:
            changed = connection.execute(CHANGE, (wanted.orders,)).rowcount
        status.update("the push")
        taken = push(shop.url, crm, changed)
        look(crm)
        drop_database(postgres, "pushed")
    return 0 if taken <= MOST_SECONDS else 1


def push(shop_url: str, crm: str, orders: int) -> float:
    """Seconds with the waits; raises SystemExit when an order was not sent."""
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
    if result.sent != orders or result.fault:
        raise SystemExit(f"{result.sent} of {orders} were sent: {result.numbers()}")
    print(f"BENCH name=push_diffs value={orders} unit=orders")
    print(f"BENCH name=push_rate value={orders / worked:.4g} unit=orders/s")
    print(f"BENCH name=push_requests value={requests / orders * 1000:.4g} unit=requests/1000")
    print(f"BENCH name=push_cloud_seconds value={worked + clock.slept:.4g} unit=s")
    return worked + clock.slept


def look(crm: str) -> None:
    """The schedule's question, when there is nothing to send: it reads all orders."""
    with connect(crm) as connection:
        desk = Desk(connection, PushSettings(sync=SETTINGS, push_mapping={"pushed": "P"}))
        started = time.monotonic()
        if desk.work().is_any:
            raise SystemExit("something is left to send")
        milliseconds = (time.monotonic() - started) * 1000
        ((orders,),) = connection.execute("SELECT count(*) FROM orders").fetchall()
    print(f"BENCH name=push_look_orders value={orders} unit=orders")
    print(f"BENCH name=push_look value={milliseconds:.4g} unit=ms")


if __name__ == "__main__":
    sys.exit(main())
