"""The client as the settings want it."""

from bitrix_pipeline.bitrix_rest.client import BitrixRest, RestOptions
from bitrix_pipeline.bitrix_rest.rate import parse_rate
from bitrix_pipeline.bitrix_rest.transport import Deadlines
from bitrix_pipeline.bitrix_rest.webhook import Webhook
from bitrix_pipeline.settings import Settings


def rest_client(settings: Settings) -> BitrixRest:
    """Opens nothing yet. Raises SettingsError."""
    return BitrixRest(Webhook.parse(settings.require_rest_url()), options_from(settings))


def options_from(settings: Settings) -> RestOptions:
    return RestOptions(
        rate=parse_rate(settings.bitrix_rest_rate),
        deadlines=Deadlines(
            connect=settings.bitrix_rest_connect_seconds,
            read=settings.bitrix_rest_read_seconds,
            overall=settings.bitrix_rest_overall_seconds,
        ),
        batch_size=settings.bitrix_rest_batch_size,
        ca_bundle=settings.bitrix_rest_ca_bundle,
    )
