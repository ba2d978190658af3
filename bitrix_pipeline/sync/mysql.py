"""Connections to the shop's MySQL, and its errors in our terms."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from sqlalchemy.engine import URL, make_url

from bitrix_pipeline.errors import (
    PermanentError,
    SettingsError,
    SourceError,
    StatementAbortedError,
    TransientError,
)

CONNECT_DEADLINE_SECONDS = 10
GRACE_SECONDS = 5
"""MySQL's own deadline for a statement speaks first: its error tells a slow one from an outage."""

MARIADB_STATEMENT_TIMEOUT = 1969
MYSQL_STATEMENT_TIMEOUT = 3024
TRANSIENT = {
    CR.CR_CONN_HOST_ERROR,
    CR.CR_CONNECTION_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_UNKNOWN_HOST,
    ER.CON_COUNT_ERROR,
    ER.SERVER_SHUTDOWN,
    ER.TOO_MANY_USER_CONNECTIONS,
    ER.USER_LIMIT_REACHED,
}
ABORTED = {
    ER.LOCK_DEADLOCK,
    ER.LOCK_WAIT_TIMEOUT,
    ER.QUERY_INTERRUPTED,
    MARIADB_STATEMENT_TIMEOUT,
    MYSQL_STATEMENT_TIMEOUT,
}


def parse_mysql_url(url: str) -> URL:
    """The parts of a `mysql://user:password@host:port/database` URL.

    Raises SettingsError, without the URL's text: it holds the password.
    """
    try:
        parsed = make_url(url)
    except Exception:  # noqa: BLE001 - SQLAlchemy's message would repeat the password
        raise SettingsError(
            "BITRIX_MYSQL_URL cannot be read: write mysql://user:password@host:3306/database "
            "and percent-encode special characters of the password"
        ) from None
    if parsed.get_backend_name() not in {"mysql", "mariadb"} or not parsed.database:
        raise SettingsError(
            "BITRIX_MYSQL_URL must look like mysql://user:password@host:3306/database"
        )
    return parsed


def connect(url: str, *, deadline_seconds: int) -> "pymysql.Connection[Any]":
    """A connection in UTF-8 and UTC whose every read has a deadline.

    Raises TransientError when the server is away and SourceError when it refuses the account.
    """
    parsed = parse_mysql_url(url)
    with source_errors(), _setup_errors():
        connection = pymysql.connect(
            host=parsed.host or "127.0.0.1",
            port=parsed.port or 3306,
            user=parsed.username,
            password=parsed.password or "",
            database=parsed.database,
            unix_socket=_option(parsed, "unix_socket"),
            ssl_ca=_option(parsed, "ssl_ca"),
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_DEADLINE_SECONDS,
            read_timeout=deadline_seconds + GRACE_SECONDS,
            write_timeout=deadline_seconds + GRACE_SECONDS,
        )
        with connection.cursor() as cursor:
            # Bitrix itself works under sql_mode='': zero dates and 'cut' values are its normal case.
            cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")
    return connection


def _option(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if isinstance(value, str) else None


@contextmanager
def _setup_errors() -> Iterator[None]:
    """What goes wrong before the server is reached: a certificate that is not there, say."""
    try:
        yield
    except (FileNotFoundError, PermissionError, ssl.SSLError, RuntimeError) as error:
        raise SourceError(
            f"the connection to the shop's MySQL cannot be set up ({error})"
        ) from None


@contextmanager
def source_errors(table: str | None = None) -> Iterator[None]:
    """Raises PyMySQL's errors as ours, without values of the shop's data."""
    about = f"{table}: " if table else ""
    try:
        yield
    except (pymysql.err.MySQLError, TimeoutError, ConnectionError) as error:
        raise classified(error, about) from error


def classified(error: Exception, about: str = "") -> PermanentError | TransientError:
    """Our error for one of PyMySQL's."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else type(error).__name__
    is_cut_connection = isinstance(
        error, TimeoutError | ConnectionError | pymysql.err.InterfaceError
    )
    if code in ABORTED:
        return StatementAbortedError(f"{about}the shop's MySQL broke a query off ({text})")
    if code in TRANSIENT or is_cut_connection:
        return TransientError(f"{about}the shop's MySQL did not answer in time or is away ({text})")
    if code in {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR}:
        return SourceError(
            f"{about}the shop's MySQL refuses the account in BITRIX_MYSQL_URL ({text})"
        )
    if code in {ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR}:
        return SourceError(f"{about}the account may not read it; grant SELECT on the shop ({text})")
    return SourceError(f"{about}the shop's MySQL refuses a query, error {code} ({text})")
