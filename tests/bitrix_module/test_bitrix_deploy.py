"""The deploy script against a throw-away site: installs, upgrades, rolls back, and leaves no half work."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from bitrix_site import MODULE, Listener, Site, options_of_main
from deploying import OTHER_SECRET, deploy, state, succeed
from receiving import SECRET, Inbox, Service
from ssh_server import SshServer


def test_it_installs_upgrades_and_rolls_back(
    bare_site: Site, source: Path, receiver: Service, inbox: Inbox
) -> None:
    before = state(bare_site)
    said = succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    assert "receiver: confirmed" in said
    assert "agents run on hits" in said
    assert [row[0] for row in inbox.rows("e.type")] == ["ping"]
    installed = state(bare_site)

    bare_site.add("user.deleted", 5)
    (source / MODULE / "lib/news.php").write_text("<?php\n")
    succeed(deploy(bare_site, source))
    assert (bare_site.module / "lib/news.php").exists()
    assert bare_site.outbox() == [("user.deleted", 5)]

    succeed(deploy(bare_site, source, "--rollback"))
    assert state(bare_site) == installed

    succeed(deploy(bare_site, source, "--rollback"))
    assert state(bare_site)[:3] == before[:3]
    assert bare_site.outbox() == [("user.deleted", 5)], "what was not sent yet stays"

    assert "there is no backup" in deploy(bare_site, source, "--rollback").stderr


@pytest.mark.parametrize(
    ("options", "days", "sentence"),
    [
        ({}, 0, "warn agents run on hits"),
        ({"agents_use_crontab": "Y"}, 9, "ok agents run by cron"),
        ({"agents_use_crontab": "Y", "check_agents": "N"}, 0, "ok agents run by cron"),
        ({"agents_use_crontab": "Y", "check_agents": "N"}, 9, "warn agents are switched off"),
        ({"check_agents": "N"}, 0, "ok agents run by a script of the site's own"),
        ({"check_agents": "N"}, 9, "warn agents are switched off"),
    ],
)
def test_it_says_what_runs_the_sites_agents(
    site: Site, source: Path, options: dict[str, str], days: int, sentence: str
) -> None:
    site.shop.run("UPDATE b_agent SET LAST_EXEC = UTC_TIMESTAMP() - INTERVAL %s DAY", days)

    with options_of_main(site, options):
        said = succeed(deploy(site, source, "--dry-run"))

    assert sentence in said


def test_it_warns_of_an_address_that_sends_customers_data_in_the_open(site: Site) -> None:
    site.set(url="http://crm.example/webhooks/bitrix")

    said = site.run("-f", site.module / "tools/cli.php", "ping").stderr

    assert "customers' data go there unencrypted: give an https address" in said


def test_again_it_changes_nothing(bare_site: Site, source: Path, receiver: Service) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    once = state(bare_site)

    said = succeed(deploy(bare_site, source))

    assert "the module is up to date" in said
    assert state(bare_site) == once


@pytest.mark.parametrize(
    "fault", ["a file that is no PHP", "an install that fails", "a receiver that refuses"]
)
@pytest.mark.parametrize("is_upgrade", [False, True], ids=["fresh", "upgrade"])
def test_whatever_fails_the_site_is_as_it_was(
    bare_site: Site, source: Path, receiver: Service, fault: str, *, is_upgrade: bool
) -> None:
    if is_upgrade:
        succeed(deploy(bare_site, source, "--url", receiver.webhooks))
        (source / MODULE / "lib/news.php").write_text("<?php\n")
    before = state(bare_site)
    secrets = SECRET
    match fault:
        case "a file that is no PHP":
            (source / MODULE / "lib/outbox.php").write_text("<?php class {")
        case "an install that fails":
            sql = source / MODULE / "install/db/mysql/install.sql"
            sql.write_text(sql.read_text() + "CREATE NONSENSE;")
        case _:
            secrets = OTHER_SECRET

    run = deploy(bare_site, source, "--url", receiver.webhooks, WEBHOOK_SECRETS=secrets)

    assert run.returncode == 1
    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1:9/webhooks/bitrix", "the receiver cannot be reached"),
        ("{receiver}/nowhere", "the receiver answers 404"),
    ],
)
def test_a_site_that_is_not_ready_is_not_touched(
    bare_site: Site, source: Path, receiver: Service, url: str, complaint: str
) -> None:
    before = state(bare_site)

    run = deploy(bare_site, source, "--url", url.format(receiver=receiver.url))

    assert run.returncode == 1
    assert complaint in run.stderr
    assert "nothing was changed" in run.stderr
    assert state(bare_site) == before


def test_what_the_module_needs_is_known_before_anything_is_changed(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    requirements = source / MODULE / "lib/requirements.php"
    requirements.write_text(
        requirements.read_text().replace("'sale' => '18.0.0'", "'sale' => '99.0.0'")
    )

    run = deploy(bare_site, source, "--dry-run", "--url", receiver.webhooks)

    assert run.returncode == 1
    assert "fail needed: sale 99.0.0 (25.0.0)" in run.stderr


def test_a_cache_that_only_the_web_server_can_reach_is_told_of(site: Site, source: Path) -> None:
    settings = site.root / "bitrix/.settings.php"
    of_cache = "'cache' => ['value' => ['type' => 'apcu']],\n];\n"
    settings.write_text(settings.read_text().replace("];\n", of_cache))

    said = succeed(deploy(site, source, "--dry-run"))

    assert "warn the site caches in APCu: clear the cache" in said


def test_without_an_address_or_a_secret_nothing_is_begun(bare_site: Site, source: Path) -> None:
    before = state(bare_site)

    run = deploy(bare_site, source, WEBHOOK_SECRETS="")

    assert run.returncode == 1
    assert "fail the receiver's address is set nowhere: give --url" in run.stderr
    assert "fail a secret is set nowhere: give WEBHOOK_SECRETS" in run.stderr
    assert state(bare_site) == before


def test_the_receiver_that_is_set_is_looked_at_where_none_is_given(
    site: Site, source: Path
) -> None:
    site.set(url="http://127.0.0.1:9/webhooks/bitrix")

    run = deploy(site, source, "--dry-run")

    assert run.returncode == 1
    assert "the receiver cannot be reached" in run.stderr


def test_what_is_set_elsewhere_and_counts_first_is_not_overlooked(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    settings = bare_site.root / "bitrix/.settings.php"
    of_file = f"'{MODULE}' => ['value' => ['url' => 'https://elsewhere.example/']],\n];\n"
    settings.write_text(settings.read_text().replace("];\n", of_file))
    before = state(bare_site)

    run = deploy(bare_site, source, "--url", receiver.webhooks)

    assert run.returncode == 1
    assert "url is set in .settings.php to something else, which counts first" in run.stderr
    assert state(bare_site) == before


def test_a_clock_that_is_off_is_found_before_anything_is_refused(
    bare_site: Site, source: Path, listener: Listener
) -> None:
    """A receiver takes no signature that is five minutes old."""
    before = state(bare_site)
    listener.answer = lambda _, __: 401
    listener.headers = {"Date": formatdate(time.time() + 3600, usegmt=True)}

    run = deploy(bare_site, source, "--url", listener.url)

    assert run.returncode == 1
    assert re.search(r"fail the clock is -3[56]\d\d s off the receiver's", run.stderr)
    assert "nothing was changed" in run.stderr
    assert state(bare_site) == before


def test_a_database_with_another_clock_is_told_of(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    with another_clock(bare_site, seconds=3600):
        said = succeed(deploy(bare_site, source, "--dry-run", "--url", receiver.webhooks))

    assert re.search(r"warn MySQL's clock is 3[56]\d\d s off PHP's", said)


@contextmanager
def another_clock(site: Site, *, seconds: int) -> Iterator[None]:
    """For all who are not root; the site connects as such a one meanwhile."""
    settings = site.root / "bitrix/.settings.php"
    as_root = settings.read_text()
    query = site.shop.connection.query
    query("CREATE USER visitor@'%'")
    query(f"GRANT ALL ON `{site.shop.database}`.* TO visitor@'%'")
    query(f"SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() + {seconds}'")
    settings.write_text(as_root.replace("'login' => 'root'", "'login' => 'visitor'"))
    try:
        yield
    finally:
        settings.write_text(as_root)
        query("SET GLOBAL init_connect = ''")
        query("DROP USER visitor@'%'")


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    before = state(bare_site)

    said = succeed(deploy(bare_site, source, "--dry-run", "--url", receiver.webhooks))

    assert "would do: back up, upload" in said
    assert state(bare_site) == before


def test_over_ssh_it_does_the_same_in_one_connection(
    bare_site: Site, source: Path, receiver: Service, ssh: SshServer, tmp_path: Path
) -> None:
    bare_site.root = bare_site.root.rename(tmp_path / "it's a site")
    target = f"shop@example:{bare_site.root}"

    succeed(deploy(bare_site, source, "--url", receiver.webhooks, target=target, PATH=ssh.path))

    assert len(ssh.connections) == 1
    run = deploy(bare_site, source, "--status", target=target, PATH=ssh.path)
    assert '"complaint": null' in run.stdout
    assert "yesterday" not in run.stdout
    assert SECRET not in run.stdout + run.stderr


def test_over_ssh_it_fails_as_the_script_on_the_server_does_and_leaves_nothing(
    bare_site: Site, source: Path, receiver: Service, ssh: SshServer, tmp_path: Path
) -> None:
    before = state(bare_site)
    folder = tmp_path / "temporary"
    folder.mkdir()
    ssh.environment["TMPDIR"] = str(folder)
    over_ssh = {"target": f"shop@example:{bare_site.root}", "PATH": ssh.path, "TMPDIR": str(folder)}

    run = deploy(
        bare_site, source, "--url", receiver.webhooks, WEBHOOK_SECRETS=OTHER_SECRET, **over_ssh
    )

    assert run.returncode == 1
    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before
    assert not list(folder.iterdir())


def test_a_server_that_cannot_be_reached_is_one_sentence_of_ssh_and_one_of_the_script(
    bare_site: Site, source: Path, ssh: SshServer
) -> None:
    run = deploy(bare_site, source, "--status", target="shop@elsewhere.invalid:/x", PATH=ssh.path)

    assert run.returncode == 1
    assert "Could not resolve hostname elsewhere.invalid" in run.stderr
    assert "did not get to the server; nothing was changed" in run.stderr


def test_a_server_that_runs_something_else_has_not_succeeded(
    bare_site: Site, source: Path, ssh: SshServer
) -> None:
    ssh.login_shell = ["true"]

    run = deploy(
        bare_site, source, "--status", target=f"shop@example:{bare_site.root}", PATH=ssh.path
    )

    assert run.returncode == 1
    assert "did not get to the server" in run.stderr


def test_a_fault_of_php_is_not_taken_for_a_lost_connection(
    bare_site: Site, source: Path, receiver: Service, ssh: SshServer
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    cli = bare_site.module / "tools/cli.php"
    cli.write_text("<?php exit(255);")

    run = deploy(
        bare_site, source, "--status", target=f"shop@example:{bare_site.root}", PATH=ssh.path
    )

    assert run.returncode == 1
    assert "lost" not in run.stderr


def test_the_incoming_webhook_is_printed_and_secrets_are_for_the_owner_only(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    user = str(bare_site.shop.value("SELECT MIN(ID) FROM b_user WHERE ACTIVE = 'Y'"))
    run = deploy(bare_site, source, "--url", receiver.webhooks, "--create-webhook", user)
    succeed(run)
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))

    assert re.fullmatch(r"https://buket\.example/rest/\d+/c0de\w+/\n", run.stdout)
    backups = list((bare_site.root.parent / ".bitrixpipeline-outbox").rglob("*"))
    assert any(path.name == "options.json" for path in backups)
    assert {path.stat().st_mode & 0o077 for path in backups} == {0}


def test_handlers_that_only_a_newer_module_has_go_with_it(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    """Bitrix would call, in a buyer's request, a method that is not there."""
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    before = state(bare_site)
    events, last = (
        source / MODULE / "lib/events.php",
        "['main', 'OnAfterUserDelete', 'userDeleted'],",
    )
    newer = last + "['main', 'OnAfterUserLogin', 'userLoggedIn'],"
    events.write_text(events.read_text().replace(last, newer))

    run = deploy(bare_site, source, WEBHOOK_SECRETS=OTHER_SECRET)

    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before


def test_a_module_that_is_a_link_is_one_again(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    elsewhere = bare_site.root.parent / "elsewhere"
    bare_site.module.rename(elsewhere)
    bare_site.module.symlink_to(elsewhere)
    (source / MODULE / "lib/news.php").write_text("<?php\n")

    run = deploy(bare_site, source, WEBHOOK_SECRETS=OTHER_SECRET)

    assert "the site is as it was" in run.stderr
    assert bare_site.module.readlink() == elsewhere
    assert not (elsewhere / "lib/news.php").exists()


def test_a_deployment_without_the_webhook_asked_for_says_what_was_done(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    run = deploy(bare_site, source, "--url", receiver.webhooks, "--create-webhook", "99999999")

    assert run.returncode == 1
    assert "There is no active user 99999999" in run.stderr
    assert "the module is deployed, but no address" in run.stderr
