"""Each table declared once; everything else is derived from these declarations."""

from bitrix_pipeline.model.categories import CATEGORIES
from bitrix_pipeline.model.order_items import ORDER_ITEMS
from bitrix_pipeline.model.order_statuses import ORDER_STATUSES
from bitrix_pipeline.model.orders import ORDERS
from bitrix_pipeline.model.products import PRODUCTS
from bitrix_pipeline.model.table import Column, Table, Type
from bitrix_pipeline.model.users import USERS

TABLES: tuple[Table, ...] = (ORDER_STATUSES, USERS, CATEGORIES, PRODUCTS, ORDERS, ORDER_ITEMS)
"""In the order in which they are loaded: what is referred to comes before what refers to it."""


def table_named(name: str) -> Table:
    """The declaration of a table. Raises KeyError with the known names."""
    for table in TABLES:
        if table.name == name:
            return table
    raise KeyError(f"no table {name!r}; there are {', '.join(t.name for t in TABLES)}")


__all__ = ["TABLES", "Column", "Table", "Type", "table_named"]
