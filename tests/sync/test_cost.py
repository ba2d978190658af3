"""What a sync of an unchanged shop costs the CRM's server: next to nothing."""

from shop_and_crm import Crm, Pipeline, Shop

from bitrix_pipeline.sync.plan import BUCKET_IDS

KILOBYTE = 1024


def wal_position(crm: Crm) -> int:
    return int(crm.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))


def test_an_unchanged_shop_writes_almost_no_wal(synced: Pipeline) -> None:
    synced.sync_all()
    before = wal_position(synced.crm)

    synced.sync_all()

    # What remains is the catalog's: each sync makes its temporary tables.
    assert wal_position(synced.crm) - before < 6 * 150 * KILOBYTE


def test_an_unchanged_shop_moves_no_rows(synced: Pipeline) -> None:
    results = synced.sync_all()

    assert {name: r.taken for name, r in results.items() if r.taken} == {
        "order_statuses": results["order_statuses"].read
    }


def test_one_changed_row_moves_its_neighbours_at_most(synced: Pipeline, shop: Shop) -> None:
    shop.run("UPDATE b_catalog_product SET QUANTITY = 5.5 ORDER BY ID LIMIT 1")

    result = synced.sync("products")

    assert result.updated == 1
    assert result.taken <= BUCKET_IDS < result.read
