"""The two ways in, as ASGI applications: signed webhooks, and Bitrix's own.

The order of the checks is that of their cost, and a stranger learns of nothing but the limits for
type and size: what the headers say, type and size as announced, the body, whether it is authentic,
and only then whether there is room and whether Postgres is there.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from starlette.exceptions import HTTPException

from bitrix_pipeline.inbox.bitrix_form import event_of, form_of
from bitrix_pipeline.inbox.event import Event, UnreadableEventError, read_event
from bitrix_pipeline.inbox.store import MODULE, NewEvent, Outcome
from bitrix_pipeline.receiver.bitrix_token import is_from_bitrix
from bitrix_pipeline.receiver.body import (
    Body,
    DisconnectedError,
    Headers,
    Memory,
    NoMemoryError,
    Receive,
    TooLargeError,
    is_plainly,
)
from bitrix_pipeline.receiver.group_commit import BusyError, GroupCommit, UnavailableError
from bitrix_pipeline.receiver.metrics import Metrics, Refusal
from bitrix_pipeline.receiver.refusal_log import RefusalLog
from bitrix_pipeline.receiver.signature import claim_of

JSON: Final = b"application/json"
FORM: Final = b"application/x-www-form-urlencoded"

MOST_FORM_BYTES: Final = 64 * 1024
"""Bitrix sends less than 2 KiB, and a form is taken apart before its sender is known."""

RETRY_AFTER_SECONDS: Final = 2

LARGE_BODY: Final = 64 * 1024
"""Read in a thread, so that others do not wait for it."""

STATUS: Final = {Outcome.STORED: 202, Outcome.DUPLICATE: 200, Outcome.CONFLICT: 409}

REFUSAL_STATUS: Final = {
    Refusal.HEADERS: 401,
    Refusal.SIGNATURE: 401,
    Refusal.TOKEN: 401,
    Refusal.CONTENT: 415,
    Refusal.SIZE: 413,
    Refusal.CONFLICT: 409,
    Refusal.BUSY: 429,
    Refusal.UNAVAILABLE: 503,
    Refusal.ERROR: 503,
}

Send = Callable[[dict[str, Any]], Awaitable[None]]


class RefusedError(Exception):
    """The request is not taken."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Means:
    """What both entrances share."""

    commit: GroupCommit
    memory: Memory
    metrics: Metrics
    log: RefusalLog
    most_bytes: int


class Entrance(ABC):
    """Reads, authenticates, commits, answers; every answer's body is empty."""

    name: ClassVar[str]

    def __init__(self, means: Means) -> None:
        self._means = means

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        try:
            status = await self._taken(scope["headers"], receive)
        except RefusedError as refused:
            self._refuse(refused.reason)
            status = REFUSAL_STATUS[refused.reason]
        except DisconnectedError:
            self._refuse(Refusal.DISCONNECTED)
            return
        except Exception as error:  # noqa: BLE001 - the only 5xx is 503
            self._refuse(Refusal.ERROR, type(error).__name__)
            status = 503
        self._means.metrics.answered(self.name, status, time.perf_counter() - started)
        await send({"type": "http.response.start", "status": status, "headers": ANSWERS[status]})
        await send({"type": "http.response.body", "body": b""})

    async def _taken(self, headers: Headers, receive: Receive) -> int:
        with Body(self._means.memory, most_bytes=self._means.most_bytes) as body:
            try:
                event = await self._authentic_event(headers, body, receive)
                if event.quarantine_reason:
                    self._means.metrics.quarantined()
                outcome = await self._means.commit.store(event)
            except TooLargeError:
                raise RefusedError(Refusal.SIZE) from None
            except (BusyError, NoMemoryError):
                raise RefusedError(Refusal.BUSY) from None
            except UnavailableError:
                raise RefusedError(Refusal.UNAVAILABLE) from None
        if outcome is Outcome.CONFLICT:
            raise RefusedError(Refusal.CONFLICT)
        return STATUS[outcome]

    @abstractmethod
    async def _authentic_event(self, headers: Headers, body: Body, receive: Receive) -> NewEvent:
        """The event. Raises RefusedError for what is not authentic."""

    def _refuse(self, reason: Refusal, detail: str = "") -> None:
        self._means.metrics.refused(reason)
        self._means.log.note(self.name, reason, detail)


class SignedEntrance(Entrance):
    """Standard Webhooks, as the module for Bitrix sends them."""

    name = "module"

    def __init__(
        self, means: Means, *, secrets: Sequence[bytes], clock: Callable[[], float]
    ) -> None:
        super().__init__(means)
        self.secrets = secrets
        self._clock = clock

    async def _authentic_event(self, headers: Headers, body: Body, receive: Receive) -> NewEvent:
        claim = claim_of(headers, now=int(self._clock()))
        if claim is None:
            raise RefusedError(Refusal.HEADERS)
        if not is_plainly(JSON, headers, optional=True):
            raise RefusedError(Refusal.CONTENT)
        content = await body.read(receive, headers)
        if not claim.is_proven(content, self.secrets):
            raise RefusedError(Refusal.SIGNATURE)
        event, reason = await _readable(content)
        return NewEvent(
            source=MODULE,
            event_id=claim.event_id,
            body=content,
            sent_at=datetime.fromtimestamp(claim.timestamp, UTC),
            type=event.type if event else None,
            entity=event.entity if event else None,
            entity_id=event.data.id if event else None,
            quarantine_reason=reason,
        )


class BitrixEntrance(Entrance):
    """Outgoing webhooks made in Bitrix itself; the token is in the body, so that is read first."""

    name = "bitrix"

    def __init__(self, means: Means, *, tokens: Sequence[bytes]) -> None:
        super().__init__(replace(means, most_bytes=min(means.most_bytes, MOST_FORM_BYTES)))
        self.tokens = tokens

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if not self.tokens:
            # As if it were not there.
            raise HTTPException(404)
        await super().__call__(scope, receive, send)

    async def _authentic_event(self, headers: Headers, body: Body, receive: Receive) -> NewEvent:
        if not is_plainly(FORM, headers):
            raise RefusedError(Refusal.CONTENT)
        form = form_of(await body.read(receive, headers))
        if form is None or not is_from_bitrix(form, self.tokens):
            raise RefusedError(Refusal.TOKEN)
        return event_of(form)


async def _readable(body: bytes) -> tuple[Event | None, str | None]:
    """The event, or why it goes into quarantine."""
    try:
        if len(body) > LARGE_BODY:
            return await asyncio.to_thread(read_event, body), None
        return read_event(body), None
    except UnreadableEventError as error:
        return None, str(error)


def _answer_headers(status: int) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-length", b"0")]
    if status in {429, 503}:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    return headers


ANSWERS: Final = {
    status: _answer_headers(status) for status in {*STATUS.values(), *REFUSAL_STATUS.values()}
}
