"""The way back: a webhook that is gone, may too little, or finds other statuses than the settings."""

import pytest
from consultation import Consultation
from rest_at_hand import CODE, RestShop

from bitrix_pipeline.demo_rest import site_closed
from bitrix_pipeline.doctor import Level


@pytest.fixture
def with_webhook(healthy_crm: Consultation, rest_shop: RestShop) -> Consultation:
    return healthy_crm.with_settings(bitrix_rest_url=rest_shop.simulator.webhook_url)


def test_a_webhook_that_may_do_what_it_must(
    with_webhook: Consultation, rest_shop: RestShop
) -> None:
    rest_shop.behaves(has_own_method=True)

    assert with_webhook.serious() == []
    assert with_webhook.says("Bitrix lets the webhook in, as its user 1")
    assert with_webhook.says("The mapping fits the shop's")
    assert with_webhook.says("Our module is there")


def test_it_only_reads(with_webhook: Consultation, rest_shop: RestShop) -> None:
    with_webhook.findings()

    assert {*rest_shop.asked} == {"profile", "scope", "server.time", "methods", "sale.status.list"}


def test_no_webhook_is_no_fault(healthy_crm: Consultation) -> None:
    assert healthy_crm.about("BITRIX_REST_URL is not set").level is Level.NOTE


def test_a_url_that_is_no_webhooks_is_not_repeated(healthy_crm: Consultation) -> None:
    finding = healthy_crm.with_settings(
        bitrix_rest_url="http://shop.example/rest/1/s3cr3t/"
    ).only_serious()

    assert "must begin with https://" in finding.found
    assert "s3cr3t" not in repr(finding)


def test_a_webhook_that_is_gone(with_webhook: Consultation, rest_shop: RestShop) -> None:
    rest_shop.behaves(code="another")

    finding = with_webhook.only_serious()

    assert finding.level is Level.PROBLEM
    assert "the webhook is gone: make a new one" in finding.found
    assert CODE not in repr(finding)


def test_a_shop_that_is_closed(with_webhook: Consultation, rest_shop: RestShop) -> None:
    rest_shop.suffers(site_closed())

    assert "the shop is closed" in with_webhook.only_serious().found


def test_a_webhook_without_the_scope(with_webhook: Consultation, rest_shop: RestShop) -> None:
    rest_shop.behaves(scopes=("catalog",))

    lacking, *_ = with_webhook.serious()

    assert "lacks the scope sale" in lacking.found
    assert "bitrixpipeline" in lacking.advice


def test_a_shop_without_our_module_and_no_mail_wanted(with_webhook: Consultation) -> None:
    assert with_webhook.about("statuses are set by sale.order.update").level is Level.NOTE
    finding = with_webhook.with_settings(push_mails_buyers=False).only_serious()

    assert "PUSH_MAILS_BUYERS=false" in finding.found


def test_a_mapping_that_names_a_status_the_shop_lacks(with_webhook: Consultation) -> None:
    finding = with_webhook.with_settings(push_status_mapping={"paid": "QQ"}).only_serious()

    assert "QQ, which is no order status of the shop's" in finding.found


def test_a_mapping_of_a_status_that_the_shop_does_not_have(with_webhook: Consultation) -> None:
    consultation = with_webhook.with_settings(status_mapping={"N": "new", "QQ": "paid"})

    finding = consultation.about("STATUS_MAPPING names QQ, which the shop does not have")

    assert finding.level is Level.WARNING


def test_a_word_that_cannot_be_sent(with_webhook: Consultation) -> None:
    consultation = with_webhook.with_settings(status_mapping={"N": "new", "DF": "shipped"})

    assert "shipped is not sent: only DF has it" in consultation.about("is not sent").found
