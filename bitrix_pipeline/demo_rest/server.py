"""The simulator as a server on the loopback interface, in a thread of this process."""

import socket
import threading
import time
from pathlib import Path
from typing import Self

import uvicorn

from bitrix_pipeline.demo_rest.app import rest_app
from bitrix_pipeline.demo_rest.bitrix import SimulatedBitrix, SimulatorOptions

START_SECONDS = 10.0


class RestSimulator:
    """Use it with `with`; `bitrix` is what it serves: its options, its faults, what it was asked."""

    def __init__(
        self,
        mysql_url: str,
        options: SimulatorOptions | None = None,
        *,
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self.bitrix = SimulatedBitrix(mysql_url, options or SimulatorOptions())
        self._socket = socket.create_server(("127.0.0.1", port))
        self._port = self._socket.getsockname()[1]
        self._scheme = "https" if certificate else "http"
        self._server = uvicorn.Server(
            uvicorn.Config(
                rest_app(self.bitrix),
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def address(self) -> str:
        """Host and port."""
        return f"localhost:{self._port}"

    @property
    def webhook_url(self) -> str:
        options = self.bitrix.options
        return f"{self._scheme}://{self.address}/rest/{options.user}/{options.code}/"

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise TimeoutError("the REST simulator did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        # Without waiting for answers that are late on purpose.
        self._server.force_exit = True
        self._server.should_exit = True
        self._thread.join(START_SECONDS)
        self._socket.close()
        self.bitrix.close()
