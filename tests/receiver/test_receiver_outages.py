"""Postgres stopped, frozen, restarted: 503 within two seconds, never a false 2xx, and it heals."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from receiving import (
    JSON,
    ORDER,
    SECRET,
    Answer,
    Inbox,
    Service,
    ask,
    frozen,
    new_id,
    post,
    receiver_here,
    service,
    signed,
    wait_for,
)

from bitrix_pipeline.inbox.store import InboxStore, NewEvent, Outcome
from bitrix_pipeline.model.migrate import RECEIVER_ROLE, migrate
from bitrix_pipeline.receiver import group_commit
from bitrix_pipeline.receiver.app import Receiver
from bitrix_pipeline.receiver.signature import secrets_of
from bitrix_pipeline.servers import PrivatePostgres

PROMISED_SECONDS = 2.0
ACCOUNT = "receiver_of_tests"


@pytest.fixture(scope="module")
def own_postgres(make_folder: Callable[[str], Path]) -> Iterator[PrivatePostgres]:
    """Not the one that other tests use: this one is stopped and frozen."""
    with PrivatePostgres(make_folder("postgres")) as server:
        migrate(server.url, target_schema="public")
        with server.connect() as admin:
            admin.execute(f"CREATE ROLE {ACCOUNT} LOGIN IN ROLE {RECEIVER_ROLE}")
        yield server


@pytest.fixture(scope="module")
def its_receiver(
    own_postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    url = own_postgres.url.replace("postgres@", f"{ACCOUNT}@")
    with service(url, tmp_path_factory.mktemp("receiver") / "log") as running:
        yield running


@pytest.fixture
def receiver(own_postgres: PrivatePostgres, its_receiver: Service) -> Service:
    own_postgres.start()
    its_receiver.wait_until_ready()
    return its_receiver


def test_with_postgres_stopped_it_says_so_at_once_and_heals(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    own_postgres.stop()
    answers = [timed(receiver) for _ in range(3)]
    ready = receiver.get("/readyz").status, receiver.get("/healthz").status
    own_postgres.start()
    receiver.wait_until_ready()

    assert [answer.status for answer, _ in answers] == [503, 503, 503]
    assert {answer.headers["retry-after"] for answer, _ in answers} == {"2"}
    assert max(seconds for _, seconds in answers) < PROMISED_SECONDS
    assert ready == (503, 200)
    assert receiver.send().status == 202


def test_with_postgres_frozen_nobody_waits_longer_than_promised(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    answers: list[tuple[Answer, float]] = []
    senders = [threading.Thread(target=lambda: answers.append(timed(receiver))) for _ in range(20)]
    with frozen(own_postgres.pid):
        for sender in senders:
            sender.start()
        time.sleep(0.5)
        health = receiver.get("/healthz").status
        for sender in senders:
            sender.join()
        newcomer, at_once = timed(receiver)
    receiver.wait_until_ready()

    assert {answer.status for answer, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < PROMISED_SECONDS
    assert (newcomer.status, health) == (503, 200)
    assert at_once < 0.5
    assert receiver.send().status == 202


def test_what_was_refused_while_frozen_is_stored_once_when_sent_again(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    event_id = new_id()
    with frozen(own_postgres.pid):
        refused = receiver.send(event_id).status
    receiver.wait_until_ready()

    again = receiver.send(event_id).status

    assert refused == 503
    assert again in {200, 202}
    assert ids(own_postgres).count(event_id) == 1


def test_what_was_committed_after_its_sender_was_put_off_is_known_when_sent_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAIT_SECONDS", 0.2)
    monkeypatch.setattr(group_commit, "STUCK_SECONDS", 60.0)
    store = Slow(inbox.receiver_url)
    request = post("/webhooks/bitrix", {**JSON, **signed("evt_1", ORDER)}, ORDER)

    with receiver_here(lambda: receiver_before(store)) as running:
        refused = ask(running.addresses.webhooks, request)
        store.may_answer.set()
        monkeypatch.undo()
        again = ask(running.addresses.webhooks, request)

    assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert again.status == 200
    assert inbox.ids() == ["evt_1"]


def test_a_restart_between_two_webhooks_is_not_noticed(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    receiver.send()
    own_postgres.restart()
    receiver.wait_until_ready()

    assert receiver.send().status == 202


def test_a_connection_that_died_unnoticed_is_replaced(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    receiver.send()
    with own_postgres.connect() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s",
            [ACCOUNT],
        )

    assert receiver.send().status == 202


def test_through_restarts_every_2xx_is_stored(
    receiver: Service, own_postgres: PrivatePostgres
) -> None:
    answers: dict[str, int] = {}
    done = threading.Event()

    def send() -> None:
        while not done.is_set():
            event_id = new_id()
            answers[event_id] = receiver.send(event_id).status

    sender = threading.Thread(target=send)
    sender.start()
    own_postgres.restart()
    wait_for(lambda: 202 in list(answers.values())[-3:])
    done.set()
    sender.join()

    assert set(answers.values()) <= {202, 503}
    assert {i for i, status in answers.items() if status == 202} <= set(ids(own_postgres))


def test_it_starts_without_postgres_and_waits_for_it(log: Path, inbox: Inbox) -> None:
    nobody_there = "postgresql://receiver@127.0.0.1:1/postgres"
    with service(nobody_there, log, ready=False) as receiver:
        answers = receiver.get("/healthz").status, receiver.get("/readyz").status
        refused = receiver.send().status

    assert (*answers, refused) == (200, 503, 503)
    assert "Connection refused" in log.read_text()
    assert inbox.ids() == []


class Slow(InboxStore):
    """Commits, and says so when it is allowed to."""

    def __init__(self, postgres_url: str) -> None:
        super().__init__(postgres_url)
        self.may_answer = threading.Event()

    def store(self, events: Sequence[NewEvent]) -> list[Outcome]:
        outcomes = super().store(events)
        self.may_answer.wait(20)
        return outcomes


def receiver_before(store: InboxStore) -> Receiver:
    return Receiver(store=store, secrets=secrets_of(SECRET), most_bytes=2**20)


def timed(receiver: Service) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = receiver.send()
    return answer, time.monotonic() - began


def ids(postgres: PrivatePostgres) -> list[str]:
    with postgres.connect() as admin:
        rows = admin.execute("SELECT event_id FROM bitrix_pipeline.inbox_events").fetchall()
    return [row[0] for row in rows]
