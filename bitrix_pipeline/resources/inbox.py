"""The inbox of webhooks: what waits in it, and how a run takes it out."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from bitrix_pipeline.inbox.apply import Apply, FromShop, FromSnapshots
from bitrix_pipeline.inbox.desk import REFUSED, Desk, Entry, Status
from bitrix_pipeline.inbox.drain import Drain, DrainResult, Report
from bitrix_pipeline.inbox.jobs import Due, due
from bitrix_pipeline.inbox.news import DEADLINE_SECONDS, News
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.resources.databases import CrmPostgres, ShopMySQL
from bitrix_pipeline.settings import Settings, load_settings
from bitrix_pipeline.sync import SyncSettings
from bitrix_pipeline.sync.postgres import connect, target_errors


class Inbox(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Drains webhooks into the tables, and answers what is left of them."""

    shop: dg.ResourceDependency[ShopMySQL]
    crm: dg.ResourceDependency[CrmPostgres]

    @property
    def settings(self) -> Settings:
        return load_settings()

    @property
    def is_configured(self) -> bool:
        """Whether Postgres is named; the shop's MySQL may be out of reach by design."""
        return self.crm.is_configured

    def due(self) -> Due:
        """What could be drained now. Raises TransientError or TargetError."""
        url = self.crm.connection_url()
        with connect(url, deadline_seconds=DEADLINE_SECONDS) as connection, target_errors():
            return due(connection)

    def wait_for_news(self, seconds: float) -> bool:
        """True as soon as events are due. Raises TransientError or TargetError."""
        with News(self.crm.connection_url()) as news:
            return news.wait(seconds)

    def drain(self, *, run_id: str, report: Report, most_seconds: float) -> DrainResult:
        """Drains and lingers; raises as `Drain.run` does."""
        return Drain(
            self._apply(),
            postgres_url=self.crm.connection_url(),
            settings=InboxSettings.of(self.settings),
            run_id=run_id,
            report=report,
        ).run(most_seconds=most_seconds)

    def status(self) -> Status:
        with self._desk() as desk:
            return desk.status()

    def latest_refused(self, limit: int) -> list[Entry]:
        """Dead events and those in quarantine, the newest first."""
        with self._desk() as desk:
            return desk.entries(REFUSED, limit=limit)

    def prune(self) -> int:
        """Deletes the events whose retention has ended; returns how many."""
        with self._desk() as desk:
            return desk.prune()

    def _apply(self) -> Apply:
        settings, postgres_url = SyncSettings.of(self.settings), self.crm.connection_url()
        if not self.shop.is_configured:
            return FromSnapshots(postgres_url=postgres_url, settings=settings)
        return FromShop(
            mysql_url=self.shop.connection_url(), postgres_url=postgres_url, settings=settings
        )

    @contextmanager
    def _desk(self) -> Iterator[Desk]:
        with connect(self.crm.connection_url()) as connection, target_errors():
            yield Desk(connection, InboxSettings.of(self.settings))
