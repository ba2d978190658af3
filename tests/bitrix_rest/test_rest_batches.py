"""Batches: how commands are written for PHP, and that each has a result of its own."""

import time
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_at_hand import RestShop

from bitrix_pipeline.bitrix_rest import (
    AccessRefusedError,
    Answer,
    BitrixRest,
    Command,
    Deadlines,
    MethodNotFoundError,
    NotExecutedError,
    OperatingLimitError,
    OrderNotFoundError,
    OrderState,
    OverloadError,
    RefusedError,
    RestError,
    RestOptions,
    StatusChange,
    UnknownOutcome,
    Webhook,
)
from bitrix_pipeline.demo_rest import (
    Bucket,
    cut_connection,
    fail_commands,
    gateway_timeout,
    overload_limit,
    query_limit,
    reply,
)
from bitrix_pipeline.demo_rest.limits import Operating
from bitrix_pipeline.demo_rest.php import parse_str
from bitrix_pipeline.demo_rest.refusals import Refusal

AWKWARD = "a&b=c+d#e%20?f[g]=\"é\" 'жук' \n;"


def kinds(outcomes: dict[str, Answer | RestError]) -> list[type]:
    return [type(outcome) for outcome in outcomes.values()]


def get(order: int) -> Command:
    return Command("sale.order.get", {"id": order})


def update(order: int, status: str = "P") -> Command:
    return Command("sale.order.update", {"id": order, "fields": {"statusId": status}})


def test_a_command_is_written_as_php_reads_it() -> None:
    command = Command(
        "sale.order.list", {"filter": {"@id": [1, 2], ">=dateUpdate": AWKWARD}, "start": -1}
    )

    method, _, query = command.text().partition("?")

    assert method == "sale.order.list"
    assert parse_qsl(query) == [
        ("filter[@id][0]", "1"),
        ("filter[@id][1]", "2"),
        ("filter[>=dateUpdate]", AWKWARD),
        ("start", "-1"),
    ]


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_any_text_survives_a_batch(text: str) -> None:
    command = Command("sale.order.update", {"fields": {"reasonCanceled": text}})

    assert parse_str(command.text().partition("?")[2]) == {"fields": {"reasonCanceled": text}}


def test_truth_and_nothing_are_written_as_php_has_them() -> None:
    text = Command("m", {"yes": True, "no": False, "none": None}).text()

    assert text == "m?yes=1&no=0&none="


def test_a_command_does_not_show_its_parameters() -> None:
    assert "Иванов" not in repr(Command("sale.order.update", {"fields": {"comments": "Иванов"}}))


@pytest.mark.parametrize("key", ["0", "12", "-3"])
def test_keys_that_php_would_turn_into_a_list_are_refused(rest_shop: RestShop, key: str) -> None:
    with pytest.raises(ValueError, match="must not be numbers"):
        rest_shop.client().batch({key: Command("profile")})


def test_each_command_has_its_result_or_its_error(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)

    found = rest_shop.client().batch(
        {
            "a": get(order),
            "b": get(999_999),
            "c": Command("no.such.method"),
            "d": Command("profile"),
        }
    )

    assert list(found) == ["a", "b", "c", "d"]
    assert kinds(found) == [Answer, OrderNotFoundError, MethodNotFoundError, Answer]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ({"a": Command("no.such.method")}, [MethodNotFoundError]),
        ({"a": Command("profile")}, [Answer]),
        ({}, []),
    ],
)
def test_all_failed_all_succeeded_and_none(
    rest_shop: RestShop, commands: dict[str, Command], expected: list[type]
) -> None:
    assert kinds(rest_shop.client().batch(commands)) == expected


def test_half_of_a_batch_may_fail(rest_shop: RestShop) -> None:
    orders = rest_shop.orders(4)
    rest_shop.suffers(None, fail_commands(2, Refusal("ERROR_CORE", "Не сегодня")))

    states = rest_shop.speaking().orders.change(
        [StatusChange(order_id=order, status="P") for order in orders]
    )

    assert [type(state) for state in states.values()] == [OrderState, RefusedError] * 2
    assert [rest_shop.order(order, "STATUS_ID") for order in orders] == ["P", "N", "P", "N"]


def test_a_large_batch_goes_in_several_requests(rest_shop: RestShop) -> None:
    commands = {f"k{place}": Command("server.time") for place in range(45)}

    found = rest_shop.client(batch_size=20).batch(commands)

    assert kinds(found) == [Answer] * 45
    assert rest_shop.asked == ["batch"] * 3


def test_more_than_bitrix_takes_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="1 to 50"):
        RestOptions(batch_size=51)


def test_a_command_that_the_answer_lacks_was_not_executed(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply({"result": {"result": {"a": 1}, "result_error": []}}))

    found = rest_shop.client().batch({"a": Command("profile"), "b": update(1)})

    assert kinds(found) == [Answer, NotExecutedError]


@pytest.mark.parametrize("result", [[], {}, None, "?", {"result": None, "result_error": None}])
def test_an_answer_without_any_part_has_executed_nothing(
    rest_shop: RestShop, result: object
) -> None:
    rest_shop.suffers(reply({"result": result}))

    assert kinds(rest_shop.client().batch({"a": Command("profile")})) == [NotExecutedError]


def test_an_error_may_be_less_than_a_map(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply({"result": {"result": [], "result_error": {"a": "WRONG"}}}))

    assert kinds(rest_shop.client().batch({"a": Command("profile")})) == [RefusedError]


