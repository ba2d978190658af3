"""The tables that other programs read in Postgres: columns, kinds and references."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What a column holds."""

    KEY = auto()
    NUMBER = auto()
    FLAG = auto()
    INSTANT = auto()
    JSON = auto()
    TEXT = auto()
    INTEGER = auto()


# As Postgres' format_type writes them. Texts and integers are told by their values alone.
REQUIRED_TYPES = {
    Kind.KEY: "bigint",
    Kind.NUMBER: "numeric",
    Kind.FLAG: "boolean",
    Kind.INSTANT: "timestamp with time zone",
    Kind.JSON: "jsonb",
}


@dataclass(frozen=True)
class Table:
    name: str
    id_column: str | None
    """Holds the Bitrix ID too; NULL in the CRM's own rows. None: the table has no such column."""
    columns: Mapping[str, Kind]
    references: Mapping[str, str] = field(default_factory=dict)
    """Columns whose value must be the id of a row of the table named."""


def _kinds(**columns: str) -> dict[str, Kind]:
    """`number="price tax"` → {"price": Kind.NUMBER, "tax": Kind.NUMBER}."""
    return {
        column: Kind[kind.upper()] for kind, names in columns.items() for column in names.split()
    }


USERS = Table(
    name="users",
    id_column="bitrix_user_id",
    columns=_kinds(
        key="id bitrix_user_id",
        text="login email first_name last_name middle_name phone external_auth_id site_id xml_id",
        flag="is_active is_blocked is_anonymous",
        instant="registered_at updated_at",
    ),
)

CATEGORIES = Table(
    name="categories",
    id_column="bitrix_section_id",
    columns=_kinds(
        key="id bitrix_section_id parent_id",
        integer="iblock_id sort depth",
        text="name code xml_id",
        flag="is_active is_visible",
        instant="updated_at",
    ),
    references={"parent_id": "categories"},
)

PRODUCTS = Table(
    name="products",
    id_column="bitrix_product_id",
    columns=_kinds(
        key="id bitrix_product_id category_id parent_id",
        integer="iblock_id",
        text="kind name code xml_id currency",
        flag="is_active is_available",
        number="quantity reserved price weight",
        instant="updated_at",
    ),
    references={"category_id": "categories", "parent_id": "products"},
)

ORDERS = Table(
    name="orders",
    id_column="bitrix_order_id",
    columns=_kinds(
        key="id bitrix_order_id user_id",
        integer="version",
        text="number site_id status bitrix_status cancel_reason currency contact_name "
        "contact_phone contact_email customer_comment manager_comment xml_id",
        flag="is_paid is_canceled is_shipped",
        number="price delivery_price discount tax paid_sum",
        instant="paid_at canceled_at created_at status_changed_at updated_at archived_at",
        json="properties",
    ),
    references={"user_id": "users"},
)

ORDER_ITEMS = Table(
    name="order_items",
    id_column="bitrix_item_id",
    columns=_kinds(
        key="id bitrix_item_id order_id product_id parent_item_id",
        text="name currency measure product_xml_id xml_id",
        flag="is_vat_included",
        number="quantity price base_price discount vat_rate weight",
        instant="created_at updated_at",
    ),
    references={"order_id": "orders", "product_id": "products"},
)

ORDER_STATUSES = Table(
    name="order_statuses",
    id_column=None,
    columns=_kinds(
        text="id type name color crm_status",
        integer="sort",
        flag="is_customer_notified",
    ),
)

TABLES = {
    table.name: table
    for table in (USERS, CATEGORIES, PRODUCTS, ORDERS, ORDER_ITEMS, ORDER_STATUSES)
}

BOOKKEEPING = _kinds(key="source_hash", flag="is_placeholder", instant="deleted_at synced_at")
