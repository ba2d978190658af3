"""The databases of the demo: private servers in `.data`, or the ones that the settings name.

On a server that is named the demo only ever touches databases called `bitrix_pipeline_demo`.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pymysql
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from bitrix_pipeline.demo.shop import reader_account
from bitrix_pipeline.demo.webhooks import new_secret
from bitrix_pipeline.model.migrate import RECEIVER_ROLE
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres
from bitrix_pipeline.settings import Settings, environment_of, load_settings
from bitrix_pipeline.sync.mysql import source_errors
from bitrix_pipeline.sync.postgres import target_errors

DATA = Path(".data")
DATABASE = "bitrix_pipeline_demo"
RECEIVER_ACCOUNT = "bitrix_pipeline_demo_receiver"
PARTITION_SIZE = 10_000
"""Small, so that the sample shop has some partitions to look at."""


@dataclass(frozen=True)
class Playground:
    """Where the demo's shop, CRM and Dagster are."""

    settings: Settings
    dagster_home: Path
    mysql_server_url: str
    postgres_server_url: str

    def environment(self) -> dict[str, str]:
        """For Dagster's processes: the demo's databases and its own instance."""
        return {
            **os.environ,
            **environment_of(self.settings),
            "DAGSTER_HOME": str(self.dagster_home),
            "PYTHONWARNINGS": "ignore",
        }

    def dagster(self) -> dg.DagsterInstance:
        """The demo's instance; to be used as a context manager."""
        return dg.DagsterInstance.from_config(str(self.dagster_home))

    def shop_admin(self) -> "pymysql.Connection[Any]":
        """An account that may create the sample shop. Raises SourceError when it may not connect."""
        url = make_url(self.mysql_server_url)
        with source_errors():
            return pymysql.connect(
                host=url.host or "127.0.0.1",
                port=url.port or 3306,
                user=url.username,
                password=url.password or "",
                charset="utf8mb4",
                autocommit=True,
            )

    def let_the_reader_in(self, password: str) -> None:
        with closing(self.shop_admin()) as admin, source_errors():
            reader_account(admin, DATABASE, user=DATABASE, password=password)

    def let_the_receiver_in(self) -> None:
        """An account that can do nothing but hand events over; the tables must be migrated."""
        url = make_url(self.settings.receiver_postgres_url.get_secret_value())
        account, password = sql.Identifier(str(url.username)), sql.Literal(str(url.password))
        with target_errors(), psycopg.connect(self.postgres_server_url, autocommit=True) as admin:
            known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (url.username,))
            verb = sql.SQL("ALTER" if known.fetchone() else "CREATE")
            admin.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, account, password))
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(RECEIVER_ROLE), account))

    def make_crm_anew(self) -> None:
        """An empty CRM database."""
        with target_errors(), psycopg.connect(self.postgres_server_url, autocommit=True) as admin:
            name = sql.Identifier(DATABASE)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))


@contextmanager
def playground() -> Iterator[Playground]:
    """The demo's databases; servers of our own are stopped again, whatever happens."""
    asked = load_settings()
    data = DATA.resolve()
    data.mkdir(exist_ok=True)
    with ExitStack() as servers:
        mysql_url = asked.bitrix_mysql_url.get_secret_value()
        if not mysql_url:
            mysql_url = servers.enter_context(PrivateMariaDB(data / "mariadb")).url
        postgres_url = asked.postgres_url.get_secret_value()
        if not postgres_url:
            postgres_url = servers.enter_context(PrivatePostgres(data / "postgres")).url
        reader, receiver = (
            _kept_secret(data, "reader_password"),
            _kept_secret(data, "receiver_password"),
        )
        ground = Playground(
            settings=asked.model_copy(
                update={
                    "bitrix_mysql_url": SecretStr(_account_url(mysql_url, reader)),
                    "postgres_url": SecretStr(_in_demo_database(postgres_url)),
                    "receiver_postgres_url": SecretStr(
                        _account_url(postgres_url, receiver, name=RECEIVER_ACCOUNT)
                    ),
                    "webhook_secrets": SecretStr(_kept_secret(data, "webhook_secret", new_secret)),
                    "receiver_port": 0,
                    "receiver_metrics_port": 0,
                    "partition_size": PARTITION_SIZE,
                }
            ),
            dagster_home=_dagster_home(data),
            mysql_server_url=mysql_url,
            postgres_server_url=postgres_url,
        )
        ground.let_the_reader_in(reader)
        yield ground


def tied_to_us(command: list[str]) -> list[str]:
    """The command so that it ends when we do, even by kill -9 (on Linux)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *command] if setpriv else command


def _account_url(server_url: str, password: str, *, name: str = DATABASE) -> str:
    """The sync reads, and the receiver writes, with accounts that can do nothing else."""
    url = make_url(server_url).set(username=name, password=password, database=DATABASE)
    return url.render_as_string(hide_password=False)


def _kept_secret(data: Path, name: str, make: Callable[[], str] = secrets.token_urlsafe) -> str:
    """Made once and kept, so that `ui` finds the accounts that `demo` made."""
    file = data / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make(), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _in_demo_database(url: str) -> str:
    return make_url(url).set(database=DATABASE).render_as_string(hide_password=False)


def _dagster_home(data: Path) -> Path:
    """A persistent instance, so that the UI shows the demo's runs afterwards."""
    home = data / "dagster"
    home.mkdir(exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        config = resources.files("bitrix_pipeline.demo") / name
        (home / name).write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    return home
