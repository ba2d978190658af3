"""order_statuses ← b_sale_status and its names."""

from dataclasses import dataclass

import pandas as pd

from bitrix_pipeline.model.columns import choice, computed, flag, integer, text
from bitrix_pipeline.model.expressions import CrmStatus, equals, has_text
from bitrix_pipeline.model.raw_values import Texts, texts
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Table, Type


@dataclass(frozen=True)
class StatusName:
    """The name in the shop's language, else in any, else the code."""

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("b_sale_status_lang.NAME", "b_sale_status.ID")

    def sql(self, shop: ShopFacts) -> str:
        code = shop.text("b_sale_status.ID")
        if not shop.has_table("b_sale_status_lang"):
            return code
        name, language = shop.text("b_sale_status_lang.NAME"), shop.text("b_sale_status_lang.LID")
        named = (
            f"(SELECT {name} FROM b_sale_status_lang"
            " WHERE b_sale_status_lang.STATUS_ID = b_sale_status.ID"
            f" AND {has_text(name)}"
            f" ORDER BY {equals(language, shop.language)} DESC, b_sale_status_lang.LID LIMIT 1)"
        )
        return f"COALESCE({named}, {code})"

    def values(self, rows: pd.DataFrame, _: ShopFacts) -> Texts:
        """No snapshot carries the statuses' names."""
        return texts(rows, "b_sale_status.ID")


ORDER_STATUSES = Table(
    name="order_statuses",
    description="The statuses that the shop's orders and deliveries can have.",
    key="b_sale_status.ID",
    has_text_key=True,
    rows=lambda _: "LENGTH(b_sale_status.ID) > 0",
    columns=(
        choice("type", "b_sale_status.TYPE", {"O": "order", "D": "delivery"}, "order or delivery."),
        computed("name", Type.TEXT, StatusName(), "What people read, in the shop's language."),
        integer("sort", "b_sale_status.SORT", "Smaller comes first."),
        text("color", "b_sale_status.COLOR", "In the shop's admin pages."),
        flag("is_customer_notified", "b_sale_status.NOTIFY", "Bitrix mails the buyer about it."),
        computed(
            "crm_status",
            Type.TEXT,
            CrmStatus("b_sale_status.ID", otherwise_itself=False),
            "The CRM's word for it, from the status mapping.",
        ),
    ),
)
