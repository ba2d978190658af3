"""Odd orders, lines and order properties of the sample shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitrix_pipeline.demo.shop_nasty import (
    AWKWARD_TEXTS,
    IMPOSSIBLE_DATE,
    NO_MONTH,
    ZERO_DATE,
    Case,
    case,
    line,
    order,
    value,
)
from bitrix_pipeline.demo.shop_nasty_catalog import DRAFT, GONE_PRODUCT, NEWS_ITEM
from bitrix_pipeline.demo.shop_reference import ANONYMOUS_USER, COMPANY, PERSON

if TYPE_CHECKING:
    from bitrix_pipeline.demo.shop_nasty import Placed
    from bitrix_pipeline.demo.shop_sql import Value

GONE_USER = 149
GONE_ORDER = 990
DECIMAL_LIMIT = "99999999999999.9999"
LONG_COMMENT = "Позвоните! " * 3_100


def archived(row_id: int, order_id: int, **fields: Value) -> Placed:
    return "b_sale_order_archive", {
        "ID": row_id,
        "LID": "s1",
        "ORDER_ID": order_id,
        "ACCOUNT_NUMBER": f"odd-{order_id}",
        "DATE_INSERT": "2016-01-01 10:00:00",
        "PERSON_TYPE_ID": PERSON,
        "USER_ID": 5,
        "STATUS_ID": "F",
        "PRICE": "1500",
        "CURRENCY": "RUB",
        "VERSION": 3,
        "DATE_ARCHIVED": "2018-01-01 03:00:00",
        **fields,
    }


ORDER_CASES: tuple[Case, ...] = (
    case("crashed save", "RUNNING stays Y for ever; the order counts",
         order(101, RUNNING="Y"), line(1001, 101)),
    case("order without lines", "a crash before the lines were written", order(102, RUNNING="Y")),
    case("order of a user that is gone", "the user gets a placeholder",
         order(103, USER_ID=GONE_USER), order(104, USER_ID=GONE_USER)),
    case("order of user 0", "0 means none", order(105, USER_ID=0)),
    case("order of the anonymous user", "guests share one user",
         order(106, USER_ID=ANONYMOUS_USER)),
    case("canceled after shipping", "CANCELED wins over the status",
         order(107, STATUS_ID="F", CANCELED="Y", DATE_CANCELED="2023-06-01 10:00:00",
               REASON_CANCELED='Передумал\n"совсем"', DEDUCTED="Y", PAYED="Y",
               DATE_PAYED="2023-05-05 13:00:00", SUM_PAID="1500")),
    case("paid but new", "PAYED overrides nothing",
         order(108, PAYED="Y", DATE_PAYED="2023-05-05 13:00:00", SUM_PAID="1500")),
    case("order flags", "only a capital Y is true",
         order(109, PAYED="y", CANCELED="y", DEDUCTED="y"),
         order(110, PAYED="", CANCELED="", DEDUCTED="")),
    case("unknown status", "the status was deleted; it is no foreign key",
         order(111, STATUS_ID="QQ"), order(112, STATUS_ID=""), order(113, STATUS_ID="n")),
    case("own statuses", "one without a Russian name, one without any",
         order(114, STATUS_ID="FL"), order(115, STATUS_ID="ZZ")),
    case("delivery status on an order", "old shops mixed them up", order(116, STATUS_ID="DF")),
    case("no account number yet", "it is set by a second UPDATE",
         order(117, ACCOUNT_NUMBER=None), order(118, ACCOUNT_NUMBER=None)),
    case("account number by template", "the number is text",
         order(119, ACCOUNT_NUMBER="2023/05-№ 007")),
    case("zero and impossible dates", "they become NULL",
         order(120, DATE_INSERT=ZERO_DATE, DATE_STATUS=ZERO_DATE, DATE_UPDATE=ZERO_DATE),
         order(121, DATE_INSERT=IMPOSSIBLE_DATE, DATE_PAYED=IMPOSSIBLE_DATE, PAYED="Y"),
         order(122, DATE_STATUS=NO_MONTH, DATE_CANCELED="2023-00-00 00:00:00", CANCELED="Y"),
         order(123, DATE_INSERT="2023-11-31 23:59:59")),
    case("clock changes", "Moscow skipped 02:00 on 2011-03-27 and had 01:00 on 2014-10-26 twice",
         order(124, DATE_INSERT="2011-03-27 01:59:59", DATE_UPDATE="2011-03-27 02:30:00"),
         order(125, DATE_INSERT="2014-10-26 00:59:59", DATE_UPDATE="2014-10-26 01:30:00"),
         order(126, DATE_INSERT="2010-10-31 02:30:00", DATE_UPDATE="2010-03-28 02:30:00"),
         order(127, DATE_INSERT="2012-07-01 00:00:00", DATE_UPDATE="2015-01-01 00:00:00")),
    case("far dates", "DATETIME reaches from 1000 to 9999",
         order(128, DATE_INSERT="1000-01-01 00:00:00", DATE_UPDATE="9999-12-31 23:59:59"),
         order(129, DATE_INSERT="1900-01-01 12:00:00", DATE_UPDATE="2038-01-19 06:14:08")),
    case("decimals at the limits", "numeric has no limit; no float on the way",
         order(130, PRICE=DECIMAL_LIMIT, PRICE_DELIVERY="0.0001", DISCOUNT_VALUE=DECIMAL_LIMIT,
               TAX_VALUE="9999999999999999.99", SUM_PAID="0.01"),
         order(131, PRICE=f"-{DECIMAL_LIMIT}", SUM_PAID="-9999999999999999.99"),
         order(132, PRICE="0.1000", PRICE_DELIVERY="0.2000", TAX_VALUE="0.30")),
    case("long comment", "nothing is cut",
         order(133, USER_DESCRIPTION="Ж" * 2_000, COMMENTS=LONG_COMMENT)),
    case("empty texts", "a zero-length string becomes NULL",
         order(134, USER_DESCRIPTION="", COMMENTS="", REASON_CANCELED="", XML_ID="",
               ACCOUNT_NUMBER="")),
    case("order of the other site", "shops share tables", order(135, LID="s2", CURRENCY="EUR")),
    case("marked order", "MARKED does not touch DATE_UPDATE",
         order(136, MARKED="Y", REASON_MARKED="Ошибка резервирования")),
    case("archived long ago", "only in the archive: absent",
         archived(1, 901), archived(3, 902, CANCELED="Y"), only_2026=True),
    case("restored from the archive", "a live order that the archive names too",
         order(140), line(1040, 140), archived(5, 140), only_2026=True),
    *(
        case(f"order comment: {name}", "text is kept as it is, only NUL bytes go",
             order(200 + place, USER_DESCRIPTION=text, COMMENTS=text, REASON_CANCELED=text),
             line(1200 + place, 200 + place, NAME=text, MEASURE_NAME=text[:50], XML_ID=text))
        for place, (name, text) in enumerate(AWKWARD_TEXTS.items())
    ),
)  # fmt: skip

LINE_CASES: tuple[Case, ...] = (
    case("open carts", "lines without an order are not orders",
         line(1101, None), line(1102, 0), line(1103, None, PRODUCT_ID=GONE_PRODUCT)),
    case("lines of an order that is gone", "the order gets a placeholder",
         line(1104, GONE_ORDER), line(1105, GONE_ORDER, NAME="Вторая строка")),
    case("lines of a product that is gone", "its placeholder takes what the last line knows",
         order(150),
         line(1106, 150, PRODUCT_ID=GONE_PRODUCT - 3, NAME="Старое имя", PRODUCT_XML_ID="x-old",
              BASE_PRICE="100.0000"),
         line(1107, 150, PRODUCT_ID=GONE_PRODUCT - 3, NAME="Новое имя", PRODUCT_XML_ID="x-new",
              BASE_PRICE="120.5000", CURRENCY="EUR")),
    case("line of a product known as an offers' parent", "line and offer miss the same product",
         line(1108, 150, PRODUCT_ID=GONE_PRODUCT, NAME="Снятый букет")),
    case("line of product 0", "0 becomes NULL", line(1109, 150, PRODUCT_ID=0, MODULE="")),
    case("line of a draft", "a draft is not a row of ours: a placeholder",
         line(1110, 150, PRODUCT_ID=DRAFT)),
    case("line of a news item", "neither is a news item",
         line(1111, 150, PRODUCT_ID=NEWS_ITEM)),
    case("set with its parts", "a part names the set's line",
         order(151), line(1112, 151, TYPE=1, SET_PARENT_ID=None),
         line(1113, 151, SET_PARENT_ID=1112), line(1114, 151, SET_PARENT_ID=1112)),
    case("set that names itself", "legacy: the set has its own ID as parent",
         line(1115, 151, TYPE=1, SET_PARENT_ID=1115), line(1116, 151, SET_PARENT_ID=1115)),
    case("set parent 0", "0 is no set", line(1117, 151, SET_PARENT_ID=0)),
    case("set in another order", "such a parent does not count",
         line(1118, 150, SET_PARENT_ID=1112)),
    case("set that is gone", "the parent line was deleted", line(1119, 150, SET_PARENT_ID=1990)),
    case("set in a cart", "the parent is in no order", line(1120, 150, SET_PARENT_ID=1101)),
    case("quantities", "fractions and nothing at all",
         order(152), line(1121, 152, QUANTITY="0.1000"), line(1122, 152, QUANTITY="0.0001"),
         line(1123, 152, QUANTITY=0), line(1124, 152, QUANTITY="-1"),
         line(1125, 152, QUANTITY="12345678901.25", WEIGHT="0.33")),
    case("line decimals at the limits", "numeric has no limit",
         line(1126, 152, PRICE=DECIMAL_LIMIT, BASE_PRICE=f"-{DECIMAL_LIMIT}",
              DISCOUNT_PRICE="0.0001"),
         line(1127, 152, BASE_PRICE=None, VAT_RATE=None, WEIGHT=None, MEASURE_NAME=None)),
    case("line flags and dates", "only a capital Y is true; a zero date becomes NULL",
         line(1128, 152, VAT_INCLUDED="y", DATE_INSERT=ZERO_DATE, DATE_UPDATE=IMPOSSIBLE_DATE),
         line(1129, 152, VAT_INCLUDED="", DATE_UPDATE=NO_MONTH)),
    case("empty line texts", "a zero-length string becomes NULL",
         line(1130, 152, NAME="", MEASURE_NAME="", PRODUCT_XML_ID="", XML_ID="", VAT_RATE="0")),
)  # fmt: skip

VALUE_CASES: tuple[Case, ...] = (
    case("value without a code", "the property's ID is the key",
         order(160), value(1001, 160, 24, None, "без кода"), value(1002, 160, 26, "", "пустой")),
    case("one code twice", "of equal keys the highest value ID",
         order(161), value(1003, 161, 24, "ADDRESS", "старый"),
         value(1004, 161, 26, "ADDRESS", "новый")),
    case("code that looks like an ID", "it meets the key of a value without code",
         order(162), value(1005, 162, 24, "26", "код 26"), value(1006, 162, 26, None, "свойство")),
    case("codes that differ in case", "keys are told apart by case",
         order(163), value(1007, 163, 24, "Address", "А"), value(1008, 163, 26, "ADDRESS", "Б"),
         value(1009, 163, 27, "ADDRESS ", "В")),
    case("empty values", "left out; of equal keys the empty one does not win",
         order(164), value(1010, 164, 24, "ADDRESS", ""), value(1011, 164, 26, "HOUR", None),
         value(1012, 164, 27, "CARD", "есть"), value(1013, 164, 30, "CARD", "")),
    case("only empty values", "{} when there are none",
         order(165), value(1014, 165, 24, "ADDRESS", "")),
    case("property that is gone", "the value keeps its own code",
         order(166), value(1015, 166, 99, "OLD", "осталось"), value(1016, 166, 98, None, "как ID")),
    case("value without code and property", "a key that cannot be had",
         order(167), value(1017, 167, None, None, "ничьё"), value(1018, 167, None, "X", "с кодом")),
    case("two buyers' properties on one order", "the non-empty one with the lowest value ID",
         order(168, PERSON_TYPE_ID=COMPANY), value(1019, 168, 21, "FIO", ""),
         value(1020, 168, 41, "CONTACT_PERSON", "Пётр"), value(1021, 168, 43, "PHONE", "+7 43"),
         value(1022, 168, 23, "PHONE", "+7 23"), value(1023, 168, 44, "EMAIL", "b@x.example"),
         value(1024, 168, 22, "EMAIL", "a@x.example")),
    case("lower-case flag", "IS_PHONE 'y' is no flag",
         order(169), value(1025, 169, 28, "RECIPIENT_PHONE", "+7 28")),
    case("contact of a space", "a space is not empty",
         order(170), value(1026, 170, 21, "FIO", " "), value(1027, 170, 41, "FIO2", "Анна"),
         value(1028, 170, 23, "PHONE", "0")),
    case("shipment's values", "not the order's own, though flagged",
         order(171), value(1029, 171, 61, "COURIER_PHONE", "+7 61", ENTITY_TYPE="SHIPMENT"),
         value(1030, 171, 21, "FIO", "чужой", ENTITY_TYPE="SHIPMENT", ENTITY_ID=5),
         value(1031, 171, 22, "EMAIL", "own@x.example"), only_2026=True),
    case("serialized list", "a multiple property is kept as PHP wrote it",
         order(172), value(1032, 172, 30, "WISHES", 'a:2:{i:0;s:2:"a\\";i:1;s:0:"";}')),
    case("long value and code", "nothing is cut",
         order(173), value(1033, 173, 27, "C" * 50, "Ы" * 500)),
    case("values of an order that is gone", "they belong to no order of ours",
         value(1034, GONE_ORDER, 24, "ADDRESS", "нет заказа")),
    *(
        case(f"value and code: {name}", "JSON must quote them; jsonb refuses NUL",
             order(300 + place), value(1300 + 2 * place, 300 + place, 24, text[:50], text),
             value(1301 + 2 * place, 300 + place, 21, "FIO", text))
        for place, (name, text) in enumerate(AWKWARD_TEXTS.items())
    ),
)  # fmt: skip

SALE_CASES = (*ORDER_CASES, *LINE_CASES, *VALUE_CASES)
