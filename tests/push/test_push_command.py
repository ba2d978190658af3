"""`bitrix-pipeline push …`, as an operator types it."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pushing import Desk

from bitrix_pipeline.cli import main
from bitrix_pipeline.settings import Settings

Type = Callable[..., tuple[int, str]]


@pytest.fixture
def push(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Type:
    """The exit code, and what was said, with folded lines joined."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("POSTGRES_URL", desk.crm.url)
    monkeypatch.setenv("BITRIX_REST_URL", desk.rest.simulator.webhook_url)
    monkeypatch.setenv("BITRIX_REST_RATE", "off")
    monkeypatch.setenv("STATUS_MAPPING", json.dumps(dict(desk.pipeline.settings.status_mapping)))

    def type_in(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["bitrix-pipeline", "push", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, re.sub(r"\s+", " ", out + err)

    return type_in


def test_a_dry_run_shows_and_sends_nothing(desk: Desk, push: Type) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)

    code, said = push("run", "--dry-run")

    assert code == 0
    assert f"{order}" in said
    assert "STATUS_ID=P" in said
    assert desk.rest.asked == []
    assert desk.in_bitrix(order) == ("N", "N")
    assert desk.crm.value("SELECT count(*) FROM bitrix_pipeline.push_orders") == 0


def test_run_list_retry_and_skip(desk: Desk, push: Type) -> None:
    bad, good = desk.prepare(2)
    desk.set("lost", bad)
    desk.set("paid", good)

    assert "1 sent, 1 confirmed, 0 in conflict, 0 failed, 1 dead, 0 waiting" in push("run")[1]
    assert str(bad) in push("list", "--dead")[1]
    assert "1 of 1 orders will not be sent" in push("skip", str(bad))[1]
    assert push("list", "--dead")[1].strip() == "No order was given up."
    assert push("run")[0] == 0
    assert desk.ledger(bad) == "skipped"
    assert "1 of 1 orders will be tried again" in push("retry", str(bad))[1]
    assert "1 dead" in push("run")[1]
    who = desk.crm.rows("SELECT event FROM bitrix_pipeline.push_history WHERE done_by IS NOT NULL")
    assert who == [("skipped",), ("retried",)]


def test_what_is_skipped_is_sent_once_the_crm_changes_it_again(desk: Desk, push: Type) -> None:
    [order] = desk.prepare(1)
    desk.rest.behaves(vetoed=frozenset({"F"}))
    desk.set("completed", order)
    push("run")
    push("skip", str(order))
    desk.set("paid", order)

    push("run")

    assert desk.in_bitrix(order) == ("P", "N")


def test_an_order_that_is_not_in_the_ledger_is_one_sentence(push: Type) -> None:
    code, said = push("retry", "4711")

    assert code == 1
    assert "none of them is open: see bitrix-pipeline push list" in said


def test_a_mass_change_asks(desk: Desk, push: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH_MAX_CHANGES", "1")
    desk.set("paid", desk.prepare(2))

    code, said = push("run")

    assert code == 1
    assert "the status of 2 orders would change in Bitrix" in said
    assert "2 sent" in push("run", "--allow-mass")[1]


def test_a_mapping_that_is_wrong_is_one_sentence(
    desk: Desk, push: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSH_STATUS_MAPPING", '{"paid": "QQ"}')

    code, said = push("run")

    assert code == 1
    assert "PUSH_STATUS_MAPPING names QQ, which is no order status of the shop's" in said
    assert desk.rest.asked == []


def test_without_a_webhook_nothing_is_pushed(push: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITRIX_REST_URL")

    assert "BITRIX_REST_URL is not set" in push("run")[1]
