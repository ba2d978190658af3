"""The sample shop's small tables: sites, statuses, iblocks, price types, order properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bitrix_pipeline.demo.shop_sections import (
    FLOWER_OFFERS,
    FLOWERS,
    GIFT_OFFERS,
    GIFTS,
    NEWS,
)
from bitrix_pipeline.demo.shop_sql import insert_rows

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from bitrix_pipeline.demo.shop_sql import Row

# The link from an offer to its product: a row of b_iblock_element_property in the one offers
# iblock, a column of b_iblock_element_prop_s15 in the other.
FLOWER_LINK = 71
GIFT_LINK = 118
BASE_PRICE = 2
PERSON = 3
COMPANY = 5
ANONYMOUS_USER = 13

SITES: list[Row] = [
    {"LID": "s1", "SORT": 1, "DEF": "Y", "NAME": "Букет-Маркет", "DIR": "/", "LANGUAGE_ID": "ru",
     "CHARSET": "UTF-8", "SERVER_NAME": "buket.example", "SITE_NAME": "Букет-Маркет"},
    {"LID": "s2", "SORT": 2, "DEF": "N", "NAME": "Опт", "DIR": "/opt/", "LANGUAGE_ID": "ru",
     "CHARSET": "UTF-8", "SERVER_NAME": "opt.buket.example", "SITE_NAME": "Букет-Опт"},
]  # fmt: skip
LANGUAGES: list[Row] = [
    {"LID": "ru", "SORT": 1, "DEF": "Y", "NAME": "Russian", "CHARSET": "UTF-8"},
    {"LID": "en", "SORT": 2, "DEF": "N", "NAME": "English", "CHARSET": "UTF-8"},
]
OPTIONS: list[Row] = [
    {"MODULE_ID": "sale", "NAME": "anonymous_user_id", "VALUE": str(ANONYMOUS_USER)},
    {"MODULE_ID": "sale", "NAME": "value_precision_v2", "VALUE": "8"},
    {"MODULE_ID": "sale", "NAME": "account_number_template", "VALUE": "NUMBER"},
    {"MODULE_ID": "main", "NAME": "default_time_zone", "VALUE": "Europe/Moscow"},
    {"MODULE_ID": "main", "NAME": "server_name", "VALUE": "buket.example"},
]
CURRENCIES: list[Row] = [
    {"CURRENCY": "RUB", "AMOUNT_CNT": 1, "AMOUNT": "1.0000", "SORT": 100, "BASE": "Y",
     "NUMCODE": "643", "DATE_UPDATE": "2024-01-01 00:00:00", "CURRENT_BASE_RATE": "1"},
    {"CURRENCY": "EUR", "AMOUNT_CNT": 1, "AMOUNT": "98.7654", "SORT": 200, "BASE": "N",
     "NUMCODE": "978", "DATE_UPDATE": "2024-01-01 00:00:00", "CURRENT_BASE_RATE": "98.7654"},
]  # fmt: skip
PRICE_TYPES: list[Row] = [
    {"ID": BASE_PRICE, "NAME": "BASE", "BASE": "Y", "SORT": 100, "XML_ID": "BASE"},
    {"ID": 5, "NAME": "OPT", "BASE": "N", "SORT": 200, "XML_ID": "opt"},
    {"ID": 6, "NAME": "CLUB", "BASE": "N", "SORT": 300, "XML_ID": None},
]
PERSON_TYPES: list[Row] = [
    {"ID": PERSON, "LID": "s1", "NAME": "Физическое лицо", "SORT": 100, "CODE": "person"},
    {"ID": COMPANY, "LID": "s1", "NAME": "Юридическое лицо", "SORT": 200, "CODE": "company"},
]

# ID, TYPE, SORT, NOTIFY, COLOR, then the names by language. FL has no Russian name, ZZ none.
STATUSES: list[tuple[str, str, int, str, str | None, dict[str, str]]] = [
    ("N", "O", 100, "Y", "#FFFFFF", {"ru": "Принят, ожидается оплата", "en": "Order accepted"}),
    ("P", "O", 150, "Y", "#99CC00", {"ru": "Оплачен, формируется", "en": "Paid"}),
    ("FL", "O", 170, "N", "", {"en": "At the florist"}),
    ("ZZ", "O", 180, "y", None, {}),
    ("F", "O", 200, "Y", "#CCCCCC", {"ru": "Выполнен", "en": "Fulfilled"}),
    ("DN", "D", 300, "Y", None, {"ru": "Ожидает обработки", "en": "Waiting for processing"}),
    ("DF", "D", 400, "Y", None, {"ru": "Отгружен", "en": "Shipped"}),
]

IBLOCKS: list[Row] = [
    {"ID": NEWS, "IBLOCK_TYPE_ID": "news", "NAME": "Новости", "CODE": "news", "VERSION": 1},
    {"ID": FLOWERS, "IBLOCK_TYPE_ID": "catalog", "NAME": "Цветы", "CODE": "flowers",
     "VERSION": 1},
    {"ID": FLOWER_OFFERS, "IBLOCK_TYPE_ID": "offers", "NAME": "Цветы: предложения",
     "CODE": "flowers_offers", "VERSION": 1},
    {"ID": GIFTS, "IBLOCK_TYPE_ID": "catalog", "NAME": "Подарки", "CODE": "gifts", "VERSION": 2},
    {"ID": GIFT_OFFERS, "IBLOCK_TYPE_ID": "offers", "NAME": "Подарки: предложения",
     "CODE": "gifts_offers", "VERSION": 2},
]  # fmt: skip
IBLOCK_ROW: Row = {"LID": "s1", "TIMESTAMP_X": "2012-05-06 11:00:00"}
CATALOGS: list[Row] = [
    {"IBLOCK_ID": FLOWERS, "PRODUCT_IBLOCK_ID": 0, "SKU_PROPERTY_ID": 0},
    {"IBLOCK_ID": FLOWER_OFFERS, "PRODUCT_IBLOCK_ID": FLOWERS, "SKU_PROPERTY_ID": FLOWER_LINK},
    {"IBLOCK_ID": GIFTS, "PRODUCT_IBLOCK_ID": 0, "SKU_PROPERTY_ID": 0},
    {"IBLOCK_ID": GIFT_OFFERS, "PRODUCT_IBLOCK_ID": GIFTS, "SKU_PROPERTY_ID": GIFT_LINK},
]


class Property(NamedTuple):
    """A property of an iblock's elements; kind E is a link, S text, N a number."""

    id: int
    iblock_id: int
    name: str
    code: str
    kind: str
    is_multiple: bool = False
    linked_iblock: int | None = None

    def row(self) -> Row:
        return {
            "ID": self.id,
            "TIMESTAMP_X": "2012-05-06 11:00:00",
            "IBLOCK_ID": self.iblock_id,
            "NAME": self.name,
            "CODE": self.code,
            "PROPERTY_TYPE": self.kind,
            "MULTIPLE": "Y" if self.is_multiple else "N",
            "LINK_IBLOCK_ID": self.linked_iblock,
            "VERSION": 2 if self.iblock_id in OWN_TABLES else 1,
            "USER_TYPE": "SKU" if self.code == "CML2_LINK" else None,
        }


