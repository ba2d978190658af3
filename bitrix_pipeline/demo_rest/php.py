"""PHP's ways with parameters and arrays, where they show in the API."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

MEMBER = re.compile(r"\[([^\]]*)\]")


def parse_str(text: str) -> dict[str, Any]:
    """`fields[statusId]=P&ids[]=1` as nested maps; every value is text."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        keys = [head, *MEMBER.findall(bracket + rest)]
        place = found
        for key in keys[:-1]:
            inner = place.setdefault(key or str(len(place)), {})
            place = inner if isinstance(inner, dict) else {}
        place[keys[-1] or str(len(place))] = value
    return found


def array(values: Mapping[str, Any]) -> dict[str, Any] | list[Any]:
    """As json_encode writes a PHP array: a list if its keys are 0, 1, 2 and so on."""
    if list(values) == [str(place) for place in range(len(values))]:
        return list(values.values())
    return dict(values)


def members(value: Any) -> list[Any]:
    """A list that may have come as a map with the keys 0, 1, 2 and so on."""
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def is_true(value: Any) -> bool:
    """PHP's idea of it: the text "false" is true."""
    return value not in (None, False, 0, 0.0, "", "0", [], {})


def serialize(values: Mapping[str, str]) -> str:
    parts = "".join(_text(part) for pair in values.items() for part in pair)
    return f"a:{len(values)}:{{{parts}}}"


def _text(value: str) -> str:
    return f's:{len(value.encode())}:"{value}";'
