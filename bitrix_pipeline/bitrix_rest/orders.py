"""Orders: their state, and the changes of status that a push makes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from bitrix_pipeline.bitrix_rest.answer import Answer, integer, mapping, unreadable
from bitrix_pipeline.bitrix_rest.batch import Command
from bitrix_pipeline.bitrix_rest.client import BitrixRest
from bitrix_pipeline.bitrix_rest.errors import MethodNotFoundError, RestError

OWN_METHOD = "bitrixpipeline.order.setstatus"
"""Our PHP module's: it checks the status and the version, and mails buyers only when told to."""


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """What Bitrix says of an order; None for what the answer did not hold."""

    id: int
    status: str
    is_canceled: bool
    is_marked: bool
    version: int | None
    reason_canceled: str | None = None
    reason_marked: str | None = None
    updated_at: datetime | None = None
    status_changed_at: datetime | None = None
    cancellation_changed_at: datetime | None = None
    """When it was canceled, or that was taken back."""


@dataclass(frozen=True, kw_only=True)
class StatusChange:
    """What an order shall become: another status, canceled, or canceled no longer."""

    order_id: int
    status: str | None = None
    canceled: bool | None = None
    reason: str = ""
    """Why it is canceled."""
    expected_version: int | None = None
    """Refuse if the order was saved since; only our own module can."""
    notify: bool | None = None
    """Mail the buyer if the status does so. Only our own module can keep Bitrix from it, and does
    unless told to mail."""

    def __post_init__(self) -> None:
        if self.status is None and self.canceled is None:
            raise ValueError("a change sets the status or cancels")


OrderOutcome: TypeAlias = OrderState | RestError
Probe: TypeAlias = Callable[[], frozenset[str]]


class Orders:
    """The shop's orders."""

    def __init__(self, rest: BitrixRest, *, methods: Probe) -> None:
        self._rest = rest
        self._methods = methods
        self._has_own_method: bool | None = None

    def get(self, ids: Iterable[int]) -> dict[int, OrderOutcome]:
        """The state of each, or why it could not be read."""
        wanted = dict.fromkeys(ids)
        return self._batch({order: Command("sale.order.get", {"id": order}) for order in wanted})

    def change(self, changes: Iterable[StatusChange]) -> dict[int, OrderOutcome]:
        """The state of each after its change, or why there is none; at most one change an order."""
        wanted: dict[int, StatusChange] = {}
        for change in changes:
            if wanted.setdefault(change.order_id, change) is not change:
                raise ValueError(f"order {change.order_id} is to be changed twice at once")
        if not wanted:
            return {}
        return self._batch({order: self._command(change) for order, change in wanted.items()})

    def set_status(
        self,
        order_id: int,
        status: str,
        *,
        expected_version: int | None = None,
        notify: bool | None = None,
    ) -> OrderState:
        """The order after it. Raises RestError."""
        return self._one(
            StatusChange(
                order_id=order_id, status=status, expected_version=expected_version, notify=notify
            )
        )

    def cancel(
        self,
        order_id: int,
        reason: str,
        *,
        expected_version: int | None = None,
        notify: bool | None = None,
    ) -> OrderState:
        """The order after it. Raises RestError."""
        return self._one(
            StatusChange(
                order_id=order_id,
                canceled=True,
                reason=reason,
                expected_version=expected_version,
                notify=notify,
            )
        )

    def uncancel(
        self, order_id: int, *, expected_version: int | None = None, notify: bool | None = None
    ) -> OrderState:
        """The order after it. Raises RestError."""
        return self._one(
            StatusChange(
                order_id=order_id,
                canceled=False,
                expected_version=expected_version,
                notify=notify,
            )
        )

    def has_own_method(self) -> bool:
        """Whether the shop has our PHP module. Raises RestError."""
        if self._has_own_method is None:
            try:
                self._has_own_method = OWN_METHOD in self._methods()
            except MethodNotFoundError:
                self._has_own_method = False
        return self._has_own_method

    def _one(self, change: StatusChange) -> OrderState:
        command = self._command(change)
        state = order_state(
            self._rest.call(command.method, command.params), command, change.order_id
        )
        if isinstance(state, RestError):
            raise state
        return state

    def _command(self, change: StatusChange) -> Command:
        if self.has_own_method():
            return Command(OWN_METHOD, {"id": change.order_id, **_own_parameters(change)})
        return Command("sale.order.update", {"id": change.order_id, "fields": _fields(change)})

    def _batch(self, commands: Mapping[int, Command]) -> dict[int, OrderOutcome]:
        outcomes = self._rest.batch({f"o{order}": command for order, command in commands.items()})
        return {
            order: order_state(outcomes[f"o{order}"], command, order)
            for order, command in commands.items()
        }


def order_state(outcome: Answer | RestError, command: Command, order_id: int) -> OrderOutcome:
    """What an answer says of the order: Bitrix's own methods wrap it, our module's does not."""
    if isinstance(outcome, RestError):
        return outcome
    result = mapping(outcome.result)
    order = mapping(result["order"]) if "order" in result else result
    status = order.get("statusId")
    if integer(order.get("id")) != order_id or not isinstance(status, str | int):
        return unreadable(command.method, f"the answer does not describe order {order_id}")
    return OrderState(
        id=order_id,
        status=str(status),
        is_canceled=_flag(order.get("canceled")),
        is_marked=_flag(order.get("marked")),
        version=integer(order.get("version")),
        reason_canceled=_text(order.get("reasonCanceled")),
        reason_marked=_text(order.get("reasonMarked")),
        updated_at=moment(order.get("dateUpdate")),
        status_changed_at=moment(order.get("dateStatus")),
        cancellation_changed_at=moment(order.get("dateCanceled")),
    )


def moment(value: Any) -> datetime | None:
    """An ISO time with its offset; None for anything else."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else None


def _fields(change: StatusChange) -> dict[str, str]:
    fields = {}
    if change.status is not None:
        fields["statusId"] = change.status
    if change.canceled is not None:
        fields["canceled"] = "Y" if change.canceled else "N"
        fields["reasonCanceled"] = change.reason if change.canceled else ""
    return fields


def _own_parameters(change: StatusChange) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    if change.status is not None:
        parameters["status"] = change.status
    if change.canceled is not None:
        parameters["canceled"] = "Y" if change.canceled else "N"
        parameters["reason"] = change.reason
    if change.expected_version is not None:
        parameters["expectedVersion"] = change.expected_version
    if change.notify is not None:
        parameters["notify"] = "Y" if change.notify else "N"
    return parameters


def _flag(value: Any) -> bool:
    return value is True or value == "Y"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
