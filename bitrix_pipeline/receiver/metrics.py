"""What Prometheus is told: counts, times and sizes, never a value out of a request."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
EVENTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Refusal(StrEnum):
    """Why a request was not taken; for the log and the metrics, never for the sender."""

    HEADERS = "signature headers missing, malformed or out of time"
    SIGNATURE = "signature does not match"
    TOKEN = "application token missing or unknown"  # noqa: S105 - a reason, not a token
    CONTENT = "compressed or another content type"
    SIZE = "too large"
    CONFLICT = "same id, another body"
    BUSY = "too much waits already"
    UNAVAILABLE = "Postgres is away or too slow"
    DISCONNECTED = "the sender went away or was too slow"
    ERROR = "an unexpected error"


class Metrics:
    """One process's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "bitrix_receiver_answers",
            "Answers to webhooks.",
            ("entrance", "status"),
            registry=self._registry,
        )
        self._refusals = Counter(
            "bitrix_receiver_refusals", "Why not taken.", ("reason",), registry=self._registry
        )
        self._quarantined = Counter(
            "bitrix_receiver_quarantined",
            "Authentic webhooks that make no sense, received.",
            registry=self._registry,
        )
        self._seconds = Histogram(
            "bitrix_receiver_answer_seconds",
            "From a request's headers to its answer.",
            registry=self._registry,
            buckets=SECONDS,
        )
        self._commit_seconds = Histogram(
            "bitrix_receiver_commit_seconds",
            "Of one commit.",
            registry=self._registry,
            buckets=SECONDS,
        )
        self._commit_events = Histogram(
            "bitrix_receiver_commit_events",
            "Events in one commit.",
            registry=self._registry,
            buckets=EVENTS,
        )
        self._counted_answers: dict[tuple[str, int], Counter] = {}

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """A gauge that is read when Prometheus asks."""
        Gauge(f"bitrix_receiver_{name}", description, registry=self._registry).set_function(value)

    def answered(self, entrance: str, status: int, seconds: float) -> None:
        key = (entrance, status)
        counter = self._counted_answers.get(key)
        if counter is None:
            counter = self._answers.labels(entrance, str(status))
            self._counted_answers[key] = counter
        counter.inc()
        self._seconds.observe(seconds)

    def refused(self, reason: Refusal) -> None:
        self._refusals.labels(reason.name.lower()).inc()

    def quarantined(self) -> None:
        self._quarantined.inc()

    def committed(self, events: int, seconds: float) -> None:
        self._commit_events.observe(events)
        self._commit_seconds.observe(seconds)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)
