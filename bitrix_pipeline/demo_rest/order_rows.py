"""Orders in the sample shop's MySQL: read as the API shows them, and saved as Bitrix saves them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from pymysql.cursors import DictCursor

from bitrix_pipeline.demo.shop_sql import SHOP_TIME_ZONE, table_columns, table_exists
from bitrix_pipeline.demo_rest.php import members, serialize
from bitrix_pipeline.demo_rest.refusals import ORDER_NOT_FOUND, Refusal

PAGE = 50
SHOP_ZONE = timezone(timedelta(hours=int(SHOP_TIME_ZONE[:3])))

SHOWN = (
    "ACCOUNT_NUMBER ADDITIONAL_INFO AFFILIATE_ID CANCELED COMMENTS COMPANY_ID CURRENCY "
    "DATE_CANCELED DATE_INSERT DATE_LOCK DATE_MARKED DATE_STATUS DATE_UPDATE DEDUCTED "
    "DISCOUNT_VALUE EMP_CANCELED_ID EMP_MARKED_ID EMP_STATUS_ID EXTERNAL_ORDER ID ID_1C LID "
    "LOCKED_BY MARKED ORDER_TOPIC PAYED PERSON_TYPE_ID PRICE REASON_CANCELED REASON_MARKED "
    "RECOUNT_FLAG RECURRING_ID RESPONSIBLE_ID STATUS_ID TAX_VALUE UPDATED_1C USER_DESCRIPTION "
    "USER_ID VERSION VERSION_1C XML_ID"
)
WRITABLE = (
    "CANCELED REASON_CANCELED STATUS_ID MARKED REASON_MARKED PRICE DISCOUNT_VALUE "
    "USER_DESCRIPTION ADDITIONAL_INFO COMMENTS RECURRING_ID LOCKED_BY RECOUNT_FLAG AFFILIATE_ID UPDATED_1C ORDER_TOPIC RESPONSIBLE_ID XML_ID ID_1C "
    "VERSION_1C EXTERNAL_ORDER COMPANY_ID"
)
OPERATORS = {
    "": "=", "=": "=", "!": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<=",
    "@": "IN", "!@": "NOT IN", "%": "LIKE", "!%": "NOT LIKE",
}  # fmt: skip
CONDITION = re.compile(r"^(>=|<=|!@|!%|[><=!@%]?)(\w+)$")

LONGEST_STATUS = 2


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a save changed."""

    status: bool = False
    canceled: bool = False
    other: bool = False


def camel(column: str) -> str:
    head, *rest = column.lower().split("_")
    return head + "".join(part.capitalize() for part in rest)


COLUMNS = {camel(column): column for column in SHOWN.split()}
WRITABLE_FIELDS = {camel(column): column for column in WRITABLE.split()}


def find_order(cursor: DictCursor, order_id: Any, *, locks: bool = False) -> dict[str, Any]:
    """The row. Raises Refusal."""
    if not str(order_id).isdigit():
        raise ORDER_NOT_FOUND
    lock = " FOR UPDATE" if locks else ""
    cursor.execute(f"SELECT * FROM b_sale_order WHERE ID = %s{lock}", (int(order_id),))
    row = cursor.fetchone()
    if row is None:
        raise ORDER_NOT_FOUND
    return row


def list_orders(
    cursor: DictCursor, *, conditions: Mapping[str, Any], order: Mapping[str, Any], start: int
) -> tuple[list[dict[str, Any]], int]:
    """A page, and how many there are in all."""
    where, values = _where(conditions)
    cursor.execute(f"SELECT COUNT(*) AS total FROM b_sale_order WHERE {where}", values)
    counted = cursor.fetchone() or {"total": 0}
    parts = [
        f"{COLUMNS[name]} {'DESC' if str(way).upper() == 'DESC' else 'ASC'}"
        for name, way in order.items()
        if name in COLUMNS
    ]
    # Bitrix counts in pages: a start between two pages is that of the page.
    page = max(0, start) // PAGE * PAGE
    cursor.execute(
        f"SELECT * FROM b_sale_order WHERE {where} ORDER BY {', '.join(parts or ['ID'])} "
        f"LIMIT {PAGE} OFFSET {page}",
        values,
    )
    return list(cursor.fetchall()), int(counted["total"])


