"""Clocks that were ahead and are set back: MySQL's, by which news wait, and the web server's."""

import time

from bitrix_site import Listener, Request, Site

AHEAD = (
    "Bitrix\\Main\\Application::getConnection()"
    "->queryExecute('SET timestamp = UNIX_TIMESTAMP() + 86400');"
)
DELETE = "$fire('main', 'OnAfterUserDelete', [%d]);"
SEND = "Bitrixpipeline\\Outbox\\Agent::run();"
# Unqualified, PHP looks for it in the module's namespace first.
BACKWARDS = """
namespace Bitrixpipeline\\Outbox {
    function microtime($asFloat) { static $calls = 0; return \\microtime(true) - 3600 * $calls++; }
}
namespace {
    \\Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
    echo Agent::send()->stopped;
}
""".replace("Agent::", "\\Bitrixpipeline\\Outbox\\Agent::")


def test_what_was_noted_and_the_pause_that_was_made_while_mysqls_clock_was_ahead_do_not_last(
    site: Site, listener: Listener
) -> None:
    listener.answer = lambda _, __: 503
    site.hit(AHEAD + DELETE % 1 + DELETE % 2 + SEND)
    listener.answer = lambda _, __: 202

    assert site.send()["delivered"] == 2
    assert sorted(listener.ids()) == [1, 1, 2]


def test_nor_does_the_lease_of_a_sender_that_was_killed_then(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1)
    site.shop.run(
        "UPDATE b_bitrixpipeline_outbox SET LEASE = 'x', LEASED_UNTIL = UTC_TIMESTAMP() + INTERVAL 1 DAY"
    )

    site.send()

    assert listener.ids() == [1]


def test_nor_the_wait_for_an_order_to_be_archived(site: Site, listener: Listener) -> None:
    site.add("order.archived", site.order())
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET CREATED_AT = CREATED_AT + INTERVAL 1 DAY")

    site.send()

    assert [request.event["type"] for request in listener.requests] == ["order.saved"]


def test_a_run_ends_in_time_though_the_web_servers_clock_is_set_back(
    site: Site, listener: Listener
) -> None:
    site.set(run_seconds=1)
    site.add("user.deleted", *range(1, 11))

    def slowly(_: int, __: Request) -> int:
        time.sleep(0.5)
        return 202

    listener.answer = slowly

    assert site.hit(BACKWARDS) == "its time is up"
