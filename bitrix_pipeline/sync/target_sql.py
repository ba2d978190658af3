"""The SQL that a sync runs in Postgres, composed from a declaration."""

from psycopg import sql

from bitrix_pipeline.model import Table
from bitrix_pipeline.model.postgres import INTERNAL_SCHEMA
from bitrix_pipeline.sync.crm_words import kept, record_conflicts
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.settings import SyncSettings

Sql = sql.Composed | sql.SQL

# Temporary tables of one sync's transaction: the source's IDs that travelled, the ranges that they
# cover (what is covered and not seen was deleted), the parents that rows refer to and that were not
# there when the rows were written, and the rows found gone, with the archived orders among them.
SCRATCH = """
DROP TABLE IF EXISTS pg_temp.seen, pg_temp.covered, pg_temp.missing_parent, pg_temp.vanished,
    pg_temp.archived;
CREATE TEMP TABLE seen (id bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE covered (start bigint NOT NULL, stop bigint NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE missing_parent (table_name text, id bigint, PRIMARY KEY (table_name, id))
ON COMMIT DROP;
CREATE TEMP TABLE vanished (id bigint PRIMARY KEY, order_id bigint) ON COMMIT DROP;
CREATE TEMP TABLE archived (order_id bigint PRIMARY KEY, archived_at timestamptz) ON COMMIT DROP
"""


