"""The data model's rules for single values; each takes MySQL's own text, or None for NULL."""

from datetime import datetime
from decimal import Decimal


def text(raw: str | None) -> str | None:
    """Without NUL bytes; what is empty then is NULL. Nothing is trimmed: a blank is a text."""
    if raw is None:
        return None
    return raw.replace("\0", "") or None


def first_text(*raws: str | None) -> str | None:
    return next((value for value in map(text, raws) if value is not None), None)


def flag(raw: str | None) -> bool:
    return raw == "Y"


def number(raw: str | None) -> Decimal | None:
    return None if raw is None else Decimal(raw)


def integer(raw: str | None) -> int | None:
    return None if raw is None else int(raw)


def reference(raw: str | None) -> int | None:
    """A parent's ID; 0 means none. Property links come as decimals: '12.0000'."""
    return None if raw is None else int(Decimal(raw)) or None


def is_possible_time(raw: str) -> bool:
    """False for what no calendar has: year, month or day 0, a day that the month lacks."""
    try:
        datetime.fromisoformat(raw)
    except ValueError:
        return False
    return True


def latest(*instants: str | None) -> str | None:
    """The latest of those that are not NULL; instants as Postgres writes them in UTC."""
    given = [instant for instant in instants if instant is not None]
    # Longer years first: a sentinel in December 9999 can be year 10000 in UTC.
    return max(given, key=lambda instant: (instant.index("-"), instant), default=None)
