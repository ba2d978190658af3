"""Standard Webhooks 1.0: who may hand events over, told from the raw bytes of three headers.

Strict, because whatever is read generously here is read by strangers' rules.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bitrix_pipeline.errors import SettingsError

ID: Final = b"webhook-id"
TIMESTAMP: Final = b"webhook-timestamp"
SIGNATURE: Final = b"webhook-signature"

TOLERANCE_SECONDS: Final = 300
MOST_CANDIDATES: Final = 16
"""A sender signs with two secrets at most; more is an attempt to guess or to cost."""

MOST_SECRETS: Final = 8
"""Each costs a look at the whole body."""

SECRET_BYTES: Final = range(24, 65)
"""As Standard Webhooks has it."""

PREFIX: Final = "whsec_"
VERSION: Final = b"v1,"

# No dot: "a.1" and "a" with another time would be signed alike.
ID_FORM: Final = re.compile(rb"[!-\-/-~]{1,255}")
TIMESTAMP_FORM: Final = re.compile(rb"[0-9]{1,11}")

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers say, well-formed and recent; nothing is proven before the body is seen."""

    event_id: str
    timestamp: int
    signed_prefix: bytes
    candidates: tuple[bytes, ...]

    def is_proven(self, body: bytes, secrets: Iterable[bytes]) -> bool:
        """Takes the same time whichever secret fits."""
        proven = False
        for secret in secrets:
            mac = hmac.new(secret, self.signed_prefix, hashlib.sha256)
            mac.update(body)
            expected = base64.b64encode(mac.digest())
            for candidate in self.candidates:
                proven |= hmac.compare_digest(expected, candidate)
        return proven


def claim_of(headers: Headers, *, now: int) -> Claim | None:
    """The claim; None when a header is missing, doubled, malformed or out of time."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in {ID, TIMESTAMP, SIGNATURE}:
            if name in found:
                return None
            found[name] = value
    event_id, timestamp = found.get(ID, b""), found.get(TIMESTAMP, b"")
    if not ID_FORM.fullmatch(event_id) or not TIMESTAMP_FORM.fullmatch(timestamp):
        return None
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return None
    candidates = _candidates(found.get(SIGNATURE, b""))
    if not candidates:
        return None
    return Claim(
        event_id.decode("ascii"), int(timestamp), event_id + b"." + timestamp + b".", candidates
    )


def _candidates(header: bytes) -> tuple[bytes, ...]:
    signatures = header.split(b" ", MOST_CANDIDATES)
    if len(signatures) > MOST_CANDIDATES:
        return ()
    return tuple(each.removeprefix(VERSION) for each in signatures if each.startswith(VERSION))


def secrets_of(setting: str) -> tuple[bytes, ...]:
    """The secrets in WEBHOOK_SECRETS. Raises SettingsError, which names a bad one by its place."""
    words = setting.split()
    if not words:
        raise SettingsError(
            "WEBHOOK_SECRETS is not set: write WEBHOOK_SECRETS=whsec_<base64> into the environment"
            " or .env, for instance the word that this prints:"
            ' echo "whsec_$(openssl rand -base64 32)"'
        )
    if len(words) > MOST_SECRETS:
        raise SettingsError(f"WEBHOOK_SECRETS holds more than {MOST_SECRETS} secrets")
    return tuple(_secret(word, place) for place, word in enumerate(words, start=1))


def _secret(word: str, place: int) -> bytes:
    try:
        secret = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not word.startswith(PREFIX) or len(secret) not in SECRET_BYTES:
        raise SettingsError(
            f"secret number {place} of WEBHOOK_SECRETS is malformed: it must be whsec_ and the"
            f" base64 of {SECRET_BYTES.start} to {SECRET_BYTES.stop - 1} bytes"
        )
    return secret


def sign(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """The header webhook-signature that a sender who knows `whsec_…` puts on a webhook."""
    content = f"{event_id}.{timestamp}.".encode() + body
    mac = hmac.new(_secret(secret, 1), content, hashlib.sha256)
    return (VERSION + base64.b64encode(mac.digest())).decode("ascii")
