"""Rows that only the target has: each needs one of the contract's reasons to be there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.contract import Table
from bitrix_pipeline.verify.sales import is_order_line
from bitrix_pipeline.verify.source import RawRow, Shop
from bitrix_pipeline.verify.values import number, text
from bitrix_pipeline.verify.verdict import Difference, Rules

FoundRow = Mapping[str, Any]

# A popular product is in many lines; this many products' lines are read at once.
_PRODUCTS_AT_ONCE = 500


class Reason(Enum):
    MADE_BY_CRM = auto()
    PLACEHOLDER = auto()
    ARCHIVED = auto()
    DELETED = auto()
    NONE = auto()


@dataclass(frozen=True)
class Stray:
    reason: Reason
    differences: tuple[Difference, ...]


class Strays:
    def __init__(self, *, shop: Shop, clock: Clock, rules: Rules, table: Table) -> None:
        self._shop = shop
        self._clock = clock
        self._rules = rules
        self._table = table

    def judge(self, rows: Sequence[FoundRow]) -> Iterator[Stray]:
        archive = self._archive(rows)
        lines = self._last_lines(rows)
        for row in rows:
            reason = self._reason(row, archive)
            wrong = [*self._wrong_links(row, reason), *self._wrong_marks(row, reason, archive)]
            if reason is Reason.PLACEHOLDER and row["id"] in lines:
                wrong += self._wrong_fill(row, lines[row["id"]])
            yield Stray(reason, tuple(wrong))

    def _archive(self, rows: Sequence[FoundRow]) -> Mapping[int, str | None]:
        """When the orders of these rows were archived, of those that are."""
        column = {"orders": "id", "order_items": "order_id"}.get(self._table.name)
        if column is None:
            return {}
        ids = sorted({row[column] for row in rows if row.get(column) is not None})
        archived = self._shop.archived(ids)
        instants = self._clock.read("b_sale_order_archive", "DATE_ARCHIVED", archived)
        return dict(zip((int(row["ORDER_ID"]) for row in archived), instants, strict=True))

    def _reason(self, row: FoundRow, archive: Mapping[int, str | None]) -> Reason:
        if row.get("is_placeholder"):
            return Reason.PLACEHOLDER
        if self._table.id_column is not None and row.get(self._table.id_column) is None:
            return Reason.MADE_BY_CRM
        if self._table.name == "orders" and row["id"] in archive:
            return Reason.ARCHIVED
        if row.get("deleted_at") is not None:
            return Reason.DELETED
        # Lines stay with their archived order.
        return Reason.ARCHIVED if row.get("order_id") in archive else Reason.NONE

    def _wrong_links(self, row: FoundRow, reason: Reason) -> Iterator[Difference]:
        """The Bitrix ID beside the id, and parents that are no rows."""
        id_column = self._table.id_column
        if id_column is not None and reason is not Reason.MADE_BY_CRM:
            yield from self._compare(row, id_column, row["id"])
        for column, parent in self._table.references.items():
            if column in row:
                yield from self._compare(row, f"{column} -> {parent}", row[column])

    def _wrong_marks(
        self, row: FoundRow, reason: Reason, archive: Mapping[int, str | None]
    ) -> Iterator[Difference]:
        if reason is Reason.PLACEHOLDER and row.get("deleted_at") is None:
            yield Difference(self._table.name, row["id"], "deleted_at", "a time", None)
        if reason is Reason.ARCHIVED:
            yield from self._compare(row, "deleted_at", None)
            if self._table.name == "orders":
                yield from self._compare(row, "archived_at", archive[row["id"]])

    def _last_lines(self, rows: Sequence[FoundRow]) -> Mapping[int, RawRow]:
        """The source line with the highest ID that names each of these placeholder products."""
        if self._table.name != "products" or not self._rules.compare_placeholders:
            return {}
        ids = [row["id"] for row in rows if row.get("is_placeholder")]
        columns = (
            "ID",
            "ORDER_ID",
            "PRODUCT_ID",
            "NAME",
            "PRODUCT_XML_ID",
            "CURRENCY",
            "BASE_PRICE",
        )
        last: dict[int, RawRow] = {}
        for start in range(0, len(ids), _PRODUCTS_AT_ONCE):
            some = ids[start : start + _PRODUCTS_AT_ONCE]
            for line in self._shop.matching("b_sale_basket", columns, key="PRODUCT_ID", ids=some):
                if is_order_line(line):
                    last[int(line["PRODUCT_ID"])] = line
        return last

    def _wrong_fill(self, row: FoundRow, line: RawRow) -> Iterator[Difference]:
        yield from self._compare(row, "name", text(line["NAME"]))
        yield from self._compare(row, "xml_id", text(line["PRODUCT_XML_ID"]))
        yield from self._compare(row, "currency", text(line["CURRENCY"]))
        yield from self._compare(row, "price", number(line["BASE_PRICE"]))

    def _compare(self, row: FoundRow, column: str, expected: object) -> Iterator[Difference]:
        found = row.get(column)
        if found != expected:
            yield Difference(self._table.name, row["id"], column, expected, found)
