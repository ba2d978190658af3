"""Calls and batches: the rate before, the retries after.

A read is tried again after anything transient. A write is tried again only when Bitrix certainly
did not execute it; otherwise it ends in `UnknownOutcome`, and the caller reads before it writes.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bitrix_pipeline.bitrix_rest.answer import Answer, read_reply
from bitrix_pipeline.bitrix_rest.batch import (
    LARGEST_BATCH,
    Commands,
    Outcome,
    Outcomes,
    first,
    not_executed,
    outcomes,
    parameters,
)
from bitrix_pipeline.bitrix_rest.errors import (
    OperatingLimitError,
    OverloadError,
    RateLimitError,
    RestError,
    UnavailableError,
    UnknownOutcome,
    UnreadableAnswerError,
)
from bitrix_pipeline.bitrix_rest.rate import CLOUD, Rate, Throttle
from bitrix_pipeline.bitrix_rest.transport import Deadlines, Transport
from bitrix_pipeline.bitrix_rest.webhook import Webhook
from bitrix_pipeline.errors import TransientError

logger = logging.getLogger(__name__)

READS = {"profile", "scope", "methods", "server.time", "method.get", "app.info", "events"}
READING_WORDS = ("get", "list", "getfields", "fields")

BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 20.0

# A shop that leaves this many batches in a row without an answer is not sent a third.
UNKNOWN_BATCHES = 2
WITHOUT_ANSWER = (UnknownOutcome, UnavailableError, UnreadableAnswerError)


@dataclass(frozen=True, kw_only=True)
class RestOptions:
    """What may differ from shop to shop."""

    rate: Rate | None = CLOUD
    """None for a box, whose code has no such limit."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    batch_size: int = 20
    tries: int = 3
    ca_bundle: str = ""
    max_bytes: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            raise ValueError(f"a batch holds 1 to {LARGEST_BATCH} commands")


