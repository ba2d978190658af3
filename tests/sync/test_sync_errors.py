"""What a sync says when something is wrong: what to mend, and nothing that is secret."""

import logging

import pytest
from shop_and_crm import Crm, Pipeline, Shop, empty_database, fails

from bitrix_pipeline.errors import (
    PipelineError,
    SettingsError,
    SourceError,
    TargetError,
    TransientError,
)
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres

PASSWORD = "sesame"


def message_of(pipeline: Pipeline, *, shop_url: str = "", crm_url: str = "") -> str:
    """The text of the error, with those of the errors that led to it."""
    shop = Shop(pipeline.shop.connection, shop_url or pipeline.shop.url)
    crm = Crm(pipeline.crm.connection, crm_url or pipeline.crm.url)
    with pytest.raises(PipelineError) as caught:
        Pipeline(shop, crm).sync("users")
    found: BaseException | None = caught.value
    texts = []
    while found:
        texts.append(f"{found!r} {found}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return " ".join(texts)


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://root:{PASSWORD}@127.0.0.1:1/shop",
        f"mysql://root:{PASSWORD}@127.0.0.1:port/shop",
        f"mysql://root:{PASSWORD}@[127.0.0.1/shop",
        f"postgresql://root:{PASSWORD}@127.0.0.1/shop",
        f"mysql://root:{PASSWORD}@127.0.0.1:3306/",
        f"root:{PASSWORD}@127.0.0.1",
    ],
)
def test_a_wrong_address_of_the_shop_is_told_without_its_password(
    pipeline: Pipeline, url: str
) -> None:
    assert PASSWORD not in message_of(pipeline, shop_url=url)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/crm",
        f"postgresql://postgres:{PASSWORD}@127.0.0.1:port/crm",
        f"mysql://postgres:{PASSWORD}@127.0.0.1/crm",
        f"postgres:{PASSWORD}@127.0.0.1",
    ],
)
def test_a_wrong_address_of_the_crm_is_told_without_its_password(
    pipeline: Pipeline, url: str
) -> None:
    assert PASSWORD not in message_of(pipeline, crm_url=url)


def test_a_wrong_password_of_the_shop_is_to_be_mended(
    pipeline: Pipeline, mariadb: PrivateMariaDB
) -> None:
    with mariadb.connect() as admin, admin.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER guarded@'%' IDENTIFIED BY 'other'")
    pipeline = Pipeline(
        Shop(pipeline.shop.connection, pipeline.shop.url.replace("root@", f"guarded:{PASSWORD}@")),
        pipeline.crm,
    )

    with fails(SourceError, "BITRIX_MYSQL_URL"):
        pipeline.sync("users")

    assert PASSWORD not in message_of(pipeline)


def test_a_url_that_cannot_be_read_names_the_setting(pipeline: Pipeline) -> None:
    with fails(SettingsError, "BITRIX_MYSQL_URL"):
        Pipeline(Shop(pipeline.shop.connection, "shop"), pipeline.crm).sync("users")
    with fails(SettingsError, "POSTGRES_URL"):
        Pipeline(pipeline.shop, Crm(pipeline.crm.connection, "crm")).sync("users")


def test_a_postgres_that_was_not_migrated_says_what_to_run(
    pipeline: Pipeline, postgres: PrivatePostgres
) -> None:
    with fails(TargetError, "bitrix-pipeline migrate"):
        Pipeline(pipeline.shop, empty_database(postgres)).sync("users")


def test_an_account_that_may_not_write_is_told_so(
    pipeline: Pipeline, postgres: PrivatePostgres
) -> None:
    with postgres.connect() as admin:
        admin.execute("CREATE ROLE reader LOGIN")
    url = pipeline.crm.url.replace("postgres@", "reader@")

    with fails(TargetError, "POSTGRES_URL"):
        Pipeline(pipeline.shop, Crm(pipeline.crm.connection, url)).sync("users")


def test_a_shop_that_is_away_and_a_crm_that_is_away_are_told_apart(pipeline: Pipeline) -> None:
    nobody = "mysql://root@127.0.0.1:1/shop", "postgresql://postgres@127.0.0.1:1/crm"

    with fails(TransientError, "the shop's MySQL"):
        Pipeline(Shop(pipeline.shop.connection, nobody[0]), pipeline.crm).sync("users")
    with fails(TransientError, "Postgres"):
        Pipeline(pipeline.shop, Crm(pipeline.crm.connection, nobody[1])).sync("users")


def test_a_sync_logs_counts_and_no_contents(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pipeline.shop.insert("b_user", ID=900_001, LOGIN="Секретная Мария")

    result = pipeline.sync("users")

    assert f"{result.read} read" in caplog.text
    assert "Секретная" not in caplog.text
