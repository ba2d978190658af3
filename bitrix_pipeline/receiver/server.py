"""Runs the receiver: two ports in one event loop, and an orderly end.

SIGTERM closes the door, lets what is under way be committed and answered, and ends.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.inbox.store import InboxStore
from bitrix_pipeline.receiver.app import Receiver, operators_app, public_app
from bitrix_pipeline.receiver.protocol import (
    MOST_HEADER_BYTES,
    REQUEST_SECONDS,
    BoundedProtocol,
    hang_up_on_the_slow,
)
from bitrix_pipeline.receiver.signature import secrets_of
from bitrix_pipeline.settings import Settings

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 16_384
"""Connections that wait to be taken; the kernel caps it at net.core.somaxconn."""

MOST_OVERHEAD: Final = 8
"""Bytes on the wire for one of a body that comes in the smallest chunks."""

OWN_FILES: Final = 64
"""Kept back from connections, for Postgres, logs and the metrics' port."""

KEEP_ALIVE_SECONDS: Final = 20
"""Longer than the proxy keeps idle connections: else it would now and then send into a closed one."""

DRAIN_SECONDS: Final = 5
SLOW_WHILE_DRAINING_SECONDS: Final = 1.0

ACCOUNT: Final = (
    "RECEIVER_POSTGRES_URL is not set: make an account that can do nothing but hand events over,"
    " CREATE ROLE receiver LOGIN PASSWORD '…' IN ROLE bitrix_receiver;"
    " and write RECEIVER_POSTGRES_URL=postgresql://receiver:…@host:5432/database into the"
    " environment or .env"
)


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a running receiver listens."""

    host: str
    port: int
    metrics_port: int

    @property
    def webhooks(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def metrics(self) -> str:
        return f"http://{LOOPBACK}:{self.metrics_port}"


def receiver_of(settings: Settings, *, clock: Callable[[], float] = time.time) -> Receiver:
    """A receiver as the settings want it. Raises SettingsError, which repeats no secret."""
    return Receiver(
        store=InboxStore(_postgres_url(settings)),
        secrets=secrets_of(settings.webhook_secrets.get_secret_value()),
        tokens=[
            token.encode()
            for token in settings.bitrix_application_tokens.get_secret_value().split()
        ],
        most_bytes=settings.webhook_max_bytes,
        clock=clock,
    )


def run(settings: Settings, *, announce: Callable[[Addresses], None]) -> None:
    """Serves until SIGTERM or Ctrl-C; `announce` is called when both ports take connections."""
    receiver = receiver_of(settings)
    allow_many_connections()
    _collect_garbage_seldom()
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        runner.run(serve(receiver, settings, announce=announce))


async def serve(
    receiver: Receiver,
    settings: Settings,
    *,
    announce: Callable[[Addresses], None],
    stop: asyncio.Event | None = None,
    request_seconds: float = REQUEST_SECONDS,
) -> None:
    """Serves until `stop` is set, or one of the signals comes where no event is given."""
    ends = stop or asyncio.Event()
    with contextlib.ExitStack() as held:
        public_socket = held.enter_context(
            listening(settings.receiver_host, settings.receiver_port, "RECEIVER_PORT")
        )
        metrics_socket = held.enter_context(
            listening(LOOPBACK, settings.receiver_metrics_port, "RECEIVER_METRICS_PORT")
        )
        if stop is None:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, ends.set)
        BoundedProtocol.most_request_bytes = MOST_OVERHEAD * receiver.most_bytes + MOST_HEADER_BYTES
        await receiver.commit.start()
        public = _Server(public_app(receiver))
        operators = _Server(operators_app(receiver))
        serving = [
            asyncio.create_task(public.serve([public_socket])),
            asyncio.create_task(operators.serve([metrics_socket])),
            asyncio.create_task(hang_up_on_the_slow(public.server_state, seconds=request_seconds)),
        ]
        announce(
            Addresses(
                host=settings.receiver_host,
                port=public_socket.getsockname()[1],
                metrics_port=metrics_socket.getsockname()[1],
            )
        )
        await asyncio.wait(
            [*serving, asyncio.create_task(ends.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        await _drain(receiver, public, operators, serving)


async def _drain(
    receiver: Receiver,
    public: "_Server",
    operators: "_Server",
    serving: "list[asyncio.Task[None]]",
) -> None:
    receiver.is_draining = True
    public.should_exit = True
    slow = asyncio.create_task(
        hang_up_on_the_slow(public.server_state, seconds=SLOW_WHILE_DRAINING_SECONDS)
    )
    await asyncio.wait(serving[:1])
    await receiver.commit.close()
    operators.should_exit = True
    await asyncio.wait(serving[1:2])
    for task in (slow, serving[2]):
        task.cancel()


class _Server(uvicorn.Server):
    """uvicorn with our limits, our signals, and without a log of every request."""

    def __init__(self, app: FastAPI) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening(host: str, port: int, setting: str) -> socket.socket:
    """A socket that takes connections. Raises SettingsError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"cannot listen on {host} port {port} ({error.__class__.__name__}): another process"
            f" does, or it is not this machine's address; see {setting}"
        ) from None


def allow_many_connections() -> None:
    """As many as the operating system lets us; beyond that newcomers are told to try again."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY:
        BoundedProtocol.most_connections = hard - OWN_FILES


def _collect_garbage_seldom() -> None:
    """Ten thousand requests at once are not garbage: looking for it among them halves the speed."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _postgres_url(settings: Settings) -> str:
    url = settings.receiver_postgres_url.get_secret_value()
    if not url:
        raise SettingsError(ACCOUNT)
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise SettingsError(
            "RECEIVER_POSTGRES_URL cannot be read: write"
            " postgresql://user:password@host:5432/database"
        ) from None
    return url


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not for those who only want the addresses

    return uvloop.new_event_loop()
