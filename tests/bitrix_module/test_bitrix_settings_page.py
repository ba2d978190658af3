"""The settings page: who may do what, and what it never shows."""

import json

import pytest
from bitrix_site import MODULE, Listener, Site
from receiving import SECRET

SHOW = """
$APPLICATION->rights = ['bitrixpipeline.outbox' => '%s'];
$_SERVER['REQUEST_METHOD'] = '%s';
$_POST = $_REQUEST = json_decode('%s', true);
include '%s/options.php';
"""
FORM = {
    "enabled": "Y", "url": "https://crm.example/webhooks/bitrix", "secrets": "", "batch": "10",
    "run_seconds": "99999", "timeout": "5", "fast_timeout": "1", "attempts": "3",
    "fast_path": "never", "log_level": "info",
}  # fmt: skip


def show(site: Site, *, right: str = "W", method: str = "POST", **fields: object) -> str:
    given = {"sessid": "the-session", **fields}
    return site.hit(SHOW % (right, method, json.dumps(given), site.module))


def option(site: Site, name: str) -> str:
    found = site.shop.rows(
        "SELECT VALUE FROM b_option WHERE MODULE_ID = %s AND NAME = %s", MODULE, name
    )
    return str(found[0][0]) if found else ""


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Send a test"), ("ru", "Проверить отправку")]
)
def test_it_shows_settings_without_the_secret_in_both_languages(
    site: Site, language: str, word: str
) -> None:
    site.environment = {"STAND_IN_LANGUAGE": language}

    page = show(site, method="GET")

    assert word in page
    assert SECRET not in page
    assert "whsec_d" not in page
    assert "BITRIXPIPELINE_" not in page


def test_saved_settings_hold_within_their_bounds_and_an_empty_secret_changes_none(
    site: Site,
) -> None:
    page = show(site, bitrixpipeline_save="1", **FORM)

    assert "Saved" in page
    assert option(site, "url") == FORM["url"]
    assert option(site, "run_seconds") == "300"
    assert option(site, "secrets") == SECRET


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "javascript:alert(1)"},
        {"url": "https://user:password@crm.example/"},
        {"secrets": "whsec_short"},
        {"secrets": f"{SECRET} {SECRET} {SECRET}"},
    ],
)
def test_what_is_malformed_is_not_saved(site: Site, fields: dict[str, str]) -> None:
    before = option(site, "url")

    page = show(site, bitrixpipeline_save="1", **{**FORM, **fields})

    assert "Saved" not in page
    assert (option(site, "url"), option(site, "secrets")) == (before, SECRET)


def test_without_the_right_or_the_session_nothing_is_changed(site: Site) -> None:
    before = option(site, "url")
    for right, session in (("R", "the-session"), ("W", "stolen")):
        for action in ("save", "test", "retry", "skip", "webhook"):
            page = show(
                site, right=right, sessid=session, **FORM, **{f"bitrixpipeline_{action}": "1"}
            )
            assert "/rest/" not in page
    assert option(site, "url") == before

    assert "access denied" in show(site, right="D", method="GET")


def test_the_button_sends_a_test(site: Site, listener: Listener) -> None:
    assert "confirmed" in show(site, bitrixpipeline_test="1")
    assert listener.requests[0].event["type"] == "ping"

    listener.answer = lambda _, __: 401
    assert "answered 401" in show(site, bitrixpipeline_test="1")


def test_dead_events_are_listed_retried_and_dropped(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1, 2, 3)
    listener.refuse(409)
    site.send()
    ids = [row[0] for row in site.outbox("ID")]
    assert show(site, method="GET").count("answered 409") == 3

    show(site, bitrixpipeline_skip="1", events=ids[:1])
    show(site, bitrixpipeline_retry="1", events=ids[1:2])
    assert site.outbox("ENTITY_ID, STATE") == [(2, "W"), (3, "D")]

    listener.answer = lambda _, __: 202
    show(site, bitrixpipeline_retry="1")
    assert site.send()["delivered"] == 2
    assert len({request.id for request in listener.events()}) == 5, "under new IDs"


def test_an_event_without_an_answer_can_be_dropped_and_one_being_sent_cannot(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1, 2)
    listener.answer = lambda _, __: 0
    site.send()
    site.shop.run(
        "UPDATE b_bitrixpipeline_outbox SET LEASE = 'x', LEASED_UNTIL = UTC_TIMESTAMP() + INTERVAL 1 HOUR"
        " WHERE ENTITY_ID = 2"
    )

    show(site, bitrixpipeline_skip="1", events=[row[0] for row in site.outbox("ID")])

    assert site.outbox("ENTITY_ID") == [(2,)]


@pytest.mark.parametrize("right", ["R", "W"])
def test_what_stands_in_the_database_cannot_become_markup(site: Site, right: str) -> None:
    markup = "\"'><script>alert(1)</script>"
    site.add("user.deleted", 1)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET TYPE = %s, LAST_ERROR = %s", markup, markup)
    site.shop.run("UPDATE b_bitrixpipeline_state SET LAST_ERROR = %s", markup)
    site.set(url=markup, fast_path=markup, log_level=markup, batch=markup)

    page = show(site, method="GET", right=right)

    assert page.count("&lt;script&gt;") >= 3
    assert "<script" not in page


def test_what_is_sent_to_the_page_cannot_become_sql(site: Site) -> None:
    site.add("user.deleted", 1)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D'")

    for action in ("skip", "retry"):
        show(site, events=["0) OR (1=1"], **{f"bitrixpipeline_{action}": "1"})

    assert site.outbox("ENTITY_ID, STATE") == [(1, "D")]


def test_the_incoming_webhook_is_shown_once(site: Site) -> None:
    assert "https://buket.example/rest/1/c0de2/" in show(site, bitrixpipeline_webhook="1")
    assert "/rest/1/" not in show(site, method="GET")
