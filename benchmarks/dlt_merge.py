"""dlt as fast as it goes: Arrow from connectorx, CSV for COPY; a merge, as a load that is repeated needs."""

import tempfile
from typing import Any

import dlt
import sqlalchemy
from dlt.sources.sql_database import sql_table
from same_rows import COLUMNS, IS_OURS, SOURCE, pymysql_url


def load(mysql_url: str, postgres_url: str, _table: str) -> str:
    def only_lines(query: Any, _table: Any) -> Any:
        return query.where(sqlalchemy.text(IS_OURS))

    resource = sql_table(
        credentials=pymysql_url(mysql_url),
        table=SOURCE,
        backend="connectorx",
        included_columns=COLUMNS,
        query_adapter_callback=only_lines,
        primary_key="ID",
        write_disposition="merge",
    )
    # dlt insists on a password; a server that trusts never asks for it.
    credentials = postgres_url.replace("postgres@", "postgres:unused@", 1)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            destination=dlt.destinations.postgres(credentials=credentials),
            dataset_name="loaded",
            pipelines_dir=folder,
        )
        pipeline.run(resource, loader_file_format="csv").raise_on_failed_jobs()
    return f"loaded.{SOURCE}"
