"""Which news is stale: the newest applied of each row, and what the row itself tells of its age."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from psycopg import sql

from bitrix_pipeline.inbox.changes import Change
from bitrix_pipeline.inbox.moment import Moment
from bitrix_pipeline.model import Table
from bitrix_pipeline.model.raw_values import raw
from bitrix_pipeline.sync.target import Target
from bitrix_pipeline.sync.target_sql import internal

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?(\+00)?", re.ASCII)
INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)

# A version is the better token of a change than a time of whole seconds, where both sides have one.
# A row that is gone, or a placeholder, says nothing against news.
LOOK = """
SELECT given.id, applied.happened_at, applied.sequence, applied.tie,
    COALESCE(applied.is_refused, false) AS is_refused,
    COALESCE({by_version}, {time} < stored.updated_at, false) AS is_older,
    {time} IS NULL AND stored.updated_at IS NOT NULL AS is_surer
FROM unnest(%(ids)s::bigint[], %(times)s::text[], %(versions)s::integer[])
    AS given (id, updated_at, version)
LEFT JOIN {ledger} AS applied ON applied.entity = %(entity)s AND applied.entity_id = given.id
LEFT JOIN {target} AS stored ON stored.id = given.id AND stored.source_hash IS NOT NULL
"""

# What Postgres refused is noted as well: nothing older may take its place, and it can be replayed.
NOTE = """
INSERT INTO {ledger} AS applied (entity, entity_id, happened_at, sequence, tie, is_refused)
SELECT %(entity)s, given.id, given.happened_at, given.sequence, given.tie,
    given.is_refused OR EXISTS (SELECT FROM {set_aside} AS kept
        WHERE kept.table_name = %(entity)s AND kept.row_id = given.id::text)
FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[], %(sequences)s::bigint[],
    %(ties)s::text[], %(refused)s::boolean[])
    AS given (id, happened_at, sequence, tie, is_refused)
ON CONFLICT (entity, entity_id) DO UPDATE
    SET happened_at = excluded.happened_at, sequence = excluded.sequence, tie = excluded.tie,
        is_refused = excluded.is_refused
"""


@dataclass(frozen=True)
class Known:
    """What Postgres knows of a row that there is news of."""

    applied: Moment | None
    is_refused: bool
    """Postgres refused what was to be applied, or a line of it."""
    is_newer: bool
    """The row that it has is of a later version or time."""
    is_surer: bool
    """The row that it has tells its time, and the news does not."""

    def makes_stale(self, change: Change) -> bool:
        """What rides along without a time of its own never replaces a row that has one."""
        if self.applied is not None:
            if change.happened == self.applied:
                return not self.is_refused
            if change.happened < self.applied:
                return True
            if change.happened.is_tied_with(self.applied):
                return False
        return self.is_newer or (change.rides and self.is_surer)


def known(
    target: Target, table: Table, changes: Sequence[Change], frame: pd.DataFrame
) -> dict[int, Known]:
    """What is known of the rows; `frame` holds what each change says of its row."""
    query = sql.SQL(LOOK).format(
        by_version=sql.SQL("given.version < stored.version" if _has_version(table) else "NULL"),
        time=_time(table),
        ledger=internal("inbox_applied"),
        target=target.statements(table).name,
    )
    values = {
        "entity": table.name,
        "ids": [change.id for change in changes],
        "times": [_comparable(time) for time in frame["updated_at"]],
        "versions": [_integer(version) for version in raw(frame, "version")],
    }
    rows = target.connection.execute(query, values)
    return {
        id_: Known(Moment(*applied) if applied[0] else None, is_refused, is_newer, is_surer)
        for id_, *applied, is_refused, is_newer, is_surer in rows
    }


def note_applied(
    target: Target, table: Table, changes: Iterable[Change], unfinished: Collection[int]
) -> None:
    """Makes older news of these rows stale, in the transaction that wrote them.

    The `unfinished` can be applied again, as those whose own row is set aside.
    """
    noted = list(changes)
    query = sql.SQL(NOTE).format(ledger=internal("inbox_applied"), set_aside=internal("set_aside"))
    values = {
        "entity": table.name,
        "ids": [change.id for change in noted],
        "moments": [change.happened.timestamp for change in noted],
        "sequences": [change.happened.sequence for change in noted],
        "ties": [change.happened.tie for change in noted],
        "refused": [change.id in unfinished for change in noted],
    }
    target.connection.execute(query, values)


def _has_version(table: Table) -> bool:
    return any(column.name == "version" for column in table.columns)


def _time(table: Table) -> sql.Composed:
    """`given.updated_at` as it would be stored."""
    column = table.column("updated_at")
    cast = sql.SQL("given.updated_at::{}").format(sql.SQL(column.arrives_as or column.type.value))
    return sql.SQL(column.finished_by or "{}").format(cast)


def _comparable(times: str | None) -> str | None:
    """One time, or an array of some; None unless Postgres can surely read it."""
    found = (times or "").strip("{}").replace('"', "").split(",")
    return times if all(_is_time(time) for time in found) else None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return TIME.fullmatch(text) is not None


def _integer(digits: str | None) -> int | None:
    return int(digits) if digits and INTEGER.fullmatch(digits) else None
