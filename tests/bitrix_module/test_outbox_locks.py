"""A shop's transactions lose nothing by the outbox: no deadlock, and no save that waits for another's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pymysql
import pytest
from bitrix_site import Listener, Site
from receiving import Inbox, Service, wait_for

from bitrix_pipeline.inbox.event import read_event

DEADLOCKS = "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"
WORKERS, ROUNDS = 3, 200
WRITES = (
    "CREATE TABLE b_tmp_writes (ID int AUTO_INCREMENT PRIMARY KEY, ENTITY_ID int, AT datetime(6))"
)
WAITING = (
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST"
    " WHERE INFO LIKE 'UPDATE b_tmp_writes%' AND TIME_MS > 200"
)
CONNECTION = "$connection = Bitrix\\Main\\Application::getConnection();"
SAVE_USER = "$fire('main', 'OnAfterUserUpdate', [['ID' => %d, 'RESULT' => true]]);"
# Each saves most of a few users in an order of its own, and writes of each what must be there afterwards.
EXCHANGE = (
    CONNECTION
    + """
$users = [%s];
for ($round = 0; $round < %d; $round++) {
    shuffle($users);
    $connection->startTransaction();
    foreach (array_slice($users, 1) as $user) {
        $connection->queryExecute("INSERT INTO b_tmp_writes (ENTITY_ID, AT) VALUES ($user, UTC_TIMESTAMP(6))");
        $fire('main', 'OnAfterUserUpdate', [['ID' => $user, 'RESULT' => true]]);
    }
    $connection->commitTransaction();
}
"""
)
SEND_ON = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
while (!file_exists($_SERVER['DOCUMENT_ROOT'] . '/it_is_over')) {
    Bitrixpipeline\\Outbox\\Agent::run();
}
"""
# InnoDB removes a deleted row itself a little later, and has a gap to lock only then.
UNTIL_PURGED = """
$history = "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'";
for ($i = 0; $i < 100 && $connection->query($history)->fetchRaw()['Value'] > 0; $i++) { usleep(20000); }
"""
UNTIL_IT_IS_OVER = """
echo 'saved'; flush();
while (!file_exists($_SERVER['DOCUMENT_ROOT'] . '/it_is_over')) { usleep(20000); }
$connection->commitTransaction();
"""


@pytest.fixture
def writes(site: Site) -> Iterator[None]:
    site.shop.connection.query(WRITES)
    yield
    site.shop.connection.query("DROP TABLE b_tmp_writes")


def deadlocks(site: Site) -> int:
    return int(site.shop.rows(DEADLOCKS)[0][1])


def users(site: Site) -> list[int]:
    return site.shop.ids("SELECT ID FROM b_user ORDER BY ID LIMIT 4")


@contextmanager
def open_hit(site: Site, code: str) -> Iterator[None]:
    """It has run the code, and goes on with its transaction open until the block's end."""
    hit = site.start_hit(CONNECTION + "$connection->startTransaction();" + code + UNTIL_IT_IS_OVER)
    assert hit.stdout
    assert hit.stdout.read(5) == "saved"
    try:
        yield
    finally:
        (site.root / "it_is_over").touch()
    assert hit.wait(60) == 0


@pytest.mark.usefixtures("writes")
def test_mariadb_counts_deadlocks(site: Site) -> None:
    """Or the next test could not fail."""
    site.shop.run("INSERT INTO b_tmp_writes (ID) VALUES (1), (2)")
    before = deadlocks(site)
    of = site.shop.connection
    other = pymysql.connect(host=of.host, port=of.port, user="root", database=site.shop.database)

    def update(connection: "pymysql.Connection[Any]", *ids: int) -> int:
        """The number of MySQL's error; 0 without one. The transaction is over."""
        try:
            for id_ in ids:
                connection.query(f"UPDATE b_tmp_writes SET ENTITY_ID = 7 WHERE ID = {id_}")
        except pymysql.Error as fault:
            return int(fault.args[0])
        finally:
            connection.rollback()
        return 0

    with closing(other), ThreadPoolExecutor(1) as thread:
        of.begin()
        of.query("UPDATE b_tmp_writes SET ENTITY_ID = 7 WHERE ID = 1")
        meeting = thread.submit(update, other, 2, 1)
        wait_for(lambda: site.shop.value(WAITING), seconds=60)
        codes = {update(of, 2), meeting.result()}

    assert codes == {0, 1213}
    assert deadlocks(site) == before + 1


