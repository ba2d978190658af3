"""Runs the receiver: two ports in one event loop, and an orderly end.

SIGTERM closes the door, lets what is under way be committed and answered, and ends. SIGHUP has the
secrets read again.
"""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bitrix_pipeline.errors import SettingsError, TransientError
from bitrix_pipeline.inbox.store import InboxStore
from bitrix_pipeline.receiver.app import Receiver, operators_app, public_app
from bitrix_pipeline.receiver.protocol import (
    MOST_HEADER_BYTES,
    REQUEST_SECONDS,
    BoundedProtocol,
    hang_up_on_the_slow,
)
from bitrix_pipeline.receiver.signature import secrets_of
from bitrix_pipeline.settings import Settings, load_settings

log = logging.getLogger(__name__)

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


class EndedByItselfError(TransientError):
    """A part of the receiver stopped working; what was acknowledged is stored."""


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
    secrets, tokens = _secrets_and_tokens(settings)
    return Receiver(
        store=InboxStore(_postgres_url(settings)),
        secrets=secrets,
        tokens=tokens,
        most_bytes=settings.webhook_max_bytes,
        clock=clock,
    )


def read_secrets_again(receiver: Receiver) -> None:
    """Puts the secrets that `.env` or files hold by now in force; bad ones change nothing."""
    try:
        secrets, tokens = _secrets_and_tokens(load_settings())
    except (SettingsError, OSError) as error:
        log.error("The secrets stay as they were: %s", error)  # noqa: TRY400 - one sentence
        return
    is_same = (secrets, tokens) == (receiver.secrets, receiver.tokens)
    receiver.change_secrets(secrets, tokens)
    log.info(
        "Read the secrets again: %d for webhooks, %d application tokens%s",
        len(secrets),
        len(tokens),
        ", the same as before; what stands in the environment cannot change" if is_same else "",
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
    """Serves until `stop` is set, or one of the signals comes where no event is given.

    Raises EndedByItselfError when a part of it does, after an orderly end of the rest.
    """
    ends = stop or asyncio.Event()
    with contextlib.ExitStack() as held:
        public_socket = held.enter_context(
            listening(settings.receiver_host, settings.receiver_port, "RECEIVER_PORT")
        )
        metrics_socket = held.enter_context(
            listening(LOOPBACK, settings.receiver_metrics_port, "RECEIVER_METRICS_PORT")
        )
        if stop is None:
            _heed_signals(receiver, ends)
        BoundedProtocol.most_request_bytes = MOST_OVERHEAD * receiver.most_bytes + MOST_HEADER_BYTES
        committing = await receiver.commit.start()
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
        ended = await _first_ended([*serving, committing], ends)
        await _drain(receiver, public, operators, serving)
        if ended:
            raise _ended_by_itself(ended)


def _heed_signals(receiver: Receiver, ends: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends.set)
    loop.add_signal_handler(signal.SIGHUP, read_secrets_again, receiver)


async def _first_ended(
    parts: "list[asyncio.Task[None]]", ends: asyncio.Event
) -> "asyncio.Task[None] | None":
    """The part that ended by itself; None when it was told to end."""
    told = asyncio.create_task(ends.wait())
    await asyncio.wait([*parts, told], return_when=asyncio.FIRST_COMPLETED)
    return next((part for part in parts if part.done()), None)


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
    await asyncio.gather(slow, *serving, return_exceptions=True)


def _ended_by_itself(part: "asyncio.Task[None]") -> EndedByItselfError:
    """Says where, and not the error's own words, which may be a request's."""
    fault = part.exception()
    if fault is not None:
        log.error(
            "%s at\n%s", type(fault).__name__, "".join(traceback.format_tb(fault.__traceback__))
        )
    name = type(fault).__name__ if fault else "without an error"
    return EndedByItselfError(f"the receiver ended by itself ({name}): start it again")


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


def _secrets_and_tokens(settings: Settings) -> tuple[Sequence[bytes], Sequence[bytes]]:
    tokens = settings.bitrix_application_tokens.get_secret_value().split()
    return (
        secrets_of(settings.webhook_secrets.get_secret_value()),
        tuple(token.encode() for token in tokens),
    )


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not for those who only want the addresses

    return uvloop.new_event_loop()
