"""receive: the service that takes webhooks."""

import os
import sys
from typing import Annotated

import typer


def receive(
    host: Annotated[str | None, typer.Option(help="Where to listen; else RECEIVER_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Else RECEIVER_PORT; 0 takes a free one.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Else RECEIVER_METRICS_PORT.")
    ] = None,
) -> None:
    """Take webhooks into the inbox until told to stop."""
    given = {
        "RECEIVER_HOST": host,
        "RECEIVER_PORT": port,
        "RECEIVER_METRICS_PORT": metrics_port,
    }
    environment = {name: str(value) for name, value in given.items() if value is not None}
    # The service lives for months and needs neither Dagster nor pandas, which the other commands
    # have loaded by now: the same process begins anew without them, in a third of the memory.
    os.execve(  # noqa: S606 - no shell is what is wanted
        sys.executable,
        [sys.executable, "-m", "bitrix_pipeline.receiver"],
        {**os.environ, **environment},
    )
