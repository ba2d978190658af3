"""The two databases."""

import dagster as dg

from bitrix_pipeline.settings import load_settings


class ShopMySQL(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Bitrix shop's MySQL: BITRIX_MYSQL_URL, unless a URL is given."""

    url: str = ""

    def connection_url(self) -> str:
        """Raises SettingsError when there is none."""
        return self.url or load_settings().require_mysql_url()

    @property
    def is_configured(self) -> bool:
        return bool(self.url or load_settings().bitrix_mysql_url.get_secret_value())


class CrmPostgres(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The CRM's Postgres: POSTGRES_URL, unless a URL is given."""

    url: str = ""

    def connection_url(self) -> str:
        """Raises SettingsError when there is none."""
        return self.url or load_settings().require_postgres_url()

    @property
    def is_configured(self) -> bool:
        return bool(self.url or load_settings().postgres_url.get_secret_value())
