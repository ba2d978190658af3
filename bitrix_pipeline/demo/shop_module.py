"""The PHP module at work in the sample shop: its own handlers, outbox and sender, where there is PHP.

`site/` holds the few classes of Bitrix's that they call; all else is what `bitrix_module/deploy` installs.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy.engine import make_url

from bitrix_pipeline.errors import PermanentError

SITE = Path(__file__).with_name("site")
MODULE = Path(__file__).parents[2] / "bitrix_module/bitrixpipeline.outbox"
# What PHP complains of when it starts is not an answer.
QUIETLY = ("-d", "display_errors=stderr", "-d", "display_startup_errors=0")
LOOK = """
echo PHP_VERSION, PHP_VERSION_ID < 70400 ? ' PHP-7.4' : '';
foreach (['curl', 'mbstring', 'mysqli'] as $name) { echo extension_loaded($name) ? '' : " php-$name"; }
"""
DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class Noted:
    """An event as it came to the outbox."""

    at: float
    """When, in seconds since 1970."""
    seconds: float
    """How long the handler kept the shop."""


@dataclass(frozen=True)
class ShopModule:
    """The module over one shop's database; the account must be able to write there."""

    php: str
    version: str
    shop: dict[str, str]

    def install(self, shop: "pymysql.Connection[Any]") -> None:
        """Makes the module's tables, anew."""
        shop.select_db(self.shop["database"])
        for script in ("uninstall.sql", "install.sql"):
            statements = (MODULE / "install/db/mysql" / script).read_text(encoding="utf-8")
            with shop.cursor() as cursor:
                for statement in filter(str.strip, statements.split(";")):
                    cursor.execute(statement)

    def note_saved(self, orders: Sequence[int]) -> dict[int, Noted]:
        """Bitrix has saved these orders: the module's handler puts each into the outbox."""
        said = self._run(SITE / "saved.php", *orders)
        return {int(order): Noted(**noted) for order, noted in said.items()}

    def send(self, url: str, secret: str) -> int:
        """A run of the module's sender, as its agent makes them; how many events were delivered.

        Raises PermanentError when one was not.
        """
        report = self._run(
            MODULE / "tools/cli.php",
            "send",
            BITRIXPIPELINE_URL=url,
            BITRIXPIPELINE_SECRETS=secret,
        )
        if report["failed"] or report["dead"] or report["stopped"] != "nothing more is due":
            raise PermanentError(f"the module's sender did not deliver all: {report}")
        return int(report["delivered"])

    def _run(self, script: Path, *words: object, **environment: str) -> dict[str, Any]:
        """What a script of PHP's prints as JSON."""
        given = {
            "BITRIX_DOCUMENT_ROOT": str(SITE),
            "BITRIX_PIPELINE_MODULE": str(MODULE),
            "BITRIX_PIPELINE_SHOP": json.dumps(self.shop),
        }
        done = subprocess.run(
            [self.php, *QUIETLY, "-f", str(script), *map(str, words)],
            env={**os.environ, **given, **environment},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        if done.returncode:
            raise PermanentError(f"{script.name} failed in PHP: {done.stderr.strip()}")
        said: dict[str, Any] = json.loads(done.stdout)
        return said


def shop_module(mysql_server_url: str, database: str) -> ShopModule | str:
    """The module, or why it cannot work here."""
    php = shutil.which("php")
    if php is None:
        return "there is no PHP here"
    if not MODULE.is_dir():
        return "bitrix_module is not beside the package"
    done = subprocess.run([php, *QUIETLY, "-r", LOOK], capture_output=True, text=True, check=False)
    version, *missing = done.stdout.split() or [""]
    if done.returncode:
        return "PHP does not start here"
    if missing:
        return f"there is no {', '.join(missing)} here"
    url = make_url(mysql_server_url)
    account = {"login": url.username or "", "password": url.password or "", "database": database}
    host = f"{url.host or '127.0.0.1'}:{url.port or 3306}"
    return ShopModule(php, version, {"host": host, **account})
