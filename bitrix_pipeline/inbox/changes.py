"""What an event says of each row: saved as it stands in the snapshot, gone, or archived.

A snapshot of an order also carries its buyer and what its lines name: news of these as well.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from typing import Any

from bitrix_pipeline.inbox.errors import EventError
from bitrix_pipeline.inbox.event import ENTITIES, KNOWN_TYPES, LARGEST_ID, Event
from bitrix_pipeline.inbox.moment import Moment
from bitrix_pipeline.model import Table, table_named
from bitrix_pipeline.model.orders import VALUES
from bitrix_pipeline.model.raw_values import moment_of, number_of

FIRST_MOMENT = datetime(1998, 1, 1, tzinfo=UTC)
"""Before there was Bitrix; a timestamp below is a fault that would order events wrongly."""

CLOCKS_DIFFER = timedelta(days=1)
"""An event further in the future than this would make all news to come stale."""

VALUE_COLUMNS = (
    "ID", "CODE", "ORDER_PROPS_ID", "VALUE", "ENTITY_TYPE", "IS_PAYER", "IS_PHONE", "IS_EMAIL",
)  # fmt: skip

DRAFT_COLUMNS = ("WF_STATUS_ID", "WF_PARENT_ELEMENT_ID")
"""Of b_iblock_element: they tell a workflow's draft."""

ID = re.compile(r"[1-9][0-9]{0,9}")

VERSION = re.compile(r"[0-9]{1,9}", re.ASCII)

RawRow = Mapping[str, Any]


class Kind(IntEnum):
    """What became of a row; of what happened at one moment the last of these counts."""

    SAVED = 0
    ARCHIVED = 1
    GONE = 2


@dataclass(frozen=True)
class Change:
    """News of one row."""

    table: str
    id: int
    kind: Kind
    told_at: Moment
    """The event's moment, which other events may share."""
    rides: bool = False
    """It came in the snapshot of something else."""
    row: RawRow = field(default_factory=dict)
    """Its raw values by source column, as `model.raw_values` describes them."""
    lines: tuple[RawRow, ...] = ()
    """The same of an order's lines."""

    @cached_property
    def happened(self) -> Moment:
        """Ties are broken by what became of the row, by what it tells of its age, then anyhow."""
        version = number_of(self._raw("version")[0]) or ""
        time = max(moment_of(value) or "" for value in self._raw("updated_at"))
        comes = "along" if self.rides else "by itself"
        content = json.dumps([self.row, self.lines], sort_keys=True, default=str)
        digest = hashlib.sha256(content.encode()).hexdigest()
        tie = f"{self.kind} {time:<29} {comes} {digest}"
        return replace(self.told_at, tie=tie, version=int(version) if is_version(version) else 0)

    @classmethod
    def noted_ending(cls, table: str, id_: int, happened: Moment) -> "Change":
        """What became of a row, by the moment that `happened` made of it then."""
        return cls(table, id_, Kind(int(happened.tie[0])), happened)

    def _raw(self, column: str) -> list[Any]:
        """What the row's column is made of."""
        found = (c for c in table_named(self.table).columns if c.name == column)
        return [self.row.get(name) for c in found for name in c.source.inputs] or [None]


def is_version(digits: str) -> bool:
    return VERSION.fullmatch(digits) is not None


def changes_of(event: Event) -> list[Change]:
    """What the event says; nothing where its type is not known.

    Raises EventError when the snapshot lacks what the type needs, or contradicts itself.
    """
    if event.type not in KNOWN_TYPES:
        return []
    reader = _Reader(event)
    entity, verb = event.type.split(".")
    match verb:
        case "saved":
            return list(reader.saved(entity))
        case "archived":
            return [Change(ENTITIES[entity], event.data.id, Kind.ARCHIVED, reader.told_at)]
        case _:
            return [Change(ENTITIES[entity], event.data.id, Kind.GONE, reader.told_at)]


