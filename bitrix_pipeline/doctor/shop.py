"""The shop's MySQL as the checks see it: short questions with a deadline."""

from enum import Enum
from functools import cached_property
from typing import Any

import pymysql
from pymysql.constants import ER
from pymysql.cursors import DictCursor

from bitrix_pipeline.doctor.finding import Finding, ok, problem
from bitrix_pipeline.doctor.shop_needs import source_tables
from bitrix_pipeline.errors import PipelineError, SettingsError, SourceError
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.settings import Settings
from bitrix_pipeline.sync.facts import read_facts
from bitrix_pipeline.sync.mysql import connect, parse_mysql_url, source_errors

TOPIC = "MySQL"

DEADLINE_SECONDS = 30
"""For one question: all of them are cheap, so a slower answer is itself a finding."""

Row = tuple[Any, ...]


class Readable(Enum):
    """What comes of reading a table."""

    YES = "yes"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    BROKEN = "broken"


class Shop:
    """Questions to the shop."""

    def __init__(self, connection: "pymysql.Connection[Any]", settings: Settings) -> None:
        self._connection = connection
        self.settings = settings

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Raises SourceError or TransientError."""
        with source_errors(), self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def row(self, sql: str, *values: object) -> Row:
        return self.rows(sql, *values)[0]

    def value(self, sql: str, *values: object) -> Any:
        return self.row(sql, *values)[0]

    def status(self, *statements: str) -> list[dict[str, Any]] | None:
        """What the first statement that this server knows gives; None when it may not be asked."""
        with source_errors(), self._connection.cursor(DictCursor) as cursor:
            for statement in statements:
                try:
                    cursor.execute(statement)
                except pymysql.err.MySQLError as error:
                    if error.args[0] == ER.PARSE_ERROR:
                        continue
                    if error.args[0] == ER.SPECIFIC_ACCESS_DENIED_ERROR:
                        return None
                    raise
                return list(cursor.fetchall())
        return None

    @cached_property
    def readable(self) -> dict[str, Readable]:
        """Of each source table whether SELECT is allowed and works."""
        return {table: self._readable(table) for table in source_tables()}

    def tables_that_are(self, state: Readable) -> list[str]:
        return [table for table, found in self.readable.items() if found is state]

    def _readable(self, table: str) -> Readable:
        """Asks the table itself: the catalog hides what an account has no right to."""
        with source_errors(), self._connection.cursor() as cursor:
            try:
                cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1")  # noqa: S608 - a declared name
            except pymysql.err.MySQLError as error:
                if error.args[0] in {ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR}:
                    return Readable.FORBIDDEN
                if error.args[0] == ER.NO_SUCH_TABLE:
                    return Readable.MISSING
                if isinstance(error, pymysql.err.OperationalError | pymysql.err.InternalError):
                    return Readable.BROKEN
                raise
        return Readable.YES

    @cached_property
    def database(self) -> str:
        return str(self.value("SELECT DATABASE()"))

    @cached_property
    def account(self) -> str:
        """The account that MySQL takes us for, as `user@host`."""
        return str(self.value("SELECT CURRENT_USER()"))

    @cached_property
    def facts(self) -> ShopFacts:
        """Raises SourceError when the account may not read what they are made of."""
        with source_errors():
            return read_facts(
                self._connection,
                status_mapping=self.settings.status_mapping,
                language=self.settings.shop_language,
            )

    @cached_property
    def leading_index_columns(self) -> set[str]:
        """The columns, as `table.COLUMN`, by which an index can find rows."""
        return {f"{table}.{column}" for table, column, _ in self._indexes if column}

    @cached_property
    def primary_keys(self) -> set[str]:
        """The columns, as `table.COLUMN`, with which a primary key begins."""
        return {f"{table}.{column}" for table, column, index in self._indexes if index == "PRIMARY"}

    @cached_property
    def _indexes(self) -> list[Row]:
        return self.rows(
            "SELECT TABLE_NAME, COLUMN_NAME, INDEX_NAME FROM information_schema.statistics"
            " WHERE TABLE_SCHEMA = DATABASE() AND SEQ_IN_INDEX = 1 AND INDEX_TYPE <> 'FULLTEXT'"
        )


def open_shop(settings: Settings) -> tuple[Shop | None, list[Finding]]:
    """A connection, or the finding that tells why there is none."""
    try:
        parsed = parse_mysql_url(settings.require_mysql_url())
    except SettingsError as error:
        return None, [problem(TOPIC, f"{error}.", "Set BITRIX_MYSQL_URL.")]
    place = f"{parsed.host or '127.0.0.1'}:{parsed.port or 3306}"
    try:
        connection = connect(settings.require_mysql_url(), deadline_seconds=DEADLINE_SECONDS)
    except PipelineError as error:
        return None, [problem(TOPIC, f"{error}.", _advice(error, str(parsed.database), place))]
    reached = ok(TOPIC, f"{place} answers and lets the account in.")
    return Shop(connection, settings), [reached]


def _advice(error: PipelineError, database: str, place: str) -> str:
    if isinstance(error, SourceError):
        return (
            "Check the user, the password, the database and the options (ssl_ca) in "
            f"BITRIX_MYSQL_URL, and that SHOW GRANTS lists SELECT on {database} for the account."
        )
    return (
        f"Check the host and port in BITRIX_MYSQL_URL, that MySQL runs and listens there "
        f"(bind-address), and that no firewall stands between here and {place}."
    )
