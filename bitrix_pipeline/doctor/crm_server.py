"""The Postgres server itself: its version, its clock and zones, and what stands before it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bitrix_pipeline.doctor.clocks import compare_clocks, offset
from bitrix_pipeline.doctor.crm import TOPIC, Crm
from bitrix_pipeline.doctor.finding import Finding, note, ok, problem, warning

OLDEST, NEWEST = 15, 18

SUPABASE_TRANSACTION_PORT = 6543

ENCODING = "UTF8"


def check_version(crm: Crm) -> Iterator[Finding]:
    yield judge_version(int(crm.value("SELECT current_setting('server_version_num')")) // 10_000)


def judge_version(major: int) -> Finding:
    if major < OLDEST:
        return problem(
            TOPIC,
            f"The server is Postgres {major}; {OLDEST} is the oldest that is supported.",
            f"Move to Postgres {OLDEST} or later.",
        )
    if major > NEWEST:
        return note(
            TOPIC,
            f"The server is Postgres {major}; {NEWEST} is the newest that was tested.",
            "Look for a newer version of this program.",
        )
    return ok(TOPIC, f"The server is Postgres {major}.")


def check_encoding(crm: Crm) -> Iterator[Finding]:
    encoding = str(crm.value("SELECT current_setting('server_encoding')"))
    if encoding == ENCODING:
        yield ok(TOPIC, "The database holds UTF-8.")
    else:
        yield problem(
            TOPIC,
            f"The database's encoding is {encoding}, which cannot hold every text of the shop.",
            "Make a database with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
        )


def check_writable(crm: Crm) -> Iterator[Finding]:
    if crm.value("SELECT current_setting('transaction_read_only')::bool"):
        yield problem(
            TOPIC,
            "The server takes no writes: it is a standby, or its sessions are read-only.",
            "Name the primary server in POSTGRES_URL; look at default_transaction_read_only.",
        )


def check_clock(crm: Crm) -> Iterator[Finding]:
    asked = datetime.now(UTC)
    said = crm.value("SELECT clock_timestamp()").astimezone(UTC)
    yield compare_clocks(TOPIC, "Postgres", asked=asked, said=said, answered=datetime.now(UTC))


def check_zone(crm: Crm) -> Iterator[Finding]:
    """Postgres turns the shop's times into instants, by its own knowledge of zones."""
    zone = crm.settings.shop_timezone
    known = crm.value("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)", zone)
    if not known:
        yield problem(
            TOPIC,
            f"Postgres does not know the zone {zone} of SHOP_TIMEZONE.",
            "Write the zone's usual name (Europe/Moscow), or update tzdata on the server.",
        )
        return
    now = datetime.now(UTC).replace(microsecond=0)
    theirs = int(
        crm.value(
            "SELECT extract(epoch FROM %s::timestamptz AT TIME ZONE %s"
            " - %s::timestamptz AT TIME ZONE 'UTC')::int",
            now,
            zone,
            now,
        )
    )
    ours = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    yield judge_zone(zone, theirs=theirs, ours=int(ours.total_seconds()))


def judge_zone(zone: str, *, theirs: int, ours: int) -> Finding:
    if theirs == ours:
        return ok(TOPIC, f"Postgres knows the zone {zone}, at present {offset(ours)}.")
    return warning(
        TOPIC,
        f"In {zone} it is {offset(theirs)} for Postgres and {offset(ours)} for this machine.",
        "Update tzdata on the one that is out of date.",
    )


def check_pooler(crm: Crm) -> Iterator[Finding]:
    """Two clients that take turns on one server process are behind a transaction pooler."""
    if crm.port == SUPABASE_TRANSACTION_PORT or _shares_a_process(crm):
        yield note(
            TOPIC,
            f"Port {crm.port} is a transaction pooler's, which is supported.",
            "A direct connection, or a pooler in session mode, holds out longer in the first load.",
        )
    else:
        yield ok(TOPIC, "The connection is a direct one, or its pooler keeps sessions apart.")


def _shares_a_process(crm: Crm) -> bool:
    ours = crm.value("SELECT pg_backend_pid()")
    with closing(crm.another()) as another, another.transaction():
        row = another.execute("SELECT pg_backend_pid()").fetchone()
        return row is not None and row[0] == ours


CHECKS: tuple[Callable[[Crm], Iterator[Finding]], ...] = (
    check_version,
    check_encoding,
    check_writable,
    check_clock,
    check_zone,
    check_pooler,
)
