"""The push's tables in Postgres: what each order's status shall be in Bitrix, and what was done."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable

INSTANT = DateTime(timezone=True)
NOW = text("clock_timestamp()")


def add_push_tables(all_tables: MetaData, schema: str) -> None:
    _add_orders(all_tables, schema)
    _add_history(all_tables, schema)


def _add_orders(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "push_orders",
        all_tables,
        SqlColumn("order_id", BigInteger(), nullable=False, autoincrement=False),
        SqlColumn("state", Text(), nullable=False),
        SqlColumn("desired", Text(), comment="The CRM's word when it was last looked at."),
        SqlColumn(
            "desired_since",
            INSTANT,
            server_default=NOW,
            nullable=False,
            comment="When a push first saw it; the CRM changed it at most one push earlier.",
        ),
        SqlColumn("target_status", Text(), comment="Bitrix's code for it; NULL leaves that alone."),
        SqlColumn("target_canceled", Boolean(), comment="NULL when the word means nothing."),
        SqlColumn(
            "attempts",
            Integer(),
            server_default=text("0"),
            nullable=False,
            comment="Tries of this word that failed by the order's own fault.",
        ),
        SqlColumn("next_attempt_at", INSTANT, server_default=NOW, nullable=False),
        SqlColumn(
            "sending_since",
            INSTANT,
            comment="Set before anything is sent and cleared with the outcome: a push that was "
            "killed, or had no answer, leaves it.",
        ),
        SqlColumn("confirmed", Text(), comment="The word that Bitrix last took."),
        SqlColumn("confirmed_at", INSTANT),
        SqlColumn("run_id", Text(), comment="The Dagster run that took it last."),
        SqlColumn("last_error", Text(), comment="Bitrix's code and our words, never a value."),
        *_order_constraints(),
        schema=schema,
        comment="The ledger: one row for each order whose status the CRM ever changed.",
    )


def _order_constraints() -> list[PrimaryKeyConstraint | CheckConstraint | Index]:
    return [
        PrimaryKeyConstraint("order_id", name="push_orders_pkey"),
        CheckConstraint(
            "state IN ('waiting', 'confirmed', 'conflict', 'dead', 'skipped', 'withdrawn')",
            name="push_orders_state_check",
        ),
        Index(
            "push_orders_due_idx",
            "next_attempt_at",
            "order_id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "push_orders_open_idx",
            "state",
            "order_id",
            postgresql_where=text("state IN ('waiting', 'dead', 'skipped')"),
        ),
    ]


def _add_history(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "push_history",
        all_tables,
        SqlColumn("id", BigInteger(), Identity(always=True), nullable=False),
        SqlColumn("happened_at", INSTANT, server_default=NOW, nullable=False),
        SqlColumn("order_id", BigInteger(), nullable=False),
        SqlColumn("event", Text(), nullable=False),
        SqlColumn("desired", Text(), comment="The CRM's word."),
        SqlColumn("bitrix_before", Text(), comment="Code, and whether canceled, as Bitrix told."),
        SqlColumn("bitrix_after", Text(), comment="The same after the write."),
        SqlColumn("run_id", Text()),
        SqlColumn("done_by", Text(), comment="Who typed the command, if somebody did."),
        SqlColumn("note", Text(), comment="Why; never a value of a customer's."),
        PrimaryKeyConstraint("id", name="push_history_pkey"),
        Index("push_history_order_id_idx", "order_id"),
        Index("push_history_happened_at_idx", "happened_at"),
        schema=schema,
        comment="What was done about each order's status, until its retention ends. Append-only.",
    )
