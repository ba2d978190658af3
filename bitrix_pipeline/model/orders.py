"""orders ← b_sale_order, with the order's own properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bitrix_pipeline.model.columns import (
    bitrix_id,
    computed,
    crm_status,
    flag,
    instant,
    integer,
    number,
    reference,
    text,
)
from bitrix_pipeline.model.expressions import CrmStatus, has_text, of_lowest
from bitrix_pipeline.model.raw_values import (
    Texts,
    array_element,
    by_id,
    each,
    is_filled,
    raw,
    text_of,
)
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Column, Table, Type

if TYPE_CHECKING:
    import pandas as pd


VALUES = "b_sale_order_props_value"


@dataclass(frozen=True)
class ContactProperty:
    """The value of the property that carries a flag (IS_PAYER, IS_PHONE, IS_EMAIL).

    Property codes differ from shop to shop; the flags are what Bitrix itself goes by.
    """

    flag: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (f"{VALUES}.VALUE", f"b_sale_order_props.{self.flag}")

    def sql(self, shop: ShopFacts) -> str:
        flagged = shop.flagged_properties.get(self.flag, ())
        if not flagged or not shop.has(f"{VALUES}.ORDER_PROPS_ID"):
            return "NULL"
        value = shop.text(f"{VALUES}.VALUE")
        return (
            f"(SELECT {of_lowest(f'{VALUES}.ID', value)} FROM {VALUES} WHERE {_own_values(shop)}"
            f" AND {VALUES}.ORDER_PROPS_ID IN ({', '.join(map(str, flagged))})"
            f" AND {has_text(value)})"
        )

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(self._first, raw(rows, VALUES))

    def _first(self, properties: Any) -> str | None:
        flagged = (
            value for row, value in _filled(properties) if text_of(row.get(self.flag)) == "Y"
        )
        return next(flagged, None)


@dataclass(frozen=True)
class OrderProperties:
    """All of an order's own property values as a Postgres text array of keys and values.

    In the order of their IDs, because jsonb_object keeps the last of equal keys.
    """

    @property
    def inputs(self) -> tuple[str, ...]:
        return (f"{VALUES}.CODE", f"{VALUES}.ORDER_PROPS_ID", f"{VALUES}.VALUE")

    def sql(self, shop: ShopFacts) -> str:
        code, value = shop.text(f"{VALUES}.CODE"), shop.text(f"{VALUES}.VALUE")
        key = f"IF({has_text(code)}, {code}, {shop.column(f'{VALUES}.ORDER_PROPS_ID')})"
        pair = f"CONCAT({_array_element(key)}, ',', {_array_element(value)})"
        return (
            f"(SELECT CONCAT('{{', GROUP_CONCAT({pair} ORDER BY {VALUES}.ID SEPARATOR ','), '}}')"
            f" FROM {VALUES} WHERE {_own_values(shop)}"
            f" AND {has_text(value)} AND {has_text(key)})"
        )

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        return each(self._pairs, raw(rows, VALUES))

    def _pairs(self, properties: Any) -> str | None:
        pairs = [
            f"{array_element(key)},{array_element(value)}"
            for row, value in _filled(properties)
            if (key := _key(row)) is not None
        ]
        return "{" + ",".join(pairs) + "}" if pairs else None


def _filled(properties: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The order's own property values that are not empty, by their IDs."""
    for row in by_id(properties):
        value = text_of(row.get("VALUE"))
        if value is not None and is_filled(value) and row.get("ENTITY_TYPE", "ORDER") == "ORDER":
            yield row, value


def _key(row: Mapping[str, Any]) -> str | None:
    code = text_of(row.get("CODE"))
    return code if is_filled(code) else text_of(row.get("ORDER_PROPS_ID"))


def _own_values(shop: ShopFacts) -> str:
    """Since 2019 the table also holds the values of shipments."""
    own = f"{VALUES}.ORDER_ID = b_sale_order.ID"
    if shop.has(f"{VALUES}.ENTITY_TYPE"):
        own += f" AND {VALUES}.ENTITY_TYPE = 'ORDER'"
    return own


