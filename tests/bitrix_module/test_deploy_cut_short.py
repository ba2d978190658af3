"""What a deployment leaves behind that is ended, cut off, or meets another: the site as it was, or the truth."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from bitrix_site import MODULE, PHP, Listener, Request, Site
from deploying import OTHER_SECRET, deploy, start, state, succeed
from receiving import Service, wait_for
from ssh_server import SshServer

ENDS = {"Ctrl-C": signal.SIGINT, "kill -TERM": signal.SIGTERM, "a closed terminal": signal.SIGHUP}


@pytest.fixture
def hold(listener: Listener) -> Event:
    """The receiver confirms a ping only when this is set."""
    release = Event()
    listener.answer = lambda _, __: 202 * release.wait(60)
    return release


def starts_to_ping(
    site: Site, source: Path, listener: Listener, ssh: SshServer | None = None
) -> "subprocess.Popen[str]":
    """On this machine, or over ssh."""
    defaults = source / MODULE / "default_option.php"
    defaults.write_text(defaults.read_text().replace("'timeout' => '10'", "'timeout' => '60'"))
    over_ssh = {"target": f"shop@example:{site.root}", "PATH": ssh.path} if ssh else {}
    process = start(site, source, "--url", listener.url, **over_ssh)
    wait_for(lambda: listener.requests, seconds=60)
    return process


@pytest.mark.parametrize("where", ["here", "over ssh"])
@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_ended_while_it_waits_for_the_receiver_it_leaves_the_site_as_it_was(  # noqa: PLR0917
    bare_site: Site,
    source: Path,
    listener: Listener,
    hold: Event,
    ssh: SshServer,
    ends: signal.Signals,
    where: str,
) -> None:
    before = state(bare_site)
    process = starts_to_ping(bare_site, source, listener, ssh if where == "over ssh" else None)

    os.killpg(process.pid, ends)
    hold.set()
    _, said = process.communicate(timeout=240)

    assert process.returncode != 0
    assert "the site is as it was" in said
    assert state(bare_site) == before


@pytest.mark.parametrize("where", ["here", "over ssh"])
def test_neither_a_gone_terminal_nor_impatience_keeps_it_from_putting_the_site_back(  # noqa: PLR0917
    bare_site: Site, source: Path, listener: Listener, hold: Event, ssh: SshServer, where: str
) -> None:
    before = state(bare_site)
    process = starts_to_ping(bare_site, source, listener, ssh if where == "over ssh" else None)

    assert process.stderr
    process.stderr.close()
    hold.set()
    deadline = time.monotonic() + 240
    while process.poll() is None:
        assert time.monotonic() < deadline
        for ends in ENDS.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, ends)
        time.sleep(0.1)

    assert process.returncode != 0
    assert state(bare_site) == before
    assert not list(bare_site.root.rglob("*.lock"))


def test_when_the_connection_is_lost_the_site_is_put_back_all_the_same(
    bare_site: Site, source: Path, listener: Listener, hold: Event, ssh: SshServer
) -> None:
    before = state(bare_site)
    process = starts_to_ping(bare_site, source, listener, ssh)

    ssh.lose_connections()

    _, said = process.communicate(timeout=60)
    assert process.returncode == 255
    assert "on the server it puts the site back" in said
    hold.set()
    wait_for(lambda: not (bare_site.root / "local").exists(), seconds=60)
    assert state(bare_site) == before
    assert not list(ssh.folder.glob(".bitrixpipeline-outbox/*/*"))


def test_ended_before_it_got_to_the_server_it_hangs_on_nothing_and_leaves_nothing(
    bare_site: Site, source: Path, ssh: SshServer, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    over_ssh = {"target": f"shop@example:{bare_site.root}", "PATH": ssh.path, "TMPDIR": str(folder)}
    for milliseconds in range(5, 65, 5):
        process = start(bare_site, source, "--status", **over_ssh)
        time.sleep(milliseconds / 1000)

        process.terminate()

        _, said = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "Bad file" not in said
        assert not list(folder.iterdir())


def test_a_second_deployment_is_refused_while_a_first_is_at_work(
    bare_site: Site, source: Path, listener: Listener, hold: Event
) -> None:
    first = starts_to_ping(bare_site, source, listener)
    between = state(bare_site)

    second = deploy(bare_site, source)

    assert second.returncode == 1
    assert "another deployment is at work" in second.stderr
    assert state(bare_site) == between
    hold.set()
    assert first.wait(60) == 0


def test_an_outbox_that_a_roll_back_kept_outlives_a_deployment_that_fails(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    bare_site.add("user.deleted", 5)
    succeed(deploy(bare_site, source, "--rollback"))

    run = deploy(bare_site, source, "--url", receiver.webhooks, WEBHOOK_SECRETS=OTHER_SECRET)

    assert "the site is as it was" in run.stderr
    assert bare_site.outbox() == [("user.deleted", 5)]


def test_what_cannot_be_looked_at_is_not_taken_away(
    bare_site: Site, source: Path, receiver: Service, listener: Listener, tmp_path: Path
) -> None:
    """An upgrade fails, and so does PHP from then on, with which the site would be put back."""
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    before = state(bare_site)
    is_lost, php = tmp_path / "lost", tmp_path / "php"
    php.write_text(f'#!/bin/sh\n[ ! -e "{is_lost}" ] || exit 255\nexec {PHP} "$@"\n')
    php.chmod(0o755)
    listener.answer = failing_ping(is_lost)
    (source / MODULE / "lib/news.php").write_text("<?php\n")

    run = deploy(bare_site, source, "--php", str(php), "--url", listener.url)

    assert run.returncode == 1
    assert "the site could not be put back. Its backup is" in run.stderr
    assert bare_site.shop.value("SELECT COUNT(*) FROM b_module WHERE ID = %s", MODULE) == 1
    assert (bare_site.module / "lib/news.php").exists()

    assert modules_in(bare_site) == [MODULE]

    is_lost.unlink()
    succeed(deploy(bare_site, source, "--rollback"))
    assert state(bare_site) == before


def modules_in(site: Site) -> list[str]:
    """What Bitrix takes for modules, and includes, hidden folders too."""
    folders = (site.root / "local/modules").iterdir()
    return [folder.name for folder in folders if (folder / "install/index.php").exists()]


def failing_ping(is_lost: Path) -> Callable[[int, Request], int]:
    def answer(_: int, __: Request) -> int:
        is_lost.touch()
        return 500

    return answer


def test_a_damaged_backup_is_not_put_back(bare_site: Site, source: Path, receiver: Service) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    (source / MODULE / "lib/news.php").write_text("<?php\n")
    succeed(deploy(bare_site, source))
    before = state(bare_site)
    newest = max((bare_site.root.parent / ".bitrixpipeline-outbox").glob("*/2*"))
    archive = newest / "module.tar"
    archive.write_bytes(archive.read_bytes()[:5000])

    run = deploy(bare_site, source, "--rollback")

    assert run.returncode == 1
    assert f"the backup {newest} is damaged" in run.stderr
    assert state(bare_site) == before


def test_without_a_place_for_the_backup_nothing_is_changed(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    before = state(bare_site)

    run = deploy(bare_site, source, "--url", receiver.webhooks, "--backups", "/dev/null/backups")

    assert run.returncode == 1
    assert "no backup could be made in /dev/null/backups" in run.stderr
    assert state(bare_site) == before


def test_a_module_that_is_broken_on_the_site_is_put_right(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    right = state(bare_site)
    (bare_site.module / "tools/cli.php").unlink()
    (bare_site.module / "lib/schema.php").write_text("<?php class {")

    said = succeed(deploy(bare_site, source))

    assert "receiver: confirmed" in said
    assert state(bare_site) == right


DIE = "function bitrixpipeline_outbox_{}(): int\n{{"


@pytest.mark.parametrize("step", ["install", "ping"])
def test_a_bitrix_that_dies_has_not_succeeded(
    bare_site: Site, source: Path, receiver: Service, step: str
) -> None:
    """It does where it has no connection to the database, and its exit code is that of success."""
    before = state(bare_site)
    commands = source / MODULE / "tools/commands.php"
    begin = DIE.format(step)
    commands.write_text(commands.read_text().replace(begin, f"{begin} die('DB query error');"))

    run = deploy(bare_site, source, "--url", receiver.webhooks)

    assert run.returncode == 1
    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before


def test_when_a_roll_back_fails_it_says_that_the_webhook_is_gone(
    bare_site: Site, source: Path, receiver: Service, tmp_path: Path
) -> None:
    user = str(bare_site.shop.value("SELECT MIN(ID) FROM b_user WHERE ACTIVE = 'Y'"))
    succeed(deploy(bare_site, source, "--url", receiver.webhooks, "--create-webhook", user))
    before = state(bare_site)
    swap, failed = source / "swap.php", tmp_path / "failed"
    once = f"<?php if (!is_file('{failed}')) {{ touch('{failed}'); exit(1); }}"
    swap.write_text(swap.read_text().replace("<?php", once, 1))

    run = deploy(bare_site, source, "--rollback")

    assert run.returncode == 1
    assert "as it was, but for the incoming webhook, which is gone" in run.stderr
    assert state(bare_site)[0] == before[0]


def test_a_broken_module_that_a_deployment_could_not_mend_is_put_back_with_its_settings(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    (bare_site.module / "tools/cli.php").unlink()
    before = state(bare_site)

    run = deploy(bare_site, source, WEBHOOK_SECRETS=OTHER_SECRET)

    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before


def test_settings_of_a_module_that_is_not_installed_stay(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    bare_site.set(batch=77)
    before = state(bare_site)

    run = deploy(bare_site, source, "--url", receiver.webhooks, WEBHOOK_SECRETS=OTHER_SECRET)

    assert "the site is as it was" in run.stderr
    assert state(bare_site) == before


def test_an_agent_that_somebody_has_switched_off_stays_so(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    bare_site.shop.run("UPDATE b_agent SET ACTIVE = 'N', LAST_EXEC = '2026-11-01'")
    before = state(bare_site)

    succeed(deploy(bare_site, source))

    assert state(bare_site) == before
