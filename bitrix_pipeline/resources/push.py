"""The way back to Bitrix: what waits to be sent, and how a run sends it."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from bitrix_pipeline.bitrix_rest import BitrixShop, rest_client
from bitrix_pipeline.push import Push, PushResult, PushSettings
from bitrix_pipeline.push.desk import Desk, Entry, Status, Work
from bitrix_pipeline.push.diffs import Difference
from bitrix_pipeline.resources.databases import CrmPostgres
from bitrix_pipeline.settings import Settings, load_settings
from bitrix_pipeline.sync.postgres import connect, target_errors


class StatusPush(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Sends statuses through Bitrix's REST API, whose URL is BITRIX_REST_URL alone: a secret."""

    crm: dg.ResourceDependency[CrmPostgres]

    @property
    def settings(self) -> Settings:
        return load_settings()

    @property
    def is_configured(self) -> bool:
        """Whether the CRM is named, and the webhook through which statuses go back."""
        return self.crm.is_configured and self.settings.has_rest_url

    def work(self) -> Work:
        """Whether there is something to send. Raises TransientError, TargetError, SettingsError."""
        with self._desk() as desk:
            return desk.work()

    def differences(self) -> list[Difference]:
        """What a push would take up; raises as `Push.differences` does."""
        with self._push(run_id="") as push:
            return push.differences()

    def push(self, *, run_id: str, allow_mass: bool) -> PushResult:
        """Sends what is due; raises as `Push.run` does."""
        with self._push(run_id=run_id) as push:
            return push.run(allow_mass=allow_mass)

    def status(self) -> Status:
        with self._desk() as desk:
            return desk.status()

    def open_entries(self, limit: int) -> list[Entry]:
        """Orders that wait or were given up, the newest first."""
        with self._desk() as desk:
            return desk.entries(("waiting", "dead"), limit=limit)

    def prune(self) -> int:
        """Deletes the history whose retention has ended; returns how many rows."""
        with self._desk() as desk:
            return desk.prune()

    @contextmanager
    def _push(self, *, run_id: str) -> Iterator[Push]:
        settings = self.settings
        with rest_client(settings) as rest:
            yield Push(
                BitrixShop(rest),
                postgres_url=self.crm.connection_url(),
                settings=PushSettings.of(settings),
                run_id=run_id,
            )

    @contextmanager
    def _desk(self) -> Iterator[Desk]:
        with connect(self.crm.connection_url()) as connection, target_errors():
            yield Desk(connection, PushSettings.of(self.settings))
