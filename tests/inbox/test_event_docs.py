"""The published description of events is what the code does."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from shop_and_crm import SETTINGS, Crm
from snapshots import apply

from bitrix_pipeline.inbox.event import KNOWN_TYPES, Event, Snapshot, read_event
from bitrix_pipeline.reference import event_schema

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "events.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_schema_is_up_to_date() -> None:
    written = (DOCS / "event.schema.json").read_text(encoding="utf-8")
    assert written == event_schema(), "run `make docs`"


def test_the_page_names_all_types_and_members() -> None:
    names = [*KNOWN_TYPES, *Event.model_fields, *Snapshot.model_fields]
    assert [name for name in names if name not in PAGE] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_an_event(example: str) -> None:
    jsonschema.validate(json.loads(example), json.loads(event_schema()))

    assert read_event(example.encode()).type in KNOWN_TYPES


def test_the_examples_are_applied(bare_crm: Crm) -> None:
    events = [read_event(example.encode()) for example in EXAMPLES]
    full = [event for event in events if event.type != "user.saved"]

    apply(bare_crm, SETTINGS, *full[:1])

    assert bare_crm.row("orders", 5012, "contact_name", "status") == ("Вера Образцова", "new")
    assert bare_crm.cell("users", 123, "email") == "vera@mail.example"
    assert bare_crm.cell("products", 4077, "kind") == "simple"
