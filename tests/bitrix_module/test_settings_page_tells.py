"""What the settings page tells an operator: whether news go out, and if not, why."""

import re
from html import unescape

import pytest
from bitrix_site import Listener, Site, options_of_main
from receiving import SECRET
from settings_page import FORM, show


def test_while_the_receiver_is_given_a_pause_the_page_says_so_and_why(
    site: Site, listener: Listener
) -> None:
    listener.answer = lambda _, __: 500
    listener.headers = {"Retry-After": "300"}
    site.add("user.deleted", 1)
    site.send()

    page = show(site, method="GET")

    assert re.search(r"<b>paused; the next try in [45] min</b>", page)
    fault = page.index("Last fault")
    assert page.index("Last delivery") < fault < page.index("Version")
    assert (
        "answered 500: a fault of the receiver; look at its log; the same to a test event" in page
    )


# By the site's own clock, as Bitrix notes it. Half a minute may pass before the page is asked.
SET_AGENT = 'Bitrix\\Main\\Application::getConnection()->queryExecute("UPDATE b_agent SET %s");'
AGENTS = {
    "by hits, and new": ({}, "", ("run on hits", "has not run yet")),
    "by hits": (
        {},
        "LAST_EXEC = NOW() - INTERVAL 130 SECOND",
        ("run on hits", "last ran 2 min ago"),
    ),
    "by cron": (
        {"agents_use_crontab": "Y", "check_agents": "N"},
        "LAST_EXEC = NOW()",
        ("run by cron", "last ran"),
    ),
    "late": (
        {"agents_use_crontab": "Y"},
        "LAST_EXEC = NOW() - INTERVAL 3 HOUR, NEXT_EXEC = NOW() - INTERVAL 3 HOUR",
        ("run by cron", "<b>last ran 3 h ago</b>"),
    ),
    "by the shop's own script": (
        {"check_agents": "N"},
        "LAST_EXEC = NOW() - INTERVAL 4 MINUTE",
        ("run by a script of the site's own", "last ran 4 min ago"),
    ),
    "by nothing": (
        {"check_agents": "N"},
        "LAST_EXEC = NOW() - INTERVAL 1 DAY, NEXT_EXEC = NOW() - INTERVAL 1 DAY",
        ("switched off: only what", "<b>last ran 24 h ago</b>"),
    ),
    "not this one": ({}, "ACTIVE = 'N'", ("run on hits", "<b>switched off in the list of agents")),
}


@pytest.mark.parametrize("case", AGENTS)
def test_it_says_what_runs_the_agents_and_when_the_modules_own_ran(site: Site, case: str) -> None:
    options, assignment, sentences = AGENTS[case]
    if assignment:
        site.hit(SET_AGENT % assignment)

    with options_of_main(site, options):
        page = unescape(show(site, method="GET"))

    assert [sentence for sentence in sentences if sentence not in page] == []


def test_an_agent_that_never_ran_is_late_if_something_has_waited_for_it(site: Site) -> None:
    """Bitrix notes a new agent as due since midnight."""
    site.add("user.deleted", 1)
    assert "<b>has not run yet" not in show(site, method="GET")

    site.shop.run("UPDATE b_bitrixpipeline_outbox SET CREATED_AT = CREATED_AT - INTERVAL 1 HOUR")

    assert "<b>has not run yet" in show(site, method="GET")


def test_an_agent_that_somebody_deleted_is_missed_and_comes_back_with_the_next_save(
    site: Site,
) -> None:
    site.shop.run("DELETE FROM b_agent")
    assert "<b>deleted; save the settings" in show(site, method="GET")

    show(site, bitrixpipeline_save="1", **FORM)

    assert site.shop.value("SELECT COUNT(*) FROM b_agent WHERE ACTIVE = 'Y'") == 1


def test_saving_leaves_an_agent_switched_off_that_somebody_has_switched_off(site: Site) -> None:
    site.shop.run("UPDATE b_agent SET ACTIVE = 'N'")

    show(site, bitrixpipeline_save="1", **FORM)

    assert site.shop.value("SELECT ACTIVE FROM b_agent") == "N"


@pytest.mark.parametrize(
    ("url", "is_warned_of"),
    [
        ("http://crm.example/webhooks/bitrix", True),
        ("http://8.8.8.8/", True),
        ("https://crm.example/webhooks/bitrix", False),
        ("http://localhost:8000/", False),
        ("http://127.0.0.1:8000/", False),
        ("http://10.1.2.3/", False),
        ("http://crm.internal/", False),
        ("http://[::1]/", False),
        ("http://[fd00::1]/", False),
        ("http://[2001:4860:4860::8888]/", True),
        ("", False),
    ],
)
def test_it_warns_of_an_address_that_sends_customers_data_in_the_open(
    site: Site, url: str, *, is_warned_of: bool
) -> None:
    site.set(url=url)

    assert ("data go there unencrypted" in show(site, method="GET")) is is_warned_of


LACK = "no address of the receiver is set, or it is malformed"


def test_what_the_agents_php_lacks_the_page_of_another_php_tells(
    site: Site, listener: Listener
) -> None:
    """Cron's has no environment of the web server's."""
    site.set(url="")
    site.add("user.deleted", 1)
    for _ in range(2):
        site.hit("CAgent::CheckAgents();")

    site.environment = {"BITRIXPIPELINE_URL": listener.url}
    page = unescape(show(site, method="GET"))
    assert f"{LACK} (says the PHP that runs the agent; give it the same environment" in page
    assert [line for line in site.log() if LACK in line] == [
        f'nothing can be sent {{"why":"{LACK}"}}'
    ], "once"

    site.hit("CAgent::CheckAgents();")
    assert "Last fault" not in show(site, method="GET")


def test_what_the_page_lacks_itself_is_said_once(site: Site) -> None:
    site.set(url="")
    site.hit("CAgent::CheckAgents();")

    page = show(site, method="GET")

    assert page.count(LACK) == 1


def test_that_nothing_is_lacking_any_more_is_seen_though_nothing_waits(site: Site) -> None:
    site.set(secrets="")
    site.hit("CAgent::CheckAgents();")
    site.set(secrets=SECRET)

    site.hit("CAgent::CheckAgents();")

    assert site.shop.value("SELECT LAST_ERROR FROM b_bitrixpipeline_state") is None


def test_it_says_what_the_site_lacks_since_it_was_installed(site: Site) -> None:
    site.shop.run("DELETE FROM b_module WHERE ID = 'catalog'")
    try:
        page = show(site, method="GET")
    finally:
        site.shop.run("INSERT INTO b_module (ID) VALUES ('catalog')")

    assert re.search(r"The site lacks:</td>\s*<td[^>]*><b>catalog 18.0.0</b>", page)
