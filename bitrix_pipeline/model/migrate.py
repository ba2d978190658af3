"""Brings Postgres to the newest version of the tables. Safe to run again, and twice at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import SetColumnComment, SetTableComment

from bitrix_pipeline.errors import SettingsError, TargetError, TransientError
from bitrix_pipeline.model.postgres import INTERNAL_SCHEMA, metadata

CONNECT_DEADLINE_SECONDS = 10

# Supabase's roles for its public HTTP API: whatever they may read, the whole Internet may.
PUBLIC_ROLES = ("anon", "authenticated")

RECEIVER_ROLE = "bitrix_receiver"
"""The group role that the receiver's own account is a member of."""


def migrate(postgres_url: str, *, target_schema: str) -> str:
    """Applies what is missing, in one transaction, and returns the revision reached.

    Raises TransientError when Postgres is away and TargetError when it refuses.
    """
    engine = create_engine(
        sqlalchemy_url(postgres_url),
        poolclass=NullPool,
        # Prepared statements do not survive a transaction pooler.
        connect_args={"prepare_threshold": None, "connect_timeout": CONNECT_DEADLINE_SECONDS},
    )
    try:
        with engine.begin() as connection:
            return _upgrade(connection, target_schema)
    except OperationalError as error:
        raise TransientError(f"Postgres is away: {_first_line(error)}") from error
    except ProgrammingError as error:
        raise TargetError(f"Postgres refuses the migration: {_first_line(error)}") from error


def sqlalchemy_url(postgres_url: str) -> str:
    """The URL with psycopg 3 as its driver. Raises SettingsError without repeating the URL."""
    try:
        url = make_url(postgres_url)
    except Exception:  # noqa: BLE001 - SQLAlchemy's message would repeat the password
        raise SettingsError(
            "POSTGRES_URL cannot be read: write postgresql://user:password@host:5432/database"
        ) from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError("POSTGRES_URL must look like postgresql://user:password@host/database")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def newest_revision() -> str:
    """The revision that this version of the code expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - the package ships its migrations
    return head


def _upgrade(connection: Connection, target_schema: str) -> str:
    _wait_for_turn(connection)
    for schema in (INTERNAL_SCHEMA, target_schema):
        if not inspect(connection).has_schema(schema):
            connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    config = _config()
    config.attributes.update(connection=connection, target_schema=target_schema)
    command.upgrade(config, "head")
    _require_tables(connection, target_schema)
    _describe(connection, target_schema)
    _protect(connection, target_schema)
    _admit_receiver(connection)
    revision = MigrationContext.configure(
        connection, opts={"version_table_schema": INTERNAL_SCHEMA}
    ).get_current_revision()
    return str(revision)


def _wait_for_turn(connection: Connection) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '120s'"))
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('bitrix_pipeline.migrate', 0))")
    )


def _require_tables(connection: Connection, target_schema: str) -> None:
    existing = set(inspect(connection).get_table_names(schema=target_schema))
    expected = {
        t.name for t in metadata(target_schema).tables.values() if t.schema == target_schema
    }
    if missing := expected - existing:
        raise TargetError(
            f"schema {target_schema} lacks {', '.join(sorted(missing))}: the tables were made in "
            "another schema; set TARGET_SCHEMA to that one"
        )


def _describe(connection: Connection, target_schema: str) -> None:
    """The declarations' descriptions as comments: they may improve without a migration."""
    for table in metadata(target_schema).tables.values():
        connection.execute(SetTableComment(table))
        for column in table.columns:
            if column.comment:
                connection.execute(SetColumnComment(column))


def _protect(connection: Connection, target_schema: str) -> None:
    """Row level security everywhere; nothing for PUBLIC and for the roles of Supabase's API.

    Done at every migration, because a platform's default privileges grant on creation.
    """
    for schema, table in _our_tables(target_schema):
        connection.execute(text(f'ALTER TABLE "{schema}"."{table}" ENABLE ROW LEVEL SECURITY'))
    roles = ["PUBLIC", *_existing_public_roles(connection)]
    for role in roles:
        for schema, table in _our_tables(target_schema):
            connection.execute(text(f'REVOKE ALL ON "{schema}"."{table}" FROM {role}'))
        for schema, sequence in _our_sequences(connection, target_schema):
            connection.execute(text(f'REVOKE ALL ON SEQUENCE "{schema}"."{sequence}" FROM {role}'))
        for kind in ("SEQUENCES", "FUNCTIONS"):
            connection.execute(
                text(f'REVOKE ALL ON ALL {kind} IN SCHEMA "{INTERNAL_SCHEMA}" FROM {role}')
            )
        connection.execute(text(f'REVOKE ALL ON SCHEMA "{INTERNAL_SCHEMA}" FROM {role}'))


def _admit_receiver(connection: Connection) -> None:
    """The one right of the receiver's accounts: to hand events over.

    Where this account may not create roles, an operator does, and migrates again.
    """
    exists = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if not connection.execute(exists, {"role": RECEIVER_ROLE}).first():
        try:
            with connection.begin_nested():
                connection.execute(text(f"CREATE ROLE {RECEIVER_ROLE} NOLOGIN"))
        except (ProgrammingError, IntegrityError):
            # Refused, or made by somebody else at this moment.
            if not connection.execute(exists, {"role": RECEIVER_ROLE}).first():
                return
    connection.execute(text(f'GRANT USAGE ON SCHEMA "{INTERNAL_SCHEMA}" TO {RECEIVER_ROLE}'))
    connection.execute(
        text(f'GRANT EXECUTE ON FUNCTION "{INTERNAL_SCHEMA}".receive TO {RECEIVER_ROLE}')
    )


def _our_tables(target_schema: str) -> list[tuple[str, str]]:
    tables = [(t.schema or "", t.name) for t in metadata(target_schema).tables.values()]
    return [*tables, (INTERNAL_SCHEMA, "alembic_version")]


def _our_sequences(connection: Connection, target_schema: str) -> list[tuple[str, str]]:
    rows = connection.execute(
        text(
            "SELECT n.nspname, s.relname FROM pg_class AS s"
            " JOIN pg_namespace AS n ON n.oid = s.relnamespace"
            " JOIN pg_depend AS d ON d.objid = s.oid AND d.deptype = 'i'"
            " JOIN pg_class AS t ON t.oid = d.refobjid"
            " WHERE s.relkind = 'S' AND n.nspname = :schema AND t.relname = ANY(:tables)"
        ),
        {"schema": target_schema, "tables": [name for _, name in _our_tables(target_schema)]},
    )
    return [(row[0], row[1]) for row in rows]


def _existing_public_roles(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)"),
        {"roles": list(PUBLIC_ROLES)},
    )
    return [row[0] for row in rows]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
