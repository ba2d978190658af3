"""Both databases with the settings between them: what an asset needs to sync its table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from bitrix_pipeline.model import Table
from bitrix_pipeline.resources.databases import CrmPostgres, ShopMySQL
from bitrix_pipeline.settings import Settings, load_settings
from bitrix_pipeline.sync import Scope, SyncResult, SyncSettings, sync_table
from bitrix_pipeline.sync.equality import Comparison, compare_table
from bitrix_pipeline.sync.plan import Progress
from bitrix_pipeline.sync.postgres import connect, target_errors
from bitrix_pipeline.sync.reports import Reports
from bitrix_pipeline.sync.snapshot import shop_snapshot


class Pipeline(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Syncs and compares tables between the shop and the CRM."""

    shop: dg.ResourceDependency[ShopMySQL]
    crm: dg.ResourceDependency[CrmPostgres]

    @property
    def settings(self) -> Settings:
        return load_settings()

    @property
    def is_configured(self) -> bool:
        """Whether both databases are named: a fresh checkout has neither."""
        return self.shop.is_configured and self.crm.is_configured

    def sync(
        self,
        table: Table,
        scope: Scope,
        *,
        allow_deletions: bool,
        accept_schema: bool,
        progress: Progress,
    ) -> SyncResult:
        """Makes the table equal to the shop within the scope; raises as `sync_table` does."""
        return sync_table(
            table,
            scope,
            mysql_url=self.shop.connection_url(),
            postgres_url=self.crm.connection_url(),
            settings=SyncSettings.of(
                self.settings, allow_deletions=allow_deletions, accept_schema=accept_schema
            ),
            progress=progress,
        )

    @contextmanager
    def reports(self) -> Iterator[Reports]:
        """Questions about the tables as they stand."""
        url, schema = self.crm.connection_url(), self.settings.target_schema
        with connect(url) as connection, target_errors():
            yield Reports(connection, schema)

    def occupied_ranges(self, starts: Mapping[Table, int]) -> dict[str, list[int]]:
        """For each table the numbers of the ID ranges, from an ID on, in which the shop has rows."""
        settings = SyncSettings.of(self.settings)
        with shop_snapshot(self.shop.connection_url(), settings) as shop:
            return {
                table.name: shop.occupied_ranges(table, width=settings.partition_size, start=start)
                for table, start in starts.items()
            }

    def compare(self, table: Table) -> Comparison:
        """How far the table is from the shop."""
        return compare_table(
            table,
            mysql_url=self.shop.connection_url(),
            postgres_url=self.crm.connection_url(),
            settings=SyncSettings.of(self.settings),
        )
