"""A change of status in the CRM reaches Bitrix once."""

from pushing import Desk


def test_a_change_reaches_bitrix_and_both_sides_know_it(desk: Desk) -> None:
    [order] = desk.prepare(1)
    desk.set("paid", order)

    result = desk.run()

    assert (result.sent, result.confirmed, result.failed, result.fault) == (1, 1, 0, None)
    assert desk.in_bitrix(order) == ("P", "N")
    assert desk.in_crm(order) == ("paid", "P", False)
    assert desk.ledger(order) == "confirmed"
    assert desk.history(order) == ["noted", "sent"]
    assert desk.rest.mails == [(order, "P")]
