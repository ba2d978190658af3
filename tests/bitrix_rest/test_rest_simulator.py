"""The simulator answers as Bitrix does: each quirk, over plain HTTP and in every way to call."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests
from rest_at_hand import CODE, RestShop

from bitrix_pipeline.demo_rest import Bucket, reply
from bitrix_pipeline.demo_rest.limits import Operating
from bitrix_pipeline.demo_rest.php import array, parse_str, serialize

GONE = 999_999


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def ask(rest_shop: RestShop, http: requests.Session) -> Any:
    """Calls a method with a JSON body; the status and the body."""

    def call(method: str, **params: Any) -> tuple[int, Any]:
        url = rest_shop.simulator.webhook_url + method
        answer = http.post(url, json=params, timeout=60)
        return answer.status_code, answer.json()

    return call


def test_all_ways_to_call_are_the_same(rest_shop: RestShop, http: requests.Session) -> None:
    url = rest_shop.simulator.webhook_url
    ways = {
        "as JSON": {"json": {"id": None, "fields": {"statusId": "P"}}},
        "as a form": {"data": {"id": None, "fields[statusId]": "P"}},
        "in the address": {"params": {"id": None, "fields[statusId]": "P"}},
    }

    for order, (way, how) in zip(rest_shop.orders(3), ways.items(), strict=True):
        [(kind, values)] = how.items()
        verb = "GET" if kind == "params" else "POST"
        answer = http.request(
            verb,
            f"{url}Sale.Order.Update.json",
            timeout=60,
            **{kind: {**values, "id": order}},
        )

        assert answer.json()["result"]["order"]["statusId"] == "P", way
        assert rest_shop.order(order, "STATUS_ID") == "P"


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_batch_may_be_a_form_too(rest_shop: RestShop, http: requests.Session, how: str) -> None:
    [order] = rest_shop.orders(1)
    command = f"sale.order.get?id={order}"
    values = {
        "json": {"halt": 0, "cmd": {"k": command}},
        "data": {"halt": "0", "cmd[k]": command},
    }

    answer = http.post(
        f"{rest_shop.simulator.webhook_url}batch", timeout=60, **{how: values[how]}
    ).json()

    assert answer["result"]["result"]["k"]["order"]["id"] == order
    assert answer["result"]["result_error"] == []


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("", {}),
        ("id=1&fields%5BstatusId%5D=F", {"id": "1", "fields": {"statusId": "F"}}),
        ("filter[@id][]=1&filter[@id][]=2", {"filter": {"@id": {"0": "1", "1": "2"}}}),
        ("a=1&a=2", {"a": "2"}),
        ("a=%D0%96+%26", {"a": "Ж &"}),
        ("a&b=", {"a": "", "b": ""}),
    ],
)
def test_parameters_are_read_as_php_reads_them(query: str, meaning: dict[str, Any]) -> None:
    assert parse_str(query) == meaning


def test_arrays_are_written_as_php_writes_them() -> None:
    assert array({}) == []
    assert array({"0": "a", "1": "b"}) == ["a", "b"]
    assert array({"1": "b"}) == {"1": "b"}
    assert serialize({"Ж": "x"}) == 'a:1:{s:2:"Ж";s:1:"x";}'


@pytest.mark.parametrize(
    ("dialect", "path", "status", "code"),
    [
        ("docs", f"1/{CODE}/no.such.method", 404, "ERROR_METHOD_NOT_FOUND"),
        ("core", f"1/{CODE}/no.such.method", 404, "ERROR_METHOD_NOT_FOUND"),
        ("docs", "1/wrong/profile", 403, "INVALID_CREDENTIALS"),
        ("core", "1/wrong/profile", 401, "INVALID_CREDENTIALS"),
        ("core", f"2/{CODE}/profile", 401, "INVALID_CREDENTIALS"),
        ("core", "profile", 401, "NO_AUTH_FOUND"),
        ("docs", f"1/{CODE}/sale.order.get?id={GONE}", 400, 200540400001),
        ("core", f"1/{CODE}/sale.order.get?id={GONE}", 400, "200540400001"),
        ("core", f"1/{CODE}/sale.order.get", 400, "100"),
        ("docs", f"1/{CODE}/sale.order.update?id=1", 400, 100),
    ],
)
def test_documentation_and_code_differ_and_either_can_be_had(
    rest_shop: RestShop,
    http: requests.Session,
    *,
    dialect: str,
    path: str,
    status: int,
    code: str | int,
) -> None:
    rest_shop.behaves(dialect=dialect)

    answer = http.get(f"http://{rest_shop.simulator.address}/rest/{path}", timeout=60)

    assert (answer.status_code, answer.json()["error"]) == (status, code)


@pytest.mark.parametrize(
    ("options", "method", "status", "code"),
    [
        ({"scopes": ("user",)}, "sale.order.list", 401, "insufficient_scope"),
        ({"rights": "D"}, "sale.order.list", 400, "200040300010"),
        ({"rights": "R"}, "sale.order.update", 400, "200040300020"),
        ({"is_closed": True}, "profile", 403, "PORTAL_DELETED"),
    ],
)
def test_who_may_not_is_told_so(
    rest_shop: RestShop, ask: Any, *, options: dict[str, Any], method: str, status: int, code: str
) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.behaves(**options)

    answered, body = ask(method, id=order, fields={"statusId": "P"})

    assert (answered, body["error"]) == (status, code)
    assert rest_shop.order(order, "STATUS_ID") == "N"


def test_what_needs_no_scope_works_without(rest_shop: RestShop, ask: Any) -> None:
    rest_shop.behaves(scopes=())

    assert ask("profile")[1]["result"]["ID"] == "1"
    assert datetime.fromisoformat(ask("server.time")[1]["result"]).tzinfo is not None
    assert ask("scope")[1]["result"] == []
    assert "sale.order.update" in ask("methods")[1]["result"]


def test_the_bucket_spills_with_503_and_leaks(rest_shop: RestShop, ask: Any) -> None:
    clock = rest_shop.clock
    rest_shop.behaves(bucket=Bucket(burst=2, per_second=2.0, clock=clock))

    statuses = [ask("profile")[0] for _ in range(3)]
    clock.now += 0.5
    statuses.append(ask("profile")[0])

    assert statuses == [200, 200, 503, 200]


def test_the_load_limiter_counts_a_methods_seconds(rest_shop: RestShop, ask: Any) -> None:
    rest_shop.behaves(operating=Operating(cost=210, clock=rest_shop.clock))

    first, second, third = (ask("profile") for _ in range(3))

    assert [status for status, _ in (first, second, third)] == [200, 200, 429]
    assert second[1]["time"]["operating"] == 420
    assert second[1]["time"]["operating_reset_at"] == rest_shop.clock.now + 600
    assert third[1]["error"] == "OPERATION_TIME_LIMIT"
    assert ask("scope")[0] == 200


def test_a_batch_answers_200_whatever_fails_inside(ask: Any) -> None:
    status, body = ask("batch", halt=0, cmd={"a": "no.such.method", "b": "profile"})

    assert status == 200
    assert body["result"]["result_error"]["a"]["error"] == "ERROR_METHOD_NOT_FOUND"
    assert list(body["result"]["result"]) == ["b"]


@pytest.mark.parametrize(
    ("halt", "executed"), [(0, True), ("0", True), ("", True), (1, False), ("false", False)]
)
def test_halt_is_phps_truth(ask: Any, halt: object, *, executed: bool) -> None:
    _, body = ask("batch", halt=halt, cmd={"a": "no.such.method", "b": "profile"})

    assert ("b" in body["result"]["result"]) is executed
    assert "b" not in body["result"]["result_error"]


def test_a_batch_with_numeric_keys_is_a_list_until_something_fails(ask: Any) -> None:
    _, all_well = ask("batch", halt=0, cmd=["scope", "scope"])
    _, one_failed = ask("batch", halt=0, cmd=["no.such.method", "scope"])

    assert all_well["result"]["result"] == [["sale"], ["sale"]]
    assert one_failed["result"]["result"] == {"1": ["sale"]}


def test_a_batch_takes_fifty_commands_and_only_texts(ask: Any) -> None:
    commands: dict[str, Any] = {f"k{place}": "scope" for place in range(52)}
    commands["k3"] = {"method": "scope"}

    _, body = ask("batch", halt=0, cmd=commands)

    assert len(body["result"]["result"]) == 49
    assert body["result"]["result_error"]["k50"]["error"] == "ERROR_BATCH_LENGTH_EXCEEDED"
    assert "k3" not in {**body["result"]["result"], **body["result"]["result_error"]}


def test_a_batch_holds_no_batch(ask: Any) -> None:
    _, body = ask("batch", halt=0, cmd={"a": "batch?cmd[x]=scope"})

    assert body["result"]["result_error"]["a"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_orders_are_listed_by_fifties(rest_shop: RestShop, ask: Any) -> None:
    total = rest_shop.database.value("SELECT COUNT(*) FROM b_sale_order")

    _, first = ask("sale.order.list", select=["id"], order={"id": "asc"})
    _, between = ask("sale.order.list", select=["id"], order={"id": "asc"}, start=49)
    _, last = ask("sale.order.list", select=["id"], start=total // 50 * 50)
    _, uncounted = ask("sale.order.list", select=["id"], start=-1)

    assert (len(first["result"]["orders"]), first["next"], first["total"]) == (50, 50, total)
    assert between["result"] == first["result"]
    assert "next" not in last
    assert not {"total", "next"} & set(uncounted)


@pytest.mark.parametrize(
    ("conditions", "sql"),
    [
        ({"statusId": "F"}, "STATUS_ID = 'F'"),
        ({"!statusId": "F"}, "STATUS_ID <> 'F'"),
        ({"<id": 10_030, ">=id": 10_025}, "ID BETWEEN 10025 AND 10029"),
        ({"@id": [10_021, 10_023]}, "ID IN (10021, 10023)"),
        ({"id": [10_021, 10_023]}, "ID IN (10021, 10023)"),
        ({"!@statusId": ["N", "F"]}, "STATUS_ID NOT IN ('N', 'F')"),
        ({"@id": []}, "FALSE"),
        ({"noSuchField": 1}, "TRUE"),
    ],
)
def test_orders_are_filtered(
    rest_shop: RestShop, ask: Any, conditions: dict[str, Any], sql: str
) -> None:
    expected = rest_shop.database.ids(f"SELECT ID FROM b_sale_order WHERE {sql} ORDER BY ID DESC")

    _, body = ask(
        "sale.order.list", select=["id", "statusId"], filter=conditions, order={"id": "desc"}
    )

    assert [order["id"] for order in body["result"]["orders"]] == expected[:50]


def test_statuses_of_orders_and_of_deliveries_are_listed(rest_shop: RestShop) -> None:
    rest_shop.behaves(numbers_as_text=True)

    found = {status.id: status for status in rest_shop.speaking().statuses()}

    assert set(found) == {
        value for (value,) in rest_shop.database.rows("SELECT ID FROM b_sale_status")
    }
    assert (found["F"].type, found["F"].sort, found["F"].notifies) == ("O", 200, True)
    assert (found["DF"].type, found["FL"].notifies) == ("D", False)


def test_many_statuses_come_in_pages(rest_shop: RestShop) -> None:
    values = ", ".join(f"('{place:02}', 'O', {1000 + place}, 'N')" for place in range(60))
    rest_shop.database.run(f"INSERT INTO b_sale_status (ID, TYPE, SORT, NOTIFY) VALUES {values}")

    found = rest_shop.speaking().statuses()

    assert len(found) == len({status.id for status in found}) == 67
    assert rest_shop.asked == ["sale.status.list"] * 2


def test_pages_without_end_are_noticed(rest_shop: RestShop) -> None:
    page = {"result": {"statuses": []}, "next": 50, "total": 10**6}
    rest_shop.suffers(*[reply(page) for _ in range(200)])

    with pytest.raises(Exception, match="more than 200 pages"):
        rest_shop.speaking(rate=None).statuses()


def test_the_client_reads_who_it_is_and_what_it_may(rest_shop: RestShop) -> None:
    shop = rest_shop.speaking()

    assert (shop.profile().id, shop.profile().is_admin) == (1, True)
    assert shop.scope() == {"sale"}
    assert "sale.order.update" in shop.methods()
    assert shop.server_time().utcoffset() is not None


@pytest.mark.parametrize(
    ("method", "body"),
    [("profile", {"result": []}), ("server_time", {"result": "yesterday"})],
)
def test_the_client_believes_no_answer_that_says_nothing(
    rest_shop: RestShop, method: str, body: object
) -> None:
    rest_shop.suffers(reply(body))

    with pytest.raises(Exception, match="up to date"):
        getattr(rest_shop.speaking(), method)()


def test_the_documented_order_has_the_documented_fields(rest_shop: RestShop, ask: Any) -> None:
    [order] = rest_shop.orders(1)

    _, updated = ask("sale.order.update", id=order, fields={"comments": "x"})
    _, read = ask("sale.order.get", id=order)

    scalar = set(updated["result"]["order"])
    assert {"accountNumber", "statusId", "version", "id1c", "xmlId", "requisiteLink"} <= scalar
    assert set(read["result"]["order"]) - scalar == {
        "basketItems", "payments", "propertyValues", "shipments", "tradeBindings",
    }  # fmt: skip
    assert isinstance(read["result"]["order"]["basketItems"][0]["id"], str)


def test_fields_that_are_not_writable_are_dropped(rest_shop: RestShop, ask: Any) -> None:
    [order] = rest_shop.orders(1)
    before = rest_shop.order(order, "PAYED", "VERSION", "USER_ID")

    status, _ = ask(
        "sale.order.update", id=order, fields={"payed": "Y", "version": 99, "userId": 1}
    )

    assert status == 200
    assert rest_shop.order(order, "PAYED", "VERSION", "USER_ID") == before
