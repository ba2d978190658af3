"""Turns the snapshots that webhooks carry into the rows that MySQL would give, with pandas.

Each value comes from the declaration that also makes the SELECT, so both ways end in the same
text, and the same text in the same hash: docs/events.md says what a sender has to send for that.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from bitrix_pipeline.inbox.changes import Kind, RawRow, changes_of
from bitrix_pipeline.inbox.event import Event
from bitrix_pipeline.model import TABLES, Table
from bitrix_pipeline.model.copy_text import FIELD_END, ROW_END, copy_text
from bitrix_pipeline.model.raw_values import each, identifier_of, raw
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.sync.settings import SyncSettings

HASH_BYTES = 8


@dataclass(frozen=True)
class Rows:
    """Rows of one table."""

    frame: pd.DataFrame
    """`id` and the table's columns, as text or None."""
    lines: bytes
    """The same as COPY text."""


class OrderTransformer:
    """Makes rows of ours from raw rows of Bitrix's."""

    def __init__(self, settings: SyncSettings) -> None:
        self._settings = settings
        # A snapshot says by itself which columns the shop has; the rest of the facts are settings.
        self._shop = ShopFacts(
            columns={},
            status_mapping=settings.status_mapping,
            language=settings.shop_language,
        )

    def transform(self, events: Sequence[Event]) -> dict[str, Rows]:
        """All rows that the events carry, by table; of one row told of twice the later comes last.

        Raises EventError for an event that lacks what its type needs.
        """
        changes = [change for event in events for change in changes_of(event)]
        found: dict[str, list[RawRow]] = {table.name: [] for table in TABLES}
        for change in sorted(changes, key=lambda change: change.happened):
            if change.kind is Kind.SAVED:
                found[change.table].append(change.row)
                found["order_items"] += change.lines
        return {
            table.name: self.rows(table, found[table.name]) for table in TABLES if found[table.name]
        }

    def rows(self, table: Table, raw_rows: Sequence[RawRow]) -> Rows:
        frame = self.frame(table, raw_rows)
        return Rows(frame, self.lines(table, frame))

    def frame(self, table: Table, raw_rows: Sequence[RawRow]) -> pd.DataFrame:
        """The rows as declared: `id`, then the table's columns."""
        names = list(dict.fromkeys(name for row in raw_rows for name in row))
        given = pd.DataFrame(
            {name: [row.get(name) for row in raw_rows] for name in names},
            index=range(len(raw_rows)),
            dtype=object,
        )
        columns = {"id": each(identifier_of, raw(given, table.key))}
        columns |= {c.name: c.source.values(given, self._shop) for c in table.columns}
        return pd.DataFrame(columns, dtype=object)

    def lines(self, table: Table, frame: pd.DataFrame) -> bytes:
        """COPY text, made as MySQL's blocks are."""
        return copy_text(b"".join(self._joined(table, frame)))

    def _joined(self, table: Table, frame: pd.DataFrame) -> Iterator[bytes]:
        """`source_hash, id, …columns` of each row, in the form that `model.copy_text` describes."""
        fingerprint = table.fingerprint(self._settings.shaping(table)).encode()
        for row in frame.itertuples(index=False, name=None):
            fields = FIELD_END.join((value or "").encode() for value in row)
            digest = hashlib.sha256(fingerprint + FIELD_END + fields).digest()
            row_hash = int.from_bytes(digest[:HASH_BYTES], signed=True)
            yield b"%d" % row_hash + FIELD_END + fields + ROW_END
