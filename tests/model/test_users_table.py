"""users ← b_user, a sentence of the data model a test."""

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.model import table_named
from bitrix_pipeline.sync.scope import Ids

USER = 900_001


def arrived(pipeline: Pipeline, column: str, **values: object) -> object:
    """What the column holds after a user with these values was synced."""
    pipeline.shop.insert("b_user", ID=USER, LOGIN="masha", **values)
    pipeline.sync("users", Ids((USER,)))
    return pipeline.crm.cell("users", USER, column)


def test_the_id_is_bitrixs_own_in_both_columns(pipeline: Pipeline) -> None:
    arrived(pipeline, "id")

    assert pipeline.crm.row("users", USER, "id", "bitrix_user_id") == (USER, USER)


@pytest.mark.parametrize(
    ("mobile", "phone", "expected"),
    [
        ("+7 900 1", "+7 495 2", "+7 900 1"),
        ("", "+7 495 2", "+7 495 2"),
        (None, "+7 495 2", "+7 495 2"),
        ("\0", "+7 495 2", "+7 495 2"),
        (" ", "+7 495 2", " "),
        ("\u200b", "+7 495 2", "\u200b"),
        ("", "", None),
        (None, None, None),
    ],
)
def test_the_phone_is_the_mobile_one_or_else_the_other(
    pipeline: Pipeline, mobile: str | None, phone: str | None, expected: str | None
) -> None:
    found = arrived(pipeline, "phone", PERSONAL_MOBILE=mobile, PERSONAL_PHONE=phone)

    assert found == expected


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("Y", True), ("N", False), ("y", False), ("", False), ("Д", False)],
)
def test_only_a_capital_y_is_a_yes(pipeline: Pipeline, flag: str, *, expected: bool) -> None:
    assert arrived(pipeline, "is_blocked", BLOCKED=flag) is expected


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("saleanonymous", True),
        ("SALEANONYMOUS", False),
        ("saleanonymous ", False),
        ("socservices", False),
        (None, False),
    ],
)
def test_the_shared_buyer_is_known_by_the_exact_word(
    pipeline: Pipeline, authority: str | None, *, expected: bool
) -> None:
    assert arrived(pipeline, "is_anonymous", EXTERNAL_AUTH_ID=authority) is expected


def test_a_user_who_was_never_edited_has_no_updated_at(pipeline: Pipeline) -> None:
    assert arrived(pipeline, "updated_at", TIMESTAMP_X=None) is None


@pytest.mark.parametrize("zone", ["+03:00", "-11:00"])
def test_the_time_of_the_last_edit_is_an_instant_whatever_zone_it_was_written_in(
    pipeline: Pipeline, zone: str
) -> None:
    pipeline.shop.run("SET time_zone = '+00:00'")
    pipeline.shop.insert("b_user", ID=USER, TIMESTAMP_X="2024-06-01 12:00:00")
    pipeline.shop.run("SET time_zone = %s", zone)

    pipeline.sync("users", Ids((USER,)))

    assert str(pipeline.crm.cell("users", USER, "updated_at AT TIME ZONE 'UTC'")) == (
        "2024-06-01 12:00:00"
    )


def test_no_credential_column_is_ever_selected() -> None:
    read = {column.split(".")[1] for column in table_named("users").source_columns}

    assert not read & {
        "PASSWORD", "CHECKWORD", "STORED_HASH", "CONFIRM_CODE", "BX_USER_ID", "LAST_SESSION"
    }  # fmt: skip
