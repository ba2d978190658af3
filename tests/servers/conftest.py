"""One of each kind of private server, whose data is made once and used by many tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bitrix_pipeline.servers import (
    PrivateMariaDB,
    PrivateMySQL,
    PrivatePostgres,
    PrivateServer,
    ServerUnavailable,
    debian_binaries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAKERS: dict[str, Callable[[Path], PrivateServer]] = {
    "mariadb": PrivateMariaDB,
    "mysql": PrivateMySQL,
    "postgres-of-the-wheel": PrivatePostgres,
    "postgres-of-debian": lambda folder: PrivatePostgres(folder, binaries=debian_binaries()),
}
KINDS = [pytest.param(kind, marks=pytest.mark.mysql if kind == "mysql" else ()) for kind in MAKERS]


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def data_folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(kind)


@pytest.fixture
def server(kind: str, data_folder: Path) -> Iterator[PrivateServer]:
    """A running server."""
    try:
        made = MAKERS[kind](data_folder)
        made.start()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))
    with made:
        yield made
