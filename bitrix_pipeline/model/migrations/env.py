"""Runs the migrations on the connection that `model.migrate` hands over."""

from alembic import context

from bitrix_pipeline.model.postgres import INTERNAL_SCHEMA, metadata

config = context.config
target_schema: str = config.attributes["target_schema"]

context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata(target_schema),
    version_table_schema=INTERNAL_SCHEMA,
)
with context.begin_transaction():
    context.run_migrations()
