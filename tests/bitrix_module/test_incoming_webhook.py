"""The address that the pipeline calls: one at a time, and none is left behind."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from bitrix_site import REPOSITORY, Site, rows_of_module
from receiving import SECRET, Service

ADDRESS = re.compile(r"https://buket\.example/rest/(\d+)/(\w+)/\n")


def create(site: Site, *words: object) -> "subprocess.CompletedProcess[str]":
    return site.run("-f", site.module / "tools/cli.php", "create-webhook", *words)


def codes(site: Site) -> list[tuple[int, str]]:
    return site.shop.rows("SELECT USER_ID, PASSWORD FROM b_rest_ap ORDER BY ID")


@pytest.fixture
def user(site: Site) -> int:
    found: int = site.shop.value("SELECT MIN(ID) FROM b_user WHERE ACTIVE = 'Y'")
    return found


@pytest.fixture
def another_user(site: Site) -> int:
    user: int = site.shop.value("SELECT MAX(ID) FROM b_user WHERE ACTIVE = 'Y'")
    return user


def test_its_address_is_printed_once_and_the_second_time_that_there_is_one(
    site: Site, user: int
) -> None:
    first = create(site, user)
    second = create(site, user)

    address = ADDRESS.fullmatch(first.stdout)
    assert address
    assert codes(site) == [(user, address[2])]
    assert site.shop.ids("SELECT COUNT(*) FROM b_rest_ap_permission") == [2]
    assert (second.returncode, second.stdout) == (0, "")
    made = str(site.shop.value("SELECT DATE_CREATE FROM b_rest_ap"))
    assert f"made on {made} for user {user}; its address cannot be shown again" in second.stderr
    assert f"deploy --replace-webhook {user}" in second.stderr
    assert address[2] not in second.stderr


def test_replacing_it_deletes_the_old_one(site: Site, user: int, another_user: int) -> None:
    create(site, user)

    address = ADDRESS.fullmatch(create(site, another_user, "--replace").stdout)

    assert address
    assert codes(site) == [(another_user, address[2])]
    assert site.shop.value("SELECT COUNT(*) FROM b_rest_ap_permission") == 2


def test_one_that_somebody_has_deleted_is_made_anew(site: Site, user: int) -> None:
    create(site, user)
    site.shop.run("DELETE FROM b_rest_ap")

    assert ADDRESS.fullmatch(create(site, user).stdout)


def test_what_others_have_made_is_left_alone(site: Site, user: int, another_user: int) -> None:
    """An old server gives the number of a deleted row again."""
    create(site, user)
    site.shop.run("UPDATE b_rest_ap SET USER_ID = %s, PASSWORD = 'theirs'", another_user)

    create(site, user, "--replace")
    site.cli("uninstall")

    assert codes(site) == [(another_user, "theirs")]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("no rest", 'needs the module "REST API" (rest), which is not installed'),
        ("no user", "There is no active user 99999"),
        ("blocked user", "There is no active user"),
        ("refused", "REST did not make an incoming webhook for user"),
    ],
)
def test_when_none_can_be_made_one_sentence_says_why(
    site: Site, user: int, fault: str, sentence: str
) -> None:
    shop = site.shop
    if fault == "no rest":
        shop.run("DELETE FROM b_module WHERE ID = 'rest'")
    elif fault == "no user":
        user = 99_999
    elif fault == "blocked user":
        shop.run("UPDATE b_user SET ACTIVE = 'N' WHERE ID = %s", user)
    else:
        site.environment = {"STAND_IN_REST_REFUSES": "create"}
    try:
        done = create(site, user)
    finally:
        shop.run("INSERT IGNORE INTO b_module (ID) VALUES ('rest')")

    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert codes(site) == []


@pytest.mark.parametrize(
    ("refused", "sentence"),
    [
        ("create", "did not make an incoming webhook"),
        ("delete", "did not delete the incoming webhook"),
    ],
)
def test_one_that_cannot_be_replaced_still_works_alone(
    site: Site, user: int, refused: str, sentence: str
) -> None:
    before = ADDRESS.fullmatch(create(site, user).stdout)
    assert before
    site.environment = {"STAND_IN_REST_REFUSES": refused}

    done = create(site, user, "--replace")

    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert codes(site) == [(user, before[2])]
    assert "There is an incoming webhook already" in create(site, user).stderr


def test_a_fault_of_rests_is_one_sentence_and_stands_in_the_log(site: Site, user: int) -> None:
    site.shop.connection.query("RENAME TABLE b_rest_ap_permission TO b_rest_gone")
    done = create(site, user)
    site.shop.connection.query("RENAME TABLE b_rest_gone TO b_rest_ap_permission")

    assert (done.returncode, done.stdout) == (1, "")
    assert "REST did not make an incoming webhook" in done.stderr
    assert "REST made no incoming webhook" in site.log()[-1]


def test_an_early_rest_that_gives_the_password_alone_is_understood(site: Site, user: int) -> None:
    site.environment = {"STAND_IN_REST_GIVES": "password"}
    address = ADDRESS.fullmatch(create(site, user).stdout)

    assert address
    assert codes(site) == [(user, address[2])]
    site.cli("uninstall")
    assert codes(site) == []


@pytest.mark.parametrize(
    ("of_site", "host"), [("opt.buket.example", "opt.buket.example"), ("", "THE-SITE")]
)
def test_a_site_without_a_name_in_its_settings_has_that_of_its_first_site(
    site: Site, user: int, of_site: str, host: str
) -> None:
    site.shop.run("UPDATE b_option SET VALUE = '' WHERE NAME = 'server_name'")
    site.shop.run("UPDATE b_lang SET SERVER_NAME = IF(DEF = 'Y', %s, 'another.example')", of_site)

    done = create(site, user)

    assert done.stdout.startswith(f"https://{host}/rest/{user}/")
    assert ("put its name in place of THE-SITE" in done.stderr) == (host == "THE-SITE")


def test_one_that_never_was_can_be_replaced(site: Site, user: int) -> None:
    assert ADDRESS.fullmatch(create(site, user, "--replace").stdout)


@pytest.mark.parametrize("keep", ["--keep-outbox", ""])
def test_uninstalling_deletes_it_and_says_so(site: Site, user: int, keep: str) -> None:
    create(site, user)
    site.shop.run("INSERT INTO b_rest_ap (USER_ID, PASSWORD) VALUES (%s, 'theirs')", user)

    done = site.run("-f", site.module / "tools/cli.php", "uninstall", keep)

    assert done.returncode == 0
    assert "The incoming webhook was deleted" in done.stderr
    assert codes(site) == [(user, "theirs")]
    assert rows_of_module(site.shop) == 0


def test_uninstalling_goes_on_when_rest_does_not_delete_it_and_says_so(
    site: Site, user: int
) -> None:
    create(site, user)
    site.environment = {"STAND_IN_REST_REFUSES": "delete"}

    done = site.run("-f", site.module / "tools/cli.php", "uninstall")

    assert done.returncode == 0
    assert "did not delete the incoming webhook" in done.stderr
    assert any("did not delete the incoming webhook" in line for line in site.log())
    assert rows_of_module(site.shop) == 0


def test_uninstalling_says_nothing_of_one_that_never_was(site: Site) -> None:
    assert site.run("-f", site.module / "tools/cli.php", "uninstall").stderr == ""


def test_options_from_a_backup_do_not_bring_an_older_one_back(
    site: Site, user: int, tmp_path: Path
) -> None:
    create(site, user)
    look, file = REPOSITORY / "bitrix_module/site.php", tmp_path / "options.json"
    site.php("-f", look, site.root, "options", file)
    create(site, user, "--replace")

    site.php("-f", look, site.root, "import", file)

    assert "There is an incoming webhook already" in create(site, user).stderr
    site.cli("uninstall")
    assert codes(site) == []


def test_deploying_makes_one_and_replaces_it_when_asked(
    site: Site, user: int, receiver: Service
) -> None:
    def deploy(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [REPOSITORY / "bitrix_module/deploy", "--url", receiver.webhooks, *words, site.root],
            env={**os.environ, "HOME": str(site.root.parent), "WEBHOOK_SECRETS": SECRET},
            capture_output=True, text=True, check=True, timeout=240,
        )  # fmt: skip

    first = deploy("--create-webhook", str(user)).stdout
    again = deploy("--create-webhook", str(user))
    second = deploy("--replace-webhook", str(user)).stdout

    assert ADDRESS.fullmatch(first)
    assert again.stdout == ""
    assert "There is an incoming webhook already" in again.stderr
    assert ADDRESS.fullmatch(second)
    assert second != first
    assert len(codes(site)) == 1