def test_a_batch_that_only_reads_is_tried_again(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.suffers(gateway_timeout(), cut_connection(applies=False))

    assert kinds(rest_shop.client().batch({"a": get(order)})) == [Answer]


def test_a_batch_with_a_write_is_not_and_all_its_writes_are_unknown(rest_shop: RestShop) -> None:
    one, two = rest_shop.orders(2)
    rest_shop.suffers(gateway_timeout(applies=True))

    found = rest_shop.client().batch({"a": update(one), "b": update(two)})

    assert kinds(found) == [UnknownOutcome] * 2
    assert rest_shop.asked == ["batch"]
    assert rest_shop.order(two, "STATUS_ID") == "P"


@pytest.mark.parametrize(
    "refusal", [Refusal("INTERNAL_SERVER_ERROR"), Refusal("ERROR_CORE", "SQL query error!")]
)
def test_an_inner_error_of_a_server_leaves_a_write_unknown(
    rest_shop: RestShop, refusal: Refusal
) -> None:
    rest_shop.suffers(fail_commands(1, refusal))

    assert kinds(rest_shop.client().batch({"a": update(1)})) == [UnknownOutcome]


def test_after_a_batch_without_an_answer_the_next_is_half_as_large(rest_shop: RestShop) -> None:
    commands = {f"o{order}": update(order) for order in rest_shop.orders(14)}
    rest_shop.suffers(gateway_timeout())

    found = rest_shop.client(batch_size=8).batch(commands)

    assert kinds(found) == [UnknownOutcome] * 8 + [Answer] * 6
    sizes = [len(params["cmd"]) for _, params in rest_shop.simulator.bitrix.requests]
    assert sizes == [8, 4, 2]


def test_two_without_an_answer_end_it_and_the_rest_was_not_executed(rest_shop: RestShop) -> None:
    commands = {f"o{order}": update(order) for order in rest_shop.orders(9)}
    rest_shop.suffers(gateway_timeout(), gateway_timeout())

    found = rest_shop.client(batch_size=4).batch(commands)

    assert kinds(found) == [UnknownOutcome] * 6 + [NotExecutedError] * 3
    assert rest_shop.asked == ["batch"] * 2


def test_what_concerns_all_calls_ends_it_at_once(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply({"error": "INVALID_CREDENTIALS"}, status=401))

    found = rest_shop.client(batch_size=1).batch({"a": Command("profile"), "b": update(1)})

    assert kinds(found) == [AccessRefusedError, NotExecutedError]


@pytest.mark.parametrize(
    "fault",
    [overload_limit(), fail_commands(1, Refusal("OVERLOAD_LIMIT"))],
    ids=["as a whole", "inside"],
)
def test_overload_ends_it_at_once(rest_shop: RestShop, fault: object) -> None:
    rest_shop.suffers(fault)  # type: ignore[arg-type]

    found = rest_shop.client(batch_size=1).batch({"a": Command("profile"), "b": update(1)})

    assert kinds(found) == [OverloadError, NotExecutedError]


def test_the_time_that_a_batchs_methods_used_up_is_respected(rest_shop: RestShop) -> None:
    rest_shop.behaves(operating=Operating(cost=100, clock=rest_shop.clock))
    [order] = rest_shop.orders(1)
    rest = rest_shop.client(deadlines=Deadlines(overall=60))

    well = rest.batch({f"k{place}": get(order) for place in range(4)})
    held = rest.batch({"k": get(order)})
    other = rest.batch({"k": Command("profile")})

    assert kinds(well) == [Answer] * 4
    assert kinds(held) == [OperatingLimitError]
    assert kinds(other) == [Answer]
    assert rest_shop.asked == ["batch", "batch"]


def test_a_full_batch_is_one_success_for_the_rate(rest_shop: RestShop) -> None:
    rest = rest_shop.client(tries=2)
    rest_shop.suffers(query_limit())
    rest.batch({f"k{place}": Command("scope") for place in range(20)})
    slept = rest_shop.clock.slept

    rest.batch({"k": Command("scope")})

    assert rest_shop.clock.slept - slept > 0.8


def test_the_rates_complaint_is_waited_out(rest_shop: RestShop) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.suffers(query_limit(), query_limit())

    assert kinds(rest_shop.client().batch({"a": update(order)})) == [Answer]
    assert rest_shop.order(order, "STATUS_ID") == "P"


def test_a_thousand_diffs_through_a_bucket_of_fifty_leave_no_503(rest_shop: RestShop) -> None:
    rest_shop.behaves(bucket=Bucket(burst=50, per_second=2.0, clock=rest_shop.clock))
    orders = rest_shop.orders(20)
    commands = {f"k{place}": get(orders[place % 20]) for place in range(1_000)}

    found = rest_shop.client(batch_size=10).batch(commands)

    assert kinds(found) == [Answer] * 1_000
    assert rest_shop.asked == ["batch"] * 100
    assert rest_shop.clock.slept == pytest.approx(25, abs=1)


def test_in_real_time_too(rest_shop: RestShop) -> None:
    rest_shop.behaves(bucket=Bucket(burst=50, per_second=2.0))
    rest = BitrixRest(Webhook.parse(rest_shop.simulator.webhook_url))
    began = time.monotonic()

    for _ in range(53):
        rest.call("server.time")

    assert time.monotonic() - began < 20
    assert len(rest_shop.asked) == 53, "a request was refused and sent again"
