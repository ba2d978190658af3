"""No row is refused for a missing parent: it is loaded by its ID, or a placeholder stands in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bitrix_pipeline.model import TABLES, Table, table_named
from bitrix_pipeline.model.table import Placeholder
from bitrix_pipeline.sync.part import Part, among
from bitrix_pipeline.sync.rows import RowWriter
from bitrix_pipeline.sync.snapshot import Block
from bitrix_pipeline.sync.target import Target

BATCH = 1_000
"""IDs asked for at once."""


class ParentSource(Protocol):
    """Whoever can be asked for parents: the shop's MySQL, where it is in reach."""

    def blocks(self, part: Part, /) -> Iterable[Block]:
        """The rows as COPY text."""
        ...

    def newest_children(self, known: Placeholder, parents: Sequence[int], /) -> list[int]:
        """IDs of the child rows with the highest ID for each parent."""
        ...


@dataclass
class ParentCounts:
    """What was added for rows that refer to it."""

    loaded: int = 0
    placeholders: int = 0
    set_aside: int = 0


def in_order_of_turns(names: Iterable[str]) -> list[str]:
    """As everybody who takes the turns of several tables takes them: children first."""
    order: list[str] = []

    def visit(table: Table) -> None:
        if table.name not in order:
            order.append(table.name)
            for parent in table.parents:
                visit(table_named(parent))

    for table in reversed(TABLES):
        visit(table)
    return sorted(names, key=order.index)


def complete_parents(
    table: Table, source: ParentSource, target: Target, counts: ParentCounts
) -> None:
    """Adds the parents that this table's rows refer to and that are missing, and theirs in turn.

    Turns are taken in the order of `in_order_of_turns`, so two syncs never wait for each other.
    """
    for parent in dict.fromkeys(str(column.references) for column in table.references):
        _complete(table_named(parent), source, target, counts)


def _complete(parent: Table, source: ParentSource, target: Target, counts: ParentCounts) -> None:
    if not target.still_missing(parent):
        return
    target.wait_for_turn(parent)
    asked: set[int] = set()
    # Again, because what was loaded may itself refer to a parent of the same table.
    while wanted := [id_ for id_ in target.still_missing(parent) if id_ not in asked]:
        _load(parent, wanted, source, target, counts)
        asked.update(wanted)
    for name in dict.fromkeys(str(column.references) for column in parent.references):
        if name != parent.name:
            _complete(table_named(name), source, target, counts)
    if missing := target.still_missing(parent):
        _stand_in(parent, missing, source, target, counts)


def _load(
    parent: Table, ids: list[int], source: ParentSource, target: Target, counts: ParentCounts
) -> None:
    writer = RowWriter(parent, target)
    for first in range(0, len(ids), BATCH):
        for block in source.blocks(among(parent, ids[first : first + BATCH])):
            writer.merge(block.lines)
            counts.loaded += block.rows
    counts.set_aside += writer.refused


def _stand_in(
    parent: Table, ids: list[int], source: ParentSource, target: Target, counts: ParentCounts
) -> None:
    """Placeholders, filled with what the newest child in the source knows of each."""
    known = parent.placeholder
    if known is None:
        counts.placeholders += target.insert_placeholders(parent, ids, None)
        return
    child = table_named(known.child)
    target.prepare(child)
    for first in range(0, len(ids), BATCH):
        batch = ids[first : first + BATCH]
        children = source.newest_children(known, batch)
        found = source.blocks(among(child, children)) if children else ()
        target.clear_staging(child)
        target.stage(child, b"".join(block.lines for block in found))
        counts.placeholders += target.insert_placeholders(parent, batch, child)
