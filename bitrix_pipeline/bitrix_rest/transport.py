"""One HTTP exchange with every deadline explicit, whose failures never show the URL.

The exceptions of requests and urllib3 hold the URL, so none of them is chained: they are caught,
turned into ours, and ours is returned once the `except` block has been left.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
import urllib3

from bitrix_pipeline.bitrix_rest.answer import Reply
from bitrix_pipeline.bitrix_rest.errors import (
    AccessRefusedError,
    RestError,
    UnavailableError,
    UnreachableError,
    UnreadableAnswerError,
)
from bitrix_pipeline.bitrix_rest.head_deadline import adapter
from bitrix_pipeline.bitrix_rest.webhook import Webhook, hide_webhooks_in_logs
from bitrix_pipeline.errors import SettingsError

CHUNK_BYTES = 64 * 1024
HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "bitrix-pipeline",
}


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """In seconds."""

    connect: float = 5.0
    read: float = 65.0
    """Between two bytes of an answer. PHP and nginx usually give up after 60."""
    overall: float = 180.0
    """For a call with all its tries and waits."""


class Transport:
    """Posts JSON to the webhook over one kept connection."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        deadlines: Deadlines,
        ca_bundle: str = "",
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if ca_bundle and not Path(ca_bundle).exists():
            raise SettingsError(
                f"BITRIX_REST_CA_BUNDLE names a file that is not there: {ca_bundle}"
            )
        hide_webhooks_in_logs()
        self._webhook = webhook
        self._deadlines = deadlines
        self._max_bytes = max_bytes
        self._clock = clock
        self._session = requests.Session()
        # .netrc would add an Authorization header, and REQUESTS_CA_BUNDLE is not one of our settings.
        self._session.trust_env = False
        self._session.verify = ca_bundle or True
        # With another login's cookie Bitrix answers authorization_error.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(HEADERS)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter())

    def close(self) -> None:
        self._session.close()

    def post(self, method: str, body: bytes, *, until: float) -> Reply | RestError:
        """The whole reply. `until` is the moment of the clock when the call must have ended."""
        left = until - self._clock()
        if left <= 0:
            return UnreachableError(f"{method}: no time was left to call", method=method)
        try:
            with self._session.post(
                self._webhook.url_of(method),
                data=body,
                timeout=(min(self._deadlines.connect, left), min(self._deadlines.read, left)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response, method, until)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = self._failure(error, method)
        return failure

    def _read(self, response: requests.Response, method: str, until: float) -> Reply | RestError:
        received = bytearray()
        for chunk in _chunks(response):
            received += chunk
            if len(received) > self._max_bytes:
                return UnreadableAnswerError(
                    f"{method}: the answer is larger than {self._max_bytes} bytes; "
                    "lower BITRIX_REST_BATCH_SIZE",
                    method=method,
                    status=response.status_code,
                )
            if self._clock() > until:
                return UnavailableError(
                    f"{method}: the answer took longer than {self._deadlines.overall:g} s",
                    method=method,
                    status=response.status_code,
                )
        return Reply(
            status=response.status_code,
            body=bytes(received),
            retry_after=_seconds(response.headers.get("Retry-After")),
        )

    def _failure(self, error: Exception, method: str) -> RestError:
        at = f"{method}: {self._webhook.host}"
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            return AccessRefusedError(
                f"{at} shows a certificate that is not trusted; set BITRIX_REST_CA_BUNDLE to the "
                "file of the authority that signed it",
                method=method,
            )
        if any(isinstance(cause, _NEVER_SENT) for cause in causes):
            return UnreachableError(
                f"{at} cannot be reached; look at BITRIX_REST_URL, the network and the shop",
                method=method,
            )
        if any(isinstance(cause, _TOO_LATE) for cause in causes):
            return UnavailableError(f"{at} did not answer in time", method=method)
        return UnavailableError(f"{at} cut the connection before it had answered", method=method)


_NEVER_SENT = (
    requests.ConnectTimeout,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
)
_TOO_LATE = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """As they arrive: a read that waits for whole blocks would let a trickle pass every deadline."""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        yield chunk


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that it wraps, which requests and urllib3 keep in three places."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or any(cause is known for known in seen):
            continue
        seen.append(cause)
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
        waiting += [part for part in cause.args if isinstance(part, BaseException)]


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
