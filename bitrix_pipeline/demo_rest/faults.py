"""What can go wrong on request: each fault is used up by one request."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from bitrix_pipeline.demo_rest.refusals import Dialect, Refusal

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one request."""

    applies: bool = False
    """The method is executed all the same."""
    instead: Reply | None = None
    """Sent in place of the proper answer."""
    refusal: Refusal | None = None
    """The same, said in the simulator's dialect."""
    reset_in: float | None = None
    """Seconds until `operating_reset_at`, told with the refusal."""
    cuts: bool = False
    """The connection is closed without an answer."""
    delay: float = 0.0
    """Seconds before the answer."""
    fails_every: int = 0
    """Of a batch's commands, each n-th is refused with `refusal`."""


class Faults:
    """Those that wait for their request."""

    def __init__(self) -> None:
        self._waiting: deque[Fault | None] = deque()

    def next(self, *faults: Fault | None) -> None:
        """For the coming requests, one each; None lets a request pass."""
        self._waiting.extend(faults)

    def take(self) -> Fault | None:
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        self._waiting.clear()


def query_limit() -> Fault:
    return Fault(refusal=Refusal("QUERY_LIMIT_EXCEEDED", "Too many requests"))


def operation_time_limit(*, reset_in: float = 1.0) -> Fault:
    refusal = Refusal("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
    return Fault(refusal=refusal, reset_in=reset_in)


def overload_limit() -> Fault:
    return Fault(refusal=Refusal("OVERLOAD_LIMIT", "REST API is blocked due to overload."))


def site_closed() -> Fault:
    return Fault(refusal=Refusal("PORTAL_DELETED", "Portal was deleted"))


def gateway_timeout(*, applies: bool = False, status: int = 504) -> Fault:
    """A proxy gives PHP up; `applies` says whether PHP was done by then."""
    page = f"<html><head><title>{status} Gateway Time-out</title></head></html>"
    return Fault(
        applies=applies, instead=Reply(status=status, body=page.encode(), content_type=HTML)
    )


def cut_connection(*, applies: bool) -> Fault:
    return Fault(cuts=True, applies=applies)


def slow(seconds: float) -> Fault:
    """Executed at once and answered late."""
    return Fault(delay=seconds, applies=True)


def fail_commands(every: int, refusal: Refusal) -> Fault:
    return Fault(applies=True, fails_every=every, refusal=refusal)


def reply(
    body: object = b"",
    *,
    status: int = 200,
    applies: bool = False,
    content_type: str = JSON,
    **headers: str,
) -> Fault:
    """Any answer; what is not bytes is sent as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(
        applies=applies,
        instead=Reply(status=status, body=sent, content_type=content_type, headers=named),
    )


def error_reply(refusal: Refusal, dialect: Dialect, **more: object) -> Reply:
    body = {**refusal.body(dialect), **more}
    return Reply(status=refusal.status(dialect), body=json.dumps(body).encode())
