"""What a data engineer finds in the Dagster UI, seen through a real browser."""

import re
import shutil
from collections.abc import Callable

import pytest
from circle import parts_of_the_circle
from dagster_in_browser import Demo, Ui
from playwright.sync_api import Locator, Page, expect

from bitrix_pipeline.cli.demo_webhooks import ORDERS
from bitrix_pipeline.model import TABLES, table_named

pytestmark = pytest.mark.browser

INTERRUPTED = 130

expect.set_options(timeout=60_000)

Save = Callable[..., None]

GROUP = "/locations/bitrix_pipeline/asset-groups/crm"
WHOLE_GRAPH = {"width": 2000, "height": 1800}


def around(nodes: Locator, margin: int) -> tuple[float, ...]:
    """The part of the page that shows all of these, with some room around them."""
    boxes = [box for node in nodes.all() if (box := node.bounding_box())]
    left, top = min(box["x"] for box in boxes) - margin, min(box["y"] for box in boxes) - margin
    right = max(box["x"] + box["width"] for box in boxes) + margin
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return left, top, right - left, bottom - top


def test_the_graph_shows_every_table_what_feeds_it_and_the_way_back(page: Page, save: Save) -> None:
    page.set_viewport_size(WHOLE_GRAPH)
    page.goto(GROUP)

    for table in TABLES:
        node = page.get_by_text(table.name, exact=True).first
        expect(node).to_be_visible()
        for source in table.source_tables:
            expect(page.get_by_text(source, exact=True).first).to_be_visible()
    for neighbour in ("webhook_inbox", "order_status_diffs"):
        expect(page.get_by_text(neighbour, exact=True).first).to_be_visible()
    expect(page.get_by_text("100% filled")).to_have_count(4)
    # Not how many: once the schedule has synced what changed, equal_to_source waits for the night.
    expect(page.get_by_text(re.compile(r"^\d / \d Passed$"))).to_have_count(len(TABLES))
    expect(page.get_by_text("Failed")).to_have_count(0)
    save(page, "graph.png", *around(page.locator("foreignObject"), 20))


@pytest.mark.skipif(shutil.which("php") is None, reason="no php here: make test installs it")
def test_the_demo_sent_its_news_the_whole_circle_from_the_modules_own_sender(demo: Demo) -> None:
    assert "sent by the module's own sender, in PHP" in demo.told
    parts = parts_of_the_circle(demo.told)
    assert [orders for orders, _ in parts][:2] == [2 * ORDERS, 2 * ORDERS]
    assert all(float(seconds) > 0 for _, seconds in parts)


def test_nothing_covers_the_first_page(page: Page) -> None:
    page.goto("/")

    expect(page.get_by_text("Overview").first).to_be_visible()
    page.wait_for_timeout(1_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text(re.compile("newsletter", re.IGNORECASE))).to_have_count(0)


@pytest.mark.parametrize(
    ("direction", "shown", "hidden"),
    [
        ("Upstream", ["bitrix_shop", "b_sale_order", "crm", "users"], ["order_items"]),
        ("Downstream", ["order_items"], ["b_sale_order", "users"]),
    ],
)
def test_orders_come_from_the_shop_and_from_users_and_lead_to_their_lines(
    page: Page, direction: str, shown: list[str], hidden: list[str]
) -> None:
    page.goto("/assets/orders?view=lineage")
    page.get_by_role("button", name=direction).click()

    for name in (*shown, "orders"):
        expect(page.get_by_text(name, exact=True).last).to_be_visible()
    for name in hidden:
        expect(page.get_by_text(name, exact=True)).to_have_count(0)


def test_a_users_way_into_the_crm_and_back_can_be_followed_to_the_end(page: Page) -> None:
    page.set_viewport_size(WHOLE_GRAPH)
    page.goto("/assets/bitrix/b_user?view=lineage")
    page.get_by_role("button", name="Downstream").click()
    page.get_by_role("button", name="All", exact=True).click()

    ends = ("bitrix_shop", "b_user", "bitrix_order_statuses")
    for name in (*ends, "crm", "users", "orders", "order_items"):
        shown = page.get_by_text(name, exact=True).locator("visible=true")
        expect(shown.last).to_be_visible()


