"""What an expectation is: one table's rows in Postgres, worked out from pages of source rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Protocol, TypeAlias

from bitrix_pipeline.verify.source import RawRow

# Column of the contract → value. The Bitrix ID's second column and the bookkeeping are not in it.
ExpectedRow: TypeAlias = Mapping[str, object]


class Expectation(Protocol):
    source_table: ClassVar[str]
    source_columns: ClassVar[tuple[str, ...]]

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]: ...
