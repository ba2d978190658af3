"""What can go wrong with an event."""

from bitrix_pipeline.errors import PermanentError, TransientError


class EventError(PermanentError):
    """An event that cannot be applied; others can."""


class LeaseLostError(TransientError):
    """Another drain took the events over meanwhile; nothing of this one was written."""
