"""doctor: whether everything is as the pipeline needs it."""

import typer
from rich.markup import escape

from bitrix_pipeline.cli.screen import screen
from bitrix_pipeline.doctor import Level, examine
from bitrix_pipeline.settings import load_settings

MARKS = {
    Level.OK: "[green]✓[/]",
    Level.NOTE: "[blue]i[/]",
    Level.WARNING: "[yellow]![/]",
    Level.PROBLEM: "[bold red]✗[/]",
}


def doctor() -> None:
    """Examine both databases, the REST webhook and the settings, and say what to do about each finding."""
    worst = Level.OK
    for finding in examine(load_settings()):
        seen = escape(f"{finding.topic}: {finding.found}")
        screen.print(f"{MARKS[finding.level]} {seen}", highlight=False)
        if finding.advice:
            screen.print(f"    → {escape(finding.advice)}", highlight=False)
        worst = max(worst, finding.level, key=list(Level).index)
    if worst is Level.PROBLEM:
        raise typer.Exit(1)
