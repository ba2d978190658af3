"""What the deploy script keeps, for how long, and what comes back with it."""

import os
from pathlib import Path

import pytest
from bitrix_site import MODULE, Site
from deploying import OTHER_SECRET, deploy, state, succeed
from receiving import SECRET, Service


def backups(site: Site) -> list[Path]:
    return sorted((site.root.parent / ".bitrixpipeline-outbox").glob("*/2*"))


def test_five_backups_are_kept_and_none_of_what_is_still_there(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    states = [state(bare_site)]
    for number in range(6):
        (source / MODULE / "lib/news.php").write_text(f"<?php // {number}\n")
        succeed(deploy(bare_site, source))
        states.append(state(bare_site))
        succeed(deploy(bare_site, source))

    assert len(backups(bare_site)) == 5
    succeed(deploy(bare_site, source, "--rollback"))
    assert state(bare_site) == states[-2]


@pytest.mark.parametrize(
    ("folder", "complaint"),
    [
        ("{site}/backups", "keep them outside of the site"),
        ("here", "a path from the root of the server"),
        ("/tmp/a\nb", "may not have a line break"),
    ],
)
def test_a_folder_where_backups_may_not_be_is_refused(
    bare_site: Site, source: Path, folder: str, complaint: str
) -> None:
    before = state(bare_site)

    run = deploy(bare_site, source, "--backups", folder.format(site=bare_site.root))

    assert run.returncode == 1
    assert complaint in run.stderr
    assert state(bare_site) == before


def test_a_roll_back_to_a_secret_that_is_retired_says_that_nothing_will_be_confirmed(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    succeed(deploy(bare_site, source, "--url", receiver.webhooks))
    bare_site.set(secrets=OTHER_SECRET)
    (source / MODULE / "lib/news.php").write_text("<?php\n")
    succeed(deploy(bare_site, source))

    said = succeed(deploy(bare_site, source, "--rollback"))

    assert "the receiver does not confirm" in said
    assert said.endswith("deploy: rolled back\n")
    assert SECRET not in said


def test_a_site_that_is_none_is_not_rolled_back(bare_site: Site, source: Path) -> None:
    nowhere = bare_site.root.parent / "nowhere"

    run = deploy(bare_site, source, "--rollback", target=str(nowhere))

    assert run.returncode == 1
    assert "cannot find out what is on the site" in run.stderr
    assert not nowhere.exists()


def test_the_web_server_may_read_the_module_whoever_owns_the_clone(
    bare_site: Site, source: Path, receiver: Service
) -> None:
    for path in [source, *source.rglob("*")]:
        path.chmod(0o700 if path.is_dir() or path.name == "deploy" else 0o600)
        os.chown(path, 1234, 1234)

    succeed(deploy(bare_site, source, "--url", receiver.webhooks))

    found = [path.stat() for path in bare_site.module.rglob("*")]
    assert {status.st_mode & 0o777 for status in found} == {0o755, 0o644}
    assert {status.st_uid for status in found} == {os.geteuid()}
