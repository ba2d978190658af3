"""The `batch` method: how commands are written, and what came of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias
from urllib.parse import urlencode

from bitrix_pipeline.bitrix_rest.answer import Answer, error_of, integer, mapping
from bitrix_pipeline.bitrix_rest.errors import NotExecutedError, RestError
from bitrix_pipeline.bitrix_rest.webhook import Webhook

LARGEST_BATCH = 50


@dataclass(frozen=True)
class Command:
    """A method with its parameters."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def text(self) -> str:
        """As PHP's parse_str reads it: values are encoded even inside a JSON body."""
        query = urlencode(list(_flat(self.params)))
        return f"{self.method}?{query}" if query else self.method


Commands: TypeAlias = Mapping[str, Command]
Outcome: TypeAlias = Answer | RestError
Outcomes: TypeAlias = dict[str, Outcome]


def parameters(commands: Commands) -> dict[str, Any]:
    """The parameters of a call to `batch`.

    Raises ValueError for a key that is a number: PHP would turn the map into a list.
    """
    numeric = [key for key in commands if key.lstrip("-").isdigit()]
    if numeric:
        raise ValueError(f"a batch's keys must not be numbers: {numeric[0]}")
    # PHP takes the text "false" for true, so halt is a number.
    return {"halt": 0, "cmd": {key: command.text() for key, command in commands.items()}}


def outcomes(commands: Commands, answer: Answer, *, webhook: Webhook) -> Outcomes:
    """What came of each command."""
    parts = mapping(answer.result)
    results, errors = mapping(parts.get("result")), mapping(parts.get("result_error"))
    totals, nexts = mapping(parts.get("result_total")), mapping(parts.get("result_next"))
    times = mapping(parts.get("result_time"))

    def outcome(key: str, command: Command) -> Outcome:
        if key in errors:
            said = errors[key] if isinstance(errors[key], dict) else {"error": errors[key]}
            return error_of(said, method=command.method, status=None, webhook=webhook)
        if key not in results:
            return not_executed(command, "Bitrix left it out of the batch's answer")
        return Answer(
            result=results[key],
            total=integer(totals.get(key)),
            next=integer(nexts.get(key)),
            time=mapping(times.get(key)),
        )

    return {key: outcome(key, command) for key, command in commands.items()}


def not_executed(command: Command, why: str) -> NotExecutedError:
    return NotExecutedError(f"{command.method}: it was not executed, {why}", method=command.method)


def first(commands: Commands, count: int) -> dict[str, Command]:
    return dict(islice(commands.items(), count))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Pairs as PHP's http_build_query writes them: fields[statusId], filter[@id][0]."""
    if isinstance(value, Mapping):
        members = [(str(key), member) for key, member in value.items()]
    elif isinstance(value, list | tuple):
        members = [(str(place), member) for place, member in enumerate(value)]
    else:
        yield name, _text(value)
        return
    for key, member in members:
        yield from _flat(member, f"{name}[{key}]" if name else key)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
