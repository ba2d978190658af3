"""Events as the PHP module in a shop would send them: raw rows under Bitrix's own names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pymysql
from pymysql.converters import encoders
from shop_and_crm import Crm, Shop

from bitrix_pipeline.inbox.event import Event, read_event
from bitrix_pipeline.inbox.from_snapshots import apply_snapshots
from bitrix_pipeline.sync.result import SyncResult
from bitrix_pipeline.sync.settings import SyncSettings

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
CREDENTIALS = ("PASSWORD", "CHECKWORD", "STORED_HASH", "CONFIRM_CODE")

Row = dict[str, Any]


def sent(kind: str, id_: int, *, at: int, **data: object) -> Event:
    """An event as it comes out of its JSON; `at` orders the events, two of them in a second."""
    happened = NOON + timedelta(seconds=at // 2)
    body = {
        "type": kind,
        "timestamp": happened.isoformat(),
        "data": {"id": id_, "sequence": at, "origin": "site", **data},
    }
    return read_event(json.dumps(body, ensure_ascii=False).encode())


def apply(crm: Crm, settings: SyncSettings, *events: Event) -> dict[str, SyncResult]:
    return apply_snapshots(events, postgres_url=crm.url, settings=settings, seal=lambda _: None)


def live_rows(crm: Crm, table: str) -> dict[int, Row]:
    """What the source has, by ID, without when it was written."""
    return {id_: row for id_, row in all_rows(crm, table).items() if row["source_hash"]}


def all_rows(crm: Crm, table: str) -> dict[int, Row]:
    """Placeholders and deleted rows as well, without the sync's own times."""
    marks = "jsonb_build_object('is_deleted', deleted_at IS NOT NULL)"
    query = f"SELECT id, to_jsonb(t) - 'synced_at' - 'deleted_at' || {marks} FROM {table} AS t"
    return dict(crm.rows(query))


def forget_applied(crm: Crm) -> None:
    """Between the examples of one test."""
    crm.run("TRUNCATE bitrix_pipeline.inbox_applied")


