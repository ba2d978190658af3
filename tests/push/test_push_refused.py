"""What is the fault of one order, whose row Postgres refuses or Bitrix cannot read, holds up no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from pushing import Desk

from bitrix_pipeline.demo_rest import cut_connection, gateway_timeout
from bitrix_pipeline.push.reading import read_orders


@contextmanager
def postgres_refuses(desk: Desk, order: int) -> Iterator[None]:
    """A trigger of the CRM's is against this order's being P in Bitrix."""
    desk.crm.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF NEW.id = {order} AND NEW.bitrix_status = 'P' THEN RAISE EXCEPTION 'secret'; END IF;"
        " RETURN NEW; END $$"
    )
    desk.crm.run(
        "CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        yield
    finally:
        desk.crm.run("DROP TRIGGER refuse ON orders")
        desk.crm.run("DROP FUNCTION refuse")


def test_a_row_that_postgres_refuses_holds_up_no_other(desk: Desk) -> None:
    bad, good, later = desk.prepare(3)
    desk.set("paid", [bad, good])
    with postgres_refuses(desk, bad):
        first = desk.run()
        desk.set("completed", later)
        second = desk.run()

    assert (first.sent, first.failed, first.fault) == (1, 1, None)
    assert (second.sent, second.failed, second.fault) == (1, 1, None)
    assert (desk.in_crm(good), desk.in_crm(later)) == (
        ("paid", "P", False),
        ("completed", "F", False),
    )
    assert desk.writes == 3


def test_a_row_that_postgres_refuses_is_told_with_its_order(desk: Desk) -> None:
    [bad] = desk.prepare(1)
    desk.set("paid", bad)
    with postgres_refuses(desk, bad):
        [outcome] = desk.run().outcomes

    assert outcome.note.startswith(f"Bitrix has P, but order {bad}: Postgres refuses a row")
    assert "secret" not in outcome.note
    assert desk.ledger(bad, "last_error") == outcome.note


def test_a_row_that_postgres_takes_at_last_is_not_written_to_bitrix_again(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with postgres_refuses(desk, order):
        desk.run()
    assert desk.ledger(order, "sending_since") is not None

    assert desk.run().confirmed == 1
    assert (desk.writes, desk.in_crm(order)) == (1, ("paid", "P", False))
    assert (desk.ledger(order), desk.ledger(order, "sending_since")) == ("confirmed", None)


def test_a_row_that_postgres_always_refuses_is_given_up(desk: Desk) -> None:
    [bad] = desk.prepare(1)
    desk.set("paid", bad)
    with postgres_refuses(desk, bad):
        for _ in range(4):
            desk.make_due()
            assert desk.run().fault is None

    assert (desk.ledger(bad), desk.ledger(bad, "sending_since")) == ("dead", None)
    assert desk.writes == 1


def test_an_order_that_bitrix_cannot_read_costs_itself_a_try_and_nobody_else(desk: Desk) -> None:
    bad, *good = desk.prepare(8)
    desk.rest.behaves(unreadable=frozenset({bad}))
    desk.set("paid", [bad, *good])

    result = desk.run()

    assert (result.sent, result.failed, result.fault) == (7, 1, None)
    assert (desk.ledger(bad), desk.ledger(bad, "attempts")) == ("waiting", 1)
    assert "Bitrix cannot read it" in desk.ledger(bad, "last_error")


def test_an_order_that_bitrix_cannot_read_is_given_up_when_it_is_alone(desk: Desk) -> None:
    [bad] = desk.prepare(1)
    desk.rest.behaves(unreadable=frozenset({bad}))
    desk.set("paid", bad)

    for _ in range(3):
        desk.make_due()
        assert desk.run().fault is None

    assert desk.ledger(bad) == "dead"


def test_an_order_in_doubt_that_bitrix_cannot_read_holds_up_no_other(desk: Desk) -> None:
    bad, good = desk.prepare(2)
    desk.set("paid", [bad, good])
    # The reading passes; the writing, and each reading after it, meet a shop that is away.
    desk.rest.suffers(None, None, *[cut_connection(applies=False)] * 7)
    assert desk.run().fault is not None
    desk.rest.behaves(unreadable=frozenset({bad}))

    result = desk.run()

    assert (result.sent, result.failed, result.fault) == (1, 1, None)
    assert desk.in_bitrix(good) == ("P", "N")
    assert desk.ledger(bad, "sending_since") is not None


def test_a_shop_that_answers_with_pages_only_costs_no_order_a_try(desk: Desk) -> None:
    orders = desk.prepare(4)
    desk.set("paid", orders)
    desk.rest.suffers(*[gateway_timeout()] * 6)

    result = desk.run()

    assert result.fault is not None
    assert (result.failed, result.waiting, desk.ledger(orders[0], "attempts")) == (0, 4, 0)
    assert desk.rest.asked == ["batch"] * 3 + ["sale.status.list"] * 3
    assert desk.run().sent == 4


def test_a_reading_that_takes_too_long_looks_no_closer(desk: Desk) -> None:
    """The orders' turn is held meanwhile: those that travelled with the bad one lose a try too."""
    orders = desk.prepare(4)
    desk.rest.behaves(unreadable=frozenset({orders[0]}))

    reading = read_orders(desk.rest.speaking(), orders, seconds=0, clock=iter((0.0, 1.0)).__next__)

    assert (set(reading.to_blame), reading.found) == (set(orders), {})
