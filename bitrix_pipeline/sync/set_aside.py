"""Rows that Postgres refuses: kept with the reason and their bytes, while the others go on."""

from collections.abc import Sequence

from psycopg import sql

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import internal


def key_of(line: bytes) -> str:
    """The ID in a line of COPY text, where it follows the hash."""
    return line.split(b"\t", 2)[1].decode()


def set_aside(connection: Connection, table: Table, line: bytes, reason: str) -> None:
    """Keeps the row, or notes that it was refused again."""
    connection.execute(
        sql.SQL(
            "INSERT INTO {} AS kept VALUES (%s, %s, %s, %s, now(), now())"
            " ON CONFLICT (table_name, row_id) DO UPDATE"
            " SET reason = excluded.reason, line = excluded.line, last_seen_at = now()"
        ).format(internal("set_aside")),
        (table.name, key_of(line), reason, line),
    )


def waiting(connection: Connection, table: Table) -> list[str]:
    """The IDs of the table's rows that are set aside."""
    rows = connection.execute(
        sql.SQL("SELECT row_id FROM {} WHERE table_name = %s").format(internal("set_aside")),
        (table.name,),
    )
    return [row[0] for row in rows]


def release_written(connection: Connection, table: Table, staging: sql.Composable) -> None:
    """Forgets those that have now been written."""
    connection.execute(
        sql.SQL(
            "DELETE FROM {} AS kept USING {} AS staged"
            " WHERE kept.table_name = %s AND kept.row_id = staged.id::text"
        ).format(internal("set_aside"), staging),
        (table.name,),
    )


def forget_vanished(connection: Connection, table: Table, row_ids: Sequence[str]) -> None:
    """Forgets those of the rows looked for that the source has no more."""
    connection.execute(
        sql.SQL(
            "DELETE FROM {} AS kept WHERE kept.table_name = %s AND kept.row_id = ANY (%s)"
            " AND NOT EXISTS (SELECT FROM seen WHERE seen.id::text = kept.row_id)"
        ).format(internal("set_aside")),
        (table.name, list(row_ids)),
    )
