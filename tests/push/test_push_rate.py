"""A thousand changes through the cloud's bucket."""

import time

from pushing import Desk

from bitrix_pipeline.demo_rest import Bucket


def test_a_thousand_changes_within_the_clouds_rate(desk: Desk) -> None:
    """A virtual clock: what is waited for is counted, and the rest is really done."""
    bucket = Bucket(burst=50, per_second=2.0, clock=desk.rest.clock)
    desk.rest.behaves(bucket=bucket)
    orders = more_orders(desk, 1_000)
    desk.set("paid", orders)
    started = time.process_time()

    result = desk.run(allow_mass=True)

    # Of this process, which is also the shop's web server: how loaded the machine is does not count.
    worked = time.process_time() - started
    requests = len(desk.rest.asked)
    assert (result.sent, result.failed, result.fault) == (1_000, 0, None)
    assert desk.writes == 1_000
    assert requests <= 110
    assert desk.rest.clock.slept + worked <= 60


def more_orders(desk: Desk, count: int) -> list[int]:
    """Beside those of the sample shop, which has fewer."""
    first = 500_000
    desk.rest.database.run(
        "INSERT INTO b_sale_order (ID, LID, PERSON_TYPE_ID, STATUS_ID, CANCELED, PAYED, DEDUCTED,"
        " ACCOUNT_NUMBER, DATE_INSERT, DATE_UPDATE, DATE_STATUS, USER_ID, PRICE, CURRENCY, VERSION)"
        " SELECT %s + seq, 's1', 1, 'N', 'N', 'N', 'N', CONCAT('m', seq), NOW(), NOW(), NOW(), 1, 1,"
        " 'RUB', 1 FROM seq_0_to_999",
        first,
    )
    desk.pipeline.sync("orders")
    return list(range(first, first + count))
