"""The rate: never more than Bitrix allows, slower after a complaint, and no waiting without need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_at_hand import RestShop, VirtualClock

from bitrix_pipeline.bitrix_rest import OperatingLimitError, Rate, RestError
from bitrix_pipeline.bitrix_rest.rate import CLOUD, ENTERPRISE, Throttle, parse_rate
from bitrix_pipeline.demo_rest import Bucket
from bitrix_pipeline.demo_rest.limits import Operating

MEASURED = {"operating": 400, "operating_reset_at": 1_000_600.0}


def throttle(rate: Rate | None, clock: VirtualClock) -> Throttle:
    return Throttle(rate, clock=clock, wall_clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("cloud", Rate(burst=50, per_second=2.0)),
        ("enterprise", Rate(burst=250, per_second=5.0)),
        ("off", None),
        ("10/0.5", Rate(burst=10, per_second=0.5)),
    ],
)
def test_a_rate_has_a_name_or_two_numbers(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("rate", [CLOUD, ENTERPRISE, Rate(burst=1, per_second=0.5)])
def test_a_thousand_requests_never_overflow_bitrixs_bucket(rate: Rate) -> None:
    clock = VirtualClock()
    bucket = Bucket(burst=rate.burst, per_second=rate.per_second, clock=clock)
    ours = throttle(rate, clock)

    for _ in range(1_000):
        ours.take()
        assert bucket.accepts()

    assert clock.slept == pytest.approx((1_000 - rate.burst) / rate.per_second, rel=0.02)


@given(pauses=st.lists(st.floats(min_value=0, max_value=30), max_size=200))
def test_requests_at_any_moments_never_overflow_it(pauses: list[float]) -> None:
    clock = VirtualClock()
    bucket = Bucket(burst=5, per_second=2.0, clock=clock)
    ours = throttle(Rate(burst=5, per_second=2.0), clock)

    for pause in pauses:
        clock.now += pause
        ours.take()
        assert bucket.accepts()


def test_a_box_is_not_waited_for() -> None:
    clock = VirtualClock()
    ours = throttle(None, clock)

    for _ in range(1_000):
        ours.take()
    ours.overflowed()
    ours.take()

    assert clock.naps == []


def test_a_complaint_slows_us_down_and_success_speeds_us_up_again() -> None:
    clock = VirtualClock()
    ours = throttle(CLOUD, clock)

    def wait() -> float:
        before = clock.slept
        ours.take()
        return clock.slept - before

    ours.overflowed()
    ours.take()
    slow = wait()
    ours.overflowed()
    ours.take()
    slower = wait()
    for _ in range(20):
        ours.went_well()
    fast = wait()

    assert (slow, slower, fast) == pytest.approx((1.0, 2.0, 0.5))


def test_however_many_complaints_it_never_stops() -> None:
    clock = VirtualClock()
    ours = throttle(CLOUD, clock)

    for _ in range(100):
        ours.overflowed()
        ours.take()

    assert max(clock.naps) <= 8.1


def test_a_method_that_has_nearly_used_up_its_time_waits_and_others_do_not() -> None:
    clock = VirtualClock()
    ours = throttle(None, clock)

    ours.used("sale.order.update", MEASURED)

    assert ours.free_at(["sale.order.update", "sale.order.get"]) == 1_000_600.0
    assert ours.free_at(["sale.order.get"]) is None
    clock.now = 1_000_600.0
    assert ours.free_at(["sale.order.update"]) is None


@pytest.mark.parametrize(
    "time",
    [
        {},
        {"operating": 5.0, "operating_reset_at": 1_000_600},
        {"operating": "x"},
        {"operating": 999},
    ],
)
def test_time_that_is_not_used_up_or_not_told_holds_nothing(time: dict[str, object]) -> None:
    ours = throttle(None, VirtualClock())

    ours.used("sale.order.update", time)

    assert ours.free_at(["sale.order.update"]) is None


def test_a_clock_that_goes_wrong_holds_a_method_for_ten_minutes_at_most() -> None:
    clock = VirtualClock()
    ours = throttle(None, clock)

    ours.hold("sale.order.update", until=clock.now + 86_400)

    assert ours.free_at(["sale.order.update"]) == clock.now + 600


def test_two_who_share_a_bucket_both_get_through(rest_shop: RestShop) -> None:
    clock = rest_shop.clock
    rest_shop.behaves(bucket=Bucket(burst=10, per_second=2.0, clock=clock))
    ours, theirs = (
        rest_shop.client(rate=Rate(burst=10, per_second=2.0), tries=6) for _ in range(2)
    )

    for _ in range(40):
        ours.call("profile")
        theirs.call("profile")

    assert rest_shop.asked.count("profile") > 80, "nobody was ever told to slow down"
    assert clock.slept < 120


def test_bitrixs_ten_minutes_are_respected_before_it_complains(rest_shop: RestShop) -> None:
    rest_shop.behaves(operating=Operating(cost=100, clock=rest_shop.clock))
    rest = rest_shop.client(rate=None)

    outcomes: list[object] = []
    for _ in range(6):
        try:
            outcomes.append(rest.call("profile").time["operating"])
        except RestError as error:
            outcomes.append(type(error))

    assert outcomes[:4] == [100, 200, 300, 400]
    assert outcomes[4:] == [OperatingLimitError] * 2
    assert len(rest_shop.asked) == 4
    rest_shop.clock.now += 600
    rest.call("profile")


def test_a_method_held_for_a_moment_is_waited_for(rest_shop: RestShop) -> None:
    operating = Operating(cost=400, clock=rest_shop.clock)
    rest_shop.behaves(operating=operating)
    rest = rest_shop.client(rate=None)
    rest.call("profile")
    rest_shop.clock.now += 590

    rest.call("profile")

    assert 10 <= rest_shop.clock.slept < 15
