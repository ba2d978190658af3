"""Lets the next item be fetched while the present one is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each prepared in another thread while the consumer works on the one before.

    MySQL computes while Postgres writes: two servers, two cores.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        pending = thread.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = thread.submit(next, items, None)
            yield item
