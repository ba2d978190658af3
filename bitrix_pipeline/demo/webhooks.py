"""Sends webhooks as the shop's module does, and as strangers would."""

import base64
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import requests

from bitrix_pipeline.receiver.signature import sign

DEADLINE_SECONDS = 10
SECRET_BYTES = 32


@dataclass(frozen=True)
class Webhook:
    """One request, signed."""

    event_id: str
    body: bytes
    secret: str

    def headers(self) -> dict[str, str]:
        now = int(time.time())
        return {
            "content-type": "application/json",
            "webhook-id": self.event_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self.secret, self.event_id, now, self.body),
        }


def new_secret() -> str:
    """As WEBHOOK_SECRETS takes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def order_saved(order: int, sequence: int, secret: str) -> Webhook:
    event = {
        "type": "order.saved",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"id": order, "sequence": sequence, "origin": "site"},
    }
    return Webhook(_event_id(), json.dumps(event).encode(), secret)


def webhooks(orders: Iterable[int], secret: str) -> list[Webhook]:
    """News of the orders."""
    return [order_saved(order, number, secret) for number, order in enumerate(orders, start=1)]


def oddities(orders: Iterable[int], secret: str) -> list[Webhook]:
    """The news of an order sent twice, news that somebody else signed, and half a body."""
    first = next(iter(orders))
    twice = order_saved(first, 0, secret)
    forged = order_saved(first, 0, new_secret())
    malformed = replace(twice, event_id=_event_id(), body=b'{"type": "order.saved", "data"')
    return [twice, twice, forged, malformed]


def _event_id() -> str:
    return f"evt_{secrets.token_hex(12)}"


def send(url: str, hooks: Iterable[Webhook]) -> Counter[int]:
    """How often which status was answered."""
    answers: Counter[int] = Counter()
    with requests.Session() as session:
        for hook in hooks:
            answer = session.post(
                url, data=hook.body, headers=hook.headers(), timeout=DEADLINE_SECONDS
            )
            answers[answer.status_code] += 1
    return answers