class TargetSql:
    """The statements for one table in one target schema."""

    def __init__(
        self,
        table: Table,
        settings: SyncSettings,
    ) -> None:
        self.table = table
        self.schema = settings.target_schema
        self.partition_size = settings.partition_size
        self.name = qualified(self.schema, table.name)
        self._settings = settings
        self.staging = sql.Identifier(f"staging_{table.name}")
        self._columns = ["source_hash", "id", *(column.name for column in table.columns)]

    def create_staging(self) -> Sql:
        """Rows as they arrive, with the types in which they arrive."""
        id_type = "text" if self.table.has_text_key else "bigint"
        types = {"id": id_type, "source_hash": "bigint"}
        types |= {c.name: c.arrives_as or c.type.value for c in self.table.columns}
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type_))
            for name, type_ in types.items()
        )
        return sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DROP").format(
            self.staging, columns
        )

    def clear_staging(self) -> Sql:
        return sql.SQL("TRUNCATE {}").format(self.staging)

    def copy_to_staging(self) -> Sql:
        return self._copy(self.staging)

    def copy_to_target(self) -> Sql:
        return self._copy(self.name)

    def insert_all(self) -> Sql:
        """Into an empty table: nothing to compare with."""
        return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} AS staged").format(
            self.name, _names(self._columns), self._finished(), self.staging
        )

    def merge(self, within: IdRange | None) -> Sql:
        """Writes what is new or differs; gives (range number, inserted, updated) for each range.

        The join leaves unchanged rows out before the upsert, because ON CONFLICT … WHERE would
        still lock, and so write, each of them. The range repeats what the staged rows imply: it
        makes Postgres walk the primary key instead of the whole table.
        """
        bounds = (
            sql.SQL("AND target.id >= {} AND target.id < {}").format(within.start, within.stop)
            if within
            else sql.SQL("")
        )
        range_number = (
            sql.SQL("0")
            if self.table.has_text_key
            else sql.SQL("id / {}").format(self.partition_size)
        )
        return sql.SQL(
            "WITH candidate AS ("
            " SELECT staged.*, target.id IS NULL AS is_new FROM {staging} AS staged"
            " LEFT JOIN {target} AS target ON target.id = staged.id {bounds}"
            " WHERE target.source_hash IS DISTINCT FROM staged.source_hash"
            "), written AS ("
            " INSERT INTO {target} AS target ({columns}, synced_at)"
            " SELECT {finished}, now() FROM candidate AS staged"
            " ON CONFLICT (id) DO UPDATE SET {assignments}"
            "){conflicts} SELECT {range_number}, count(*) FILTER (WHERE is_new),"
            " count(*) FILTER (WHERE NOT is_new) FROM candidate GROUP BY 1"
        ).format(
            staging=self.staging,
            target=self.name,
            bounds=bounds,
            columns=_names(self._columns),
            finished=self._finished(),
            assignments=self._assignments(),
            conflicts=self._conflicts(),
            range_number=range_number,
        )

    def note_seen(self) -> Sql:
        return sql.SQL("INSERT INTO seen SELECT id FROM {}").format(self.staging)

    def note_missing_parents(self) -> list[Sql]:
        """Of the staged rows."""
        return [
            sql.SQL("INSERT INTO missing_parent SELECT {}, id FROM ({}) AS found").format(
                sql.Literal(parent), query
            )
            + sql.SQL(" ON CONFLICT DO NOTHING")
            for parent, query in self.missing_parents(self.staging)
        ]

    def missing_parents(self, rows: sql.Composable) -> list[tuple[str, Sql]]:
        """A SELECT of their IDs for each reference of these rows, beside the parent's name."""
        return [
            (
                str(column.references),
                sql.SQL(
                    "SELECT DISTINCT child.{reference} AS id FROM {rows} AS child"
                    " LEFT JOIN {parent} AS parent ON parent.id = child.{reference}"
                    " WHERE child.{reference} IS NOT NULL AND parent.id IS NULL"
                ).format(
                    reference=sql.Identifier(column.name),
                    rows=rows,
                    parent=qualified(self.schema, str(column.references)),
                ),
            )
            for column in self.table.references
        ]

    def still_missing(self) -> Sql:
        """IDs of this table that others refer to and that it still lacks."""
        return sql.SQL(
            "SELECT missing.id FROM missing_parent AS missing WHERE missing.table_name = {}"
            " AND NOT EXISTS (SELECT FROM {} AS parent WHERE parent.id = missing.id) ORDER BY 1"
        ).format(sql.Literal(self.table.name), self.name)

    def insert_placeholders(self, child: "TargetSql | None") -> Sql:
        """Rows for parents that Bitrix lacks, with what the staged child rows know of them.

        Takes the IDs as one parameter.
        """
        columns = [self.table.own_id.name] if self.table.own_id else []
        known = self.table.placeholder.columns if child and self.table.placeholder else ()
        reference = self.table.placeholder.reference if self.table.placeholder else "id"
        return sql.SQL(
            "INSERT INTO {target} ({columns}, is_placeholder, deleted_at)"
            " SELECT {values}, true, now() FROM unnest(%s::bigint[]) AS missing (id) {join}"
            " ON CONFLICT DO NOTHING"
        ).format(
            target=self.name,
            columns=_names(["id", *columns, *(parent for parent, _ in known)]),
            values=sql.SQL(", ").join(
                [
                    sql.SQL("missing.id"),
                    *(sql.SQL("missing.id") for _ in columns),
                    *(sql.SQL("child.{}").format(sql.Identifier(c)) for _, c in known),
                ]
            ),
            join=sql.SQL("LEFT JOIN {} AS child ON child.{} = missing.id").format(
                child.staging, sql.Identifier(reference)
            )
            if child
            else sql.SQL(""),
        )

    def content_buckets(self, width: int) -> Sql:
        """(bucket, rows, xor of hashes) of the rows that the source had at the last look."""
        return self._buckets(width, sql.SQL("source_hash"))

    def id_buckets(self, width: int) -> Sql:
        return self._buckets(width, sql.SQL("id"))

    def note_vanished(self) -> Sql:
        """Rows in what was covered that the source had at the last look and has no more."""
        order_id = sql.Identifier(self.table.kept_while_archived or "id")
        if self.table.has_text_key:
            raise ValueError("a table with a text key has no ranges")
        return sql.SQL(
            "INSERT INTO vanished SELECT target.id, target.{} FROM {} AS target"
            " JOIN covered ON target.id >= covered.start AND target.id < covered.stop"
            " WHERE target.source_hash IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM seen WHERE seen.id = target.id) ON CONFLICT DO NOTHING"
        ).format(order_id, self.name)

    def mark_archived(self) -> Sql:
        """An archived order, and its lines, stay as they were; the source has them no more."""
        has_time = any(name == "archived_at" for name, *_ in self.table.extra_columns)
        moment = sql.SQL("archived_at = archived.archived_at,") if has_time else sql.SQL("")
        return sql.SQL(
            "UPDATE {} AS target SET {} source_hash = NULL, synced_at = now()"
            " FROM vanished JOIN archived USING (order_id) WHERE target.id = vanished.id"
        ).format(self.name, moment)

    def mark_deleted(self) -> Sql:
        """Gives (range number, rows)."""
        return sql.SQL(
            "WITH gone AS (UPDATE {} AS target"
            " SET deleted_at = now(), source_hash = NULL, synced_at = now() FROM vanished"
            " WHERE target.id = vanished.id AND NOT EXISTS"
            " (SELECT FROM archived WHERE archived.order_id = vanished.order_id)"
            " RETURNING target.id) SELECT id / {}, count(*) FROM gone GROUP BY 1"
        ).format(self.name, self.partition_size)

    def mark_deleted_codes(self) -> Sql:
        """For a table with a text key, which always travels whole."""
        return sql.SQL(
            "UPDATE {} AS target SET deleted_at = now(), source_hash = NULL, synced_at = now()"
            " WHERE target.source_hash IS NOT NULL AND NOT target.id = ANY (%s)"
        ).format(self.name)

    def _copy(self, into: sql.Composable) -> Sql:
        return sql.SQL("COPY {} ({}) FROM STDIN (NULL '')").format(into, _names(self._columns))

    def _finished(self) -> Sql:
        return sql.SQL(", ").join(map(self._value, self._columns))

    def _value(self, name: str) -> sql.Composable:
        """A staged value as the table holds it."""
        staged = sql.SQL("staged.{}").format(sql.Identifier(name))
        finished_by = {column.name: column.finished_by for column in self.table.columns}.get(name)
        return sql.SQL(finished_by).format(staged) if finished_by else staged

    def _assignments(self) -> Sql:
        sets: list[sql.Composable] = [
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in ["source_hash", "synced_at"]
        ]
        sets += [self._assignment(column.name) for column in self.table.columns]
        sets += [sql.SQL("deleted_at = NULL"), sql.SQL("is_placeholder = false")]
        sets += [
            sql.SQL("{} = NULL").format(sql.Identifier(name))
            for name, *_ in self.table.extra_columns
        ]
        return sql.SQL(", ").join(sets)

    def _assignment(self, name: str) -> Sql:
        column, owners = sql.Identifier(name), self.table.column(name).owned_by_crm_unless_changed
        if not owners:
            return sql.SQL("{0} = excluded.{0}").format(column)
        return sql.SQL(
            "{0} = CASE WHEN target.is_placeholder OR ({1}) IS DISTINCT FROM ({2}) AND NOT ({3})"
            " THEN excluded.{0} ELSE target.{0} END"
        ).format(
            column,
            sql.SQL(", ").join(sql.SQL("target.{}").format(sql.Identifier(n)) for n in owners),
            sql.SQL(", ").join(sql.SQL("excluded.{}").format(sql.Identifier(n)) for n in owners),
            kept(self._settings),
        )

    def _conflicts(self) -> Sql:
        """One more step of the merge, which sees the orders as they were before it."""
        has_word = any(column.owned_by_crm_unless_changed for column in self.table.columns)
        if not has_word or not self._settings.records_conflicts:
            return sql.SQL("")
        names = ["id", "status", "bitrix_status", "is_canceled", "status_changed_at", "canceled_at"]
        changed = sql.SQL("SELECT {} FROM candidate AS staged WHERE NOT is_new").format(
            sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(self._value(name), sql.Identifier(name))
                for name in names
            )
        )
        return sql.SQL(", conflict AS ({})").format(
            record_conflicts(self._settings, changed=changed, target=self.name)
        )

    def _buckets(self, width: int, fingerprint: sql.SQL) -> Sql:
        return sql.SQL(
            "SELECT id / {}, count(*), bit_xor({}) FROM {}"
            " WHERE id >= %s AND id < %s AND source_hash IS NOT NULL GROUP BY 1"
        ).format(width, fingerprint, self.name)


def qualified(schema: str, name: str) -> sql.Identifier:
    return sql.Identifier(schema, name)


def internal(name: str) -> sql.Identifier:
    return sql.Identifier(INTERNAL_SCHEMA, name)


def _names(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
