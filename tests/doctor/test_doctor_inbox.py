"""Webhooks: a receiver that may do too little or too much, events that wait for a person."""

from collections.abc import Iterator

import pytest
from consultation import Consultation
from shop_and_crm import Crm

from bitrix_pipeline.demo.webhooks import new_secret
from bitrix_pipeline.doctor import Level

ACCOUNT = "postman"


@pytest.fixture
def with_receiver(healthy_crm: Consultation, synced_crm: Crm) -> Iterator[Consultation]:
    """A receiver's account of its own, without any right yet."""
    synced_crm.run(f"CREATE ROLE {ACCOUNT} LOGIN")
    yield healthy_crm.with_settings(
        receiver_postgres_url=synced_crm.url.replace("postgres@", f"{ACCOUNT}@"),
        webhook_secrets=new_secret(),
    )
    synced_crm.run(f"DROP OWNED BY {ACCOUNT}")
    synced_crm.run(f"DROP ROLE {ACCOUNT}")


def test_an_account_that_may_hand_events_over_and_nothing_else(
    with_receiver: Consultation, synced_crm: Crm
) -> None:
    synced_crm.run(f"GRANT bitrix_receiver TO {ACCOUNT}")

    assert with_receiver.serious() == []
    assert with_receiver.says("may hand events over, and nothing else")


def test_an_account_that_may_not_hand_events_over(with_receiver: Consultation) -> None:
    finding = with_receiver.only_serious()

    assert finding.level is Level.PROBLEM
    assert f'GRANT bitrix_receiver TO "{ACCOUNT}"' in finding.advice


def test_an_account_that_may_read_customers_data(
    with_receiver: Consultation, synced_crm: Crm
) -> None:
    synced_crm.run(f"GRANT bitrix_receiver TO {ACCOUNT}")
    synced_crm.run(f"GRANT SELECT ON users TO {ACCOUNT}")

    finding = with_receiver.only_serious()

    assert "read or write public.users" in finding.found


def test_the_superuser_as_receiver(healthy_crm: Consultation, synced_crm: Crm) -> None:
    consultation = healthy_crm.with_settings(
        receiver_postgres_url=synced_crm.url, webhook_secrets=new_secret()
    )

    assert "may do anything" in consultation.only_serious().found


def test_a_secret_that_cannot_be_read_is_not_repeated(
    with_receiver: Consultation, synced_crm: Crm
) -> None:
    synced_crm.run(f"GRANT bitrix_receiver TO {ACCOUNT}")

    finding = with_receiver.with_settings(webhook_secrets="whsec_sesame").only_serious()

    assert finding.level is Level.PROBLEM
    assert "sesame" not in repr(finding)


def test_no_receiver_is_no_fault(healthy_crm: Consultation) -> None:
    assert healthy_crm.says("no webhook can be received")
    assert healthy_crm.serious() == []


def test_events_that_wait_for_a_person(healthy_crm: Consultation, synced_crm: Crm) -> None:
    receive(synced_crm, reason="the body is not JSON")

    finding = healthy_crm.only_serious()

    assert "1 quarantined" in finding.found
    assert "inbox list --dead" in finding.advice


def test_an_event_that_nobody_takes(healthy_crm: Consultation, synced_crm: Crm) -> None:
    receive(synced_crm)
    synced_crm.run(
        "UPDATE bitrix_pipeline.inbox_events SET received_at = now() - interval '1 hour'"
    )

    finding = healthy_crm.only_serious()

    assert "has waited for" in finding.found
    assert "drain_inbox" in finding.advice


def receive(crm: Crm, reason: str | None = None) -> None:
    crm.rows(
        "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s::text[], %s::text[],"
        " %s::bigint[], %s, %s::text[])",
        ["module"], ["evt_1"], [None], ["order.saved"], ["orders"], [17], [b"{}"], [reason],
    )  # fmt: skip
