"""What a verification is asked and what it answers: rules in, verdicts and differences out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rules:
    """The settings of the sync that decide what a source value becomes.

    `compare_crm_status`: `orders.status` belongs to the CRM once the row exists, so it is compared
    only when nobody but the sync can have written it.
    `compare_placeholders`: what a product's placeholder took from its order line is written once
    and may be older than the line, so it is compared only right after a first sync.
    """

    shop_timezone: str
    status_mapping: Mapping[str, str]
    shop_language: str = "ru"
    target_schema: str = "public"
    compare_crm_status: bool = False
    compare_placeholders: bool = False


@dataclass(frozen=True)
class Difference:
    """One value, or one row (`column` is None), that is not what the source says.

    The values are customers' data: they are in neither repr() nor str(), only in
    `describe(show_values=True)`.
    """

    table: str
    id: int | str
    column: str | None
    expected: object = field(repr=False)
    found: object = field(repr=False)

    def describe(self, *, show_values: bool = False) -> str:
        if self.column is None:
            return f"{self.table} {self.id}: {'missing' if self.found is None else 'unexpected'}"
        text = f"{self.table} {self.id}: {self.column} differs"
        if show_values:
            text += f" (expected {self.expected!r}, found {self.found!r})"
        return text

    def __str__(self) -> str:
        return self.describe()


@dataclass(frozen=True)
class Verdict:
    """One table's result. The counts are of rows; `examples` are the first differences.

    `missing`: in the source, not in the target. `unexpected`: in the target without a reason.
    `different`: rows with at least one wrong value, and columns the target lacks or mistypes.
    `placeholders`, `deleted`, `archived`: rows only the target has, for one of these good reasons.
    """

    table: str
    source_rows: int
    target_rows: int
    missing: int
    unexpected: int
    different: int
    placeholders: int
    deleted: int
    archived: int
    examples: tuple[Difference, ...]
    seconds: float

    @property
    def equal(self) -> bool:
        return not (self.missing or self.unexpected or self.different)
