"""order_statuses ← b_sale_status and its names, a sentence of the data model a test."""

from typing import Any

import pytest
from shop_and_crm import Pipeline


def add_status(pipeline: Pipeline, code: str, names: dict[str, str], **values: object) -> None:
    pipeline.shop.insert("b_sale_status", ID=code, **values)
    for language, name in names.items():
        pipeline.shop.insert("b_sale_status_lang", STATUS_ID=code, LID=language, NAME=name)


def arrived(pipeline: Pipeline, code: str, *columns: str, **settings: Any) -> Any:
    pipeline.sync("order_statuses", **settings)
    row = pipeline.crm.row("order_statuses", code, *columns)
    return row[0] if row and len(columns) == 1 else row


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"en": "At the florist", "ru": "У флориста"}, "У флориста"),
        ({"en": "At the florist", "de": "Beim Floristen"}, "Beim Floristen"),
        ({"en": "At the florist", "ru": ""}, "At the florist"),
        ({"ru": ""}, "X1"),
        ({}, "X1"),
    ],
)
def test_the_name_is_in_the_shops_language_or_else_in_any_or_else_the_code(
    pipeline: Pipeline, names: dict[str, str], expected: str
) -> None:
    add_status(pipeline, "X1", names)

    assert arrived(pipeline, "X1", "name") == expected


def test_the_shops_language_is_a_setting(pipeline: Pipeline) -> None:
    add_status(pipeline, "X1", {"en": "At the florist", "ru": "У флориста"})

    assert arrived(pipeline, "X1", "name", shop_language="en") == "At the florist"


def test_another_language_renames_the_statuses(pipeline: Pipeline) -> None:
    add_status(pipeline, "X1", {"en": "At the florist", "ru": "У флориста"})
    pipeline.sync("order_statuses")

    assert arrived(pipeline, "X1", "name", shop_language="en") == "At the florist"


@pytest.mark.parametrize(("code", "word"), [("O", "order"), ("D", "delivery"), ("o", None)])
def test_the_type_is_in_words(pipeline: Pipeline, code: str, word: str | None) -> None:
    add_status(pipeline, "X1", {}, TYPE=code)

    assert arrived(pipeline, "X1", "type") == word


def test_the_crms_word_comes_from_the_mapping(pipeline: Pipeline) -> None:
    add_status(pipeline, "X1", {})

    pipeline.sync("order_statuses", status_mapping={"X1": "waiting"})

    words = dict(pipeline.crm.rows("SELECT id, crm_status FROM order_statuses"))
    assert (words["X1"], words["N"]) == ("waiting", None)


def test_a_status_without_a_code_is_none(pipeline: Pipeline) -> None:
    add_status(pipeline, "", {})

    assert arrived(pipeline, "", "id") is None


def test_a_status_that_the_shop_removes_is_marked_deleted(synced: Pipeline) -> None:
    synced.shop.run("DELETE FROM b_sale_status WHERE ID = 'ZZ'")

    result = synced.sync("order_statuses")

    assert result.deleted == 1
    assert synced.crm.cell("order_statuses", "ZZ", "deleted_at") is not None
    assert synced.differences("order_statuses") == []
