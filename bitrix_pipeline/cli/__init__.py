"""bitrix-pipeline …: what an operator types."""

import logging
import sys
from collections.abc import Callable

import typer

from bitrix_pipeline.cli.code_server import code_server
from bitrix_pipeline.cli.data import migrate, sync, verify
from bitrix_pipeline.cli.demo import demo
from bitrix_pipeline.cli.doctor import doctor
from bitrix_pipeline.cli.inbox import app as inbox
from bitrix_pipeline.cli.push import app as push
from bitrix_pipeline.cli.receive import receive
from bitrix_pipeline.cli.screen import complain, errors
from bitrix_pipeline.cli.ui import ui
from bitrix_pipeline.errors import PipelineError
from bitrix_pipeline.servers import ServerError

INTERRUPTED = 130

app = typer.Typer(
    name="bitrix-pipeline",
    help="Keeps a 1C-Bitrix web shop (MySQL) and a CRM on Postgres in step.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

COMMANDS: tuple[Callable[..., None], ...] = (
    doctor,
    migrate,
    sync,
    verify,
    receive,
    code_server,
    demo,
    ui,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(inbox, name="inbox")
app.add_typer(push, name="push")


def main() -> None:
    """What an operator can mend is one sentence and exit code 1, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except (PipelineError, ServerError) as error:
        complain(error)
        sys.exit(1)
    except SystemExit as end:
        # So typer ends after Ctrl-C, without a word.
        if end.code == INTERRUPTED:
            errors.print("Stopped.")
        raise
