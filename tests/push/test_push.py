"""A change of status in the CRM reaches Bitrix once; what cannot be sent is seen and holds up nobody."""

import pytest
from pushing import Desk
from shop_and_crm import STATUS_MAPPING, fails

from bitrix_pipeline.bitrix_rest import AccessRefusedError
from bitrix_pipeline.demo_rest import fail_commands, overload_limit, query_limit, site_closed
from bitrix_pipeline.demo_rest.refusals import Refusal
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.push import MassChangeError
from bitrix_pipeline.push.diffs import find_differences
from bitrix_pipeline.push.mapping import ORDER, status_map


def test_a_change_reaches_bitrix_and_both_sides_know_it(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)

    result = desk.run()

    assert (result.sent, result.confirmed, result.failed, result.fault) == (1, 1, 0, None)
    assert desk.in_bitrix(order) == ("P", "N")
    assert desk.in_crm(order) == ("paid", "P", False)
    assert desk.ledger(order) == "confirmed"
    assert desk.history(order) == ["noted", "sent"]
    assert desk.rest.mails == [(order, "P")]


def test_what_both_agree_on_is_not_asked_about(desk: Desk) -> None:
    desk.prepare(3)

    result = desk.run()

    assert result.outcomes == ()
    assert desk.rest.asked == []


def test_what_can_be_sent_does_not_wait_behind_words_that_mean_nothing(desk: Desk) -> None:
    unnamed, named = desk.prepare(2)
    desk.set("gift-wrapped", unnamed)
    desk.set("paid", named)
    statuses = status_map(STATUS_MAPPING, {}, {"N": ORDER, "P": ORDER, "F": ORDER})

    [first] = find_differences(desk.crm.connection, statuses, schema="public", limit=1)

    assert unnamed < named
    assert first.order_id == named


