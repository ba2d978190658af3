"""The push of statuses: a ledger of what Bitrix shall have, and the history of what was done."""

import sqlalchemy as sa
from alembic import op

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
SCHEMA = "bitrix_pipeline"

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_orders",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("desired", sa.Text()),
        sa.Column("desired_since", INSTANT, server_default=NOW, nullable=False),
        sa.Column("target_status", sa.Text()),
        sa.Column("target_canceled", sa.Boolean()),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("sending_since", INSTANT),
        sa.Column("confirmed", sa.Text()),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("run_id", sa.Text()),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("order_id", name="push_orders_pkey"),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'conflict', 'dead', 'skipped', 'withdrawn')",
            name="push_orders_state_check",
        ),
        schema=SCHEMA,
        # Each row is updated some times for each change of status.
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "push_orders_due_idx",
        "push_orders",
        ["next_attempt_at", "order_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "push_orders_open_idx",
        "push_orders",
        ["state", "order_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('waiting', 'dead', 'skipped')"),
    )
    op.create_table(
        "push_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("happened_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("desired", sa.Text()),
        sa.Column("bitrix_before", sa.Text()),
        sa.Column("bitrix_after", sa.Text()),
        sa.Column("run_id", sa.Text()),
        sa.Column("done_by", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="push_history_pkey"),
        schema=SCHEMA,
    )
    op.create_index("push_history_order_id_idx", "push_history", ["order_id"], schema=SCHEMA)
    op.create_index("push_history_happened_at_idx", "push_history", ["happened_at"], schema=SCHEMA)
