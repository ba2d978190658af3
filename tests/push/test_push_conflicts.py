"""Bitrix changed too since the last look: whose status stands, and that it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pushing import Desk

from bitrix_pipeline.bitrix_rest import OrderState
from bitrix_pipeline.push import MassChangeError
from bitrix_pipeline.push.judge import judge
from bitrix_pipeline.push.ledger import Entry
from bitrix_pipeline.push.mapping import status_map
from bitrix_pipeline.sync.scope import Everything

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STATUSES = status_map(
    {"N": "new", "P": "paid", "F": "completed"}, {}, dict.fromkeys("NPF", "order")
)


@pytest.fixture
def order(desk: Desk) -> int:
    """The CRM says paid, Bitrix says completed, and new was the last that both knew."""
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.bitrix_sets(order, "STATUS_ID = 'F'")
    return order


def test_bitrix_wins_unless_told_otherwise(desk: Desk, order: int) -> None:
    result = desk.run()

    assert (result.conflicts, result.sent, result.confirmed) == (1, 0, 0)
    assert desk.writes == 0
    assert desk.in_crm(order) == ("completed", "F", False)
    assert (desk.ledger(order), desk.history(order)) == ("conflict", ["noted", "conflict"])
    assert desk.run().outcomes == ()


def test_the_crm_wins_if_told_so(desk: Desk, order: int) -> None:
    result = desk.run(conflict="crm_wins")

    assert (result.conflicts, result.sent) == (1, 1)
    assert desk.in_bitrix(order) == ("P", "N")
    assert desk.in_crm(order) == ("paid", "P", False)
    assert "Bitrix had changed too, from N to F; the CRM's stands" in desk.crm.value(
        "SELECT note FROM bitrix_pipeline.push_history WHERE event = 'sent'"
    )


def test_what_the_crm_insists_on_after_a_conflict_is_sent(desk: Desk, order: int) -> None:
    desk.run()
    desk.set("paid", order)

    assert desk.run().sent == 1
    assert desk.in_bitrix(order) == ("P", "N")


def test_the_same_change_on_both_sides_is_no_conflict(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.bitrix_sets(order, "STATUS_ID = 'P'")

    result = desk.run()

    assert (result.confirmed, result.sent, result.conflicts) == (1, 0, 0)
    assert desk.writes == 0
    assert desk.in_crm(order) == ("paid", "P", False)


@pytest.mark.parametrize(
    ("policy", "word", "in_bitrix"),
    [
        ("bitrix_wins", "completed", "F"),
        ("crm_wins", "paid", "P"),
        ("newest_wins", "completed", "F"),
    ],
)
def test_a_change_of_bitrixs_that_a_sync_meets_first(
    desk: Desk, order: int, policy: str, word: str, in_bitrix: str
) -> None:
    """Only a push knows since when the CRM has had its word, so in doubt Bitrix's is newer."""
    desk.pipeline.sync("orders", crm_wins=policy == "crm_wins")

    assert desk.in_crm(order) == (word, "F", False)
    assert desk.run(conflict=policy).failed == 0
    assert desk.in_bitrix(order) == (in_bitrix, "N")
    assert desk.in_crm(order) == (word, in_bitrix, False)


@pytest.mark.parametrize("policy", ["bitrix_wins", "crm_wins"])
def test_a_conflict_that_a_sync_meets_first_is_recorded(
    desk: Desk, order: int, policy: str
) -> None:
    desk.pipeline.sync("orders", crm_wins=policy == "crm_wins")
    desk.pipeline.sync("orders", Everything(), crm_wins=policy == "crm_wins")

    stands = {"bitrix_wins": ", and stands", "crm_wins": "; the CRM's stands"}[policy]
    assert recorded(desk) == [
        (order, "conflict", "paid", "N", "F", f"Bitrix changed too, a sync met it first{stands}")
    ]


def test_only_conflicts_are_recorded_by_a_sync(desk: Desk) -> None:
    """Not Bitrix's news alone, not the CRM's, not the same change on both sides, not our own echo."""
    bitrixs, crms, both, echo = desk.prepare(4)
    desk.bitrix_sets(bitrixs, "STATUS_ID = 'F'")
    desk.set("paid", [crms, both, echo])
    desk.bitrix_sets(both, "STATUS_ID = 'P'")
    desk.bitrix_sets(crms, "PRICE = PRICE + 1")
    desk.bitrix_sets(echo, "STATUS_ID = 'P'")
    desk.crm.run(
        "INSERT INTO bitrix_pipeline.push_orders (order_id, state, desired, target_status,"
        " target_canceled, sending_since) VALUES (%s, 'waiting', 'paid', 'P', false, now())",
        echo,
    )
    desk.set("completed", echo)

    assert desk.pipeline.sync("orders").updated == 4
    assert recorded(desk) == []


