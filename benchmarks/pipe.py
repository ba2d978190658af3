"""The limit: both databases' own clients and a pipe, into a table without keys."""

import subprocess

import pymysql
from same_rows import COLUMNS, ORDER_ITEMS, SELECT, TYPES

from bitrix_pipeline.model.selects import END_OF_ROW, joined_row, source_rows
from bitrix_pipeline.servers import bundled_binaries
from bitrix_pipeline.sync.facts import read_facts
from bitrix_pipeline.sync.mysql import parse_mysql_url


def load_same_select(mysql_url: str, postgres_url: str, _table: str) -> str:
    """The SELECT of our own initial load: hash, normalised values, one field for a whole row."""
    url = parse_mysql_url(mysql_url)
    with pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        charset="utf8mb4",
    ) as connection:
        facts = read_facts(connection, status_mapping={}, language="ru")
    row = joined_row(ORDER_ITEMS, facts, fingerprint="").removesuffix(f", {END_OF_ROW})") + ")"
    select = f"SELECT REPLACE({row}, x'FF', x'09') {source_rows(ORDER_ITEMS, facts)}"
    types = {"source_hash": "bigint", "id": "bigint"}
    types |= {column.name: column.type.value for column in ORDER_ITEMS.columns}
    return _carry(mysql_url, postgres_url, select, types, raw=True)


def load_columns(mysql_url: str, postgres_url: str, _table: str) -> str:
    """The columns as they are."""
    types = {name: TYPES[name] for name in COLUMNS}
    return _carry(mysql_url, postgres_url, SELECT, types, raw=False)


def _carry(
    mysql_url: str, postgres_url: str, select: str, types: dict[str, str], *, raw: bool
) -> str:
    url = parse_mysql_url(mysql_url)
    psql = [str(bundled_binaries() / "psql"), "--quiet", "--no-psqlrc", f"--dbname={postgres_url}"]
    columns = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    subprocess.run([*psql, "--command", f"CREATE TABLE bare ({columns})"], check=True)
    reader = subprocess.Popen(
        [
            "mariadb",
            "--no-defaults",
            "--batch",
            *(["--raw"] if raw else []),
            "--quick",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            f"--host={url.host}",
            f"--port={url.port}",
            f"--user={url.username}",
            f"--execute={select}",
            str(url.database),
        ],
        stdout=subprocess.PIPE,
    )
    null = "" if raw else "NULL"
    copy = [*psql, "--set=ON_ERROR_STOP=1", "--command", f"COPY bare FROM STDIN (NULL '{null}')"]
    subprocess.run(copy, stdin=reader.stdout, check=True)
    if reader.wait():
        raise SystemExit("the mariadb client failed")
    return "bare"
