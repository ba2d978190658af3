"""inbox …: look at the webhooks received, apply them again, delete old ones."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column
from rich.table import Table as ScreenTable

from bitrix_pipeline.cli.screen import number_columns, screen
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.inbox.desk import REFUSED, STATES, Desk, Entry, Selection
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.settings import load_settings
from bitrix_pipeline.sync.postgres import connect, target_errors

app = typer.Typer(
    help="The webhooks received: look at them, apply them again, delete old ones.",
    no_args_is_help=True,
)


@app.command()
def status() -> None:
    """Show how many events wait, for how long, and what became of others."""
    with _desk() as desk:
        found = desk.status()
    table = ScreenTable(Column("state", no_wrap=True), title="Inbox")
    number_columns(table, ("events",))
    for state, events in found.states.items():
        style = "bold red" if state in REFUSED and events else ""
        table.add_row(state, f"{events:,}", style=style)
    table.add_row("done in the last 24 hours", f"{found.done_last_day:,}")
    screen.print(table)
    waited = "none" if found.oldest_waiting is None else _in_words(found.oldest_waiting)
    screen.print(
        f"backlog {found.backlog:,}, oldest {waited}; per minute {found.received_per_minute:,.1f} "
        f"received, {found.applied_per_minute:,.1f} applied",
        highlight=False,
    )


@app.command("list")
def list_events(
    dead: Annotated[
        bool, typer.Option("--dead", help="Only dead ones and those in quarantine.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 20,
) -> None:
    """List events, the newest first. Bodies are not shown."""
    with _desk() as desk:
        entries = desk.entries(REFUSED if dead else STATES, limit=limit)
    if not entries:
        screen.print("No dead events." if dead else "The inbox is empty.")
        return
    screen.print(_events_table(entries))


@app.command()
def show(
    event: Annotated[str, typer.Argument(help="Its number here, or the ID its sender gave it.")],
    body: Annotated[bool, typer.Option("--body", help="Print the body: customers' data.")] = False,
) -> None:
    """Show one event and what became of it."""
    with _desk() as desk:
        entry = _require(desk, event)
        replays = desk.replays(entry.id)
        content = desk.body(entry.id) if body else b""
    for name in Entry.__dataclass_fields__:
        value = getattr(entry, name)
        if value is not None:
            shown = _time(value) if isinstance(value, datetime) else value
            screen.print(f"{name:>12}  {shown}", markup=False, highlight=False, soft_wrap=True)
    for replay in replays:
        was = f"{replay.state_before} {replay.reason_before or ''}".strip()
        screen.print(
            f"    replayed  {_time(replay.replayed_at)} by {replay.replayed_by} (was {was})",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if body:
        told = content.decode("utf-8", errors="backslashreplace")
        screen.print(told, markup=False, highlight=False, soft_wrap=True)


@app.command()
def replay(
    events: Annotated[
        list[str] | None, typer.Argument(help="Numbers or senders' IDs; of any state.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="All dead or quarantined ones whose reason holds these words.")
    ] = "",
    since: Annotated[
        str, typer.Option(help="All dead or quarantined ones received since: 2h, 3d or a date.")
    ] = "",
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Let these delete more than the limit.")
    ] = False,
) -> None:
    """Have events applied again; who did it is kept."""
    if bool(events) == bool(reason or since):
        raise SettingsError("name events, or give --reason, --since or both")
    with _desk() as desk:
        if events:
            chosen = [_require(desk, event).id for event in events]
        else:
            chosen = desk.selected(Selection(reason=reason, since=_moment(since)))
        replayed = desk.replay(chosen, by=_user(), allow_deletions=allow_deletions)
    screen.print(f"{replayed:,} of {len(chosen):,} events will be applied again.", highlight=False)
    if replayed < len(chosen):
        screen.print(
            "The others wait already, or are in quarantine and still make no sense.",
            highlight=False,
        )


def _user() -> str:
    """Who types this; a container's account may have a number alone."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@app.command()
def prune() -> None:
    """Delete events whose retention has ended."""
    with _desk() as desk:
        screen.print(f"{desk.prune():,} events deleted.", highlight=False)


@contextmanager
def _desk() -> Iterator[Desk]:
    settings = load_settings()
    with connect(settings.require_postgres_url()) as connection, target_errors():
        yield Desk(connection, InboxSettings.of(settings))


def _require(desk: Desk, name: str) -> Entry:
    entry = desk.entry(name)
    if entry is None:
        raise SettingsError(f"the inbox has no event {name}: see bitrix-pipeline inbox list")
    return entry


def _events_table(entries: list[Entry]) -> ScreenTable:
    table = ScreenTable(
        *("number", "received", "type", "ID", "state", "tries"), Column("reason", overflow="fold")
    )
    for entry in entries:
        table.add_row(
            str(entry.id),
            _time(entry.received_at),
            escape(entry.type or "?"),
            str(entry.entity_id or ""),
            entry.state,
            str(entry.attempts),
            escape(entry.reason or ""),
            style="red" if entry.state in REFUSED else "",
        )
    return table


def _moment(text: str) -> datetime | None:
    """2h, 3d, or a date. Raises SettingsError for anything else."""
    if not text:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1] in units:
            return datetime.now(UTC) - timedelta(**{units[text[-1]]: float(text[:-1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise SettingsError(f"--since {text}: write 30m, 2h, 3d or 2026-11-23T10:00") from None


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _in_words(span: timedelta) -> str:
    """1:02:03, or days before it."""
    return str(timedelta(seconds=int(span.total_seconds())))
