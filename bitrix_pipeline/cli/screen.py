"""How commands speak: rich in a terminal, plain lines in a log."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from bitrix_pipeline.sync.plan import Progress as ProgressCallback

LOG_WIDTH = 120

screen = Console()
if not screen.is_terminal:
    # Rich would cut tables at 80 columns in a log that has no width.
    screen = Console(width=LOG_WIDTH)
errors = Console(stderr=True)

SECONDS_BETWEEN_LINES = 5.0


def number_columns(table: Table, names: Iterable[str]) -> None:
    """Columns of numbers whose headings wrap, rather than being cut, on a narrow screen."""
    for name in names:
        table.add_column(name, justify="right", overflow="fold")


def complain(error: Exception) -> None:
    """One sentence on stderr. Escaped: drivers' messages hold brackets."""
    errors.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)


@contextmanager
def progress(what: str) -> Iterator[ProgressCallback]:
    """A bar that stays while the work lasts; in a log, a line now and then."""
    if screen.is_terminal:
        with _bar() as bar:
            task = bar.add_task(what, total=None)

            def show(stage: str, done: int, total: int) -> None:
                bar.update(
                    task, description=f"{what}: {stage}", completed=done, total=total or None
                )

            yield show
    else:
        last = time.monotonic()

        def tell(stage: str, done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                screen.print(f"{what}: {stage} {done} of {total}", highlight=False)

        yield tell


@contextmanager
def step(what: str) -> Iterator[None]:
    """Says what goes on and how long it took."""
    started = time.monotonic()
    if screen.is_terminal:
        with screen.status(f"{what} …"):
            yield
    else:
        yield
    took = time.monotonic() - started
    screen.print(f"[green]✓[/] {what} [dim]({took:.1f} s)[/]", highlight=False)


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=screen,
        transient=True,
    )
