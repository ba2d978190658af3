"""What one shop really has: its columns, its catalogs, its base price, its flagged properties.

Shops of 2015 and of 2026 differ in columns, types, charsets and engines, and an upgraded shop mixes
them, so nothing is assumed: `sync.shop` reads these facts anew for every sync.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SourceColumn:
    """One row of information_schema.columns."""

    type: str
    charset: str | None


@dataclass(frozen=True)
class Catalog:
    """An iblock that is sold from: products, or offers when it has a product iblock."""

    iblock_id: int
    version: int
    product_iblock_id: int
    sku_property_id: int

    @property
    def has_offers(self) -> bool:
        return self.product_iblock_id > 0 and self.sku_property_id > 0


@dataclass(frozen=True)
class ShopFacts:
    """Everything that the SQL for a shop depends on."""

    columns: Mapping[str, Mapping[str, SourceColumn]]
    engines: Mapping[str, str] = field(default_factory=dict)
    catalogs: tuple[Catalog, ...] = ()
    base_price_types: tuple[int, ...] = ()
    flagged_properties: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    status_mapping: Mapping[str, str] = field(default_factory=dict)
    language: str = "ru"
    is_mariadb: bool = False

    @property
    def catalog_ids(self) -> str:
        """The catalogs' iblock IDs for an SQL IN list."""
        return ", ".join(str(catalog.iblock_id) for catalog in self.catalogs) or "NULL"

    def has(self, column: str) -> bool:
        table, name = column.split(".")
        return name in self.columns.get(table, {})

    def has_table(self, table: str) -> bool:
        return table in self.columns

    def column(self, column: str) -> str:
        """The column, or NULL where this shop's version lacks it."""
        return column if self.has(column) else "NULL"

    def text(self, column: str) -> str:
        """The column as UTF-8 bytes.

        Concatenated with binary, MySQL passes a string's bytes on unconverted: right for utf8 of
        either kind, so only another charset (cp1251) needs a conversion.
        """
        if not self.has(column):
            return "NULL"
        table, name = column.split(".")
        charset = self.columns[table][name].charset
        if charset is None or charset.startswith("utf8") or charset == "ascii":
            return column
        return f"CONVERT({column} USING utf8mb4)"

    def is_instant(self, column: str) -> bool:
        """Whether MySQL stores the column as an instant (TIMESTAMP), not as a naive DATETIME."""
        table, name = column.split(".")
        return self.columns[table][name].type == "timestamp"
