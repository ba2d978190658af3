"""demo: a whole shop lands in Postgres through Dagster, changes, and is proven equal."""

import signal
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import dagster as dg
import typer
from rich.table import Column
from rich.table import Table as ScreenTable

from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING
from bitrix_pipeline.cli.data import verdicts_of, yes_or_no
from bitrix_pipeline.cli.demo_circle import circle_table
from bitrix_pipeline.cli.demo_runs import run_job
from bitrix_pipeline.cli.demo_statuses import change_statuses, statuses_table
from bitrix_pipeline.cli.demo_webhooks import send_webhooks, webhooks_table
from bitrix_pipeline.cli.playground import DATABASE, Playground, playground
from bitrix_pipeline.cli.screen import number_columns, progress, screen, step
from bitrix_pipeline.demo.shop import change_shop, create_shop, fill_shop
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.verify import Verdict

ORDERS = 3_000

Numbers = dict[str, float]


def demo(
    orders: Annotated[
        int, typer.Option(min=10, max=1_000_000, help="Orders in the sample shop.")
    ] = ORDERS,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 1,
) -> None:
    """Make a sample shop, sync it, change it, send webhooks, push statuses, and prove it equal."""
    signal.signal(signal.SIGTERM, _stop)
    started = datetime.now(UTC)
    with playground() as ground:
        _make_shop(ground, orders, seed)
        with step("Postgres: tables migrated"):
            ground.make_crm_anew()
            migrate(
                ground.settings.require_postgres_url(),
                target_schema=ground.settings.target_schema,
            )
            ground.let_the_receiver_in()
        runs = [run_job(ground, "sync_everything", EVERYTHING, "first sync: everything")]
        with (
            step("The shop changed: new orders, edits, deletes, an archived order"),
            closing(ground.shop_admin()) as admin,
        ):
            changes = change_shop(admin, DATABASE, seed=seed + 1)
        screen.print(f"  [dim]{changes}[/]", highlight=False)
        runs.append(run_job(ground, "sync_changed", CHANGED_LATELY, "sync of what changed lately"))
        webhooks = send_webhooks(ground, seed=seed + 2)
        statuses = change_statuses(ground)
        runs.append(run_job(ground, "sync_everything", EVERYTHING, "nightly sync: everything"))
        verdicts = verdicts_of(ground.settings, list(TABLES))
        numbers = _numbers(ground, runs)
        with ground.dagster() as instance:
            runs_in_all = instance.get_runs_count(dg.RunsFilter(created_after=started))
        statuses_shown = statuses_table(ground, statuses)
    screen.print(webhooks_table(webhooks))
    screen.print(statuses_shown)
    screen.print(circle_table(webhooks, statuses))
    screen.print(closing_table(verdicts, numbers, runs=runs_in_all))
    for verdict in verdicts:
        for example in verdict.examples:
            screen.print(example.describe(), markup=False, highlight=False)
    screen.print("[bold]make ui[/] shows these runs in Dagster, over the same data.")
    if not all(verdict.equal for verdict in verdicts):
        raise typer.Exit(1)


def closing_table(
    verdicts: list[Verdict], numbers: dict[str, Numbers], *, runs: int
) -> ScreenTable:
    """How each table is after all runs of the demo, and what its syncs did; rows/s are the first's."""
    table = ScreenTable(
        Column("table", no_wrap=True),
        title=f"Bitrix MySQL → Postgres, after {runs} Dagster runs",
        caption="inserted, updated, deleted and seconds: by the syncs, without the webhooks",
    )
    names = ("rows", "inserted", "updated", "deleted", "placeholders", "seconds", "rows/s")
    number_columns(table, (*names, "equal"))
    for verdict in sorted(verdicts, key=lambda v: [t.name for t in TABLES].index(v.table)):
        total = numbers[verdict.table]
        counts = [verdict.target_rows, *(total[f"rows_{n}"] for n in ("inserted", "updated"))]
        counts += [total["rows_deleted"], verdict.placeholders]
        table.add_row(
            verdict.table,
            *(f"{int(count):,}" for count in counts),
            f"{total['seconds']:.1f}",
            f"{total['first_rows_per_second']:,.0f}",
            yes_or_no(verdict.equal),
        )
    return table


def _make_shop(ground: Playground, orders: int, seed: int) -> None:
    with (
        step(f"Sample shop with {orders:,} orders in MySQL"),
        closing(ground.shop_admin()) as admin,
    ):
        create_shop(admin, DATABASE)
        with progress("sample shop") as show:
            fill_shop(
                admin,
                DATABASE,
                orders=orders,
                seed=seed,
                progress=lambda stage, share: show(stage, int(share * 100), 100),
            )


def _numbers(ground: Playground, run_ids: list[str]) -> dict[str, Numbers]:
    """What the runs' materializations say, added up by table."""
    totals: dict[str, Numbers] = defaultdict(lambda: defaultdict(float))
    with ground.dagster() as instance:
        for run_id in run_ids:
            records = instance.get_records_for_run(
                run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
            ).records
            for record in records:
                event = record.asset_materialization
                if event is None or "rows_read" not in event.metadata:
                    continue
                total = totals[event.asset_key.to_user_string()]
                total.setdefault(
                    "first_rows_per_second", _number(event.metadata["rows_per_second"])
                )
                for name, value in event.metadata.items():
                    if name.startswith("rows_") or name == "seconds":
                        total[name] += _number(value)
    return totals


def _number(value: dg.MetadataValue[Any]) -> float:
    return float(value.value or 0)


def _stop(*_: object) -> NoReturn:
    """SIGTERM ends the demo as Ctrl-C does: the servers are stopped on the way out."""
    raise KeyboardInterrupt
