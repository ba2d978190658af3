"""The sample shop's small tables: sites, statuses, iblocks, price types, order properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

# ID, iblock, name, code, type (E link, S text, N number), multiple, linked iblock.
PROPERTIES: list[tuple[int, int, str, str, str, str, int | None]] = [
    (31, FLOWERS, "Высота, см", "HEIGHT", "N", "N", None),
    (33, FLOWERS, "С этим покупают", "RECOMMEND", "E", "Y", FLOWERS),
    (FLOWER_LINK, FLOWER_OFFERS, "Элемент каталога", "CML2_LINK", "E", "N", FLOWERS),
    (74, FLOWER_OFFERS, "Открытка в подарок", "GIFT_CARD", "E", "N", GIFTS),
    (75, FLOWER_OFFERS, "Размер", "SIZE", "S", "N", None),
    (104, GIFTS, "Материал", "MATERIAL", "S", "N", None),
    (GIFT_LINK, GIFT_OFFERS, "Элемент каталога", "CML2_LINK", "E", "N", GIFTS),
    (119, GIFT_OFFERS, "Цвет", "COLOUR", "S", "N", None),
    (121, GIFT_OFFERS, "Похожие", "SIMILAR", "E", "Y", GIFT_OFFERS),
]
# The tables of storage VERSION=2: one column for each property; rows only for multiple values.
OWN_TABLES: dict[int, str] = {
    GIFTS: "PROPERTY_104 text, DESCRIPTION_104 varchar(255)",
    GIFT_OFFERS: f"PROPERTY_{GIFT_LINK} int, DESCRIPTION_{GIFT_LINK} varchar(255), "
    "PROPERTY_119 text, PROPERTY_121 text",
}

# ID, person type, name, code, flags, percent of the orders that have a value, multiple, owner.
# The flagged one-letter columns are 'Y'; a lower-case 'y' must not count.
ORDER_PROPERTIES: list[tuple[int, int, str, str, dict[str, str], int, str, str]] = [
    (21, PERSON, "Ф. И. О.", "FIO", {"IS_PAYER": "Y"}, 97, "N", "ORDER"),
    (22, PERSON, "E-mail", "EMAIL", {"IS_EMAIL": "Y"}, 85, "N", "ORDER"),
    (23, PERSON, "Телефон", "PHONE", {"IS_PHONE": "Y"}, 96, "N", "ORDER"),
    (24, PERSON, "Адрес доставки", "ADDRESS", {"IS_ADDRESS": "Y"}, 80, "N", "ORDER"),
    (26, PERSON, "Время доставки", "DELIVERY_TIME", {}, 75, "N", "ORDER"),
    (27, PERSON, "Текст открытки", "CARD_TEXT", {}, 40, "N", "ORDER"),
    (28, PERSON, "Телефон получателя", "RECIPIENT_PHONE", {"IS_PHONE": "y"}, 35, "N", "ORDER"),
    (30, PERSON, "Пожелания", "WISHES", {}, 8, "Y", "ORDER"),
    (41, COMPANY, "Контактное лицо", "CONTACT_PERSON", {"IS_PAYER": "Y"}, 95, "N", "ORDER"),
    (42, COMPANY, "Организация", "COMPANY", {}, 99, "N", "ORDER"),
    (43, COMPANY, "Телефон", "PHONE", {"IS_PHONE": "Y"}, 90, "N", "ORDER"),
    (44, COMPANY, "E-mail", "EMAIL", {"IS_EMAIL": "Y"}, 95, "N", "ORDER"),
    (46, COMPANY, "ИНН", "INN", {}, 99, "N", "ORDER"),
    (61, PERSON, "Телефон курьера", "COURIER_PHONE", {"IS_PHONE": "Y"}, 15, "N", "SHIPMENT"),
]  # fmt: skip


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
        "b_iblock": [{**IBLOCK_ROW, "XML_ID": f"ib-{row['ID']}", **row} for row in IBLOCKS],
        "b_catalog_iblock": CATALOGS,
        "b_iblock_property": [property_row(*declared) for declared in PROPERTIES],
        "b_sale_order_props": [
            order_property_row(10 * place, *declared)
            for place, declared in enumerate(ORDER_PROPERTIES)
        ],
    }


def status_row(
    status: str, kind: str, sort: int, notify: str, color: str | None, _names: dict[str, str]
) -> Row:
    return {"ID": status, "TYPE": kind, "SORT": sort, "NOTIFY": notify, "COLOR": color}


def property_row(
    property_id: int,
    iblock_id: int,
    name: str,
    code: str,
    kind: str,
    multiple: str,
    linked: int | None,
) -> Row:
    return {
        "ID": property_id,
        "TIMESTAMP_X": "2012-05-06 11:00:00",
        "IBLOCK_ID": iblock_id,
        "NAME": name,
        "CODE": code,
        "PROPERTY_TYPE": kind,
        "MULTIPLE": multiple,
        "LINK_IBLOCK_ID": linked,
        "VERSION": 2 if iblock_id in OWN_TABLES else 1,
        "USER_TYPE": "SKU" if code == "CML2_LINK" else None,
    }


def order_property_row(
    sort: int,
    property_id: int,
    person_type: int,
    name: str,
    code: str,
    flags: dict[str, str],
    _percent: int,
    multiple: str,
    owner: str,
) -> Row:
    return {
        "ID": property_id,
        "PERSON_TYPE_ID": person_type,
        "NAME": name,
        "TYPE": "STRING",
        "SORT": sort,
        "PROPS_GROUP_ID": 1,
        "CODE": code,
        "MULTIPLE": multiple,
        "ENTITY_REGISTRY_TYPE": "ORDER",
        "ENTITY_TYPE": owner,
        **flags,
    }


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
