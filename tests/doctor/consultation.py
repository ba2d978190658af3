"""Runs examinations and looks findings up in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shop_and_crm import Shop

from bitrix_pipeline.doctor import Finding, Level, examine
from bitrix_pipeline.settings import Settings

READER = "reader"
WORDS = {"N": "new", "P": "paid", "F": "completed", "FL": "at the florist", "ZZ": "waiting"}

SERIOUS = {Level.WARNING, Level.PROBLEM}


@dataclass(frozen=True)
class Consultation:
    """Settings, and what an examination with them finds."""

    settings: Settings

    def with_settings(self, **changed: Any) -> "Consultation":
        """The same otherwise; values are validated as those of the environment are."""
        kept = {name: getattr(self.settings, name) for name in Settings.model_fields}
        return Consultation(Settings(_env_file=None, **{**kept, **changed}))

    def findings(self) -> list[Finding]:
        return list(examine(self.settings))

    def serious(self) -> list[Finding]:
        return [finding for finding in self.findings() if finding.level in SERIOUS]

    def only_serious(self) -> Finding:
        """The one thing that is wrong."""
        found = self.serious()
        assert len(found) == 1, found
        return found[0]

    def about(self, *texts: str) -> Finding:
        """The one finding that says all of these."""
        every = self.findings()
        found = [finding for finding in every if all(text in finding.found for text in texts)]
        assert len(found) == 1, (texts, found or every)
        return found[0]

    def says(self, text: str) -> bool:
        return any(text in finding.found for finding in self.findings())


@contextmanager
def for_a_while(shop: Shop, change: str, back: str) -> Iterator[None]:
    """Changes the shop's tables and puts them back: a new shop would take a second."""
    with shop.connection.cursor() as cursor:
        cursor.execute(change)
        try:
            yield
        finally:
            cursor.execute(back)


@contextmanager
def without_column(shop: Shop, column: str) -> Iterator[None]:
    table, name = column.split(".")
    rename = f"ALTER TABLE {table} RENAME COLUMN "
    with for_a_while(shop, f"{rename} {name} TO GONE", f"{rename} GONE TO {name}"):
        yield


@contextmanager
def without_table(shop: Shop, table: str) -> Iterator[None]:
    with for_a_while(shop, f"RENAME TABLE {table} TO gone", f"RENAME TABLE gone TO {table}"):
        yield
