"""What is the fault of one order: Postgres refuses its row. It is told, and holds up nobody."""

from collections.abc import Iterator
from contextlib import contextmanager

from pushing import Desk


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
