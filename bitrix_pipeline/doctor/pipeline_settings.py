"""Settings that are valid and yet unwise."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from bitrix_pipeline.doctor.finding import Finding, note, ok, warning
from bitrix_pipeline.settings import Settings

TOPIC = "settings"

# Beyond these a wave of deletions is as good as never stopped.
WISE_SHARE = 0.5
WISE_ROWS = 100_000

READABLE_BY_OTHERS = stat.S_IROTH | stat.S_IWOTH


def check_env_file(_: Settings) -> Iterator[Finding]:
    path = Path(str(Settings.model_config.get("env_file")))
    if not path.is_file():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & READABLE_BY_OTHERS:
        yield warning(
            TOPIC,
            f"Every account on this machine can read or write {path} (mode {mode:o}), "
            "which holds the databases' passwords.",
            f"chmod 600 {path.absolute()}",
        )
    else:
        yield ok(TOPIC, f"{path} is closed to others (mode {mode:o}).")


def check_deletion_limits(settings: Settings) -> Iterator[Finding]:
    share, rows = settings.deletion_limit_share, settings.deletion_limit_rows
    limits = f"DELETION_LIMIT_SHARE={share:g}, DELETION_LIMIT_ROWS={rows}"
    if share >= WISE_SHARE or rows > WISE_ROWS:
        yield warning(
            TOPIC,
            f"{limits}: most of a table could be marked as deleted without a question.",
            "Set them to about 0.05 and 100, and use `bitrix-pipeline sync --allow-deletions` "
            "for the one sync that has to pass them.",
        )
    elif share == 0 and rows == 0:
        yield warning(
            TOPIC,
            f"{limits}: every sync that finds a deleted row stops.",
            "Set them to about 0.05 and 100.",
        )
    else:
        yield ok(
            TOPIC,
            f"A sync that would delete over {share:.0%} and over {rows} rows of a table stops.",
        )


def check_status_mapping(settings: Settings) -> Iterator[Finding]:
    if not settings.status_mapping:
        yield note(
            TOPIC,
            "STATUS_MAPPING is empty, so orders keep Bitrix's status codes.",
            'Set it if the CRM has words of its own: {"N": "new", "F": "completed"}.',
        )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_env_file,
    check_deletion_limits,
    check_status_mapping,
)
