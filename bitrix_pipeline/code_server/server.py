"""Forks the process of a run from one that has imported what runs need.

Dagster starts each in a fresh Python, where imports take two seconds. All else stays Dagster's: what a
run does, how it is canceled, how a dead one is noticed. Relies on what is private to Dagster 1.13 (see
docs/decisions/0011-runs-that-begin-at-once.md).
"""

import logging
import multiprocessing
import socket
import sys
import threading
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Any

from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import FuturesAwareThreadPoolExecutor
from dagster._grpc.server import (
    CouldNotBindGrpcServerToAddress,
    DagsterApiServer,
    DagsterGrpcServer,
)

from bitrix_pipeline.errors import SettingsError

MODULE = "bitrix_pipeline.definitions"
LOCATION = "bitrix_pipeline"
PROBE_SECONDS = 2.0

IMPORTED = [
    MODULE,
    # What a run's process begins with, and the storages of both dagster.yaml. Not gRPC: it must not
    # be forked, and a run needs it no more than for one word to the server.
    "dagster._grpc.impl",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster_postgres",
]

log = logging.getLogger("dagster.code_server")


class _Servicer(DagsterApiServer):
    def __init__(self, context: ForkServerContext, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._mp_ctx = context  # type: ignore[assignment]


def forking_context() -> ForkServerContext:
    """With the process that is forked from under way; should it die, the next run starts another."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    forkserver.ensure_running()
    return context


def serve(*, host: str, port: int | None, socket_path: str | None) -> None:
    """Serves until it is interrupted; on the socket where one is named, else on the port.

    Raises SettingsError when the address is not to be had.
    """
    where = socket_path or f"{host}:{port}"
    if _answers(host, port, socket_path):
        raise SettingsError(f"a server is at {where} already: stop it, or choose another address")
    end, threads = threading.Event(), FuturesAwareThreadPoolExecutor()
    servicer = _Servicer(
        forking_context(),
        server_termination_event=end,
        logger=log,
        server_threadpool_executor=threads,
        loadable_target_origin=LoadableTargetOrigin(
            executable_path=sys.executable, module_name=MODULE
        ),
        location_name=LOCATION,
    )
    try:
        server = DagsterGrpcServer(
            server_termination_event=end,
            dagster_api_servicer=servicer,
            logger=log,
            threadpool_executor=threads,
            host=host,
            port=None if socket_path else port,
            socket=socket_path,
        )
    except (CouldNotBindGrpcServerToAddress, RuntimeError):
        raise SettingsError(f"{where} is not to be had: choose another address") from None
    log.info("Code server of %s at %s", MODULE, where)
    server.serve()  # type: ignore[no-untyped-call]


def _answers(host: str, port: int | None, socket_path: str | None) -> bool:
    """Whether a server is there: gRPC would share its port, or take its socket away."""
    try:
        if socket_path:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(socket_path)
        else:
            socket.create_connection((host, port), timeout=PROBE_SECONDS).close()
    except OSError:
        return False
    return True
