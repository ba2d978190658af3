"""Postgres as a sync sees it: everything that it asks and tells, in one transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from bitrix_pipeline.errors import TransientError, TurnMissedError
from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.set_aside import waiting
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import Bucket
from bitrix_pipeline.sync.target_sql import SCRATCH, Sql, TargetSql, internal
from bitrix_pipeline.sync.turns import take_turn


@dataclass(frozen=True)
class SyncState:
    """Where the sync of a table stands."""

    watermark: datetime | None
    source_columns: Sequence[str]


@dataclass(frozen=True)
class Written:
    """Rows written in one ID range of a partition's size."""

    range_number: int
    inserted: int
    updated: int


class Target:
    """The tables in Postgres."""

    def __init__(
        self,
        connection: Connection,
        settings: SyncSettings,
        deleted_before: Mapping[str, int] | None = None,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.deleted = Counter(deleted_before)
        """Rows marked as deleted, by table; those too that the same work marked before."""

    def statements(self, table: Table) -> TargetSql:
        return TargetSql(table, self.settings)

    def begin(self) -> None:
        """Inside a new transaction: deadlines, the shop's zone for naive times, scratch tables."""
        deadline = self.settings.query_deadline_seconds
        for_locks = min(deadline, self.settings.row_lock_deadline_seconds or deadline)
        for name, value in (
            ("timezone", self.settings.shop_timezone),
            ("statement_timeout", f"{deadline}s"),
            ("lock_timeout", f"{for_locks}s"),
            ("datestyle", "ISO, YMD"),
        ):
            self.connection.execute("SELECT set_config(%s, %s, true)", (name, value))

    def defer_references(self) -> None:
        """Lets children be written before their parents, until `check_references`."""
        self.connection.execute("SET CONSTRAINTS ALL DEFERRED")

    def wait_for_turn(self, table: Table) -> None:
        """Holds the table's turn until the transaction ends: no two syncs of one table at once.

        Raises TurnMissedError when another sync does not end in time.
        """
        name = f"bitrix_pipeline.sync.{self.settings.target_schema}.{table.name}"
        seconds = self.settings.lock_deadline_seconds
        if not take_turn(self.connection, name, seconds=seconds):
            raise TurnMissedError(table.name, seconds)

    def make_scratch_tables(self) -> None:
        """Empty ones: a transaction may sync several tables, one after another."""
        self.connection.execute(SCRATCH)

    def prepare(self, table: Table) -> None:
        self.connection.execute(self.statements(table).create_staging())

    def is_empty(self, table: Table) -> bool:
        query = sql.SQL("SELECT NOT EXISTS (SELECT FROM {})").format(self.statements(table).name)
        return bool(self._value(query))

    def live_rows(self, table: Table) -> int:
        """Rows that the source had at the last look."""
        query = sql.SQL("SELECT count(source_hash) FROM {}").format(self.statements(table).name)
        return int(str(self._value(query)))

    def line_ids(self, table: Table, order_ids: Sequence[int]) -> list[int]:
        """IDs of the rows of these orders that the source had at the last look."""
        query = sql.SQL(
            "SELECT id FROM {} WHERE order_id = ANY (%s) AND source_hash IS NOT NULL"
        ).format(self.statements(table).name)
        return [row[0] for row in self.connection.execute(query, (list(order_ids),))]

    def hashes(self, table: Table) -> dict[str, int]:
        """Of all live rows, by key: for a table small enough for that."""
        query = sql.SQL("SELECT id, source_hash FROM {} WHERE source_hash IS NOT NULL").format(
            self.statements(table).name
        )
        return {str(key): int(row_hash) for key, row_hash in self.connection.execute(query)}

    def bounds(self, table: Table) -> IdRange | None:
        """The range that holds the IDs of all live rows."""
        row = self.connection.execute(
            sql.SQL("SELECT min(id), max(id) FROM {} WHERE source_hash IS NOT NULL").format(
                self.statements(table).name
            )
        ).fetchone()
        return IdRange(row[0], row[1] + 1) if row and row[0] is not None else None

    def content_buckets(self, table: Table, window: IdRange, *, width: int) -> dict[int, Bucket]:
        return self._buckets(self.statements(table).content_buckets(width), window)

    def id_buckets(self, table: Table, window: IdRange, *, width: int) -> dict[int, Bucket]:
        return self._buckets(self.statements(table).id_buckets(width), window)

    def clear_staging(self, table: Table) -> None:
        """Outside a savepoint: inside one, TRUNCATE would make a new file each time."""
        self.connection.execute(self.statements(table).clear_staging())

    def stage(self, table: Table, lines: bytes) -> None:
        """Adds lines of COPY text to the staged rows."""
        self._copy(self.statements(table).copy_to_staging(), lines)

    def merge(self, table: Table, within: IdRange | None) -> list[Written]:
        """Writes the staged rows that are new or differ."""
        rows = self.connection.execute(self.statements(table).merge(within)).fetchall()
        return [Written(*row) for row in rows]

    def fill(self, table: Table, lines: bytes) -> None:
        """Puts lines into an empty table, without comparing."""
        statements = self.statements(table)
        if table.loads_directly:
            self._copy(statements.copy_to_target(), lines)
        else:
            self.stage(table, lines)
            self.connection.execute(statements.insert_all())

    def gather_statistics(self, table: Table) -> None:
        """Of the columns by which syncs join; autovacuum soon gathers those of all others."""
        names = ["id", "source_hash", *(column.name for column in table.references)]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        name = self.statements(table).name
        self.connection.execute(sql.SQL("ANALYZE {} ({})").format(name, columns))

    def staged_codes(self, table: Table) -> list[str]:
        query = sql.SQL("SELECT id FROM {}").format(self.statements(table).staging)
        return [row[0] for row in self.connection.execute(query)]

    def note_seen(self, table: Table) -> None:
        self.connection.execute(self.statements(table).note_seen())

    def note_seen_id(self, row_id: int) -> None:
        self.connection.execute("INSERT INTO seen VALUES (%s)", (row_id,))

    def note_missing_parents(self, table: Table) -> None:
        """Of the staged rows."""
        for statement in self.statements(table).note_missing_parents():
            self.connection.execute(statement)

    def note_missing_parents_of_all(self, table: Table) -> None:
        """Of all the table's rows: a query by itself, which Postgres runs in parallel."""
        statements = self.statements(table)
        for parent, query in statements.missing_parents(statements.name):
            ids = [row[0] for row in self.connection.execute(query)]
            self.connection.execute(
                "INSERT INTO missing_parent SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
                (parent, ids),
            )

    def waiting(self, table: Table) -> list[int]:
        """IDs of rows that were set aside."""
        return [int(row_id) for row_id in waiting(self.connection, table)]

    def still_missing(self, table: Table) -> list[int]:
        """IDs of rows that others refer to and that this table lacks."""
        return [row[0] for row in self.connection.execute(self.statements(table).still_missing())]

    def insert_placeholders(self, table: Table, ids: Sequence[int], child: Table | None) -> int:
        """Makes the placeholders that are still needed and returns how many."""
        known = self.statements(child) if child else None
        statement = self.statements(table).insert_placeholders(known)
        return self.connection.execute(statement, (list(ids),)).rowcount

    def note_vanished(self, table: Table, covered: Iterable[IdRange]) -> list[tuple[int, int]]:
        """Finds rows that the source has no more: (id, its order's id where that matters)."""
        with self.connection.cursor().copy("COPY covered FROM STDIN") as copy:
            for ids in covered:
                copy.write_row((ids.start, ids.stop))
        self.connection.execute("ANALYZE covered; ANALYZE seen")
        self.connection.execute(self.statements(table).note_vanished())
        return self.connection.execute("SELECT id, order_id FROM vanished").fetchall()

    def note_archived(self, archived: dict[int, str | None]) -> None:
        """Times are naive text in the shop's zone."""
        with self.connection.cursor().copy("COPY archived FROM STDIN") as copy:
            for order_id, moment in archived.items():
                copy.write_row((order_id, moment))

    def mark_archived(self, table: Table) -> int:
        return self.connection.execute(self.statements(table).mark_archived()).rowcount

    def mark_deleted(self, table: Table) -> list[tuple[int, int]]:
        """(range number, rows)."""
        rows = self.connection.execute(self.statements(table).mark_deleted())
        ranges = [(int(number), int(count)) for number, count in rows]
        self.deleted[table.name] += sum(count for _, count in ranges)
        return ranges

    def mark_deleted_codes(self, table: Table, seen: Sequence[str]) -> int:
        statement = self.statements(table).mark_deleted_codes()
        return self.connection.execute(statement, (list(seen),)).rowcount

    def check_references(self) -> None:
        """Makes Postgres check the deferred foreign keys now."""
        self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def state(self, table: Table) -> SyncState:
        row = self.connection.execute(
            sql.SQL("SELECT watermark, source_columns FROM {} WHERE table_name = %s").format(
                internal("sync_state")
            ),
            (table.name,),
        ).fetchone()
        return SyncState(row[0], row[1]) if row else SyncState(None, ())

    def save_state(self, table: Table, *, state: SyncState, scope: str, compared_all: bool) -> None:
        self.connection.execute(
            sql.SQL(
                "INSERT INTO {} AS state"
                " (table_name, watermark, source_columns, scope, synced_at, compared_at)"
                " VALUES (%(table)s, %(watermark)s, %(columns)s, %(scope)s, now(),"
                " CASE WHEN %(compared_all)s THEN now() END)"
                " ON CONFLICT (table_name) DO UPDATE SET"
                " watermark = COALESCE(excluded.watermark, state.watermark),"
                " source_columns = excluded.source_columns, scope = excluded.scope,"
                " synced_at = now(), compared_at = COALESCE(excluded.compared_at, state.compared_at)"
            ).format(internal("sync_state")),
            {
                "table": table.name,
                "watermark": state.watermark,
                "columns": list(state.source_columns),
                "scope": scope,
                "compared_all": compared_all,
            },
        )

    def _copy(self, statement: Sql, lines: bytes) -> None:
        with self.connection.cursor().copy(statement) as copy:
            copy.write(lines)

    def _buckets(self, query: Sql, window: IdRange) -> dict[int, Bucket]:
        rows = self.connection.execute(query, (window.start, window.stop))
        return {int(number): Bucket(int(count), int(xor)) for number, count, xor in rows}

    def _value(self, query: Sql) -> object:
        row = self.connection.execute(query).fetchone()
        if row is None:
            raise TransientError("Postgres gave no answer to a question that always has one")
        return row[0]
