"""The module comes and goes, and is brought up to date, as modules of Bitrix are."""

import pytest
from bitrix_site import Site, rows_of_module

ADDED = "private const ADDED = [];"


def test_installed_twice_it_is_there_once(empty_site: Site) -> None:
    empty_site.install()
    empty_site.add("user.deleted", 1)
    empty_site.install()

    shop = empty_site.shop
    assert shop.value("SELECT COUNT(*) FROM b_agent") == 1
    assert shop.value("SELECT COUNT(*) FROM b_module_to_module") == 21
    assert empty_site.outbox() == [("user.deleted", 1)]


@pytest.mark.parametrize("keep", [True, False])
def test_uninstalled_it_leaves_only_the_outbox_and_only_if_asked(
    empty_site: Site, *, keep: bool
) -> None:
    before = rows_of_module(empty_site.shop)
    empty_site.install()
    empty_site.add("user.deleted", 1)

    empty_site.cli("uninstall", *(["--keep-outbox"] if keep else []))

    assert rows_of_module(empty_site.shop) == before
    tables = empty_site.shop.rows("SHOW TABLES LIKE 'b_bitrixpipeline%'")
    assert len(tables) == (2 if keep else 0)


def test_in_the_browser_uninstalling_asks_about_the_outbox_first(site: Site) -> None:
    """And without its session nothing happens."""
    uninstall = "$module = CModule::CreateModuleObject('bitrixpipeline.outbox'); $module->%s;"
    asked = site.hit(f"include '{site.module}/install/unstep.php';")
    assert 'name="keep_outbox"' in asked
    assert 'name="sessid"' in asked

    site.hit(uninstall % "UnInstallDB(true)")
    assert site.outbox() == []


def test_what_is_missing_is_said_and_nothing_installed(empty_site: Site) -> None:
    empty_site.shop.run("DELETE FROM b_module WHERE ID = 'sale'")
    try:
        done = empty_site.run("-f", empty_site.module / "tools/cli.php", "install")
    finally:
        empty_site.shop.run("INSERT INTO b_module (ID) VALUES ('sale')")

    assert done.returncode == 1
    assert "module sale" in done.stderr
    assert rows_of_module(empty_site.shop) == 0


def test_a_newer_module_copied_over_brings_its_columns_and_handlers_by_itself(site: Site) -> None:
    schema = site.module / "lib/schema.php"
    schema.write_text(
        schema.read_text()
        .replace("VERSION = 1;", "VERSION = 2;")
        .replace(ADDED, "private const ADDED = [['b_bitrixpipeline_outbox', 'NOTE', 'int NULL']];")
    )
    site.shop.run("DELETE FROM b_module_to_module WHERE MESSAGE_ID <> 'OnAfterUserAdd'")
    site.add("user.deleted", 1)

    for _ in range(2):
        site.hit("$fire('main', 'OnAfterUserAdd', [['ID' => 7, 'RESULT' => true]]);")

    assert site.outbox("ENTITY_ID, NOTE") == [(1, None), (7, None)]
    assert site.shop.value("SELECT COUNT(*) FROM b_module_to_module") == 21
    assert site.log() == []


def test_strangers_find_no_command_line_in_the_browser(site: Site) -> None:
    cli = (site.module / "tools/cli.php").read_text()
    assert cli.index("PHP_SAPI !== 'cli'") < cli.index("require")
