"""orders, their lines and the statuses; open carts are no orders."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.expected import ExpectedRow
from bitrix_pipeline.verify.source import RawRow, Shop
from bitrix_pipeline.verify.values import flag, integer, number, reference, text
from bitrix_pipeline.verify.verdict import Rules

STATUS_TYPES = {"O": "order", "D": "delivery"}

# Column of the contract → the flag on the property that fills it.
CONTACT_FLAGS = {
    "contact_name": "IS_PAYER",
    "contact_phone": "IS_PHONE",
    "contact_email": "IS_EMAIL",
}


class Orders:
    source_table: ClassVar[str] = "b_sale_order"
    source_columns: ClassVar[tuple[str, ...]] = (
        "ID",
        "ACCOUNT_NUMBER",
        "LID",
        "USER_ID",
        "STATUS_ID",
        "PAYED",
        "DATE_PAYED",
        "CANCELED",
        "DATE_CANCELED",
        "REASON_CANCELED",
        "DEDUCTED",
        "PRICE",
        "PRICE_DELIVERY",
        "DISCOUNT_VALUE",
        "TAX_VALUE",
        "SUM_PAID",
        "CURRENCY",
        "USER_DESCRIPTION",
        "COMMENTS",
        "XML_ID",
        "VERSION",
        "DATE_INSERT",
        "DATE_STATUS",
        "DATE_UPDATE",
    )
    _times: ClassVar[Mapping[str, str]] = {
        "paid_at": "DATE_PAYED",
        "canceled_at": "DATE_CANCELED",
        "created_at": "DATE_INSERT",
        "status_changed_at": "DATE_STATUS",
        "updated_at": "DATE_UPDATE",
    }

    def __init__(self, *, shop: Shop, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._status_mapping = rules.status_mapping
        self._properties = OrderProperties(shop)

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        properties = self._properties.of([int(row["ID"]) for row in page])
        times = [
            self._clock.read(self.source_table, column, page) for column in self._times.values()
        ]
        for row, *instants in zip(page, *times, strict=True):
            yield {
                **_order_columns(row),
                **_order_sums(row),
                **properties[row["ID"]],
                **dict(zip(self._times, instants, strict=True)),
                "status": self._status(row),
                # Only orders that left b_sale_order are archived.
                "archived_at": None,
            }

    def _status(self, row: RawRow) -> str | None:
        """The CRM's word; the Bitrix code itself where the mapping has none."""
        if flag(row["CANCELED"]):
            return "canceled"
        code = text(row["STATUS_ID"])
        return self._status_mapping.get(code or "", code)


def _order_columns(row: RawRow) -> ExpectedRow:
    return {
        "id": int(row["ID"]),
        "number": text(row["ACCOUNT_NUMBER"]),
        "site_id": text(row["LID"]),
        "user_id": reference(row["USER_ID"]),
        "bitrix_status": text(row["STATUS_ID"]),
        "is_paid": flag(row["PAYED"]),
        "is_canceled": flag(row["CANCELED"]),
        "cancel_reason": text(row["REASON_CANCELED"]),
        "is_shipped": flag(row["DEDUCTED"]),
        "customer_comment": text(row["USER_DESCRIPTION"]),
        "manager_comment": text(row["COMMENTS"]),
        "xml_id": text(row["XML_ID"]),
        "version": integer(row["VERSION"]),
    }


def _order_sums(row: RawRow) -> ExpectedRow:
    return {
        "price": number(row["PRICE"]),
        "delivery_price": number(row["PRICE_DELIVERY"]),
        "discount": number(row["DISCOUNT_VALUE"]),
        "tax": number(row["TAX_VALUE"]),
        "paid_sum": number(row["SUM_PAID"]),
        "currency": text(row["CURRENCY"]),
    }


class OrderProperties:
    """The buyer's fields of an order: `properties` and the three contacts picked from them."""

    _columns: ClassVar = ("ID", "ORDER_ID", "ORDER_PROPS_ID", "CODE", "VALUE", "ENTITY_TYPE")

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._has_owner = "ENTITY_TYPE" in shop.column_types("b_sale_order_props_value")
        flags = shop.everything("b_sale_order_props", ("ID", *CONTACT_FLAGS.values()))
        self._flagged = {
            contact: frozenset(row["ID"] for row in flags if flag(row[flag_column]))
            for contact, flag_column in CONTACT_FLAGS.items()
        }

    def of(self, order_ids: Sequence[int]) -> Mapping[str, ExpectedRow]:
        values: defaultdict[str, list[RawRow]] = defaultdict(list)
        for row in self._shop.matching(
            "b_sale_order_props_value", self._columns, key="ORDER_ID", ids=order_ids
        ):
            # Before shipments had values of their own there was no such column.
            if not self._has_owner or row["ENTITY_TYPE"] == "ORDER":
                values[row["ORDER_ID"]].append(row)
        return {str(order): self._columns_of(values[str(order)]) for order in order_ids}

    def _columns_of(self, values: Sequence[RawRow]) -> ExpectedRow:
        """`values` come by ascending ID: the last of equal keys wins, the first of contacts."""
        properties: dict[str, str] = {}
        contacts: dict[str, str | None] = dict.fromkeys(CONTACT_FLAGS)
        for row in values:
            value = text(row["VALUE"])
            if value is None:
                continue
            key = text(row["CODE"]) or row["ORDER_PROPS_ID"]
            if key is not None:
                properties[key] = value
            for contact, flagged in self._flagged.items():
                if contacts[contact] is None and row["ORDER_PROPS_ID"] in flagged:
                    contacts[contact] = value
        return {"properties": properties, **contacts}


