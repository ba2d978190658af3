"""orders ← b_sale_order and the buyer's own fields, a sentence of the data model a test."""

from decimal import Decimal
from typing import Any

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.sync.scope import Ids

ORDER = 900_001
FIO, EMAIL, PHONE, COMPANY_PHONE, COURIER_PHONE = 21, 22, 23, 43, 61
ADDRESS, WISHES, RECIPIENT_PHONE = 24, 30, 28


def add_order(pipeline: Pipeline, **values: object) -> None:
    pipeline.shop.insert("b_sale_order", **{"ID": ORDER, "USER_ID": 0} | values)


def add_value(
    pipeline: Pipeline,
    value_id: int,
    property_id: int | None,
    value: str | None,
    code: str | None = None,
    **others: object,
) -> None:
    row = {"ENTITY_ID": value_id, "ENTITY_TYPE": "ORDER"} | others
    pipeline.shop.insert(
        "b_sale_order_props_value",
        ID=value_id, ORDER_ID=ORDER, ORDER_PROPS_ID=property_id, VALUE=value, CODE=code, **row,
    )  # fmt: skip


def arrived(pipeline: Pipeline, *columns: str) -> Any:
    pipeline.sync("orders", Ids((ORDER,)))
    row = pipeline.crm.row("orders", ORDER, *columns)
    return row[0] if row and len(columns) == 1 else row


@pytest.mark.parametrize(
    ("code", "word"), [("N", "new"), ("P", "paid"), ("F", "completed"), ("FL", "FL"), ("n", "n")]
)
def test_the_status_is_the_crms_word_or_else_the_code_itself(
    pipeline: Pipeline, code: str, word: str
) -> None:
    add_order(pipeline, STATUS_ID=code)

    assert arrived(pipeline, "status", "bitrix_status") == (word, code)


def test_a_canceled_order_is_canceled_whatever_its_status(pipeline: Pipeline) -> None:
    add_order(pipeline, STATUS_ID="F", CANCELED="Y", PAYED="Y")

    found = arrived(pipeline, "status", "bitrix_status", "is_canceled", "is_paid")

    assert found == ("canceled", "F", True, True)


def test_a_paid_order_keeps_the_status_of_its_workflow(pipeline: Pipeline) -> None:
    add_order(pipeline, STATUS_ID="N", PAYED="Y")

    assert arrived(pipeline, "status", "is_paid") == ("new", True)


def test_a_lower_case_y_neither_cancels_nor_pays(pipeline: Pipeline) -> None:
    add_order(pipeline, STATUS_ID="N", CANCELED="y", PAYED="y", DEDUCTED="y")

    found = arrived(pipeline, "status", "is_canceled", "is_paid", "is_shipped")

    assert found == ("new", False, False, False)


def test_an_order_whose_save_crashed_is_an_order(pipeline: Pipeline) -> None:
    add_order(pipeline, RUNNING="Y")

    assert arrived(pipeline, "id") == ORDER


def test_money_keeps_every_decimal(pipeline: Pipeline) -> None:
    pipeline.shop.run("ALTER TABLE b_sale_order MODIFY PRICE decimal(26, 8) NOT NULL")
    add_order(pipeline, PRICE="123456789012345678.00000001")

    assert arrived(pipeline, "price") == Decimal("123456789012345678.00000001")


def test_an_order_without_values_has_empty_properties(pipeline: Pipeline) -> None:
    add_order(pipeline)

    assert arrived(pipeline, "properties") == {}


def test_a_property_goes_by_its_code_or_else_by_its_id(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, ADDRESS, "Тверская, 1", "ADDRESS")
    add_value(pipeline, 2, WISHES, "без ленты", None)
    add_value(pipeline, 3, 999, "5", "")
    add_value(pipeline, 4, 998, "6", " ")

    assert arrived(pipeline, "properties") == {
        "ADDRESS": "Тверская, 1",
        str(WISHES): "без ленты",
        "999": "5",
        " ": "6",
    }


def test_a_value_without_code_and_property_is_left_out(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, None, "ничей", None)

    assert arrived(pipeline, "properties") == {}


def test_empty_values_are_left_out(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, ADDRESS, "", "ADDRESS")
    add_value(pipeline, 2, WISHES, None, "WISHES")
    add_value(pipeline, 3, 999, "\0", "NUL")
    add_value(pipeline, 4, 998, " ", "BLANK")

    assert arrived(pipeline, "properties") == {"BLANK": " "}


def test_of_equal_keys_the_value_with_the_highest_id_counts(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 9, 997, "новый", "ADDRESS")
    add_value(pipeline, 1, 998, "старый", "ADDRESS")
    add_value(pipeline, 10, 996, "", "ADDRESS")

    assert arrived(pipeline, "properties") == {"ADDRESS": "новый"}


def test_keys_that_differ_in_case_are_different_keys(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, 997, "1", "Code")
    add_value(pipeline, 2, 998, "2", "CODE")
    add_value(pipeline, 3, 999, "3", "CODE ")

    assert arrived(pipeline, "properties") == {"Code": "1", "CODE": "2", "CODE ": "3"}


def test_values_of_shipments_are_not_the_orders(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, COURIER_PHONE, "+7 900", "COURIER_PHONE", ENTITY_TYPE="SHIPMENT")

    assert arrived(pipeline, "properties", "contact_phone") == ({}, None)


def test_contacts_are_the_values_of_flagged_properties_whatever_their_code(
    pipeline: Pipeline,
) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, FIO, "Мария", "X1")
    add_value(pipeline, 2, PHONE, "+7 900", None)
    add_value(pipeline, 3, EMAIL, "m@example.com", "")

    found = arrived(pipeline, "contact_name", "contact_phone", "contact_email")

    assert found == ("Мария", "+7 900", "m@example.com")


def test_a_contact_is_the_first_value_that_is_not_empty(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 101, PHONE, "третий")
    add_value(pipeline, 20, COMPANY_PHONE, "второй")
    add_value(pipeline, 3, 999, "чужой")
    pipeline.shop.insert("b_sale_order_props", ID=990, IS_PHONE="Y", ENTITY_TYPE="ORDER")
    add_value(pipeline, 1, 990, "")
    pipeline.shop.insert("b_sale_order_props", ID=991, IS_PHONE="Y", ENTITY_TYPE="ORDER")
    add_value(pipeline, 2, 991, "\0")

    assert arrived(pipeline, "contact_phone") == "второй"


def test_a_flag_in_lower_case_marks_no_contact(pipeline: Pipeline) -> None:
    add_order(pipeline)
    add_value(pipeline, 1, RECIPIENT_PHONE, "+7 900", "RECIPIENT_PHONE")

    assert arrived(pipeline, "contact_phone") is None


def test_without_flagged_properties_there_are_no_contacts(pipeline: Pipeline) -> None:
    pipeline.shop.run("UPDATE b_sale_order_props SET IS_PHONE = 'N'")
    add_order(pipeline)
    add_value(pipeline, 1, PHONE, "+7 900", "PHONE")

    assert arrived(pipeline, "contact_phone", "properties") == (None, {"PHONE": "+7 900"})


def test_a_buyer_of_0_is_no_user(pipeline: Pipeline) -> None:
    add_order(pipeline, USER_ID=0)

    assert arrived(pipeline, "user_id") is None
