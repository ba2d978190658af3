"""Raw values of a webhook's snapshot, read as MySQL itself would give them.

A frame of raw rows has a column for each source column, named `table.COLUMN` as in the declarations;
one that the snapshot lacks is NULL. What belongs to a row in any number is one column with the source
table's name, whose cells are lists of raw rows.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

Texts = pd.Series
"""Of one target column: `str` as MySQL gives it, or None for NULL."""

WHOLE = re.compile(r"(-?\d{1,40})(?:\.0*)?", re.ASCII)
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?=[ T]|$)", re.ASCII)
OFFSET = re.compile(r"(?<=\d)(Z|[+-]\d\d(:?\d\d)?)$")
IN_UTC = re.compile(r"Z|[+-]00(:?00)?")


def raw(rows: pd.DataFrame, column: str) -> pd.Series:
    """The raw values of a source column."""
    if column in rows.columns:
        return rows[column]
    return pd.Series([None] * len(rows), index=rows.index, dtype=object)


def each(function: Callable[..., str | None], *columns: pd.Series) -> Texts:
    """The function of each row's values; always of dtype object, so that None stays None."""
    values = [function(*row) for row in zip(*columns, strict=True)]
    return pd.Series(values, index=columns[0].index, dtype=object)


def texts(rows: pd.DataFrame, column: str) -> Texts:
    return each(text_of, raw(rows, column))


def text_of(value: Any) -> str | None:
    """A boolean is the 'Y' or 'N' that Bitrix keeps."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return None if value is None else str(value)


def number_of(value: Any) -> str | None:
    """The digits as they came, never through a float."""
    return text_of(int(value) if isinstance(value, bool) else value)


def identifier_of(value: Any) -> str | None:
    """0 means none. A property links by decimals: '12.0000'."""
    digits = number_of(value)
    found = WHOLE.fullmatch(digits or "0")
    if found is None:
        return digits  # Postgres refuses it by name.
    return str(int(found[1])) if int(found[1]) else None


def is_filled(value: str | None) -> bool:
    """Not empty once the NUL bytes, which Postgres cannot hold, are gone."""
    return value is not None and value.replace("\0", "") != ""


def moment_of(value: Any) -> str | None:
    """A time as MySQL writes it, or in ISO 8601; NULL for what no calendar has.

    With an offset it is an instant, which is put in UTC; without one it is in the shop's zone.
    """
    given = text_of(value) or ""
    found = DATE.match(given)
    if found is None:
        return given or None  # Postgres refuses it by name.
    if not is_date(*map(int, found.groups())):
        return None
    given = given.replace("T", " ", 1)
    offset = OFFSET.search(given) if len(given) > len("2024-01-01") else None
    if offset is None:
        return given
    if IN_UTC.fullmatch(offset[0]):
        return f"{given[: offset.start()]}+00"
    try:
        in_utc = datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError):
        return given
    return f"{in_utc.replace(tzinfo=None).isoformat(' ')}+00"


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def array_element(value: str) -> str:
    """Quoted for a Postgres array."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def by_id(rows: Any) -> list[Mapping[str, Any]]:
    """A cell's raw rows in the order of their IDs."""
    return sorted(rows or [], key=lambda row: int(row["ID"]))
