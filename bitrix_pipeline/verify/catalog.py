"""categories and products: sections and elements of the iblocks that are catalogs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.expected import ExpectedRow
from bitrix_pipeline.verify.source import RawRow, Shop
from bitrix_pipeline.verify.values import flag, integer, latest, number, reference, text

PRODUCT_KINDS = {
    "1": "simple",
    "2": "set",
    "3": "sku_parent",
    "4": "offer",
    "5": "free_offer",
    "6": "empty_sku_parent",
    "7": "service",
}

_NO_ROW: RawRow = dict.fromkeys(
    ("TYPE", "AVAILABLE", "QUANTITY", "QUANTITY_RESERVED", "WEIGHT", "PRICE", "CURRENCY")
)


def catalog_iblocks(shop: Shop) -> frozenset[str]:
    return frozenset(
        row["IBLOCK_ID"] for row in shop.everything("b_catalog_iblock", ("IBLOCK_ID",))
    )


class Categories:
    source_table: ClassVar[str] = "b_iblock_section"
    source_columns: ClassVar[tuple[str, ...]] = (
        "ID",
        "IBLOCK_ID",
        "IBLOCK_SECTION_ID",
        "NAME",
        "CODE",
        "XML_ID",
        "ACTIVE",
        "GLOBAL_ACTIVE",
        "SORT",
        "DEPTH_LEVEL",
        "TIMESTAMP_X",
    )

    def __init__(self, *, shop: Shop, clock: Clock) -> None:
        self._clock = clock
        self._iblocks = catalog_iblocks(shop)

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        ours = [row for row in page if row["IBLOCK_ID"] in self._iblocks]
        updated = self._clock.read(self.source_table, "TIMESTAMP_X", ours)
        for row, updated_at in zip(ours, updated, strict=True):
            yield {
                "id": int(row["ID"]),
                "parent_id": reference(row["IBLOCK_SECTION_ID"]),
                "iblock_id": integer(row["IBLOCK_ID"]),
                "name": text(row["NAME"]),
                "code": text(row["CODE"]),
                "xml_id": text(row["XML_ID"]),
                "is_active": flag(row["ACTIVE"]),
                "is_visible": flag(row["GLOBAL_ACTIVE"]),
                "sort": integer(row["SORT"]),
                "depth": integer(row["DEPTH_LEVEL"]),
                "updated_at": updated_at,
            }


class Products:
    """Elements that are no workflow drafts, with their stock row and base price if they have one."""

    source_table: ClassVar[str] = "b_iblock_element"
    source_columns: ClassVar[tuple[str, ...]] = (
        "ID",
        "IBLOCK_ID",
        "IBLOCK_SECTION_ID",
        "NAME",
        "CODE",
        "XML_ID",
        "ACTIVE",
        "WF_STATUS_ID",
        "WF_PARENT_ELEMENT_ID",
        "TIMESTAMP_X",
    )

    def __init__(self, *, shop: Shop, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._iblocks = catalog_iblocks(shop)
        self._parents = OfferParents(shop)
        price_types = shop.everything("b_catalog_group", ("ID", "BASE"))
        self._base_types = frozenset(row["ID"] for row in price_types if flag(row["BASE"]))

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        ours = [row for row in page if self._is_product(row)]
        ids = [int(row["ID"]) for row in ours]
        stock, prices, parents = self._stock(ids), self._prices(ids), self._parents.of(ours)
        stock_rows = [stock.get(row["ID"]) for row in ours]
        price_rows = [prices.get(row["ID"]) for row in ours]
        touched = zip(
            self._clock.read("b_iblock_element", "TIMESTAMP_X", ours),
            self._clock.read("b_catalog_product", "TIMESTAMP_X", stock_rows),
            self._clock.read("b_catalog_price", "TIMESTAMP_X", price_rows),
            strict=True,
        )
        for row, stock_row, price_row, times in zip(
            ours, stock_rows, price_rows, touched, strict=True
        ):
            yield {
                **_own_columns(row),
                **_stock_columns(stock_row or _NO_ROW),
                **_price_columns(price_row or _NO_ROW),
                "parent_id": parents.get(row["ID"]),
                "updated_at": latest(*times),
            }

    def _is_product(self, row: RawRow) -> bool:
        is_draft = row["WF_STATUS_ID"] not in (None, "1") or row["WF_PARENT_ELEMENT_ID"] is not None
        return row["IBLOCK_ID"] in self._iblocks and not is_draft

    def _stock(self, ids: Sequence[int]) -> Mapping[str, RawRow]:
        columns = (
            "ID",
            "TYPE",
            "AVAILABLE",
            "QUANTITY",
            "QUANTITY_RESERVED",
            "WEIGHT",
            "TIMESTAMP_X",
        )
        rows = self._shop.matching("b_catalog_product", columns, key="ID", ids=ids)
        return {row["ID"]: row for row in rows}

    def _prices(self, ids: Sequence[int]) -> Mapping[str, RawRow]:
        """The first row by ID of a base price type that has no bound of quantity."""
        columns = (
            "ID",
            "PRODUCT_ID",
            "CATALOG_GROUP_ID",
            "PRICE",
            "CURRENCY",
            "QUANTITY_FROM",
            "QUANTITY_TO",
            "TIMESTAMP_X",
        )
        first: dict[str, RawRow] = {}
        for row in self._shop.matching("b_catalog_price", columns, key="PRODUCT_ID", ids=ids):
            is_bounded = row["QUANTITY_FROM"] is not None or row["QUANTITY_TO"] is not None
            if row["CATALOG_GROUP_ID"] in self._base_types and not is_bounded:
                first.setdefault(row["PRODUCT_ID"], row)
        return first


def _own_columns(row: RawRow) -> ExpectedRow:
    return {
        "id": int(row["ID"]),
        "iblock_id": integer(row["IBLOCK_ID"]),
        "category_id": reference(row["IBLOCK_SECTION_ID"]),
        "name": text(row["NAME"]),
        "code": text(row["CODE"]),
        "xml_id": text(row["XML_ID"]),
        "is_active": flag(row["ACTIVE"]),
    }


def _stock_columns(row: RawRow) -> ExpectedRow:
    return {
        "kind": PRODUCT_KINDS.get(row["TYPE"]),
        "is_available": flag(row["AVAILABLE"]),
        "quantity": number(row["QUANTITY"]),
        "reserved": number(row["QUANTITY_RESERVED"]),
        "weight": number(row["WEIGHT"]),
    }


def _price_columns(row: RawRow) -> ExpectedRow:
    return {"price": number(row["PRICE"]), "currency": text(row["CURRENCY"])}


class OfferParents:
    """An offer's product: the value of the link property, in either of the two storages."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        columns = ("IBLOCK_ID", "PRODUCT_IBLOCK_ID", "SKU_PROPERTY_ID")
        self._link_properties = {
            row["IBLOCK_ID"]: int(row["SKU_PROPERTY_ID"])
            for row in shop.everything("b_catalog_iblock", columns)
            if reference(row["PRODUCT_IBLOCK_ID"]) and reference(row["SKU_PROPERTY_ID"])
        }
        self._versions = {
            row["ID"]: row["VERSION"] for row in shop.everything("b_iblock", ("ID", "VERSION"))
        }

    def of(self, elements: Sequence[RawRow]) -> Mapping[str, int | None]:
        parents: dict[str, int | None] = {}
        for iblock, property_id in self._link_properties.items():
            ids = [int(row["ID"]) for row in elements if row["IBLOCK_ID"] == iblock]
            if self._versions.get(iblock) == "2":
                parents |= self._from_own_table(int(iblock), property_id, ids)
            else:
                parents |= self._from_shared_table(property_id, ids)
        return parents

    def _from_own_table(
        self, iblock: int, property_id: int, ids: Sequence[int]
    ) -> Mapping[str, int | None]:
        table, column = f"b_iblock_element_prop_s{iblock}", f"PROPERTY_{property_id}"
        columns = ("IBLOCK_ELEMENT_ID", column)
        rows = self._shop.matching(table, columns, key="IBLOCK_ELEMENT_ID", ids=ids)
        return {row["IBLOCK_ELEMENT_ID"]: reference(row[column]) for row in rows}

    def _from_shared_table(self, property_id: int, ids: Sequence[int]) -> Mapping[str, int | None]:
        columns = ("ID", "IBLOCK_ELEMENT_ID", "IBLOCK_PROPERTY_ID", "VALUE_NUM")
        first: dict[str, int | None] = {}
        for row in self._shop.matching(
            "b_iblock_element_property", columns, key="IBLOCK_ELEMENT_ID", ids=ids
        ):
            if row["IBLOCK_PROPERTY_ID"] == str(property_id):
                first.setdefault(row["IBLOCK_ELEMENT_ID"], reference(row["VALUE_NUM"]))
        return first
