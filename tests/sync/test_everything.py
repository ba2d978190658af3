"""A whole shop arrives and stays equal."""

from conftest import Pipeline

from bitrix_pipeline.sync.scope import Everything


def test_a_whole_shop_arrives_equal_row_for_row(pipeline: Pipeline) -> None:
    pipeline.sync_all(Everything())

    assert pipeline.differences() == []


def test_a_second_sync_finds_nothing_to_write(pipeline: Pipeline) -> None:
    pipeline.sync_all(Everything())

    again = pipeline.sync_all(Everything())

    assert {name: (r.inserted, r.updated, r.deleted) for name, r in again.items()} == dict.fromkeys(
        again, (0, 0, 0)
    )
