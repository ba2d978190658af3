"""ui: Dagster's web server and daemon over the demo's data, or over the databases in .env."""

import os
import signal
import subprocess
import sys
from typing import Annotated, NoReturn

import typer

from bitrix_pipeline.cli.playground import Playground, playground, tied_to_us
from bitrix_pipeline.cli.screen import screen

STOP_SECONDS = 40
"""Dagster's code server lets a sensor's tick end, and one that waits for webhooks takes up to 25 s."""


def ui(
    port: Annotated[int, typer.Option(help="The UI's port.")] = 3000,
    host: Annotated[str, typer.Option(help="The UI's address. It has no login.")] = "127.0.0.1",
) -> None:
    """Serve the Dagster UI over the demo's data until Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    # A shell ignores it for what it starts in the background; Dagster would too, and never stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with playground() as ground:
        screen.print(f"Dagster: [bold]http://{host}:{port}[/] (Ctrl-C stops it)", highlight=False)
        process = _start(ground, host, port)
        try:
            code = process.wait()
        finally:
            _stop(process)
    raise typer.Exit(code)


def _start(ground: Playground, host: str, port: int) -> "subprocess.Popen[bytes]":
    """In a session of its own, so that Ctrl-C reaches us alone and we stop it in order."""
    address = ["-h", host, "-p", str(port)]
    dev = [sys.executable, "-m", "dagster", "dev", *address, "-w", "workspace.yaml"]
    return subprocess.Popen(
        tied_to_us(dev),
        env=ground.environment(),
        cwd=ground.dagster_home,
        start_new_session=True,
    )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """The parent alone: it ends its web server, daemon and code server itself."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # With all that it started: they are its session.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _interrupt(*_: object) -> NoReturn:
    """SIGTERM ends the UI as Ctrl-C does: the servers are stopped on the way out."""
    raise KeyboardInterrupt
