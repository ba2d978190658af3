"""Runs the deploy script, and sees what it could have changed."""

import os
import signal
import subprocess
from hashlib import sha256
from pathlib import Path

from bitrix_site import MODULE, Site
from receiving import SECRET

Run = subprocess.CompletedProcess[str]

OTHER_SECRET = "whsec_" + "bmV3" * 8
"""Not the receiver's: it confirms no ping, so the last step of a deployment fails."""


def deploy(site: Site, source: Path, *words: str, target: str = "", **environment: str) -> Run:
    return subprocess.run(
        command(site, source, *words, target=target),
        env={**environment_of(site), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def start(
    site: Site, source: Path, *words: str, target: str = "", **environment: str
) -> "subprocess.Popen[str]":
    """In a session of its own, which signals can be sent to."""
    return subprocess.Popen(
        command(site, source, *words, target=target),
        env={**environment_of(site), **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,  # noqa: PLW1509
    )


def heed_signals() -> None:
    """Whoever runs the tests may ignore them, as nohup and a script's background do: bash would have to, too."""
    for ends in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(ends, signal.SIG_DFL)


def command(site: Site, source: Path, *words: str, target: str = "") -> list[str]:
    return [str(source / "deploy"), *words, target or str(site.root)]


def environment_of(site: Site) -> dict[str, str]:
    return {**os.environ, "HOME": str(site.root.parent), "WEBHOOK_SECRETS": SECRET}


def state(site: Site) -> tuple[object, ...]:
    """All that a deployment could change, but for the backups."""
    files = {
        str(path.relative_to(site.root)): sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else path.stat().st_mode
        for path in site.root.rglob("*")
    }
    of_bitrix = [
        *site.shop.rows("SELECT MODULE_ID, NAME, ACTIVE, LAST_EXEC FROM b_agent ORDER BY NAME"),
        *site.shop.rows(
            "SELECT FROM_MODULE_ID, MESSAGE_ID, TO_CLASS, TO_METHOD, VERSION FROM b_module_to_module"
            " ORDER BY 1, 2, 3, 4"
        ),
        *site.shop.rows("SELECT ID FROM b_module ORDER BY ID"),
        *site.shop.rows("SELECT ID, PASSWORD FROM b_rest_ap ORDER BY ID"),
    ]
    options = site.shop.rows(
        "SELECT NAME, VALUE FROM b_option WHERE MODULE_ID = %s ORDER BY NAME", MODULE
    )
    tables = site.shop.rows("SHOW TABLES LIKE 'b_bitrixpipeline%'")
    return files, of_bitrix, options, tables


def succeed(run: Run) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stderr
