"""The event that a webhook carries: `order.saved` and its like.

These models parse it, and docs/event.schema.json is generated from them. Types and fields that they
do not know are kept, never refused: a newer module may be talking to an older pipeline.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

ENTITIES: Final = {
    "order": "orders",
    "user": "users",
    "product": "products",
    "category": "categories",
}
"""The first word of a type → the table that it is news of."""

KNOWN_TYPES: Final = (
    "order.saved",
    "order.deleted",
    "order.archived",
    "user.saved",
    "user.deleted",
    "product.saved",
    "product.deleted",
    "category.saved",
    "category.deleted",
)

LARGEST_ID: Final = 2**31 - 1
"""Bitrix's IDs are MySQL's signed int."""

LARGEST_SEQUENCE: Final = 2**63 - 1
"""Postgres' bigint."""

HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")
"""Only an escape can bring one into UTF-8."""

LONGEST_INTEGER: Final = 40
"""Digits; far more than any column holds, and few enough to be parsed at once."""

RawRow = dict[str, Any]
"""A row of Bitrix's under its own column names; values are strings, numbers, booleans or null."""


class UnreadableEventError(ValueError):
    """The body makes no sense; the text says why and repeats nothing of it."""


class Snapshot(BaseModel):
    """What the event is about. All but the ID is optional: without it MySQL is asked.

    Where the shop's MySQL is out of reach, the snapshot itself is written: docs/events.md.
    """

    model_config = ConfigDict(extra="allow")

    id: int = Field(ge=1, le=LARGEST_ID, description="The Bitrix ID of what was saved or deleted.")
    sequence: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_SEQUENCE,
        description="Grows with every event of the sender's outbox: tells events of the same "
        "moment apart.",
    )
    origin: str | None = Field(
        default=None,
        description="What made the change: `site`, `admin`, `rest` (which may be us) or `1c`.",
        examples=["site", "admin", "rest", "1c"],
    )
    order: RawRow | None = Field(default=None, description="The row of b_sale_order.")
    basket: list[RawRow] | None = Field(
        default=None, description="All rows of b_sale_basket of the order."
    )
    properties: list[RawRow] | None = Field(
        default=None,
        description="All rows of b_sale_order_props_value of the order, each with IS_PAYER, "
        "IS_PHONE and IS_EMAIL of its property.",
    )
    user: RawRow | None = Field(
        default=None, description="The row of b_user, without any credential."
    )
    products: list[RawRow] | None = Field(
        default=None, description="What the basket's lines name, each as `product` is."
    )
    product: RawRow | None = Field(
        default=None,
        description="The row of b_iblock_element with `catalog` (its row of b_catalog_product), "
        "`price` (the base price's row of b_catalog_price) and `parent_id`.",
    )
    category: RawRow | None = Field(default=None, description="The row of b_iblock_section.")


class Event(BaseModel):
    """One piece of news."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        min_length=1,
        max_length=100,
        description="What happened. Other types than the listed ones are kept.",
        examples=list(KNOWN_TYPES),
    )
    timestamp: AwareDatetime | None = Field(
        default=None,
        description="When it happened, and so what its snapshot shows, with an offset from UTC. "
        "A snapshot is applied only with it: an older one changes nothing.",
    )
    data: Snapshot

    @property
    def entity(self) -> str | None:
        """The table that it is news of; None for a type of something unknown."""
        return ENTITIES.get(self.type.split(".", 1)[0])


def read_event(body: bytes) -> Event:
    """The event in a webhook's body. Raises UnreadableEventError for one that makes no sense."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableEventError("the body is not UTF-8") from None
    try:
        parsed = json.loads(
            text,
            object_pairs_hook=_unambiguous,
            parse_int=_integer,
            parse_float=str,
            parse_constant=_no_constant,
        )
        if HALF_CHARACTER.search(text):
            _require_text(parsed)
    except RecursionError:
        raise UnreadableEventError("the body is nested too deeply") from None
    except UnreadableEventError:
        raise
    except ValueError:
        raise UnreadableEventError("the body is not JSON") from None
    try:
        event = Event.model_validate(parsed)
    except ValidationError as error:
        raise UnreadableEventError(_in_words(error)) from None
    if "\0" in event.type:
        raise UnreadableEventError("type: holds a character that Postgres cannot")
    return event


def _unambiguous(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise UnreadableEventError("the body names a member twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise UnreadableEventError("the body holds a number that is too long")
    return int(digits)


def _no_constant(_: str) -> NoReturn:
    raise UnreadableEventError("the body is not JSON: NaN and Infinity are no numbers")


def _require_text(value: Any) -> None:
    """Refuses half characters, which neither UTF-8 nor Postgres can hold."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise UnreadableEventError("the body holds half a character")
    elif isinstance(value, dict):
        for name, member in value.items():
            _require_text(name)
            _require_text(member)
    elif isinstance(value, list):
        for member in value:
            _require_text(member)


def _in_words(error: ValidationError) -> str:
    """Without the input: it holds customers' data."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    places = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:3]]
    return "; ".join(places) or "the body is no event"