def save_order(
    cursor: DictCursor, row: dict[str, Any], fields: Mapping[str, Any], *, user: int
) -> Saved:
    """UPDATE as `Order::save` does it. Raises Refusal when the order may not be canceled."""
    known = table_columns(cursor, "b_sale_order")
    values = {
        WRITABLE_FIELDS[name]: value
        for name, value in fields.items()
        if name in WRITABLE_FIELDS and WRITABLE_FIELDS[name] in known
    }
    if "STATUS_ID" in values:
        # What MySQL does without strict mode; Bitrix checks nothing.
        values["STATUS_ID"] = str(values["STATUS_ID"])[:LONGEST_STATUS]
    changed = {name: value for name, value in values.items() if _differs(row.get(name), value)}
    saved = Saved(
        status="STATUS_ID" in changed, canceled="CANCELED" in changed, other=bool(changed)
    )
    if not saved.other:
        return saved
    if saved.canceled and changed["CANCELED"] == "Y":
        refuse_to_cancel(row)
    sets = [f"{name} = %s" for name in changed]
    sets += ["DATE_UPDATE = NOW()", "VERSION = VERSION + 1"]
    if "UPDATED_1C" not in changed:
        sets.append("UPDATED_1C = 'N'")
    if saved.status:
        sets += ["DATE_STATUS = NOW()", f"EMP_STATUS_ID = {user}"]
    if saved.canceled:
        sets += ["DATE_CANCELED = NOW()", f"EMP_CANCELED_ID = {user}"]
    cursor.execute(
        f"UPDATE b_sale_order SET {', '.join(sets)} WHERE ID = %s", (*changed.values(), row["ID"])
    )
    _remember(cursor, row, values, saved, user=user)
    return saved


def mark_order(cursor: DictCursor, order_id: int, reason: str) -> None:
    """A save's warning: the order is marked, and the call succeeds."""
    cursor.execute(
        "UPDATE b_sale_order SET MARKED = 'Y', DATE_MARKED = NOW(), REASON_MARKED = %s "
        "WHERE ID = %s",
        (reason, order_id),
    )


def refuse_to_cancel(row: Mapping[str, Any]) -> None:
    if row["PAYED"] == "Y":
        raise Refusal("SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE", "The order has a paid payment")
    if row["DEDUCTED"] == "Y":
        raise Refusal("SALE_ORDER_CANCEL_SHIPMENT_EXIST_SHIPPED", "The order has been shipped")


def shown_order(row: Mapping[str, Any], *, numbers_as_text: bool) -> dict[str, Any]:
    """The order's own fields, as the API shows them."""
    shown = {
        name: shown_value(row[column], numbers_as_text=numbers_as_text)
        for name, column in COLUMNS.items()
        if column in row
    }
    return {**shown, "personTypeXmlId": "", "statusXmlId": ""}


def shown_rows(
    cursor: DictCursor, table: str, columns: str, order_id: int, *, numbers_as_text: bool
) -> list[dict[str, Any]]:
    """What hangs on an order."""
    cursor.execute(f"SELECT * FROM {table} WHERE ORDER_ID = %s ORDER BY ID", (order_id,))
    return [
        {
            camel(name): shown_value(row[name], numbers_as_text=numbers_as_text)
            for name in columns.split()
        }
        for row in cursor.fetchall()
    ]


def shown_value(value: Any, *, numbers_as_text: bool) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=SHOP_ZONE).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", value):
        # A zero date, which PyMySQL leaves as text.
        return None
    if isinstance(value, Decimal | float):
        number = int(value) if value == int(value) else float(value)
        return str(number) if numbers_as_text else number
    if isinstance(value, int):
        return str(value) if numbers_as_text else value
    return value


def _where(conditions: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts, values = ["TRUE"], []
    for key, value in conditions.items():
        found = CONDITION.match(key)
        if found is None or found[2] not in COLUMNS:
            continue
        operator, column = OPERATORS[found[1]], COLUMNS[found[2]]
        given = members(value) if isinstance(value, dict | list) else [value]
        if isinstance(value, dict | list) and operator in {"=", "<>"}:
            operator = "IN" if operator == "=" else "NOT IN"
        if operator.endswith("IN"):
            holes = ", ".join(["%s"] * len(given)) or "NULL"
            parts.append(f"{column} {operator} ({holes})")
            values += given
        else:
            parts.append(f"{column} {operator} %s")
            values.append(f"%{value}%" if operator.endswith("LIKE") else value)
    return " AND ".join(parts), values


def _differs(before: Any, after: Any) -> bool:
    if isinstance(before, Decimal):
        return before != Decimal(str(after or 0))
    return ("" if before is None else str(before)) != ("" if after is None else str(after))


def _remember(
    cursor: DictCursor,
    row: Mapping[str, Any],
    values: Mapping[str, Any],
    saved: Saved,
    *,
    user: int,
) -> None:
    """The order's history, where the shop keeps one."""
    if not table_exists(cursor, "b_sale_order_change"):
        return
    rows = []
    if saved.status:
        data = {"STATUS_ID": str(values["STATUS_ID"]), "OLD_STATUS_ID": str(row["STATUS_ID"])}
        rows.append(("ORDER_STATUS_CHANGED", data))
    if saved.canceled:
        reason = str(values.get("REASON_CANCELED") or "")
        data = {"CANCELED": str(values["CANCELED"]), "REASON_CANCELED": reason}
        rows.append(("ORDER_CANCELED", data))
    for kind, data in rows:
        cursor.execute(
            "INSERT INTO b_sale_order_change "
            "(ORDER_ID, TYPE, DATA, DATE_CREATE, DATE_MODIFY, USER_ID, ENTITY, ENTITY_ID) "
            "VALUES (%s, %s, %s, NOW(), NOW(), %s, 'ORDER', %s)",
            (row["ID"], kind, serialize(data), user, row["ID"]),
        )
