"""The shop: its orders, its statuses, and what the webhook may do in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bitrix_pipeline.bitrix_rest.answer import integer, mapping, unreadable
from bitrix_pipeline.bitrix_rest.client import BitrixRest
from bitrix_pipeline.bitrix_rest.orders import Orders, moment

# A list that never ends is a fault of the server's.
MOST_PAGES = 200


@dataclass(frozen=True, kw_only=True)
class OrderStatus:
    """A row of b_sale_status: of orders (`O`) or of deliveries (`D`)."""

    id: str
    type: str
    sort: int
    notifies: bool
    """Setting it mails the buyer."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The user as whom the webhook acts."""

    id: int
    is_admin: bool


class BitrixShop:
    """What the pipeline needs of a shop's REST API."""

    def __init__(self, rest: BitrixRest) -> None:
        self._rest = rest
        self.orders = Orders(rest, methods=self.methods)

    def statuses(self) -> list[OrderStatus]:
        """All statuses, of orders and of deliveries. Raises RestError."""
        return [_status(mapping(row)) for row in self._pages("sale.status.list", "statuses")]

    def profile(self) -> Profile:
        """Needs no scope: whether the webhook is alive. Raises RestError."""
        result = mapping(self._rest.call("profile").result)
        user_id = integer(result.get("ID"))
        if user_id is None:
            raise unreadable("profile", "the answer names no user")
        return Profile(id=user_id, is_admin=result.get("ADMIN") in {True, "Y"})

    def scope(self) -> frozenset[str]:
        """What the webhook was made for. Raises RestError."""
        return self._names("scope")

    def methods(self) -> frozenset[str]:
        """Every method that the webhook may call, in small letters. Raises RestError."""
        return frozenset(name.lower() for name in self._names("methods"))

    def server_time(self) -> datetime:
        """PHP's clock, with its offset. Raises RestError."""
        time = moment(self._rest.call("server.time").result)
        if time is None:
            raise unreadable("server.time", "the answer is no time with an offset")
        return time

    def _names(self, method: str) -> frozenset[str]:
        result = self._rest.call(method).result
        return frozenset(name for name in mapping(result).values() if isinstance(name, str))

    def _pages(self, method: str, key: str) -> Iterator[Any]:
        start: int | None = 0
        for _ in range(MOST_PAGES):
            answer = self._rest.call(method, {"order": {"id": "asc"}, "start": start})
            yield from mapping(mapping(answer.result).get(key)).values()
            start = answer.next
            if start is None:
                return
        raise unreadable(method, f"the list has more than {MOST_PAGES} pages")


def _status(row: dict[str, Any]) -> OrderStatus:
    if not row.get("id"):
        raise unreadable("sale.status.list", "a status has no id")
    return OrderStatus(
        id=str(row["id"]),
        type=str(row.get("type") or "O"),
        sort=integer(row.get("sort")) or 0,
        notifies=row.get("notify") in {True, "Y"},
    )