def test_the_page_of_orders_says_what_they_are_and_how_many(page: Page, save: Save) -> None:
    page.goto("/assets/orders?view=overview")

    expect(page.get_by_text(table_named("orders").description)).to_be_visible()
    expect(page.get_by_text("Row count")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d{0,3},?\d{3}$")).first).to_be_visible()
    expect(page.get_by_text("Passing").first).to_be_visible()
    expect(page.get_by_text("Storage").first).to_be_visible()
    for job in ("sync_changed", "sync_everything"):
        expect(page.get_by_text(job).first).to_be_visible()
    save(page, "orders.png", 0, 0, 1600, 1000)


def test_every_column_says_what_it_is_made_of(page: Page) -> None:
    page.goto("/assets/orders?view=overview")

    row = page.get_by_role("row").filter(has=page.get_by_text("number", exact=True)).first
    expect(row).to_contain_text("The number shown to people. ← b_sale_order.ACCOUNT_NUMBER")
    expect(row).to_contain_text("text")
    for column in table_named("orders").columns:
        expect(page.get_by_text(column.description.split(";")[0]).first).to_be_attached()
    expect(page.get_by_text("pii").first).to_be_attached()


def test_the_numbers_of_the_last_run_and_the_column_map_are_below(page: Page) -> None:
    page.goto("/assets/orders?view=overview")

    for name in ("rows_read", "rows_inserted", "rows_per_second", "column_map", "preview"):
        expect(page.get_by_text(name, exact=True).first).to_be_attached()


@pytest.mark.parametrize(
    ("asset", "numbers", "picture"),
    [
        ("webhook_inbox", ("events_applied", "delay_p50_seconds", "latest_failures"), "inbox.png"),
        ("bitrix_order_statuses", ("orders_sent", "conflicts", "failures"), "push.png"),
    ],
)
def test_what_came_of_webhooks_and_of_statuses_is_told_by_their_last_runs(
    page: Page, save: Save, asset: str, numbers: tuple[str, ...], picture: str
) -> None:
    page.goto(f"/assets/{asset}?view=events")

    for name in numbers:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    save(page, picture, 0, 0, 1600, 1000)


def test_no_partition_of_orders_is_missing(page: Page, save: Save) -> None:
    page.goto("/assets/orders?view=partitions")

    expect(page.get_by_text(re.compile(r"^Missing \(0\)"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Failed \(0\)"))).to_be_visible()
    expect(page.get_by_text("changed-lately").first).to_be_visible()
    page.get_by_text("0000010000-0000019999").first.click()
    expect(page.get_by_text("rows_inserted").first).to_be_visible()
    save(page, "partitions.png", 0, 0, 1600, 620)


def test_every_check_of_orders_has_succeeded(page: Page, save: Save) -> None:
    page.goto("/assets/orders?view=checks")

    for check in ("equal_to_source", "is_fresh", "no_orphans", "nothing_set_aside"):
        expect(page.get_by_text(check, exact=True).first).to_be_visible()
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)
    page.get_by_text("equal_to_source", exact=True).first.click()
    expect(page.get_by_text("source_rows").first).to_be_visible()
    save(page, "checks.png", 0, 0, 1600, 1000)


def test_the_runs_tell_what_they_synced(page: Page, save: Save) -> None:
    page.goto("/runs")

    expect(page.get_by_text("partition: changed-lately").first).to_be_visible()
    expect(page.get_by_text("partition: everything")).to_have_count(2)
    expect(page.get_by_text("Failure")).to_have_count(0)
    save(page, "runs.png", 0, 0, 1600, 440)


def test_the_ui_leaves_nothing_running_behind(ui: Ui) -> None:
    assert ui.stop() == []
    assert ui.process.returncode == INTERRUPTED
