"""Connections to Postgres, and its errors in our terms.

Everything here also works behind a transaction pooler: no prepared statements, no session settings,
transaction-level advisory locks only.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bitrix_pipeline.errors import (
    PipelineError,
    RowRefusedError,
    StatementAbortedError,
    TargetError,
    TransientError,
)
from bitrix_pipeline.model.migrate import sqlalchemy_url
from bitrix_pipeline.sync.watched_connection import WatchedConnection

CONNECT_DEADLINE_SECONDS = 10
KEEPALIVE_SECONDS = 30

# SQLSTATE classes: transaction rollback, a statement canceled, and a lock not had in time.
ABORTED_STATES = ("40", "57014", "55P03")

# Connection, resources, operator intervention.
TRANSIENT_STATES = ("08", "53", "57")

DATA_EXCEPTION = "22"

# Of a value, a constraint, a limit, a trigger that raises.
ROW_STATES = (DATA_EXCEPTION, "23", "54", "P0001")
QUOTED = re.compile('".*"', re.DOTALL)

REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "not permitted")

Connection = psycopg.Connection[tuple[Any, ...]]

GRACE_SECONDS = 15
"""Postgres' own statement_timeout speaks first: its error is the clearer one."""


def connect(postgres_url: str, *, deadline_seconds: int = 300) -> WatchedConnection:
    """A connection in autocommit mode, whose every answer has a deadline.

    Transactions are begun explicitly.

    Raises TransientError when Postgres is away and TargetError when it refuses the account.
    """
    url = make_url(sqlalchemy_url(postgres_url)).set(drivername="postgresql")
    with connection_errors():
        connection = WatchedConnection.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_DEADLINE_SECONDS,
            keepalives_idle=KEEPALIVE_SECONDS,
            application_name="bitrix_pipeline",
        )
    connection.watch(deadline_seconds + GRACE_SECONDS)
    return connection


@contextmanager
def connection_errors() -> Iterator[None]:
    """A refused connection has no SQLSTATE, only libpq's words, which hold no password."""
    try:
        yield
    except psycopg.Error as error:
        words = str(error).strip().splitlines()[-1]
        if any(refusal in words for refusal in REFUSALS):
            raise TargetError(
                f"Postgres refuses the account or database in POSTGRES_URL ({words})"
            ) from None
        raise TransientError(f"Postgres is away ({words})") from None


@contextmanager
def target_errors(table: str | None = None) -> Iterator[None]:
    """Raises psycopg's errors as ours, without DETAIL and CONTEXT: those hold customers' data."""
    about = f"{table}: " if table else ""
    try:
        yield
    except psycopg.Error as error:
        raise classified(error, about) from None


def classified(error: psycopg.Error, about: str = "") -> PipelineError:
    """Our error for one of psycopg's."""
    reason = reason_of(error)
    state = error.sqlstate or ""
    if state.startswith(ABORTED_STATES):
        return StatementAbortedError(f"{about}Postgres broke a statement off ({reason})")
    if state.startswith(TRANSIENT_STATES) or (
        not state and isinstance(error, psycopg.OperationalError)
    ):
        return TransientError(f"{about}Postgres is away or did not answer in time ({reason})")
    if state in {"42P01", "3F000", "42703"}:
        return TargetError(
            f"{about}Postgres lacks a table or column ({reason}); run bitrix-pipeline migrate"
        )
    if state == "42501":
        return TargetError(
            f"{about}the account in POSTGRES_URL may not do this ({reason}); it must own the tables"
        )
    if state.startswith(ROW_STATES):
        return RowRefusedError(f"{about}Postgres refuses a row ({reason})")
    return TargetError(f"{about}Postgres refuses ({reason})")


def reason_of(error: psycopg.Error) -> str:
    """SQLSTATE and the message, which names columns and constraints, never values.

    A message about a malformed value quotes it, so what is quoted there is left out. What a
    trigger says may hold anything, so the place that said it is told instead.
    """
    message = error.diag.message_primary or type(error).__name__
    place = (error.diag.context or "").split("\n")[0]
    if place.endswith("at RAISE"):
        message = f"refused by {place}"
    elif (error.sqlstate or "").startswith(DATA_EXCEPTION):
        message = QUOTED.sub("…", message)
    return f"{error.sqlstate}: {message}" if error.sqlstate else message
