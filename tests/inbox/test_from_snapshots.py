"""What single events do where MySQL is out of reach."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from shop_and_crm import SETTINGS, Crm, fails, written
from snapshots import (
    BUYER,
    LINE,
    NOON,
    ORDER,
    PRODUCT,
    Row,
    apply,
    line,
    live_rows,
    order,
    order_with_user,
    sent,
    user,
)

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.inbox.errors import EventError
from bitrix_pipeline.inbox.event import Event
from bitrix_pipeline.inbox.from_snapshots import apply_snapshots
from bitrix_pipeline.sync.postgres import Connection


def test_an_order_arrives_with_its_lines_and_stand_ins_for_what_is_missing(bare_crm: Crm) -> None:
    results = apply(
        bare_crm,
        SETTINGS,
        order(
            line(PRODUCT_XML_ID="1c-7", CURRENCY="RUB", BASE_PRICE="250.5000"),
            line(LINE + 1, NAME="Роза новая", CURRENCY="RUB", BASE_PRICE=99),
        ),
    )

    assert written(results) == {"orders": (1, 0, 0), "order_items": (2, 0, 0)}
    assert bare_crm.row("orders", ORDER, "status", "user_id") == ("new", BUYER)
    assert bare_crm.row("users", BUYER, "is_placeholder", "deleted_at IS NULL") == (True, False)
    newest = ("Роза новая", None, "RUB", Decimal(99), True)
    columns = ("name", "xml_id", "currency", "price", "is_placeholder")
    assert bare_crm.row("products", PRODUCT, *columns) == newest


def test_an_unchanged_row_is_not_written(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), at=1, VERSION=7))
    before = bare_crm.contents()

    results = apply(bare_crm, SETTINGS, order(line(), at=2, VERSION=7))

    assert written(results) == {}
    assert bare_crm.contents() == before


def test_of_one_batch_the_latest_counts(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(at=3, STATUS_ID="F"), order(at=2, STATUS_ID="P"))

    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "F"


def test_an_earlier_event_changes_nothing(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), at=5, VERSION=1))
    before = bare_crm.contents()

    apply(bare_crm, SETTINGS, order(at=4, STATUS_ID="F", VERSION=1))

    assert bare_crm.contents() == before


HIGHER, LATER = order(at=2, STATUS_ID="P", VERSION=2), order(at=4, STATUS_ID="N", VERSION=1)
DELETED = sent("order.deleted", ORDER, at=3)


@pytest.mark.parametrize(
    "batches",
    [[[HIGHER], [LATER]], [[LATER], [HIGHER]], [[HIGHER, LATER]]],
    ids=["higher first", "later first", "at once"],
)
def test_of_two_saves_the_higher_version_counts_and_not_the_later_time(
    bare_crm: Crm, batches: list[list[Event]]
) -> None:
    for batch in batches:
        apply(bare_crm, SETTINGS, *batch)

    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "P"


@pytest.mark.parametrize("told", list(permutations([HIGHER, LATER, DELETED])))
def test_a_deletion_is_compared_by_time_with_the_save_that_counts(
    bare_crm: Crm, told: tuple[Event, ...]
) -> None:
    for event in told:
        apply(bare_crm, SETTINGS, event)

    assert live_rows(bare_crm, "orders") == {}


def test_an_event_of_the_same_second_is_told_apart_by_its_sequence(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(at=5, STATUS_ID="P"))
    apply(bare_crm, SETTINGS, order(at=4, STATUS_ID="N"))

    assert order(at=5).timestamp == order(at=4).timestamp
    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "P"


@pytest.mark.parametrize("turned", [False, True], ids=["as told", "turned round"])
@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "in one batch"])
@pytest.mark.parametrize(
    ("lesser", "greater"),
    [
        ({"VERSION": 9}, {"VERSION": 10}),
        ({"DATE_UPDATE": "2026-03-08 12:00:00"}, {"DATE_UPDATE": "2026-03-08 12:00:01"}),
    ],
    ids=["by version", "by time"],
)
def test_what_no_moment_tells_apart_is_told_apart_by_what_the_row_tells(
    bare_crm: Crm, lesser: Row, greater: Row, *, at_once: bool, turned: bool
) -> None:
    events = [order(at=1, STATUS_ID="F", **lesser), order(at=1, STATUS_ID="P", **greater)]
    if turned:
        events.reverse()

    for batch in [events] if at_once else [[event] for event in events]:
        apply(bare_crm, SETTINGS, *batch)

    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "P"


@pytest.mark.parametrize("turned", [False, True], ids=["as told", "turned round"])
def test_of_one_moment_a_deletion_counts_more_than_a_save(bare_crm: Crm, *, turned: bool) -> None:
    events = [order(at=1), sent("order.deleted", ORDER, at=1)]
    if turned:
        events.reverse()

    for event in events:
        apply(bare_crm, SETTINGS, event)

    assert not bare_crm.value("SELECT count(*) FROM orders WHERE deleted_at IS NULL")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"VERSION": 7}, {"VERSION": 6}),
        (
            {"VERSION": None, "DATE_UPDATE": "2026-03-08 12:00:01"},
            {"VERSION": 9, "DATE_UPDATE": "2026-03-08 12:00:00"},
        ),
        (
            {"DATE_UPDATE": "2026-03-08 12:00:00", "VERSION": None},
            {"DATE_UPDATE": "2026-03-08T08:59:59Z", "VERSION": None},
        ),
    ],
)
def test_an_older_version_or_time_changes_nothing(bare_crm: Crm, before: Row, after: Row) -> None:
    apply(bare_crm, SETTINGS, order(line(), at=1, **before))
    stored = bare_crm.contents()

    apply(bare_crm, SETTINGS, order(at=2, STATUS_ID="F", **after))

    assert bare_crm.contents() == stored


def test_a_time_that_cannot_be_read_makes_nothing_stale(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, user("Анна", 1, TIMESTAMP_X="2026-03-08 12:00:00"))

    results = apply(bare_crm, SETTINGS, user("Мария", 2, TIMESTAMP_X="08.03.2026 25:00:00"))

    assert results["users"].set_aside == 1
    [(reason,)] = bare_crm.rows("SELECT reason FROM bitrix_pipeline.set_aside")
    assert "25:00" not in reason


@pytest.mark.parametrize(
    ("stored", "rider", "name"),
    [
        ("2026-03-08 12:00:00", "2026-03-08 12:00:01", "Мария"),
        ("2026-03-08 12:00:00", "2026-03-08 12:00:00", "Мария"),
        ("2026-03-08 12:00:00", "2026-03-08 11:59:59", "Анна"),
        ("2026-03-08 12:00:00", None, "Анна"),
        (None, "2026-03-08 12:00:00", "Мария"),
    ],
)
def test_a_buyer_who_rides_along_is_judged_by_his_own_time(
    bare_crm: Crm, stored: str | None, rider: str | None, name: str
) -> None:
    apply(bare_crm, SETTINGS, user("Анна", 1, TIMESTAMP_X=stored))

    apply(bare_crm, SETTINGS, order_with_user("Мария", 2, TIMESTAMP_X=rider))

    assert bare_crm.cell("users", BUYER, "first_name") == name


def test_a_buyer_who_rides_along_replaces_his_placeholder(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(at=1))

    apply(bare_crm, SETTINGS, order_with_user("Мария", 2))

    assert bare_crm.row("users", BUYER, "first_name", "is_placeholder") == ("Мария", False)


def test_what_rides_along_in_a_stale_order_is_news_of_itself(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(at=2))

    apply(bare_crm, SETTINGS, order_with_user("Мария", 1))

    assert bare_crm.cell("users", BUYER, "first_name") == "Мария"


def test_an_older_snapshot_does_not_bring_back_what_changed_since(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, user("Мария", 3))

    apply(bare_crm, SETTINGS, order_with_user("Анна", 2))

    assert bare_crm.cell("users", BUYER, "first_name") == "Мария"


def test_a_line_that_left_the_basket_is_deleted(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), line(LINE + 1), at=1))

    results = apply(bare_crm, SETTINGS, order(line(), at=2))

    assert results["order_items"].deleted == 1
    assert bare_crm.row("order_items", LINE + 1, "deleted_at IS NULL", "name") == (False, "Роза")
    assert bare_crm.cell("order_items", LINE, "deleted_at") is None


def test_a_line_of_a_cart_is_no_line_of_the_order(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), line(LINE + 1, ORDER_ID=None), line(3, ORDER_ID="0")))

    assert bare_crm.rows("SELECT id FROM order_items") == [(LINE,)]


def test_a_deleted_order_takes_its_lines_along_and_keeps_their_values(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), at=1))

    results = apply(bare_crm, SETTINGS, sent("order.deleted", ORDER, at=2))

    assert (results["orders"].deleted, results["order_items"].deleted) == (1, 1)
    marks = ("deleted_at IS NULL", "source_hash")
    assert bare_crm.row("orders", ORDER, "bitrix_status", *marks) == ("N", False, None)
    assert bare_crm.row("order_items", LINE, "name", *marks) == ("Роза", False, None)


def test_what_was_deleted_and_is_saved_again_is_there_again(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, user("Анна", 1))
    apply(bare_crm, SETTINGS, sent("user.deleted", BUYER, at=2))

    apply(bare_crm, SETTINGS, user("Анна", 3))

    assert bare_crm.row("users", BUYER, "first_name", "deleted_at") == ("Анна", None)


def test_an_order_that_was_deleted_first_does_not_come_back(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, sent("order.deleted", ORDER, at=2))

    apply(bare_crm, SETTINGS, order(line(), at=1))

    assert bare_crm.rows("SELECT id FROM orders UNION SELECT id FROM order_items") == []


def test_an_archived_order_and_its_lines_stay_as_they_were(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, order(line(), at=1))

    results = apply(bare_crm, SETTINGS, sent("order.archived", ORDER, at=2))

    assert (results["orders"].archived, results["order_items"].archived) == (1, 1)
    found = bare_crm.row("orders", ORDER, "archived_at", "deleted_at", "bitrix_status")
    assert found == (NOON + timedelta(seconds=1), None, "N")
    assert bare_crm.row("order_items", LINE, "deleted_at", "name") == (None, "Роза")


@pytest.mark.parametrize("draft", [{"WF_STATUS_ID": 2}, {"WF_PARENT_ELEMENT_ID": 30}])
def test_a_draft_is_no_product(bare_crm: Crm, draft: Row) -> None:
    product = {"ID": PRODUCT, "NAME": "Роза", "WF_STATUS_ID": "1"}
    apply(bare_crm, SETTINGS, sent("product.saved", PRODUCT, at=1, product=product))

    apply(bare_crm, SETTINGS, sent("product.saved", PRODUCT, at=2, product=product | draft))

    assert bare_crm.cell("products", PRODUCT, "deleted_at") is not None


def test_phps_empty_list_is_an_empty_row(bare_crm: Crm) -> None:
    product = {"ID": PRODUCT, "NAME": "Роза", "catalog": [], "price": [], "parent_id": None}
    apply(bare_crm, SETTINGS, sent("product.saved", PRODUCT, at=1, product=product))

    assert bare_crm.row("products", PRODUCT, "name", "quantity") == ("Роза", None)


@pytest.mark.parametrize("kind", ["order.shipped", "store.saved", "order"])
def test_an_event_of_an_unknown_type_does_nothing(bare_crm: Crm, kind: str) -> None:
    assert apply(bare_crm, SETTINGS, sent(kind, ORDER, at=1)) == {}


@pytest.mark.parametrize(
    ("kind", "data", "complaint"),
    [
        ("order.saved", {}, "carries no order, basket, properties"),
        ("order.saved", {"order": {"ID": ORDER}, "basket": []}, "carries no properties"),
        ("user.saved", {}, "carries no user"),
        ("category.saved", {"product": {"ID": ORDER}}, "carries no category"),
        ("user.saved", {"user": {"ID": 6}}, "carries the user of another ID"),
        ("user.saved", {"user": {"NAME": "Тайна"}}, "a row of users without an ID"),
        ("user.saved", {"user": {"ID": ORDER, "NAME": ["Тайна"]}}, "b_user.NAME of users"),
        ("product.saved", {"product": {"ID": ORDER, "price": "Тайна"}}, "whose price is no row"),
    ],
)
def test_a_poisonous_event_is_refused_and_says_why(
    bare_crm: Crm, kind: str, data: dict[str, Any], complaint: str
) -> None:
    with fails(EventError, f"{kind} of {ORDER} ", complaint):
        apply(bare_crm, SETTINGS, sent(kind, ORDER, at=1, **data))
    assert bare_crm.rows("SELECT id FROM users UNION SELECT id FROM orders") == []


@pytest.mark.parametrize(
    ("basket", "complaint"),
    [([line(ORDER_ID=72)], "of another order"), ([{"NAME": "Роза"}], "basket without an ID")],
)
def test_a_basket_that_contradicts_its_order_is_refused(
    bare_crm: Crm, basket: list[Row], complaint: str
) -> None:
    with fails(EventError, complaint):
        apply(bare_crm, SETTINGS, order(*basket))


@pytest.mark.parametrize("happened", [None, datetime.now(UTC) + timedelta(days=30), "0001"])
def test_an_event_without_a_possible_time_is_refused(bare_crm: Crm, happened: Any) -> None:
    moment = datetime(1, 1, 1, tzinfo=UTC) if happened == "0001" else happened
    event = user("Анна", 1).model_copy(update={"timestamp": moment})

    with fails(EventError, "timestamp"):
        apply(bare_crm, SETTINGS, event)


def test_no_credential_is_written(bare_crm: Crm) -> None:
    apply(bare_crm, SETTINGS, user("Анна", 1, PASSWORD="canary-1", CHECKWORD="canary-2"))

    assert "canary" not in str(bare_crm.contents("users"))


def test_what_the_seal_raises_undoes_everything(bare_crm: Crm) -> None:
    def seal(_: object) -> None:
        raise TransientError("the lease is lost")

    with fails(TransientError, "the lease is lost"):
        apply_snapshots([order(line())], postgres_url=bare_crm.url, settings=SETTINGS, seal=seal)

    assert bare_crm.rows("SELECT id FROM orders") == []
    assert bare_crm.rows("SELECT entity_id FROM bitrix_pipeline.inbox_applied") == []


def test_the_seal_writes_in_the_same_transaction(bare_crm: Crm) -> None:
    def seal(connection: Connection) -> None:
        connection.execute(
            "INSERT INTO bitrix_pipeline.inbox_applied SELECT 'sealed', count(*), now(), 0"
            " FROM users WHERE first_name = 'Анна'"
        )

    url = bare_crm.url
    apply_snapshots([user("Анна", 1)], postgres_url=url, settings=SETTINGS, seal=seal)

    sealed = "SELECT entity_id FROM bitrix_pipeline.inbox_applied WHERE entity = 'sealed'"
    assert bare_crm.value(sealed) == 1
