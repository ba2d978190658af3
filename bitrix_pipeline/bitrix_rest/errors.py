"""What a REST call can end in, by what may be done about it.

A `TransientError` may be tried again as it is. `UnknownOutcome` is neither that nor permanent: the
write may have been done, so the order is read first. All else waits for a person.
"""

from typing import ClassVar

from bitrix_pipeline.errors import PermanentError, PipelineError, TransientError


class RestError(PipelineError):
    """A call that did not succeed; the text names the method and says what to do."""

    was_not_executed: ClassVar[bool] = False
    """Bitrix certainly did nothing, so that even a write may be sent again."""

    def __init__(
        self, text: str, *, method: str = "", code: str = "", status: int | None = None
    ) -> None:
        super().__init__(text)
        self.method = method
        self.code = code
        """Bitrix's `error`, as text; empty when the answer had none."""
        self.status = status
        """HTTP's; None when there was no answer."""


class UnavailableError(RestError, TransientError):
    """No proper answer: a 5xx, a page of HTML, a cut connection, a deadline that passed."""


class UnreachableError(UnavailableError):
    """The request never left: no connection could be made."""

    was_not_executed = True


class RateLimitError(RestError, TransientError):
    """Too many requests a second, counted over everyone who uses this portal."""

    was_not_executed = True
    retry_after: float | None = None
    """Seconds, if the server named them."""


class OperatingLimitError(RestError, TransientError):
    """The method has used up its ten minutes' share of Bitrix's time."""

    was_not_executed = True
    reset_at: float | None = None
    """The moment, in Unix time, when some of it is given back."""


class SiteClosedError(RestError, TransientError):
    """The shop is closed for maintenance."""

    was_not_executed = True


class OrderLockedError(RestError, TransientError):
    """Another call is changing the order; only our own module tells."""

    was_not_executed = True


class NotExecutedError(RestError, TransientError):
    """A command of a batch that was never begun."""

    was_not_executed = True


class UnknownOutcome(RestError):  # noqa: N818 - it is no error until the order has been read
    """A write was sent and no answer tells whether it was done: read the order before writing."""


class OverloadError(RestError, PermanentError):
    """Bitrix has blocked the account for overload and unblocks it by hand; nothing more is sent."""


class AccessRefusedError(RestError, PermanentError):
    """The webhook, its user's rights or the licence do not allow the call."""


class MissingScopeError(AccessRefusedError):
    """The webhook was made without the scope that the method needs."""


class MethodNotFoundError(RestError, PermanentError):
    """The shop's version, or its set of modules, has no such method."""


class BadRequestError(RestError, PermanentError):
    """Bitrix did not understand the call."""


class RefusedError(RestError, PermanentError):
    """Bitrix, or the shop's own code, understood the call and said no."""


class OrderNotFoundError(RefusedError):
    """The shop has no such order: deleted or archived."""


class VersionConflictError(RefusedError):
    """The order was saved by somebody else since it was read; only our own module tells."""


class NotRestError(RestError, PermanentError):
    """Something answered, and it is no REST API: a redirect, a login page, another server."""


class UnreadableAnswerError(RestError, PermanentError):
    """The answer is too large, or is not what the method promises."""
