"""The module's own REST methods."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from bitrix_site import STAND_IN, Site, make_site

CALL = """
%s
require '%s/rest_call.php';
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$methods = array_merge(...array_map('array_values', $fire('rest', 'OnRestServiceBuildDescription', [])));
$APPLICATION->rights = ['sale' => '%s'];
try {
    $answer = call_user_func($methods[0]['%s']['callback'], json_decode(base64_decode('%s'), true), 0, CRestServer::instance());
} catch (Bitrix\\Rest\\RestException $refusal) {
    $answer = ['error' => $refusal->getErrorCode(), 'http' => $refusal->getStatus()];
}
// REST answers in UTF-8 whatever the site speaks.
array_walk_recursive($answer, static function (&$value) {
    $value = is_string($value) && !Bitrix\\Main\\Application::isUtfMode() ? mb_convert_encoding($value, 'UTF-8', 'Windows-1251') : $value;
});
$locks = "SELECT GROUP_CONCAT(IS_USED_LOCK(CONCAT('bitrixpipeline_order_', ID))) FROM b_sale_order";
echo json_encode([
    'answer' => $answer,
    'mails' => Bitrix\\Sale\\Order::$mails,
    'locks' => Bitrix\\Main\\Application::getConnection()->queryScalar($locks),
    'isNotifyDisabled' => Bitrix\\Sale\\Notify::isNotifyDisabled(),
    'left' => $APPLICATION->GetException() ? 'an exception' : '',
    'masterOnly' => Bitrix\\Main\\Application::getInstance()->getConnectionPool()->masterOnly,
]);
"""


def call(
    site: Site, method: str, *, right: str = "W", before: str = "", **parameters: object
) -> dict[str, Any]:
    given = b64encode(json.dumps(parameters).encode()).decode()
    code = CALL % (before, STAND_IN, right, f"bitrixpipeline.{method}", given)
    answered: dict[str, Any] = json.loads(site.hit(code))
    site.shop.note_change("b_sale_order")
    return answered


def error(site: Site, **parameters: Any) -> str:
    refused: str = call(site, "order.setstatus", **parameters)["answer"]["error"]
    return refused


@pytest.fixture
def order(site: Site) -> int:
    id_ = site.order()
    site.shop.run(
        "UPDATE b_sale_order SET STATUS_ID = 'N', CANCELED = 'N', PAYED = 'N', VERSION = 4, MARKED = 'N'"
        " WHERE ID = %s",
        id_,
    )
    return id_


def test_a_status_is_set_and_the_new_version_answered(site: Site, order: int) -> None:
    answered = call(site, "order.setstatus", id=order, status="F", expectedVersion=4)

    assert answered["answer"] == {
        "id": order, "version": 5, "statusId": "F", "canceled": "N", "marked": "N",
        "reasonMarked": None, "changed": True,
    }  # fmt: skip
    assert answered["mails"] == [False]
    assert site.outbox("TYPE, ENTITY_ID, ORIGIN") == [("order.saved", order, "rest")]


def test_the_buyer_is_mailed_when_asked_for(site: Site, order: int) -> None:
    assert call(site, "order.setstatus", id=order, status="F", notify=True)["mails"] == [True]


@pytest.mark.parametrize("notify", [True, False])
@pytest.mark.parametrize("is_disabled", [True, False])
def test_what_the_site_has_set_is_found_as_it_was(
    site: Site, order: int, *, is_disabled: bool, notify: bool
) -> None:
    before = f"Bitrix\\Sale\\Notify::setNotifyDisable({str(is_disabled).lower()});"

    told = call(site, "order.setstatus", before=before, id=order, status="F", notify=notify)

    assert told["isNotifyDisabled"] is is_disabled
    assert told["mails"] == [notify and not is_disabled], "the site's own no stands"
    assert told["locks"] is None
    assert told["masterOnly"] == 0


def test_a_lock_is_given_back_after_a_refusal_too(site: Site, order: int) -> None:
    told = call(site, "order.setstatus", id=order, status="F", expectedVersion=3)

    assert told["answer"]["error"] == "VERSION_MISMATCH"
    assert told["locks"] is None
    assert told["masterOnly"] == 0


def test_what_a_shops_handler_left_behind_does_not_hide_a_refusal(site: Site, order: int) -> None:
    """REST answers with the code of that, if it is there."""
    before = "$APPLICATION->ThrowException('Points were not counted');"

    told = call(site, "order.setstatus", before=before, id=order, status="F", expectedVersion=3)

    assert told["answer"]["error"] == "VERSION_MISMATCH"
    assert told["left"] == ""


def test_a_site_in_windows_1251_answers_what_stands_in_its_order(
    site: Site, order: int, tmp_path: Path
) -> None:
    old = make_site(tmp_path / "old", site.shop, charset="cp1251")
    site.shop.run("UPDATE b_sale_order SET REASON_MARKED = 'Нет оплаты' WHERE ID = %s", order)

    answer = call(old, "order.setstatus", id=order, status="F")["answer"]

    assert answer["reasonMarked"] == "Нет оплаты"


def test_the_same_status_again_saves_nothing(site: Site, order: int) -> None:
    answered = call(site, "order.setstatus", id=str(order), status="N")

    assert answered["answer"]["changed"] is False
    assert answered["answer"]["version"] == 4
    assert answered["mails"] == []
    assert site.outbox() == []


def test_an_order_is_canceled_with_its_reason_and_taken_back(site: Site, order: int) -> None:
    answered = call(site, "order.setstatus", id=order, canceled=True, reason="Нет в наличии")
    assert answered["answer"]["canceled"] == "Y"
    reason = site.shop.value("SELECT REASON_CANCELED FROM b_sale_order WHERE ID = %s", order)
    assert reason == "Нет в наличии"

    answered = call(site, "order.setstatus", id=order, canceled="N")
    assert answered["answer"]["canceled"] == "N"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"status": "F", "expectedVersion": 3}, "VERSION_MISMATCH"),
        ({"status": "QQ"}, "STATUS_UNKNOWN"),
        ({"status": "n"}, "STATUS_UNKNOWN"),
        ({"status": "DN"}, "STATUS_UNKNOWN"),
        ({"status": "N' OR 1=1"}, "STATUS_UNKNOWN"),
        ({"status": ["N"]}, "STATUS_UNKNOWN"),
        ({}, "PARAMETER_MISSING"),
        ({"canceled": True}, "PARAMETER_MISSING"),
        ({"canceled": "perhaps"}, "PARAMETER_MALFORMED"),
        ({"canceled": "", "status": "N"}, "PARAMETER_MALFORMED"),
        ({"canceled": True, "reason": ["x"]}, "PARAMETER_MALFORMED"),
        ({"status": "F", "expectedVersion": "1; DROP"}, "PARAMETER_MALFORMED"),
        ({"status": "F", "right": "R"}, "ACCESS_DENIED"),
        ({"status": "F", "right": "D"}, "ACCESS_DENIED"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_changes_nothing(
    site: Site, order: int, parameters: dict[str, Any], code: str
) -> None:
    assert error(site, id=order, **parameters) == code
    assert site.shop.value("SELECT VERSION FROM b_sale_order WHERE ID = %s", order) == 4


@pytest.mark.parametrize(
    ("id_", "code"),
    [(99_999, "ORDER_NOT_FOUND"), (0, "PARAMETER_MALFORMED"), ("1 OR 1", "PARAMETER_MALFORMED")],
)
def test_an_order_that_is_none_is_refused(site: Site, id_: object, code: str) -> None:
    assert error(site, id=id_, status="F") == code


def test_while_another_call_changes_the_order_it_says_try_again(site: Site, order: int) -> None:
    site.shop.value(f"SELECT GET_LOCK('bitrixpipeline_order_{order}', 0)")
    try:
        answered = call(site, "order.setstatus", id=order, status="F", expectedVersion=4)["answer"]
    finally:
        site.shop.value(f"SELECT RELEASE_LOCK('bitrixpipeline_order_{order}')")

    assert answered == {"error": "ORDER_LOCKED", "http": "503 Service Unavailable"}
    assert site.shop.value("SELECT VERSION FROM b_sale_order WHERE ID = %s", order) == 4


def test_what_bitrix_refuses_comes_back_with_bitrix_own_code(site: Site, order: int) -> None:
    site.shop.run("UPDATE b_sale_order SET PAYED = 'Y' WHERE ID = %s", order)

    code = error(site, id=order, canceled=True, reason="x")

    assert code == "SALE_ORDER_CANCEL_PAYMENT_EXIST_ACTIVE"


def test_the_selfcheck_tells_how_it_is_and_no_secret(site: Site) -> None:
    site.add("user.deleted", 1)
    facts = call(site, "selfcheck", right="R")["answer"]

    assert facts["version"] == "1.0.0"
    assert facts["missing"] == []
    assert facts["complaint"] is None
    assert facts["agents"] == "hits"
    assert abs(facts["databaseClockOffSeconds"]) <= 1
    assert (facts["outbox"]["waiting"], facts["outbox"]["dead"]) == (1, 0)
    assert "whsec_" not in json.dumps(facts)
    assert "127.0.0.1" not in json.dumps(facts)
