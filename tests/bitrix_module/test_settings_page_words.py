"""The settings page speaks one language at a time, in the site's charset."""

import os
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from bitrix_site import SOURCE, STAND_IN, Listener, Site, make_site
from settings_page import SHOW, show

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
