"""What Bitrix has of some orders, also when reading one of them kills PHP.

Bitrix answers a batch with such an order in it by a page, as a shop does that is down. So the shop is
asked for something else: if that is answered, the fault is an order's, and halves of the batch tell
whose.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bitrix_pipeline.bitrix_rest import (
    BitrixShop,
    NotExecutedError,
    OrderState,
    RestError,
    UnavailableError,
)


@dataclass
class Reading:
    """Every order that was asked for is in one of these."""

    found: dict[int, OrderState] = field(default_factory=dict)
    failed: dict[int, RestError] = field(default_factory=dict)
    to_blame: dict[int, RestError] = field(default_factory=dict)
    """What was answered by no proper answer, while the shop answers other questions."""


def read_orders(
    shop: BitrixShop,
    orders: Sequence[int],
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Reading:
    """After so many seconds it looks no closer: all orders that are left are to blame together."""
    reading = Reading()
    until = clock() + seconds
    waiting = [list(orders)] if orders else []
    while waiting:
        group = waiting.pop()
        unread = _read(shop, group, reading)
        if not unread:
            continue
        outage = _outage(shop)
        if outage:
            left = [order for others in waiting for order in others]
            reading.failed |= dict.fromkeys([*unread, *left], outage)
            break
        if len(unread) == 1 or clock() > until:
            reading.to_blame |= unread
            continue
        members = list(unread)
        middle = len(members) // 2
        waiting += [members[middle:], members[:middle]]
    return reading


def _read(shop: BitrixShop, orders: Sequence[int], reading: Reading) -> dict[int, RestError]:
    """Those that must be asked for again, because one of them may have killed PHP."""
    answers = shop.orders.get(orders)
    is_suspect = any(_is_page(answer) for answer in answers.values())
    unread = {}
    for order, answer in answers.items():
        if isinstance(answer, OrderState):
            reading.found[order] = answer
        elif is_suspect and (_is_page(answer) or isinstance(answer, NotExecutedError)):
            unread[order] = answer
        else:
            reading.failed[order] = answer
    return unread


def _is_page(answer: OrderState | RestError) -> bool:
    """A proxy or a dying PHP answered; a shop that is away does not."""
    return isinstance(answer, UnavailableError) and answer.status is not None


def _outage(shop: BitrixShop) -> RestError | None:
    """Why the shop answers nothing; None when it does: it is asked what needs its database."""
    try:
        shop.statuses()
    except RestError as error:
        return error
    return None
