"""What a declaration consists of: a table, its columns, and where its rows come from.

Everything else is derived from these: the Postgres tables, the SELECT that runs in MySQL, the row
hash, Dagster's column schema and lineage, the reference page.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bitrix_pipeline.model.expressions import CrmStatus, Expression
from bitrix_pipeline.model.shop_facts import ShopFacts


class Type(Enum):
    """A column's type in Postgres, as it is declared there."""

    BIGINT = "bigint"
    INTEGER = "integer"
    NUMERIC = "numeric"
    TEXT = "text"
    BOOLEAN = "boolean"
    INSTANT = "timestamp with time zone"
    JSON = "jsonb"


@dataclass(frozen=True)
class Column:
    """One target column."""

    name: str
    type: Type
    source: Expression
    description: str
    references: str | None = None
    """The table of ours that this ID points to; a real foreign key unless `is_soft_reference`."""
    is_unique: bool = False
    is_indexed: bool = False
    is_personal: bool = False
    """Holds a person's data: tagged so in Dagster."""
    arrives_as: str | None = None
    """The type in which it is staged when Postgres finishes the value itself."""
    finished_by: str | None = None
    """The Postgres expression that does so; `{}` stands for the staged column."""
    owned_by_crm_unless_changed: tuple[str, ...] = ()
    """After the row exists a sync writes this column only when one of these changed."""

    @property
    def default(self) -> str | None:
        """What a row has that the source does not fill (a placeholder, a CRM's own row)."""
        return {Type.BOOLEAN: "false", Type.JSON: "'{}'::jsonb"}.get(self.type)


@dataclass(frozen=True)
class Placeholder:
    """What a child row knows of a parent that Bitrix no longer has."""

    child: str
    """The child's table."""
    reference: str
    """The child's column that points to the parent."""
    columns: tuple[tuple[str, str], ...]
    """(parent's column, child's column); taken from the child row with the highest ID."""
    newest_child: str
    """MySQL: the ID of that row for each parent, given the parents' IDs as one parameter."""


@dataclass(frozen=True)
class Table:
    """One target table and the source rows that it mirrors."""

    name: str
    description: str
    key: str
    """The source's primary key, `table.COLUMN`; the target's `id`."""
    columns: tuple[Column, ...]
    rows: Callable[[ShopFacts], str] = lambda _: "TRUE"
    """MySQL: which rows of the key's table are rows of ours."""
    joins: Callable[[ShopFacts], str] = lambda _: ""
    """MySQL: what is joined to them, at most one row each."""
    changed_at: str | None = None
    """An indexed DATETIME of the source that tells what changed lately."""
    kept_while_archived: str | None = None
    """Target column with the order's ID: a row whose order is in the archive was not deleted."""
    placeholder: Placeholder | None = None
    also_reads: tuple[str, ...] = ()
    """Source columns that decide which rows are ours and what became of them."""
    has_text_key: bool = False
    extra_columns: tuple[tuple[str, Type, str], ...] = ()
    """Columns that the sync keeps itself: (name, type, description)."""

    @property
    def source(self) -> str:
        """The source table that holds the key."""
        return self.key.split(".")[0]

    @property
    def source_tables(self) -> tuple[str, ...]:
        """Every source table that feeds this one, the key's first."""
        names = [self.source, *(i.split(".")[0] for c in self.columns for i in c.source.inputs)]
        return tuple(dict.fromkeys(names))

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every source column that is read, as `table.COLUMN`."""
        inputs = [i for column in self.columns for i in column.source.inputs]
        return tuple(dict.fromkeys([self.key, *inputs, *self.also_reads]))

    @property
    def references(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.references)

    @property
    def parents(self) -> tuple[str, ...]:
        """The other tables that its rows refer to."""
        names = dict.fromkeys(str(column.references) for column in self.references)
        return tuple(name for name in names if name != self.name)

    @property
    def own_id(self) -> Column | None:
        """`bitrix_…_id`: the Bitrix ID, NULL for rows that the CRM made."""
        return next((c for c in self.columns if c.is_unique), None)

    @property
    def has_crm_status(self) -> bool:
        """Whether the status mapping shapes a column."""
        return any(isinstance(column.source, CrmStatus) for column in self.columns)

    @property
    def changed_at_target(self) -> str | None:
        """The target column that tells when Bitrix last noted a change."""
        return next((c.name for c in self.columns if c.name == "updated_at"), None)

    @property
    def loads_directly(self) -> bool:
        """Whether COPY can write its rows without anything to finish in Postgres."""
        return not any(column.finished_by for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def fingerprint(self, *settings: str) -> str:
        """Changes when the declaration or a setting that shapes its values changes.

        It is part of every row's hash, so a change of either makes the next sync rewrite the rows.
        """
        declared = [(c.name, c.type.value, repr(c.source), c.finished_by) for c in self.columns]
        return hashlib.sha256(repr((declared, settings)).encode()).hexdigest()[:16]
