"""Waiting for news: told at once where Postgres can tell, by looking where it cannot."""

import threading
import time

from pooler import transaction_pooler
from postbox import Postbox

from bitrix_pipeline.inbox.news import News
from bitrix_pipeline.servers import PrivatePostgres


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
