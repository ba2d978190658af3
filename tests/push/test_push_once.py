"""At most once per value: killed, cut off, or met by its own echo."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pooler import transaction_pooler
from pushing import Desk
from shop_and_crm import Crm

from bitrix_pipeline.crash_points import VARIABLE
from bitrix_pipeline.demo_rest import cut_connection, gateway_timeout
from bitrix_pipeline.inbox.apply import FromShop
from bitrix_pipeline.inbox.drain import Drain
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.servers import PrivatePostgres
from bitrix_pipeline.sync.scope import ChangedLately, Everything, Ids

ME = Path(__file__).with_name("push_me.py")
MANY_TO_ONE = {"packed": "P"}


def push_in_a_process(desk: Desk, crash_at: str = "") -> int:
    """Its exit code."""
    done = subprocess.run(
        [sys.executable, ME, desk.rest.simulator.webhook_url, desk.crm.url],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            **({VARIABLE: crash_at} if crash_at else {}),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize(
    ("place", "written"),
    [
        ("push.noted", 0),
        ("push.before_write", 0),
        ("push.after_write", 3),
        ("push.before_ledger", 3),
    ],
)
def test_kill_9_anywhere_and_each_order_is_written_once(
    desk: Desk, place: str, written: int
) -> None:
    orders = desk.prepare(3)
    desk.set("paid", orders[:2])
    desk.set("canceled", orders[2])

    assert push_in_a_process(desk, place) == -signal.SIGKILL
    assert desk.writes == written
    assert {desk.ledger(order) for order in orders} == {"waiting"}
    result = desk.run()

    assert (result.confirmed, result.failed, result.fault) == (3, 0, None)
    assert desk.writes == 3
    assert sorted(desk.rest.mails) == [(order, "P") for order in orders[:2]]
    assert [desk.in_bitrix(order) for order in orders] == [("P", "N"), ("P", "N"), ("N", "Y")]
    assert [desk.rest.order(order, "VERSION") for order in orders] == [
        desk.crm.cell("orders", order, "version") for order in orders
    ]
    assert {desk.ledger(order) for order in orders} == {"confirmed"}
    assert desk.run().outcomes == ()


def test_kill_9_after_the_ledger_leaves_nothing_to_do(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)

    assert push_in_a_process(desk, "push.after_ledger") == -signal.SIGKILL

    assert desk.ledger(order) == "confirmed"
    assert desk.run().outcomes == ()
    assert desk.writes == 1


def test_the_echo_of_a_push_that_was_killed_changes_no_status(desk: Desk) -> None:
    """Neither a word that shares its code with another, nor one that the CRM set meanwhile."""
    many, meanwhile = desk.prepare(2)
    desk.set("packed", [many, meanwhile])
    assert push_in_a_process(desk, "push.after_write") == -signal.SIGKILL
    desk.set("completed", meanwhile)

    desk.pipeline.sync("orders")

    assert desk.in_crm(many) == ("packed", "P", False)
    assert desk.in_crm(meanwhile) == ("completed", "P", False)
    result = desk.run(push_mapping=MANY_TO_ONE)
    assert (result.sent, result.conflicts) == (3, 0)
    assert desk.in_crm(many) == ("packed", "P", False)
    assert desk.in_bitrix(meanwhile) == ("F", "N")
    assert desk.writes == 3


def test_what_a_killed_push_wrote_is_no_change_of_bitrixs(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    assert push_in_a_process(desk, "push.after_write") == -signal.SIGKILL
    desk.set("completed", order)

    result = desk.run()

    assert (result.sent, result.conflicts) == (2, 0)
    assert desk.in_bitrix(order) == ("F", "N")
    assert desk.history(order) == ["noted", "sent", "noted", "sent"]


def test_a_change_of_bitrixs_after_a_killed_push_is_news(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    assert push_in_a_process(desk, "push.before_write") == -signal.SIGKILL
    desk.bitrix_sets(order, "STATUS_ID = 'F'")

    desk.pipeline.sync("orders")

    assert desk.in_crm(order) == ("completed", "F", False)
    assert desk.run().outcomes == ()
    assert (desk.ledger(order), desk.ledger(order, "sending_since")) == ("withdrawn", None)


@pytest.mark.parametrize("fault", [cut_connection(applies=True), gateway_timeout(applies=True)])
def test_a_write_whose_answer_is_lost_is_read_and_not_sent_again(desk: Desk, fault: object) -> None:
    orders = desk.prepare(3)
    desk.set("paid", orders)
    desk.rest.suffers(None, None, fault)  # type: ignore[arg-type]

    result = desk.run()

    assert (result.sent, result.failed) == (3, 0)
    assert desk.writes == 3
    assert len(desk.rest.mails) == 3


def test_a_write_that_was_lost_on_the_way_is_sent_by_the_next_push(desk: Desk) -> None:
    orders = desk.prepare(2)
    desk.set("paid", orders)
    desk.rest.suffers(None, None, cut_connection(applies=False))

    result = desk.run()

    assert (result.sent, result.failed) == (0, 2)
    assert "has not changed it" in desk.ledger(orders[0], "last_error")
    desk.make_due()
    assert desk.run().sent == 2
    assert len(desk.rest.mails) == 2


def test_a_write_that_bitrix_does_after_it_was_read_again_is_known_for_our_own(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("packed", order)
    desk.rest.suffers(None, None, cut_connection(applies=False))
    desk.run(push_mapping=MANY_TO_ONE)
    desk.bitrix_sets(order, "STATUS_ID = 'P'")

    desk.pipeline.sync("orders")

    assert desk.in_crm(order) == ("packed", "P", False)
    assert desk.run(push_mapping=MANY_TO_ONE).confirmed == 1
    assert (desk.ledger(order), desk.ledger(order, "sending_since")) == ("confirmed", None)


def test_what_cannot_be_read_again_waits_without_a_try(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    gone = [cut_connection(applies=False)] * 3
    desk.rest.suffers(None, None, cut_connection(applies=True), *gone)

    result = desk.run()

    assert result.fault is not None
    assert (desk.ledger(order), desk.ledger(order, "attempts")) == ("waiting", 0)
    desk.make_due()
    assert (desk.run().confirmed, desk.writes) == (1, 1)


def test_the_mark_outlives_a_push_that_could_not_find_out(desk: Desk) -> None:
    """The CRM changed its mind meanwhile: Bitrix has what we sent, and that is no conflict."""
    [order] = desk.prepare(1)
    desk.set("paid", order)
    gone = [cut_connection(applies=False)] * 3
    desk.rest.suffers(None, None, cut_connection(applies=True), *gone)
    desk.run()
    desk.set("completed", order)
    desk.rest.suffers(*gone)

    assert desk.run().fault is not None
    assert desk.ledger(order, "sending_since") is not None
    result = desk.run()

    assert (result.sent, result.conflicts) == (2, 0)
    assert desk.in_crm(order) == ("completed", "F", False)
    assert desk.in_bitrix(order) == ("F", "N")


def test_the_mark_outlives_a_word_that_the_crm_took_back_in_an_outage(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    gone = [cut_connection(applies=False)] * 3
    desk.rest.suffers(None, None, cut_connection(applies=True), *gone)
    desk.run()
    desk.set("new", order)
    desk.rest.suffers(*gone)

    assert desk.run().fault is not None
    assert (desk.ledger(order), desk.ledger(order, "sending_since") is None) == ("waiting", False)
    result = desk.run()

    assert result.conflicts == 0
    assert desk.in_bitrix(order) == ("N", "N")


def test_a_push_works_through_a_transaction_pooler(desk: Desk, postgres: PrivatePostgres) -> None:
    orders = desk.prepare(5)
    desk.set("paid", orders)
    port = int(postgres.url.rsplit(":", 1)[1].split("/")[0])
    with transaction_pooler(port) as pooled:
        name = desk.crm.url.rsplit("/", 1)[1]
        url = f"postgresql://postgres@127.0.0.1:{pooled}/{name}"
        direct = desk.pipeline.crm
        desk.pipeline.crm = Crm(direct.connection, url)
        result = desk.run(batch=2)
        desk.pipeline.crm = direct

    assert result.sent == 5


@pytest.mark.parametrize("scope", [Everything(), ChangedLately(), None], ids=str)
def test_the_echo_by_a_sync_changes_no_status(desk: Desk, scope: object) -> None:
    plain, many = desk.prepare(2)
    desk.set("completed", plain)
    desk.set("packed", many)
    assert desk.run(push_mapping=MANY_TO_ONE).sent == 2

    desk.pipeline.sync("orders", scope or Ids((plain, many)))  # type: ignore[arg-type]

    assert desk.in_crm(plain) == ("completed", "F", False)
    assert desk.in_crm(many) == ("packed", "P", False)
    assert desk.pipeline.sync("orders").updated == 0
    assert desk.run(push_mapping=MANY_TO_ONE).outcomes == ()
    assert desk.writes == 2


def receive(crm: Crm, *orders: int) -> None:
    """Bitrix's news of its own change, as the receiver stores it."""
    count = len(orders)
    crm.rows(
        "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s, %s, %s, %s, %s::text[])",
        ["module"] * count, [f"evt_{order}_{time.monotonic_ns()}" for order in orders],
        [None] * count, ["order.saved"] * count, ["orders"] * count, list(orders),
        [json.dumps({"type": "order.saved", "data": {"id": order}}).encode() for order in orders],
        [None] * count,
    )  # fmt: skip


