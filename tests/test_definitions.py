"""The code location as Dagster loads it: what it holds, and that loading needs nothing."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from bitrix_pipeline.assets.partitions import PARTITIONED_TABLES
from bitrix_pipeline.assets.presentation import column_lineage, column_map
from bitrix_pipeline.assets.source import WEBHOOKS, source_key
from bitrix_pipeline.assets.tables import GROUP, INBOX, WITHOUT_NEWS
from bitrix_pipeline.definitions import build_defs, defs
from bitrix_pipeline.model import TABLES, Table
from bitrix_pipeline.model.postgres import metadata
from bitrix_pipeline.settings import Settings

ROOT = Path(__file__).parent.parent
SPECS = {s.key: s for s in sorted(defs.resolve_all_asset_specs(), key=lambda s: s.key)}

LOADS_ALONE = """
import socket
from bitrix_pipeline import settings

def refuse(*_, **__):
    raise AssertionError("loading must not need this")

socket.socket.connect = refuse
settings.Settings.__init__ = refuse
import bitrix_pipeline.definitions
"""

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
each_asset = pytest.mark.parametrize("spec", SPECS.values(), ids=lambda s: s.key.to_user_string())


def spec_of(table: Table) -> dg.AssetSpec:
    return SPECS[dg.AssetKey(table.name)]


def without_settings() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k.lower() not in Settings.model_fields}


def test_loading_needs_no_setting_and_no_network_and_warns_of_nothing(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADS_ALONE],
        cwd=tmp_path,
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (loaded.returncode, loaded.stderr, loaded.stdout) == (0, "", "")


def test_loading_takes_no_library_that_only_some_runs_need(tmp_path: Path) -> None:
    """A run imports all of this anew, and a webhook waits for that when no drain lingers."""
    loads = "import bitrix_pipeline.definitions, sys; print({'pandas', 'alembic'} & {*sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", loads], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert loaded.stdout == "set()\n"


def test_the_workspace_loads_as_dagsters_own_server_loads_it(tmp_path: Path) -> None:
    validated = subprocess.run(
        [
            *(sys.executable, "-m", "dagster", "definitions", "validate"),
            *("--load-with-grpc", "--workspace", ROOT / "workspace.yaml"),
        ],
        cwd=tmp_path,
        env={**without_settings(), "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert validated.returncode == 0, validated.stderr
    assert "Validation successful for code location bitrix_pipeline." in validated.stdout


def test_all_definitions_fit_together() -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_a_caller_may_bring_resources_of_its_own() -> None:
    brought = build_defs(resources={"pipeline": "of a test"})

    assert dict(brought.resources or {})["pipeline"] == "of a test"


@each_asset
def test_every_asset_says_what_it_is_and_whose(spec: dg.AssetSpec) -> None:
    assert spec.description
    assert spec.owners
    assert spec.kinds
    assert spec.group_name in {GROUP, "bitrix_shop", "inbox", "push"}
    assert spec.key == WEBHOOKS.key or spec.metadata["dagster/table_name"]


@each_table
def test_a_tables_columns_are_shown_as_they_are_in_postgres(table: Table) -> None:
    shown = spec_of(table).metadata["dagster/column_schema"]
    made = metadata("public").tables[f"public.{table.name}"].columns

    assert [column.name for column in shown.columns] == [column.name for column in made]
    for column in shown.columns:
        is_filled = table.has_text_key or column.name != "id"
        assert column.description, column.name
        assert column.type.upper() in {
            str(made[column.name].type),
            "TIMESTAMP WITH TIME ZONE",
        }, column.name
        if is_filled and column.name in {c.name for c in table.columns}:
            assert column.constraints.nullable == made[column.name].nullable, column.name


@each_table
def test_columns_with_a_persons_data_are_tagged(table: Table) -> None:
    shown = spec_of(table).metadata["dagster/column_schema"]
    tagged = {column.name for column in shown.columns if "pii" in column.tags}

    assert tagged == {column.name for column in table.columns if column.is_personal}


@each_table
def test_the_lineage_leads_each_column_to_the_columns_it_is_made_of(table: Table) -> None:
    lineage = column_lineage(table).deps_by_column
    told = {
        name: {f"{dep.asset_key.path[-1]}.{dep.column_name}" for dep in deps}
        for name, deps in lineage.items()
    }

    assert told == {
        "id": {table.key},
        **{column.name: set(column.source.inputs) for column in table.columns},
    }
    upstream = {dep.asset_key for dep in spec_of(table).deps}
    assert {dep.asset_key for deps in lineage.values() for dep in deps} <= upstream


@each_table
def test_the_lineage_can_be_read_where_dagster_does_not_draw_it(table: Table) -> None:
    spec = spec_of(table)
    shown = {c.name: c.description for c in spec.metadata["dagster/column_schema"].columns}

    for column in table.columns:
        sources = ", ".join(column.source.inputs)
        assert f"← {sources}" in str(shown[column.name])
        line = f"| `{column.name}` | {column.type.value} | "
        assert line + "<br>".join(f"`{i}`" for i in column.source.inputs) in column_map(table)
    assert spec.metadata["column_map"].value == column_map(table)


@each_table
def test_a_tables_parents_and_sources_are_upstream_of_it(table: Table) -> None:
    upstream = {dep.asset_key for dep in spec_of(table).deps}
    parents = {str(column.references) for column in table.references} - {table.name}

    assert upstream == {
        *map(source_key, table.source_tables),
        *(dg.AssetKey(parent) for parent in parents),
        *([] if table.name in WITHOUT_NEWS else [dg.AssetKey(INBOX)]),
    }


@each_table
def test_a_range_of_a_child_may_refer_to_any_range_of_its_parent(table: Table) -> None:
    for dep in spec_of(table).deps:
        both = {dep.asset_key.path[-1], table.name} <= set(PARTITIONED_TABLES)
        expected = dg.AllPartitionMapping if both else type(None)
        assert isinstance(dep.partition_mapping, expected), dep.asset_key


def test_each_table_has_a_pool_so_that_no_two_syncs_of_it_run_at_once() -> None:
    graph = defs.resolve_asset_graph()

    pools = {table.name: graph.get(dg.AssetKey(table.name)).pools for table in TABLES}

    assert pools == {table.name: {table.name} for table in TABLES}


def test_all_assets(snapshot: SnapshotAssertion) -> None:
    assert "\n".join(asset_lines()) == snapshot


def test_all_jobs(snapshot: SnapshotAssertion) -> None:
    lines = []
    for job in sorted(build_defs().jobs or (), key=lambda job: str(job.name)):
        resolved = defs.resolve_job_def(str(job.name))
        lines += [f"{resolved.name}: {resolved.description}"]
        lines += [f"  tag {name} = {value}" for name, value in sorted(resolved.tags.items())]
        lines += [f"  step {name}" for name in sorted(node.name for node in resolved.nodes)]
    assert "\n".join(lines) == snapshot


def test_all_schedules_and_sensors(snapshot: SnapshotAssertion) -> None:
    repository = defs.get_repository_def()
    lines = [
        f"{each.name}: {each.cron_schedule} {each.execution_timezone or 'UTC'} → {each.job_name}, "
        f"{each.default_status.value}: {each.description}"
        for each in sorted(repository.schedule_defs, key=lambda each: each.name)
    ]
    lines += [
        f"{each.name}: every {each.minimum_interval_seconds} s"
        f" → {', '.join(target.job_name for target in each.targets) or 'no job'}, "
        f"{each.default_status.value}: {each.description}"
        for each in sorted(repository.sensor_defs, key=lambda each: each.name)
    ]
    assert "\n".join(lines) == snapshot


def test_all_checks(snapshot: SnapshotAssertion) -> None:
    graph = defs.resolve_asset_graph()
    lines = [
        f"{key.to_user_string()}: {graph.get_check_spec(key).description}"
        for key in sorted(graph.asset_check_keys)
    ]
    assert "\n".join(lines) == snapshot


def asset_lines() -> list[str]:
    """An asset in some lines, as a person would list it; `code_version` follows the model."""
    lines = []
    for key, spec in SPECS.items():
        kinds = ", ".join(sorted(spec.kinds))
        lines += [f"{key.to_user_string()} ({kinds}; {spec.group_name}; {', '.join(spec.owners)})"]
        lines += [f"  {line}" for line in str(spec.description).splitlines() if line]
        partitions = spec.partitions_def
        if isinstance(partitions, dg.DynamicPartitionsDefinition):
            lines += [f"  partitions: {partitions.name}"]
        if isinstance(spec.freshness_policy, dg.FreshnessPolicy):
            lines += ["  has a freshness policy"]
        for dep in spec.deps:
            mapped = dep.partition_mapping is not None
            mapping = f" ({type(dep.partition_mapping).__name__})" if mapped else ""
            lines += [f"  ← {dep.asset_key.to_user_string()}{mapping}"]
        schema = spec.metadata.get("dagster/column_schema")
        for column in schema.columns if schema else ():
            marks = "".join(f", {tag}" for tag in column.tags)
            marks += "" if column.constraints.nullable else ", not null"
            marks += ", unique" if column.constraints.unique else ""
            lines += [f"  {column.name} {column.type}{marks}: {column.description}"]
    return lines
