"""python -m bitrix_pipeline.receiver: what `bitrix-pipeline receive` becomes."""

import logging
import os
import signal
import socket
import sys

from bitrix_pipeline.errors import PipelineError
from bitrix_pipeline.receiver.app import BITRIX_EVENTS, WEBHOOKS
from bitrix_pipeline.receiver.server import Addresses, run
from bitrix_pipeline.settings import load_settings


def main() -> int:
    """Serves until told to stop; what an operator can mend is one sentence and exit code 1."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("bitrix_pipeline").setLevel(logging.INFO)
    # It would end a process that has no handler yet.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings = load_settings()
        takes_events = bool(settings.bitrix_application_tokens.get_secret_value().strip())
        run(settings, announce=lambda addresses: announce(addresses, takes_events=takes_events))
    except PipelineError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def announce(addresses: Addresses, *, takes_events: bool) -> None:
    lines = [f"Webhooks: {addresses.webhooks}{WEBHOOKS}"]
    if takes_events:
        lines.append(f"Bitrix's own: {addresses.webhooks}{BITRIX_EVENTS}")
    lines.append(f"Metrics: {addresses.metrics}/metrics")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    tell_service_manager()


def tell_service_manager() -> None:
    """For a unit with Type=notify: a reload waits until the receiver can be reloaded (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_systemd:
            # A leading @ stands for the zero byte of an abstract name.
            to_systemd.sendto(
                b"READY=1", f"\0{address[1:]}" if address.startswith("@") else address
            )


sys.exit(main())
