"""An examination as a whole: silent about a healthy pair, and never an exception."""

from consultation import SERIOUS, Consultation
from shop_and_crm import Crm

from bitrix_pipeline.doctor import Level, examine
from bitrix_pipeline.settings import Settings


def test_a_healthy_pair_gives_nothing_to_mend(healthy: Consultation) -> None:
    assert healthy.serious() == []


def test_it_looks_at_every_part(healthy: Consultation) -> None:
    topics = {finding.topic for finding in healthy.findings()}

    assert topics == {
        "settings",
        "MySQL",
        "MySQL account",
        "shop tables",
        "shop contents",
        "shop clock",
        "Postgres",
        "Postgres tables",
        "Postgres access",
        "sync",
        "webhooks",
        "REST",
    }


def test_whatever_is_serious_comes_with_advice(crm: Crm) -> None:
    settings = Settings(_env_file=None, postgres_url=crm.url, deletion_limit_share=1)

    serious = [finding for finding in examine(settings) if finding.level in SERIOUS]

    assert serious
    assert all(finding.advice for finding in serious)


def test_findings_come_one_by_one(healthy: Consultation) -> None:
    findings = examine(healthy.settings)

    assert next(findings).topic == "settings"
    findings.close()


def test_nothing_set_is_two_problems_and_no_exception() -> None:
    found = [f for f in examine(Settings(_env_file=None)) if f.level is Level.PROBLEM]

    assert [finding.topic for finding in found] == ["MySQL", "Postgres"]


def test_it_only_reads(healthy_crm: Consultation, synced_crm: Crm) -> None:
    before = synced_crm.contents(), synced_crm.rows("SELECT * FROM bitrix_pipeline.sync_state")

    healthy_crm.findings()

    assert before == (
        synced_crm.contents(),
        synced_crm.rows("SELECT * FROM bitrix_pipeline.sync_state"),
    )
