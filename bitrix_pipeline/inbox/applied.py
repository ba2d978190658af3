"""Which news is stale: the newest applied of each row, and what the row itself tells of its age."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from psycopg import sql

from bitrix_pipeline.inbox.changes import Change, Kind
from bitrix_pipeline.inbox.moment import Moment
from bitrix_pipeline.inbox.order_transformer import OrderTransformer
from bitrix_pipeline.model import Table
from bitrix_pipeline.model.raw_values import raw
from bitrix_pipeline.sync.target import Target
from bitrix_pipeline.sync.target_sql import internal

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?(\+00)?", re.ASCII)
INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)

# A version is the better token of a change than a time of whole seconds, where both sides have one.
# A row that is gone, or a placeholder, says nothing against news.
LOOK = """
SELECT saved.version, saved.happened_at, saved.sequence, saved.tie,
    ended.version, ended.happened_at, ended.sequence, ended.tie,
    COALESCE(saved.is_refused, false) AS is_refused,
    COALESCE({by_version}, {time} < stored.updated_at, false) AS is_newer,
    {time} IS NULL AND stored.updated_at IS NOT NULL AS is_surer
FROM unnest(%(ids)s::bigint[], %(times)s::text[], %(versions)s::integer[])
    WITH ORDINALITY AS given (id, updated_at, version, number)
LEFT JOIN {ledger} AS saved
    ON saved.entity = %(entity)s AND saved.entity_id = given.id AND NOT saved.is_ending
LEFT JOIN {ledger} AS ended
    ON ended.entity = %(entity)s AND ended.entity_id = given.id AND ended.is_ending
LEFT JOIN {target} AS stored ON stored.id = given.id AND stored.source_hash IS NOT NULL
ORDER BY given.number
"""

# What Postgres refused is noted as well: nothing older may take its place, and it can be replayed.
NOTE = """
INSERT INTO {ledger} AS applied
    (entity, entity_id, is_ending, version, happened_at, sequence, tie, is_refused)
SELECT %(entity)s, given.*, NOT given.is_ending AND (given.id = ANY (%(unfinished)s)
    OR EXISTS (SELECT FROM {set_aside} AS kept
        WHERE kept.table_name = %(entity)s AND kept.row_id = given.id::text))
FROM unnest(%(ids)s::bigint[], %(endings)s::boolean[], %(versions)s::integer[],
    %(moments)s::timestamptz[], %(sequences)s::bigint[], %(ties)s::text[])
    AS given (id, is_ending, version, happened_at, sequence, tie)
ON CONFLICT (entity, entity_id, is_ending) DO UPDATE
    SET version = excluded.version, happened_at = excluded.happened_at,
        sequence = excluded.sequence, tie = excluded.tie, is_refused = excluded.is_refused
"""


@dataclass(frozen=True)
class Known:
    """What Postgres knows of a row that there is news of."""

    saved: Moment | None
    """The greatest save that was told."""
    ended: Moment | None
    """The greatest ending that was told."""
    is_refused: bool
    """Postgres refused that save, or a line of it."""
    is_newer: bool
    """The row that it has is of a later version or time."""
    is_surer: bool
    """The row that it has tells its time, and the news does not."""

    def makes_stale(self, change: Change) -> bool:
        """What rides along without a time of its own never replaces a row that has one."""
        is_saved = change.kind is Kind.SAVED
        applied = self.saved if is_saved else self.ended
        if applied is not None:
            if change.happened == applied:
                return not (is_saved and self.is_refused)
            if change.happened < applied:
                return True
            if change.happened.is_tied_with(applied):
                return False
        return self.is_newer or (change.rides and self.is_surer)


@dataclass(frozen=True)
class Verdict:
    """What news of one row comes to."""

    change: Change | None
    """What becomes of the row, if anything does."""
    noted: tuple[Change, ...]
    """The greatest save and the greatest ending told, where they are new."""


def judged(
    target: Target, table: Table, changes: Iterable[Change], transformer: OrderTransformer
) -> tuple[list[Verdict], pd.DataFrame]:
    """What news of one table comes to by `moment`'s rules, row by row, and the rows to be saved."""
    told = _greatest(changes)
    frame = transformer.frame(table, [change.row for change in told])
    by_row: dict[int, list[tuple[Change, Known]]] = {}
    for change, known in zip(told, _known(target, table, told, frame), strict=True):
        by_row.setdefault(change.id, []).append((change, known))
    verdicts = [_verdict(news) for news in by_row.values()]
    saved = {v.change.id for v in verdicts if v.change and v.change.kind is Kind.SAVED}
    return verdicts, frame[[c.kind is Kind.SAVED and c.id in saved for c in told]]


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
        "endings": [change.kind is not Kind.SAVED for change in noted],
        "versions": [change.happened.version for change in noted],
        "moments": [change.happened.timestamp for change in noted],
        "sequences": [change.happened.sequence for change in noted],
        "ties": [change.happened.tie for change in noted],
        "unfinished": list(unfinished),
    }
    target.connection.execute(query, values)


def _greatest(changes: Iterable[Change]) -> list[Change]:
    """The greatest save and the greatest ending of each row."""
    found: dict[tuple[int, bool], Change] = {}
    for change in changes:
        key = change.id, change.kind is Kind.SAVED
        if key not in found or change.happened > found[key].happened:
            found[key] = change
    return list(found.values())


def _verdict(news: Sequence[tuple[Change, Known]]) -> Verdict:
    """Of one row's greatest save and greatest ending, or one of them."""
    known = news[0][1]
    fresh = [change for change, known in news if not known.makes_stale(change)]
    if not fresh:
        return Verdict(None, ())
    saved = next((change for change in fresh if change.kind is Kind.SAVED), None)
    ended = next((change for change in fresh if change.kind is not Kind.SAVED), None)
    if ended is None and known.ended:
        ended = Change.noted_ending(fresh[0].table, fresh[0].id, known.ended)
    last_saved = saved.happened if saved else known.saved
    if ended and (last_saved is None or ended.happened.is_later_than(last_saved)):
        return Verdict(ended, tuple(fresh))
    return Verdict(saved, tuple(fresh))


def _known(
    target: Target, table: Table, changes: Sequence[Change], frame: pd.DataFrame
) -> list[Known]:
    """What is known of each change's row; `frame` holds what each change says of it."""
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
    return [
        Known(_moment(row[:4]), _moment(row[4:8]), *row[8:])
        for row in target.connection.execute(query, values)
    ]


def _moment(columns: tuple[Any, ...]) -> Moment | None:
    return None if columns[0] is None else Moment(*columns)


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