def drain(desk: Desk) -> int:
    apply = FromShop(
        mysql_url=desk.pipeline.shop.url,
        postgres_url=desk.crm.url,
        settings=desk.pipeline.settings,
    )
    settings = InboxSettings(linger_seconds=0)
    result = Drain(apply, postgres_url=desk.crm.url, settings=settings, run_id="test").run()
    return result.applied


def test_the_echo_by_a_webhook_changes_no_status(desk: Desk) -> None:
    plain, many = desk.prepare(2)
    desk.set("canceled", plain)
    desk.set("packed", many)
    desk.run(push_mapping=MANY_TO_ONE)

    receive(desk.crm, plain, many)
    assert drain(desk) == 2

    assert desk.in_crm(plain) == ("canceled", "N", True)
    assert desk.in_crm(many) == ("packed", "P", False)
    assert desk.run(push_mapping=MANY_TO_ONE).outcomes == ()


def test_the_echo_that_arrives_before_the_push_has_noted_it_waits(desk: Desk) -> None:
    """The webhook is drained while the batch is still under way, and the CRM changes its mind."""
    [order] = desk.prepare(1)
    desk.set("packed", order)
    real, threads = desk.rest.simulator.bitrix.answer, ThreadPoolExecutor(1)
    drained = []

    def echo(request: object, fault: object) -> object:
        reply = real(request, fault)  # type: ignore[arg-type]
        if desk.in_bitrix(order) == ("P", "N") and not drained:
            receive(desk.crm, order)
            drained.append(threads.submit(drain, desk))
            time.sleep(0.5)
            assert not drained[0].done()
            desk.set("completed", order)
        return reply

    desk.rest.simulator.bitrix.answer = echo  # type: ignore[method-assign,assignment]
    try:
        assert desk.run(push_mapping=MANY_TO_ONE).sent == 1
        assert drained[0].result(300) == 1
    finally:
        del desk.rest.simulator.bitrix.answer
    assert desk.in_crm(order) == ("completed", "P", False)

    assert desk.run(push_mapping=MANY_TO_ONE).sent == 1
    assert desk.in_bitrix(order) == ("F", "N")


def test_the_crm_never_waits_for_bitrix(desk: Desk) -> None:
    """While a batch is being written, the CRM changes each order of it."""
    sent, had_it, in_conflict = desk.prepare(3)
    desk.set("paid", [sent, had_it, in_conflict])
    desk.bitrix_sets(had_it, "STATUS_ID = 'P'")
    desk.bitrix_sets(in_conflict, "STATUS_ID = 'F'")
    real, changed = desk.rest.simulator.bitrix.answer, []

    def change_meanwhile(request: object, fault: object) -> object:
        reply = real(request, fault)  # type: ignore[arg-type]
        if desk.writes and not changed:
            desk.crm.run("SET lock_timeout = '10s'")
            desk.crm.run("UPDATE orders SET customer_comment = 'позвонить' WHERE status = 'paid'")
            changed.append(True)
        return reply

    desk.rest.simulator.bitrix.answer = change_meanwhile  # type: ignore[method-assign,assignment]
    try:
        result = desk.run()
    finally:
        del desk.rest.simulator.bitrix.answer

    assert changed
    assert (result.sent, result.confirmed, result.conflicts, result.fault) == (1, 2, 1, None)
