"""Ready means that a webhook could be stored; what is lacking is said to operators, not to strangers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from receiving import service, wait_for
from shop_and_crm import Crm, copy_of_database, drop_database

from bitrix_pipeline.model.migrate import RECEIVER_ROLE
from bitrix_pipeline.servers import PrivatePostgres


@pytest.fixture
def own_crm(postgres: PrivatePostgres, migrated_database: str) -> Iterator[Crm]:
    """Its inbox may be taken away; `stranger` has no right yet."""
    crm = copy_of_database(postgres, migrated_database)
    crm.run("CREATE ROLE stranger LOGIN")
    yield crm
    drop_database(postgres, crm)
    with postgres.connect() as admin:
        admin.execute("DROP ROLE stranger")


@pytest.mark.parametrize(
    ("lack", "says"),
    [
        ("the schema", "run bitrix-pipeline migrate"),
        ("the function", "run bitrix-pipeline migrate"),
        ("the right", "make its account a member of the role bitrix_receiver"),
        ("a primary server", "name the primary server in RECEIVER_POSTGRES_URL"),
    ],
)
def test_what_could_not_store_is_not_ready_and_says_what_to_do(
    own_crm: Crm, log: Path, lack: str, says: str
) -> None:
    with service(lacking(own_crm, lack), log, ready=False) as receiver:
        public, operators = receiver.get("/readyz"), receiver.get("/readyz", metrics=True)
        answer, health = receiver.send(), receiver.get("/healthz")

    assert (public.status, public.body) == (503, b"not ready\n")
    assert operators.status == 503
    assert says in operators.body.decode()
    assert says in log.read_text()
    assert (answer.status, health.status) == (503, 200)


def test_what_was_lacking_is_found_without_a_restart(own_crm: Crm, log: Path) -> None:
    with service(lacking(own_crm, "the right"), log, ready=False) as receiver:
        own_crm.run(f"GRANT {RECEIVER_ROLE} TO stranger")
        receiver.wait_until_ready()

        assert receiver.send().status == 202


def test_a_right_that_is_taken_away_is_noticed_without_a_webhook(own_crm: Crm, log: Path) -> None:
    url = lacking(own_crm, "the right")
    own_crm.run(f"GRANT {RECEIVER_ROLE} TO stranger")
    with service(url, log) as receiver:
        own_crm.run(f"REVOKE {RECEIVER_ROLE} FROM stranger")

        wait_for(lambda: receiver.get("/readyz").status == 503)


def lacking(crm: Crm, what: str) -> str:
    """The receiver's URL of a database where something is missing."""
    match what:
        case "the schema":
            crm.run("DROP SCHEMA bitrix_pipeline CASCADE")
        case "the function":
            crm.run("DROP FUNCTION bitrix_pipeline.receive")
        case "the right":
            return crm.url.replace("postgres@", "stranger@")
        case "a primary server":
            return f"{crm.url}?options=-c%20default_transaction_read_only%3Don"
    return crm.url
