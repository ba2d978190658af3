"""The API over HTTP: GET and POST, JSON and forms, as third-party clients send them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from bitrix_pipeline.demo_rest import bitrix
from bitrix_pipeline.demo_rest.bitrix import SimulatedBitrix, normalized
from bitrix_pipeline.demo_rest.php import parse_str

CUT = "bitrix_pipeline.cut"


def rest_app(simulated: SimulatedBitrix) -> ASGIApp:
    """An ASGI application that serves /rest/."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/rest/{path:path}", methods=["GET", "POST"])
    async def rest(path: str, request: Request) -> Response:
        fault = simulated.faults.take()
        decoded = decode(path, request.url.query, await request.body(), _type_of(request))
        reply = await run_in_threadpool(simulated.answer, decoded, fault)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.cuts:
            request.scope[CUT]()
        return Response(
            reply.body,
            status_code=reply.status,
            media_type=reply.content_type,
            headers=dict(reply.headers),
        )

    return CuttableConnections(app)


class CuttableConnections:
    """Hands the application a way to close its connection: ASGI has none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[CUT] = _closer(send)
        await self._app(scope, receive, send)


def decode(path: str, query: str, body: bytes, content_type: str) -> bitrix.Request:
    """`1/code/sale.order.get.json`, or the method alone when somebody forgot the rest."""
    *credentials, method = path.strip("/").split("/")
    user, code = credentials if len(credentials) == 2 else ("", "")  # noqa: PLR2004
    params: dict[str, Any] = parse_str(query)
    if "json" in content_type:
        params |= _json(body)
    elif body:
        params |= parse_str(body.decode("utf-8", "replace"))
    return bitrix.Request(
        user=user,
        code=code,
        method=method.lower().removesuffix(".json"),
        params=normalized(params),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "")


def _closer(send: Send) -> Callable[[], None]:
    # uvicorn's `send` is a method of the cycle that holds the connection.
    cycle: Any = send.__self__  # type: ignore[attr-defined]
    abort: Callable[[], None] = cycle.transport.abort
    return abort
