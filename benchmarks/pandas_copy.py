"""What one writes first: read_sql in chunks, to_sql with the manual's recipe for COPY."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import pandas as pd
import sqlalchemy
from same_rows import SELECT, pymysql_url

CHUNK_ROWS = 50_000


def load(mysql_url: str, postgres_url: str, _table: str) -> str:

    source = sqlalchemy.create_engine(pymysql_url(mysql_url))
    target = sqlalchemy.create_engine(postgres_url.replace("://", "+psycopg2://", 1))
    with source.connect().execution_options(stream_results=True) as connection:
        for chunk in pd.read_sql(sqlalchemy.text(SELECT), connection, chunksize=CHUNK_ROWS):
            chunk.to_sql("copied", target, index=False, if_exists="append", method=_copy)
    return "copied"


def _copy(table: Any, connection: Any, keys: list[str], rows: Iterable[Any]) -> None:
    """From pandas' manual, "insertion method"."""
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    lines.seek(0)
    columns = ", ".join(f'"{key}"' for key in keys)
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN WITH CSV", lines)
