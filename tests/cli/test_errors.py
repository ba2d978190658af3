"""What an operator can mend is one sentence: no traceback, and never a password."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Outcome

Type = Callable[..., Outcome]

BAD_SETTINGS = [
    (
        {"SHOP_TIMEZONE": "Mars/Olympus"},
        "SHOP_TIMEZONE must be a zone's name such as Europe/Moscow",
    ),
    ({"STATUS_MAPPING": "[1, 2]"}, "STATUS_MAPPING must be a mapping such as"),
    ({"STATUS_MAPPING": "{"}, "STATUS_MAPPING cannot be read: write YAML or JSON"),
    ({"PARTITION_SIZE": "many"}, "PARTITION_SIZE Input should be a valid integer"),
    ({"TARGET_SCHEMA": "a b; DROP"}, "TARGET_SCHEMA String should match pattern"),
    (
        {"BITRIX_MYSQL_URL": "mysql://reader:hunter2@host:port/db"},
        "BITRIX_MYSQL_URL cannot be read",
    ),
    ({"BITRIX_MYSQL_URL": "reader:hunter2@host"}, "BITRIX_MYSQL_URL cannot be read"),
    ({"BITRIX_MYSQL_URL": "http://reader:hunter2@host/db"}, "BITRIX_MYSQL_URL must look like"),
    ({"POSTGRES_URL": "postgresql://crm:hunter2@host:port/db"}, "POSTGRES_URL cannot be read"),
    ({"POSTGRES_URL": "crm:hunter2@host"}, "POSTGRES_URL cannot be read"),
    ({"POSTGRES_URL": "mysql://crm:hunter2@host/db"}, "POSTGRES_URL must look like"),
    ({"POSTGRES_URL": "postgresql://crm:hunter2@127.0.0.1:1/db"}, "Postgres is away"),
    ({"BITRIX_MYSQL_URL": ""}, "BITRIX_MYSQL_URL is not set"),
]
NOBODY = {
    "BITRIX_MYSQL_URL": "mysql://reader:hunter2@127.0.0.1:1/shop",
    "POSTGRES_URL": "postgresql://crm:hunter2@127.0.0.1:1/crm",
}


@pytest.mark.parametrize(("settings", "told"), BAD_SETTINGS)
@pytest.mark.parametrize("command", ["sync", "verify"])
def test_a_bad_setting_is_named_and_its_secret_is_not(
    reader: Type, command: str, settings: dict[str, str], told: str
) -> None:
    outcome = reader(command, "--table", "order_statuses", **settings)

    assert outcome.code == 1
    assert f"Error: {told}" in outcome.err or f"Error: order_statuses: {told}" in outcome.err
    assert outcome.err.count("\n") == 1
    assert "hunter2" not in outcome.err + outcome.out


def test_the_script_itself_prints_no_traceback(tmp_path: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).parent / "bitrix-pipeline", "sync", "-t", "order_statuses"],
        cwd=tmp_path,
        env=NOBODY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr + ended.stdout


def test_without_a_command_it_lists_what_there_is(type_in: Type) -> None:
    shown = type_in().out + type_in().err

    for command in ("doctor", "migrate", "sync", "verify", "demo", "ui"):
        assert f" {command} " in shown
