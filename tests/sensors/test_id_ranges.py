"""The sensor that registers ID ranges, tick by tick."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from shop_and_crm import Shop

from bitrix_pipeline import resources
from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING, ID_RANGES
from bitrix_pipeline.sensors import id_ranges

AWAY = "mysql://root@127.0.0.1:1/shop"
FIRST_CURSOR = {"users": 0, "products": 0, "orders": 0, "order_items": 0}

Tick = Callable[..., dg.SensorResult | dg.SkipReason]


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARTITION_SIZE", "1000")
    for name in ("BITRIX_MYSQL_URL", "POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def tick(instance: dg.DagsterInstance) -> Tick:
    """A look of the sensor, after which Dagster does what it asked for."""

    def look(url: str, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        pipeline = resources.Pipeline(
            shop=resources.ShopMySQL(url=url), crm=resources.CrmPostgres(url="postgresql://h/d")
        )
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"pipeline": pipeline}
        ) as context:
            found: dg.SensorResult | dg.SkipReason = id_ranges(context)  # type: ignore[assignment]
        if isinstance(found, dg.SensorResult):
            instance.add_dynamic_partitions(str(ID_RANGES.name), asked_for(found))
        return found

    return look


def asked_for(result: dg.SensorResult) -> list[str]:
    return [key for r in result.dynamic_partitions_requests or () for key in r.partition_keys]


def occupied(shop: Shop) -> list[str]:
    tables = ["b_user", "b_iblock_element", "b_sale_order"]
    numbers = {n for table in tables for n in shop.ids(f"SELECT ID DIV 1000 FROM {table}")}
    numbers |= {*shop.ids("SELECT ID DIV 1000 FROM b_sale_basket WHERE ORDER_ID > 0")}
    return [f"{n * 1000:010}-{n * 1000 + 999:010}" for n in sorted(numbers)]


def test_the_first_tick_registers_every_range_that_holds_rows(
    tick: Tick, pristine_shop: Shop
) -> None:
    result = tick(pristine_shop.url)

    registered = asked_for(result)
    assert registered[:2] == [CHANGED_LATELY, EVERYTHING]
    assert registered[2:] == sorted(registered[2:])
    assert set(registered[2:]) <= set(occupied(pristine_shop))
    # Only what is for sale is a product: elements of other iblocks may be alone in a range.
    assert {"0000000000-0000000999", "0000010000-0000010999"} <= set(registered)


def test_it_tells_how_far_the_shops_ids_are(tick: Tick, pristine_shop: Shop) -> None:
    result = tick(pristine_shop.url)

    told = {
        event.asset_key.to_user_string(): event.metadata["highest_id_range"].value
        for event in result.asset_events
    }
    highest = pristine_shop.value("SELECT MAX(ID) DIV 1000 FROM b_sale_order")
    assert set(told) == {
        "bitrix/b_user",
        "bitrix/b_iblock_element",
        "bitrix/b_sale_order",
        "bitrix/b_sale_basket",
    }
    assert told["bitrix/b_sale_order"] == f"{highest}000".zfill(10) + "-" + f"{highest}999".zfill(
        10
    )


def test_a_quiet_shop_has_nothing_new(tick: Tick, pristine_shop: Shop) -> None:
    first = tick(pristine_shop.url)
    second = tick(pristine_shop.url, first.cursor)

    assert asked_for(second) == []
    assert not second.asset_events
    assert second.skip_reason == dg.SkipReason("No new range of IDs.")
    assert second.cursor == first.cursor


def test_ids_that_grow_into_a_new_range_register_it(tick: Tick, shop: Shop) -> None:
    first = tick(shop.url)
    shop.insert("b_user", ID=777_123, LOGIN="new", PASSWORD="")

    second = tick(shop.url, first.cursor)

    assert asked_for(second) == ["0000777000-0000777999"]
    [event] = second.asset_events
    assert event.asset_key == dg.AssetKey(["bitrix", "b_user"])
    assert json.loads(second.cursor)["last"]["users"] == 777
    assert second.skip_reason is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "not JSON",
        "[]",
        '{"size": 1000}',
        '{"size": 1000, "last": 7}',
        '{"size": 1000, "last": {"users": "x"}}',
        json.dumps({"size": 500, "last": {"users": 9_999_999}}),
    ],
)
def test_a_cursor_that_cannot_be_read_begins_again(
    tick: Tick, pristine_shop: Shop, cursor: str
) -> None:
    assert tick(pristine_shop.url, cursor).cursor == tick(pristine_shop.url).cursor


def test_a_shop_that_is_away_is_looked_for_again_later(
    tick: Tick, instance: dg.DagsterInstance
) -> None:
    found = tick(AWAY, json.dumps({"size": 1000, "last": FIRST_CURSOR}))

    assert isinstance(found, dg.SkipReason)
    assert "the shop's MySQL did not answer in time or is away" in str(found.skip_message)
    assert instance.get_dynamic_partitions(str(ID_RANGES.name)) == []


def test_an_account_that_is_refused_is_a_sentence_without_the_password(
    tick: Tick, pristine_shop: Shop
) -> None:
    found = tick(pristine_shop.url.replace("root@", "nobody:hunter2@"))

    assert isinstance(found, dg.SkipReason)
    assert "refuses the account in BITRIX_MYSQL_URL" in str(found.skip_message)
    assert "hunter2" not in str(found.skip_message)


def test_a_fresh_checkout_has_no_shop_to_look_at(tick: Tick) -> None:
    assert tick("") == dg.SkipReason(
        "BITRIX_MYSQL_URL and POSTGRES_URL are not both set: see .env.example"
    )
