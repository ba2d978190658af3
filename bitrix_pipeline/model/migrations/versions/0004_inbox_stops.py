"""What the inbox must remember to hold nothing up: tries broken off, deletions allowed, ties of one moment."""

import sqlalchemy as sa
from alembic import op

SCHEMA = "bitrix_pipeline"

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "inbox_jobs",
        sa.Column("aborts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema=SCHEMA,
    )
    op.add_column(
        "inbox_jobs",
        sa.Column(
            "deletions_allowed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        schema=SCHEMA,
    )
    op.add_column(
        "inbox_applied",
        sa.Column("tie", sa.Text(), server_default=sa.text("''"), nullable=False),
        schema=SCHEMA,
    )
    op.add_column(
        "inbox_applied",
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        schema=SCHEMA,
    )
    for flag in ("is_ending", "is_refused"):
        op.add_column(
            "inbox_applied",
            sa.Column(flag, sa.Boolean(), server_default=sa.text("false"), nullable=False),
            schema=SCHEMA,
        )
    op.drop_constraint("inbox_applied_pkey", "inbox_applied", schema=SCHEMA)
    op.create_primary_key(
        "inbox_applied_pkey",
        "inbox_applied",
        ["entity", "entity_id", "is_ending"],
        schema=SCHEMA,
    )
