"""The address of an incoming webhook, whose path holds the password: here it stays."""

import logging
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from bitrix_pipeline.errors import SettingsError

ADDRESS = "https://shop.example/rest/1/code/"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
PATH = re.compile(r"^(?P<before>.*/rest)/(?P<user>[^/]+)/(?P<code>[^/]+)/$")
IN_TEXT = re.compile(r"(/rest/)[^/\s\"'?]+/[^/\s\"'?]+")
TOLD_BY_URLLIB3 = ("connectionpool", "connection", "response", "util.retry", "poolmanager")


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where Bitrix listens and the code that lets us in."""

    host: str
    """Host and port: all of the address that may be shown."""
    code: SecretStr
    base: SecretStr

    @classmethod
    def parse(cls, url: str) -> "Webhook":
        """Raises SettingsError, without the URL's text."""
        parts = _split(url.strip())
        found = PATH.match(parts.path if parts.path.endswith("/") else f"{parts.path}/")
        if found is None or not parts.hostname or parts.query or parts.fragment:
            raise SettingsError(f"BITRIX_REST_URL must look like {ADDRESS}")
        if "@" in parts.netloc:
            raise SettingsError("BITRIX_REST_URL must hold no user and password before the host")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise SettingsError(
                "BITRIX_REST_URL must begin with https://: the path is a password, and Bitrix "
                "refuses plain http"
            )
        base = f"{parts.scheme}://{parts.netloc}{found.group()}"
        return cls(host=parts.netloc, code=SecretStr(found["code"]), base=SecretStr(base))

    def url_of(self, method: str) -> str:
        return self.base.get_secret_value() + method

    def hide(self, text: str) -> str:
        """The text without the code, which a server may repeat in what it answers."""
        return text.replace(self.code.get_secret_value(), "***")


class HidePath(logging.Filter):
    """Takes webhooks' paths out of log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = IN_TEXT.sub(r"\1***", record.getMessage())
        record.args = None
        # An exception's traceback would be rendered after this filter, with the URL.
        record.exc_info = None
        return True


def hide_webhooks_in_logs() -> None:
    """urllib3 logs the path of each request at DEBUG, and of some at WARNING."""
    for name in TOLD_BY_URLLIB3:
        logger = logging.getLogger(f"urllib3.{name}")
        if not any(isinstance(present, HidePath) for present in logger.filters):
            logger.addFilter(HidePath())


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"}:
        raise SettingsError(f"BITRIX_REST_URL must look like {ADDRESS}")
    return parts
