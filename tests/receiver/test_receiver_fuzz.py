"""Requests made up from the service's own description, signed and unsigned: never a 5xx."""

import json
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from receiving import Service, new_id, signed

DOCUMENTED = {200, 202, 401, 409, 413, 415, 429}


@pytest.fixture(scope="module")
def description(shared_receiver: Service) -> Any:
    found = json.loads(shared_receiver.get("/openapi.json", metrics=True).body)
    return schemathesis.openapi.from_dict(found)


@pytest.mark.parametrize("path", ["/webhooks/bitrix", "/webhooks/bitrix/events"])
@pytest.mark.parametrize("is_signed", [False, True], ids=["unsigned", "signed"])
def test_no_request_is_answered_with_a_fault_of_ours(
    receiver: Service, description: Any, path: str, *, is_signed: bool
) -> None:
    operation = description[path]["POST"]
    seen: set[int] = set()

    @given(case=operation.as_strategy())
    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def every_case(case: Any) -> None:
        given_parts = case.as_transport_kwargs(base_url=receiver.url)
        prepared = requests.Request(**given_parts).prepare()
        body = prepared.body if isinstance(prepared.body, bytes) else (prepared.body or "").encode()
        if is_signed:
            prepared.headers.update(signed(new_id(), body))
        with requests.Session() as session:
            seen.add(session.send(prepared, timeout=10).status_code)

    every_case()

    assert seen <= DOCUMENTED
    assert seen & ({202} if is_signed and path == "/webhooks/bitrix" else {401, 415})
