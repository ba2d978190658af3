"""The signature vectors that the receiver and the sender share, each over HTTP."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from receiving import JSON, Here, Inbox, ask, post, receiver_here

from bitrix_pipeline.inbox.store import InboxStore
from bitrix_pipeline.receiver.app import Receiver
from bitrix_pipeline.receiver.signature import secrets_of

VECTORS = json.loads(Path(__file__).with_name("signature_vectors.json").read_text("utf-8"))
STATES = {"queued": ["waiting"], "quarantine": ["quarantined"], None: []}


@pytest.fixture(scope="module")
def here(shared_inbox: Inbox) -> Iterator[Here]:
    now = [0.0]

    def make() -> Receiver:
        return Receiver(
            store=InboxStore(shared_inbox.receiver_url),
            secrets=secrets_of("whsec_" + "A" * 32),
            most_bytes=2**20,
            clock=lambda: now[0],
        )

    with receiver_here(make) as running:
        running.now = now
        yield running


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_is_answered_and_stored_as_it_says(
    here: Here, inbox: Inbox, vector: dict[str, Any]
) -> None:
    here.now[0] = vector["now"]
    here.receiver.signed.secrets = secrets_of(" ".join(vector["secrets"]))
    body = base64.b64decode(vector["body_b64"])

    answer = ask(
        here.addresses.webhooks, post("/webhooks/bitrix", {**JSON, **vector["headers"]}, body)
    )

    assert answer.status == vector["expect"]
    assert answer.body == b""
    assert [row[0] for row in inbox.rows("state")] == STATES[vector["state"]]


def test_all_vectors_are_there() -> None:
    assert len(VECTORS) == 43
