"""What tests of the push hold in their hands: orders that the CRM changed, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rest_at_hand import RestShop
from shop_and_crm import Crm, Pipeline

from bitrix_pipeline.push import Push, PushResult, PushSettings
from bitrix_pipeline.sync.scope import Ids

SETTINGS = PushSettings(retry_seconds=(60.0, 60.0))
WRITES = {"sale.order.update", "bitrixpipeline.order.setstatus"}


@dataclass
class Desk:
    """A shop with its REST API, the CRM that was synced with it, and the push between the two."""

    rest: RestShop
    pipeline: Pipeline
    settings: PushSettings = field(default=SETTINGS)

    @property
    def crm(self) -> Crm:
        return self.pipeline.crm

    def prepare(self, count: int, *, status: str = "N") -> list[int]:
        """Some orders that both sides agree on, in this Bitrix status."""
        orders = self.rest.orders(count, status=status)
        self.pipeline.sync("orders", Ids(tuple(orders)))
        return orders

    def set(self, word: str | None, orders: Sequence[int] | int) -> None:
        """As the CRM does: plain SQL."""
        chosen = [orders] if isinstance(orders, int) else list(orders)
        self.crm.run("UPDATE orders SET status = %s WHERE id = ANY (%s)", word, chosen)

    def bitrix_sets(self, order: int, changes: str) -> None:
        """As a manager does in Bitrix."""
        self.rest.database.run(
            f"UPDATE b_sale_order SET {changes}, VERSION = VERSION + 1, DATE_UPDATE = NOW(),"
            " DATE_STATUS = NOW() WHERE ID = %s",
            order,
        )

    def push(self, **settings: Any) -> Push:
        mapping = settings.pop("status_mapping", None)
        changed = replace(
            self.settings,
            sync=replace(
                self.pipeline.settings, **({"status_mapping": mapping} if mapping else {})
            ),
            **settings,
        )
        return Push(
            self.rest.speaking(), postgres_url=self.crm.url, settings=changed, run_id="test"
        )

    def run(self, *, allow_mass: bool = False, **settings: Any) -> PushResult:
        return self.push(**settings).run(allow_mass=allow_mass)

    def make_due(self) -> None:
        self.crm.run("UPDATE bitrix_pipeline.push_orders SET next_attempt_at = now()")

    def in_bitrix(self, order: int) -> tuple[str, str]:
        found: tuple[str, str] = self.rest.order(order, "STATUS_ID", "CANCELED")
        return found

    def in_crm(self, order: int) -> tuple[str, str, bool]:
        found = self.crm.row("orders", order, "status", "bitrix_status", "is_canceled")
        assert found
        return found  # type: ignore[return-value]

    def ledger(self, order: int, column: str = "state") -> Any:
        return self.crm.value(
            f"SELECT {column} FROM bitrix_pipeline.push_orders WHERE order_id = %s", order
        )

    def history(self, order: int) -> list[str]:
        rows = self.crm.rows(
            "SELECT event FROM bitrix_pipeline.push_history WHERE order_id = %s ORDER BY id", order
        )
        return [event for (event,) in rows]

    @property
    def writes(self) -> int:
        """Commands that the shop was sent and that write."""
        return writes_in(self.rest.simulator.bitrix.requests)


def writes_in(requests: Sequence[tuple[str, dict[str, Any]]]) -> int:
    count = sum(method in WRITES for method, _ in requests)
    for method, params in requests:
        if method == "batch":
            commands = params["cmd"].values()
            count += sum(text.partition("?")[0] in WRITES for text in commands)
    return count
