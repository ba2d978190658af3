"""The CRM's Postgres as the checks see it: each question in a transaction with a deadline.

Works behind a transaction pooler as well, where each question may reach another connection.
"""

from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bitrix_pipeline.doctor.finding import Finding, ok, problem
from bitrix_pipeline.errors import PipelineError, SettingsError
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.model.migrate import sqlalchemy_url
from bitrix_pipeline.model.postgres import INTERNAL_SCHEMA, metadata
from bitrix_pipeline.settings import Settings
from bitrix_pipeline.sync.postgres import Connection, connect, target_errors

TOPIC = "Postgres"

DEADLINE_SECONDS = 15
"""For one question: all of them are cheap, so a slower answer is itself a finding."""

DEFAULT_PORT = 5432

Row = tuple[Any, ...]


class Crm:
    """Questions to Postgres."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self.settings = settings

    def close(self) -> None:
        self._connection.close()

    def rows(self, query: sql.SQL | sql.Composed | str, *values: object) -> list[Row]:
        """Raises TargetError or TransientError."""
        with target_errors(), self._connection.transaction():
            self._connection.execute(f"SET LOCAL statement_timeout = '{DEADLINE_SECONDS}s'")
            composed = sql.SQL(query) if isinstance(query, str) else query
            return self._connection.execute(composed, values or None).fetchall()

    def row(self, query: str, *values: object) -> Row:
        return self.rows(query, *values)[0]

    def value(self, query: str, *values: object) -> Any:
        return self.row(query, *values)[0]

    def another(self) -> Connection:
        """A second connection to the same place. Raises TransientError or TargetError."""
        return connect(self.settings.require_postgres_url(), deadline_seconds=DEADLINE_SECONDS)

    @property
    def port(self) -> int:
        """The one in POSTGRES_URL, which may be a pooler's."""
        return make_url(sqlalchemy_url(self.settings.require_postgres_url())).port or DEFAULT_PORT

    @cached_property
    def our_tables(self) -> list[tuple[str, str]]:
        """Schema and name of each table that a migration makes, alembic's own included."""
        tables = metadata(self.settings.target_schema).tables.values()
        declared = [(str(table.schema), table.name) for table in tables]
        return [*declared, (INTERNAL_SCHEMA, "alembic_version")]

    @cached_property
    def existing_tables(self) -> set[tuple[str, str]]:
        schemas, names = zip(*self.our_tables, strict=True)
        found = self.rows(
            "SELECT n.nspname, c.relname FROM unnest(%s::text[], %s::text[]) AS ours (schema, name)"
            " JOIN pg_namespace AS n ON n.nspname = ours.schema"
            " JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = ours.name"
            " WHERE c.relkind IN ('r', 'p')",
            list(schemas),
            list(names),
        )
        return {(schema, name) for schema, name in found}

    @property
    def is_migrated(self) -> bool:
        """Whether the tables are there; of which version is another question."""
        return set(self.our_tables) <= self.existing_tables

    @property
    def target_tables(self) -> list[str]:
        return [table.name for table in TABLES]


def open_crm(settings: Settings) -> tuple[Crm | None, list[Finding]]:
    """A connection, or the finding that tells why there is none."""
    try:
        url = make_url(sqlalchemy_url(settings.require_postgres_url()))
    except SettingsError as error:
        return None, [problem(TOPIC, f"{error}.", "Set POSTGRES_URL.")]
    place = f"{url.host or 'the local socket'}:{url.port or DEFAULT_PORT}"
    try:
        connection = connect(settings.require_postgres_url(), deadline_seconds=DEADLINE_SECONDS)
    except PipelineError as error:
        advice = (
            "Check host, port, user, password and database in POSTGRES_URL, that Postgres runs and "
            f"lets this machine in (pg_hba.conf), and that no firewall is before {place}."
        )
        return None, [problem(TOPIC, f"{place} does not let us in: {_reason(error)}.", advice)]
    return Crm(connection, settings), [ok(TOPIC, f"{place} answers and lets the account in.")]


def _reason(error: PipelineError) -> str:
    """In the words of libpq, which never repeats a password; ours leave them out."""
    original = error.__context__
    if not isinstance(original, psycopg.OperationalError):
        return str(error)
    first_line = str(original).strip().splitlines()[0]
    return first_line.split("failed: ")[-1].removeprefix("FATAL:").strip()