@pytest.mark.usefixtures("writes")
def test_transactions_that_save_the_same_rows_in_any_order_lose_nothing_while_two_senders_drain(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    site.set(url=receiver.webhooks)
    before = deadlocks(site)
    saved = users(site)

    senders = [site.start_hit(SEND_ON) for _ in range(2)]
    exchange = EXCHANGE % (", ".join(map(str, saved)), ROUNDS)
    hits = [site.start_hit(exchange) for _ in range(WORKERS)]
    codes = [hit.wait(240) for hit in hits]
    (site.root / "it_is_over").touch()
    codes += [sender.wait(60) for sender in senders]
    site.let_time_pass()
    site.send()

    assert codes == [0] * (WORKERS + 2)
    assert site.log() == []
    assert deadlocks(site) == before
    written = site.shop.value("SELECT COUNT(*) FROM b_tmp_writes")
    assert written == WORKERS * ROUNDS * (len(saved) - 1)
    assert site.outbox() == []
    last_sent = dict.fromkeys(saved, datetime.min.replace(tzinfo=UTC))
    for (body,) in inbox.rows("e.body"):
        event = read_event(body)
        last_sent[event.data.id] = max(last_sent[event.data.id], event.timestamp)
    last_saved = "SELECT ENTITY_ID, MAX(AT) FROM b_tmp_writes GROUP BY ENTITY_ID"
    for user, at in site.shop.rows(last_saved):
        assert last_sent[user] >= at.replace(tzinfo=UTC), user


def test_a_save_does_not_wait_for_a_transaction_that_has_saved_the_same_row(
    site: Site, listener: Listener
) -> None:
    save = SAVE_USER % users(site)[0]

    with open_hit(site, save):
        site.hit(save, seconds=40)  # MySQL itself would wait 50 s
        assert len(site.outbox()) == 1, "the other is not committed yet"
        assert site.send()["delivered"] == 1, "nor does a sender wait"

    assert len(site.outbox()) == 1
    assert site.log() == []
    assert len(listener.requests) == 1


def test_a_transaction_that_saves_again_what_was_sent_meanwhile_holds_up_nobody(site: Site) -> None:
    """To look for its first note to count it up would lock the gap where that was."""
    first, second, *_ = users(site)
    again = SAVE_USER % first
    before = (
        f"$connection->commitTransaction(); {again} Bitrixpipeline\\Outbox\\Agent::run();"
        f" {UNTIL_PURGED} $connection->startTransaction();"
    )

    with open_hit(site, before + again):
        assert site.outbox() == []
        site.hit(SAVE_USER % second, seconds=40)
        assert site.outbox() == [("user.saved", second)]

    assert site.log() == []


def test_within_a_transaction_of_the_sites_nothing_is_sent(site: Site, listener: Listener) -> None:
    site.set(fast_path="always")
    before = "Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');" + CONNECTION
    send = "echo Bitrixpipeline\\Outbox\\Agent::send()->stopped, '; ';"
    site.add("user.deleted", 1)
    site.add("user.saved", 2, 2)

    said = site.hit(
        f"{before} $connection->startTransaction(); {SAVE_USER % users(site)[0]} {send}"
        f"$connection->queryExecute('SET autocommit = 0'); $connection->commitTransaction(); {send}"
    )

    assert said == "the site has a transaction open; the site has a transaction open; "
    assert listener.requests == []
    assert [row[0] for row in site.outbox("ENTITY_ID")][:3] == [1, 2, 2], "nor merged"
    assert site.send()["delivered"] == 3


# As a server says it that does not know the statement.
UNKNOWN = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$old = new class {
    public function queryExecute($sql) {
        Bitrix\\Main\\Application::getConnection()->queryExecute(str_replace('READ WRITE', 'READ AND WRITE', $sql));
    }
    public function __call($name, $arguments) {
        return Bitrix\\Main\\Application::getConnection()->$name(...$arguments);
    }
};
$transport = new Bitrixpipeline\\Outbox\\Transport();
try {
    (new Bitrixpipeline\\Outbox\\Sender($old, $transport))->run(1, 1, 1);
} catch (Bitrix\\Main\\DB\\SqlQueryException $fault) {
    echo 'a fault';
}
"""


def test_a_server_that_cannot_be_asked_for_a_transaction_is_not_taken_for_being_in_one(
    site: Site,
) -> None:
    site.add("user.deleted", 1)

    assert site.hit(UNKNOWN) == "a fault"


ON_MASTER = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$pool = Bitrix\\Main\\Application::getInstance()->getConnectionPool();
$heard = new class {
    public $ofSlave = [];
    public function __call($name, $arguments) {
        if (!Bitrix\\Main\\Application::getInstance()->getConnectionPool()->masterOnly) {
            $this->ofSlave[] = $arguments[0] ?? '';
        }
        return Bitrix\\Main\\Application::getConnection()->$name(...$arguments);
    }
};
$transport = new Bitrixpipeline\\Outbox\\Transport();
$sender = new Bitrixpipeline\\Outbox\\Sender($heard, $transport);
echo $sender->run(10, 30, 10)->delivered, ' ';
$sender->mergeWaiting(10);
echo implode('; ', $heard->ofSlave), $pool->masterOnly;
"""


def test_where_there_are_slaves_a_sender_asks_the_master_alone(site: Site) -> None:
    """A slave lags: it may show an order as it was before the save that the event tells of."""
    site.add("order.saved", site.order())

    assert site.hit(ON_MASTER) == "1 0"


def test_the_outbox_has_no_key_at_which_two_saves_could_meet(site: Site) -> None:
    unique = "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'b_bitrixpipeline_outbox' AND NON_UNIQUE = 0"  # fmt: skip
    assert site.shop.rows(unique) == [("PRIMARY",)]
