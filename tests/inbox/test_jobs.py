"""Who may apply which event, and when: leases, fencing, tries."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from postbox import AT_ONCE, Postbox, ids_of
from shop_and_crm import Crm, fails

from bitrix_pipeline.inbox.errors import LeaseLostError
from bitrix_pipeline.inbox.jobs import ABORTS_UNTIL_DEAD, Claim, Jobs, complete, due
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync.postgres import connect

PATIENT = InboxSettings()


def jobs(crm: Crm, settings: InboxSettings = AT_ONCE, **changes: Any) -> Jobs:
    return Jobs(crm.connection, replace(settings, **changes), run_id="test")  # type: ignore[arg-type]


def claimed(found: Claim | None) -> Claim:
    assert found is not None
    return found


def put_back(mine: Jobs) -> list[int]:
    """What a claim held that a database then broke off."""
    claim = claimed(mine.claim())
    mine.put_back(claim, reason="too slow")
    return ids_of(claim)


def seconds_until_due(postbox: Postbox, event: int) -> float:
    return float(postbox.job(event, "extract(epoch FROM due_at - now())"))


def test_the_oldest_events_are_taken_first_and_no_more_than_a_batch(postbox: Postbox) -> None:
    events = postbox.put("order.saved", 1, 2, 3)

    assert ids_of(jobs(postbox.crm, batch=2).claim()) == events[:2]


def test_nothing_is_taken_from_an_empty_inbox(postbox: Postbox) -> None:
    assert jobs(postbox.crm).claim() is None


def test_an_event_in_quarantine_is_never_taken(postbox: Postbox) -> None:
    postbox.put("order.saved", 1, quarantine="the body is not JSON")

    assert jobs(postbox.crm).claim() is None


def test_two_drains_never_take_the_same_event(postbox: Postbox) -> None:
    events = postbox.put("order.saved", 1, 2, 3, 4)
    with closing(connect(postbox.crm.url)) as other, postbox.crm.connection.transaction():
        mine = jobs(postbox.crm, batch=2).claim()

        theirs = Jobs(other, AT_ONCE, run_id="other").claim()

    assert ids_of(mine) == events[:2]
    assert ids_of(theirs) == events[2:]


def test_an_event_is_taken_over_when_its_lease_has_ended(postbox: Postbox) -> None:
    events = postbox.put("order.saved", 1)
    postbox.claim()
    assert jobs(postbox.crm).claim() is None

    postbox.let_leases_end()

    assert ids_of(jobs(postbox.crm).claim()) == events


def test_a_lost_lease_costs_no_try(postbox: Postbox) -> None:
    (event,) = postbox.put("order.saved", 1)
    postbox.claim()
    postbox.let_leases_end()

    jobs(postbox.crm).claim()

    assert (postbox.job(event, "attempts"), postbox.job(event, "leases_lost")) == (1, 1)


def test_what_a_killed_drain_held_is_taken_in_smaller_batches_until_it_is_alone(
    postbox: Postbox,
) -> None:
    postbox.put("order.saved", *range(1, 65))
    postbox.claim(batch=64)

    sizes = []
    for _ in range(3):
        postbox.let_leases_end()
        sizes.append(len(ids_of(jobs(postbox.crm, batch=64).claim())))

    assert sizes == [16, 4, 1]


def test_what_a_database_broke_off_is_taken_in_smaller_batches_until_it_is_alone(
    postbox: Postbox,
) -> None:
    postbox.put("order.saved", *range(1, 65))
    mine = jobs(postbox.crm, batch=64)

    sizes = []
    for _ in range(4):
        postbox.make_due()
        sizes.append(len(put_back(mine)))

    assert sizes == [64, 16, 4, 1]


def test_what_a_database_broke_off_is_not_taken_with_others(postbox: Postbox) -> None:
    broken_off = postbox.put("order.saved", 1)
    mine = jobs(postbox.crm)
    put_back(mine)
    others = postbox.put("order.saved", 2, 3)
    postbox.make_due()

    claims = [ids_of(mine.claim()) for _ in range(2)]

    assert sorted(claims) == [broken_off, others]


def test_one_claim_of_four_is_of_what_a_database_broke_off_while_there_is_other_news(
    postbox: Postbox,
) -> None:
    mine = jobs(postbox.crm, batch=1)
    broken_off = postbox.put("order.saved", *range(1, 5))
    for _ in broken_off:
        put_back(mine)
    postbox.put("order.saved", *range(5, 25))
    postbox.make_due()

    claims = [ids_of(mine.claim()) for _ in range(16)]

    fourths = [claims[start : start + 4] for start in range(0, 16, 4)]
    assert [sum(event in broken_off for (event,) in four) for four in fourths] == [1] * 4


def test_what_a_database_broke_off_is_taken_at_once_where_nothing_else_waits(
    postbox: Postbox,
) -> None:
    mine = jobs(postbox.crm, batch=1)
    broken_off = postbox.put("order.saved", *range(1, 5))
    for _ in broken_off:
        put_back(mine)
    postbox.make_due()

    claims = [ids_of(mine.claim()) for _ in range(4)]

    assert sorted(claims) == [[event] for event in broken_off]


def test_what_a_database_broke_off_waits_longer_and_longer_and_burns_no_try(
    postbox: Postbox,
) -> None:
    (event,) = postbox.put("order.saved", 1)
    mine = jobs(postbox.crm)

    waits = []
    while postbox.job(event, "state") == "waiting":
        postbox.make_due()
        put_back(mine)
        waits.append(seconds_until_due(postbox, event))

    expected = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, *[3600] * 14]
    assert waits[:-1] == [pytest.approx(wait, rel=0.25) for wait in expected]
    assert len(waits) == ABORTS_UNTIL_DEAD
    assert postbox.job(event, "attempts") == 0
    assert postbox.states() == {"dead": 1}


def test_a_claim_holds_no_more_bytes_than_fit_into_memory(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = postbox.put("order.saved", 1, 2, 3)
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_events SET body = convert_to(repeat('x', 100), 'UTF8')"
    )
    monkeypatch.setattr("bitrix_pipeline.inbox.jobs.MOST_BYTES", 200)
    mine = jobs(postbox.crm)

    assert ids_of(mine.claim()) == events[:2]
    assert ids_of(mine.claim()) == events[2:]


def test_an_event_larger_than_a_claim_may_be_is_taken_alone(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = postbox.put("order.saved", 1, 2)
    monkeypatch.setattr("bitrix_pipeline.inbox.jobs.MOST_BYTES", 1)

    assert ids_of(jobs(postbox.crm).claim()) == events[:1]


def test_new_events_wait_until_lost_ones_are_taken(postbox: Postbox) -> None:
    lost = postbox.put("order.saved", 1)
    postbox.claim()
    postbox.let_leases_end()
    postbox.put("order.saved", 2)

    assert ids_of(jobs(postbox.crm).claim()) == lost


def test_a_renewed_lease_begins_anew(postbox: Postbox) -> None:
    postbox.put("order.saved", 1)
    mine = jobs(postbox.crm)
    claim = claimed(mine.claim())
    postbox.let_leases_end()

    mine.renew(claim)

    assert postbox.claim() is None


def test_an_event_is_done_with_the_transaction_that_completes_it(postbox: Postbox) -> None:
    (event,) = postbox.put("order.saved", 1)
    claim = claimed(jobs(postbox.crm).claim())

    delays = complete(postbox.crm.connection, claim)  # type: ignore[arg-type]

    assert postbox.states() == {"done": 1}
    assert 0 < delays[event] < 60


def test_a_zombie_completes_nothing(postbox: Postbox) -> None:
    postbox.put("order.saved", 1, 2)
    zombie = claimed(jobs(postbox.crm).claim())
    postbox.let_leases_end()
    postbox.claim()

    with fails(LeaseLostError), postbox.crm.connection.transaction():
        complete(postbox.crm.connection, zombie)  # type: ignore[arg-type]

    assert postbox.states() == {"leased": 2}


@pytest.mark.parametrize("ending", ["fail", "postpone", "put back", "renew"])
def test_a_zombie_changes_nothing_of_what_another_holds(postbox: Postbox, ending: str) -> None:
    (event,) = postbox.put("order.saved", 1)
    mine = jobs(postbox.crm)
    zombie = claimed(mine.claim())
    postbox.let_leases_end()
    postbox.claim()
    before = postbox.crm.rows("SELECT * FROM bitrix_pipeline.inbox_jobs")

    {
        "fail": lambda: mine.fail(zombie, reason="late"),
        "postpone": lambda: mine.postpone(zombie, seconds=9, reason="late"),
        "put back": lambda: mine.put_back(zombie, reason="late"),
        "renew": lambda: mine.renew(zombie),
    }[ending]()

    assert postbox.crm.rows("SELECT * FROM bitrix_pipeline.inbox_jobs") == before
    assert postbox.job(event, "state") == "leased"


def test_failures_are_tried_again_after_5_25_and_125_seconds_and_then_the_event_is_dead(
    postbox: Postbox,
) -> None:
    (event,) = postbox.put("order.saved", 1)
    mine = jobs(postbox.crm, PATIENT)

    waits = []
    while postbox.job(event, "state") == "waiting":
        postbox.make_due()
        mine.fail(claimed(mine.claim()), reason="it makes no sense")
        waits.append(seconds_until_due(postbox, event))

    expected = [5, 25, 125]
    assert [pytest.approx(wait, rel=0.25) for wait in expected] == waits[:3]
    assert len(waits) == 4
    assert postbox.job(event, "state") == "dead"
    assert postbox.job(event, "reason") == "it makes no sense"


def test_an_outage_costs_no_try_however_long_it_lasts(postbox: Postbox) -> None:
    (event,) = postbox.put("order.saved", 1)
    mine = jobs(postbox.crm, PATIENT)

    for _ in range(10):
        mine.postpone(claimed(mine.claim()), seconds=0, reason="MySQL is away")

    assert postbox.job(event, "attempts") == 0
    assert postbox.states() == {"waiting": 1}


def test_a_final_failure_is_not_tried_again(postbox: Postbox) -> None:
    postbox.put("order.saved", 1)
    mine = jobs(postbox.crm, PATIENT)

    dead = mine.fail(claimed(mine.claim()), reason="no", final=True)

    assert dead == 1
    assert postbox.states() == {"dead": 1}


def test_what_is_due_is_told_with_the_seconds_until_the_next(postbox: Postbox) -> None:
    postbox.put("order.saved", 1, 2)
    mine = jobs(postbox.crm)
    assert due(postbox.crm.connection).events == 2  # type: ignore[arg-type]

    mine.postpone(claimed(mine.claim()), seconds=30, reason="MySQL is away")

    found = due(postbox.crm.connection)  # type: ignore[arg-type]
    assert found.events == 0
    assert found.next_in == pytest.approx(30, abs=2)
