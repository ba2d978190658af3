"""Settings: where they may stand, what they may hold, and that all are documented."""

import re
from pathlib import Path

import pytest

from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.settings import (
    DEFAULT_STATUS_MAPPING,
    Settings,
    environment_of,
    load_settings,
)
from bitrix_pipeline.sync import SyncSettings

ROOT = Path(__file__).parent.parent
NAMES = [name.upper() for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working directory; no setting is set."""
    monkeypatch.chdir(tmp_path)
    for name in (*NAMES, "SECRETS_DIR", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def refusal(**values: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**values)
    return str(caught.value)


@pytest.fixture
def secrets_folder(folder: Path) -> Path:
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "postgres_url").write_text("postgresql://of-a-secret\n", encoding="utf-8")
    return secrets


@pytest.mark.parametrize("name", ["SECRETS_DIR", "CREDENTIALS_DIRECTORY"])
def test_a_secret_may_be_a_file(
    name: str, secrets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(secrets_folder))

    assert load_settings().require_postgres_url() == "postgresql://of-a-secret"


def test_the_environment_goes_before_dotenv_and_both_before_a_secrets_file(
    folder: Path, secrets_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(secrets_folder))
    (folder / ".env").write_text("POSTGRES_URL=of-dotenv\n", encoding="utf-8")
    assert load_settings().require_postgres_url() == "of-dotenv"

    monkeypatch.setenv("POSTGRES_URL", "of-the-environment")
    assert load_settings().require_postgres_url() == "of-the-environment"


def test_dotenv_may_hold_what_is_not_ours(folder: Path) -> None:
    (folder / ".env").write_text("FOREIGN=1\nSHOP_LANGUAGE=en\n", encoding="utf-8")

    assert load_settings().shop_language == "en"


@pytest.mark.parametrize(
    "text",
    [
        '{"N": "new", "F": "done"}',
        "{N: new, F: done}",
        "N: new\nF: done\n",
        "mapping.yaml",
        " mapping.json ",
    ],
)
def test_the_status_mapping_may_be_json_yaml_or_a_file(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mapping.yaml").write_text("N: new\nF: done\n", encoding="utf-8")
    (folder / "mapping.json").write_text('{"N": "new", "F": "done"}', encoding="utf-8")
    monkeypatch.setenv("STATUS_MAPPING", text)

    assert load_settings().status_mapping == {"N": "new", "F": "done"}


def test_a_code_that_looks_like_something_else_stays_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATUS_MAPPING", '{"1": 2}')

    assert load_settings().status_mapping == {"1": "2"}


def test_without_a_mapping_bitrixs_own_statuses_have_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().status_mapping == DEFAULT_STATUS_MAPPING

    monkeypatch.setenv("STATUS_MAPPING", "")
    assert load_settings().status_mapping == {}


def test_the_crm_wins_in_a_sync_only_where_statuses_go_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PUSH_CONFLICT", "crm_wins")
    assert not SyncSettings.of(load_settings()).crm_wins
    assert not SyncSettings.of(load_settings()).records_conflicts

    monkeypatch.setenv("BITRIX_REST_URL", "https://shop.example/rest/1/code/")
    assert SyncSettings.of(load_settings()).crm_wins
    assert SyncSettings.of(load_settings()).records_conflicts
    monkeypatch.setenv("PUSH_CONFLICT", "newest_wins")
    assert SyncSettings.of(load_settings()).newest_wins


def test_what_yaml_takes_for_booleans_and_numbers_are_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATUS_MAPPING", "NO: refused\nON: online\n01: first\n")
    monkeypatch.setenv("PUSH_STATUS_MAPPING", "refused: NO")

    assert load_settings().status_mapping == {"NO": "refused", "ON": "online", "01": "first"}
    assert load_settings().push_status_mapping == {"refused": "NO"}


@pytest.mark.parametrize("text", ["missing.yaml", "[N, F]", "7"])
def test_a_mapping_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_MAPPING", text)

    assert refusal() == 'STATUS_MAPPING must be a mapping such as {"N": "new", "F": "completed"}'


@pytest.mark.parametrize("text", ["{N: new", "N: [", "\t- :"])
def test_a_mapping_that_cannot_be_read_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_MAPPING", text)

    assert refusal().startswith("STATUS_MAPPING cannot be read: write YAML or JSON")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SHOP_TIMEZONE", "MSK+3", "SHOP_TIMEZONE must be a zone's name such as Europe/Moscow"),
        ("SHOP_TIMEZONE", "", "SHOP_TIMEZONE must be a zone's name such as Europe/Moscow"),
        ("SHOP_TIMEZONE", "../etc/passwd", "SHOP_TIMEZONE must be a zone's name"),
        ("SHOP_LANGUAGE", "russian", "SHOP_LANGUAGE String should match pattern"),
        ("TARGET_SCHEMA", 'x"; DROP', "TARGET_SCHEMA String should match pattern"),
        ("PARTITION_SIZE", "10", "PARTITION_SIZE Input should be greater than or equal to 1000"),
        ("DELETION_LIMIT_SHARE", "5", "DELETION_LIMIT_SHARE Input should be less than or equal"),
        ("FRESHNESS_MINUTES", "soon", "FRESHNESS_MINUTES Input should be a valid integer"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert refusal().startswith(told)


def test_all_bad_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TIMEZONE", "Mars")
    monkeypatch.setenv("PARTITION_SIZE", "1")

    assert refusal().count(";") == 1


def test_urls_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_URL", "postgresql://crm:hunter2@host/db")
    monkeypatch.setenv("BITRIX_MYSQL_URL", "mysql://reader:hunter2@host/db")
    settings = load_settings()

    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_settings_survive_the_way_into_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_MAPPING", '{"N": "новый"}')
    monkeypatch.setenv("POSTGRES_URL", "postgresql://crm:p%40ss@host/db")
    monkeypatch.setenv("DELETION_LIMIT_SHARE", "0.25")
    settings = load_settings()

    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)

    assert load_settings() == settings


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert re.search(rf"^(# )?{name}=", example, re.MULTILINE)
    assert f"`{name}`" in page


def test_the_example_holds_every_default(folder: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (folder / ".env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", example, flags=re.MULTILINE))
    secrets = {name for name, field in Settings.model_fields.items() if field.examples}

    documented = load_settings().model_dump(exclude=secrets)

    assert documented == Settings(_env_file=None).model_dump(exclude=secrets)