class OrderProperty(NamedTuple):
    """A question of the checkout; so many percent of the orders have an answer."""

    id: int
    person_type: int
    name: str
    code: str
    percent: int
    flag: str | None = None
    # A lower-case 'y' must not count.
    flag_value: str = "Y"
    is_multiple: bool = False
    owner: str = "ORDER"

    def row(self, sort: int) -> Row:
        flags: Row = {self.flag: self.flag_value} if self.flag else {}
        return {
            "ID": self.id,
            "PERSON_TYPE_ID": self.person_type,
            "NAME": self.name,
            "TYPE": "STRING",
            "SORT": sort,
            "PROPS_GROUP_ID": 1,
            "CODE": self.code,
            "MULTIPLE": "Y" if self.is_multiple else "N",
            "ENTITY_REGISTRY_TYPE": "ORDER",
            "ENTITY_TYPE": self.owner,
            **flags,
        }


PROPERTIES = (
    Property(31, FLOWERS, "Высота, см", "HEIGHT", "N"),
    Property(33, FLOWERS, "С этим покупают", "RECOMMEND", "E", is_multiple=True),
    Property(FLOWER_LINK, FLOWER_OFFERS, "Товар", "CML2_LINK", "E", linked_iblock=FLOWERS),
    Property(74, FLOWER_OFFERS, "Открытка в подарок", "GIFT_CARD", "E", linked_iblock=GIFTS),
    Property(75, FLOWER_OFFERS, "Размер", "SIZE", "S"),
    Property(104, GIFTS, "Материал", "MATERIAL", "S"),
    Property(GIFT_LINK, GIFT_OFFERS, "Товар", "CML2_LINK", "E", linked_iblock=GIFTS),
    Property(119, GIFT_OFFERS, "Цвет", "COLOUR", "S"),
    Property(121, GIFT_OFFERS, "Похожие", "SIMILAR", "E", is_multiple=True),
)
# The tables of storage VERSION=2: one column for each property; rows only for multiple values.
OWN_TABLES: dict[int, str] = {
    GIFTS: "PROPERTY_104 text, DESCRIPTION_104 varchar(255)",
    GIFT_OFFERS: f"PROPERTY_{GIFT_LINK} int, DESCRIPTION_{GIFT_LINK} varchar(255), "
    "PROPERTY_119 text, PROPERTY_121 text",
}

