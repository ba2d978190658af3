"""What an operator reads when the receiver cannot start."""

import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from receiving import SECRET, Inbox

URL = "postgresql://receiver@127.0.0.1:1/postgres"
KEPT = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
SHORT = "whsec_" + b64encode(b"short").decode()


def start(folder: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *(command or ("-m", "bitrix_pipeline.receiver"))],
        env={**KEPT, "RECEIVER_METRICS_PORT": "0", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"WEBHOOK_SECRETS": SECRET}, "CREATE ROLE receiver LOGIN"),
        ({"WEBHOOK_SECRETS": SECRET, "RECEIVER_POSTGRES_URL": "postgres:/x y"}, "cannot be read"),
        ({"RECEIVER_POSTGRES_URL": URL}, "WEBHOOK_SECRETS is not set"),
        (
            {"RECEIVER_POSTGRES_URL": URL, "WEBHOOK_SECRETS": f"{SECRET} {SHORT}"},
            "secret number 2 of WEBHOOK_SECRETS is malformed",
        ),
        (
            {"RECEIVER_POSTGRES_URL": URL, "WEBHOOK_SECRETS": "x" + SECRET},
            "secret number 1 of WEBHOOK_SECRETS is malformed",
        ),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_and_not_repeated(
    tmp_path: Path, environment: dict[str, str], says: str
) -> None:
    ended = start(tmp_path, **environment)

    assert ended.returncode == 1
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not [secret for secret in (SECRET, SHORT) if secret in ended.stderr + ended.stdout]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = {"RECEIVER_POSTGRES_URL": URL, "WEBHOOK_SECRETS": SECRET}
        ended = start(tmp_path, RECEIVER_PORT=port, **given)

    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr


@pytest.mark.parametrize(
    "part",
    [
        "bitrix_pipeline.receiver.server.hang_up_on_the_slow",
        "bitrix_pipeline.receiver.server._Server.main_loop",
        "bitrix_pipeline.receiver.group_commit.GroupCommit._hopeless",
    ],
)
def test_a_part_that_fails_ends_the_process_with_an_error(tmp_path: Path, part: str) -> None:
    """So that whoever watches over it starts it again."""
    broken = f"""
import runpy, sys, unittest.mock
with unittest.mock.patch({part!r}, side_effect=RuntimeError("canary")):
    sys.exit(runpy.run_module("bitrix_pipeline.receiver", run_name="__main__"))
"""
    given = {"RECEIVER_POSTGRES_URL": URL, "WEBHOOK_SECRETS": SECRET, "RECEIVER_PORT": "0"}

    ended = start(tmp_path, "-c", broken, **given)

    assert ended.returncode == 1
    assert "the receiver ended by itself (RuntimeError): start it again" in ended.stderr
    assert "canary" not in ended.stderr


def test_the_command_says_where_it_listens_and_ends_on_sigterm(
    tmp_path: Path, inbox: Inbox
) -> None:
    with subprocess.Popen(
        [Path(sys.executable).with_name("bitrix-pipeline"), "receive", "--port", "0"],
        env={
            **os.environ,
            "RECEIVER_POSTGRES_URL": inbox.receiver_url,
            "WEBHOOK_SECRETS": SECRET,
            "RECEIVER_METRICS_PORT": "0",
        },
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        code = process.wait(10)

    assert lines[0].startswith("Webhooks: http://127.0.0.1:")
    assert lines[1].startswith("Metrics: http://127.0.0.1:")
    assert code == 0
