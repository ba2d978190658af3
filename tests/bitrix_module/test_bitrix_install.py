"""The module comes and goes, and is brought up to date, as modules of Bitrix are."""

from pathlib import Path

import pytest
import requests
from bitrix_site import Site, in_a_browser, make_bitrix_tables, make_site, rows_of_module
from shop_and_crm import new_shop

from bitrix_pipeline.servers import PrivateMariaDB

ADDED = "private const ADDED = [];"


def test_installed_twice_it_is_there_once(empty_site: Site) -> None:
    empty_site.install()
    empty_site.add("user.deleted", 1)
    empty_site.install()

    shop = empty_site.shop
    assert shop.value("SELECT COUNT(*) FROM b_agent") == 1
    assert shop.value("SELECT COUNT(*) FROM b_module_to_module") == 22
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


UNINSTALL = """<?php
require $_SERVER['DOCUMENT_ROOT'] . '/bitrix/modules/main/include/prolog_before.php';
CModule::CreateModuleObject('bitrixpipeline.outbox')->DoUninstall();
"""


def test_in_the_browser_uninstalling_asks_about_the_outbox_and_wants_the_session(
    site: Site,
) -> None:
    site.add("user.deleted", 1)
    site.cli("create-webhook", site.shop.value("SELECT MIN(ID) FROM b_user WHERE ACTIVE = 'Y'"))
    (site.root / "uninstall.php").write_text(UNINSTALL)
    answer = {"bitrixpipeline_step": "2", "keep_outbox": "Y"}
    before = rows_of_module(site.shop)

    with in_a_browser(site) as address:
        asked = requests.get(f"{address}/uninstall.php", timeout=30).text
        assert 'name="keep_outbox"' in asked
        assert "incoming webhook that the module made will be deleted" in asked
        assert 'name="sessid" value="the-session"' in asked
        requests.post(f"{address}/uninstall.php", data=answer, timeout=30)
        assert rows_of_module(site.shop) == before

        answer["sessid"] = "the-session"
        requests.post(f"{address}/uninstall.php", data=answer, timeout=30)

    assert rows_of_module(site.shop) == 0
    assert site.shop.value("SELECT COUNT(*) FROM b_rest_ap") == 0
    assert site.outbox() == [("user.deleted", 1)]


def test_strangers_who_ask_for_the_modules_files_learn_nothing(site: Site) -> None:
    """Bitrix does not shut local/modules: what a file says in a browser, everybody may read."""
    files = [path.relative_to(site.root) for path in site.module.rglob("*.php")]
    with in_a_browser(site) as address:
        told = {str(path): requests.get(f"{address}/{path}", timeout=30).text for path in files}

    assert {path: text for path, text in told.items() if text} == {}


def test_what_is_missing_is_said_and_nothing_installed(empty_site: Site) -> None:
    empty_site.shop.run("DELETE FROM b_module WHERE ID = 'sale'")
    try:
        done = empty_site.run("-f", empty_site.module / "tools/cli.php", "install")
    finally:
        empty_site.shop.run("INSERT INTO b_module (ID) VALUES ('sale')")

    assert done.returncode == 1
    assert "The site lacks: sale 18.0.0" in done.stderr
    assert rows_of_module(empty_site.shop) == 0


def test_where_the_database_may_not_be_changed_the_module_is_not_there(
    empty_site: Site,
) -> None:
    shop = empty_site.shop
    shop.connection.query(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO 'meek'@'127.0.0.1' IDENTIFIED BY ''"
    )
    settings = empty_site.root / "bitrix/.settings.php"
    settings.write_text(settings.read_text().replace("'login' => 'root'", "'login' => 'meek'"))

    done = empty_site.run("-f", empty_site.module / "tools/cli.php", "install")
    shop.connection.query("DROP USER 'meek'@'127.0.0.1'")

    assert done.returncode == 1
    assert "Installing failed: Bitrix\\Main\\DB\\SqlQueryException" in done.stderr
    assert rows_of_module(shop) == 0


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("5.5.68-MariaDB", "MariaDB 10.0.0 (5.5.68-MariaDB)"),
        ("5.6.4-log", "MySQL 5.6.5 (5.6.4-log)"),
    ],
)
def test_a_server_that_is_too_old_is_named(tmp_path: Path, version: str, missing: str) -> None:
    """It could not be asked for an open transaction."""
    with PrivateMariaDB(tmp_path / "old", settings={"version": version}) as server:
        with server.connect() as admin:
            shop = new_shop(admin, server.url, orders=1, seed=1)
        make_bitrix_tables(shop)
        site = make_site(tmp_path / "site", shop)
        done = site.run("-f", site.module / "tools/cli.php", "install")

    assert done.returncode == 1
    assert f"The site lacks: {missing}\n" in done.stderr


