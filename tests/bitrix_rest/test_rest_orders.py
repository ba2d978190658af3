"""Orders through REST: what is read, and what a change leaves behind in the shop."""

from datetime import UTC, datetime, timedelta

import pytest
from rest_at_hand import RestShop, fails_with

from bitrix_pipeline.bitrix_rest import (
    OWN_METHOD,
    BadRequestError,
    OrderNotFoundError,
    OrderState,
    RefusedError,
    RestError,
    StatusChange,
    UnreadableAnswerError,
    VersionConflictError,
)
from bitrix_pipeline.demo_rest import reply

GONE = 999_999


@pytest.mark.parametrize("numbers_as_text", [False, True])
def test_an_order_is_read_whether_numbers_come_as_numbers_or_as_text(
    rest_shop: RestShop, *, numbers_as_text: bool
) -> None:
    [order] = rest_shop.orders(1, status="P")
    rest_shop.behaves(numbers_as_text=numbers_as_text)

    state = rest_shop.speaking().orders.get([order])[order]

    assert isinstance(state, OrderState)
    assert (state.id, state.status, state.is_canceled) == (order, "P", False)
    assert state.version == rest_shop.order(order, "VERSION")


def test_times_come_with_the_shops_offset(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.database.run(
        "UPDATE b_sale_order SET DATE_UPDATE = '2024-02-28 17:37:11' WHERE ID = %s", order
    )

    state = rest_shop.speaking().orders.get([order])[order]

    assert isinstance(state, OrderState)
    assert state.updated_at == datetime(2024, 2, 28, 14, 37, 11, tzinfo=UTC)
    assert state.updated_at.utcoffset() == timedelta(hours=3)


def test_a_zero_date_is_none(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.database.run(
        "UPDATE b_sale_order SET DATE_UPDATE = '0000-00-00 00:00:00' WHERE ID = %s", order
    )

    state = rest_shop.speaking().orders.get([order])[order]

    assert isinstance(state, OrderState)
    assert state.updated_at is None


def test_every_order_of_the_sample_shop_can_be_read(rest_shop: RestShop) -> None:
    ids = rest_shop.database.ids("SELECT ID FROM b_sale_order")

    states = rest_shop.speaking().orders.get(ids)

    assert list(states) == ids
    assert [state for state in states.values() if not isinstance(state, OrderState)] == []


def test_an_order_that_is_gone_does_not_hide_the_others(rest_shop: RestShop) -> None:
    one, two = rest_shop.orders(2)

    states = rest_shop.speaking().orders.get([one, GONE, two])

    assert [type(state) for state in states.values()] == [
        OrderState,
        OrderNotFoundError,
        OrderState,
    ]


def test_a_status_is_set_with_all_that_bitrix_does(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1, status="N")
    version = rest_shop.order(order, "VERSION")
    rest_shop.database.run("UPDATE b_sale_order SET UPDATED_1C = 'Y' WHERE ID = %s", order)

    state = rest_shop.speaking().orders.set_status(order, "P")

    assert (state.status, state.version, state.is_marked) == ("P", version + 1, False)
    assert rest_shop.order(order, "STATUS_ID", "VERSION", "EMP_STATUS_ID", "UPDATED_1C") == (
        "P",
        version + 1,
        1,
        "N",
    )
    rest_shop.database.run("SET time_zone = '+03:00'")
    age = "TIMESTAMPDIFF(SECOND, {}, NOW()) BETWEEN 0 AND 60"
    assert rest_shop.order(order, age.format("DATE_UPDATE"), age.format("DATE_STATUS")) == (1, 1)
    assert rest_shop.mails == [(order, "P")]
    [history] = rest_shop.database.rows(
        "SELECT TYPE, DATA FROM b_sale_order_change WHERE ORDER_ID = %s ORDER BY ID DESC LIMIT 1",
        order,
    )
    data = 'a:2:{s:9:"STATUS_ID";s:1:"P";s:13:"OLD_STATUS_ID";s:1:"N";}'
    assert history == ("ORDER_STATUS_CHANGED", data)


def test_the_status_that_it_has_already_changes_nothing(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1, status="P")
    before = rest_shop.order(order, "VERSION", "DATE_UPDATE", "DATE_STATUS")

    rest_shop.speaking().orders.set_status(order, "P")

    assert rest_shop.order(order, "VERSION", "DATE_UPDATE", "DATE_STATUS") == before
    assert rest_shop.mails == []


def test_an_order_is_canceled_with_a_reason_and_taken_back(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    orders = rest_shop.speaking().orders

    canceled = orders.cancel(order, "Передумал & ушёл")

    assert (canceled.is_canceled, canceled.reason_canceled) == (True, "Передумал & ушёл")
    assert rest_shop.order(order, "CANCELED", "REASON_CANCELED", "EMP_CANCELED_ID") == (
        "Y",
        "Передумал & ушёл",
        1,
    )

    restored = orders.uncancel(order)

    assert (restored.is_canceled, restored.reason_canceled) == (False, None)
    assert rest_shop.order(order, "CANCELED") == "N"


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("PAYED", "SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE"),
        ("DEDUCTED", "SALE_ORDER_CANCEL_SHIPMENT_EXIST_SHIPPED"),
    ],
)
def test_a_paid_or_shipped_order_is_not_canceled(
    rest_shop: RestShop, column: str, code: str
) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.database.run(f"UPDATE b_sale_order SET {column} = 'Y' WHERE ID = %s", order)

    with fails_with(RefusedError, "sale.order.update", code):
        rest_shop.speaking().orders.cancel(order, "раздумал")

    assert rest_shop.order(order, "CANCELED") == "N"


def test_the_shops_own_code_may_refuse_a_status(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.behaves(vetoed=frozenset({"F"}))

    with fails_with(RefusedError, "SALE_EVENT_ON_BEFORE_ORDER_STATUS_CHANGE_ERROR"):
        rest_shop.speaking().orders.set_status(order, "F")

    assert rest_shop.order(order, "STATUS_ID") == "N"


def test_a_save_with_a_warning_succeeds_and_the_order_is_marked_at_the_next_look(
    rest_shop: RestShop,
) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.behaves(marked=frozenset({"P"}))

    state = rest_shop.speaking().orders.set_status(order, "P")

    assert (state.status, state.is_marked) == ("P", True)
    assert state.reason_marked == "Не удалось зарезервировать товар"


def test_bitrixs_own_method_checks_no_status_and_cuts_it(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)

    state = rest_shop.speaking().orders.set_status(order, "WXYZ")

    assert state.status == "WX"


def test_changes_go_in_batches_and_each_has_its_result(rest_shop: RestShop) -> None:
    orders = rest_shop.orders(5)
    changes = [StatusChange(order_id=order, status="P") for order in orders]
    changes[3] = StatusChange(order_id=GONE, status="P")

    states = rest_shop.speaking(batch_size=2).orders.change(changes)

    assert [type(state) for state in states.values()] == [
        OrderState,
        OrderState,
        OrderState,
        OrderNotFoundError,
        OrderState,
    ]
    assert rest_shop.asked == ["methods", "batch", "batch", "batch"]
    assert [rest_shop.order(order, "STATUS_ID") for order in orders] == ["P", "P", "P", "N", "P"]


def test_no_changes_are_no_request(rest_shop: RestShop) -> None:
    assert rest_shop.speaking().orders.change([]) == {}
    assert rest_shop.speaking().orders.get([]) == {}
    assert rest_shop.asked == []


def test_an_order_cannot_be_changed_twice_at_once(rest_shop: RestShop) -> None:
    changes = [StatusChange(order_id=7, status=status) for status in "NP"]

    with pytest.raises(ValueError, match="twice"):
        rest_shop.speaking().orders.change(changes)


def test_a_change_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sets the status or cancels"):
        StatusChange(order_id=7)


@pytest.mark.parametrize(
    "order",
    [{}, [], None, "yes", {"id": 1}, {"id": 1, "statusId": None}, {"id": 2, "statusId": "N"}],
)
def test_an_answer_that_is_not_about_the_order_is_no_success(
    rest_shop: RestShop, order: object
) -> None:
    rest_shop.suffers(reply({"result": []}), reply({"result": {"order": order}}))

    with fails_with(UnreadableAnswerError, "does not describe order 1"):
        rest_shop.speaking().orders.set_status(1, "P")


class TestWithOurOwnModule:
    """The PHP module's method checks what Bitrix's own does not."""

    @pytest.fixture(autouse=True)
    def module(self, rest_shop: RestShop) -> None:
        rest_shop.behaves(has_own_method=True)

    def test_it_is_used_when_the_shop_lists_it_and_asked_for_once(
        self, rest_shop: RestShop
    ) -> None:
        one, two = rest_shop.orders(2)
        orders = rest_shop.speaking().orders

        state = orders.set_status(one, "P")
        orders.cancel(two, "раздумал")

        assert (state.id, state.status) == (one, "P")
        assert state.version == rest_shop.order(one, "VERSION")
        assert rest_shop.order(two, "CANCELED", "REASON_CANCELED") == ("Y", "раздумал")
        assert rest_shop.asked == ["methods", OWN_METHOD, OWN_METHOD]

    def test_an_order_that_was_saved_since_is_left_alone(self, rest_shop: RestShop) -> None:
        [order] = rest_shop.orders(1)
        version = rest_shop.order(order, "VERSION")

        with fails_with(VersionConflictError, "read the order again"):
            rest_shop.speaking().orders.set_status(order, "P", expected_version=version + 1)

        assert rest_shop.order(order, "STATUS_ID", "VERSION") == ("N", version)

    def test_the_buyer_is_mailed_only_if_wanted(self, rest_shop: RestShop) -> None:
        one, two = rest_shop.orders(2)

        rest_shop.speaking().orders.change(
            [
                StatusChange(order_id=one, status="P", notify=False),
                StatusChange(order_id=two, status="P", notify=True),
            ]
        )

        assert rest_shop.mails == [(two, "P")]

    @pytest.mark.parametrize("status", ["QQ", "n", "DF"])
    def test_a_status_that_is_none_of_orders_is_refused(
        self, rest_shop: RestShop, status: str
    ) -> None:
        [order] = rest_shop.orders(1)

        with fails_with(RefusedError, "STATUS_UNKNOWN"):
            rest_shop.speaking().orders.set_status(order, status)


def test_a_shop_without_the_method_methods_has_no_module(rest_shop: RestShop) -> None:
    refusal = {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}
    rest_shop.suffers(reply(refusal, status=404))
    [order] = rest_shop.orders(1)

    assert rest_shop.speaking().orders.set_status(order, "P").status == "P"


def test_bitrix_needs_the_fields(rest_shop: RestShop) -> None:
    with fails_with(BadRequestError, "Could not find value for parameter {fields}"):
        rest_shop.client().call("sale.order.update", {"id": 1})


def test_a_batch_never_raises(rest_shop: RestShop) -> None:
    rest_shop.behaves(rights="D")

    [state] = rest_shop.speaking().orders.get(rest_shop.orders(1)).values()

    assert isinstance(state, RestError)
