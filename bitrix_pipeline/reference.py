"""The reference pages of docs/, written from the declarations: `make docs`, and a test keeps them so."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bitrix_pipeline.inbox.event import Event
from bitrix_pipeline.model import TABLES, Table
from bitrix_pipeline.model.postgres import BOOKKEEPING
from bitrix_pipeline.settings import Settings

DATABASES = ("bitrix_mysql_url", "postgres_url")

ROOT = Path(__file__).parent.parent

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"

GENERATED = "<!-- Written by `make docs` from bitrix_pipeline/model. Do not edit. -->"
GENERATED_SETTINGS = (
    "<!-- Written by `make docs` from bitrix_pipeline/settings.py. Do not edit. -->"
)


def pages() -> dict[Path, str]:
    """Every generated file with its text."""
    return {
        ROOT / "docs" / "tables.md": tables_page(),
        ROOT / "docs" / "settings.md": settings_page(),
        ROOT / "docs" / "event.schema.json": event_schema(),
        ROOT / ".env.example": env_example(),
    }


def tables_page() -> str:
    """What a CRM developer reads: every table and column, and where it comes from."""
    intro = (
        "# The tables in Postgres\n\n"
        f"{GENERATED}\n\n"
        "`id` equals the Bitrix ID. `bitrix_…_id` holds it too and is NULL for a row that the CRM "
        "made itself; those draw their `id` from 1 000 000 000 upwards. Every table also has:\n\n"
    )
    kept = "\n".join(
        f"- `{name}` {type_.value}: {description}" for name, type_, description in BOOKKEEPING
    )
    sections = "\n".join(_table_section(table) for table in TABLES)
    return f"{intro}{kept}\n\n{sections}"


def settings_page() -> str:
    rows = "\n".join(
        f"| `{name.upper()}` | {_shown(field.get_default()) or 'none'} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )
    return (
        f"# Settings\n\n{GENERATED_SETTINGS}\n\n"
        "Read from the environment, from `.env` in the working directory (development), and from "
        "a directory with one file a setting (`SECRETS_DIR`, or systemd's "
        "`CREDENTIALS_DIRECTORY`). The environment wins over `.env`, and both over the "
        "directory.\n\n"
        f"| setting | default | meaning |\n|---|---|---|\n{rows}\n"
    )


def event_schema() -> str:
    """What a sender of webhooks validates against; docs/events.md explains it."""
    schema = {"$schema": JSON_SCHEMA, **Event.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def env_example() -> str:
    """One commented line a setting; the two databases, without which nothing runs, stand free."""
    parts = ["# Copy to .env and fill in. Every setting is explained in docs/settings.md.\n"]
    for name, field in Settings.model_fields.items():
        default = _shown(field.get_default())
        value = default or (field.examples or [""])[0]
        mark = "" if name in DATABASES else "# "
        parts.append(f"# {field.description}\n{mark}{name.upper()}={value}\n")
    return "\n".join(parts)


def write() -> None:
    """Brings the files up to date."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


def _table_section(table: Table) -> str:
    id_type = "text" if table.has_text_key else "bigint"
    rows = [f"| `id` | {id_type} | `{table.key}` | The Bitrix ID. |"]
    for column in table.columns:
        sources = ", ".join(f"`{source}`" for source in column.source.inputs)
        points_to = f" → `{column.references}`" if column.references else ""
        personal = " *Personal data.*" if column.is_personal else ""
        meaning = f"{column.description}{points_to}{personal}"
        rows.append(f"| `{column.name}` | {column.type.value} | {sources} | {meaning} |")
    rows += [
        f"| `{name}` | {type_.value} | | {description} |"
        for name, type_, description in table.extra_columns
    ]
    return (
        f"## {table.name}\n\n{table.description}\n\n"
        "| column | type | ← from | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _shown(default: Any) -> str:
    if isinstance(default, SecretStr):
        return ""
    if isinstance(default, dict):
        pairs = ", ".join(f'"{code}": "{word}"' for code, word in default.items())
        return f"{{{pairs}}}"
    if isinstance(default, tuple):
        return json.dumps(default)
    return str(default)


if __name__ == "__main__":
    write()
