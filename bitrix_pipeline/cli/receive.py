"""receive: the service that takes webhooks."""

import logging
from typing import Annotated

import typer

from bitrix_pipeline.cli.screen import screen
from bitrix_pipeline.settings import load_settings


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
    # FastAPI and uvicorn are for this command alone.
    from bitrix_pipeline.receiver.server import Addresses, run  # noqa: PLC0415

    given = {"receiver_host": host, "receiver_port": port, "receiver_metrics_port": metrics_port}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})

    def announce(addresses: Addresses) -> None:
        screen.print(
            f"Webhooks: {addresses.webhooks}/webhooks/bitrix\n"
            f"Metrics:  {addresses.metrics}/metrics",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    logging.getLogger("bitrix_pipeline.receiver").setLevel(logging.INFO)
    run(settings, announce=announce)
