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

# Of a subquery with two rows, a value, a constraint, a view, a limit.
ROW_STATES = ("21", DATA_EXCEPTION, "23", "44", "54")

# The standard keeps the classes 0 to 4 and A to H, and Postgres has some of the others. What is left
# (P0001, PT400) was raised by a function.
RAISED_STATE = re.compile("(?![0-4A-H]|5[34578]|72|XX)")
QUOTED = re.compile('".*"', re.DOTALL)

# A line of CONTEXT that tells of a function, in any language. What follows a quote is a statement,
# or a value that COPY read.
FUNCTION = re.compile(r"^[^\"'\n]*(?:PL/\w+|SQL function)", re.MULTILINE)
PLACE = re.compile(r"^(?:PL/\w+|SQL) function .*", re.MULTILINE)

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
    if _is_aborted(error):
        return StatementAbortedError(f"{about}Postgres broke a statement off ({reason})")
    if _is_transient(error):
        return TransientError(f"{about}Postgres is away or did not answer in time ({reason})")
    if is_of_a_row(error):
        return RowRefusedError(f"{about}Postgres refuses a row ({reason})")
    if state in {"42P01", "3F000", "42703"}:
        return TargetError(
            f"{about}Postgres lacks a table or column ({reason}); run bitrix-pipeline migrate"
        )
    if state == "42501":
        return TargetError(
            f"{about}the account in POSTGRES_URL may not do this ({reason}); it must own the tables"
        )
    return TargetError(f"{about}Postgres refuses ({reason})")


def is_of_a_row(error: psycopg.Error) -> bool:
    """Whether one row may be guilty of it: its values, a constraint, a function of the CRM's.

    A function may fail for one row and not for the next, whatever it fails of.
    """
    state = error.sqlstate or ""
    if _is_aborted(error) or _is_transient(error):
        return False
    return state.startswith(ROW_STATES) or _is_said_by_a_function(error)


def _is_aborted(error: psycopg.Error) -> bool:
    return (error.sqlstate or "").startswith(ABORTED_STATES)


def _is_transient(error: psycopg.Error) -> bool:
    if not error.sqlstate:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(TRANSIENT_STATES)


def _is_said_by_a_function(error: psycopg.Error) -> bool:
    if error.sqlstate and RAISED_STATE.match(error.sqlstate):
        return True
    return FUNCTION.search(error.diag.context or "") is not None


def reason_of(error: psycopg.Error) -> str:
    """SQLSTATE and the message, which names columns and constraints, never values.

    A message about a malformed value quotes it, so what is quoted there is left out. What a
    function says may hold anything, so the place that said it is told instead.
    """
    state = error.sqlstate or ""
    message = error.diag.message_primary or type(error).__name__
    if _is_said_by_a_function(error):
        place = PLACE.search(error.diag.context or "")
        message = f"refused by {place[0] if place else 'a function'}"
    elif state.startswith(DATA_EXCEPTION):
        message = QUOTED.sub("…", message)
    return f"{state}: {message}" if state else message