class OrderItems:
    source_table: ClassVar[str] = "b_sale_basket"
    source_columns: ClassVar[tuple[str, ...]] = (
        "ID",
        "ORDER_ID",
        "PRODUCT_ID",
        "SET_PARENT_ID",
        "NAME",
        "QUANTITY",
        "PRICE",
        "BASE_PRICE",
        "DISCOUNT_PRICE",
        "VAT_RATE",
        "VAT_INCLUDED",
        "CURRENCY",
        "WEIGHT",
        "MEASURE_NAME",
        "PRODUCT_XML_ID",
        "XML_ID",
        "DATE_INSERT",
        "DATE_UPDATE",
    )

    def __init__(self, *, shop: Shop, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        lines = [row for row in page if is_order_line(row)]
        order_of = self._orders_of_parents(lines)
        created = self._clock.read(self.source_table, "DATE_INSERT", lines)
        updated = self._clock.read(self.source_table, "DATE_UPDATE", lines)
        for row, created_at, updated_at in zip(lines, created, updated, strict=True):
            yield {
                "id": int(row["ID"]),
                "order_id": int(row["ORDER_ID"]),
                "product_id": reference(row["PRODUCT_ID"]),
                "parent_item_id": _parent_item(row, order_of),
                "name": text(row["NAME"]),
                "quantity": number(row["QUANTITY"]),
                "price": number(row["PRICE"]),
                "base_price": number(row["BASE_PRICE"]),
                "discount": number(row["DISCOUNT_PRICE"]),
                "vat_rate": number(row["VAT_RATE"]),
                "is_vat_included": flag(row["VAT_INCLUDED"]),
                "currency": text(row["CURRENCY"]),
                "weight": number(row["WEIGHT"]),
                "measure": text(row["MEASURE_NAME"]),
                "product_xml_id": text(row["PRODUCT_XML_ID"]),
                "xml_id": text(row["XML_ID"]),
                "created_at": created_at,
                "updated_at": updated_at,
            }

    def _orders_of_parents(self, lines: Sequence[RawRow]) -> Mapping[str, str | None]:
        """The order that each set's line named as a parent is in."""
        ids = sorted({int(row["SET_PARENT_ID"]) for row in lines if row["SET_PARENT_ID"]})
        rows = self._shop.matching("b_sale_basket", ("ID", "ORDER_ID"), key="ID", ids=ids)
        return {row["ID"]: row["ORDER_ID"] for row in rows}


def is_order_line(row: RawRow) -> bool:
    return row["ORDER_ID"] is not None and int(row["ORDER_ID"]) > 0


def _parent_item(row: RawRow, order_of: Mapping[str, str | None]) -> int | None:
    parent = row["SET_PARENT_ID"]
    if parent is None or int(parent) <= 0 or parent == row["ID"]:
        return None
    return int(parent) if order_of.get(parent) == row["ORDER_ID"] else None


class OrderStatuses:
    source_table: ClassVar[str] = "b_sale_status"
    source_columns: ClassVar[tuple[str, ...]] = ("ID", "TYPE", "SORT", "COLOR", "NOTIFY")

    def __init__(self, *, shop: Shop, rules: Rules) -> None:
        self._status_mapping = rules.status_mapping
        self._language = rules.shop_language
        self._names: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in shop.everything("b_sale_status_lang", ("STATUS_ID", "LID", "NAME")):
            name = text(row["NAME"])
            if name is not None:
                self._names[row["STATUS_ID"]][row["LID"]] = name

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        for row in page:
            yield {
                "id": row["ID"],
                "type": STATUS_TYPES.get(row["TYPE"]),
                "name": self._name(row["ID"]),
                "sort": integer(row["SORT"]),
                "color": text(row["COLOR"]),
                "is_customer_notified": flag(row["NOTIFY"]),
                "crm_status": self._status_mapping.get(row["ID"]),
            }

    def _name(self, status: str) -> str:
        """In the shop's language, else in the first other one by its code, else the status."""
        names = self._names[status]
        return names.get(self._language) or (names[min(names)] if names else status)
