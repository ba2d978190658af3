"""One table: two streams of rows ordered by id, merged and counted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bitrix_pipeline.verify.strays import Reason, Stray, Strays
from bitrix_pipeline.verify.target import Layout
from bitrix_pipeline.verify.verdict import Difference, Verdict

# A tuple whose first value is the id.
Row = tuple[Any, ...]

# As many as a person reads.
_EXAMPLES = 20
_STRAYS_AT_ONCE = 5_000


def pairs(expected: Iterator[Row], found: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Both streams in step by id; None where one side has no such row."""
    left, right = next(expected, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            yield left, None
            left = next(expected, None)
        elif left is None or right[0] < left[0]:
            yield None, right
            right = next(found, None)
        else:
            yield left, right
            left, right = next(expected, None), next(found, None)


@dataclass
class Comparison:
    layout: Layout
    strays: Strays
    source_rows: int = 0
    target_rows: int = 0
    missing: int = 0
    unexpected: int = 0
    different: int = 0
    placeholders: int = 0
    deleted: int = 0
    archived: int = 0
    examples: list[Difference] = field(default_factory=list)

    def run(self, expected: Iterator[Row], found: Iterator[Row]) -> None:
        alone: list[Row] = []
        for left, right in pairs(expected, found):
            self.source_rows += left is not None
            self.target_rows += right is not None
            if left is None:
                alone += [] if right is None else [right]
                if len(alone) == _STRAYS_AT_ONCE:
                    self._judge(alone)
                    alone = []
            elif right is None:
                self.missing += 1
                self._keep(Difference(self._table, left[0], None, "a row", None))
            elif left != right:
                self.note_different(self._differences(left, right))
        self._judge(alone)

    def note_different(self, differences: Sequence[Difference]) -> None:
        self.different += 1
        self._keep(*differences)

    def verdict(self, *, seconds: float) -> Verdict:
        return Verdict(
            table=self._table,
            source_rows=self.source_rows,
            target_rows=self.target_rows,
            missing=self.missing,
            unexpected=self.unexpected,
            different=self.different,
            placeholders=self.placeholders,
            deleted=self.deleted,
            archived=self.archived,
            examples=tuple(self.examples),
            seconds=seconds,
        )

    @property
    def _table(self) -> str:
        return self.layout.table.name

    def _differences(self, left: Row, right: Row) -> list[Difference]:
        return [
            Difference(self._table, left[0], label, expected, found)
            for label, expected, found in zip(self.layout.labels, left, right, strict=True)
            if expected != found
        ]

    def _judge(self, alone: Sequence[Row]) -> None:
        rows = [dict(zip(self.layout.labels, row, strict=True)) for row in alone]
        for row, stray in zip(rows, self.strays.judge(rows), strict=True):
            self._count(row["id"], stray)

    def _count(self, row_id: int | str, stray: Stray) -> None:
        match stray.reason:
            case Reason.PLACEHOLDER:
                self.placeholders += 1
            case Reason.ARCHIVED:
                self.archived += 1
            case Reason.DELETED:
                self.deleted += 1
            case Reason.NONE:
                self.unexpected += 1
                self._keep(Difference(self._table, row_id, None, None, "a row"))
                return
            case Reason.MADE_BY_CRM:
                pass
        if stray.differences:
            self.note_different(stray.differences)

    def _keep(self, *differences: Difference) -> None:
        self.examples.extend(differences[: _EXAMPLES - len(self.examples)])
