"""The statuses that the shop has: from Postgres, or from Bitrix where they were never synced."""

from psycopg import sql

from bitrix_pipeline.bitrix_rest import BitrixShop
from bitrix_pipeline.push.mapping import StatusMap, status_map
from bitrix_pipeline.push.settings import PushSettings
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target_sql import qualified

TYPES = {"O": "order", "D": "delivery"}


def known_statuses(connection: Connection, settings: PushSettings) -> dict[str, str]:
    """Code → `order` or `delivery`; empty when they were never synced."""
    rows = connection.execute(
        sql.SQL("SELECT id, type FROM {} WHERE deleted_at IS NULL").format(
            qualified(settings.sync.target_schema, "order_statuses")
        )
    )
    return {str(code): str(type_) for code, type_ in rows}


def statuses_in(shop: BitrixShop) -> dict[str, str]:
    """The same as Bitrix tells it. Raises RestError."""
    return {status.id: TYPES.get(status.type, status.type) for status in shop.statuses()}


def read_map(connection: Connection, settings: PushSettings, shop: BitrixShop | None) -> StatusMap:
    """Both directions, checked. Raises SettingsError, or RestError where Bitrix is asked.

    Without a shop to ask and where none were synced it is as the settings say: enough to tell whether
    there are differences.
    """
    words, codes = settings.sync.status_mapping, settings.push_mapping
    known = known_statuses(connection, settings)
    if not known and shop is None:
        return StatusMap(words, codes, faults={})
    if not known and shop is not None:
        known = statuses_in(shop)
    return status_map(words, codes, known)
