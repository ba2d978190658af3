"""Many wait for one commit; too many are told so; one that cannot be stored takes no other along."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.inbox.store import NewEvent, Outcome, RefusedEventError
from bitrix_pipeline.receiver import group_commit, writer
from bitrix_pipeline.receiver.group_commit import BusyError, GroupCommit, UnavailableError
from bitrix_pipeline.receiver.metrics import Metrics

Answer = TypeVar("Answer")


class Door:
    """A store that opens when it is told to."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.batches: list[list[str]] = []
        self.is_away = False
        self.seconds = 0.0

    def store(self, events: Sequence[NewEvent]) -> list[Outcome]:
        self.batches.append([event.event_id for event in events])
        self.is_open.wait(5)
        time.sleep(self.seconds)
        if self.is_away:
            raise TransientError("away")
        if any(event.event_id == "bad" for event in events):
            raise RefusedEventError("bad")
        return [Outcome.STORED for _ in events]

    def ping(self) -> None:
        if self.is_away:
            raise TransientError("away")

    def close(self) -> None:
        pass


def event(event_id: str, body: bytes = b"{}") -> NewEvent:
    return NewEvent(source="module", event_id=event_id, body=body, sent_at=None)


@asynccontextmanager
async def committing(door: Door, most_waiting: int = 1000) -> AsyncIterator[GroupCommit]:
    commit = GroupCommit(door, Metrics(), most_waiting=most_waiting)
    await commit.start()
    yield commit
    door.is_open.set()
    await commit.close()


def run(scenario: Coroutine[Any, Any, Answer]) -> Answer:
    """In a thread of its own: the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scenario).result()


async def results(commit: GroupCommit, ids: Sequence[str]) -> list[object]:
    return await asyncio.gather(
        *(commit.store(event(event_id)) for event_id in ids), return_exceptions=True
    )


def test_what_queues_up_during_a_commit_is_the_next_batch() -> None:
    door = Door()

    async def scenario() -> list[object]:
        async with committing(door) as commit:
            door.is_open.clear()
            first = asyncio.create_task(commit.store(event("0")))
            await asyncio.sleep(0.1)
            rest = asyncio.create_task(results(commit, ["1", "2", "3"]))
            await asyncio.sleep(0.1)
            door.is_open.set()
            return [await first, *await rest]

    assert run(scenario()) == [Outcome.STORED] * 4
    assert door.batches == [["0"], ["1", "2", "3"]]


def test_a_batch_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_BYTES", 250)
    door = Door()

    async def scenario() -> None:
        async with committing(door) as commit:
            door.is_open.clear()
            tasks = [
                asyncio.create_task(commit.store(event(str(number), b"x" * 100)))
                for number in range(6)
            ]
            await asyncio.sleep(0.1)
            door.is_open.set()
            await asyncio.gather(*tasks)

    run(scenario())

    assert sorted(event_id for batch in door.batches for event_id in batch) == list("012345")
    assert max(len(batch) for batch in door.batches) == 2


def test_more_than_may_wait_is_told_so_at_once() -> None:
    door = Door()

    async def scenario() -> list[object]:
        async with committing(door, most_waiting=3) as commit:
            door.is_open.clear()
            waiting = asyncio.create_task(results(commit, ["1", "2", "3"]))
            await asyncio.sleep(0.05)
            refused = await results(commit, ["4"])
            door.is_open.set()
            return [*await waiting, *refused, *await results(commit, ["5"])]

    found = run(scenario())

    assert found[:3] == [Outcome.STORED] * 3
    assert isinstance(found[3], BusyError)
    assert found[4] == Outcome.STORED


def test_nobody_waits_longer_than_a_sender_does_while_slow_commits_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "WAIT_SECONDS", 1.0)
    monkeypatch.setattr(group_commit, "STUCK_SECONDS", 60.0)
    monkeypatch.setattr(writer, "MOST_EVENTS", 1)
    door = Door()
    door.seconds = 0.2

    async def scenario() -> tuple[list[object], bool]:
        async with committing(door) as commit:
            return await results(commit, [str(number) for number in range(40)]), commit.is_ready

    found, is_ready = run(scenario())

    handed_over = {event_id for batch in door.batches for event_id in batch}
    stored = {str(number) for number, what in enumerate(found) if what == Outcome.STORED}
    assert isinstance(found[-1], UnavailableError)
    assert len(handed_over) < 40
    assert stored <= handed_over
    assert is_ready


def test_one_that_cannot_be_stored_takes_no_other_along() -> None:
    door = Door()

    async def scenario() -> list[object]:
        async with committing(door) as commit:
            return [*await results(commit, ["1", "bad", "2"]), *await results(commit, ["3"])]

    found = run(scenario())

    assert isinstance(found[1], UnavailableError)
    assert [found[0], found[2], found[3]] == [Outcome.STORED] * 3


def test_after_an_outage_it_is_found_again_without_being_asked() -> None:
    door = Door()

    async def scenario() -> list[object]:
        async with committing(door) as commit:
            door.is_away = True
            refused = await results(commit, ["1", "2"])
            at_once = await results(commit, ["3"])
            door.is_away = False
            while not commit.is_ready:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.02)
            return [*refused, *at_once, *await results(commit, ["4"])]

    found = run(scenario())

    assert [type(each) for each in found[:3]] == [UnavailableError] * 3
    assert found[3] == Outcome.STORED
    assert door.batches[-1] == ["4"]
