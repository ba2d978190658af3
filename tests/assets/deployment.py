"""The code location over one shop and one CRM, with a Dagster instance of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from shop_and_crm import Crm, Pipeline, Shop

from bitrix_pipeline import resources
from bitrix_pipeline.assets.partitions import EVERYTHING, ID_RANGES, SPECIAL_KEYS
from bitrix_pipeline.definitions import build_defs

Result = dg.ExecuteInProcessResult


@dataclass
class Deployment:
    """What `run` does, the UI's Materialize button and the schedules do."""

    pipeline: Pipeline
    instance: dg.DagsterInstance

    @property
    def shop(self) -> Shop:
        return self.pipeline.shop

    @property
    def crm(self) -> Crm:
        return self.pipeline.crm

    def definitions(self) -> dg.Definitions:
        shop = resources.ShopMySQL(url=self.shop.url)
        crm = resources.CrmPostgres(url=self.crm.url)
        return build_defs(
            resources={
                "pipeline": resources.Pipeline(shop=shop, crm=crm),
                "inbox": resources.Inbox(shop=shop, crm=crm),
            }
        )

    def run(
        self,
        job: str = "sync_everything",
        *tables: str,
        partition: str | None = EVERYTHING,
        tags: Mapping[str, str] | None = None,
        **config: Any,
    ) -> Result:
        """Runs a job, or some of its tables, without raising what a step raises."""
        self.register(*SPECIAL_KEYS)
        return (
            self.definitions()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance,
                partition_key=partition,
                asset_selection=[dg.AssetKey(name) for name in tables] or None,
                run_config={"ops": {name: {"config": config} for name in tables}} if config else {},
                tags=tags,
                raise_on_error=False,
            )
        )

    def register(self, *keys: str) -> None:
        self.instance.add_dynamic_partitions(str(ID_RANGES.name), list(keys))

    def registered(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions(str(ID_RANGES.name)))

    def materialized(self, table: str) -> set[str]:
        """The partitions of a table that Dagster shows as materialized."""
        return self.instance.get_materialized_partitions(dg.AssetKey(table))


def materialization(result: Result, table: str, partition: str = EVERYTHING) -> Mapping[str, Any]:
    """The metadata that a run gave one partition of a table, as plain values."""
    [event] = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(table)
        and event.materialization.partition in {partition, None}
    ]
    return {name: value.value for name, value in event.metadata.items()}


def failures(result: Result) -> dict[str, str]:
    """What the UI says of each step that failed."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            told = data.user_failure_data.description if data.user_failure_data else None
            found[str(event.step_key)] = str(told or data.error)
    return found


def check(deployment: Deployment, table: str, name: str) -> dg.AssetCheckEvaluation:
    """The answer of one check, asked by itself."""
    key = dg.AssetCheckKey(dg.AssetKey(table), name)
    job = deployment.definitions().resolve_implicit_global_asset_job_def()
    result = job.get_subset(asset_check_selection={key}).execute_in_process(
        instance=deployment.instance
    )
    return checks(result)[f"{table}:{name}"]


def retries(result: Result) -> int:
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


def checks(result: Result) -> dict[str, dg.AssetCheckEvaluation]:
    """By `table:check`."""
    evaluations: Sequence[dg.AssetCheckEvaluation] = result.get_asset_check_evaluations()
    return {f"{e.asset_key.to_user_string()}:{e.check_name}": e for e in evaluations}
