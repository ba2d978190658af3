"""The agent: a visitor in whose request it runs does not wait for a run as long as cron's."""

import time
from pathlib import Path
from threading import Event

import pytest
import requests
from bitrix_site import Listener, Site, in_a_browser

SLOW = 40
PAGE = """<?php
{before}
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
while (ob_get_level()) {{ ob_end_clean(); }}
{flush}
CAgent::CheckAgents();
echo 'the page';
"""
CLOSE = "function fastcgi_finish_request() {}"


def visit(site: Site, before: str = "", flush: str = "") -> str:
    (site.root / "page.php").write_text(PAGE.format(before=before, flush=flush))
    with in_a_browser(site) as address:
        return requests.get(f"{address}/page.php", timeout=120).text


def seconds_of_visit(site: Site, listener: Listener, before: str = "", flush: str = "") -> float:
    """With a receiver that never answers, of which each event would cost the agent SLOW seconds."""
    release = Event()
    listener.answer = lambda _, __: 202 * release.wait(120)
    site.set(timeout=SLOW, run_seconds=SLOW, fast_timeout=1)
    site.add("user.deleted", 1, 2, 3)
    started = time.monotonic()
    try:
        assert visit(site, before, flush) == "the page"
        return time.monotonic() - started
    finally:
        release.set()


DELETED = "$fire('main', 'OnAfterUserDelete', [5]);"


@pytest.mark.parametrize(
    ("choice", "sent"), [("auto", []), ("never", []), ("unheard of", []), ("always", [5])]
)
def test_where_the_buyer_would_wait_only_always_sends_in_the_buyers_request(
    site: Site, listener: Listener, choice: str, sent: list[int]
) -> None:
    """PHP of the command line can close no response, as mod_php cannot."""
    site.set(fast_path=choice)

    site.hit(DELETED)

    assert listener.ids() == sent
    assert site.outbox("ENTITY_ID") == ([] if sent else [(5,)])


@pytest.mark.parametrize("function", ["fastcgi_finish_request", "litespeed_finish_request"])
def test_where_the_response_can_be_closed_first_auto_sends(
    site: Site, listener: Listener, function: str
) -> None:
    site.set(fast_path="auto")

    site.hit(f"function {function}() {{}} {DELETED}")

    assert listener.ids() == [5]


def test_the_fast_path_sends_ten_and_leaves_the_rest_to_the_agent(
    site: Site, listener: Listener
) -> None:
    site.set(fast_path="always", fast_timeout=10)
    site.add("user.deleted", *range(101, 115))

    site.hit(DELETED)

    assert listener.ids() == list(range(101, 111))
    assert len(site.outbox()) == 5
    assert {row[0] for row in site.outbox("LEASE")} == {None}


LITESPEED = """
function litespeed_finish_request() { file_put_contents('{marker}', 'closed'); }
"""


def test_under_litespeed_the_response_is_closed_before_anything_is_sent(
    site: Site, listener: Listener, tmp_path: Path
) -> None:
    """Bitrix itself closes it under PHP-FPM only."""
    marker = tmp_path / "marker"
    site.set(fast_path="auto", fast_timeout=10)
    listener.answer = lambda _, __: 202 if marker.exists() else 500

    site.hit(LITESPEED.replace("{marker}", str(marker)) + DELETED)

    assert site.outbox() == []


def test_a_visitor_waits_for_the_fast_paths_seconds_only(site: Site, listener: Listener) -> None:
    assert seconds_of_visit(site, listener) < SLOW / 2
    assert site.outbox("ENTITY_ID, STATE") == [(1, "W"), (2, "W"), (3, "W")]


def test_a_server_that_can_close_the_response_has_not_done_so_before_the_page(
    site: Site, listener: Listener
) -> None:
    """Agents of an old Bitrix run there."""
    assert seconds_of_visit(site, listener, CLOSE) < SLOW / 2


@pytest.mark.parametrize(
    ("before", "flush"),
    [("define('BX_CRONTAB', true);", ""), (CLOSE, "echo ' '; flush();")],
    ids=["cron", "after the response"],
)
def test_where_nobody_waits_it_takes_its_time(
    site: Site, listener: Listener, before: str, flush: str
) -> None:
    """What takes longer than the fast path has is delivered all the same."""
    site.set(fast_timeout=1, timeout=60)
    site.add("user.deleted", 1)

    def slowly(_: int, __: object) -> int:
        time.sleep(3)
        return 202

    listener.answer = slowly

    assert visit(site, before, flush).strip() == "the page"
    assert site.outbox() == []


REPEATED = 4000


def test_nor_does_a_visitor_wait_while_what_waits_is_merged(site: Site) -> None:
    site.set(fast_timeout=1, run_seconds=300)
    site.shop.run(
        "UPDATE b_bitrixpipeline_state SET PAUSED_UNTIL = UTC_TIMESTAMP() + INTERVAL 9 MINUTE"
    )
    for time_ in "first", "second":
        site.shop.run(
            "INSERT INTO b_bitrixpipeline_outbox (UID, TYPE, ENTITY, ENTITY_ID, ORIGIN, DUE_AT, CREATED_AT)"
            f" SELECT CONCAT('{time_}', seq), 'user.saved', 'user', seq, 'site', UTC_TIMESTAMP(), UTC_TIMESTAMP()"
            f" FROM seq_1_to_{REPEATED}"
        )

    visit(site)

    (left,) = site.outbox("COUNT(*)")[0]
    assert REPEATED < left < 2 * REPEATED, "it began, and did not end"


def test_what_goes_quickly_a_visit_sends_all_of(site: Site, listener: Listener) -> None:
    site.set(fast_timeout=10)
    site.add("user.deleted", *range(1, 31))

    visit(site)

    assert listener.ids() == list(range(1, 31))
