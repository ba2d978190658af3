"""The settings page: who may do what, and what it never shows."""

import json
import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from bitrix_site import MODULE, SOURCE, STAND_IN, Listener, Site, make_site, options_of_main
from receiving import SECRET

SHOW = """
$APPLICATION->rights = ['bitrixpipeline.outbox' => '%s'];
$_SERVER['REQUEST_METHOD'] = '%s';
$_POST = $_REQUEST = json_decode('%s', true);
include '%s/options.php';
"""
FORM = {
    "enabled": "Y", "url": "https://crm.example/webhooks/bitrix", "secrets": "", "batch": "10",
    "run_seconds": " 60 ", "timeout": "5", "fast_timeout": "1", "attempts": "3",
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


REASONS = (
    "answered 401", "answered 404", "answered 409", "answered 413, 2000000 bytes", "answered 415",
    "answered 500", "answered 503", "answered 200 with a page", "answered 522", "answered 418", "answered 302",
    "no answer: curl 6 Could not resolve hostname", "no answer: curl 7 Couldn't connect to server",
    "no answer: curl 28 Timeout was reached", "no answer: curl 60 SSL peer certificate was not OK",
    "no answer: curl 56 Failure when receiving data", "no answer: curl 92 Stream error",
    "answered 400; to a ping: answered 403", "answered 500; to a ping: no answer: curl 28 Timeout was reached",
    "senders ended while they sent it", "no snapshot: X 400 in y.php:1",
)  # fmt: skip
NAMES = {
    "PHP", "FPM", "LiteSpeed", "POST", "MySQL", "REST", "ID", "DNS", "JSON", "bitrix_pipeline", "BITRIX_REST_URL",
    "cron", "curl", "whsec_", "settings", "php", "base64", "https", "crm", "example", "webhooks", "bitrix", "buket",
    "rest", "user", "deleted", "X", "y", "in", "sale", "W", "http",
}  # fmt: skip


def english(page: str) -> set[str]:
    """The words in Latin letters that a reader of the page sees, but for names."""
    seen = r"""type="submit"[^>]*value="([^"]*)"|title="([^"]*)"|onclick="return confirm\('([^"]*)'\)\""""
    values = re.findall(seen, page)
    text = re.sub(r"<[^>]*>", " ", page) + " ".join(map(" ".join, values))
    words = set(re.findall(r"[A-Za-z_]\w*", unescape(text)))
    return {word for word in words - NAMES if not word.startswith("c0de")}


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "crm", "secrets": "x", "batch": "", "bitrixpipeline_save": "1"},
        {"bitrixpipeline_test": "1"},
        {"bitrixpipeline_retry": "1"},
        {"bitrixpipeline_skip": "1", "events": [1]},
        {"bitrixpipeline_webhook": "1"},
    ],
    ids=["refused", "test", "none marked", "deleted", "webhook"],
)
def test_a_russian_page_has_no_english_sentence(
    site: Site, listener: Listener, fields: dict[str, object]
) -> None:
    site.environment = {"STAND_IN_LANGUAGE": "ru"}
    listener.answer = lambda _, __: 401
    site.add("user.deleted", *range(1, len(REASONS) + 1))
    for number, reason in enumerate(REASONS, start=1):
        site.shop.run(
            "UPDATE b_bitrixpipeline_outbox SET LAST_ERROR = %s, STATE = IF(ENTITY_ID MOD 2, 'W', 'D')"
            " WHERE ENTITY_ID = %s",
            reason, number,
        )  # fmt: skip
    site.send()

    assert english(show(site, **fields)) == set()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"enabled": "N"}, "модуль выключен"),
        ({"url": ""}, "адрес приёмника не задан или записан неверно"),
        ({"secrets": "whsec_x"}, "секрет не задан или записан неверно"),
    ],
)
def test_why_nothing_is_sent_stands_there_in_russian(
    site: Site, options: dict[str, str], sentence: str
) -> None:
    site.environment = {"STAND_IN_LANGUAGE": "ru"}
    site.set(**options)

    page = show(site, method="GET")

    assert sentence in page
    assert english(page) == set()


def test_while_the_receiver_is_given_a_pause_the_page_says_so_and_why(
    site: Site, listener: Listener
) -> None:
    listener.answer = lambda _, __: 500
    listener.headers = {"Retry-After": "300"}
    site.add("user.deleted", 1)
    site.send()

    page = show(site, method="GET")

    assert re.search(r"<b>paused; the next try in (300 s|[45] min)</b>", page)
    fault = page.index("Last fault")
    assert page.index("Last delivery") < fault < page.index("Version")
    assert (
        "answered 500: a fault of the receiver; look at its log; the same to a test event" in page
    )


# By the site's own clock, as Bitrix notes it.
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
    "by a cron that nobody has set up": (
        {"agents_use_crontab": "Y"},
        "NEXT_EXEC = NOW() - INTERVAL 11 MINUTE",
        ("run by cron", "<b>has not run yet</b>"),
    ),
    "by the shop's own script": (
        {"check_agents": "N"},
        "LAST_EXEC = NOW() - INTERVAL 1 MINUTE",
        ("run by a script of the site's own", "last ran 60 s ago"),
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


def test_a_site_in_windows_1251_gets_its_page_in_that(site: Site, tmp_path: Path) -> None:
    old = make_site(tmp_path / "old", site.shop, charset="cp1251")
    site.add("user.deleted", 1)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET LAST_ERROR = 'answered 401'")
    code = SHOW % ("W", "GET", "{}", old.module)

    page = subprocess.run(
        old.command("-f", STAND_IN / "hit.php", old.root), input=code.encode(), capture_output=True,
        check=True, env={**os.environ, "STAND_IN_LANGUAGE": "ru"},
    ).stdout.decode("cp1251")  # fmt: skip

    assert "Исходящие события" in page
    assert "ответ 401: подпись не принята" in page
    assert english(page) == set()


def test_both_languages_have_the_same_phrases() -> None:
    line = re.compile(r"^\$MESS\['(\w+)'\] = '(.*)';$", re.MULTILINE)

    def phrases(language: str) -> dict[str, list[str]]:
        folder = SOURCE / "lang" / language
        found = {}
        for path in folder.rglob("*.php"):
            for name, text in line.findall(path.read_text()):
                found[f"{path.relative_to(folder)} {name}"] = sorted(re.findall(r"#\w+#", text))
        return found

    assert phrases("ru") == phrases("en")
    assert len(phrases("ru")) > 100
