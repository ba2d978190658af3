"""Errors by what can be done about them: wait and try again, mend something, or look at a row.

Retries look at the type alone, so the code that raises decides, once, whether another try can help.
"""

from collections.abc import Iterable


class PipelineError(Exception):
    """Anything this project raises on purpose; its text is one sentence for an operator."""


class TransientError(PipelineError):
    """The same call may succeed later: a server away, a lock held, a deadline passed."""


class StatementAbortedError(TransientError):
    """A server that is there broke a statement off: too slow, a deadlock. Less at once may do."""


class TurnMissedError(TransientError):
    """Another sync of a table did not end in time; those of other tables may go on."""

    def __init__(self, table: str, seconds: float) -> None:
        super().__init__(f"{table}: another sync of it has not ended within {seconds} s")
        self.table = table


class PermanentError(PipelineError):
    """Trying again changes nothing until a person mends something; the text says what."""


class SettingsError(PermanentError):
    """A setting is missing or makes no sense."""


class SourceError(PermanentError):
    """The shop's MySQL cannot be read as it is: a right, a table or a column is missing."""


class TargetError(PermanentError):
    """Postgres cannot be written as it is: not migrated, a right is missing."""


class RowRefusedError(TargetError):
    """Postgres refuses a value, a constraint or a trigger is against a row: that row's own fault."""


class DeletionWaveError(PermanentError):
    """More rows vanished from the source than the limit allows; nothing was written."""

    def __init__(
        self, table: str, found: str, *, entity: str = "", ids: Iterable[int] = ()
    ) -> None:
        super().__init__(
            f"{table}: {found}; nothing was written. If this is right, run "
            f"bitrix-pipeline sync --table {table} --full --allow-deletions"
        )
        self.found = f"{table}: {found}"
        """Without what to do about it in a sync."""
        self.entity = entity
        """The table that news is of: orders, where their lines vanished."""
        self.ids = frozenset(ids)
        """What vanished of it."""
