"""The settings page: who may do what, and what it never shows."""

import re
from html import unescape

import pytest
from bitrix_site import Listener, Site
from receiving import SECRET
from settings_page import FORM, option, show


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


def test_settings_are_saved_and_an_empty_secret_changes_none(site: Site) -> None:
    page = show(site, bitrixpipeline_save="1", **FORM)

    assert "Saved" in page
    assert option(site, "url") == FORM["url"]
    assert option(site, "run_seconds") == "60"
    assert option(site, "secrets") == SECRET


def test_a_field_that_was_not_sent_keeps_what_is_set(site: Site) -> None:
    site.set(attempts=7)

    page = show(site, bitrixpipeline_save="1", enabled="Y")

    assert "Saved" in page
    assert (option(site, "attempts"), option(site, "secrets")) == ("7", SECRET)


@pytest.mark.parametrize("number", ["", "0", "101", "ten", "-1", "1.5", "99999999999", ["7"]])
def test_a_number_that_is_none_is_refused_with_its_bounds(site: Site, number: object) -> None:
    """Emptied by mistake it would be the least: dead at the first refusal."""
    site.set(attempts=7)

    page = show(site, bitrixpipeline_save="1", **{**FORM, "attempts": number})

    assert (
        "&quot;Refusals until an event is dead&quot; must be a whole number from 1 to 100" in page
    )
    assert option(site, "attempts") == "7"
    assert option(site, "url") != FORM["url"]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "javascript:alert(1)"},
        {"url": "https://user:password@crm.example/"},
        {"url": "https://"},
        {"secrets": "whsec_short"},
        {"secrets": f"{SECRET} {SECRET} {SECRET}"},
        {"url": ["https://crm.example/"], "secrets": ["x"], "batch": ["1"]},
    ],
)
def test_what_is_malformed_is_not_saved(site: Site, fields: dict[str, object]) -> None:
    before = option(site, "url")

    page = show(site, bitrixpipeline_save="1", **{**FORM, **fields})

    assert "Saved" not in page
    assert (option(site, "url"), option(site, "secrets")) == (before, SECRET)


def test_without_the_right_or_the_session_nothing_is_changed(site: Site) -> None:
    before = option(site, "url")
    for right, session in (("R", "the-session"), ("W", "stolen")):
        for action in ("save", "test", "retry", "retry_all", "skip", "webhook", "replace_webhook"):
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
    refused = show(site, bitrixpipeline_test="1")
    assert "answered 401" in refused
    assert f"did not confirm the test event: {listener.url}" in refused


def test_what_takes_all_that_comes_has_confirmed_nothing(site: Site, listener: Listener) -> None:
    """A wrong path may lead to a page or a program that answers 200 to everybody."""
    listener.takes_unsigned = True

    page = show(site, bitrixpipeline_test="1")

    assert "did not confirm" in page
    assert "what is not signed is taken there too" in page
    done = site.run("-f", site.module / "tools/cli.php", "ping")
    assert (done.returncode, done.stderr) == (1, "receiver: what is not signed is taken too\n")


def test_before_a_test_what_was_typed_stays_to_be_saved(site: Site, listener: Listener) -> None:
    page = show(site, bitrixpipeline_test="1", **{**FORM, "batch": "77"})

    assert f"confirmed the test event: {listener.url}" in page
    assert f'value="{FORM["url"]}"' in page
    assert 'value="77"' in page
    assert option(site, "url") == listener.url


@pytest.mark.parametrize("right", ["R", "W"])
def test_a_login_in_an_address_from_the_environment_is_not_shown(site: Site, right: str) -> None:
    site.environment = {"BITRIXPIPELINE_URL": "https://user:s3cret@crm.example/webhooks"}

    page = show(site, method="GET", right=right)

    assert "s3cret" not in page
    assert "https://…@crm.example/webhooks" in page
    assert "or it is malformed" in page, "and nothing is sent there"


def test_dead_events_are_listed_retried_and_dropped(site: Site, listener: Listener) -> None:
    site.set(attempts=1)
    site.add("user.deleted", 1, 2, 3)
    listener.refuse(422)
    site.send()
    ids = [row[0] for row in site.outbox("ID")]
    assert show(site, method="GET").count("answered 422") == 3

    show(site, bitrixpipeline_skip="1", events=ids[:1])
    show(site, bitrixpipeline_retry="1", events=ids[1:2])
    assert site.outbox("ENTITY_ID, STATE") == [(2, "W"), (3, "D")]

    listener.answer = lambda _, __: 202
    assert "Mark the events" in show(site, bitrixpipeline_retry="1")
    assert "Mark the events" in show(site, bitrixpipeline_skip="1")
    show(site, bitrixpipeline_retry_all="1")
    assert site.send()["delivered"] == 2
    assert len({request.id for request in listener.events()}) == 5, "under new IDs"


