"""Every setting, with its unit, its default and its reason. Nothing else reads the environment.

Read from the environment, from `.env` in the working directory (development), and from a directory
of secrets, one file a setting (`SECRETS_DIR`, or systemd's `CREDENTIALS_DIRECTORY`).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bitrix_pipeline.errors import SettingsError

DEFAULT_STATUS_MAPPING = {
    "N": "new",
    "P": "paid",
    "F": "completed",
    "DN": "processing",
    "DF": "shipped",
}


class Settings(BaseSettings):
    """The pipeline's settings; names in the environment are these in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    bitrix_mysql_url: SecretStr = Field(
        default=SecretStr(""),
        examples=["mysql://reader:password@shop.example:3306/sitemanager"],
        description="The shop's MySQL: mysql://user:password@host:3306/database. "
        "An account with SELECT alone is enough and best. `?ssl_ca=/path` turns TLS on.",
    )
    postgres_url: SecretStr = Field(
        default=SecretStr(""),
        examples=["postgresql://crm:password@crm.example:5432/postgres"],
        description="The CRM's Postgres: postgresql://user:password@host:5432/database, "
        "a transaction pooler's port as well. The account owns the tables.",
    )
    target_schema: str = Field(
        default="public",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        description="The Postgres schema of users, orders and the other tables.",
    )
    shop_timezone: str = Field(
        default="Europe/Moscow",
        description="The zone in which the shop's naive times are meant.",
    )
    shop_language: str = Field(
        default="ru",
        pattern=r"^[a-z]{2}$",
        description="The language of the names of statuses.",
    )
    status_mapping: Annotated[dict[str, str], NoDecode] = Field(
        default=DEFAULT_STATUS_MAPPING,
        description="Bitrix status code → the CRM's word: YAML or JSON, or the path of such a "
        "file. A code that it lacks stays itself.",
    )
    partition_size: int = Field(
        default=100_000,
        ge=1_000,
        description="IDs in one partition of users, products, orders and order_items.",
    )
    deletion_limit_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="A sync that would delete more than this share of a table stops…",
    )
    deletion_limit_rows: int = Field(
        default=100, ge=0, description="…if that is also more than this many rows."
    )
    watermark_overlap_seconds: int = Field(
        default=600,
        ge=60,
        description="How far before the newest change seen the next look at orders begins: "
        "longer than a PHP request lasts.",
    )
    query_deadline_seconds: int = Field(
        default=300, ge=1, description="For one query, on either side."
    )
    lock_deadline_seconds: int = Field(
        default=900, ge=1, description="For another sync of the same table to end."
    )
    freshness_minutes: int = Field(
        default=20, ge=6, description="A table not synced for this long is stale."
    )

    receiver_postgres_url: SecretStr = Field(
        default=SecretStr(""),
        examples=["postgresql://receiver:password@crm.example:5432/postgres"],
        description="Postgres as the receiver reaches it, with an account that can do nothing but "
        "hand events over: a member of the role bitrix_receiver.",
    )
    webhook_secrets: SecretStr = Field(
        default=SecretStr(""),
        examples=["whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXch whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQh"],
        description="The secrets that sign webhooks, `whsec_…`, separated by spaces: more than one "
        "while they are being changed.",
    )
    bitrix_application_tokens: SecretStr = Field(
        default=SecretStr(""),
        examples=["51856fefc120afa4b628cc82d3935cce"],
        description="The application_token of each outgoing webhook made in Bitrix itself, "
        "separated by spaces; none turns that entrance off.",
    )
    receiver_host: str = Field(
        default="127.0.0.1", description="Where the receiver listens; a TLS proxy stands before it."
    )
    receiver_port: int = Field(default=8087, ge=0, le=65535, description="0 takes a free one.")
    receiver_metrics_port: int = Field(
        default=8088,
        ge=0,
        le=65535,
        description="For /metrics, /healthz and /readyz, on the loopback interface only.",
    )
    webhook_max_bytes: int = Field(
        default=1024 * 1024, ge=1024, description="A larger webhook is answered 413."
    )
    inbox_batch: int = Field(
        default=500, ge=1, le=10_000, description="Events that a drain takes at once."
    )
    inbox_lease_seconds: int = Field(
        default=120,
        ge=10,
        description="After this an event that a killed drain held is taken again.",
    )
    inbox_retry_seconds: tuple[float, ...] = Field(
        default=(5.0, 25.0, 125.0),
        description="Waits before the retries of an event that failed by its own fault, as JSON: "
        "by default the first attempt and three retries. When the last one fails too, it is dead.",
    )
    inbox_linger_seconds: float = Field(
        default=60.0, ge=0, description="A drain waits this long for more news before it ends."
    )
    inbox_retention_days: int = Field(
        default=30, ge=1, description="Events that were applied are kept this long."
    )
    inbox_dead_retention_days: int = Field(
        default=180, ge=1, description="Dead ones and those in quarantine are kept this long."
    )
    inbox_oldest_minutes: float = Field(
        default=5.0, gt=0, description="News that waits longer than this fails a check."
    )

    bitrix_rest_url: SecretStr = Field(
        default=SecretStr(""),
        examples=["https://shop.example/rest/1/code/"],
        description="The incoming webhook through which statuses go back to Bitrix: "
        "https://shop.example/rest/1/code/. All of it is a secret.",
    )
    bitrix_rest_rate: str = Field(
        default="cloud",
        pattern=r"^(cloud|enterprise|off|[1-9]\d*/([1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*))$",
        description="How fast Bitrix may be called: `cloud` (50 at once, then 2 a second), "
        "`enterprise` (250, then 5), `off` for a box of one's own, or such as `20/1.5`.",
    )
    bitrix_rest_ca_bundle: str = Field(
        default="",
        description="A file of certificate authorities, if the shop's certificate is signed by "
        "one of its own.",
    )
    bitrix_rest_connect_seconds: float = Field(
        default=5.0, gt=0, description="For the connection to the shop to be made."
    )
    bitrix_rest_read_seconds: float = Field(
        default=65.0,
        gt=0,
        description="For the shop to begin or to go on answering: longer than its own 60 s.",
    )
    bitrix_rest_overall_seconds: float = Field(
        default=180.0, gt=0, description="For one REST call with all its tries and waits."
    )
    bitrix_rest_batch_size: int = Field(
        default=20,
        ge=1,
        le=50,
        description="Commands in one request: PHP runs them one after the other, up to a second "
        "each, and gives up after 30 to 60 seconds.",
    )

    push_status_mapping: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        description="The CRM's word → the Bitrix order status that it is sent as, where "
        "STATUS_MAPPING read backwards does not say: several codes have one word, or none has it. "
        "YAML or JSON, or the path of such a file.",
    )
    push_conflict: Literal["bitrix_wins", "crm_wins", "newest_wins"] = Field(
        default="bitrix_wins",
        description="Whose status stands when Bitrix's changed too since the last look: "
        "`bitrix_wins`, `crm_wins` or `newest_wins`.",
    )
    push_max_changes: int = Field(
        default=200,
        ge=1,
        description="A push that would change more orders stops before the first and asks: Bitrix "
        "mails buyers when a status changes.",
    )
    push_retry_seconds: tuple[float, ...] = Field(
        default=(60.0, 300.0, 1500.0, 7500.0, 37500.0),
        description="Waits before another try of an order that Bitrix refused, as JSON. It is given "
        "up when the last try failed: as many tries as there are waits, and the first.",
    )
    push_oldest_minutes: float = Field(
        default=60.0, gt=0, description="A status that waits longer than this fails a check."
    )
    push_cancel_reason: str = Field(
        default="Canceled in the CRM",
        pattern=r"\S",
        description="What Bitrix is told when the CRM cancels an order and gives no reason.",
    )
    push_mails_buyers: bool = Field(
        default=True,
        description="Bitrix mails the buyer when the new status is one that does so. `false` keeps it "
        "from that, which takes our module in the shop.",
    )
    push_history_days: int = Field(
        default=365, ge=1, description="The history of what was pushed is kept this long."
    )

    @field_validator("status_mapping", "push_status_mapping", mode="before")
    @classmethod
    def _read_mapping(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = value.strip()
        if text and "\n" not in text and not text.startswith("{") and Path(text).is_file():
            text = Path(text).read_text(encoding="utf-8")
        try:
            # Every value is text: YAML takes NO and ON for booleans, and 01 for a number.
            parsed = yaml.load(text, Loader=yaml.BaseLoader) if text else {}  # noqa: S506 - makes text alone
        except yaml.YAMLError:
            raise ValueError('cannot be read: write YAML or JSON such as {"N": "new"}') from None
        if not isinstance(parsed, Mapping):
            raise ValueError('must be a mapping such as {"N": "new", "F": "completed"}')  # noqa: TRY004 - pydantic wants it
        return {str(code): str(word) for code, word in parsed.items()}

    @field_validator("shop_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be a zone's name such as Europe/Moscow")
        ZoneInfo(value)
        return value

    def require_mysql_url(self) -> str:
        """The shop's URL. Raises SettingsError when it is not set."""
        return _required(self.bitrix_mysql_url, "BITRIX_MYSQL_URL", "mysql://user:password@host/db")

    def require_postgres_url(self) -> str:
        """The CRM's URL. Raises SettingsError when it is not set."""
        return _required(
            self.postgres_url, "POSTGRES_URL", "postgresql://user:password@host:5432/db"
        )

    @property
    def has_rest_url(self) -> bool:
        """Whether statuses go back to Bitrix."""
        return bool(self.bitrix_rest_url.get_secret_value())

    def require_rest_url(self) -> str:
        """The webhook's URL. Raises SettingsError when it is not set."""
        return _required(
            self.bitrix_rest_url, "BITRIX_REST_URL", "https://shop.example/rest/1/code/"
        )


def load_settings(**overrides: Any) -> Settings:
    """The settings as they stand now. Raises SettingsError that names each bad one."""
    secrets = os.environ.get("SECRETS_DIR") or os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return Settings(_secrets_dir=secrets or None, **overrides)
    except ValidationError as error:
        raise SettingsError(_in_words(error)) from None


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for a process that is started with them."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        values[name.upper()] = json.dumps(value) if isinstance(value, dict | tuple) else str(value)
    return values


def _required(secret: SecretStr, name: str, example: str) -> str:
    if value := secret.get_secret_value():
        return value
    raise SettingsError(f"{name} is not set: write {name}={example} into the environment or .env")


def _in_words(error: ValidationError) -> str:
    """Without the input: it may be a secret."""
    faults = [
        f"{'.'.join(map(str, fault['loc'])).upper()} {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(faults)
