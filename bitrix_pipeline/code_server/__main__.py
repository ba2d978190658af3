"""python -m bitrix_pipeline.code_server: what `bitrix-pipeline code-server` becomes.

A forked process imports its parent's main module anew, unless its name ends in `.__main__`.
"""

import argparse
import signal
import sys

from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers

from bitrix_pipeline.code_server.server import serve
from bitrix_pipeline.errors import SettingsError


def main() -> int:
    """Serves until told to stop; an address that is taken is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="bitrix-pipeline code-server")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--socket")
    asked = parser.parse_args()
    configure_loggers()
    # A script ignores it for what it starts in the background; Dagster would ignore SIGTERM as well then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    setup_interrupt_handlers()
    try:
        serve(host=asked.host, port=asked.port, socket_path=asked.socket)
    except SettingsError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
