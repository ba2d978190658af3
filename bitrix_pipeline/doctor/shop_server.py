"""The MySQL server itself: its kind and version, what it lets through, whether it is a replica."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

from bitrix_pipeline.doctor.clocks import spoken
from bitrix_pipeline.doctor.finding import Finding, note, ok, problem, warning
from bitrix_pipeline.doctor.shop import TOPIC, Shop
from bitrix_pipeline.sync.snapshot import BLOCK_BYTES

# The first that can be given a deadline for a query (max_statement_time, max_execution_time).
OLDEST = {"MariaDB": (10, 1, 1), "MySQL": (5, 7, 8)}

MEBIBYTE = 1024 * 1024

SMALLEST_PACKET = MEBIBYTE
"""A row of a Bitrix table, with its longest texts, still fits."""

TOLERATED_LAG = timedelta(minutes=1)


def check_version(shop: Shop) -> Iterator[Finding]:
    text = str(shop.value("SELECT VERSION()"))
    kind = "MariaDB" if "MariaDB" in text else "MySQL"
    version = version_of(text)
    if version < OLDEST[kind]:
        oldest = ".".join(map(str, OLDEST[kind]))
        yield problem(
            TOPIC,
            f"The server is {kind} {'.'.join(map(str, version))}, and the oldest that a sync can "
            f"work with is {oldest}.",
            f"Let the shop move to a newer {kind}; Bitrix itself asks for one.",
        )
    else:
        yield ok(TOPIC, f"The server is {kind} {'.'.join(map(str, version))}.")


def version_of(text: str) -> tuple[int, ...]:
    """The numbers in the answer to VERSION(); MariaDB may put an old MySQL's before its own."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)-MariaDB", text) or re.match(
        r"(\d+)\.(\d+)\.(\d+)", text
    )
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def check_sql_mode(shop: Shop) -> Iterator[Finding]:
    server, ours = shop.row("SELECT @@global.sql_mode, @@session.sql_mode")
    if ours:
        yield warning(
            TOPIC,
            f"Sessions cannot set sql_mode to '' and have {ours}.",
            "Look for a proxy or an init_connect that sets it again.",
        )
    else:
        modes = str(server).replace(",", ", ") or "''"
        yield ok(TOPIC, f"The server's sql_mode is {modes}; a sync's own is '', as Bitrix's.")


def check_packet(shop: Shop) -> Iterator[Finding]:
    packet = int(shop.value("SELECT @@max_allowed_packet"))
    found = f"max_allowed_packet is {packet / MEBIBYTE:g} MiB"
    advice = "Set max_allowed_packet=64M in the server's configuration."
    if packet < SMALLEST_PACKET:
        yield warning(TOPIC, f"{found}: rows with long texts do not get through.", advice)
    elif packet < BLOCK_BYTES:
        yield note(TOPIC, f"{found}: rows travel in smaller blocks, which is slower.", advice)
    else:
        yield ok(TOPIC, f"{found}.")


def check_replication(shop: Shop) -> Iterator[Finding]:
    states = shop.status("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
    if states is None:
        if str(shop.value("SELECT @@global.read_only")) not in {"0", "OFF"}:
            yield note(
                TOPIC,
                "The server is read-only, so probably a replica, and the account may not ask how "
                "far it is behind.",
                "Grant it REPLICATION CLIENT (MariaDB from 10.5: REPLICA MONITOR) on *.*.",
            )
        return
    for state in states:
        # MySQL says Source where MariaDB says Master.
        lag = state.get("Seconds_Behind_Source", state.get("Seconds_Behind_Master"))
        yield from judge_lag(None if lag is None else timedelta(seconds=int(lag)))


def judge_lag(lag: timedelta | None) -> Iterator[Finding]:
    """`None` is what a replica says that does not replicate."""
    if lag is None:
        yield problem(
            TOPIC,
            "The server is a replica whose replication stands still, so no news arrives.",
            "See SHOW REPLICA STATUS for the reason, or read from the primary server.",
        )
    elif lag > TOLERATED_LAG:
        yield warning(
            TOPIC,
            f"The server is a replica and {spoken(lag)} behind.",
            "Changes arrive late by that much; look at the replica's load.",
        )
    else:
        yield ok(TOPIC, f"The server is a replica and {spoken(lag)} behind.")


CHECKS: tuple[Callable[[Shop], Iterator[Finding]], ...] = (
    check_version,
    check_sql_mode,
    check_packet,
    check_replication,
)
