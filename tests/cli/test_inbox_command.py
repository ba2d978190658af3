"""`bitrix-pipeline inbox …`: an operator's look at the webhooks received."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from shop_and_crm import Crm, Pipeline

Type = Callable[..., Any]

BODY = {"type": "order.saved", "data": {"id": 17, "order": {"USER_DESCRIPTION": "Анна Секретова"}}}


@pytest.fixture
def inbox(pipeline: Pipeline, type_for: Callable[[Pipeline], Type]) -> Type:
    """Types `inbox …` for a CRM whose inbox holds one event that waits and one in quarantine."""
    receive(pipeline.crm, "evt_waits", 17, json.dumps(BODY).encode())
    receive(pipeline.crm, "evt_odd", None, b"[not json]", reason="the body is not JSON")
    type_in = type_for(pipeline)
    return lambda *words: type_in("inbox", *words)


def receive(
    crm: Crm, event_id: str, order: int | None, body: bytes, reason: str | None = None
) -> None:
    crm.rows(
        "SELECT bitrix_pipeline.receive(%s, %s, %s::timestamptz[], %s::text[], %s::text[],"
        " %s::bigint[], %s, %s::text[])",
        ["module"], [event_id], [None], ["order.saved"], ["orders"], [order], [body], [reason],
    )  # fmt: skip


def test_status_shows_how_many_events_are_in_which_state(inbox: Type) -> None:
    outcome = inbox("status")

    assert outcome.code == 0
    assert "backlog 1" in outcome.out
    assert "quarantined" in outcome.out


def test_list_shows_events_without_their_bodies(inbox: Type) -> None:
    outcome = inbox("list")

    assert "order.saved" in outcome.out
    assert "the body is not JSON" in outcome.out
    assert "Секретова" not in outcome.out


def test_list_dead_shows_only_what_was_refused(inbox: Type) -> None:
    outcome = inbox("list", "--dead")

    assert "quarantined" in outcome.out
    assert "waiting" not in outcome.out


def test_show_tells_what_became_of_an_event_and_not_what_it_holds(inbox: Type) -> None:
    outcome = inbox("show", "evt_waits")

    assert "waiting" in outcome.out
    assert "Секретова" not in outcome.out


def test_show_prints_the_body_when_asked_to(inbox: Type) -> None:
    outcome = inbox("show", "evt_waits", "--body")

    assert "USER_DESCRIPTION" in outcome.out


def test_an_unknown_event_is_one_sentence(inbox: Type) -> None:
    outcome = inbox("show", "evt_none")

    assert outcome.code == 1
    assert "the inbox has no event evt_none" in outcome.err


def test_replay_says_what_still_makes_no_sense(inbox: Type) -> None:
    outcome = inbox("replay", "--reason", "not JSON")

    assert "0 of 1 events will be applied again" in outcome.out
    assert "still make no sense" in outcome.out


def test_replay_lets_an_event_delete_more_than_the_limit_when_told_so(
    inbox: Type, pipeline: Pipeline
) -> None:
    pipeline.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET state = 'dead'")

    inbox("replay", "evt_waits", "--allow-deletions")

    allowed = "SELECT event_id FROM bitrix_pipeline.inbox_jobs JOIN bitrix_pipeline.inbox_events"
    assert pipeline.crm.rows(f"{allowed} ON id = event WHERE deletions_allowed") == [("evt_waits",)]


def test_replay_keeps_the_number_of_an_account_that_has_no_name(
    inbox: Type, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    pipeline.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET state = 'dead'")

    inbox("replay", "evt_waits")

    by = pipeline.crm.value("SELECT replayed_by FROM bitrix_pipeline.inbox_replays")
    assert by == "uid 54321"


@pytest.mark.parametrize("words", [(), ("evt_odd", "--since", "2h")])
def test_replay_wants_events_or_a_condition_and_not_both(
    inbox: Type, words: tuple[str, ...]
) -> None:
    outcome = inbox("replay", *words)

    assert outcome.code == 1
    assert "name events, or give --reason, --since or both" in outcome.err


def test_replay_wants_a_time_that_can_be_read(inbox: Type) -> None:
    outcome = inbox("replay", "--since", "yesterday")

    assert outcome.code == 1
    assert "write 30m, 2h, 3d" in outcome.err


def test_prune_says_how_much_it_deleted(inbox: Type) -> None:
    assert "0 events deleted." in inbox("prune").out