class BitrixRest:
    """A shop's REST API behind an incoming webhook."""

    def __init__(
        self,
        webhook: Webhook,
        options: RestOptions | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._webhook = webhook
        self._options = options or RestOptions()
        self._clock = clock
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._chance = chance
        self._overload: OverloadError | None = None
        self._batch_size = self._options.batch_size
        self._throttle = Throttle(
            self._options.rate, clock=clock, wall_clock=wall_clock, sleep=sleep
        )
        self._transport = Transport(
            webhook,
            deadlines=self._options.deadlines,
            ca_bundle=self._options.ca_bundle,
            max_bytes=self._options.max_bytes,
            clock=clock,
        )

    def __repr__(self) -> str:
        return f"BitrixRest({self._webhook.host!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Answer:
        """What the method returns. Raises RestError."""
        outcome = self._tried(method, params or {}, uses=[method], writes=not is_read(method))
        if isinstance(outcome, RestError):
            raise outcome
        return outcome

    def batch(self, commands: Commands) -> Outcomes:
        """What came of each command, in their order; an error is a value here and never raised.

        Cut into as many requests as needed. Without an answer to a request the next ones are smaller;
        what is not sent in the end is a `NotExecutedError`.
        """
        found: Outcomes = {}
        waiting = dict(commands)
        unknown = 0
        while waiting:
            chunk = first(waiting, self._batch_size)
            failure = self._batch(chunk, found)
            for key in chunk:
                del waiting[key]
            unknown = unknown + 1 if isinstance(failure, WITHOUT_ANSWER) else 0
            if failure and (not unknown or unknown == UNKNOWN_BATCHES):
                why = f"after a batch had failed: {failure}"
                found |= {key: not_executed(command, why) for key, command in waiting.items()}
                break
            self._batch_size = (
                max(1, len(chunk) // 2)
                if unknown
                else min(2 * self._batch_size, self._options.batch_size)
            )
        return found

    def _batch(self, chunk: Commands, found: Outcomes) -> RestError | None:
        """Adds what came of one request; the error if it failed as a whole."""
        uses = {command.method for command in chunk.values()}
        writes = any(not is_read(command.method) for command in chunk.values())
        outcome = self._tried("batch", parameters(chunk), uses=uses, writes=writes)
        if isinstance(outcome, RestError):
            found |= dict.fromkeys(chunk, outcome)
            return outcome
        for key, part in outcomes(chunk, outcome, webhook=self._webhook).items():
            method = chunk[key].method
            self._learn(method, part)
            found[key] = part if is_read(method) else unknown_if_begun(part)
        return self._overload

    def _tried(
        self, method: str, params: Mapping[str, Any], *, uses: Collection[str], writes: bool
    ) -> Outcome:
        until = self._clock() + self._options.deadlines.overall
        attempt = 1
        while True:
            outcome = self._once(method, params, uses=uses, until=until)
            self._learn(method, outcome)
            if writes:
                outcome = unknown_if_begun(outcome)
            if isinstance(outcome, Answer):
                self._throttle.went_well()
                return outcome
            if not may_be_repeated(outcome) or attempt >= self._options.tries:
                return outcome
            pause = self._pause(outcome, attempt)
            if self._clock() + pause >= until:
                return outcome
            logger.warning(
                "REST call is tried again",
                extra={"method": method, "code": outcome.code, "attempt": attempt, "pause": pause},
            )
            self._sleep(pause)
            attempt += 1

    def _once(
        self, method: str, params: Mapping[str, Any], *, uses: Collection[str], until: float
    ) -> Outcome:
        if self._overload is not None:
            return self._overload
        free_at = self._throttle.free_at(uses)
        if free_at is not None:
            held = OperatingLimitError(
                f"{method}: it has nearly used up its share of Bitrix's time and waits",
                method=method,
            )
            held.reset_at = free_at
            return held
        self._throttle.take()
        body = json.dumps(params, ensure_ascii=False).encode()
        reply = self._transport.post(method, body, until=until)
        if isinstance(reply, RestError):
            return reply
        return read_reply(reply, method=method, webhook=self._webhook)

    def _learn(self, method: str, outcome: Outcome) -> None:
        if isinstance(outcome, Answer):
            self._throttle.used(method, outcome.time)
        elif isinstance(outcome, RateLimitError):
            self._throttle.overflowed()
        elif isinstance(outcome, OperatingLimitError) and outcome.reset_at is not None:
            self._throttle.hold(method, until=outcome.reset_at)
        elif isinstance(outcome, OverloadError) and self._overload is None:
            self._overload = outcome
            logger.error(
                "Bitrix has blocked the account; nothing more is sent", extra={"method": method}
            )

    def _pause(self, failure: RestError, attempt: int) -> float:
        """Full jitter: anything from nothing to the doubled wait, so that clients spread."""
        longest = min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2.0**attempt)
        pause = self._chance() * longest
        if isinstance(failure, OperatingLimitError) and failure.reset_at is not None:
            return max(0.0, failure.reset_at - self._wall_clock()) + pause
        if isinstance(failure, RateLimitError) and failure.retry_after is not None:
            return failure.retry_after + pause
        return pause


def may_be_repeated(failure: RestError) -> bool:
    return isinstance(failure, TransientError)


def is_read(method: str) -> bool:
    """Whether the method changes nothing, by its name."""
    return method in READS or method.rsplit(".", 1)[-1] in READING_WORDS


def unknown_if_begun(outcome: Outcome) -> Outcome:
    """Of a write: what may have been executed before it failed has an unknown outcome."""
    if not isinstance(outcome, UnavailableError | UnreadableAnswerError):
        return outcome
    if outcome.was_not_executed:
        return outcome
    return UnknownOutcome(
        f"{outcome}; it may have been done, so read the order before writing again",
        method=outcome.method,
        code=outcome.code,
        status=outcome.status,
    )