def _array_element(sql: str) -> str:
    escaped = f"REPLACE(REPLACE(CAST({sql} AS BINARY), x'5C', x'5C5C'), x'22', x'5C22')"
    return f"CONCAT('\"', {escaped}, '\"')"


ORDERS = Table(
    name="orders",
    description="Every order of the shop, with what the buyer left in its form.",
    key="b_sale_order.ID",
    changed_at="b_sale_order.DATE_UPDATE",
    kept_while_archived="id",
    also_reads=("b_sale_order_archive.ORDER_ID", "b_sale_order_archive.DATE_ARCHIVED"),
    columns=(
        bitrix_id("bitrix_order_id", "b_sale_order.ID"),
        text("number", "b_sale_order.ACCOUNT_NUMBER", "The number shown to people."),
        text("site_id", "b_sale_order.LID", "The site it was placed on."),
        reference("user_id", "b_sale_order.USER_ID", "users", "The buyer; guests may share one."),
        crm_status(
            "status",
            CrmStatus("b_sale_order.STATUS_ID", "b_sale_order.CANCELED"),
            "The CRM's own word. Written by a sync only when Bitrix's own status changed.",
            unless=("bitrix_status", "is_canceled"),
        ),
        text("bitrix_status", "b_sale_order.STATUS_ID", "Bitrix's status code."),
        flag("is_paid", "b_sale_order.PAYED", "Paid in full."),
        instant("paid_at", "b_sale_order.DATE_PAYED", "When it was paid, or last un-paid."),
        flag("is_canceled", "b_sale_order.CANCELED", "Canceled, whatever the status says."),
        instant("canceled_at", "b_sale_order.DATE_CANCELED", "When that last changed."),
        text("cancel_reason", "b_sale_order.REASON_CANCELED", "Why, as typed."),
        flag("is_shipped", "b_sale_order.DEDUCTED", "All of it has left the stock."),
        number("price", "b_sale_order.PRICE", "The total, delivery included."),
        number("delivery_price", "b_sale_order.PRICE_DELIVERY", "The delivery's part of it."),
        number("discount", "b_sale_order.DISCOUNT_VALUE", "Taken off the whole order."),
        number("tax", "b_sale_order.TAX_VALUE", "Tax in the total."),
        number("paid_sum", "b_sale_order.SUM_PAID", "Paid so far."),
        text("currency", "b_sale_order.CURRENCY", "Of all its sums."),
        computed(
            "contact_name",
            Type.TEXT,
            ContactProperty("IS_PAYER"),
            "The payer's name from the order's form.",
            personal=True,
        ),
        computed(
            "contact_phone",
            Type.TEXT,
            ContactProperty("IS_PHONE"),
            "The phone from the order's form.",
            personal=True,
        ),
        computed(
            "contact_email",
            Type.TEXT,
            ContactProperty("IS_EMAIL"),
            "The e-mail address from the order's form.",
            personal=True,
        ),
        Column(
            "properties",
            Type.JSON,
            OrderProperties(),
            "All that the order's form holds: code (or property ID) → value.",
            is_personal=True,
            arrives_as="text[]",
            finished_by="COALESCE(jsonb_object({}), '{{}}'::jsonb)",
        ),
        text("customer_comment", "b_sale_order.USER_DESCRIPTION", "From the buyer.", personal=True),
        text("manager_comment", "b_sale_order.COMMENTS", "From the shop.", personal=True),
        text("xml_id", "b_sale_order.XML_ID", "The ID in 1C or another outside system."),
        integer("version", "b_sale_order.VERSION", "Grows by one with every changed save."),
        instant("created_at", "b_sale_order.DATE_INSERT", "When it was placed."),
        instant("status_changed_at", "b_sale_order.DATE_STATUS", "When the status last changed."),
        instant(
            "updated_at",
            "b_sale_order.DATE_UPDATE",
            "When Bitrix last noted a change.",
            indexed=True,
        ),
    ),
    extra_columns=(
        ("archived_at", Type.INSTANT, "When Bitrix moved it to its archive; it is not deleted."),
    ),
)
