"""Where the shop's MySQL is out of reach by design: the echo arrives as a snapshot in a webhook."""

from collections.abc import Iterator

import pytest
from pushing import Desk
from snapshots import Sender, apply
from test_push_once import MANY_TO_ONE, push_in_a_process

from bitrix_pipeline.inbox.event import Event


@pytest.fixture
def sender(desk: Desk) -> Iterator[Sender]:
    made = Sender(desk.rest.database)
    yield made
    made.close()


def deliver(desk: Desk, event: Event) -> int:
    """How many orders were written."""
    return apply(desk.crm, desk.pipeline.settings, event)["orders"].updated


@pytest.mark.parametrize(("word", "code"), [("packed", ("P", "N")), ("canceled", ("N", "Y"))])
def test_the_echo_by_a_snapshot_changes_no_status(
    desk: Desk, sender: Sender, word: str, code: tuple[str, str]
) -> None:
    [order] = desk.prepare(1)
    desk.set(word, order)
    assert desk.run(push_mapping=MANY_TO_ONE).sent == 1

    assert deliver(desk, sender.saved("order", order)) == 1

    assert desk.in_bitrix(order) == code
    assert desk.in_crm(order) == (word, code[0], code[1] == "Y")
    assert desk.run(push_mapping=MANY_TO_ONE).outcomes == ()
    assert desk.writes == 1


def test_the_echo_of_a_killed_push_by_a_snapshot_changes_no_status(
    desk: Desk, sender: Sender
) -> None:
    [order] = desk.prepare(1)
    desk.set("packed", order)
    push_in_a_process(desk, "push.after_write")
    desk.set("completed", order)

    assert deliver(desk, sender.saved("order", order)) == 1

    assert desk.in_crm(order) == ("completed", "P", False)
    result = desk.run(push_mapping=MANY_TO_ONE)
    assert (result.sent, result.conflicts) == (2, 0)
    assert desk.in_bitrix(order) == ("F", "N")


def test_a_snapshot_from_before_the_push_that_arrives_after_it_changes_no_status(
    desk: Desk, sender: Sender
) -> None:
    [order] = desk.prepare(1)
    before = sender.saved("order", order)
    desk.set("paid", order)
    desk.run()

    assert deliver(desk, before) == 0

    assert desk.in_crm(order) == ("paid", "P", False)
    assert desk.run().outcomes == ()


def test_what_bitrix_changed_after_the_push_is_news(desk: Desk, sender: Sender) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.run()
    desk.bitrix_sets(order, "STATUS_ID = 'F'")

    assert deliver(desk, sender.saved("order", order)) == 1

    assert desk.in_crm(order) == ("completed", "F", False)
    assert desk.run().outcomes == ()