class _Reader:
    """Reads one event's snapshot; all that it complains of names the event."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._data = event.data
        self.told_at = self._moment()

    def saved(self, entity: str) -> Iterator[Change]:
        needed = ("order", "basket", "properties") if entity == "order" else (entity,)
        lacking = [name for name in needed if getattr(self._data, name) is None]
        if lacking:
            raise self._error(
                f"carries no {', '.join(lacking)}: without BITRIX_MYSQL_URL the snapshot is needed"
            )
        changes = [*self._order(), *self._others()]
        for change in changes:
            if change.table == ENTITIES[entity] and change.id == self._data.id:
                yield change
                break
        else:
            raise self._error(f"carries the {entity} of another ID")
        yield from (self._riding(other) for other in changes if other is not change)

    def _order(self) -> Iterator[Change]:
        """Of orders only the one that the event is about can be told of in full."""
        order, id_ = self._data.order, self._data.id
        if order is None or self._event.entity != "orders":
            return
        if self._id(order, "order") != id_:
            raise self._error("carries the order of another ID")
        cells = self._cells(table_named("orders"), b_sale_order=order)
        cells[VALUES] = [self._value(row) for row in self._data.properties or ()]
        lines = tuple(self._lines(self._data.basket or ()))
        yield Change("orders", id_, Kind.SAVED, self.told_at, row=cells, lines=lines)

    def _lines(self, basket: Sequence[RawRow]) -> Iterator[RawRow]:
        for line in basket:
            self._id(line, "basket")
            order = line.get("ORDER_ID", self._data.id)
            if str(order or 0) == "0":
                continue  # An open cart's.
            if str(order) != str(self._data.id):
                raise self._error("carries a basket line of another order")
            whole = {**line, "ORDER_ID": order}
            yield self._cells(table_named("order_items"), b_sale_basket=whole)

    def _value(self, row: RawRow) -> RawRow:
        self._id(row, "properties")
        found = {name: row[name] for name in VALUE_COLUMNS if name in row}
        self._require_plain(found, "properties")
        return found

    def _others(self) -> Iterator[Change]:
        data = self._data
        if data.user is not None:
            yield self._saved("users", data.user, b_user=data.user)
        if data.category is not None:
            yield self._saved("categories", data.category, b_iblock_section=data.category)
        for product in (*(data.products or ()), *([data.product] if data.product else ())):
            yield self._product(product)

    def _product(self, product: RawRow) -> Change:
        """A workflow's draft, or an old version, is no row of ours."""
        status, original = (product.get(name) for name in DRAFT_COLUMNS)
        is_published = status is None or str(status) == "1"
        is_draft = not is_published or original is not None
        change = self._saved(
            "products",
            product,
            b_iblock_element=product,
            b_catalog_product=self._nested(product, "catalog"),
            b_catalog_price=self._nested(product, "price"),
            b_iblock_element_property={"VALUE_NUM": product.get("parent_id")},
        )
        return Change("products", change.id, Kind.GONE, self.told_at) if is_draft else change

    def _nested(self, product: RawRow, name: str) -> RawRow:
        """PHP writes an empty row as an empty list."""
        row = product.get(name) or {}
        if not isinstance(row, dict):
            raise self._error(f"carries a product whose {name} is no row")
        return row

    def _saved(self, table: str, row: RawRow, **sources: RawRow) -> Change:
        id_ = self._id(row, table)
        cells = self._cells(table_named(table), **sources)
        return Change(table, id_, Kind.SAVED, self.told_at, row=cells)

    def _cells(self, table: Table, **sources: RawRow) -> dict[str, Any]:
        """What is declared of these rows and nothing else: no credential gets further than here."""
        cells = {
            column: sources[source].get(name)
            for column in table.source_columns
            for source, name in [column.split(".")]
            if source in sources
        }
        self._require_plain(cells, table.name)
        return cells

    def _require_plain(self, cells: RawRow, what: str) -> None:
        strange = [n for n, value in cells.items() if isinstance(value, list | dict)]
        if strange:
            raise self._error(f"carries a list where a value belongs: {strange[0]} of {what}")

    def _id(self, row: RawRow, what: str) -> int:
        value = row.get("ID")
        digits = str(value) if isinstance(value, int | str) else ""
        if not ID.fullmatch(digits) or int(digits) > LARGEST_ID:
            raise self._error(f"carries a row of {what} without an ID")
        return int(digits)

    def _riding(self, change: Change) -> Change:
        return replace(change, rides=True, lines=())

    def _moment(self) -> Moment:
        timestamp = self._event.timestamp
        if timestamp is None:
            raise self._error("has no timestamp, so nobody knows whether it is stale")
        if not FIRST_MOMENT <= timestamp <= datetime.now(UTC) + CLOCKS_DIFFER:
            raise self._error("has a timestamp that cannot be: look at the sender's clock")
        return Moment(0, timestamp, self._data.sequence or 0)

    def _error(self, complaint: str) -> EventError:
        return EventError(f"{self._event.type} of {self._data.id} {complaint}")
