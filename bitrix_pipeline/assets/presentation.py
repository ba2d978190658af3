"""How a table and a sync look in the UI: schema, lineage, column map, numbers, preview.

All derived from the declaration. Open-source Dagster stores column lineage but does not draw it, so
the column map shows it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from bitrix_pipeline.assets.source import source_key
from bitrix_pipeline.model import Column, Table
from bitrix_pipeline.model.postgres import BOOKKEEPING
from bitrix_pipeline.sync import SyncResult
from bitrix_pipeline.sync.reports import TableReport

if TYPE_CHECKING:
    import pandas as pd


Metadata = Mapping[
    str, dg.MetadataValue | str | int | float | dg.TableSchema | dg.TableColumnLineage
]


def table_metadata(table: Table) -> Metadata:
    """What is known of a table before any run."""
    return {
        "dagster/column_schema": column_schema(table),
        # Without the schema: that is a setting, and settings are read by runs, not by loading.
        "dagster/table_name": table.name,
        "column_map": dg.MetadataValue.md(column_map(table)),
    }


def column_schema(table: Table) -> dg.TableSchema:
    key = dg.TableColumn(
        "id",
        "text" if table.has_text_key else "bigint",
        description=f"The Bitrix ID. ← {table.key}",
        constraints=dg.TableColumnConstraints(nullable=False, unique=True),
    )
    kept = [
        dg.TableColumn(name, type_.value, description=description)
        for name, type_, description in (*table.extra_columns, *BOOKKEEPING)
    ]
    return dg.TableSchema(columns=[key, *map(_schema_column, table.columns), *kept])


def column_lineage(table: Table) -> dg.TableColumnLineage:
    deps = {"id": (table.key,)} | {c.name: c.source.inputs for c in table.columns}
    return dg.TableColumnLineage(
        deps_by_column={name: [_lineage(i) for i in inputs] for name, inputs in deps.items()}
    )


def column_map(table: Table) -> str:
    """The lineage as a Markdown table."""
    id_type = "text" if table.has_text_key else "bigint"
    rows: list[tuple[str, str, tuple[str, ...], str]] = [
        ("id", id_type, (table.key,), "The Bitrix ID.")
    ]
    rows += [(c.name, c.type.value, c.source.inputs, c.description) for c in table.columns]
    lines = [
        f"| `{name}` | {type_} | {'<br>'.join(f'`{i}`' for i in inputs)} | {description} |"
        for name, type_, inputs, description in rows
    ]
    return "\n".join(["| column | type | ← from | meaning |", "|---|---|---|---|", *lines])


def sync_metadata(
    table: Table, result: SyncResult, report: TableReport, preview: pd.DataFrame
) -> dict[str, dg.MetadataValue]:
    """The same numbers under the same names for every run: each becomes a chart."""
    metadata = {**result_metadata(table, result), **report_metadata(table, report)}
    metadata["preview"] = table_value(preview)
    return metadata


def report_metadata(table: Table, report: TableReport) -> dict[str, dg.MetadataValue]:
    """How the table stands now, apart from what a sync did."""
    metadata: dict[str, dg.MetadataValue] = {
        "placeholders_in_table": dg.MetadataValue.int(report.placeholders),
        "dagster/row_count": dg.MetadataValue.int(report.rows),
        "dagster/column_lineage": dg.MetadataValue.column_lineage(column_lineage(table)),
    }
    if report.newest_change:
        metadata["newest_change"] = dg.MetadataValue.timestamp(report.newest_change)
    return metadata


def result_metadata(table: Table, result: SyncResult) -> dict[str, dg.MetadataValue]:
    """What a sync did, apart from how the table stands now."""
    numbers = {
        "rows_read": result.read,
        "rows_inserted": result.inserted,
        "rows_updated": result.updated,
        "rows_deleted": result.deleted,
        "rows_archived": result.archived,
        "rows_unchanged": result.unchanged,
        "rows_set_aside": result.set_aside,
        "parents_loaded": result.parents,
        "placeholders_made": result.placeholders,
    }
    times = {
        "compare_seconds": result.compare_seconds,
        "load_seconds": result.load_seconds,
        "seconds": result.seconds,
        "rows_per_second": result.rows_per_second,
    }
    metadata: dict[str, dg.MetadataValue] = {"scope": dg.MetadataValue.text(result.scope)}
    metadata |= {name: dg.MetadataValue.int(value) for name, value in numbers.items()}
    metadata |= {name: dg.MetadataValue.float(round(value, 3)) for name, value in times.items()}
    metadata["dagster/column_lineage"] = dg.MetadataValue.column_lineage(column_lineage(table))
    return metadata


def table_value(frame: pd.DataFrame) -> dg.MetadataValue:
    """A frame as a table in the UI."""
    return rows_value(frame.to_dict(orient="records"), [str(name) for name in frame.columns])


def rows_value(rows: Sequence[Mapping[Any, Any]], names: Sequence[str]) -> dg.MetadataValue:
    """Rows as a table in the UI."""
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({str(name): _plain(value) for name, value in row.items()})
            for row in rows
        ],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in names]),
    )


def _schema_column(column: Column) -> dg.TableColumn:
    sources = ", ".join(column.source.inputs)
    points_to = f" → {column.references}.id" if column.references else ""
    return dg.TableColumn(
        column.name,
        column.type.value,
        description=f"{column.description} ← {sources}{points_to}",
        constraints=dg.TableColumnConstraints(
            nullable=column.default is None, unique=column.is_unique
        ),
        tags={"pii": ""} if column.is_personal else {},
    )


def _lineage(source: str) -> dg.TableColumnDep:
    table, column = source.split(".")
    return dg.TableColumnDep(asset_key=source_key(table), column_name=column)


def _plain(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else str(value)
