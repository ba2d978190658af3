"""The sender: what becomes of an event when the receiver takes it, and when a sender is killed."""

import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

from bitrix_site import Listener, Site
from receiving import Inbox, Service, wait_for


def test_what_is_taken_leaves_the_outbox(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1, 2, 3)

    report = site.send()

    assert (report["delivered"], report["stopped"]) == (3, "nothing more is due")
    assert site.outbox() == []
    assert listener.ids() == [1, 2, 3]
    event = listener.requests[0].event
    assert event.keys() == {"type", "timestamp", "data"}
    assert event["data"].keys() == {"id", "sequence", "origin"}


def test_only_2xx_removes_an_event_and_the_retry_is_the_same_to_the_byte(
    site: Site, listener: Listener
) -> None:
    order = site.order()
    site.add("order.saved", order)
    listener.answer = lambda number, _: 500 if number == 0 else 202

    assert site.send()["failed"] == 1
    site.shop.run("UPDATE b_sale_order SET COMMENTS = 'later' WHERE ID = %s", order)
    site.let_time_pass()
    assert site.send()["delivered"] == 1

    first, second = listener.events()
    assert (first.id, first.body) == (second.id, second.body)
    assert site.outbox() == []


def test_kill_9_in_the_middle_of_a_request_heals_by_itself(
    site: Site, receiver: Service, listener: Listener, inbox: Inbox
) -> None:
    site.add("order.saved", site.order(), site.order(nth=1))
    stuck = Event()
    listener.answer = lambda _, __: 202 * stuck.wait(60)
    process = subprocess.Popen(
        site.command("-f", site.module / "tools/cli.php", "send"), stdout=subprocess.DEVNULL
    )
    wait_for(lambda: listener.requests, seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stuck.set()

    site.set(url=receiver.webhooks)
    assert site.send()["delivered"] == 0, "its lease has not ended yet"
    site.let_time_pass()
    assert site.send()["delivered"] == 2

    assert inbox.ids()[0] == listener.requests[0].id
    assert [row[0] for row in inbox.rows("e.entity_id")] == [site.order(), site.order(nth=1)]


def test_through_kills_at_any_moment_each_event_arrives_once(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    site.set(url=receiver.webhooks, batch=15)
    orders = site.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID LIMIT 30")
    site.add("order.saved", *orders)
    moments = Random(7)

    for _ in range(8):
        process = subprocess.Popen(
            site.command("-f", site.module / "tools/cli.php", "send"), stdout=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0.04, 0.12))
        process.kill()
        process.wait()
        site.let_time_pass()
        site.shop.run("UPDATE b_bitrixpipeline_outbox SET BEGUN = 0")
    site.send()

    assert site.outbox() == []
    assert sorted(row[0] for row in inbox.rows("e.entity_id")) == orders


def test_an_event_that_kills_its_senders_goes_without_a_snapshot_and_then_dies(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", site.order())
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET BEGUN = 3")
    site.send()
    assert "order" not in listener.requests[0].event["data"]

    site.add("order.saved", site.order())
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET BEGUN = 6")
    assert site.send()["dead"] == 1


def test_two_senders_at_once_send_each_event_once(site: Site, listener: Listener) -> None:
    count = 60
    site.set(batch=7)
    site.add("user.deleted", *range(1, count + 1))

    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: site.send(), range(3)))

    assert sorted(listener.ids()) == list(range(1, count + 1))
    assert sum(report["delivered"] for report in reports) == count


BETWEEN = """
use Bitrixpipeline\\Outbox\\Outbox;
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$slow = new class {
    public $first = [];
    public function query($sql) {
        $found = Bitrix\\Main\\Application::getConnection()->query($sql);
        if (strpos($sql, 'SELECT o.ID') === 0) {
            $this->first = $this->first ?: Outbox::here()->claim(10, 60);
        }
        return $found;
    }
    public function __call($name, $arguments) {
        return Bitrix\\Main\\Application::getConnection()->$name(...$arguments);
    }
};
echo count((new Outbox($slow))->claim(10, 60)), count($slow->first);
"""


def test_what_another_took_between_the_look_and_the_claim_stays_the_others(site: Site) -> None:
    site.add("user.deleted", 1, 2, 3)

    assert site.hit(BETWEEN) == "03"


