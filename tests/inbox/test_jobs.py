"""Who may apply which event, and when: leases, fencing, tries."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from mailbox import AT_ONCE, Mailbox, ids_of
from shop_and_crm import Crm, fails

from bitrix_pipeline.inbox.errors import LeaseLostError
from bitrix_pipeline.inbox.jobs import Claim, Jobs, complete, due
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync.postgres import connect

PATIENT = InboxSettings()


def jobs(crm: Crm, settings: InboxSettings = AT_ONCE, **changes: Any) -> Jobs:
    return Jobs(crm.connection, replace(settings, **changes), run_id="test")  # type: ignore[arg-type]


def claimed(found: Claim | None) -> Claim:
    assert found is not None
    return found


def seconds_until_due(mailbox: Mailbox, event: int) -> float:
    return float(mailbox.job(event, "extract(epoch FROM due_at - now())"))


def test_the_oldest_events_are_taken_first_and_no_more_than_a_batch(mailbox: Mailbox) -> None:
    events = mailbox.put("order.saved", 1, 2, 3)

    assert ids_of(jobs(mailbox.crm, batch=2).claim()) == events[:2]


def test_nothing_is_taken_from_an_empty_inbox(mailbox: Mailbox) -> None:
    assert jobs(mailbox.crm).claim() is None


def test_an_event_in_quarantine_is_never_taken(mailbox: Mailbox) -> None:
    mailbox.put("order.saved", 1, quarantine="the body is not JSON")

    assert jobs(mailbox.crm).claim() is None


def test_two_drains_never_take_the_same_event(mailbox: Mailbox) -> None:
    events = mailbox.put("order.saved", 1, 2, 3, 4)
    with closing(connect(mailbox.crm.url)) as other, mailbox.crm.connection.transaction():
        mine = jobs(mailbox.crm, batch=2).claim()

        theirs = Jobs(other, AT_ONCE, run_id="other").claim()

    assert ids_of(mine) == events[:2]
    assert ids_of(theirs) == events[2:]


def test_an_event_is_taken_over_when_its_lease_has_ended(mailbox: Mailbox) -> None:
    events = mailbox.put("order.saved", 1)
    mailbox.claim()
    assert jobs(mailbox.crm).claim() is None

    mailbox.let_leases_end()

    assert ids_of(jobs(mailbox.crm).claim()) == events


def test_a_lost_lease_costs_no_try(mailbox: Mailbox) -> None:
    (event,) = mailbox.put("order.saved", 1)
    mailbox.claim()
    mailbox.let_leases_end()

    jobs(mailbox.crm).claim()

    assert (mailbox.job(event, "attempts"), mailbox.job(event, "leases_lost")) == (1, 1)


def test_what_a_killed_drain_held_is_taken_in_smaller_batches_until_it_is_alone(
    mailbox: Mailbox,
) -> None:
    mailbox.put("order.saved", *range(1, 65))
    mailbox.claim(batch=64)

    sizes = []
    for _ in range(3):
        mailbox.let_leases_end()
        sizes.append(len(ids_of(jobs(mailbox.crm, batch=64).claim())))

    assert sizes == [16, 4, 1]


def test_new_events_wait_until_lost_ones_are_taken(mailbox: Mailbox) -> None:
    lost = mailbox.put("order.saved", 1)
    mailbox.claim()
    mailbox.let_leases_end()
    mailbox.put("order.saved", 2)

    assert ids_of(jobs(mailbox.crm).claim()) == lost


def test_a_renewed_lease_begins_anew(mailbox: Mailbox) -> None:
    mailbox.put("order.saved", 1)
    mine = jobs(mailbox.crm)
    claim = claimed(mine.claim())
    mailbox.let_leases_end()

    mine.renew(claim)

    assert mailbox.claim() is None


def test_an_event_is_done_with_the_transaction_that_completes_it(mailbox: Mailbox) -> None:
    (event,) = mailbox.put("order.saved", 1)
    claim = claimed(jobs(mailbox.crm).claim())

    delays = complete(mailbox.crm.connection, claim)  # type: ignore[arg-type]

    assert mailbox.states() == {"done": 1}
    assert 0 < delays[event] < 60


def test_a_zombie_completes_nothing(mailbox: Mailbox) -> None:
    mailbox.put("order.saved", 1, 2)
    zombie = claimed(jobs(mailbox.crm).claim())
    mailbox.let_leases_end()
    mailbox.claim()

    with fails(LeaseLostError), mailbox.crm.connection.transaction():
        complete(mailbox.crm.connection, zombie)  # type: ignore[arg-type]

    assert mailbox.states() == {"leased": 2}


@pytest.mark.parametrize("ending", ["fail", "postpone", "renew"])
def test_a_zombie_changes_nothing_of_what_another_holds(mailbox: Mailbox, ending: str) -> None:
    (event,) = mailbox.put("order.saved", 1)
    mine = jobs(mailbox.crm)
    zombie = claimed(mine.claim())
    mailbox.let_leases_end()
    mailbox.claim()
    before = mailbox.crm.rows("SELECT * FROM bitrix_pipeline.inbox_jobs")

    {
        "fail": lambda: mine.fail(zombie, reason="late"),
        "postpone": lambda: mine.postpone(zombie, seconds=9, reason="late"),
        "renew": lambda: mine.renew(zombie),
    }[ending]()

    assert mailbox.crm.rows("SELECT * FROM bitrix_pipeline.inbox_jobs") == before
    assert mailbox.job(event, "state") == "leased"


def test_failures_are_tried_again_after_5_25_and_125_seconds_and_then_the_event_is_dead(
    mailbox: Mailbox,
) -> None:
    (event,) = mailbox.put("order.saved", 1)
    mine = jobs(mailbox.crm, PATIENT)

    waits = []
    while mailbox.job(event, "state") == "waiting":
        mailbox.make_due()
        mine.fail(claimed(mine.claim()), reason="it makes no sense")
        waits.append(seconds_until_due(mailbox, event))

    expected = [5, 25, 125]
    assert [pytest.approx(wait, rel=0.25) for wait in expected] == waits[:3]
    assert len(waits) == 4
    assert mailbox.job(event, "state") == "dead"
    assert mailbox.job(event, "reason") == "it makes no sense"


def test_an_outage_costs_no_try_however_long_it_lasts(mailbox: Mailbox) -> None:
    (event,) = mailbox.put("order.saved", 1)
    mine = jobs(mailbox.crm, PATIENT)

    for _ in range(10):
        mine.postpone(claimed(mine.claim()), seconds=0, reason="MySQL is away")

    assert mailbox.job(event, "attempts") == 0
    assert mailbox.states() == {"waiting": 1}


def test_a_final_failure_is_not_tried_again(mailbox: Mailbox) -> None:
    mailbox.put("order.saved", 1)
    mine = jobs(mailbox.crm, PATIENT)

    dead = mine.fail(claimed(mine.claim()), reason="no", final=True)

    assert dead == 1
    assert mailbox.states() == {"dead": 1}


def test_what_is_due_is_told_with_the_seconds_until_the_next(mailbox: Mailbox) -> None:
    mailbox.put("order.saved", 1, 2)
    mine = jobs(mailbox.crm)
    assert due(mailbox.crm.connection).events == 2  # type: ignore[arg-type]

    mine.postpone(claimed(mine.claim()), seconds=30, reason="MySQL is away")

    found = due(mailbox.crm.connection)  # type: ignore[arg-type]
    assert found.events == 0
    assert found.next_in == pytest.approx(30, abs=2)
