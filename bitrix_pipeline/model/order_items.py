"""order_items ← b_sale_basket. The same table holds open carts, which are not orders."""

from dataclasses import dataclass

import pandas as pd

from bitrix_pipeline.model.columns import (
    bitrix_id,
    computed,
    flag,
    instant,
    number,
    reference,
    text,
)
from bitrix_pipeline.model.raw_values import Texts, each, identifier_of, raw
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Table, Type


@dataclass(frozen=True)
class SetParent:
    """The line of the set that a line is part of, if that line is in the same order.

    Legacy rows name themselves or a line of another order.
    """

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("b_sale_basket.SET_PARENT_ID",)

    def sql(self, shop: ShopFacts) -> str:
        parent = shop.column("b_sale_basket.SET_PARENT_ID")
        return (
            f"IF({parent} > 0 AND {parent} <> b_sale_basket.ID,"
            f" (SELECT parent.ID FROM b_sale_basket AS parent WHERE parent.ID = {parent}"
            " AND parent.ORDER_ID = b_sale_basket.ORDER_ID), NULL)"
        )

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        """The rows hold whole baskets."""
        orders, ids, parents = (
            each(identifier_of, raw(rows, f"b_sale_basket.{name}"))
            for name in ("ORDER_ID", "ID", "SET_PARENT_ID")
        )
        lines = set(zip(orders, ids, strict=True))
        return each(
            lambda order, id_, parent: (
                parent if parent != id_ and (order, parent) in lines else None
            ),
            orders,
            ids,
            parents,
        )


ORDER_ITEMS = Table(
    name="order_items",
    description="The lines of the orders.",
    key="b_sale_basket.ID",
    rows=lambda _: "b_sale_basket.ORDER_ID > 0",
    kept_while_archived="order_id",
    also_reads=("b_sale_order_archive.ORDER_ID",),
    columns=(
        bitrix_id("bitrix_item_id", "b_sale_basket.ID"),
        reference("order_id", "b_sale_basket.ORDER_ID", "orders", "The order it belongs to."),
        reference(
            "product_id",
            "b_sale_basket.PRODUCT_ID",
            "products",
            "What was sold; NULL for a free-form line.",
        ),
        computed(
            "parent_item_id",
            Type.BIGINT,
            SetParent(),
            "The line of the set that it is part of. Sums count the set's line only.",
        ),
        text("name", "b_sale_basket.NAME", "As it was called when it was sold."),
        number("quantity", "b_sale_basket.QUANTITY", "May be fractional."),
        number("price", "b_sale_basket.PRICE", "For one, after discounts."),
        number("base_price", "b_sale_basket.BASE_PRICE", "For one, before discounts."),
        number("discount", "b_sale_basket.DISCOUNT_PRICE", "base_price less price."),
        number("vat_rate", "b_sale_basket.VAT_RATE", "A fraction: 0.2 is 20 %."),
        flag("is_vat_included", "b_sale_basket.VAT_INCLUDED", "The price includes VAT."),
        text("currency", "b_sale_basket.CURRENCY", "Of its sums."),
        number("weight", "b_sale_basket.WEIGHT", "Of one, in grams."),
        text("measure", "b_sale_basket.MEASURE_NAME", "The unit's name."),
        text("product_xml_id", "b_sale_basket.PRODUCT_XML_ID", "The product's ID in 1C."),
        text("xml_id", "b_sale_basket.XML_ID", "The line's ID in 1C or another outside system."),
        instant("created_at", "b_sale_basket.DATE_INSERT", "When it was put into the cart."),
        instant(
            "updated_at",
            "b_sale_basket.DATE_UPDATE",
            "When Bitrix last noted a change.",
        ),
    ),
)
