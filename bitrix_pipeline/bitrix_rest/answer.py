"""From bytes to an answer or an error. The body decides; HTTP's status only where there is no code.

Documentation and code of Bitrix differ in statuses and types, so both are read: a code may be a number
or text, 0 among them, and an empty map arrives as `[]`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from bitrix_pipeline.bitrix_rest.errors import (
    AccessRefusedError,
    BadRequestError,
    MethodNotFoundError,
    MissingScopeError,
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
    UnreadableAnswerError,
    VersionConflictError,
)
from bitrix_pipeline.bitrix_rest.webhook import Webhook

LONGEST_DESCRIPTION = 200
SQL_ERROR = "SQL query error"

BY_CODE: Mapping[str, tuple[type[RestError], str]] = {
    "QUERY_LIMIT_EXCEEDED": (RateLimitError, "it is tried again, more slowly"),
    "OPERATION_TIME_LIMIT": (OperatingLimitError, "wait until Bitrix gives the method time again"),
    "OVERLOAD_LIMIT": (OverloadError, "ask Bitrix's support to unblock the account"),
    "PORTAL_DELETED": (SiteClosedError, "the shop is closed; open it in its main settings"),
    "INTERNAL_SERVER_ERROR": (UnavailableError, "look at the shop's PHP log"),
    "ERROR_UNEXPECTED_ANSWER": (UnavailableError, "look at the shop's PHP log"),
    "NO_AUTH_FOUND": (AccessRefusedError, "look at BITRIX_REST_URL"),
    "INVALID_CREDENTIALS": (AccessRefusedError, "the webhook is gone: make a new one"),
    "INSUFFICIENT_SCOPE": (MissingScopeError, "make the webhook with the scope sale"),
    "EXPIRED_TOKEN": (AccessRefusedError, "BITRIX_REST_URL must be an incoming webhook"),
    "INVALID_TOKEN": (AccessRefusedError, "the webhook is gone: make a new one"),
    "WRONG_AUTH_TYPE": (AccessRefusedError, "BITRIX_REST_URL must be an incoming webhook"),
    "AUTHORIZATION_ERROR": (AccessRefusedError, "the webhook's user is not active"),
    "INVALID_REQUEST": (AccessRefusedError, "the shop must see the call as https"),
    "ACCESS_DENIED": (AccessRefusedError, "give the webhook's user rights to orders"),
    "USER_ACCESS_ERROR": (AccessRefusedError, "give the webhook's user rights to orders"),
    "ACCESS_ERROR": (AccessRefusedError, "give the webhook's user rights to orders"),
    "PAYMENT_REQUIRED": (AccessRefusedError, "the shop's licence does not allow REST"),
    "WRONG_LICENSE": (AccessRefusedError, "the shop's licence does not allow REST"),
    "200040300010": (AccessRefusedError, "give the webhook's user the right to read orders"),
    "200040300020": (AccessRefusedError, "give the webhook's user the right to change orders"),
    "ERROR_METHOD_NOT_FOUND": (MethodNotFoundError, "the shop lacks the module or its update"),
    "ERROR_BATCH_METHOD_NOT_ALLOWED": (BadRequestError, "report it: a batch may not hold it"),
    "ERROR_BATCH_LENGTH_EXCEEDED": (BadRequestError, "lower BITRIX_REST_BATCH_SIZE"),
    "ERROR_ARGUMENT": (BadRequestError, "the shop's version may expect other parameters"),
    "WRONG_ENCODING": (BadRequestError, "report it: the request was not UTF-8"),
    "100": (BadRequestError, "the shop's version may expect other parameters"),
    "0": (BadRequestError, "the shop's version may expect other parameters"),
    "200540400001": (OrderNotFoundError, "it was deleted or archived"),
    # Of our own module.
    "VERSION_MISMATCH": (VersionConflictError, "read the order again"),
    "ORDER_NOT_FOUND": (OrderNotFoundError, "it was deleted or archived"),
    "ORDER_LOCKED": (OrderLockedError, "another call is changing the order"),
    "PARAMETER_MISSING": (BadRequestError, "the module's version may expect other parameters"),
    "PARAMETER_MALFORMED": (BadRequestError, "the module's version may expect other parameters"),
}
"""Bitrix's code → what it means here, and what to do. Others go by HTTP's status."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back over HTTP, whole."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What Bitrix returned for a call that succeeded."""

    result: Any = field(repr=False)
    total: int | None = None
    next: int | None = None
    """Where the next page of a list starts; None on the last one."""
    time: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_reply(reply: Reply, *, method: str, webhook: Webhook) -> Answer | RestError:
    """The answer, or the error as a value: raised where it was caught it would carry a context."""
    body = _parsed(reply.body)
    if isinstance(body, dict) and "error" in body:
        error = error_of(body, method=method, status=reply.status, webhook=webhook)
        if isinstance(error, RateLimitError):
            error.retry_after = reply.retry_after
        return error
    if (
        not isinstance(body, dict)
        or "result" not in body
        or reply.status >= HTTPStatus.MULTIPLE_CHOICES
    ):
        return _without_code(reply, method)
    return answer_of(body)


def answer_of(body: Mapping[str, Any]) -> Answer:
    return Answer(
        result=body["result"],
        total=integer(body.get("total")),
        next=integer(body.get("next")),
        time=mapping(body.get("time")),
    )


def error_of(
    body: Mapping[str, Any], *, method: str, status: int | None, webhook: Webhook
) -> RestError:
    """The error that a body, or one command's part of a batch, describes."""
    code = webhook.hide(str(body.get("error")))[:LONGEST_DESCRIPTION]
    about = webhook.hide(str(body.get("error_description") or ""))[:LONGEST_DESCRIPTION]
    # A batch tells no status, and this one may have failed halfway through a save.
    broke_off = code == "ERROR_CORE" and SQL_ERROR in about
    kind, advice = _kind(code, HTTPStatus.INTERNAL_SERVER_ERROR if broke_off else status)
    said = f"{code} ({about})" if about else code
    error = kind(f"{method}: Bitrix says {said}; {advice}", method=method, code=code, status=status)
    if isinstance(error, OperatingLimitError):
        error.reset_at = _moment(body)
    return error


