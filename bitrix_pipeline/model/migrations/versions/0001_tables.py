"""The tables of the contract, where a sync stands, and rows set aside."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

INSTANT = sa.DateTime(timezone=True)
CRM_IDS = sa.Identity(always=False, start=1_000_000_000)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    target: str = context.config.attributes["target_schema"]
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), CRM_IDS, nullable=False),
        sa.Column("bitrix_section_id", sa.BigInteger()),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("iblock_id", sa.Integer()),
        sa.Column("name", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("xml_id", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_visible", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sort", sa.Integer()),
        sa.Column("depth", sa.Integer()),
        sa.Column("updated_at", INSTANT),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            [f"{target}.categories.id"],
            name="categories_parent_id_fkey",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="categories_pkey"),
        sa.UniqueConstraint("bitrix_section_id", name="categories_bitrix_section_id_key"),
        schema=target,
    )
    op.create_index(
        "categories_parent_id_idx", "categories", ["parent_id"], unique=False, schema=target
    )
    op.create_table(
        "order_statuses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("sort", sa.Integer()),
        sa.Column("color", sa.Text()),
        sa.Column(
            "is_customer_notified", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("crm_status", sa.Text()),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="order_statuses_pkey"),
        schema=target,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), CRM_IDS, nullable=False),
        sa.Column("bitrix_user_id", sa.BigInteger()),
        sa.Column("login", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("first_name", sa.Text()),
        sa.Column("last_name", sa.Text()),
        sa.Column("middle_name", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("external_auth_id", sa.Text()),
        sa.Column("is_anonymous", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("site_id", sa.Text()),
        sa.Column("xml_id", sa.Text()),
        sa.Column("registered_at", INSTANT),
        sa.Column("updated_at", INSTANT),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.UniqueConstraint("bitrix_user_id", name="users_bitrix_user_id_key"),
        schema=target,
    )
    op.create_table(
        "set_aside",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_id"),
        schema="bitrix_pipeline",
    )
    op.create_table(
        "sync_state",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("watermark", sa.DateTime()),
        sa.Column("source_columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("synced_at", INSTANT, nullable=False),
        sa.Column("compared_at", INSTANT),
        sa.PrimaryKeyConstraint("table_name"),
        schema="bitrix_pipeline",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), CRM_IDS, nullable=False),
        sa.Column("bitrix_order_id", sa.BigInteger()),
        sa.Column("number", sa.Text()),
        sa.Column("site_id", sa.Text()),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("status", sa.Text()),
        sa.Column("bitrix_status", sa.Text()),
        sa.Column("is_paid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.Column("is_canceled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("canceled_at", INSTANT),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("is_shipped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("price", sa.Numeric()),
        sa.Column("delivery_price", sa.Numeric()),
        sa.Column("discount", sa.Numeric()),
        sa.Column("tax", sa.Numeric()),
        sa.Column("paid_sum", sa.Numeric()),
        sa.Column("currency", sa.Text()),
        sa.Column("contact_name", sa.Text()),
        sa.Column("contact_phone", sa.Text()),
        sa.Column("contact_email", sa.Text()),
        sa.Column(
            "properties", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("customer_comment", sa.Text()),
        sa.Column("manager_comment", sa.Text()),
        sa.Column("xml_id", sa.Text()),
        sa.Column("version", sa.Integer()),
        sa.Column("created_at", INSTANT),
        sa.Column("status_changed_at", INSTANT),
        sa.Column("updated_at", INSTANT),
        sa.Column("archived_at", INSTANT),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], [f"{target}.users.id"], name="orders_user_id_fkey", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="orders_pkey"),
        sa.UniqueConstraint("bitrix_order_id", name="orders_bitrix_order_id_key"),
        schema=target,
    )
    op.create_index("orders_status_idx", "orders", ["status"], unique=False, schema=target)
    op.create_index("orders_updated_at_idx", "orders", ["updated_at"], unique=False, schema=target)
    op.create_index("orders_user_id_idx", "orders", ["user_id"], unique=False, schema=target)
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), CRM_IDS, nullable=False),
        sa.Column("bitrix_product_id", sa.BigInteger()),
        sa.Column("iblock_id", sa.Integer()),
        sa.Column("category_id", sa.BigInteger()),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("kind", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("code", sa.Text()),
        sa.Column("xml_id", sa.Text()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_available", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("quantity", sa.Numeric()),
        sa.Column("reserved", sa.Numeric()),
        sa.Column("price", sa.Numeric()),
        sa.Column("currency", sa.Text()),
        sa.Column("weight", sa.Numeric()),
        sa.Column("updated_at", INSTANT),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"],
            [f"{target}.categories.id"],
            name="products_category_id_fkey",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            [f"{target}.products.id"],
            name="products_parent_id_fkey",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="products_pkey"),
        sa.UniqueConstraint("bitrix_product_id", name="products_bitrix_product_id_key"),
        schema=target,
    )
    op.create_index(
        "products_category_id_idx", "products", ["category_id"], unique=False, schema=target
    )
    op.create_index(
        "products_parent_id_idx", "products", ["parent_id"], unique=False, schema=target
    )
    op.create_table(
        "order_items",
        sa.Column("id", sa.BigInteger(), CRM_IDS, nullable=False),
        sa.Column("bitrix_item_id", sa.BigInteger()),
        sa.Column("order_id", sa.BigInteger()),
        sa.Column("product_id", sa.BigInteger()),
        sa.Column("parent_item_id", sa.BigInteger()),
        sa.Column("name", sa.Text()),
        sa.Column("quantity", sa.Numeric()),
        sa.Column("price", sa.Numeric()),
        sa.Column("base_price", sa.Numeric()),
        sa.Column("discount", sa.Numeric()),
        sa.Column("vat_rate", sa.Numeric()),
        sa.Column("is_vat_included", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.Text()),
        sa.Column("weight", sa.Numeric()),
        sa.Column("measure", sa.Text()),
        sa.Column("product_xml_id", sa.Text()),
        sa.Column("xml_id", sa.Text()),
        sa.Column("created_at", INSTANT),
        sa.Column("updated_at", INSTANT),
        sa.Column("source_hash", sa.BigInteger()),
        sa.Column("synced_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("is_placeholder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], [f"{target}.orders.id"], name="order_items_order_id_fkey", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            [f"{target}.products.id"],
            name="order_items_product_id_fkey",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="order_items_pkey"),
        sa.UniqueConstraint("bitrix_item_id", name="order_items_bitrix_item_id_key"),
        schema=target,
    )
    op.create_index(
        "order_items_order_id_idx", "order_items", ["order_id"], unique=False, schema=target
    )
    op.create_index(
        "order_items_product_id_idx", "order_items", ["product_id"], unique=False, schema=target
    )


def downgrade() -> None:
    target: str = context.config.attributes["target_schema"]
    for table in ("order_items", "orders", "products", "categories", "users", "order_statuses"):
        op.drop_table(table, schema=target)
    for table in ("set_aside", "sync_state"):
        op.drop_table(table, schema="bitrix_pipeline")
