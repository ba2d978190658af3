"""Turns: advisory locks that end with the transaction, so that they also work behind a pooler."""

from time import monotonic, sleep

from bitrix_pipeline.sync.postgres import Connection

SECONDS_BETWEEN_ASKING = 0.2


def take_turn(connection: Connection, name: str, *, seconds: float) -> bool:
    """Holds the turn until the transaction ends; false when others did not end theirs in time.

    Asks again and again instead of waiting in Postgres, so that every statement stays short.
    """
    give_up = monotonic() + seconds
    while not _is_given(connection, name):
        if monotonic() > give_up:
            return False
        sleep(SECONDS_BETWEEN_ASKING)
    return True


def _is_given(connection: Connection, name: str) -> bool:
    row = connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (name,)
    ).fetchone()
    return bool(row and row[0])
