"""Bitrix's REST API as this project uses it: calls, batches, and the few methods about orders.

`BitrixRest` speaks the protocol, `BitrixShop` the shop's language. What fails is a `RestError`, whose
type says what may be done. The webhook's URL is a secret: nothing here shows it, logs included.
"""

from bitrix_pipeline.bitrix_rest.answer import Answer
from bitrix_pipeline.bitrix_rest.batch import Command
from bitrix_pipeline.bitrix_rest.client import BitrixRest, RestOptions
from bitrix_pipeline.bitrix_rest.configured import options_from, rest_client
from bitrix_pipeline.bitrix_rest.errors import (
    AccessRefusedError,
    BadRequestError,
    MethodNotFoundError,
    MissingScopeError,
    NotExecutedError,
    NotRestError,
    OperatingLimitError,
    OrderLockedError,
    OrderNotFoundError,
    OverloadError,
    RateLimitError,
    RefusedError,
    RestError,
    SiteClosedError,
    UnavailableError,
    UnknownOutcome,
    UnreachableError,
    UnreadableAnswerError,
    VersionConflictError,
)
from bitrix_pipeline.bitrix_rest.orders import OWN_METHOD, Orders, OrderState, StatusChange
from bitrix_pipeline.bitrix_rest.rate import Rate
from bitrix_pipeline.bitrix_rest.shop import BitrixShop, OrderStatus, Profile
from bitrix_pipeline.bitrix_rest.transport import Deadlines
from bitrix_pipeline.bitrix_rest.webhook import Webhook

__all__ = [
    "OWN_METHOD",
    "AccessRefusedError",
    "Answer",
    "BadRequestError",
    "BitrixRest",
    "BitrixShop",
    "Command",
    "Deadlines",
    "MethodNotFoundError",
    "MissingScopeError",
    "NotExecutedError",
    "NotRestError",
    "OperatingLimitError",
    "OrderLockedError",
    "OrderNotFoundError",
    "OrderState",
    "OrderStatus",
    "Orders",
    "OverloadError",
    "Profile",
    "Rate",
    "RateLimitError",
    "RefusedError",
    "RestError",
    "RestOptions",
    "SiteClosedError",
    "StatusChange",
    "UnavailableError",
    "UnknownOutcome",
    "UnreachableError",
    "UnreadableAnswerError",
    "VersionConflictError",
    "Webhook",
    "options_from",
    "rest_client",
]
