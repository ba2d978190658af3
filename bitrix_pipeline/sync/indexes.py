"""Takes a table's secondary indexes and foreign keys away and puts them back.

Filling an empty table first and building its indexes afterwards costs a fraction of maintaining
them row by row. Whatever stands in the catalog is taken and restored, also what a CRM developer
added; the primary key stays, because the foreign keys of other tables rest on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bitrix_pipeline.sync.postgres import Connection

MAINTENANCE_MEMORY = "128MB"

LOCK_PATIENCE = "500ms"
"""Less than Postgres' deadlock_timeout, so that of two waiting for each other neither is killed."""

SECONDARY = """
SELECT 'constraint', c.conname, pg_get_constraintdef(c.oid), c.contype = 'f'
FROM pg_constraint AS c
WHERE c.conrelid = %(table)s::regclass
  AND (c.contype = 'f' OR c.contype = 'u' AND NOT EXISTS (
      SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conindid = c.conindid))
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), false
FROM pg_index AS i
WHERE i.indrelid = %(table)s::regclass
  AND NOT i.indisprimary
  AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
ORDER BY 4, 2
"""

OWNED = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass"


@dataclass(frozen=True)
class SecondaryIndex:
    """An index or constraint with the definition that restores it."""

    kind: str
    name: str
    definition: str


def take_away(
    connection: Connection, table: sql.Identifier, parents: Sequence[sql.Identifier]
) -> list[SecondaryIndex]:
    """Drops the secondary indexes, constraints before foreign keys, and returns them.

    Returns nothing, and drops nothing, where the account does not own the table or somebody is
    reading the tables in question: the load is slower then, but waits for nobody.
    """
    name = table.as_string(connection)
    owned = connection.execute(OWNED, (name,)).fetchone()
    if not owned or not owned[0] or not _lock(connection, [table, *parents]):
        return []
    rows = connection.execute(SECONDARY, {"table": name}).fetchall()
    found = [SecondaryIndex(kind, index, definition) for kind, index, definition, _ in rows]
    for index in found:
        if index.kind == "constraint":
            drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                table, sql.Identifier(index.name)
            )
        else:
            drop = sql.SQL("DROP INDEX {}").format(sql.SQL(index.name))
        connection.execute(drop)
    return found


def _lock(connection: Connection, tables: Sequence[sql.Identifier]) -> bool:
    try:
        with connection.transaction():
            row = connection.execute("SHOW lock_timeout").fetchone()
            connection.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_PATIENCE,))
            connection.execute(
                sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.SQL(", ").join(tables))
            )
            connection.execute("SELECT set_config('lock_timeout', %s, true)", row)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def put_back(connection: Connection, table: sql.Identifier, indexes: list[SecondaryIndex]) -> None:
    """Builds them again, foreign keys last."""
    connection.execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(MAINTENANCE_MEMORY))
    for index in indexes:
        if index.kind == "constraint":
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                    table, sql.Identifier(index.name), sql.SQL(index.definition)
                )
            )
        else:
            connection.execute(sql.SQL(index.definition))
