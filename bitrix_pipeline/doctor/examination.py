"""The order of an examination: settings, the shop, the CRM, what takes both to see, the way back."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import TypeVar

from bitrix_pipeline.doctor import (
    both,
    crm_access,
    crm_inbox,
    crm_server,
    crm_sync,
    crm_tables,
    pipeline_settings,
    shop_account,
    shop_clock,
    shop_contents,
    shop_rest,
    shop_server,
    shop_tables,
)
from bitrix_pipeline.doctor.crm import Crm, open_crm
from bitrix_pipeline.doctor.finding import Finding, problem
from bitrix_pipeline.doctor.shop import Shop, open_shop
from bitrix_pipeline.doctor.shop_rest import open_rest
from bitrix_pipeline.errors import PermanentError, PipelineError, TransientError
from bitrix_pipeline.settings import Settings

Subject = TypeVar("Subject")
Check = Callable[[Subject], Iterator[Finding]]

# What the account may do comes first: it explains what the other checks cannot see.
SHOP_CHECKS: tuple[Check[Shop], ...] = (
    *shop_server.CHECKS,
    *shop_account.CHECKS,
    *shop_tables.CHECKS,
    *shop_clock.CHECKS,
    *shop_contents.CHECKS,
)
CRM_CHECKS: tuple[Check[Crm], ...] = (
    *crm_server.CHECKS,
    *crm_tables.CHECKS,
    *crm_access.CHECKS,
    *crm_sync.CHECKS,
    *crm_inbox.CHECKS,
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Looks at everything, yielding each finding as soon as it is made.

    Only reads, and never raises for what an operator can mend: that is a finding.
    """
    for check in pipeline_settings.CHECKS:
        yield from check(settings)
    of_shop: list[PipelineError] = []
    of_crm: list[PipelineError] = []
    with ExitStack() as opened:
        shop, findings = open_shop(settings)
        yield from findings
        if shop:
            opened.enter_context(closing(shop))
            yield from _run(SHOP_CHECKS, shop, "MySQL", of_shop)
        crm, findings = open_crm(settings)
        yield from findings
        if crm:
            opened.enter_context(closing(crm))
            yield from _run(CRM_CHECKS, crm, "Postgres", of_crm)
        if shop and crm and not of_shop and not of_crm:
            yield from _run(both.CHECKS, both.Both(shop, crm), "sync", [])
        rest, findings = open_rest(settings)
        yield from findings
        if rest:
            opened.enter_context(closing(rest))
            yield from _run(shop_rest.CHECKS, rest, shop_rest.TOPIC, [])


def _run(
    checks: Iterable[Check[Subject]], subject: Subject, topic: str, hindered: list[PipelineError]
) -> Iterator[Finding]:
    """A check that cannot be made does not keep the others from being made; `hindered` notes why."""
    for check in checks:
        try:
            yield from check(subject)
        except PermanentError as error:
            # One missing right may keep many checks from being made: the first says enough.
            if not hindered:
                yield problem(topic, f"Not everything could be seen: {error}.", "Mend this first.")
            hindered.append(error)
        except TransientError as error:
            hindered.append(error)
            yield problem(
                topic,
                f"The connection was lost or a question took too long: {error}.",
                "Try again; look at the server's load and at its log.",
            )
            return
