"""bitrix-pipeline migrate."""

from collections.abc import Callable, Iterator

import pytest
from command_line import Outcome
from shop_and_crm import TABLE_NAMES, Crm, drop_database, empty_database

from bitrix_pipeline.servers import PrivatePostgres

Type = Callable[..., Outcome]


@pytest.fixture
def blank(postgres: PrivatePostgres) -> Iterator[Crm]:
    made = empty_database(postgres)
    yield made
    drop_database(postgres, made)


def test_it_makes_the_tables_and_may_be_run_again(type_in: Type, blank: Crm) -> None:
    first = type_in("migrate", POSTGRES_URL=blank.url)
    again = type_in("migrate", POSTGRES_URL=blank.url)

    assert (first.code, again.code) == (0, 0)
    assert first.out == again.out
    assert first.out.startswith("Postgres is at revision 0")
    for table in TABLE_NAMES:
        assert blank.value(f"SELECT count(*) FROM {table}") == 0


def test_it_makes_them_in_the_schema_that_is_set(type_in: Type, blank: Crm) -> None:
    assert type_in("migrate", POSTGRES_URL=blank.url, TARGET_SCHEMA="shop").code == 0

    assert blank.value("SELECT count(*) FROM shop.orders") == 0


def test_it_needs_to_know_where(type_in: Type) -> None:
    outcome = type_in("migrate")

    assert outcome == Outcome(
        1,
        "",
        "Error: POSTGRES_URL is not set: write POSTGRES_URL="
        "postgresql://user:password@host:5432/db into the environment or .env\n",
    )