OVERLOADED = """
namespace Bitrixpipeline\\Outbox {
    function ini_get($name) { return $name === 'mbstring.func_overload' ? '2' : \\ini_get($name); }
}
namespace {
    \\Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
    echo implode(\\Bitrixpipeline\\Outbox\\Requirements::missing());
}
"""


def test_a_php_that_counts_characters_for_bytes_is_named(site: Site) -> None:
    assert site.hit(OVERLOADED) == "mbstring.func_overload = 0"


def copy_a_newer_module(site: Site) -> None:
    schema = site.module / "lib/schema.php"
    schema.write_text(
        schema.read_text()
        .replace("VERSION = 1;", "VERSION = 2;")
        .replace(ADDED, "private const ADDED = [['b_bitrixpipeline_outbox', 'NOTE', 'int NULL']];")
    )


def test_a_newer_module_copied_over_brings_its_columns_and_handlers_by_itself(site: Site) -> None:
    copy_a_newer_module(site)
    site.shop.run("DELETE FROM b_module_to_module WHERE MESSAGE_ID <> 'OnAfterUserAdd'")
    site.add("user.deleted", 1)

    for _ in range(2):
        site.hit("$fire('main', 'OnAfterUserAdd', [['ID' => 7, 'RESULT' => true]]);")

    assert site.outbox("ENTITY_ID, NOTE") == [(1, None), (7, None), (7, None)]
    assert site.shop.value("SELECT COUNT(*) FROM b_module_to_module") == 22
    assert site.log() == []


CONNECTION = "$connection = Bitrix\\Main\\Application::getConnection();"
SAVE = "$fire('main', 'OnAfterUserAdd', [['ID' => 7, 'RESULT' => true]]);"
LOCK_WAIT = "echo $connection->queryScalar('SELECT @@SESSION.lock_wait_timeout');"


def columns(site: Site) -> set[str]:
    return {row[0] for row in site.shop.rows("SHOW COLUMNS FROM b_bitrixpipeline_outbox")}


def test_a_newer_module_does_not_commit_what_the_site_has_not_committed(site: Site) -> None:
    """A change of a table would."""
    copy_a_newer_module(site)
    begin, roll_back = "$connection->startTransaction();", "$connection->rollbackTransaction();"
    write = "Bitrix\\Main\\Config\\Option::set('bitrixpipeline.outbox', 'written', 'halfway');"

    site.hit(CONNECTION + begin + write + SAVE + roll_back)

    assert site.shop.rows("SELECT 1 FROM b_option WHERE VALUE = 'halfway'") == []
    assert "NOTE" not in columns(site)
    assert site.outbox() == []
    site.hit(SAVE)
    assert site.outbox("ENTITY_ID, NOTE") == [(7, None)]


def test_a_newer_module_does_not_freeze_the_site_behind_a_long_transaction(site: Site) -> None:
    copy_a_newer_module(site)
    site.shop.connection.begin()
    site.shop.rows("SELECT * FROM b_bitrixpipeline_outbox")
    before = site.shop.value("SELECT @@GLOBAL.lock_wait_timeout")

    for _ in range(2):
        said = site.hit(CONNECTION + SAVE + LOCK_WAIT, seconds=60)
        assert int(said) == before, "the session is the site's"
    site.shop.connection.commit()

    assert [line.split(" {")[0] for line in site.log()] == ["the upgrade failed"], "once"
    assert site.outbox("ENTITY_ID") == [(7,), (7,)]
    site.set(upgrade_failed_at=0)
    site.hit(SAVE)
    assert "NOTE" in columns(site)
