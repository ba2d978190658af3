"""The limit: both databases' own clients and a pipe, into a table without keys."""

import subprocess

from same_rows import COLUMNS, SELECT, TYPES

from bitrix_pipeline.servers import bundled_binaries
from bitrix_pipeline.sync.mysql import parse_mysql_url


def load(mysql_url: str, postgres_url: str, _table: str) -> str:
    url = parse_mysql_url(mysql_url)
    psql = [str(bundled_binaries() / "psql"), "--quiet", "--no-psqlrc", f"--dbname={postgres_url}"]
    columns = ", ".join(f"{name} {TYPES[name]}" for name in COLUMNS)
    subprocess.run([*psql, "--command", f"CREATE TABLE bare ({columns})"], check=True)
    reader = subprocess.Popen(
        [
            "mariadb",
            "--no-defaults",
            "--batch",
            "--quick",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            f"--host={url.host}",
            f"--port={url.port}",
            f"--user={url.username}",
            f"--execute={SELECT}",
            str(url.database),
        ],
        stdout=subprocess.PIPE,
    )
    copy = [*psql, "--set=ON_ERROR_STOP=1", "--command", "COPY bare FROM STDIN (NULL 'NULL')"]
    subprocess.run(copy, stdin=reader.stdout, check=True)
    if reader.wait():
        raise SystemExit("the mariadb client failed")
    return "bare"
