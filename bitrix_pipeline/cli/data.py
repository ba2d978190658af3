"""migrate, sync, verify: the commands that move data or compare it."""

from contextlib import closing
from typing import Annotated

import typer
from rich.table import Column
from rich.table import Table as ScreenTable

from bitrix_pipeline.cli.screen import complain, number_columns, progress, screen
from bitrix_pipeline.errors import PipelineError, SettingsError
from bitrix_pipeline.model import TABLES, Table, table_named
from bitrix_pipeline.model.migrate import migrate as migrate_tables
from bitrix_pipeline.settings import Settings, load_settings
from bitrix_pipeline.sync import (
    ChangedLately,
    Everything,
    IdRange,
    Ids,
    Scope,
    SyncResult,
    SyncSettings,
    sync_table,
)
from bitrix_pipeline.sync import mysql as shop_mysql
from bitrix_pipeline.sync import postgres as crm_postgres
from bitrix_pipeline.verify import Rules, Verdict
from bitrix_pipeline.verify import verify as verify_tables

TableNames = Annotated[
    list[str] | None,
    typer.Option("--table", "-t", help="Only this table; may be given more than once."),
]


def migrate() -> None:
    """Create the tables in Postgres, or bring them up to date. Safe to run again."""
    settings = load_settings()
    revision = migrate_tables(settings.require_postgres_url(), target_schema=settings.target_schema)
    screen.print(f"Postgres is at revision {revision}.", highlight=False)


def sync(
    table: TableNames = None,
    ids: Annotated[str, typer.Option(help="Only these IDs: 12,57,1040.")] = "",
    id_range: Annotated[str, typer.Option(help="Only this range of IDs: 1000-1999.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Compare all rows by content.")] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Mark more rows as deleted than the limit.")
    ] = False,
    accept_schema: Annotated[
        bool,
        typer.Option("--accept-schema", help="A source column that is gone becomes NULL."),
    ] = False,
) -> None:
    """Make Postgres equal to the shop: what changed lately, unless a scope is given."""
    settings = load_settings()
    scope = scope_of(ids, id_range, full=full)
    tables = tables_named(table)
    if isinstance(scope, Ids | IdRange) and len(tables) != 1:
        raise SettingsError("--ids and --id-range need one --table: IDs mean one table's rows")
    sync_settings = SyncSettings.of(
        settings, allow_deletions=allow_deletions, accept_schema=accept_schema
    )
    results, failures = [], 0
    for each in tables:
        try:
            results.append(_sync_one(each, scope, settings, sync_settings))
        except PipelineError as error:
            failures += 1
            complain(error)
    screen.print(results_table(results))
    if failures:
        raise typer.Exit(1)


def verify(
    table: TableNames = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Print the values that differ: customers' data.")
    ] = False,
) -> None:
    """Compare row for row, by a second, simple method that shares no code with the sync."""
    settings = load_settings()
    verdicts = verdicts_of(settings, tables_named(table))
    screen.print(verdicts_table(verdicts))
    for verdict in verdicts:
        for example in verdict.examples:
            # A customer's text may look like markup.
            told = example.describe(show_values=show_values)
            screen.print(told, markup=False, highlight=False, soft_wrap=True)
    if not all(verdict.equal for verdict in verdicts):
        raise typer.Exit(1)


def verdicts_of(settings: Settings, tables: list[Table]) -> list[Verdict]:
    """The independent comparison of these tables."""
    rules = Rules(
        shop_timezone=settings.shop_timezone,
        status_mapping=settings.status_mapping,
        shop_language=settings.shop_language,
        target_schema=settings.target_schema,
    )
    deadline = settings.query_deadline_seconds
    with (
        closing(
            shop_mysql.connect(settings.require_mysql_url(), deadline_seconds=deadline)
        ) as source,
        crm_postgres.connect(settings.require_postgres_url()) as target,
        progress("comparing") as show,
        shop_mysql.source_errors(),
        crm_postgres.target_errors(),
    ):
        return verify_tables(
            source,
            target,
            rules=rules,
            tables=[table.name for table in tables],
            progress=lambda name, rows: show(name, rows, 0),
        )


def tables_named(names: list[str] | None) -> list[Table]:
    """Those tables, or all, in the order in which they are loaded."""
    if not names:
        return list(TABLES)
    try:
        wanted = {table_named(name).name for name in names}
    except KeyError as error:
        raise SettingsError(str(error.args[0])) from None
    return [table for table in TABLES if table.name in wanted]


def scope_of(ids: str, id_range: str, *, full: bool) -> Scope:
    """The one scope that is asked for. Raises SettingsError when it is unclear."""
    if sum((bool(ids), bool(id_range), full)) > 1:
        raise SettingsError("give only one of --ids, --id-range and --full")
    try:
        if ids:
            return Ids(tuple(int(part) for part in ids.split(",")))
        if id_range:
            first, last = id_range.split("-")
            return IdRange(int(first), int(last) + 1)
    except ValueError:
        raise SettingsError("write --ids 12,57,1040 or --id-range 1000-1999") from None
    return Everything() if full else ChangedLately()


def _sync_one(
    table: Table, scope: Scope, settings: Settings, sync_settings: SyncSettings
) -> SyncResult:
    with progress(table.name) as show:
        return sync_table(
            table,
            scope,
            mysql_url=settings.require_mysql_url(),
            postgres_url=settings.require_postgres_url(),
            settings=sync_settings,
            progress=show,
        )


def results_table(results: list[SyncResult]) -> ScreenTable:
    table = ScreenTable(Column("table", no_wrap=True), title="Synced")
    names = ("read", "inserted", "updated", "deleted", "archived", "unchanged", "placeholders")
    number_columns(table, (*names, "set aside", "seconds", "rows/s"))
    for result in results:
        counts = [f"{getattr(result, name):,}" for name in names]
        table.add_row(
            result.table,
            *counts,
            f"{result.set_aside:,}",
            f"{result.seconds:.1f}",
            f"{result.rows_per_second:,.0f}",
        )
    return table


def verdicts_table(verdicts: list[Verdict]) -> ScreenTable:
    table = ScreenTable(Column("table", no_wrap=True), title="Compared row for row")
    names = ("source_rows", "target_rows", "missing", "unexpected", "different")
    shown = [name.replace("_", " ") for name in names]
    number_columns(table, (*shown, "placeholders", "deleted", "archived", "seconds", "equal"))
    for verdict in verdicts:
        table.add_row(
            verdict.table,
            *(
                f"{getattr(verdict, name):,}"
                for name in (*names, "placeholders", "deleted", "archived")
            ),
            f"{verdict.seconds:.1f}",
            yes_or_no(verdict.equal),
        )
    return table


def yes_or_no(value: bool) -> str:  # noqa: FBT001 - the value is the sentence
    return "[green]yes[/]" if value else "[bold red]NO[/]"
