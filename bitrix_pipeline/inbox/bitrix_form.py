"""Bitrix's own outgoing webhooks: a form with the event's name, an ID, and secrets.

Bitrix gives them no ID and no signature.
"""

import uuid
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from bitrix_pipeline.inbox.event import LARGEST_ID
from bitrix_pipeline.inbox.store import NewEvent

SOURCE: Final = "bitrix"

KNOWN: Final = {
    "ONSALEORDERSAVED": "order.saved",
    "ONSALEBEFOREORDERDELETE": "order.deleted",
    "ONORDERDELETED": "order.deleted",
}
"""All are of orders; an order that is still there when it is looked at was not deleted."""

MOST_FIELDS: Final = 100
LONGEST_NAME: Final = 100
SECRET_FIELD: Final = "auth"  # noqa: S105 - a name

Form = list[tuple[str, str]]


def form_of(body: bytes) -> Form | None:
    """The fields in their order; None for what is no form or has too many of them."""
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        return None


def event_of(form: Form) -> NewEvent:
    """The event, without the secrets.

    Every POST is an event of its own: two saves within a second are alike to the byte.
    """
    fields = [(name, value) for name, value in form if not _is_secret(name)]
    last = dict(fields)
    name = last.get("event", "").upper()
    entity_id = _order_id(last.get("data[FIELDS][ID]", ""))
    reason = None
    if not name.isalnum() or not name.isascii() or len(name) > LONGEST_NAME:
        name, reason = "", "the form names no event"
    elif name in KNOWN and entity_id is None:
        reason = "data[FIELDS][ID] is no ID"
    is_order = name in KNOWN and reason is None
    return NewEvent(
        source=SOURCE,
        event_id=str(uuid.uuid4()),
        body=urlencode(fields).encode("ascii"),
        sent_at=_time(last.get("ts", "")),
        type=KNOWN.get(name, name) or None,
        entity="orders" if is_order else None,
        entity_id=entity_id if is_order else None,
        quarantine_reason=reason,
    )


def _is_secret(name: str) -> bool:
    """As PHP reads names: blanks before them count for nothing."""
    return name.strip().partition("[")[0].lower() == SECRET_FIELD


def _order_id(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
        return None
    return int(text) if 0 < int(text) <= LARGEST_ID else None


def _time(text: str) -> datetime | None:
    # Ten digits last until the year 2286.
    is_time = text.isascii() and text.isdigit() and len(text) <= len("9999999999")
    return datetime.fromtimestamp(int(text), UTC) if is_time else None
