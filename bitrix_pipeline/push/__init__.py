"""Tells Bitrix what the CRM made of an order's status: each change once, and what became of it.

Relies on `bitrix_rest` to speak and on `sync` for the orders' turn; knows nothing of Dagster.
"""

from bitrix_pipeline.push.errors import MassChangeError
from bitrix_pipeline.push.push import Push
from bitrix_pipeline.push.result import OrderOutcome, PushResult
from bitrix_pipeline.push.settings import PushSettings

__all__ = ["MassChangeError", "OrderOutcome", "Push", "PushResult", "PushSettings"]