def recorded(desk: Desk) -> list[tuple[object, ...]]:
    return desk.crm.rows(
        "SELECT order_id, event, desired, bitrix_before, bitrix_after, note"
        " FROM bitrix_pipeline.push_history ORDER BY id"
    )


@pytest.mark.parametrize(
    ("hours", "word", "in_bitrix"),
    [(-1, "paid", "P"), (1, "completed", "F")],
    ids=["older", "newer"],
)
def test_the_newest_wins_in_a_sync_once_a_push_has_seen_the_crms_word(
    desk: Desk, order: int, hours: int, word: str, in_bitrix: str
) -> None:
    changed_at(desk, order, hours)
    with pytest.raises(MassChangeError):
        desk.run(max_changes=0)

    desk.pipeline.sync("orders", newest_wins=True)

    assert desk.in_crm(order) == (word, "F", False)
    assert recorded(desk)[-1][1] == "conflict"
    desk.run(conflict="newest_wins")
    assert desk.in_bitrix(order) == (in_bitrix, "N")


def test_a_word_that_no_push_has_seen_is_not_newer(desk: Desk, order: int) -> None:
    changed_at(desk, order, hours=-1)

    desk.pipeline.sync("orders", newest_wins=True)

    assert desk.in_crm(order) == ("completed", "F", False)


def test_a_word_that_changed_since_a_push_saw_it_is_not_newer(desk: Desk, order: int) -> None:
    changed_at(desk, order, hours=-1)
    with pytest.raises(MassChangeError):
        desk.run(max_changes=0)
    desk.set("shipped", order)

    desk.pipeline.sync("orders", newest_wins=True)

    assert desk.in_crm(order) == ("completed", "F", False)


def test_a_cancellation_that_is_newer_than_the_crms_word_wins(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with pytest.raises(MassChangeError):
        desk.run(max_changes=0)
    desk.bitrix_sets(order, "CANCELED = 'Y', DATE_CANCELED = NOW() + INTERVAL 1 DAY")

    desk.pipeline.sync("orders", newest_wins=True)

    assert desk.in_crm(order) == ("canceled", "N", True)


@pytest.mark.parametrize("word", ["new", "packed"])
def test_what_both_agreed_on_does_not_win_over_bitrixs_news(desk: Desk, word: str) -> None:
    """`packed` has gone to Bitrix as P before."""
    [order] = desk.prepare(1)
    desk.set(word, order)
    desk.run(push_mapping={"packed": "P"})
    desk.bitrix_sets(order, "STATUS_ID = 'F'")

    desk.pipeline.sync("orders", crm_wins=True, push_mapping={"packed": "P"})

    assert desk.in_crm(order) == ("completed", "F", False)


def test_a_cancellation_in_bitrix_does_not_win_over_the_crm_if_told_so(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.bitrix_sets(order, "CANCELED = 'Y'")

    desk.pipeline.sync("orders", crm_wins=True)

    assert desk.in_crm(order) == ("paid", "N", True)
    assert desk.run(conflict="crm_wins").sent == 1
    assert desk.in_bitrix(order) == ("P", "N")


def test_a_word_that_will_not_be_sent_does_not_win(desk: Desk) -> None:
    lost, skipped = desk.prepare(2)
    desk.set("lost", lost)
    desk.run()
    desk.set("paid", skipped)
    desk.crm.run("INSERT INTO bitrix_pipeline.push_orders (order_id, state, desired)"
        " VALUES (%s, 'skipped', 'paid')", skipped)  # fmt: skip
    for order in (lost, skipped):
        desk.bitrix_sets(order, "STATUS_ID = 'F'")

    desk.pipeline.sync("orders", crm_wins=True)

    assert desk.in_crm(lost) == desk.in_crm(skipped) == ("completed", "F", False)


@pytest.mark.parametrize(
    ("after", "winner"), [("-1 hour", "crm"), ("+1 hour", "bitrix")], ids=["older", "newer"]
)
def test_the_newest_wins_if_told_so(desk: Desk, order: int, after: str, winner: str) -> None:
    changed_at(desk, order, hours=1 if after.startswith("+") else -1)

    desk.run(conflict="newest_wins")

    assert desk.in_bitrix(order)[0] == {"crm": "P", "bitrix": "F"}[winner]


def changed_at(desk: Desk, order: int, hours: int) -> None:
    """Sets when Bitrix's status changed, from now on."""
    desk.rest.database.run(
        "UPDATE b_sale_order SET DATE_STATUS = CONVERT_TZ(UTC_TIMESTAMP() + INTERVAL %s HOUR,"
        " '+00:00', '+03:00') WHERE ID = %s",
        hours,
        order,
    )


BEFORE, AFTER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "canceled", "step"),
    [
        (BEFORE, None, "write"),
        (AFTER, None, "give way"),
        (None, None, "give way"),
        (BEFORE, BEFORE, "write"),
        (BEFORE, AFTER, "give way"),
    ],
    ids=["older", "newer", "unknown", "both older", "an older status and a newer cancellation"],
)
def test_in_doubt_bitrix_is_newer(
    status: datetime | None, canceled: datetime | None, step: str
) -> None:
    entry = Entry(1, "paid", NOW, "P", False, 0, "N", False, None)  # noqa: FBT003
    state = OrderState(
        id=1, status="F", is_canceled=canceled is not None, is_marked=False, version=2,
        status_changed_at=status, cancellation_changed_at=canceled, updated_at=AFTER,
    )  # fmt: skip

    verdict = judge(entry, state, STATUSES, "newest_wins")

    assert (verdict.step, verdict.is_conflict) == (step, True)


