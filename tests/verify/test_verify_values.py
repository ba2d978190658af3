"""The rules for single values, as tables of cases."""

from decimal import Decimal

import pytest

from bitrix_pipeline.verify import values


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        ("", None),
        ("\0", None),
        (" ", " "),
        ("\u200b", "\u200b"),
        ("a\0b", "ab"),
        (" кот ", " кот "),
        ("0", "0"),
    ],
)
def test_text(raw: str | None, expected: str | None) -> None:
    assert values.text(raw) == expected


@pytest.mark.parametrize(
    ("raws", "expected"),
    [
        (("1", "2"), "1"),
        (("", "2"), "2"),
        ((None, "2"), "2"),
        (("\0", "2"), "2"),
        ((" ", "2"), " "),
        ((None, ""), None),
    ],
)
def test_first_text(raws: tuple[str | None, ...], expected: str | None) -> None:
    assert values.first_text(*raws) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Y", True),
        ("y", False),
        ("N", False),
        ("D", False),
        ("", False),
        ("1", False),
        (None, False),
    ],
)
def test_flag(raw: str | None, *, expected: bool) -> None:
    assert values.flag(raw) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        ("0.0000", Decimal(0)),
        ("19.90", Decimal("19.9")),
        ("0.12345678", Decimal("0.12345678")),
        ("1e20", Decimal(10) ** 20),
        ("-3", Decimal(-3)),
    ],
)
def test_number(raw: str | None, expected: Decimal | None) -> None:
    assert values.number(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(None, None), ("0", None), ("0.0000", None), ("12", 12), ("12.0000", 12)],
)
def test_reference(raw: str | None, expected: int | None) -> None:
    assert values.reference(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2024-02-29 00:00:00", True),
        ("2023-02-29 00:00:00", False),
        ("2024-04-31 00:00:00", False),
        ("0000-00-00 00:00:00", False),
        ("2024-00-10 00:00:00", False),
        ("2024-10-00 00:00:00", False),
        ("0000-05-05 00:00:00", False),
        ("0001-01-01 00:00:00", True),
        ("9999-12-31 23:59:59", True),
        ("2024-02-29 10:20:30.123456", True),
    ],
)
def test_possible_times(raw: str, *, expected: bool) -> None:
    assert values.is_possible_time(raw) is expected


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ((None, None, None), None),
        (("2024-01-01 00:00:00", None, "2023-12-31 23:59:59"), "2024-01-01 00:00:00"),
        (("2024-01-01 00:00:00", "2024-01-01 00:00:00.5"), "2024-01-01 00:00:00.5"),
        (("9999-12-31 23:00:00", "10000-01-01 04:59:59"), "10000-01-01 04:59:59"),
    ],
)
def test_latest(instants: tuple[str | None, ...], expected: str | None) -> None:
    assert values.latest(*instants) == expected
