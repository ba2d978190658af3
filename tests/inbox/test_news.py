"""Waiting for news: told at once where Postgres can tell, by looking where it cannot."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
from pooler import transaction_pooler
from postbox import Postbox
from shop_and_crm import fails

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.inbox.news import News
from bitrix_pipeline.servers import PrivatePostgres


@contextmanager
def frozen(postgres: PrivatePostgres) -> Iterator[None]:
    """Its connections stay open and nothing answers."""
    server = psutil.Process(postgres.pid)
    stopped = [server, *server.children(recursive=True)]
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def seconds_to_notice(news: News, postbox: Postbox) -> float:
    """From the moment that an event is put in."""
    put: list[float] = []

    def send() -> None:
        put.append(time.monotonic())
        postbox.put("order.saved", 1)

    sender = threading.Timer(0.5, send)
    sender.start()
    assert news.wait(10)
    noticed = time.monotonic()
    sender.join()
    return noticed - put[0]


def test_news_is_noticed_at_once_where_notifications_arrive(postbox: Postbox) -> None:
    with News(postbox.crm.url) as news:
        assert news.is_notified
        assert seconds_to_notice(news, postbox) < 0.3


def test_news_is_noticed_within_a_second_behind_a_transaction_pooler(
    postbox: Postbox, postgres: PrivatePostgres
) -> None:
    with transaction_pooler(postgres.port) as port:
        url = postbox.crm.url.replace(f":{postgres.port}/", f":{port}/")
        with News(url) as news:
            assert not news.is_notified
            assert seconds_to_notice(news, postbox) < 1


def test_a_frozen_postgres_is_given_up_on(
    postbox: Postbox, postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitrix_pipeline.sync.postgres.GRACE_SECONDS", 1)
    monkeypatch.setattr("bitrix_pipeline.inbox.news.DEADLINE_SECONDS", 2)
    monkeypatch.setattr("bitrix_pipeline.inbox.news.LONGEST_DOZE", 0.5)
    with News(postbox.crm.url) as news, frozen(postgres), fails(TransientError):
        news.wait(60)


def test_what_waited_before_is_news(postbox: Postbox) -> None:
    postbox.put("order.saved", 1)

    with News(postbox.crm.url) as news:
        assert news.wait(0)


def test_without_news_the_wait_ends_in_time(postbox: Postbox) -> None:
    with News(postbox.crm.url) as news:
        started = time.monotonic()

        assert not news.wait(0.3)

        assert time.monotonic() - started < 1


def test_an_event_that_becomes_due_is_news(postbox: Postbox) -> None:
    postbox.put("order.saved", 1)
    postbox.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET due_at = now() + interval '0.5 s'")

    with News(postbox.crm.url) as news:
        assert not news.wait(0)
        assert news.wait(5)
