"""Questions about the tables in Postgres, for people: counts, freshness, orphans, a preview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg import sql

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.target_sql import internal, qualified

if TYPE_CHECKING:
    import pandas as pd


PREVIEW_ROWS = 5


@dataclass(frozen=True)
class TableReport:
    """A table as it stands."""

    rows: int
    placeholders: int
    deleted: int
    set_aside: int
    newest_change: datetime | None
    """Up to now: imports leave times in the future."""


class Reports:
    """Read-only questions to one schema."""

    def __init__(self, connection: Connection, schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def table(self, table: Table) -> TableReport:
        newest = (
            sql.SQL("max({0}) FILTER (WHERE {0} <= now())").format(
                sql.Identifier(table.changed_at_target)
            )
            if table.changed_at_target
            else sql.SQL("NULL::timestamptz")
        )
        row = self._row(
            sql.SQL(
                "SELECT count(*), count(*) FILTER (WHERE is_placeholder),"
                " count(*) FILTER (WHERE deleted_at IS NOT NULL AND NOT is_placeholder), {newest},"
                " (SELECT count(*) FROM {kept} WHERE table_name = {name}) FROM {table}"
            ).format(
                newest=newest,
                kept=internal("set_aside"),
                name=table.name,
                table=qualified(self._schema, table.name),
            )
        )
        return TableReport(
            rows=row[0], placeholders=row[1], deleted=row[2], newest_change=row[3], set_aside=row[4]
        )

    def rows_in(self, table: Table, ids: IdRange) -> int:
        query = sql.SQL("SELECT count(*) FROM {} WHERE id >= {} AND id < {}").format(
            qualified(self._schema, table.name), ids.start, ids.stop
        )
        return int(self._row(query)[0])

    def seconds_since_sync(self, table: Table) -> float | None:
        """Since a sync that looked at the whole table; None when there was none."""
        row = self._connection.execute(
            sql.SQL(
                "SELECT extract(epoch FROM now() - compared_at) FROM {}"
                " WHERE table_name = %s AND compared_at IS NOT NULL"
            ).format(internal("sync_state")),
            (table.name,),
        ).fetchone()
        return float(row[0]) if row else None

    def orphans(self, table: Table) -> dict[str, int]:
        """For each reference, the rows whose parent is not there."""
        return {
            column.name: int(
                self._row(
                    sql.SQL(
                        "SELECT count(*) FROM {child} AS child LEFT JOIN {parent} AS parent"
                        " ON parent.id = child.{reference}"
                        " WHERE child.{reference} IS NOT NULL AND parent.id IS NULL"
                    ).format(
                        child=qualified(self._schema, table.name),
                        parent=qualified(self._schema, str(column.references)),
                        reference=sql.Identifier(column.name),
                    )
                )[0]
            )
            for column in table.references
        }

    def set_aside_reasons(self, table: Table) -> pd.DataFrame:
        """`reason`, `rows`: what is waiting, most frequent first; no contents."""
        return self._frame(
            sql.SQL(
                "SELECT reason, count(*) AS rows FROM {} WHERE table_name = {}"
                " GROUP BY 1 ORDER BY 2 DESC LIMIT 20"
            ).format(internal("set_aside"), table.name)
        )

    def preview(self, table: Table) -> pd.DataFrame:
        """The rows written last, as text, without the columns that hold a person's data."""
        names = ["id", *(column.name for column in table.columns if not column.is_personal)]
        frame = self._frame(
            sql.SQL("SELECT {} FROM {} ORDER BY synced_at DESC, id DESC LIMIT {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)),
                qualified(self._schema, table.name),
                PREVIEW_ROWS,
            )
        )
        return frame.astype("string").fillna("")

    def _frame(self, query: sql.Composed) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - takes long, and a drain writes its rows before

        cursor = self._connection.execute(query)
        names = [column.name for column in cursor.description or ()]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)

    def _row(self, query: sql.Composed) -> tuple[Any, ...]:
        row = self._connection.execute(query).fetchone()
        return row or ()
