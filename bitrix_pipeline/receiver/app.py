"""Puts the service together: two applications, the public one and the one for operators."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bitrix_pipeline.receiver.body import Memory
from bitrix_pipeline.receiver.entrances import BitrixEntrance, Means, SignedEntrance
from bitrix_pipeline.receiver.group_commit import MOST_WAITING, GroupCommit
from bitrix_pipeline.receiver.metrics import Metrics
from bitrix_pipeline.receiver.openapi import describe
from bitrix_pipeline.receiver.refusal_log import RefusalLog
from bitrix_pipeline.receiver.writer import Store

WEBHOOKS = "/webhooks/bitrix"
BITRIX_EVENTS = "/webhooks/bitrix/events"


@dataclass(kw_only=True)
class Receiver:
    """What both applications share."""

    store: Store
    secrets: Sequence[bytes]
    tokens: Sequence[bytes] = ()
    most_bytes: int
    most_waiting: int = MOST_WAITING
    clock: Callable[[], float] = time.time
    metrics: Metrics = field(default_factory=Metrics)
    memory: Memory = field(default_factory=Memory)
    is_draining: bool = False

    def __post_init__(self) -> None:
        self.commit = GroupCommit(self.store, self.metrics, most_waiting=self.most_waiting)
        means = Means(
            commit=self.commit,
            memory=self.memory,
            metrics=self.metrics,
            log=RefusalLog(),
            most_bytes=self.most_bytes,
        )
        self.signed = SignedEntrance(means, secrets=self.secrets, clock=self.clock)
        self.bitrix = BitrixEntrance(means, tokens=self.tokens)
        watch = self.metrics.watch
        watch("waiting", "Webhooks that wait for their commit.", lambda: self.commit.waiting)
        watch("body_bytes", "Bodies in memory.", lambda: self.memory.used)
        watch("ready", "1 when a webhook would be taken now.", lambda: float(self.is_ready))

    @property
    def is_ready(self) -> bool:
        return self.commit.is_ready and not self.is_draining

    @property
    def why_not_ready(self) -> str:
        """One sentence for an operator, not for strangers."""
        return "it was told to stop" if self.is_draining else self.commit.why_not_ready

    def change_secrets(self, secrets: Sequence[bytes], tokens: Sequence[bytes]) -> None:
        """From the next request on; one whose body is on its way is judged by these, too."""
        self.secrets, self.tokens = secrets, tokens
        self.signed.secrets, self.bitrix.tokens = secrets, tokens


def public_app(receiver: Receiver) -> FastAPI:
    """Webhooks, and whether they would be taken. Plain routes: FastAPI would parse bodies first."""
    app = FastAPI(
        title="bitrix-pipeline receiver",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would repeat whatever host the sender named.
        redirect_slashes=False,
        exception_handlers={HTTPException: _nothing_here},
    )
    app.router.routes.append(Route(WEBHOOKS, receiver.signed, methods=["POST"]))
    app.router.routes.append(Route(BITRIX_EVENTS, receiver.bitrix, methods=["POST"]))
    app.router.routes.extend(_health(receiver, says_why=False))
    return app


def operators_app(receiver: Receiver) -> FastAPI:
    """Metrics and the description of both entrances; for the loopback interface alone."""
    app = FastAPI(title="bitrix-pipeline receiver", docs_url=None, redoc_url=None)

    async def metrics(_: Request) -> Response:
        return Response(
            receiver.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    app.router.routes.append(Route("/metrics", metrics))
    app.router.routes.extend(_health(receiver, says_why=True))
    app.openapi = lambda: describe(  # type: ignore[method-assign]
        WEBHOOKS, BITRIX_EVENTS if receiver.tokens else None, most_bytes=receiver.most_bytes
    )
    return app


async def _nothing_here(_: Request, refused: Any) -> Response:
    """404 and 405 are as empty as the other refusals."""
    return Response(status_code=refused.status_code, headers=refused.headers)


def _health(receiver: Receiver, *, says_why: bool) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if receiver.is_ready:
            return PlainTextResponse("ready\n")
        why = f": {receiver.why_not_ready}" if says_why else ""
        return PlainTextResponse(f"not ready{why}\n", 503, headers={"retry-after": "2"})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