# Each flag is carried by two properties, one for people and one for companies.
ORDER_PROPERTIES = (
    OrderProperty(21, PERSON, "Ф. И. О.", "FIO", 97, "IS_PAYER"),
    OrderProperty(22, PERSON, "E-mail", "EMAIL", 85, "IS_EMAIL"),
    OrderProperty(23, PERSON, "Телефон", "PHONE", 96, "IS_PHONE"),
    OrderProperty(24, PERSON, "Адрес доставки", "ADDRESS", 80, "IS_ADDRESS"),
    OrderProperty(26, PERSON, "Время доставки", "DELIVERY_TIME", 75),
    OrderProperty(27, PERSON, "Текст открытки", "CARD_TEXT", 40),
    OrderProperty(28, PERSON, "Телефон получателя", "RECIPIENT_PHONE", 35, "IS_PHONE", "y"),
    OrderProperty(30, PERSON, "Пожелания", "WISHES", 8, is_multiple=True),
    OrderProperty(41, COMPANY, "Контактное лицо", "CONTACT_PERSON", 95, "IS_PAYER"),
    OrderProperty(42, COMPANY, "Организация", "COMPANY", 99),
    OrderProperty(43, COMPANY, "Телефон", "PHONE", 90, "IS_PHONE"),
    OrderProperty(44, COMPANY, "E-mail", "EMAIL", 95, "IS_EMAIL"),
    OrderProperty(46, COMPANY, "ИНН", "INN", 99),
    OrderProperty(61, PERSON, "Курьер", "COURIER_PHONE", 15, "IS_PHONE", owner="SHIPMENT"),
)


def fill_reference(cursor: Cursor) -> None:
    """Fill the small tables and create those of the VERSION=2 iblocks."""
    for table, rows in reference_rows().items():
        insert_rows(cursor, table, rows)
    for iblock_id, columns in OWN_TABLES.items():
        create_property_tables(cursor, iblock_id, columns)


def reference_rows() -> dict[str, list[Row]]:
    return {
        "b_lang": SITES,
        "b_language": LANGUAGES,
        "b_option": OPTIONS,
        "b_catalog_currency": CURRENCIES,
        "b_catalog_group": PRICE_TYPES,
        "b_sale_person_type": PERSON_TYPES,
        "b_sale_status": [status_row(*status) for status in STATUSES],
        "b_sale_status_lang": [
            {"STATUS_ID": status, "LID": language, "NAME": name}
            for status, *_, names in STATUSES
            for language, name in names.items()
        ],
        "b_iblock": [{**IBLOCK_ROW, **row} for row in IBLOCKS],
        "b_catalog_iblock": CATALOGS,
        "b_iblock_property": [declared.row() for declared in PROPERTIES],
        "b_sale_order_props": [
            declared.row(sort=10 * place) for place, declared in enumerate(ORDER_PROPERTIES)
        ],
    }


def status_row(
    status: str, kind: str, sort: int, notify: str, color: str | None, _names: dict[str, str]
) -> Row:
    return {"ID": status, "TYPE": kind, "SORT": sort, "NOTIFY": notify, "COLOR": color}


def create_property_tables(cursor: Cursor, iblock_id: int, columns: str) -> None:
    """Create an iblock's own property tables, in the engine of the other tables."""
    cursor.execute(
        "SELECT engine FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = 'b_iblock'"
    )
    (engine,) = cursor.fetchall()[0]
    cursor.execute(
        f"CREATE TABLE b_iblock_element_prop_s{iblock_id} ("
        f"IBLOCK_ELEMENT_ID int NOT NULL, {columns}, PRIMARY KEY (IBLOCK_ELEMENT_ID)"
        f") ENGINE = {engine}"
    )
    cursor.execute(
        f"CREATE TABLE b_iblock_element_prop_m{iblock_id} ("
        "ID int NOT NULL AUTO_INCREMENT, IBLOCK_ELEMENT_ID int NOT NULL, "
        "IBLOCK_PROPERTY_ID int NOT NULL, VALUE text NOT NULL, VALUE_ENUM int, "
        "VALUE_NUM decimal(18,4), DESCRIPTION varchar(255), PRIMARY KEY (ID), "
        f"KEY ix_iblock_elem_prop_m{iblock_id}_1 (IBLOCK_ELEMENT_ID, IBLOCK_PROPERTY_ID), "
        f"KEY ix_iblock_elem_prop_m{iblock_id}_2 (IBLOCK_PROPERTY_ID)"
        f") ENGINE = {engine}"
    )