def mapping(value: Any) -> dict[str, Any]:
    """PHP's array as a map: it writes an empty one, and one with the keys 0, 1, 2…, as a list."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(place): member for place, member in enumerate(value)}
    return {}


def integer(value: Any) -> int | None:
    """A number that may arrive as text; None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def unreadable(method: str, what: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"{method}: {what}; look whether the shop's modules are up to date", method=method
    )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _kind(code: str, status: int | None) -> tuple[type[RestError], str]:
    known = BY_CODE.get(code.upper())
    if known is not None:
        return known
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError, "look at the shop's PHP log"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitError, "it is tried again, more slowly"
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return AccessRefusedError, "look at the webhook and at its user's rights"
    return RefusedError, "the order stays as it is"


def _without_code(reply: Reply, method: str) -> RestError:
    """For a page of HTML, an empty body, or JSON that is not Bitrix's; none of it is repeated."""
    shape = "an empty body" if not reply.body.strip() else "something that is not REST's JSON"
    said = f"{method}: the shop answered HTTP {reply.status} with {shape}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        error = RateLimitError(
            f"{said}; it is tried again, more slowly", method=method, status=reply.status
        )
        error.retry_after = reply.retry_after
        return error
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = f"{said}; look at the shop's web server"
        return UnavailableError(text, method=method, status=reply.status)
    if reply.status in {HTTPStatus.OK, HTTPStatus.REQUEST_TIMEOUT}:
        text = f"{said}; look at its PHP log, and whether BITRIX_REST_URL is right"
        return UnavailableError(text, method=method, status=reply.status)
    where = "redirects" if reply.status < HTTPStatus.BAD_REQUEST else "has no REST API there"
    return NotRestError(
        f"{said}: it {where}; look at BITRIX_REST_URL", method=method, status=reply.status
    )


def _moment(body: Mapping[str, Any]) -> float | None:
    for place in (body, mapping(body.get("time"))):
        value = place.get("operating_reset_at")
        if isinstance(value, int | float | str) and str(value).replace(".", "", 1).isdigit():
            return float(value)
    return None
