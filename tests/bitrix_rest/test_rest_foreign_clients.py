"""Clients of other people, unchanged: what works with Bitrix works with the simulator."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from b24pysdk import BitrixWebhook, Client
from b24pysdk.errors import BitrixAPIError, BitrixRequestError
from certificates import Authority
from fast_bitrix24 import Bitrix
from rest_at_hand import CODE, RestShop
from shop_and_crm import Shop

from bitrix_pipeline.demo_rest import (
    RestSimulator,
    SimulatorOptions,
    cut_connection,
    fail_commands,
    query_limit,
)
from bitrix_pipeline.demo_rest.refusals import Refusal

GONE = 999_999


class TestB24pysdk:
    """The official one; it speaks https only, and trusts what REQUESTS_CA_BUNDLE names."""

    @pytest.fixture
    def secure_shop(
        self, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[RestShop]:
        authority = Authority.made_in(tmp_path / "authority")
        certificate, key = authority.certificate_for("localhost")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
        shop.changed_tables |= {"b_sale_order", "b_sale_order_change"}
        options = SimulatorOptions(code=CODE)
        with RestSimulator(shop.url, options, certificate=certificate, key=key) as simulator:
            yield RestShop(shop, simulator)

    @pytest.fixture
    def client(self, secure_shop: RestShop) -> Client:
        address = secure_shop.simulator.address
        return Client(BitrixWebhook(domain=address, webhook_token=f"1/{CODE}"))

    def test_reads_an_order(self, secure_shop: RestShop, client: Client) -> None:
        [order] = secure_shop.orders(1)

        assert client.sale.order.get(bitrix_id=order).result["order"]["statusId"] == "N"

    def test_lists_orders_and_statuses(self, client: Client) -> None:
        orders = client.sale.order.list(select=["id"], filter={"statusId": "F"}).result["orders"]
        statuses = client.sale.status.list().result["statuses"]

        assert all(set(order) == {"id"} for order in orders)
        assert {"N", "P", "F"} <= {status["id"] for status in statuses}

    def test_sets_a_status(self, secure_shop: RestShop, client: Client) -> None:
        [order] = secure_shop.orders(1)

        result = client.sale.order.update(bitrix_id=order, fields={"statusId": "P"}).result

        assert result["order"]["statusId"] == "P"
        assert secure_shop.order(order, "STATUS_ID") == "P"

    def test_raises_bitrixs_error(self, client: Client) -> None:
        with pytest.raises(BitrixAPIError) as caught:
            _ = client.sale.order.get(bitrix_id=GONE).result

        assert "order is not exists" in str(caught.value)

    def test_sends_a_batch(self, secure_shop: RestShop, client: Client) -> None:
        [order] = secure_shop.orders(1)

        found = client.call_batch(
            {
                "well": client.sale.order.update(bitrix_id=order, fields={"statusId": "P"}),
                "ill": client.sale.order.get(bitrix_id=GONE),
            }
        ).result

        assert found.result["well"]["order"]["statusId"] == "P"
        assert found.result_error["ill"]["error"] == "200540400001"

    def test_reads_who_it_is(self, client: Client) -> None:
        assert client.profile().result["ID"] == "1"

    def test_its_errors_hold_the_webhook(self, secure_shop: RestShop, client: Client) -> None:
        """Why it is not ours: see docs/decisions/0005."""
        secure_shop.simulator.__exit__()

        with pytest.raises(BitrixRequestError) as caught:
            _ = client.profile().result

        assert CODE in str(caught.value)


class TestFastBitrix24:
    """Asynchronous inside; every call of it is a batch."""

    @pytest.fixture
    def client(self, rest_shop: RestShop) -> Bitrix:
        return Bitrix(rest_shop.simulator.webhook_url, verbose=False)

    def test_reads_all_statuses(self, client: Bitrix) -> None:
        statuses = client.get_all("sale.status.list")

        assert {"N", "P", "F"} <= {status["id"] for status in statuses}

    def test_reads_all_orders_page_by_page(self, rest_shop: RestShop, client: Bitrix) -> None:
        orders = client.get_all("sale.order.list", {"select": ["id"]})

        assert {order["id"] for order in orders} == set(
            rest_shop.database.ids("SELECT ID FROM b_sale_order")
        )

    def test_sets_a_status(self, rest_shop: RestShop, client: Bitrix) -> None:
        [order] = rest_shop.orders(1)

        client.call("sale.order.update", {"id": order, "fields": {"statusId": "P"}})

        assert rest_shop.order(order, "STATUS_ID") == "P"

    def test_sets_many_in_a_batch(self, rest_shop: RestShop, client: Bitrix) -> None:
        orders = rest_shop.orders(5)

        client.call(
            "sale.order.update",
            [{"id": order, "fields": {"statusId": "P"}} for order in orders],
        )

        assert [rest_shop.order(order, "STATUS_ID") for order in orders] == ["P"] * 5
        assert rest_shop.asked == ["batch"]

    def test_sends_a_batch_as_it_is(self, client: Bitrix) -> None:
        found = client.call_batch({"halt": 0, "cmd": {"who": "profile", "what": "scope"}})

        assert found

    def test_waits_when_it_is_told_to(self, rest_shop: RestShop, client: Bitrix) -> None:
        rest_shop.suffers(query_limit())

        assert client.get_all("sale.status.list")
        assert rest_shop.asked == ["sale.status.list"] * 2

    def test_one_refusal_hides_what_became_of_the_others(
        self, rest_shop: RestShop, client: Bitrix
    ) -> None:
        """Why it is not ours: see docs/decisions/0005."""
        orders = rest_shop.orders(4)
        rest_shop.suffers(fail_commands(4, Refusal("ERROR_CORE", "No")))

        with pytest.raises(Exception, match="ERROR_CORE"):
            client.call(
                "sale.order.update",
                [{"id": order, "fields": {"statusId": "P"}} for order in orders],
            )

        assert [rest_shop.order(order, "STATUS_ID") for order in orders] == ["P", "P", "P", "N"]

    def test_it_sends_a_write_again_that_may_have_been_done(
        self, rest_shop: RestShop, client: Bitrix
    ) -> None:
        """Why it is not ours: see docs/decisions/0005."""
        [order] = rest_shop.orders(1)
        rest_shop.suffers(cut_connection(applies=True))

        client.call("sale.order.update", {"id": order, "fields": {"statusId": "P"}})

        assert rest_shop.asked == ["batch"] * 2
