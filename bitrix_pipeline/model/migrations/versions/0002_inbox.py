"""The inbox: events as they were received, what became of each, and the one door through which they come.

`receive` runs with its owner's rights, so the receiver's account needs no right on any table: it
can hand events over and learn whether each was new, and nothing else.
"""

import sqlalchemy as sa
from alembic import op

INSTANT = sa.DateTime(timezone=True)
SCHEMA = "bitrix_pipeline"

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One event twice, in one call or in two at once, is stored once. Rows are inserted in the order of
# their keys: two calls that hold the same events then wait for each other and never deadlock.
RECEIVE = """
CREATE FUNCTION bitrix_pipeline.receive(
    sources text[], event_ids text[], sent_times timestamptz[], types text[], entities text[],
    entity_ids bigint[], bodies bytea[], quarantine_reasons text[]
) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s'
AS $receive$
DECLARE
    outcomes text[];
    stored bigint[];
BEGIN
    WITH incoming AS (
        SELECT DISTINCT ON (source, event_id) *
        FROM unnest(sources, event_ids, sent_times, types, entities, entity_ids, bodies,
                    quarantine_reasons)
            WITH ORDINALITY AS given (source, event_id, sent_at, type, entity, entity_id, body,
                                      quarantine_reason, position)
        ORDER BY source, event_id, position
    ), events AS (
        INSERT INTO bitrix_pipeline.inbox_events
            (source, event_id, sent_at, type, entity, entity_id, body)
        SELECT source, event_id, sent_at, type, entity, entity_id, body FROM incoming
        ON CONFLICT (source, event_id) DO NOTHING
        RETURNING id, source, event_id
    ), jobs AS (
        INSERT INTO bitrix_pipeline.inbox_jobs (event, state, reason, finished_at)
        SELECT events.id,
               CASE WHEN quarantine_reason IS NULL THEN 'waiting' ELSE 'quarantined' END,
               quarantine_reason,
               CASE WHEN quarantine_reason IS NOT NULL THEN clock_timestamp() END
        FROM events JOIN incoming USING (source, event_id)
        RETURNING event
    )
    SELECT array_agg(incoming.position) INTO stored
    FROM jobs JOIN events ON events.id = jobs.event JOIN incoming USING (source, event_id);

    SELECT array_agg(
        CASE WHEN given.position = ANY (stored) THEN 'stored'
             WHEN (SELECT event.body = given.body FROM bitrix_pipeline.inbox_events AS event
                   WHERE event.source = given.source AND event.event_id = given.event_id)
             THEN 'duplicate'
             ELSE 'conflict' END
        ORDER BY given.position) INTO outcomes
    FROM unnest(sources, event_ids, bodies)
        WITH ORDINALITY AS given (source, event_id, body, position);

    IF stored IS NOT NULL THEN
        PERFORM pg_notify('bitrix_pipeline_inbox', '');
    END IF;
    RETURN outcomes;
END
$receive$
"""


def upgrade() -> None:
    op.create_table(
        "inbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column(
            "received_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("sent_at", INSTANT),
        sa.Column("type", sa.Text()),
        sa.Column("entity", sa.Text()),
        sa.Column("entity_id", sa.BigInteger()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="inbox_events_pkey"),
        sa.UniqueConstraint("source", "event_id", name="inbox_events_source_event_id_key"),
        schema=SCHEMA,
    )
    op.create_index("inbox_events_received_at_idx", "inbox_events", ["received_at"], schema=SCHEMA)
    op.create_table(
        "inbox_jobs",
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leases_lost", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("lease", sa.BigInteger()),
        sa.Column("leased_until", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("run_id", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("event", name="inbox_jobs_pkey"),
        sa.ForeignKeyConstraint(
            ["event"],
            [f"{SCHEMA}.inbox_events.id"],
            name="inbox_jobs_event_fkey",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'leased', 'done', 'dead', 'quarantined')",
            name="inbox_jobs_state_check",
        ),
        schema=SCHEMA,
        # Each job is updated twice in its life, so room is left and dead rows are soon reused.
        postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    op.create_index(
        "inbox_jobs_due_idx",
        "inbox_jobs",
        ["due_at", "event"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "inbox_jobs_leased_idx",
        "inbox_jobs",
        ["leased_until"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index(
        "inbox_jobs_refused_idx",
        "inbox_jobs",
        ["state", "event"],
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('dead', 'quarantined')"),
    )
    op.create_index("inbox_jobs_finished_at_idx", "inbox_jobs", ["finished_at"], schema=SCHEMA)
    op.create_table(
        "inbox_replays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("replayed_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("replayed_by", sa.Text(), nullable=False),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("reason_before", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="inbox_replays_pkey"),
        schema=SCHEMA,
    )
    op.create_table(
        "inbox_applied",
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "entity_id", name="inbox_applied_pkey"),
        schema=SCHEMA,
    )
    op.execute(f"CREATE SEQUENCE {SCHEMA}.inbox_lease")
    op.execute(RECEIVE)