def test_retrying_all_takes_a_bounded_number_and_says_how_many_are_left(site: Site) -> None:
    """Thousands at once would end in the web server's time-out."""
    desk = site.module / "lib/desk.php"
    desk.write_text(desk.read_text().replace("MOST_AT_ONCE = 5000", "MOST_AT_ONCE = 3"))
    site.add("user.deleted", *range(1, 6))
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D' WHERE ENTITY_ID < 5")
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET DUE_AT = DUE_AT + INTERVAL 1 HOUR")

    first = unescape(show(site, bitrixpipeline_retry_all="1"))
    assert "Due now: 3. They go with the agent's next run. Left: 2; press again" in first
    assert [row[0] for row in site.outbox("STATE")] == ["W", "W", "W", "D", "W"]

    assert "Due now: 2." in show(site, bitrixpipeline_retry_all="1")
    assert site.outbox("COUNT(*), MAX(DUE_AT) <= UTC_TIMESTAMP()") == [(5, 1)]


def test_a_retry_while_nothing_can_be_sent_says_why_none_will_go(site: Site) -> None:
    site.add("user.deleted", 1)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D'")
    site.set(enabled="N")

    page = show(site, bitrixpipeline_retry_all="1")

    assert re.search(r"Due now: 1\..*the module is switched off</div>", page)


def test_a_retry_of_what_is_due_anyway_says_so(site: Site) -> None:
    site.add("user.deleted", 1)

    page = show(site, bitrixpipeline_retry="1", events=[row[0] for row in site.outbox("ID")])

    assert "None was put off" in page


def test_at_a_shell_all_the_dead_are_retried_at_once(site: Site) -> None:
    desk = site.module / "lib/desk.php"
    desk.write_text(desk.read_text().replace("MOST_AT_ONCE = 5000", "MOST_AT_ONCE = 3"))
    site.add("user.deleted", *range(1, 6))
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D'")

    assert site.cli("retry") == "5\n"


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


def test_the_incoming_webhook_is_shown_once_and_replaced_when_asked(site: Site) -> None:
    address = re.compile(r"https://buket\.example/rest/\d+/\w+/")
    (first,) = address.findall(show(site, bitrixpipeline_webhook="1"))

    page = show(site, method="GET")
    assert not address.findall(page)
    assert "cannot be shown again" in page
    again = show(site, bitrixpipeline_webhook="1")
    assert "There is an incoming webhook already" in again
    assert not address.findall(again)

    (seen,) = re.findall(r'name="webhook" value="(\d+)"', page)
    (second,) = address.findall(show(site, bitrixpipeline_replace_webhook="1", webhook=seen))
    assert second != first

    loaded_again = show(site, bitrixpipeline_replace_webhook="1", webhook=seen)
    assert "was replaced already" in loaded_again
    assert not address.findall(loaded_again)
    assert site.shop.value("SELECT COUNT(*) FROM b_rest_ap") == 1


def test_when_no_webhook_can_be_made_the_page_says_why(site: Site) -> None:
    site.environment = {"STAND_IN_REST_REFUSES": "create"}
    assert "REST did not make an incoming webhook" in show(site, bitrixpipeline_webhook="1")


def test_who_may_only_look_finds_nothing_to_press(site: Site) -> None:
    site.add("user.deleted", 1)

    page = show(site, method="GET", right="R")

    assert 'type="submit"' not in page
    assert 'name="events[]"' not in page
    fields = re.findall(r"<(?:input type=.(?!hidden)|select)[^>]*>", page)
    assert len(fields) == 10
    assert all("disabled" in field for field in fields)


def test_what_was_refused_stands_in_its_field_to_be_mended(site: Site) -> None:
    form = {**FORM, "url": "crm.example", "batch": "77", "secrets": "whsec_short"}

    page = show(site, bitrixpipeline_save="1", **form)

    assert page.count("Nothing was saved") == 2
    assert 'value="crm.example"' in page
    assert 'value="77"' in page
    assert "whsec_short" not in page


def test_enter_in_a_field_saves(site: Site) -> None:
    """A browser presses the form's first button; those before it are of other forms."""
    site.add("user.deleted", 1)
    buttons = re.findall(r"<input type=.submit.[^>]*>", show(site, method="GET"))

    ours = [button for button in buttons if "form=" not in button]

    assert len(buttons) == 6
    assert "bitrixpipeline_save" in ours[0]


def test_what_the_environment_sets_is_shown_as_such_and_locked(site: Site) -> None:
    site.environment = {"BITRIXPIPELINE_URL": "https://crm.example/webhooks/bitrix"}

    (field,) = re.findall(r'<input[^>]*name="url"[^>]*>[^/]*', show(site, method="GET"))

    assert 'value="https://crm.example/webhooks/bitrix" disabled' in field
    assert "Set in the environment" in field
