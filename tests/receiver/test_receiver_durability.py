"""A 2xx means stored, whoever is killed at whatever moment; and the account can do nothing else."""

import signal
import threading
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from pooler import transaction_pooler
from psycopg import sql
from receiving import ORDER, Answer, Inbox, Service, new_id, service, wait_for

from bitrix_pipeline.servers import PrivatePostgres


@pytest.mark.parametrize(
    ("place", "is_stored", "then"),
    [("receiver.before_commit", False, 202), ("receiver.after_commit", True, 200)],
)
def test_killed_around_a_commit_nothing_is_lost_or_doubled(
    inbox: Inbox, log: Path, place: str, then: int, *, is_stored: bool
) -> None:
    with service(inbox.receiver_url, log, BITRIX_PIPELINE_CRASH_AT=place) as receiver:
        answer = receiver.send("evt_1")
        assert receiver.process.wait(10) == -signal.SIGKILL
    assert answer.status == 0
    assert inbox.ids() == (["evt_1"] if is_stored else [])

    with service(inbox.receiver_url, log) as receiver:
        again = receiver.send("evt_1")

    assert again.status == then
    assert inbox.ids() == ["evt_1"]


def test_killed_under_load_every_2xx_is_stored(inbox: Inbox, log: Path) -> None:
    with service(inbox.receiver_url, log) as receiver:
        acknowledged: list[str] = []
        senders = [threading.Thread(target=send_until_cut, args=(receiver, acknowledged))]
        senders += [threading.Thread(target=send_until_cut, args=(receiver, acknowledged))]
        for sender in senders:
            sender.start()
        wait_for(lambda: len(acknowledged) > 50)
        receiver.process.kill()
        for sender in senders:
            sender.join()

    assert set(acknowledged) <= set(inbox.ids())


def test_told_to_stop_it_answers_what_is_under_way(inbox: Inbox, log: Path) -> None:
    with service(inbox.receiver_url, log) as receiver:
        inbox.connection.execute("BEGIN")
        inbox.connection.execute("LOCK bitrix_pipeline.inbox_events IN EXCLUSIVE MODE")
        answers: list[Answer] = []
        sender = threading.Thread(target=lambda: answers.append(receiver.send("evt_1")))
        sender.start()
        wait_for(lambda: b"receiver_waiting 1.0" in receiver.get("/metrics", metrics=True).body)
        receiver.process.send_signal(signal.SIGTERM)
        wait_for(lambda: receiver.get("/readyz", metrics=True).status == 503)
        inbox.connection.execute("SELECT pg_sleep(0.2)")
        assert receiver.process.poll() is None
        inbox.connection.execute("COMMIT")
        sender.join()
        code = receiver.process.wait(10)

    assert [answer.status for answer in answers] == [202]
    assert (code, inbox.ids()) == (0, ["evt_1"])


def test_two_receivers_with_the_same_events_store_each_once(
    receiver: Service, inbox: Inbox, log: Path
) -> None:
    ids = [new_id() for _ in range(60)]
    answers: list[int] = []
    with service(inbox.receiver_url, log) as other:
        senders = [
            threading.Thread(
                target=lambda to=to, order=order: answers.extend(to.send(i).status for i in order)
            )
            for to, order in ((receiver, ids), (other, ids), (receiver, ids[::-1]))
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    assert Counter(answers) == {202: 60, 200: 120}
    assert sorted(inbox.ids()) == sorted(ids)


def test_it_works_behind_a_transaction_pooler(
    postgres: PrivatePostgres, inbox: Inbox, log: Path
) -> None:
    with transaction_pooler(postgres.port) as port:
        url = inbox.receiver_url.replace(f":{postgres.port}/", f":{port}/")
        with service(url, log) as receiver:
            answers = [receiver.send("evt_1").status for _ in range(2)]

    assert answers == [202, 200]
    assert inbox.ids() == ["evt_1"]


def test_the_account_can_hand_events_over_and_nothing_else(inbox: Inbox) -> None:
    tables = inbox.connection.execute(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert ("bitrix_pipeline", "inbox_events") in tables
    attempts = (
        "SELECT FROM {}",
        "INSERT INTO {} DEFAULT VALUES",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "DROP TABLE {}",
    )
    with psycopg.connect(inbox.receiver_url, autocommit=True) as connection:
        for table in tables:
            for attempt in attempts:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(attempt).format(sql.Identifier(*table)))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(update_of(inbox, table).format(sql.Identifier(*table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE bitrix_pipeline.mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT nextval('bitrix_pipeline.inbox_lease')")


def update_of(inbox: Inbox, table: tuple[str, ...]) -> sql.SQL:
    row = inbox.connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE (table_schema, table_name) = (%s, %s)",
        table,
    ).fetchone()
    return sql.SQL(f'UPDATE {{}} SET "{row[0] if row else ""}" = DEFAULT')


def send_until_cut(receiver: Service, acknowledged: list[str]) -> None:
    try:
        while True:
            event_id = new_id()
            status = receiver.send(event_id, ORDER).status
            if status in {200, 202}:
                acknowledged.append(event_id)
            elif status == 0:
                return
    except OSError:
        return
