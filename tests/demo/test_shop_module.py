"""The PHP module in the sample shop: where it can work, and what it says where it cannot."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bitrix_pipeline.demo.shop_module import ShopModule, shop_module
from bitrix_pipeline.demo.webhooks import new_secret
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.servers import PrivateMariaDB

needs_php = pytest.mark.skipif(shutil.which("php") is None, reason="no php here")


@pytest.mark.parametrize(
    ("php", "why"),
    [
        (None, "there is no PHP here"),
        ("exit 255", "PHP does not start here"),
        ("echo 8.2.1 php-curl php-mysqli", "there is no php-curl, php-mysqli here"),
        ("echo 7.2.34 PHP-7.4", "there is no PHP-7.4 here"),
    ],
)
def test_where_it_cannot_work_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, php: str | None, why: str
) -> None:
    if php:
        (tmp_path / "php").write_text(f"#!/bin/sh\n{php}\n")
        (tmp_path / "php").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert shop_module("mysql://root@127.0.0.1:1", "shop") == why


@needs_php
def test_saved_orders_are_noted_once_and_stay_while_nobody_takes_them(
    mariadb: PrivateMariaDB, shop: Any
) -> None:
    module = shop_module(mariadb.url, shop.database)
    assert isinstance(module, ShopModule)
    module.install(shop.connection)

    noted = module.note_saved([7, 8])
    module.note_saved([7])

    assert noted.keys() == {7, 8}
    assert all(0 < each.seconds < each.at for each in noted.values())
    with pytest.raises(PermanentError, match="did not deliver all"):
        module.send("http://127.0.0.1:9/webhooks/bitrix", new_secret())
    assert shop.rows("SELECT ENTITY_ID, SAVES FROM b_bitrixpipeline_outbox ORDER BY 1") == [
        (7, 2),
        (8, 1),
    ]
