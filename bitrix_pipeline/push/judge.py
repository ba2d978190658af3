"""What to do about one order, from what Bitrix has and what the CRM wants: pure rules.

"Newest" is honest to a point. Bitrix tells when its status changed (DATE_STATUS, DATE_CANCELED). The
CRM has no such column, so its change counts from when a push first saw it: at most one push later than
it was. In doubt Bitrix's stands. A sync that meets a conflict first goes by the same rules
(`sync.crm_words`).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bitrix_pipeline.bitrix_rest import OrderState, StatusChange
from bitrix_pipeline.push.ledger import Entry
from bitrix_pipeline.push.mapping import BitrixStatus, StatusMap, Target
from bitrix_pipeline.push.settings import Policy, PushSettings

Step: TypeAlias = Literal["confirm", "write", "give way"]


@dataclass(frozen=True)
class Verdict:
    """The next step, and whether Bitrix had changed since the last look."""

    step: Step
    is_conflict: bool = False


def judge(entry: Entry, state: OrderState, statuses: StatusMap, policy: Policy) -> Verdict:
    now = status_of(state)
    if statuses.means(entry.desired, now):
        return Verdict("confirm")
    if now == entry.seen:
        return Verdict("write")
    return Verdict("write" if _crm_wins(entry, state, policy) else "give way", is_conflict=True)


def change_for(entry: Entry, state: OrderState, settings: PushSettings) -> StatusChange:
    """What Bitrix is told: only what differs, because every save may mail the buyer."""
    target = entry.target
    if target.is_canceled:
        return StatusChange(
            order_id=entry.order_id,
            canceled=True,
            reason=(entry.cancel_reason or "").strip() or settings.cancel_reason,
            expected_version=state.version,
            notify=settings.mails_buyers,
        )
    return StatusChange(
        order_id=entry.order_id,
        status=target.status if target.status != state.status else None,
        canceled=False if state.is_canceled else None,
        expected_version=state.version,
        notify=settings.mails_buyers,
    )


def status_of(state: OrderState) -> BitrixStatus:
    return BitrixStatus(state.status or None, state.is_canceled)


def is_a_third(now: BitrixStatus, before: BitrixStatus, sent: Target) -> bool:
    """Whether it is neither what the order had nor what was sent: sending it again is vain."""
    return now.status not in {before.status, sent.status} or now.is_canceled not in {
        before.is_canceled,
        sent.is_canceled,
    }


def was_saved_between(read: OrderState, written: OrderState) -> bool:
    """Each save counts the version up by one, and the write itself is one save."""
    if read.version is None or written.version is None:
        return False
    return written.version > read.version + 1


def _crm_wins(entry: Entry, state: OrderState, policy: Policy) -> bool:
    if policy != "newest_wins":
        return policy == "crm_wins"
    now, moments = status_of(state), []
    if now.is_canceled != entry.seen.is_canceled:
        moments.append(state.cancellation_changed_at)
    if now.status != entry.seen.status:
        moments.append(state.status_changed_at)
    return all(moment is not None and moment < entry.desired_since for moment in moments)
