"""What an answer means: the body decides, HTTP's status where there is no code."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from bitrix_pipeline.bitrix_rest import (
    AccessRefusedError,
    Answer,
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
    VersionConflictError,
    Webhook,
)
from bitrix_pipeline.bitrix_rest.answer import Reply, mapping, read_reply
from bitrix_pipeline.errors import PermanentError, TransientError

WEBHOOK = Webhook(
    host="shop.example",
    code=SecretStr("s3cr3t"),
    base=SecretStr("https://shop.example/rest/1/s3cr3t/"),
)
PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"


def read(status: int, body: object, **more: Any) -> Answer | RestError:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(
        Reply(status=status, body=sent, **more), method="sale.order.get", webhook=WEBHOOK
    )


def error(status: int, body: object, **more: Any) -> RestError:
    outcome = read(status, body, **more)
    assert isinstance(outcome, RestError), outcome
    return outcome


# Code, the status that the documentation gives, the one that the code gives, what it is for us.
CODES: list[tuple[str | int, int, int, type[RestError]]] = [
    ("QUERY_LIMIT_EXCEEDED", 503, 503, RateLimitError),
    ("OPERATION_TIME_LIMIT", 429, 429, OperatingLimitError),
    ("OVERLOAD_LIMIT", 503, 401, OverloadError),
    ("PORTAL_DELETED", 500, 403, SiteClosedError),
    ("INTERNAL_SERVER_ERROR", 500, 500, UnavailableError),
    ("ERROR_UNEXPECTED_ANSWER", 500, 500, UnavailableError),
    ("ERROR_CORE", 500, 500, UnavailableError),
    ("ERROR_CORE", 400, 400, RefusedError),
    ("NO_AUTH_FOUND", 401, 401, AccessRefusedError),
    ("INVALID_CREDENTIALS", 403, 401, AccessRefusedError),
    ("insufficient_scope", 403, 401, MissingScopeError),
    ("expired_token", 401, 401, AccessRefusedError),
    ("authorization_error", 401, 401, AccessRefusedError),
    ("INVALID_REQUEST", 400, 401, AccessRefusedError),
    ("ACCESS_DENIED", 403, 401, AccessRefusedError),
    ("INVALID_TOKEN", 401, 401, AccessRefusedError),
    ("WRONG_AUTH_TYPE", 403, 403, AccessRefusedError),
    ("ACCESS_ERROR", 403, 400, AccessRefusedError),
    ("PAYMENT_REQUIRED", 402, 402, AccessRefusedError),
    ("WRONG_LICENSE", 403, 403, AccessRefusedError),
    ("user_access_error", 403, 401, AccessRefusedError),
    ("ERROR_METHOD_NOT_FOUND", 404, 404, MethodNotFoundError),
    ("ERROR_ARGUMENT", 400, 400, BadRequestError),
    ("ERROR_BATCH_LENGTH_EXCEEDED", 400, 405, BadRequestError),
    ("ERROR_BATCH_METHOD_NOT_ALLOWED", 400, 405, BadRequestError),
    ("WRONG_ENCODING", 200, 200, BadRequestError),
    ("100", 400, 400, BadRequestError),
    (100, 400, 400, BadRequestError),
    ("0", 400, 400, BadRequestError),
    (0, 400, 400, BadRequestError),
    ("200540400001", 400, 400, OrderNotFoundError),
    (200540400001, 400, 400, OrderNotFoundError),
    # "payment item is not exists", and not the order.
    (201240400001, 400, 400, RefusedError),
    (200040300010, 400, 400, AccessRefusedError),
    ("200040300020", 400, 400, AccessRefusedError),
    ("SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE", 400, 400, RefusedError),
    ("MY_SHOPS_OWN_VETO", 400, 400, RefusedError),
    ("", 400, 400, RefusedError),
    (None, 400, 400, RefusedError),
    ("VERSION_MISMATCH", 409, 409, VersionConflictError),
    ("ORDER_LOCKED", 503, 503, OrderLockedError),
    ("SOMETHING_NEW", 500, 502, UnavailableError),
    ("SOMETHING_NEW", 429, 429, RateLimitError),
    ("SOMETHING_NEW", 401, 403, AccessRefusedError),
]


@pytest.mark.parametrize(("code", "documented", "coded", "kind"), CODES)
def test_a_code_means_the_same_whatever_the_status(
    code: str | int, documented: int, coded: int, kind: type[RestError]
) -> None:
    for status in (documented, coded):
        found = error(status, {"error": code, "error_description": "Something"})

        assert type(found) is kind
        assert (found.code, found.status) == (str(code), status)
        assert "sale.order.get" in str(found)
        assert "Something" in str(found)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, PAGE, UnavailableError),
        (200, b"", UnavailableError),
        (200, b"  \n", UnavailableError),
        (200, b"[]", UnavailableError),
        (200, b"{}", UnavailableError),
        (200, b"null", UnavailableError),
        (200, b'{"result": 1', UnavailableError),
        (200, b"\xff\xfe", UnavailableError),
        (200, b"[" * 100_000, UnavailableError),
        (408, b"", UnavailableError),
        (500, b"", UnavailableError),
        (500, b'{"result": true}', UnavailableError),
        (502, PAGE, UnavailableError),
        (503, PAGE, UnavailableError),
        (504, PAGE, UnavailableError),
        (429, PAGE, RateLimitError),
        (301, b"", NotRestError),
        (302, PAGE, NotRestError),
        (401, PAGE, NotRestError),
        (403, PAGE, NotRestError),
        (404, PAGE, NotRestError),
        (413, PAGE, NotRestError),
    ],
)
def test_without_a_code_the_status_decides(status: int, body: bytes, kind: type[RestError]) -> None:
    found = error(status, body)

    assert type(found) is kind
    assert found.code == ""
    assert f"HTTP {status}" in str(found)
    assert "Gateway" not in str(found)


def test_what_may_be_tried_again_is_transient_and_what_not_permanent() -> None:
    transient = {kind for _, _, _, kind in CODES if issubclass(kind, TransientError)}

    assert transient == {
        RateLimitError, OperatingLimitError, OrderLockedError, SiteClosedError, UnavailableError
    }  # fmt: skip
    assert all(issubclass(kind, PermanentError) for _, _, _, kind in CODES if kind not in transient)


@pytest.mark.parametrize(
    "body",
    [
        {"error": "OPERATION_TIME_LIMIT", "operating_reset_at": 1_700_000_000},
        {"error": "OPERATION_TIME_LIMIT", "operating_reset_at": "1700000000"},
        {"error": "OPERATION_TIME_LIMIT", "time": {"operating_reset_at": 1_700_000_000.0}},
    ],
)
def test_the_operating_limit_says_when_it_ends(body: object) -> None:
    found = error(429, body)

    assert isinstance(found, OperatingLimitError)
    assert found.reset_at == 1_700_000_000


@pytest.mark.parametrize("body", [PAGE, {"error": "QUERY_LIMIT_EXCEEDED"}])
def test_retry_after_is_kept(body: object) -> None:
    found = error(429, body, retry_after=7.0)

    assert isinstance(found, RateLimitError)
    assert found.retry_after == 7.0


def test_a_byte_order_mark_is_no_fault() -> None:
    assert isinstance(read(200, b'\xef\xbb\xbf{"result": true}'), Answer)


@pytest.mark.parametrize("result", [None, False, 0, [], {}])
def test_a_result_may_be_empty(result: object) -> None:
    outcome = read(200, {"result": result, "time": []})

    assert isinstance(outcome, Answer)
    assert outcome.result == result
    assert outcome.time == {}


@pytest.mark.parametrize(("total", "next_"), [(51, 50), ("51", "50")])
def test_counts_may_come_as_text(total: object, next_: object) -> None:
    outcome = read(200, {"result": [], "total": total, "next": next_})

    assert isinstance(outcome, Answer)
    assert (outcome.total, outcome.next) == (51, 50)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ([], {}),
        ({}, {}),
        (["a", "b"], {"0": "a", "1": "b"}),
        ({"a": 1}, {"a": 1}),
        (None, {}),
        ("text", {}),
    ],
)
def test_phps_arrays_are_maps(value: object, meaning: dict[str, object]) -> None:
    assert mapping(value) == meaning


def test_a_description_is_cut_and_its_secrets_hidden() -> None:
    found = error(400, {"error": "0", "error_description": "at /rest/1/s3cr3t/x " + "y" * 999})

    assert "s3cr3t" not in str(found)
    assert "/rest/1/***/x" in str(found)
    assert len(str(found)) < 400
