"""push …: send the CRM's statuses to Bitrix, look at what was not taken, try it again or let it be."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import pandas as pd
import typer
from rich.markup import escape
from rich.table import Column
from rich.table import Table as ScreenTable

from bitrix_pipeline.bitrix_rest import BitrixShop, rest_client
from bitrix_pipeline.cli.screen import screen
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.push import Push, PushResult, PushSettings
from bitrix_pipeline.push.desk import OPEN, Desk
from bitrix_pipeline.push.diffs import table_of
from bitrix_pipeline.settings import load_settings
from bitrix_pipeline.sync.postgres import connect, target_errors

SHOWN = 50

app = typer.Typer(
    help="The CRM's statuses on their way to Bitrix: send them, look at what was not taken.",
    no_args_is_help=True,
)

Orders = Annotated[list[int], typer.Argument(help="Bitrix IDs of orders.")]


@app.command()
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")
    ] = False,
    allow_mass: Annotated[
        bool, typer.Option("--allow-mass", help="Change more orders than PUSH_MAX_CHANGES.")
    ] = False,
) -> None:
    """Send the statuses that the CRM changed."""
    settings = load_settings()
    with rest_client(settings) as rest:
        push = Push(
            BitrixShop(rest),
            postgres_url=settings.require_postgres_url(),
            settings=PushSettings.of(settings),
        )
        if dry_run:
            _show_differences(table_of(push.differences()))
            return
        result = push.run(allow_mass=allow_mass)
    _show_result(result)
    if result.fault:
        raise result.fault


@app.command("list")
def list_orders(
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
) -> None:
    """List the orders that wait, were given up or are skipped."""
    with _desk() as desk:
        entries = desk.entries(("dead",) if dead else OPEN, limit=limit)
    if not entries:
        screen.print("No order was given up." if dead else "Nothing waits.")
        return
    table = ScreenTable(
        *("order", "state", "status", "Bitrix has", "tries"), Column("reason", overflow="fold")
    )
    for entry in entries:
        table.add_row(
            str(entry.order_id),
            entry.state,
            escape(entry.desired or ""),
            escape((entry.bitrix_status or "") + (", canceled" if entry.is_canceled else "")),
            str(entry.attempts),
            escape(entry.last_error or ""),
            style="red" if entry.state == "dead" else "",
        )
    screen.print(table)


@app.command()
def retry(orders: Orders) -> None:
    """Have orders tried again by the next push; who did it is kept."""
    with _desk() as desk:
        changed = desk.retry(orders, by=getpass.getuser())
    _tell(changed, orders, "will be tried again")


@app.command()
def skip(orders: Orders) -> None:
    """Let Bitrix keep what it has until the CRM changes the status again; who did it is kept."""
    with _desk() as desk:
        changed = desk.skip(orders, by=getpass.getuser())
    _tell(changed, orders, "will not be sent")


@contextmanager
def _desk() -> Iterator[Desk]:
    settings = load_settings()
    with connect(settings.require_postgres_url()) as connection, target_errors():
        yield Desk(connection, PushSettings.of(settings))


def _tell(changed: int, orders: list[int], what: str) -> None:
    screen.print(f"{changed:,} of {len(orders):,} orders {what}.", highlight=False)
    if not changed:
        raise SettingsError("none of them is open: see bitrix-pipeline push list")


def _show_differences(frame: pd.DataFrame) -> None:
    if frame.empty:
        screen.print("Bitrix has what the CRM says.")
        return
    table = ScreenTable(*frame.columns, title="Would be sent")
    for row in frame.head(SHOWN).itertuples(index=False):
        table.add_row(*(escape("" if value is None else str(value)) for value in row))
    screen.print(table)
    if len(frame) > SHOWN:
        screen.print(f"… and {len(frame) - SHOWN:,} more.", highlight=False)


def _show_result(result: PushResult) -> None:
    told = ", ".join(
        f"{count:,} {name.removeprefix('orders_').replace('_', ' ')}"
        for name, count in result.numbers().items()
    )
    screen.print(f"Orders: {told}.", highlight=False)
    for outcome in result.outcomes:
        if outcome.note:
            screen.print(
                f"  {outcome.order_id} {outcome.kind}: {outcome.note}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
