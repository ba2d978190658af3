"""Bitrix's errors. Its documentation and its code give different statuses: a simulator speaks either."""

from dataclasses import dataclass
from typing import Any, Literal

Dialect = Literal["docs", "core"]
"""`docs`: as documented, numeric codes as numbers. `core`: as sale 26's code does, codes as text."""

STATUSES: dict[str, tuple[int, int]] = {
    "QUERY_LIMIT_EXCEEDED": (503, 503),
    "OPERATION_TIME_LIMIT": (429, 429),
    "OVERLOAD_LIMIT": (503, 401),
    "INTERNAL_SERVER_ERROR": (500, 500),
    "ERROR_UNEXPECTED_ANSWER": (500, 500),
    "NO_AUTH_FOUND": (401, 401),
    "INVALID_CREDENTIALS": (403, 401),
    "insufficient_scope": (403, 401),
    "expired_token": (401, 401),
    "authorization_error": (401, 401),
    "INVALID_REQUEST": (400, 401),
    "ACCESS_DENIED": (403, 403),
    "WRONG_LICENSE": (403, 403),
    "user_access_error": (403, 401),
    "ERROR_METHOD_NOT_FOUND": (404, 404),
    "PORTAL_DELETED": (500, 403),
    "WRONG_ENCODING": (200, 200),
    "ERROR_CORE": (400, 500),
    "VERSION_MISMATCH": (409, 409),
}
"""Code → (documented, in the code); all others are 400."""


@dataclass
class Refusal(Exception):  # noqa: N818 - it is an answer, and no fault of this program
    """An error that Bitrix answers with."""

    code: str
    description: str = ""

    def status(self, dialect: Dialect) -> int:
        documented, coded = STATUSES.get(self.code, (400, 400))
        return documented if dialect == "docs" else coded

    def body(self, dialect: Dialect) -> dict[str, Any]:
        is_number = dialect == "docs" and self.code.isdigit()
        return {
            "error": int(self.code) if is_number else self.code,
            "error_description": self.description,
        }


class FatalError(Exception):
    """PHP dies: whatever the request had still to do is not done, and its answer is a page."""


ORDER_NOT_FOUND = Refusal("200540400001", "order is not exists")
READ_DENIED = Refusal("200040300010", "Access Denied")
WRITE_DENIED = Refusal("200040300020", "Access Denied")
METHOD_NOT_FOUND = Refusal("ERROR_METHOD_NOT_FOUND", "Method not found!")


def missing(parameter: str) -> Refusal:
    return Refusal("100", f"Could not find value for parameter {{{parameter}}}")
