"""The inbox's tables in Postgres: events as received, and what became of each."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Table as SqlTable

INSTANT = DateTime(timezone=True)
NOW = text("clock_timestamp()")


def add_inbox_tables(all_tables: MetaData, schema: str) -> None:
    _add_events(all_tables, schema)
    _add_jobs(all_tables, schema)
    _add_replays(all_tables, schema)
    _add_applied(all_tables, schema)


def _add_events(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "inbox_events",
        all_tables,
        SqlColumn("id", BigInteger(), Identity(always=True), nullable=False),
        SqlColumn("source", Text(), nullable=False, comment="Who sent it: `module` or `bitrix`."),
        SqlColumn("event_id", Text(), nullable=False, comment="The sender's ID of the event."),
        SqlColumn("received_at", INSTANT, server_default=NOW, nullable=False),
        SqlColumn("sent_at", INSTANT, comment="As the sender signed it."),
        SqlColumn("type", Text(), comment="`order.saved` and the like; NULL if it cannot be read."),
        SqlColumn("entity", Text(), comment="The table that it is news of, if any."),
        SqlColumn("entity_id", BigInteger(), comment="The Bitrix ID that it is news of."),
        SqlColumn("body", LargeBinary(), nullable=False, comment="The bytes as they arrived."),
        PrimaryKeyConstraint("id", name="inbox_events_pkey"),
        UniqueConstraint("source", "event_id", name="inbox_events_source_event_id_key"),
        Index("inbox_events_received_at_idx", "received_at"),
        schema=schema,
        comment="Every event that was answered with 2xx, until its retention ends. Append-only.",
    )


def _add_jobs(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "inbox_jobs",
        all_tables,
        SqlColumn("event", BigInteger(), nullable=False),
        SqlColumn("state", Text(), nullable=False),
        _count("attempts", "Tries that failed by the event's own fault or are under way."),
        _count("leases_lost", "Drains that ended, killed, while they held it."),
        _count("aborts", "Tries that a database broke off: too slow, a deadlock."),
        SqlColumn(
            "deletions_allowed",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="Replayed with --allow-deletions.",
        ),
        SqlColumn("due_at", INSTANT, server_default=NOW, nullable=False, comment="Not before."),
        SqlColumn("lease", BigInteger(), comment="The fencing token of the drain that holds it."),
        SqlColumn("leased_until", INSTANT, comment="By this server's clock."),
        SqlColumn("finished_at", INSTANT, comment="When it became done, dead or quarantined."),
        SqlColumn("run_id", Text(), comment="The Dagster run that took it last."),
        SqlColumn("reason", Text(), comment="Why it waits, is dead or in quarantine."),
        PrimaryKeyConstraint("event", name="inbox_jobs_pkey"),
        ForeignKeyConstraint(
            ["event"],
            [f"{schema}.inbox_events.id"],
            name="inbox_jobs_event_fkey",
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "state IN ('waiting', 'leased', 'done', 'dead', 'quarantined')",
            name="inbox_jobs_state_check",
        ),
        Index("inbox_jobs_due_idx", "due_at", "event", postgresql_where=text("state = 'waiting'")),
        Index("inbox_jobs_leased_idx", "leased_until", postgresql_where=text("state = 'leased'")),
        Index(
            "inbox_jobs_refused_idx",
            "state",
            "event",
            postgresql_where=text("state IN ('dead', 'quarantined')"),
        ),
        Index("inbox_jobs_finished_at_idx", "finished_at"),
        schema=schema,
        comment="What became of each event; narrow, because it is updated.",
    )


def _add_replays(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "inbox_replays",
        all_tables,
        SqlColumn("id", BigInteger(), Identity(always=True), nullable=False),
        SqlColumn("event", BigInteger(), nullable=False),
        SqlColumn("replayed_at", INSTANT, server_default=text("now()"), nullable=False),
        SqlColumn("replayed_by", Text(), nullable=False),
        SqlColumn("state_before", Text(), nullable=False),
        SqlColumn("reason_before", Text()),
        PrimaryKeyConstraint("id", name="inbox_replays_pkey"),
        schema=schema,
        comment="The audit: who had which event applied again, and what it had come to before.",
    )


def _add_applied(all_tables: MetaData, schema: str) -> None:
    SqlTable(
        "inbox_applied",
        all_tables,
        SqlColumn("entity", Text(), nullable=False),
        SqlColumn("entity_id", BigInteger(), nullable=False),
        SqlColumn("happened_at", INSTANT, nullable=False),
        SqlColumn("sequence", BigInteger(), nullable=False),
        SqlColumn(
            "tie",
            Text(),
            server_default=text("''"),
            nullable=False,
            comment="Of news of the same moment and sequence the one with the greater counts.",
        ),
        SqlColumn(
            "version",
            Integer(),
            server_default=text("0"),
            nullable=False,
            comment="That the news told of its row; counts more than its time. 0: none.",
        ),
        SqlColumn(
            "is_ending",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="News that the row was deleted or archived, which tells no version.",
        ),
        SqlColumn(
            "is_refused",
            Boolean(),
            server_default=text("false"),
            nullable=False,
            comment="Postgres refused the row, or a line of it: this news may be applied again.",
        ),
        PrimaryKeyConstraint("entity", "entity_id", "is_ending", name="inbox_applied_pkey"),
        schema=schema,
        comment="The newest save and the newest ending told of each row, where MySQL cannot be "
        "read: an older one changes nothing.",
    )


def _count(name: str, comment: str) -> SqlColumn[Any]:
    return SqlColumn(name, Integer(), server_default=text("0"), nullable=False, comment=comment)
