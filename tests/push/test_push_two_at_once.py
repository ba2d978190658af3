"""Two pushes, or a push and a sync, at the same time: each order is written once, none waits for long."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from pushing import Desk
from shop_and_crm import fails

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.push.diffs import find_differences


def test_two_pushes_at_once_do_not_do_each_others_work(desk: Desk) -> None:
    orders = desk.prepare(12)
    desk.set("paid", orders)

    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: desk.run(batch=3), range(2)))

    assert desk.writes == 12
    assert len(desk.rest.mails) == 12
    assert sum(result.sent for result in results) == 12
    assert {desk.ledger(order) for order in orders} == {"confirmed"}


def test_what_another_push_confirms_meanwhile_is_not_taken_down_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has found a difference and not noted it; the other either waits now, or sends it."""
    [order] = desk.prepare(1)
    desk.set("paid", order)
    threads, waits, others, started = ThreadPoolExecutor(1), Event(), [], Event()

    def find_and_let_the_other_go_on(*arguments: object, **named: object) -> object:
        found = find_differences(*arguments, **named)  # type: ignore[arg-type]
        if not started.is_set():
            started.set()
            others.append(threads.submit(desk.run))
            while not (waits.is_set() or others[0].done()):
                time.sleep(0.01)
        return found

    def wait(seconds: float) -> None:
        waits.set()
        time.sleep(seconds)

    monkeypatch.setattr("bitrix_pipeline.push.push.find_differences", find_and_let_the_other_go_on)
    monkeypatch.setattr("bitrix_pipeline.sync.turns.sleep", wait)

    desk.run()
    others[0].result(300)

    assert (desk.ledger(order), desk.history(order)) == ("confirmed", ["noted", "sent"])
    assert desk.writes == 1


def test_a_push_waits_for_another_only_so_long(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with desk.crm.connection.transaction():
        desk.crm.rows("SELECT pg_advisory_xact_lock(hashtextextended('bitrix_pipeline.push', 0))")
        with fails(TransientError, "another push is under way"):
            desk.run(turn_seconds=0)

    assert desk.run().sent == 1


def test_a_push_waits_for_a_sync_only_so_long(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    with desk.crm.connection.transaction():
        desk.crm.rows(
            "SELECT pg_advisory_xact_lock(hashtextextended('bitrix_pipeline.sync.public.orders', 0))"
        )
        # The order's own row is read and written past the turn, as the CRM does.
        result = desk.run(turn_seconds=0)

    assert "another sync" in str(result.fault)
    assert (result.waiting, desk.writes) == (1, 0)
    assert desk.run().sent == 1