def test_the_crm_may_change_its_mind_while_bitrix_wins(desk: Desk, order: int) -> None:
    """What it says now is newer than what was given up, so it is kept and sent."""
    real = desk.rest.simulator.bitrix.answer

    def change_meanwhile(*arguments: object) -> object:
        desk.set("new", order)
        return real(*arguments)  # type: ignore[arg-type]

    desk.rest.simulator.bitrix.answer = change_meanwhile  # type: ignore[method-assign,assignment]
    try:
        desk.run()
    finally:
        del desk.rest.simulator.bitrix.answer
    assert desk.in_crm(order) == ("new", "F", False)

    assert desk.run().sent == 1
    assert desk.in_bitrix(order) == ("N", "N")


@contextmanager
def changed_after_the_reading(desk: Desk, order: int) -> Iterator[None]:
    """A manager completes the order as soon as the push has read it."""
    real, read = desk.rest.simulator.bitrix.answer, []

    def answer(*arguments: object) -> object:
        reply = real(*arguments)  # type: ignore[arg-type]
        if not read:
            read.append(True)
            desk.bitrix_sets(order, "STATUS_ID = 'F'")
        return reply

    desk.rest.simulator.bitrix.answer = answer  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del desk.rest.simulator.bitrix.answer


def test_a_change_between_our_reading_and_our_writing_is_recorded(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with changed_after_the_reading(desk, order):
        result = desk.run()

    assert (result.sent, result.conflicts) == (1, 1)
    assert desk.in_bitrix(order) == ("P", "N")
    assert "Somebody saved it between the reading" in desk.crm.value(
        "SELECT note FROM bitrix_pipeline.push_history WHERE event = 'sent'"
    )


def test_our_module_refuses_to_write_over_a_change_after_our_reading(desk: Desk) -> None:
    desk.rest.behaves(has_own_method=True)
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with changed_after_the_reading(desk, order):
        assert desk.run().sent == 0

    assert desk.run().conflicts == 1
    assert desk.in_bitrix(order) == ("F", "N")


@pytest.mark.parametrize("policy", ["bitrix_wins", "crm_wins"])
def test_what_the_shops_own_code_moves_on_is_told_once(desk: Desk, policy: str) -> None:
    [order] = desk.prepare(1)
    desk.rest.behaves(moves_on={"P": "F"})
    desk.set("paid", order)

    result = desk.run(conflict=policy)

    assert (result.sent, result.failed, result.conflicts) == (0, 0, 1)
    assert desk.in_crm(order) == ("completed", "F", False)
    assert "the shop's own code made it F" in desk.ledger(order, "last_error")
    desk.make_due()
    assert desk.run(conflict=policy).outcomes == ()
    assert (desk.writes, len(desk.rest.mails)) == (1, 1)