@dataclass
class Sender:
    """Reads a shop's rows as PHP's mysqli does, which gets all values as text."""

    shop: Shop
    numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        of = self.shop.connection
        self._connection = pymysql.connect(
            host=of.host, port=of.port, user="root", database=self.shop.database,
            charset="utf8mb4", conv=dict(encoders), autocommit=True, init_command="SET time_zone = '+00:00'",
        )  # fmt: skip
        self._types: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        self._connection.close()

    def saved(self, kind: str, id_: int) -> Event:
        parts = getattr(self, f"_{kind}")(id_)
        return sent(f"{kind}.saved", id_, at=next(self.numbers), **parts)

    def everything(self) -> Iterator[Event]:
        """All that is ours: drafts and the news' sections are not."""
        yield from (self.saved("user", id_) for id_ in self._ids("b_user"))
        ours = "IBLOCK_ID IN (SELECT IBLOCK_ID FROM b_catalog_iblock)"
        yield from (self.saved("category", i) for i in self._ids("b_iblock_section", ours))
        yield from (self.saved("product", i) for i in self._ids("b_iblock_element", ours))
        yield from (self.saved("order", id_) for id_ in self._ids("b_sale_order"))

    def _order(self, id_: int) -> Row:
        order = self._row("b_sale_order", "ID = %s", id_)
        basket = self._rows("b_sale_basket", "ORDER_ID = %s", id_)
        products = dict.fromkeys(line["PRODUCT_ID"] for line in basket)
        found = [self._element(int(product)) for product in products]
        return {
            "order": order,
            "basket": basket,
            "properties": [self._flagged(row) for row in self._values(id_)],
            "user": self._buyer(order["USER_ID"]),
            "products": [row for row in found if row and self._is_ours(row)],
        }

    def _user(self, id_: int) -> Row:
        return {"user": self._buyer(id_)}

    def _category(self, id_: int) -> Row:
        return {"category": self._row("b_iblock_section", "ID = %s", id_)}

    def _product(self, id_: int) -> Row:
        return {"product": self._element(id_)}

    def _buyer(self, id_: object) -> Row | None:
        user = self._row("b_user", "ID = %s", id_)
        return user and {k: v for k, v in user.items() if k not in CREDENTIALS}

    def _values(self, order: int) -> list[Row]:
        return self._rows("b_sale_order_props_value", "ORDER_ID = %s", order)

    def _flagged(self, value: Row) -> Row:
        flags = self._row("b_sale_order_props", "ID = %s", value["ORDER_PROPS_ID"]) or {}
        names = ("IS_PAYER", "IS_PHONE", "IS_EMAIL")
        return value | {name: flags.get(name) for name in names}

    def _is_ours(self, element: Row) -> bool:
        return bool(self._rows("b_catalog_iblock", "IBLOCK_ID = %s", element["IBLOCK_ID"]))

    def _element(self, id_: int) -> Row | None:
        element = self._row("b_iblock_element", "ID = %s", id_)
        return element and element | {
            "catalog": self._row("b_catalog_product", "ID = %s", id_),
            "price": self._row(
                "b_catalog_price",
                "PRODUCT_ID = %s AND QUANTITY_FROM IS NULL AND QUANTITY_TO IS NULL"
                " AND CATALOG_GROUP_ID IN (SELECT ID FROM b_catalog_group WHERE BASE = 'Y')"
                " ORDER BY ID LIMIT 1",
                id_,
            ),
            "parent_id": self._parent(id_, element["IBLOCK_ID"]),
        }

    def _parent(self, id_: int, iblock: str) -> Any:
        """As CCatalogSku::GetProductInfo finds it."""
        catalog = self._row("b_catalog_iblock", "IBLOCK_ID = %s AND SKU_PROPERTY_ID > 0", iblock)
        if catalog is None:
            return None
        link = catalog["SKU_PROPERTY_ID"]
        if (self._row("b_iblock", "ID = %s", iblock) or {})["VERSION"] == "2":
            row = self._row(f"b_iblock_element_prop_s{iblock}", "IBLOCK_ELEMENT_ID = %s", id_)
            return row and row[f"PROPERTY_{link}"]
        row = self._row(
            "b_iblock_element_property",
            "IBLOCK_ELEMENT_ID = %s AND IBLOCK_PROPERTY_ID = %s AND VALUE_NUM IS NOT NULL"
            " ORDER BY ID LIMIT 1",
            id_,
            link,
        )
        return row and row["VALUE_NUM"]

    def _ids(self, table: str, where: str = "TRUE") -> list[int]:
        return [int(row["ID"]) for row in self._rows(table, where)]

    def _row(self, table: str, where: str, *values: object) -> Any:
        rows = self._rows(table, where, *values)
        return rows[0] if rows else None

    def _rows(self, table: str, where: str, *values: object) -> list[Row]:
        types = self._columns(table)
        with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {where}", values or None)
            return [
                {name: self._raw(types[name], value) for name, value in row.items()}
                for row in cursor.fetchall()
            ]

    def _raw(self, type_: str, value: Any) -> Any:
        """A TIMESTAMP is an instant and is sent with its offset."""
        value = value.decode() if isinstance(value, bytes) else value
        return f"{value}+00:00" if type_ == "timestamp" and value else value

    def _columns(self, table: str) -> dict[str, str]:
        if table not in self._types:
            with self._connection.cursor() as cursor:
                cursor.execute(
                    "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.columns"
                    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
                    (table,),
                )
                self._types[table] = {str(name): str(kind) for name, kind in cursor.fetchall()}
        return self._types[table]


@contextmanager
def sender_of(shop: Shop) -> Iterator[Sender]:
    sender = Sender(shop)
    yield sender
    sender.close()


def differences(expected: dict[int, Row], found: dict[int, Row]) -> list[object]:
    """Rows that only one side has, and cells that are not the same."""
    alone: list[object] = [(id_, "only here") for id_ in expected.keys() ^ found.keys()]
    return alone + [
        (id_, name, value, found[id_][name])
        for id_, row in expected.items()
        if id_ in found
        for name, value in row.items()
        if found[id_][name] != value
    ]


ORDER, LINE, BUYER, PRODUCT = 71, 710, 5, 31


def line(id_: int = LINE, **values: object) -> Row:
    return {"ID": id_, "ORDER_ID": ORDER, "PRODUCT_ID": PRODUCT, "NAME": "Роза", **values}


def order(*lines: Row, at: int = 1, **values: object) -> Event:
    row = {"ID": ORDER, "USER_ID": BUYER, "STATUS_ID": "N", "VERSION": at, **values}
    return sent("order.saved", ORDER, at=at, order=row, basket=list(lines), properties=[])


def user(name: str, at: int, **values: object) -> Event:
    row = {"ID": BUYER, "NAME": name, **values}
    return sent("user.saved", BUYER, at=at, user=row)


def order_with_user(name: str, at: int, **values: object) -> Event:
    event = order(at=at)
    rider = {"ID": BUYER, "NAME": name, **values}
    return event.model_copy(update={"data": event.data.model_copy(update={"user": rider})})
