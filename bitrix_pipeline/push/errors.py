"""What can stop a push, and how a refusal of Bitrix's is told without a customer's data."""

import re

from bitrix_pipeline.bitrix_rest import (
    AccessRefusedError,
    MethodNotFoundError,
    NotExecutedError,
    OperatingLimitError,
    OverloadError,
    RateLimitError,
    RestError,
    SiteClosedError,
    UnreachableError,
)
from bitrix_pipeline.errors import PermanentError


class MassChangeError(PermanentError):
    """More orders would change than the limit allows; nothing was sent."""


class UnmappedWordError(PermanentError):
    """The CRM's word stands for no status of Bitrix's; only the orders that have it are held up."""


OF_ALL = (
    RateLimitError,
    OperatingLimitError,
    SiteClosedError,
    OverloadError,
    UnreachableError,
    NotExecutedError,
    AccessRefusedError,
    MethodNotFoundError,
)
"""These are nobody's own fault, whichever command met them."""

CODE = re.compile(r"[A-Za-z0-9_.\-]{1,80}")

KNOWN = {
    "200540400001": "the shop has no such order: it was deleted or archived",
    "200040300020": "the webhook's user may not change it",
    "200040300010": "the webhook's user may not read it",
    "SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE": "it has a payment that is paid",
    "SALE_ORDER_CANCEL_SHIPMENT_EXIST_SHIPPED": "it has a shipment that was shipped",
    "SALE_EVENT_ON_BEFORE_ORDER_STATUS_CHANGE_ERROR": "the shop's own code refuses the status",
    "SALE_EVENT_ON_BEFORE_ORDER_CANCELED_ERROR": "the shop's own code refuses the cancellation",
    "STATUS_UNKNOWN": "the shop has no such order status",
}


def is_of_all(error: RestError) -> bool:
    """Whether the next order would meet it too: a whole request failed, or a limit was reached."""
    return isinstance(error, OF_ALL) or error.method in {"batch", "methods", "sale.status.list"}


def reason(error: RestError) -> str:
    """Bitrix's code and our words: its description is the shop's own and may name a person."""
    if not error.code:
        return str(error)
    code = error.code if CODE.fullmatch(error.code) else "a code of the shop's own"
    known = KNOWN.get(code)
    return f"Bitrix refuses: {code}, {known}" if known else f"Bitrix refuses: {code}"
