"""The methods, as Bitrix's modules rest and sale have them, and our own PHP module's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bitrix_pipeline.demo_rest.order_rows import (
    PAGE,
    SHOP_ZONE,
    Saved,
    find_order,
    list_orders,
    mark_order,
    save_order,
    shown_order,
    shown_rows,
)
from bitrix_pipeline.demo_rest.php import is_true, members
from bitrix_pipeline.demo_rest.refusals import (
    READ_DENIED,
    WRITE_DENIED,
    FatalError,
    Refusal,
    missing,
)

if TYPE_CHECKING:
    from pymysql.cursors import DictCursor

    from bitrix_pipeline.demo_rest.bitrix import SimulatedBitrix

BASKET = (
    "ID NAME PRICE BASE_PRICE DISCOUNT_PRICE QUANTITY PRODUCT_ID ORDER_ID CURRENCY VAT_RATE "
    "MEASURE_NAME XML_ID DATE_INSERT DATE_UPDATE"
)
PROPERTIES = "ID NAME CODE VALUE ORDER_PROPS_ID"
STATUS_FIELDS = ("id", "type", "sort", "notify", "color", "xmlId")


@dataclass(frozen=True)
class Call:
    """One method call."""

    bitrix: SimulatedBitrix
    cursor: DictCursor
    params: dict[str, Any]

    def required(self, name: str) -> Any:
        if name not in self.params:
            raise missing(name)
        return self.params[name]

    @property
    def numbers_as_text(self) -> bool:
        return self.bitrix.options.numbers_as_text

    def needs_to_read(self) -> None:
        if self.bitrix.options.rights == "D":
            raise READ_DENIED

    def needs_to_write(self) -> None:
        if self.bitrix.options.rights != "W":
            raise WRITE_DENIED


Body = dict[str, Any]
Method = Callable[[Call], Body]


def order_get(call: Call) -> Body:
    row = find_order(call.cursor, call.required("id"))
    call.needs_to_read()
    if row["ID"] in call.bitrix.options.unreadable:
        raise FatalError
    return {"result": {"order": whole_order(call, row)}}


def order_list(call: Call) -> Body:
    call.needs_to_read()
    start = int(call.params.get("start") or 0)
    rows, total = list_orders(
        call.cursor,
        conditions=_map(call.params.get("filter")),
        order=_map(call.params.get("order")),
        start=start,
    )
    chosen = [name for name in members(call.params.get("select")) if name != "*"]
    shown = [shown_order(row, numbers_as_text=call.numbers_as_text) for row in rows]
    if chosen:
        shown = [{name: order[name] for name in order if name in chosen} for order in shown]
    return paged({"result": {"orders": shown}}, start=start, found=len(rows), total=total)


def order_update(call: Call) -> Body:
    order_id, fields = call.required("id"), call.required("fields")
    call.needs_to_write()
    row = find_order(call.cursor, order_id, locks=True)
    saved = save(call, row, _map(fields))
    if saved.status:
        mail(call, row["ID"])
        move_on(call, row["ID"])
    order = shown_order(find_order(call.cursor, order_id), numbers_as_text=call.numbers_as_text)
    return {"result": {"order": {**order, "clients": [], "requisiteLink": []}}}


def status_list(call: Call) -> Body:
    call.needs_to_read()
    call.cursor.execute(
        "SELECT ID, TYPE, SORT, NOTIFY, COLOR, XML_ID FROM b_sale_status ORDER BY SORT, ID"
    )
    rows = [dict(zip(STATUS_FIELDS, row.values(), strict=True)) for row in call.cursor.fetchall()]
    wanted = _map(call.params.get("filter"))
    rows = [
        row for row in rows if all(row.get(name, value) == value for name, value in wanted.items())
    ]
    if call.numbers_as_text:
        rows = [{**row, "sort": str(row["sort"])} for row in rows]
    start = int(call.params.get("start") or 0)
    page = rows[max(0, start) // PAGE * PAGE :][:PAGE]
    return paged({"result": {"statuses": page}}, start=start, found=len(page), total=len(rows))


def profile(call: Call) -> Body:
    user = call.bitrix.options.user
    return {
        "result": {
            "ID": str(user), "ADMIN": True, "NAME": "Анна", "LAST_NAME": "Обменова",
            "PERSONAL_GENDER": "", "TIME_ZONE": "",
        }
    }  # fmt: skip


def scope(call: Call) -> Body:
    if is_true(call.params.get("full")):
        return {"result": ["catalog", "sale", "user"]}
    return {"result": list(call.bitrix.options.scopes)}


def methods(call: Call) -> Body:
    return {"result": call.bitrix.methods()}


def server_time(_: Call) -> Body:
    return {"result": datetime.now(UTC).astimezone(SHOP_ZONE).isoformat(timespec="seconds")}


def own_set_status(call: Call) -> Body:
    """What sale.order.update lacks: the status is checked, the version compared, the mail optional."""
    order_id = call.required("id")
    call.needs_to_write()
    row = find_order(call.cursor, order_id, locks=True)
    expected = call.params.get("expectedversion")
    if expected is not None and str(expected) != str(row["VERSION"]):
        raise Refusal("VERSION_MISMATCH", f"The version is {row['VERSION']}")
    fields = own_fields(call)
    saved = save(call, row, fields)
    if saved.status and call.params.get("notify") == "Y":
        mail(call, row["ID"])
    move_on(call, row["ID"])
    order = find_order(call.cursor, order_id)
    return {
        "result": {
            "id": order["ID"],
            "version": order["VERSION"],
            "statusId": order["STATUS_ID"],
            "canceled": order["CANCELED"],
            "marked": order["MARKED"],
        }
    }


def own_fields(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if "status" in call.params:
        status = str(call.params["status"])
        call.cursor.execute(
            "SELECT 1 FROM b_sale_status WHERE BINARY ID = %s AND TYPE = 'O'", (status,)
        )
        if call.cursor.fetchone() is None:
            raise Refusal("STATUS_UNKNOWN", "There is no such order status")
        fields["statusId"] = status
    if "canceled" in call.params:
        fields["canceled"] = call.params["canceled"]
        fields["reasonCanceled"] = call.params.get("reason", "")
    return fields or _none_given()


def save(call: Call, row: dict[str, Any], fields: Mapping[str, Any]) -> Saved:
    options = call.bitrix.options
    status = str(fields.get("statusId", ""))
    if row["ID"] in options.fatal:
        raise FatalError
    if status in options.vetoed:
        raise Refusal("SALE_EVENT_ON_BEFORE_ORDER_STATUS_CHANGE_ERROR", "The shop's code refuses")
    saved = save_order(call.cursor, row, fields, user=options.user)
    if saved.status and status in options.marked:
        mark_order(call.cursor, row["ID"], "Не удалось зарезервировать товар")
    return saved


def move_on(call: Call, order_id: int) -> None:
    """The shop's own code answers a status with another."""
    status = find_order(call.cursor, order_id)["STATUS_ID"]
    if status in call.bitrix.options.moves_on:
        call.cursor.execute(
            "UPDATE b_sale_order SET STATUS_ID = %s WHERE ID = %s",
            (call.bitrix.options.moves_on[status], order_id),
        )


