"""What an operator sees of the inbox and can do about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from postbox import AT_ONCE, Postbox, drain, poisoned
from psycopg import sql
from shop_and_crm import Pipeline

from bitrix_pipeline.inbox.desk import Desk, Selection

Statement = tuple[Any, Any]
"""A query and its values."""


@pytest.fixture
def statements(postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """What the desk asks of Postgres from now on."""
    asked: list[Statement] = []

    class Recording(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            if isinstance(query, sql.Composed):
                asked.append((query, params))
            return super().execute(query, params, **options)

    monkeypatch.setattr(postbox.crm.connection, "cursor_factory", Recording)
    return asked


@pytest.fixture
def desk(postbox: Postbox) -> Desk:
    return Desk(postbox.crm.connection, AT_ONCE)  # type: ignore[arg-type]


def an_order(pipeline: Pipeline) -> int:
    return int(pipeline.shop.value("SELECT MIN(ID) FROM b_sale_order"))


def kill(pipeline: Pipeline, postbox: Postbox) -> int:
    """A dead event."""
    order = an_order(pipeline)
    (event,) = postbox.put("order.saved", order)
    drain(pipeline, poisoned(pipeline, order))
    return event


def test_the_status_counts_events_by_state(desk: Desk, postbox: Postbox) -> None:
    postbox.put("order.saved", 1, 2)
    postbox.put("order.saved", 3, quarantine="the body is not JSON")
    postbox.claim(batch=1)

    found = desk.status()

    assert found.states == {"waiting": 1, "leased": 1, "dead": 0, "quarantined": 1}
    assert found.backlog == 2


@pytest.mark.parametrize(("days", "done"), [(0.9, 2), (1.1, 0)])
def test_the_status_counts_what_was_done_in_a_day(
    desk: Desk, postbox: Postbox, pipeline: Pipeline, days: float, done: int
) -> None:
    postbox.put("order.saved", an_order(pipeline), 999_999)
    drain(pipeline)
    grow_old(postbox, days)

    assert desk.status().done_last_day == done


def test_the_status_tells_how_long_the_oldest_has_waited(desk: Desk, postbox: Postbox) -> None:
    assert desk.status().oldest_waiting is None
    postbox.put("order.saved", 1)

    waited = desk.status().oldest_waiting

    assert waited is not None
    assert timedelta() < waited < timedelta(minutes=1)


def test_the_status_tells_what_comes_and_goes_in_a_minute(
    desk: Desk, postbox: Postbox, pipeline: Pipeline
) -> None:
    postbox.put("order.saved", an_order(pipeline), 999_999)

    drain(pipeline)

    assert (desk.status().received_per_minute, desk.status().applied_per_minute) == (0.4, 0.4)


def test_what_was_done_long_ago_costs_neither_a_status_nor_a_look_up_nor_a_prune(
    desk: Desk, postbox: Postbox, statements: list[Statement]
) -> None:
    keep_many_done(postbox, 50_000, days=20)
    postbox.put("order.saved", 1, 2, 3)

    desk.status()
    desk.entry("12345")
    desk.entry("evt_none")
    assert desk.prune() == 0

    blocks = [blocks_read(postbox, statement) for statement in [*statements]]
    whole = postbox.crm.value("SELECT relpages FROM pg_class WHERE relname = 'inbox_jobs'")
    assert len(blocks) >= 7
    assert max(blocks) < 50 < whole


def test_events_are_listed_newest_first(desk: Desk, postbox: Postbox) -> None:
    events = postbox.put("order.saved", 1, 2, 3)

    assert [entry.id for entry in desk.entries(limit=2)] == [events[2], events[1]]


def test_an_event_is_found_by_its_number_and_by_its_senders_id(
    desk: Desk, postbox: Postbox
) -> None:
    (event,) = postbox.put("order.saved", 17)

    by_number, by_name = desk.entry(str(event)), desk.entry("evt_0")

    assert by_number == by_name
    assert by_number is not None
    assert (by_number.entity, by_number.entity_id) == ("orders", 17)
    assert desk.entry("evt_none") is None


def test_a_number_names_the_event_of_that_number_before_one_so_called_by_its_sender(
    desk: Desk, postbox: Postbox
) -> None:
    first, second = postbox.put("order.saved", 1, 2)
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_events SET event_id = %s WHERE id = %s", str(second), first
    )

    found = desk.entry(str(second))

    assert found is not None
    assert found.id == second


def test_a_replayed_event_is_applied_again_and_the_audit_says_who_did_it(
    desk: Desk, postbox: Postbox, pipeline: Pipeline
) -> None:
    event = kill(pipeline, postbox)

    replayed = desk.replay([event], by="olga")
    drain(pipeline)

    assert replayed == 1
    assert postbox.states() == {"done": 1}
    (audit,) = desk.replays(event)
    assert (audit.replayed_by, audit.state_before, audit.reason_before) == (
        "olga", "dead", "ValueError",
    )  # fmt: skip


def test_a_replayed_event_has_all_its_tries_again(
    desk: Desk, postbox: Postbox, pipeline: Pipeline
) -> None:
    event = kill(pipeline, postbox)
    postbox.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET leases_lost = 6, aborts = 24")

    desk.replay([event], by="olga")

    counts = [postbox.job(event, name) for name in ("attempts", "leases_lost", "aborts")]
    assert counts == [0, 0, 0]


def test_what_waits_or_is_held_is_not_replayed(desk: Desk, postbox: Postbox) -> None:
    events = postbox.put("order.saved", 1, 2)
    postbox.claim(batch=1)

    assert desk.replay(events, by="olga") == 0


def test_what_still_makes_no_sense_stays_in_quarantine(desk: Desk, postbox: Postbox) -> None:
    (event,) = postbox.put("order.saved", 1, quarantine="of an older version")
    postbox.crm.run("UPDATE bitrix_pipeline.inbox_events SET body = 'x'")

    assert desk.replay([event], by="olga") == 0
    assert postbox.states() == {"quarantined": 1}


@pytest.mark.parametrize(
    ("form", "replayed"),
    [
        ("event=ONSALEORDERSAVED&data%5BFIELDS%5D%5BID%5D={}", 1),
        ("event=ONSALEORDERSAVED&data%5BFIELDS%5D%5BID%5D=none", 0),
        ("data%5BFIELDS%5D%5BID%5D={}", 0),
    ],
)
def test_a_webhook_of_bitrixs_own_is_read_anew_as_what_it_is(
    desk: Desk, postbox: Postbox, pipeline: Pipeline, form: str, replayed: int
) -> None:
    order = an_order(pipeline)
    (event,) = postbox.put("order.saved", order, quarantine="of an older version")
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_events SET source = 'bitrix', type = NULL, entity = NULL,"
        " entity_id = NULL, body = convert_to(%s, 'UTF8')", form.format(order),
    )  # fmt: skip

    assert desk.replay([event], by="olga") == replayed
    drain(pipeline)

    assert pipeline.crm.value("SELECT count(*) FROM orders") == replayed


def test_what_makes_sense_by_todays_rules_leaves_the_quarantine(
    desk: Desk, postbox: Postbox, pipeline: Pipeline
) -> None:
    order = an_order(pipeline)
    (event,) = postbox.put("order.saved", order, quarantine="of an older version")
    postbox.crm.run("UPDATE bitrix_pipeline.inbox_events SET entity = NULL, entity_id = NULL")

    desk.replay([event], by="olga")
    drain(pipeline)

    assert pipeline.crm.cell("orders", order, "is_placeholder") is False


def test_a_batch_is_replayed_in_as_many_queries_as_one_event(
    desk: Desk, postbox: Postbox, statements: list[Statement]
) -> None:
    events = postbox.put("order.saved", *range(1, 21), quarantine="of an older version")
    desk.replay(events[:1], by="olga")
    for_one = len(statements)

    replayed = desk.replay(events[1:], by="olga")

    assert replayed == 19
    assert len(statements) == 2 * for_one
    assert postbox.states() == {"waiting": 20}


def test_more_than_a_batch_is_replayed(
    desk: Desk, postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitrix_pipeline.inbox.desk.REPLAYED_AT_ONCE", 2)
    events = postbox.put("order.saved", *range(1, 6), quarantine="of an older version")
    postbox.crm.run("UPDATE bitrix_pipeline.inbox_events SET body = 'x' WHERE id = %s", events[2])

    assert desk.replay(events, by="olga") == 4
    assert postbox.states() == {"waiting": 4, "quarantined": 1}


def test_refused_events_are_selected_by_reason_and_time(
    desk: Desk, postbox: Postbox, pipeline: Pipeline
) -> None:
    event = kill(pipeline, postbox)
    (other,) = postbox.put("order.saved", 5, quarantine="the body is not JSON")
    hour_ago = datetime.now(UTC) - timedelta(hours=1)

    assert desk.selected(Selection(reason="ValueError")) == [event]
    assert desk.selected(Selection(since=hour_ago)) == [event, other]
    assert desk.selected(Selection(since=datetime.now(UTC) + timedelta(hours=1))) == []


@pytest.mark.parametrize(("days", "kept"), [(29, 1), (31, 0)])
def test_what_was_applied_is_kept_for_its_retention(
    desk: Desk, postbox: Postbox, pipeline: Pipeline, days: int, kept: int
) -> None:
    postbox.put("order.saved", an_order(pipeline))
    drain(pipeline)
    grow_old(postbox, days)

    desk.prune()

    assert postbox.crm.value("SELECT count(*) FROM bitrix_pipeline.inbox_events") == kept


@pytest.mark.parametrize(("days", "kept"), [(179, 1), (181, 0)])
def test_what_is_dead_is_kept_longer(
    desk: Desk, postbox: Postbox, pipeline: Pipeline, days: int, kept: int
) -> None:
    kill(pipeline, postbox)
    grow_old(postbox, days)

    assert desk.prune() == 1 - kept


def test_what_waits_is_never_pruned(desk: Desk, postbox: Postbox) -> None:
    postbox.put("order.saved", 1)
    grow_old(postbox, 1000)

    assert desk.prune() == 0


def keep_many_done(postbox: Postbox, count: int, *, days: int) -> None:
    postbox.crm.run(
        "INSERT INTO bitrix_pipeline.inbox_events (source, event_id, received_at, body)"
        " SELECT 'module', 'old_' || n, now() - make_interval(days => %s), 'x'"
        " FROM generate_series(1, %s) AS n",
        days,
        count,
    )
    postbox.crm.run(
        "INSERT INTO bitrix_pipeline.inbox_jobs (event, state, finished_at)"
        " SELECT id, 'done', received_at FROM bitrix_pipeline.inbox_events"
    )
    postbox.crm.run("ANALYZE bitrix_pipeline.inbox_jobs, bitrix_pipeline.inbox_events")


def blocks_read(postbox: Postbox, statement: Statement) -> int:
    query, values = statement
    explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {}").format(query)
    plan = postbox.crm.connection.execute(explain, values).fetchall()[0][0][0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def grow_old(postbox: Postbox, days: float) -> None:
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_jobs SET finished_at = finished_at - make_interval(secs => %s)",
        days * 86_400,
    )
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_events"
        " SET received_at = received_at - make_interval(secs => %s)",
        days * 86_400,
    )
