"""Settings that are valid and unwise."""

from pathlib import Path

import pytest
from consultation import SERIOUS

from bitrix_pipeline.doctor import Finding, Level, examine
from bitrix_pipeline.settings import Settings


def about_settings(**settings: object) -> list[Finding]:
    findings = examine(Settings(_env_file=None, **settings))
    return [finding for finding in findings if finding.topic == "settings"]


def test_the_defaults_are_wise() -> None:
    assert {finding.level for finding in about_settings()} == {Level.OK}


@pytest.mark.parametrize(
    "limits",
    [
        {"deletion_limit_share": 1},
        {"deletion_limit_share": 0.5},
        {"deletion_limit_rows": 10**9},
        {"deletion_limit_share": 0, "deletion_limit_rows": 0},
    ],
)
def test_limits_that_never_or_always_stop_a_sync(limits: dict[str, float]) -> None:
    [finding] = [f for f in about_settings(**limits) if f.level in SERIOUS]

    assert "DELETION_LIMIT_SHARE" in finding.found
    assert "0.05" in finding.advice


@pytest.mark.parametrize(
    ("mode", "level"),
    [
        (0o600, Level.OK),
        (0o640, Level.OK),
        (0o644, Level.WARNING),
        (0o602, Level.WARNING),
    ],
)
def test_the_file_with_the_passwords(tmp_path: Path, mode: int, level: Level) -> None:
    path = tmp_path / ".env"
    path.touch()
    path.chmod(mode)

    [finding] = [f for f in about_settings() if ".env" in f.found]

    assert finding.level is level
    assert (finding.advice == f"chmod 600 {path}") == (level is Level.WARNING)


def test_an_empty_status_mapping_is_told() -> None:
    [finding] = [f for f in about_settings(status_mapping={}) if "STATUS_MAPPING" in f.found]

    assert finding.level is Level.NOTE
