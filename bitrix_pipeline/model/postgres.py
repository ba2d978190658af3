"""The Postgres tables, derived from the declarations."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from bitrix_pipeline.model import TABLES, Column, Table, Type
from bitrix_pipeline.model.inbox_tables import add_inbox_tables
from bitrix_pipeline.model.push_tables import add_push_tables

INTERNAL_SCHEMA = "bitrix_pipeline"

CRM_IDS_START = 1_000_000_000
"""Rows that the CRM makes itself draw their IDs from here upwards; Bitrix stays below."""

BOOKKEEPING: tuple[tuple[str, Type, str], ...] = (
    (
        "source_hash",
        Type.BIGINT,
        "Hash of the row as the source gave it; NULL while the source has no such row.",
    ),
    ("synced_at", Type.INSTANT, "When a sync last wrote the row."),
    ("deleted_at", Type.INSTANT, "When a sync found it gone from the source; its values stay."),
    (
        "is_placeholder",
        Type.BOOLEAN,
        "Stands in for a row that Bitrix no longer has but that others refer to.",
    ),
)

SQL_TYPES: dict[Type, TypeEngine[Any]] = {
    Type.BIGINT: BigInteger(),
    Type.INTEGER: Integer(),
    Type.NUMERIC: Numeric(),
    Type.TEXT: Text(),
    Type.BOOLEAN: Boolean(),
    Type.INSTANT: DateTime(timezone=True),
    Type.JSON: JSONB(),
}


def metadata(target_schema: str) -> MetaData:
    """All tables: the contract's in the target schema, our own in `bitrix_pipeline`."""
    all_tables = MetaData()
    for table in TABLES:
        _add_table(all_tables, table, target_schema)
    _add_internal_tables(all_tables)
    add_inbox_tables(all_tables, INTERNAL_SCHEMA)
    add_push_tables(all_tables, INTERNAL_SCHEMA)
    return all_tables


def index_name(table: Table, column: Column) -> str:
    return f"{table.name}_{column.name}_idx"


def foreign_key_name(table: Table, column: Column) -> str:
    return f"{table.name}_{column.name}_fkey"


def unique_name(table: Table, column: Column) -> str:
    return f"{table.name}_{column.name}_key"


def _add_table(all_tables: MetaData, table: Table, schema: str) -> None:
    kept = [*table.extra_columns, *BOOKKEEPING]
    SqlTable(
        table.name,
        all_tables,
        _key(table),
        *(_column(c.name, c.type, c.description) for c in table.columns),
        *(_column(name, type_, description) for name, type_, description in kept),
        *_constraints(table, schema),
        *(Index(index_name(table, c), c.name) for c in table.columns if c.is_indexed),
        schema=schema,
        comment=table.description,
    )


def _key(table: Table) -> SqlColumn[Any]:
    if table.has_text_key:
        return SqlColumn("id", Text(), nullable=False, comment="Bitrix's code.")
    return SqlColumn(
        "id",
        BigInteger(),
        Identity(start=CRM_IDS_START),
        nullable=False,
        comment="The Bitrix ID; from 1 000 000 000 upwards the CRM's own.",
    )


def _column(name: str, type_: Type, description: str) -> SqlColumn[Any]:
    default = {Type.BOOLEAN: "false", Type.JSON: "'{}'::jsonb"}.get(type_)
    if name == "synced_at":
        default = "now()"
    return SqlColumn(
        name,
        SQL_TYPES[type_],
        nullable=default is None,
        server_default=text(default) if default else None,
        comment=description,
    )


def _constraints(
    table: Table, schema: str
) -> list[PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint]:
    """Foreign keys can be deferred because a sync meets children before their parents."""
    return [
        PrimaryKeyConstraint("id", name=f"{table.name}_pkey"),
        *(
            UniqueConstraint(c.name, name=unique_name(table, c))
            for c in table.columns
            if c.is_unique
        ),
        *(
            ForeignKeyConstraint(
                [c.name],
                [f"{schema}.{c.references}.id"],
                name=foreign_key_name(table, c),
                deferrable=True,
            )
            for c in table.references
        ),
    ]


def _add_internal_tables(all_tables: MetaData) -> None:
    SqlTable(
        "sync_state",
        all_tables,
        SqlColumn("table_name", Text(), primary_key=True),
        SqlColumn(
            "watermark",
            DateTime(),
            comment="The newest change time seen, naive in the shop's zone.",
        ),
        SqlColumn("source_columns", ARRAY(Text()), nullable=False, comment="Read last time."),
        SqlColumn("scope", Text(), nullable=False, comment="Of the last sync."),
        SqlColumn("synced_at", DateTime(timezone=True), nullable=False),
        SqlColumn(
            "compared_at",
            DateTime(timezone=True),
            comment="When all rows were last found or made equal to the source.",
        ),
        schema=INTERNAL_SCHEMA,
        comment="Where the sync of each table stands; written in the same transaction as its rows.",
    )
    SqlTable(
        "set_aside",
        all_tables,
        SqlColumn("table_name", Text(), primary_key=True),
        SqlColumn("row_id", Text(), primary_key=True),
        SqlColumn("reason", Text(), nullable=False, comment="Postgres' SQLSTATE and message."),
        SqlColumn("line", LargeBinary(), nullable=False, comment="The row as COPY text."),
        SqlColumn("first_seen_at", DateTime(timezone=True), nullable=False),
        SqlColumn("last_seen_at", DateTime(timezone=True), nullable=False),
        schema=INTERNAL_SCHEMA,
        comment="Rows that Postgres refused; each is tried again by every sync that meets it.",
    )