def test_news_of_orders_do_not_wait_for_an_imports(site: Site, listener: Listener) -> None:
    site.set(batch=3)
    site.add("user.deleted", *range(1, 6))
    site.add("order.deleted", 99_001, 99_002)

    site.send()

    assert listener.ids() == [99_001, 99_002, 1, 2, 3, 4, 5]


def test_an_order_that_was_tried_holds_up_no_other(site: Site, listener: Listener) -> None:
    site.add("order.deleted", 666)
    listener.answer = lambda _, request: 0 if request.event["data"]["id"] == 666 else 202
    site.send()
    site.add("user.deleted", 1)
    site.shop.run(
        "UPDATE b_bitrixpipeline_outbox SET DUE_AT = DUE_AT - INTERVAL 1 MINUTE WHERE ENTITY_ID = 1"
    )
    site.let_time_pass()

    site.send()

    assert listener.ids()[:2] == [666, 1]


def test_of_one_order_the_older_event_goes_first(site: Site, listener: Listener) -> None:
    order = site.order()
    site.add("order.saved", order)
    site.add("order.deleted", order)
    listener.answer = lambda number, _: 500 if number == 0 else 202

    site.send()
    assert [request.event["type"] for request in listener.events()] == ["order.saved"]
    site.let_time_pass()
    site.send()

    assert [r.event["type"] for r in listener.events()] == [
        "order.saved",
        "order.saved",
        "order.deleted",
    ]


def test_the_agent_survives_everything_and_stays(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1)
    site.hit("CAgent::CheckAgents();")
    assert listener.ids() == [1]

    site.shop.connection.query("RENAME TABLE b_bitrixpipeline_state TO b_bitrixpipeline_gone")
    site.hit("CAgent::CheckAgents();")
    site.shop.connection.query("RENAME TABLE b_bitrixpipeline_gone TO b_bitrixpipeline_state")

    assert "the agent failed" in site.log()[-1]
    assert site.shop.value("SELECT NAME FROM b_agent") == r"\Bitrixpipeline\Outbox\Agent::run();"


def test_a_fault_of_the_database_does_not_keep_the_rest_of_a_batch(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1, 2, 3)
    site.shop.connection.query(
        "CREATE TRIGGER fault BEFORE DELETE ON b_bitrixpipeline_outbox FOR EACH ROW"
        " IF OLD.ENTITY_ID = 1 THEN SIGNAL SQLSTATE '45000'; END IF"
    )
    site.hit("CAgent::CheckAgents();")

    assert "the agent failed" in site.log()[0]
    assert site.send()["delivered"] == 2
    assert listener.ids() == [1, 2, 3]


def test_a_shop_that_holds_a_row_for_long_delays_one_run_only(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1)
    site.shop.connection.begin()
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET SAVES = 2")
    started = time.monotonic()
    site.hit("CAgent::CheckAgents();")
    assert time.monotonic() - started < 40, "MySQL itself would wait 50 s"
    site.shop.connection.commit()

    assert "the agent failed" in site.log()[0]
    site.hit("CAgent::CheckAgents();")
    assert listener.ids() == [1]


def test_without_settings_it_says_what_is_missing(site: Site) -> None:
    site.add("user.deleted", 1)
    for options, complaint in (
        ({"secrets": "whsec_short"}, "no secret is set, or one is malformed"),
        ({"url": "ftp://x"}, "no address of the receiver is set, or it is malformed"),
        ({"enabled": "N"}, "it is switched off"),
    ):
        site.set(**options)
        assert site.send()["stopped"] == complaint


def test_neither_the_log_nor_the_outbox_repeats_what_customers_wrote(
    site: Site, listener: Listener
) -> None:
    order = site.order()
    site.set(log_level="info", attempts=1)
    site.shop.run("UPDATE b_sale_order SET USER_DESCRIPTION = 'Секретова' WHERE ID = %s", order)
    site.add("order.saved", order)
    listener.refuse(400)

    site.send()

    assert "Секретова" in listener.requests[0].body.decode()
    told = json.dumps([site.log(), [str(row) for row in site.outbox("*")]], ensure_ascii=False)
    assert "an event is dead" in told
    assert "Секретова" not in told
    assert listener.url not in told
