"""What tests of the REST client hold: a shop behind the simulator, and a clock that waits for nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from shop_and_crm import Shop

from bitrix_pipeline.bitrix_rest import BitrixRest, BitrixShop, RestError, RestOptions, Webhook
from bitrix_pipeline.demo_rest import Fault, RestSimulator

CODE = "c4n4ryc0d3s3cr3t"

# Below these are the sample shop's oddities.
FIRST_ORDINARY = 10_000


@dataclass
class VirtualClock:
    """Sleeping moves it on; nobody waits."""

    now: float = 1_000_000.0
    naps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    @property
    def slept(self) -> float:
        return sum(self.naps)


@dataclass
class RestShop:
    """A sample shop whose REST API is simulated, and the client of it."""

    database: Shop
    simulator: RestSimulator
    clock: VirtualClock = field(default_factory=VirtualClock)

    def client(self, **options: Any) -> BitrixRest:
        """With no chance in it: every pause is the longest."""
        return BitrixRest(
            Webhook.parse(self.simulator.webhook_url),
            RestOptions(**options),
            clock=self.clock,
            wall_clock=self.clock,
            sleep=self.clock.sleep,
            chance=lambda: 1.0,
        )

    def speaking(self, **options: Any) -> BitrixShop:
        return BitrixShop(self.client(**options))

    def behaves(self, **options: Any) -> None:
        """Changes the simulated shop's version or settings."""
        bitrix = self.simulator.bitrix
        bitrix.options = replace(bitrix.options, **options)

    def suffers(self, *faults: Fault | None) -> None:
        """What happens to the coming requests, one each."""
        self.simulator.bitrix.faults.next(*faults)

    @property
    def asked(self) -> list[str]:
        """The methods of all requests so far."""
        return [method for method, _ in self.simulator.bitrix.requests]

    @property
    def mails(self) -> list[tuple[int, str]]:
        return self.simulator.bitrix.mails

    def orders(self, count: int, *, status: str = "N") -> list[int]:
        """Some orders in this status, neither paid nor shipped nor canceled."""
        ids = self.database.ids(
            "SELECT ID FROM b_sale_order WHERE ID > %s ORDER BY ID LIMIT %s", FIRST_ORDINARY, count
        )
        self.database.run(
            "UPDATE b_sale_order SET STATUS_ID = %s, PAYED = 'N', CANCELED = 'N', DEDUCTED = 'N', "
            "MARKED = 'N' WHERE ID BETWEEN %s AND %s",
            status,
            ids[0],
            ids[-1],
        )
        return ids

    def order(self, order_id: int, *columns: str) -> Any:
        """Some columns of one order; the value itself if it is one."""
        names = ", ".join(columns)
        [row] = self.database.rows(f"SELECT {names} FROM b_sale_order WHERE ID = %s", order_id)
        return row[0] if len(columns) == 1 else row


@contextmanager
def fails_with(error: type[RestError], *texts: str) -> Iterator[list[RestError]]:
    """The block raises exactly this kind of error, whose text holds all of these."""
    caught: list[RestError] = []
    with pytest.raises(RestError) as info:
        yield caught
    caught.append(info.value)
    assert type(info.value) is error, f"{type(info.value).__name__}: {info.value}"
    missing = [text for text in texts if text not in str(info.value)]
    assert not missing, f"{missing} not in {info.value}"
