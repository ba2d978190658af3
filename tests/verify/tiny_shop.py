"""A tiny shop and its exact copy, hand-made: each test spoils or extends one of the two."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pymysql

from bitrix_pipeline.verify import Difference, Rules, Verdict, verify

FOLDER = Path(__file__).parent
RULES = Rules(
    shop_timezone="Europe/Moscow",
    status_mapping={"N": "new", "P": "paid", "F": "completed"},
    compare_crm_status=True,
)


class World:
    """A source database and a target schema of their own, filled from the two SQL files."""

    def __init__(
        self, source: pymysql.Connection, target: psycopg.Connection[Any], name: str
    ) -> None:
        self.source = source
        self.target = target
        self.name = name
        self.is_altered = False

    def in_source(self, *statements: str) -> None:
        with self.source.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")
            for statement in statements:
                self.is_altered |= statement.startswith(("ALTER", "CREATE", "DROP"))
                cursor.execute(statement)

    def in_target(self, *statements: str) -> None:
        self.target.execute(f'SET search_path TO "{self.name}"')
        for statement in statements:
            self.target.execute(statement)

    def verify(self, *tables: str, **rules: Any) -> Mapping[str, Verdict]:
        settings = {**vars(RULES), "target_schema": self.name, **rules}
        found = verify(
            self.source, self.target, rules=Rules(**settings), tables=list(tables) or None
        )
        return {verdict.table: verdict for verdict in found}

    def examples(self, *tables: str, **rules: Any) -> list[Difference]:
        verdicts = self.verify(*tables, **rules).values()
        return [example for verdict in verdicts for example in verdict.examples]

    def reports(self, *tables: str, **rules: Any) -> list[str]:
        return [example.describe() for example in self.examples(*tables, **rules)]

    def expected(self, table: str, row_id: int | str, column: str) -> object:
        """What the check wants in a column whose value in the copy is certainly wrong."""
        [value] = [
            example.expected
            for example in self.examples(table)
            if (example.id, example.column) == (row_id, column)
        ]
        return value


def statements(file: str) -> list[str]:
    return [part for part in (FOLDER / file).read_text().split(";\n") if part.strip()]


def make_shop(source: pymysql.Connection, name: str) -> None:
    with source.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        source.select_db(name)
        # Tables without a log are made faster.
        cursor.execute("SET SESSION default_storage_engine = MyISAM")
        for statement in statements("source.sql"):
            cursor.execute(statement)


def refill_shop(source: pymysql.Connection, name: str) -> None:
    source.select_db(name)
    with source.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
        for statement in statements("source.sql"):
            if not statement.strip().startswith(("--", "CREATE")):
                cursor.execute(statement)
