"""code-server: Dagster's, with runs that begin at once."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

PORT = 4000


def code_server(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where Dagster finds it.")] = PORT,
    host: Annotated[str, typer.Option(help="It has no login: keep it local.")] = "127.0.0.1",
    socket: Annotated[
        Path | None, typer.Option(help="A Unix socket in place of host and port.")
    ] = None,
) -> None:
    """Serve the code location to Dagster's web server and daemon; runs begin without importing."""
    where = ["--socket", str(socket)] if socket else ["--host", host, "--port", str(port)]
    # The server forks processes, which should have nothing of this one.
    os.execv(  # noqa: S606 - no shell is what is wanted
        sys.executable, [sys.executable, "-m", "bitrix_pipeline.code_server", *where]
    )
