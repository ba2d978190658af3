"""Dagster's handles on the two databases: where their addresses come from."""

from pathlib import Path

import pytest
from shop_and_crm import Crm, Shop

from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.model import table_named
from bitrix_pipeline.resources import CrmPostgres, Pipeline, ShopMySQL

RESOURCES = {"BITRIX_MYSQL_URL": ShopMySQL, "POSTGRES_URL": CrmPostgres}

each_resource = pytest.mark.parametrize("name", RESOURCES)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in RESOURCES:
        monkeypatch.delenv(name, raising=False)


@each_resource
def test_a_given_url_goes_before_the_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "of-the-environment")

    assert RESOURCES[name](url="given").connection_url() == "given"
    assert RESOURCES[name]().connection_url() == "of-the-environment"


@each_resource
def test_a_setting_is_read_when_it_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = RESOURCES[name]()
    assert not resource.is_configured

    monkeypatch.setenv(name, "set-later")

    assert resource.is_configured
    assert resource.connection_url() == "set-later"


@each_resource
def test_a_missing_url_is_a_sentence(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set: write {name}="):
        RESOURCES[name]().connection_url()


@pytest.mark.parametrize(("shop", "crm"), [("", ""), ("set", ""), ("", "set"), ("set", "set")])
def test_a_pipeline_needs_both(shop: str, crm: str) -> None:
    pipeline = Pipeline(shop=ShopMySQL(url=shop), crm=CrmPostgres(url=crm))

    assert pipeline.is_configured is bool(shop and crm)


def test_occupied_ranges_begin_where_they_are_asked_to(
    pristine_shop: Shop, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTITION_SIZE", "1000")
    pipeline = Pipeline(shop=ShopMySQL(url=pristine_shop.url), crm=CrmPostgres(url=crm.url))
    orders = table_named("orders")
    numbers = {*pristine_shop.ids("SELECT ID DIV 1000 FROM b_sale_order")}

    assert pipeline.occupied_ranges({orders: 0}) == {"orders": sorted(numbers)}
    assert pipeline.occupied_ranges({orders: 10_000}) == {
        "orders": sorted(n for n in numbers if n >= 10)
    }
    assert pipeline.occupied_ranges({orders: 10**9}) == {"orders": []}
