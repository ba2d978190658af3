"""A whole shop arrives and stays equal."""

from shop_and_crm import Pipeline, written


def test_a_whole_shop_arrives_equal_row_for_row(pipeline: Pipeline) -> None:
    pipeline.sync_all()

    assert pipeline.differences() == []


def test_a_second_sync_finds_nothing_to_write(synced: Pipeline) -> None:
    assert written(synced.sync_all()) == {}