def mail(call: Call, order_id: int) -> None:
    """Bitrix mails the buyer if the new status is one that notifies."""
    status = find_order(call.cursor, order_id)["STATUS_ID"]
    call.cursor.execute("SELECT NOTIFY FROM b_sale_status WHERE ID = %s", (status,))
    row = call.cursor.fetchone()
    if row is not None and row["NOTIFY"] == "Y":
        call.bitrix.mails.append((order_id, status))


def whole_order(call: Call, row: dict[str, Any]) -> dict[str, Any]:
    as_text = call.numbers_as_text
    basket = shown_rows(call.cursor, "b_sale_basket", BASKET, row["ID"], numbers_as_text=as_text)
    values = shown_rows(
        call.cursor, "b_sale_order_props_value", PROPERTIES, row["ID"], numbers_as_text=as_text
    )
    return {
        **shown_order(row, numbers_as_text=as_text),
        # Bitrix shows this id as text among numbers.
        "basketItems": [{**line, "id": str(line["id"])} for line in basket],
        "propertyValues": values,
        "payments": [],
        "shipments": [],
        "tradeBindings": [],
        "clients": [],
        "requisiteLink": [],
    }


def paged(body: Body, *, start: int, found: int, total: int) -> Body:
    """`start=-1` asks not to count; the last page has no `next`."""
    if start < 0:
        return body
    reached = start // PAGE * PAGE + found
    more = {"next": reached} if reached < total else {}
    return {**body, **more, "total": total}


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _none_given() -> dict[str, Any]:
    raise missing("status")


METHODS: dict[str, Method] = {
    "sale.order.get": order_get,
    "sale.order.list": order_list,
    "sale.order.update": order_update,
    "sale.status.list": status_list,
    "profile": profile,
    "scope": scope,
    "methods": methods,
    "server.time": server_time,
}
OWN_METHODS: dict[str, Method] = {"bitrixpipeline.order.setstatus": own_set_status}
SCOPELESS = {"profile", "scope", "methods", "server.time"}
