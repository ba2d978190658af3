"""How one target column is computed: inside MySQL, and from the raw rows of a webhook's snapshot.

Each expression renders itself as SQL that yields text as Postgres COPY understands it, or NULL.
It asks `ShopFacts` what this shop really has: a column that a version lacks renders as NULL.
Beside its SQL it gives the same texts for a frame of raw rows, as `raw_values` describes it.
Columns are written `table.COLUMN`, with the table's own name, never an alias, so that an expression
reads the same in the declaration, in the SQL and in the column lineage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from bitrix_pipeline.model.raw_values import (
    Texts,
    array_element,
    each,
    identifier_of,
    is_filled,
    moment_of,
    number_of,
    raw,
    text_of,
    texts,
)
from bitrix_pipeline.model.shop_facts import ShopFacts

TRUE, FALSE = "'t'", "'f'"


class Expression(Protocol):
    """A column's source."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The source columns it reads, as `table.COLUMN`: the column lineage."""
        ...

    def sql(self, shop: ShopFacts) -> str:
        """MySQL SQL giving the value as text or NULL."""
        ...

    def values(self, rows: pd.DataFrame, shop: ShopFacts, /) -> Texts:
        """The same text, or None, for each of these raw rows."""
        ...


@dataclass(frozen=True)
class Text:
    """A string as it is; a zero-length one becomes NULL when it is loaded."""

    column: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return shop.text(self.column)

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return texts(rows, self.column)


@dataclass(frozen=True)
class FirstText:
    """The first of several strings that is not empty."""

    columns: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.columns

    def sql(self, shop: ShopFacts) -> str:
        texts = [shop.text(column) for column in self.columns]
        choices = " ".join(f"WHEN {has_text(text)} THEN {text}" for text in texts)
        return f"CASE {choices} END"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        found = (texts(rows, column) for column in self.columns)
        return each(lambda *row: next(filter(is_filled, row), None), *found)


@dataclass(frozen=True)
class Number:
    """A number in MySQL's own decimal text: never through a float."""

    column: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return shop.column(self.column)

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(number_of, raw(rows, self.column))


@dataclass(frozen=True)
class Identifier:
    """A reference to another row; 0 means none."""

    column: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return f"NULLIF({shop.column(self.column)}, 0)"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(identifier_of, raw(rows, self.column))


@dataclass(frozen=True)
class Flag:
    """True for exactly 'Y': MySQL's own comparison would take 'y' as well."""

    column: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return f"IF({equals(shop.text(self.column), 'Y')}, {TRUE}, {FALSE})"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return _truths(texts(rows, self.column) == "Y")


@dataclass(frozen=True)
class TextIs:
    """True when a string is exactly this one."""

    column: str
    value: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return f"IF({equals(shop.text(self.column), self.value)}, {TRUE}, {FALSE})"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return _truths(texts(rows, self.column) == self.value)


@dataclass(frozen=True)
class Choice:
    """A code put into words; a code without a word gives NULL."""

    column: str
    words: tuple[tuple[str, str], ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return _choose(shop.text(self.column), dict(self.words), otherwise="NULL")

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(dict(self.words).get, texts(rows, self.column))


@dataclass(frozen=True)
class Instant:
    """A time. DATETIME is naive, in the shop's zone; TIMESTAMP is an instant, read in UTC."""

    column: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.column,)

    def sql(self, shop: ShopFacts) -> str:
        return _instant(shop, self.column)

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(moment_of, raw(rows, self.column))


@dataclass(frozen=True)
class Latest:
    """All of several times, as a Postgres array for Postgres to choose from.

    It alone knows the shop's zone, and so which is the latest of a DATETIME and a TIMESTAMP.
    """

    columns: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.columns

    def sql(self, shop: ShopFacts) -> str:
        times = ", ".join(f"CONCAT('\"', {_instant(shop, c)}, '\"')" for c in self.columns)
        return f"CONCAT('{{', CONCAT_WS(',', {times}), '}}')"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        times = (each(moment_of, raw(rows, column)) for column in self.columns)
        return each(lambda *row: "{" + ",".join(array_element(t) for t in row if t) + "}", *times)


@dataclass(frozen=True)
class CrmStatus:
    """The CRM's word for a Bitrix status; a status that the mapping lacks stays itself."""

    status: str
    canceled: str | None = None
    otherwise_itself: bool = True

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.status, self.canceled) if self.canceled else (self.status,)

    def sql(self, shop: ShopFacts) -> str:
        status = shop.text(self.status)
        word = _choose(
            status, shop.status_mapping, otherwise=status if self.otherwise_itself else "NULL"
        )
        if self.canceled is None:
            return word
        canceled = equals(shop.text(self.canceled), "Y")
        return f"IF({canceled}, {literal('canceled')}, {word})"

    def values(self, rows: pd.DataFrame, shop: ShopFacts) -> Texts:
        canceled = raw(rows, self.canceled) if self.canceled else raw(rows, "")
        return each(
            lambda status, flag: self._word(status, text_of(flag), shop.status_mapping),
            texts(rows, self.status),
            canceled,
        )

    def _word(
        self, status: str | None, canceled: str | None, mapping: Mapping[str, str]
    ) -> str | None:
        if canceled == "Y":
            return "canceled"
        otherwise = status if self.otherwise_itself else None
        return otherwise if status is None else mapping.get(status, otherwise)


def _truths(is_true: "pd.Series[bool]") -> Texts:
    return each(lambda found: "t" if found else "f", is_true)


def literal(value: str) -> str:
    """A string as a hexadecimal MySQL literal: needs no escaping under any sql_mode."""
    return f"CAST(x'{value.encode().hex()}' AS BINARY)"


def equals(sql: str, value: str) -> str:
    """Byte for byte: MySQL's collations ignore case and trailing spaces."""
    return f"CAST({sql} AS BINARY) = {literal(value)}"


def has_text(sql: str) -> str:
    """Not empty once the NUL bytes, which Postgres cannot hold, are gone."""
    return f"LENGTH(REPLACE(CAST({sql} AS BINARY), x'00', '')) > 0"


def of_lowest(row_id: str, value: str) -> str:
    """Aggregate: the value of the row with the lowest ID.

    ORDER BY … LIMIT 1 says the same, but lets MySQL walk the whole primary key for every row
    outside instead of taking the index that leads to the few rows in question.
    """
    return f"SUBSTR(MIN(CONCAT(LPAD({row_id}, 20, '0'), CAST({value} AS BINARY))), 21)"


def _choose(sql: str, words: Mapping[str, str], *, otherwise: str) -> str:
    if not words:
        return otherwise
    branches = " ".join(
        f"WHEN {equals(sql, code)} THEN {literal(word)}" for code, word in words.items()
    )
    return f"CASE {branches} ELSE {otherwise} END"


def _instant(shop: ShopFacts, column: str) -> str:
    """NULL for what is no date: zero, '2024-00-10', '2024-02-31', the year 0."""
    time = shop.column(column)
    if time == "NULL":
        return "NULL"
    is_date = f"DAYOFMONTH({time}) BETWEEN 1 AND DAYOFMONTH(LAST_DAY({time}))"
    text = f"CONCAT({time}, '+00')" if shop.is_instant(column) else time
    return f"IF({is_date} AND {time} >= '0001-01-01', {text}, NULL)"
