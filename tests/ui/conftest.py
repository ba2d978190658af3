"""The demo's Dagster UI over a synced sample shop, and a browser in front of it.

With SCREENSHOTS naming a folder, the shop is larger and each page is also saved there:
`SCREENSHOTS=docs/images pytest tests/ui`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster_in_browser import Demo, Ui, free_port, wait_for
from playwright.sync_api import Browser, FloatRect, Page

from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

SCREENSHOTS = os.environ.get("SCREENSHOTS")
ORDERS = 3_000 if SCREENSHOTS else 60

COMMAND = (sys.executable, "-m", "bitrix_pipeline.cli")
PAGE_SECONDS = 60
SCREEN = {"width": 1600, "height": 1000}
DRAWING_MILLISECONDS = 1_500
"""Charts and edges are drawn with some delay."""

Save = Callable[..., None]


@pytest.fixture(scope="session")
def demo(
    mariadb: PrivateMariaDB, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Demo:
    folder = tmp_path_factory.mktemp("ui")
    environment = {
        **os.environ,
        "BITRIX_MYSQL_URL": mariadb.url,
        "POSTGRES_URL": postgres.url,
    }
    ended = subprocess.run(
        [*COMMAND, "demo", "--orders", str(ORDERS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return Demo(folder, environment, ended.stdout)


@pytest.fixture(scope="session")
def ui(demo: Demo) -> Iterator[Ui]:
    port = free_port()
    with (demo.folder / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [*COMMAND, "ui", "--port", str(port)],
            cwd=demo.folder,
            env=demo.environment,
            stdout=log,
            stderr=log,
            # As a shell starts what runs in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
        )
    running = Ui(f"http://127.0.0.1:{port}", process)
    try:
        wait_for(running.is_up)
        running.check_tables()
        yield running
    finally:
        if process.poll() is None:
            running.stop()


@pytest.fixture
def page(browser: Browser, ui: Ui) -> Iterator[Page]:
    with browser.new_context(base_url=ui.url, viewport=SCREEN) as context:
        context.set_default_timeout(PAGE_SECONDS * 1000)
        yield context.new_page()


@pytest.fixture
def save() -> Save:
    """Saves a part of what the page shows (x, y, width, height), if that was asked for."""

    def screenshot(page: Page, name: str, *part: float) -> None:
        if SCREENSHOTS:
            page.wait_for_timeout(DRAWING_MILLISECONDS)
            clip = FloatRect(**dict(zip(("x", "y", "width", "height"), part, strict=True)))
            page.screenshot(path=Path(SCREENSHOTS) / name, clip=clip)

    return screenshot