def test_an_order_is_canceled_with_a_reason_and_taken_back(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("canceled", order)
    desk.run(cancel_reason="Клиент передумал")

    assert desk.in_bitrix(order) == ("N", "Y")
    assert desk.rest.order(order, "REASON_CANCELED") == "Клиент передумал"
    assert desk.in_crm(order) == ("canceled", "N", True)

    desk.set("paid", order)
    desk.run()

    assert desk.in_bitrix(order) == ("P", "N")
    assert desk.in_crm(order) == ("paid", "P", False)


def test_an_order_taken_back_to_the_status_it_had_gets_no_mail(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.bitrix_sets(order, "CANCELED = 'Y'")
    desk.pipeline.sync("orders")
    desk.set("new", order)

    desk.run()

    assert desk.in_bitrix(order) == ("N", "N")
    assert desk.rest.mails == []


def test_our_own_method_is_told_the_version_and_mails_as_bitrix_does(desk: Desk) -> None:
    desk.rest.behaves(has_own_method=True)
    [order] = desk.prepare(1)
    desk.set("paid", order)

    assert desk.run().sent == 1
    commands = [
        text
        for method, params in desk.rest.simulator.bitrix.requests
        if method == "batch"
        for text in params["cmd"].values()
    ]
    assert any("setstatus" in text and "expectedVersion=" in text for text in commands)
    assert desk.rest.mails == [(order, "P")]


def test_buyers_get_no_mail_if_they_shall_not(desk: Desk) -> None:
    desk.rest.behaves(has_own_method=True)
    [order] = desk.prepare(1)
    desk.set("paid", order)

    assert desk.run(mails_buyers=False).sent == 1
    assert desk.rest.mails == []


def test_without_our_module_a_push_that_may_not_mail_sends_nothing(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)

    with fails(SettingsError, "PUSH_MAILS_BUYERS=false", "Install the module"):
        desk.run(mails_buyers=False)

    assert desk.writes == 0
    assert desk.run().sent == 1


@pytest.mark.parametrize("refusal", ["ORDER_LOCKED", "VERSION_MISMATCH"])
def test_an_order_that_somebody_is_saving_waits_without_a_try(desk: Desk, refusal: str) -> None:
    orders = desk.prepare(2)
    desk.set("paid", orders)
    desk.rest.suffers(None, None, fail_commands(2, Refusal(refusal)))

    result = desk.run()

    assert (result.sent, result.failed, result.waiting, result.fault) == (1, 0, 1, None)
    assert desk.ledger(orders[1], "attempts") == 0
    assert desk.run().sent == 1


@pytest.mark.parametrize(
    "gone", ["deleted_at = now()", "archived_at = now()", "is_placeholder = true"]
)
def test_an_order_that_bitrix_no_longer_has_is_left_alone(desk: Desk, gone: str) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)
    desk.crm.run(f"UPDATE orders SET {gone} WHERE id = %s", order)

    assert desk.run().outcomes == ()


def test_the_crms_own_order_is_left_alone(desk: Desk) -> None:
    desk.crm.run("INSERT INTO orders (status) VALUES ('paid')")

    assert desk.run().outcomes == ()


def test_a_word_that_means_nothing_is_seen_on_that_order_alone(desk: Desk) -> None:
    lost, fine = desk.prepare(2)
    desk.set("lost", lost)
    desk.set("paid", fine)

    result = desk.run()

    assert (result.sent, result.dead) == (1, 1)
    assert desk.ledger(lost) == "dead"
    assert "no order status of Bitrix's has this word" in desk.ledger(lost, "last_error")
    assert desk.in_bitrix(lost) == ("N", "N")
    assert desk.run().dead == 0

    assert desk.run(push_mapping={"lost": "FL"}).sent == 1
    assert desk.in_crm(lost) == ("lost", "FL", False)
    assert desk.run(push_mapping={"lost": "FL"}).outcomes == ()


def test_a_word_that_the_crm_takes_back_is_forgotten(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("lost", order)
    desk.run()
    desk.set("new", order)

    desk.run()

    assert desk.ledger(order) == "withdrawn"
    assert desk.history(order) == ["dead", "withdrawn"]


def test_too_many_changes_stop_before_the_first(desk: Desk) -> None:
    orders = desk.prepare(3)
    desk.set("paid", orders)

    with fails(MassChangeError, "3 orders", "PUSH_MAX_CHANGES=2", "--allow-mass"):
        desk.run(max_changes=2)

    assert desk.rest.asked == []
    assert desk.run(max_changes=2, allow_mass=True).sent == 3


def test_what_another_push_notes_meanwhile_is_not_sent_past_the_limit(desk: Desk) -> None:
    orders = desk.prepare(10)
    desk.set("paid", orders[:2])
    real, refused = desk.rest.simulator.bitrix.answer, []

    def meanwhile(*arguments: object) -> object:
        if desk.writes and not refused:
            desk.set("paid", orders[2:])
            refused.append(True)
            desk.crm.run(
                "INSERT INTO bitrix_pipeline.push_orders (order_id, state, desired, target_status,"
                " target_canceled) SELECT unnest(%s::bigint[]), 'waiting', 'paid', 'P', false",
                orders[2:],
            )
        return real(*arguments)  # type: ignore[arg-type]

    desk.rest.simulator.bitrix.answer = meanwhile  # type: ignore[method-assign,assignment]
    try:
        result = desk.run(max_changes=5, batch=1)
    finally:
        del desk.rest.simulator.bitrix.answer

    assert (result.sent, result.waiting, len(desk.rest.mails)) == (2, 8, 2)
    with fails(MassChangeError, "8 orders"):
        desk.run(max_changes=5)


def test_looking_writes_nothing(desk: Desk) -> None:
    first, second = desk.prepare(2)
    desk.set("paid", first)
    desk.set("lost", second)

    found = {d.order_id: (str(d.target), d.why) for d in desk.push().differences()}

    assert found[first] == ("STATUS_ID=P", "changed in the CRM")
    assert found[second][0] == "None"
    assert desk.rest.asked == []
    assert desk.crm.value("SELECT count(*) FROM bitrix_pipeline.push_orders") == 0


def test_a_batch_that_fails_by_halves_holds_up_nobody(desk: Desk) -> None:
    orders = desk.prepare(6)
    desk.set("paid", orders)
    # The reading passes; of the writing each second command is refused.
    desk.rest.suffers(None, None, fail_commands(2, Refusal("SALE_SHOP_SAYS_NO", "Иванов нельзя")))

    result = desk.run()

    assert (result.sent, result.failed, result.waiting) == (3, 3, 3)
    assert desk.run().outcomes == ()
    desk.make_due()
    assert desk.run().sent == 3
    assert desk.writes == 9
    notes = desk.crm.rows("SELECT note FROM bitrix_pipeline.push_history WHERE event = 'failed'")
    assert set(notes) == {("Bitrix refuses: SALE_SHOP_SAYS_NO",)}


def test_an_order_that_is_always_refused_is_given_up(desk: Desk) -> None:
    bad, good = desk.prepare(2)
    desk.rest.behaves(vetoed=frozenset({"F"}))
    desk.set("completed", bad)
    for _ in range(3):
        desk.set("new" if desk.in_crm(good)[0] == "paid" else "paid", good)
        desk.make_due()
        assert desk.run().sent == 1

    assert (desk.ledger(bad), desk.ledger(bad, "attempts")) == ("dead", 3)
    assert "shop's own code refuses the status" in desk.ledger(bad, "last_error")
    assert desk.history(bad) == ["noted", "failed", "failed", "dead"]
    desk.make_due()
    assert desk.run().outcomes == ()

    desk.rest.behaves(vetoed=frozenset())
    desk.set("paid", bad)
    assert desk.run().sent == 1


def test_an_order_that_kills_php_is_given_up_and_the_others_of_its_batch_are_not(
    desk: Desk,
) -> None:
    """Bitrix answers with a page, and does nothing of what follows in the batch."""
    bad, *good = desk.prepare(8)
    desk.rest.behaves(fatal=frozenset({bad}))
    desk.set("paid", [bad, *good])

    for _ in range(5):
        desk.make_due()
        desk.run(batch=8, retry_seconds=(60.0,) * 4)

    assert desk.ledger(bad) == "dead"
    assert {desk.ledger(order) for order in good} == {"confirmed"}
    assert sorted(desk.rest.mails) == [(order, "P") for order in good]


def test_what_became_of_orders_is_told_in_their_order(desk: Desk) -> None:
    refused, had_it, sent = desk.prepare(3)
    desk.set("paid", [had_it, sent])
    desk.set("completed", refused)
    desk.bitrix_sets(had_it, "STATUS_ID = 'P'")
    desk.rest.behaves(vetoed=frozenset({"F"}))

    outcomes = [(outcome.order_id, outcome.kind) for outcome in desk.run().outcomes]

    assert outcomes == [(refused, "failed"), (had_it, "already"), (sent, "sent")]


def test_waits_grow_and_are_scattered(desk: Desk) -> None:
    orders = desk.prepare(2)
    desk.rest.behaves(vetoed=frozenset({"F"}))
    desk.set("completed", orders)
    desk.run(retry_seconds=(60.0, 300.0))
    desk.make_due()
    desk.run(retry_seconds=(60.0, 300.0))

    waits = desk.crm.rows(
        "SELECT extract(epoch FROM next_attempt_at - now()) FROM bitrix_pipeline.push_orders"
    )
    assert all(200 < wait < 400 for (wait,) in waits)
    assert len(set(waits)) == 2


@pytest.mark.parametrize("outage", [site_closed, query_limit])
def test_an_outage_costs_no_order_a_try(desk: Desk, outage: object) -> None:
    orders = desk.prepare(2)
    desk.set("paid", orders)
    desk.rest.suffers(*[outage()] * 3)  # type: ignore[operator]

    result = desk.run()

    assert result.fault is not None
    assert (result.sent, result.failed, result.waiting) == (0, 0, 2)
    assert desk.ledger(orders[0], "attempts") == 0
    assert desk.run().sent == 2


@pytest.mark.parametrize("lacks", [{"rights": "R"}, {"scopes": ()}], ids=str)
def test_what_the_webhook_may_not_do_costs_no_order_a_try(
    desk: Desk, lacks: dict[str, object]
) -> None:
    orders = desk.prepare(2)
    desk.set("paid", orders)
    desk.rest.behaves(**lacks)

    result = desk.run()

    assert isinstance(result.fault, AccessRefusedError)
    assert (result.failed, result.waiting, desk.ledger(orders[0], "attempts")) == (0, 2, 0)


def test_overload_stops_the_push_and_says_so(desk: Desk) -> None:
    orders = desk.prepare(5)
    desk.set("paid", orders)
    desk.rest.suffers(overload_limit())

    result = desk.run(batch=2)

    assert "OVERLOAD_LIMIT" in str(result.fault)
    assert len(desk.rest.asked) == 1
    assert result.waiting == 5


def test_an_order_that_bitrix_marks_is_told(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.rest.behaves(marked=frozenset({"P"}))
    desk.set("paid", order)

    [outcome] = desk.run().outcomes

    assert (outcome.kind, "marked" in outcome.note) == ("sent", True)


def test_a_mark_that_an_order_had_before_is_no_warning_of_this_save(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.bitrix_sets(order, "MARKED = 'Y'")
    desk.set("paid", order)

    [outcome] = desk.run().outcomes

    assert (outcome.kind, outcome.note) == ("sent", "")


def test_statuses_are_asked_of_bitrix_where_they_were_never_synced(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.crm.run("TRUNCATE order_statuses")
    desk.set("paid", order)

    assert desk.run().sent == 1
    assert "sale.status.list" in desk.rest.asked


def test_no_secret_and_no_customer_in_the_ledger_or_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    orders = desk.prepare(4)
    desk.crm.run(
        "UPDATE orders SET contact_name = 'КанарейкаИмя', contact_phone = 'КанарейкаТел',"
        " cancel_reason = 'КанарейкаПовод', manager_comment = 'КанарейкаСлово'"
    )
    desk.set("canceled", orders[:2])
    desk.set("paid", orders[2:])
    refusal = Refusal("SALE_КАНАРЕЙКА", "КанарейкаОписание")
    desk.rest.suffers(None, None, fail_commands(2, refusal))

    result = desk.run()

    rows = desk.crm.rows(
        "SELECT t::text FROM bitrix_pipeline.push_orders AS t UNION ALL"
        " SELECT t::text FROM bitrix_pipeline.push_history AS t"
    )
    told = f"{rows} {caplog.text} {result}"
    assert "анарейка" not in told.lower()
    assert desk.rest.simulator.bitrix.options.code not in told
