"""The way back: whether the webhook lets statuses into Bitrix, and whether they mean something there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bitrix_pipeline.bitrix_rest import (
    OWN_METHOD,
    BitrixRest,
    BitrixShop,
    Deadlines,
    Webhook,
    options_from,
)
from bitrix_pipeline.doctor.clocks import compare_clocks
from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, problem, warning
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.push.mapping import ORDER, status_map
from bitrix_pipeline.push.statuses import statuses_in
from bitrix_pipeline.settings import Settings

TOPIC = "REST"
HOW_TO = "See docs/how-to/push-statuses.md."

DEADLINES = Deadlines(read=15.0, overall=15.0)
"""For one question: all of them are cheap, so a slower answer is itself a finding."""

SCOPE = "sale"


@dataclass(frozen=True)
class Rest:
    """The shop as its webhook shows it."""

    rest: BitrixRest
    settings: Settings

    @property
    def shop(self) -> BitrixShop:
        return BitrixShop(self.rest)

    def close(self) -> None:
        self.rest.close()


def open_rest(settings: Settings) -> tuple[Rest | None, list[Finding]]:
    """A client that asks once, or the finding that tells why there is none."""
    if not settings.has_rest_url:
        return None, [note(TOPIC, "BITRIX_REST_URL is not set: no status goes back to Bitrix.")]
    try:
        webhook = Webhook.parse(settings.require_rest_url())
        options = replace(options_from(settings), tries=1, deadlines=DEADLINES)
        return Rest(BitrixRest(webhook, options), settings), []
    except SettingsError as error:
        return None, [problem(TOPIC, f"{error}.", HOW_TO)]


def check_webhook(rest: Rest) -> Iterator[Finding]:
    user = rest.shop.profile()
    yield ok(TOPIC, f"Bitrix lets the webhook in, as its user {user.id}.")
    if SCOPE not in rest.shop.scope():
        yield problem(
            TOPIC,
            f"The webhook lacks the scope {SCOPE}: it can neither read nor change orders.",
            f"Make a webhook with the scope {SCOPE}, and bitrixpipeline if our module is installed.",
        )


def check_clock(rest: Rest) -> Iterator[Finding]:
    """Bitrix's DATE_STATUS is compared with the CRM's times when the newest wins."""
    asked = datetime.now(UTC)
    said = rest.shop.server_time().astimezone(UTC)
    yield compare_clocks(TOPIC, "PHP", asked=asked, said=said, answered=datetime.now(UTC))


def check_own_method(rest: Rest) -> Iterator[Finding]:
    if rest.shop.orders.has_own_method():
        yield ok(TOPIC, "Our module is there: it checks status and version before it saves.")
    elif rest.settings.push_mails_buyers:
        yield note(
            TOPIC,
            f"The webhook has no method {OWN_METHOD}, so statuses are set by sale.order.update.",
            "Our module also checks the order's version: docs/how-to/connect-bitrix.md.",
        )
    else:
        yield problem(
            TOPIC,
            f"PUSH_MAILS_BUYERS=false, and the webhook has no method {OWN_METHOD}: nothing is sent.",
            "Install our module and give the webhook its scope, or let Bitrix mail.",
        )


def check_mapping(rest: Rest) -> Iterator[Finding]:
    words, in_shop = rest.settings.status_mapping, statuses_in(rest.shop)
    try:
        found = status_map(words, rest.settings.push_status_mapping, in_shop)
    except SettingsError as error:
        yield problem(TOPIC, f"{error}.", HOW_TO)
        return
    if strange := sorted(code for code in words if code not in in_shop):
        yield warning(
            TOPIC,
            f"STATUS_MAPPING names {listed(strange)}, which the shop does not have.",
            "Correct the code: orders with its word are not sent.",
        )
    named = {word for code, word in words.items() if code in in_shop}
    unsent = sorted(named & found.faults.keys())
    if unsent:
        yield note(
            TOPIC,
            f"An order that the CRM sets to {listed(unsent)} is not sent: "
            f"{listed([found.faults[word] for word in unsent])}.",
            "If it shall be, name the code in PUSH_STATUS_MAPPING.",
        )
    count = sum(type_ == ORDER for type_ in in_shop.values())
    yield ok(TOPIC, f"The mapping fits the shop's {count} order statuses.")


CHECKS: tuple[Callable[[Rest], Iterator[Finding]], ...] = (
    check_webhook,
    check_clock,
    check_own_method,
    check_mapping,
)
