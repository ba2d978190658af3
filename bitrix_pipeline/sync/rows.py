"""Writes blocks of rows; one that Postgres refuses is set aside and the rest goes on."""

from collections import Counter
from collections.abc import Callable, Iterable

import psycopg

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.postgres import is_of_a_row, reason_of
from bitrix_pipeline.sync.scope import IdRange
from bitrix_pipeline.sync.set_aside import (
    forget_vanished,
    key_of,
    release_written,
    set_aside,
    waiting,
)
from bitrix_pipeline.sync.target import Target, Written


class RowWriter:
    """Writes rows of one table."""

    def __init__(self, table: Table, target: Target) -> None:
        self.table = table
        self.target = target
        self.refused = 0
        self.codes: list[str] = []
        """Keys that the source has, of a table whose keys are text."""
        self.waiting = frozenset(waiting(target.connection, table))
        """IDs of rows that were set aside before."""
        target.prepare(table)

    def merge(self, lines: bytes, ids: IdRange | None = None) -> list[Written]:
        """Compares the lines with the table and writes what is new or differs.

        `ids` is the range that holds them all, if there is one.
        """
        return self._write(lines, lambda part: self._merge(part, ids))

    def fill(self, lines: bytes, ids: IdRange | None = None) -> list[Written]:
        """Puts the lines into the empty table."""
        stages = not self.table.loads_directly
        return self._write(lines, lambda part: self._fill(part, ids), stages=stages)

    def forget_vanished(self, row_ids: Iterable[str]) -> None:
        """Forgets those of the rows set aside that were looked for and that the source lacks."""
        forget_vanished(self.target.connection, self.table, list(row_ids))

    def _write(
        self, lines: bytes, step: Callable[[bytes], list[Written]], *, stages: bool = True
    ) -> list[Written]:
        """Halves what is refused until the row at fault stands alone."""
        if stages:
            self.target.clear_staging(self.table)
        try:
            with self.target.connection.transaction():
                return step(lines)
        except psycopg.Error as fault:
            if not is_of_a_row(fault):
                raise
            rows = _split(lines)
            if len(rows) == 1:
                self._set_aside(rows[0], fault)
                return []
        middle = len(rows) // 2
        return [
            *self._write(b"".join(rows[:middle]), step, stages=stages),
            *self._write(b"".join(rows[middle:]), step, stages=stages),
        ]

    def _merge(self, lines: bytes, ids: IdRange | None) -> list[Written]:
        self.target.stage(self.table, lines)
        written = self.target.merge(self.table, ids)
        if self.table.has_text_key:
            self.codes += self.target.staged_codes(self.table)
        else:
            self.target.note_seen(self.table)
        if written:
            self.target.note_missing_parents(self.table)
        self._release()
        return written

    def _fill(self, lines: bytes, ids: IdRange | None) -> list[Written]:
        self.target.fill(self.table, lines)
        size = self.target.settings.partition_size
        if ids and ids.start // size == (ids.stop - 1) // size:
            return [Written(ids.start // size, lines.count(b"\n"), 0)]
        numbers = Counter(int(key_of(line)) // size for line in _split(lines))
        return [Written(number, rows, 0) for number, rows in numbers.items()]

    def _release(self) -> None:
        if self.waiting:
            staging = self.target.statements(self.table).staging
            release_written(self.target.connection, self.table, staging)

    def _set_aside(self, line: bytes, fault: psycopg.Error) -> None:
        set_aside(self.target.connection, self.table, line, reason_of(fault))
        if self.table.has_text_key:
            self.codes.append(key_of(line))
        else:
            self.target.note_seen_id(int(key_of(line)))
        self.refused += 1


def _split(lines: bytes) -> list[bytes]:
    """At newlines alone: bytes.splitlines would also cut at a carriage return."""
    return [row + b"\n" for row in lines.split(b"\n")[:-1]]
