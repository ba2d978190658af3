"""Bitrix's status codes and the CRM's words, both ways.

Forwards every code has a word: that of STATUS_MAPPING, or itself. Backwards a word has a code when
exactly one order status has that word, or when PUSH_STATUS_MAPPING names one; else nothing is sent.
Cancellation is no status in Bitrix but a flag beside it, and the CRM's word for it is `canceled`.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.push.errors import UnmappedWordError

CANCELED = "canceled"
ORDER = "order"


@dataclass(frozen=True)
class BitrixStatus:
    """What Bitrix has of an order, as far as a push is concerned."""

    status: str | None
    is_canceled: bool

    def __str__(self) -> str:
        code = self.status or "no status"
        return f"{code}, canceled" if self.is_canceled else code


@dataclass(frozen=True)
class Target:
    """What an order shall become; `status` None leaves the code alone."""

    status: str | None
    is_canceled: bool

    def is_met_by(self, now: BitrixStatus) -> bool:
        return now.is_canceled == self.is_canceled and self.status in {None, now.status}

    def __str__(self) -> str:
        return "CANCELED=Y" if self.is_canceled else f"STATUS_ID={self.status}"


@dataclass(frozen=True)
class StatusMap:
    """Both directions for one shop."""

    words: Mapping[str, str]
    """Of every code that is in the settings or in the shop."""
    codes: Mapping[str, str]
    """The one code that a word is sent as."""
    faults: Mapping[str, str]
    """Why a word that some code has cannot be sent."""

    def word(self, now: BitrixStatus) -> str | None:
        """The CRM's word for what Bitrix has, as a sync writes it."""
        if now.is_canceled:
            return CANCELED
        return None if now.status is None else self.words.get(now.status, now.status)

    def target(self, word: str | None) -> Target:
        """What Bitrix shall have. Raises UnmappedWordError."""
        if word == CANCELED:
            return Target(None, is_canceled=True)
        code = self.codes.get(word) if word else None
        if code is not None:
            return Target(code, is_canceled=False)
        if word is None:
            raise UnmappedWordError("the order has no status in the CRM")
        fault = self.faults.get(word, "no order status of Bitrix's has this word")
        raise UnmappedWordError(f"{fault}: name its code in PUSH_STATUS_MAPPING")

    def means(self, word: str | None, now: BitrixStatus) -> bool:
        """Whether Bitrix has what the word says, under whichever of several codes."""
        if self.word(now) == word:
            return True
        try:
            return self.target(word).is_met_by(now)
        except UnmappedWordError:
            return False


def status_map(
    status_mapping: Mapping[str, str], push_mapping: Mapping[str, str], shop: Mapping[str, str]
) -> StatusMap:
    """`shop` holds its codes with their types, `order` or `delivery`.

    Raises SettingsError when PUSH_STATUS_MAPPING names what the shop does not have.
    """
    _check(push_mapping, shop)
    words = {**{code: code for code in shop}, **status_mapping}
    found: dict[str, list[str]] = defaultdict(list)
    for code, word in words.items():
        if word != CANCELED:
            found[word].append(code)
    codes, faults = {}, {}
    for word, candidates in found.items():
        fit = sorted(code for code in candidates if shop.get(code) == ORDER)
        if len(fit) == 1:
            codes[word] = fit[0]
        elif fit:
            faults[word] = f"Bitrix has {' and '.join(fit)} for this word"
        elif strange := sorted(code for code in candidates if code not in shop):
            faults[word] = (
                f"STATUS_MAPPING names {' and '.join(strange)}, which the shop does not have"
            )
        else:
            faults[word] = f"only {' and '.join(sorted(candidates))} has it, no order status"
    return StatusMap(words, {**codes, **push_mapping}, faults)


def _check(push_mapping: Mapping[str, str], shop: Mapping[str, str]) -> None:
    if CANCELED in push_mapping:
        raise SettingsError(
            f"PUSH_STATUS_MAPPING names {CANCELED}: leave it out, it is Bitrix's flag CANCELED"
        )
    strange = {code for code in push_mapping.values() if shop.get(code) != ORDER}
    if strange:
        known = ", ".join(sorted(code for code, type_ in shop.items() if type_ == ORDER))
        raise SettingsError(
            f"PUSH_STATUS_MAPPING names {', '.join(sorted(strange))}, which is no order status of "
            f"the shop's: it has {known}"
        )
