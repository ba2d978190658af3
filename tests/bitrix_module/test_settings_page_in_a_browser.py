"""What a hand does on the settings page: marks, presses Enter, loads again."""

from collections.abc import Iterator

import pytest
from bitrix_site import MODULE, Site, in_a_browser
from playwright.sync_api import Browser, Page

PAGE = """<?php
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
while (ob_get_level()) {{ ob_end_clean(); }}
header('Content-Type: text/html; charset=utf-8');
include __DIR__ . '/local/modules/{module}/options.php';
"""


@pytest.fixture
def page(site: Site, browser: Browser) -> Iterator[Page]:
    """The stand-in's tabs are all open, and its page is at the address that its forms go to."""
    site.add("user.deleted", 1, 2, 3)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D'")
    target = site.root / "bitrix/admin/settings.php"
    target.parent.mkdir()
    target.write_text(PAGE.format(module=MODULE).replace("__DIR__ . '", f"'{site.root}"))
    with (
        in_a_browser(site) as address,
        browser.new_context(base_url=address) as context,
    ):
        opened = context.new_page()
        opened.goto("/bitrix/admin/settings.php")
        yield opened


def states(site: Site) -> list[str]:
    return [row[0] for row in site.outbox("STATE")]


def test_all_are_marked_with_one_click_and_retried(site: Site, page: Page) -> None:
    page.get_by_title("Mark all").check()
    page.get_by_title("Mark all").uncheck()
    assert page.locator("[name='events[]']:checked").count() == 0
    page.get_by_title("Mark all").check()

    page.get_by_role("button", name="Retry the marked").click()

    assert page.get_by_text("Due now: 3.").is_visible()
    assert states(site) == ["W"] * 3


def test_deleting_asks_first(site: Site, page: Page) -> None:
    page.get_by_title("Mark all").check()
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Delete the marked").click()
    assert states(site) == ["D"] * 3

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete the marked").click()

    assert asked == ["The receiver will never learn of the marked events. Delete them?"]
    assert page.get_by_text("Deleted: 3.").is_visible()


def test_enter_in_a_field_saves(site: Site, page: Page) -> None:
    page.get_by_label("Events taken at once").fill("7")
    page.get_by_label("Events taken at once").press("Enter")

    assert page.get_by_text("Saved", exact=True).is_visible()
    assert page.get_by_label("Events taken at once").input_value() == "7"
    assert states(site) == ["D"] * 3


def test_loading_the_page_again_does_not_replace_the_webhook_again(site: Site, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Create an incoming webhook").click()
    page.get_by_role("button", name="Replace the incoming webhook").click()
    made = site.shop.value("SELECT MAX(ID) FROM b_rest_ap")

    page.reload()

    assert page.get_by_text("was replaced already").is_visible()
    assert site.shop.ids("SELECT ID FROM b_rest_ap") == [made]
