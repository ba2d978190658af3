"""Bitrix's codes and the CRM's words, both ways."""

import pytest

from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.push.errors import UnmappedWordError
from bitrix_pipeline.push.mapping import BitrixStatus, StatusMap, Target, status_map

SHOP = {"N": "order", "P": "order", "FL": "order", "F": "order", "DN": "delivery", "DF": "delivery"}
WORDS = {"N": "new", "P": "paid", "F": "completed", "DN": "processing", "DF": "shipped"}


def mapped(words: dict[str, str] | None = None, **push: str) -> StatusMap:
    return status_map(WORDS if words is None else words, push, SHOP)


def has(code: str | None, *, canceled: bool = False) -> BitrixStatus:
    return BitrixStatus(code, canceled)


def fault(statuses: StatusMap, word: str | None) -> str:
    with pytest.raises(UnmappedWordError) as caught:
        statuses.target(word)
    return str(caught.value)


@pytest.mark.parametrize(
    ("now", "word"),
    [
        (has("N"), "new"),
        (has("FL"), "FL"),
        (has("XX"), "XX"),
        (has("P", canceled=True), "canceled"),
        (has(None), None),
    ],
)
def test_a_code_has_the_word_that_a_sync_writes(now: BitrixStatus, word: str | None) -> None:
    assert mapped().word(now) == word


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("new", Target("N", is_canceled=False)),
        ("completed", Target("F", is_canceled=False)),
        ("FL", Target("FL", is_canceled=False)),
        ("canceled", Target(None, is_canceled=True)),
    ],
)
def test_a_word_is_sent_as_its_one_code(word: str, target: Target) -> None:
    assert mapped().target(word) == target


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("lost", "no order status of Bitrix's has this word"),
        ("shipped", "only DF has it, no order status"),
        ("DF", "no order status"),
        (None, "the order has no status in the CRM"),
    ],
)
def test_a_word_that_means_nothing_is_never_guessed(word: str | None, told: str) -> None:
    assert told in fault(mapped(), word)


def test_a_word_of_several_codes_needs_a_name() -> None:
    words = {**WORDS, "FL": "new"}

    assert "Bitrix has FL and N for this word" in fault(mapped(words), "new")
    assert mapped(words, new="N").target("new") == Target("N", is_canceled=False)


def test_whichever_of_several_codes_means_the_word() -> None:
    statuses = mapped({**WORDS, "FL": "new"}, new="N")

    assert statuses.means("new", has("FL"))
    assert statuses.means("new", has("N"))
    assert not statuses.means("new", has("FL", canceled=True))


def test_several_words_may_be_sent_as_one_code() -> None:
    statuses = mapped(packed="P", shipped="F")

    assert statuses.target("packed") == statuses.target("paid") == Target("P", is_canceled=False)
    assert statuses.means("packed", has("P"))
    assert statuses.means("paid", has("P"))
    assert statuses.target("shipped") == Target("F", is_canceled=False)


@pytest.mark.parametrize(
    ("push", "told"),
    [
        ({"new": "QQ"}, "PUSH_STATUS_MAPPING names QQ, which is no order status of the shop's"),
        ({"shipped": "DF"}, "PUSH_STATUS_MAPPING names DF, which is no order status"),
        ({"canceled": "F"}, "PUSH_STATUS_MAPPING names canceled: leave it out"),
    ],
)
def test_a_mapping_that_the_shop_cannot_have_is_refused_at_once(
    push: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        mapped(**push)

    assert told in str(caught.value)


def test_a_word_of_a_code_that_the_shop_does_not_have_is_told_as_that() -> None:
    told = fault(mapped({"N": "new", "ZZ": "paid"}), "paid")

    assert told.startswith("STATUS_MAPPING names ZZ, which the shop does not have")
