"""The way back: statuses that the CRM changed, and Bitrix as it was told of them.

Here belongs what a person sees of a push and which faults end a run; pushing is in `push`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from bitrix_pipeline.assets.faults import no_more_tries
from bitrix_pipeline.assets.presentation import table_value
from bitrix_pipeline.assets.source import SOURCE_OWNER
from bitrix_pipeline.assets.tables import OWNER, RETRIES
from bitrix_pipeline.bitrix_rest.errors import OverloadError
from bitrix_pipeline.errors import PermanentError, PipelineError, TransientError
from bitrix_pipeline.push import MassChangeError, PushResult
from bitrix_pipeline.push.desk import Entry
from bitrix_pipeline.push.diffs import Difference, table_of
from bitrix_pipeline.resources import StatusPush

DIFFS, BITRIX = "order_status_diffs", "bitrix_order_statuses"
GROUP = "push"
POOL = "bitrix_rest"

PREVIEWED = 50
FAILURES_SHOWN = 50

ENDED_BY_TAG, MASS_CHANGE, OVERLOAD = "push_ended_by", "mass change", "overload"
"""Tells the schedule, and a person who looks at the list of runs, that somebody must decide."""

Metadata = dict[str, dg.MetadataValue]


class PushConfig(dg.Config):
    """What one run may do."""

    allow_mass: bool = False
    """Let this run change more orders than PUSH_MAX_CHANGES."""


@dg.asset(
    name=DIFFS,
    deps=["orders"],
    description=(
        "Orders whose `status` no longer means what Bitrix last said. A run lists them, sends them "
        "to Bitrix's REST API and observes `bitrix_order_statuses`.\n\n"
        "Bitrix's current state is read before anything is written: an order that Bitrix changed "
        "too is a conflict (PUSH_CONFLICT). What Bitrix refuses is tried again in later runs "
        "(PUSH_RETRY_SECONDS) and then given up: `bitrix-pipeline push list --dead`. More than "
        "PUSH_MAX_CHANGES orders at once stop before the first is sent."
    ),
    metadata={"dagster/table_name": "bitrix_pipeline.push_orders"},
    group_name=GROUP,
    owners=[OWNER],
    kinds={"postgres", "pandas"},
    tags={"entity": DIFFS},
    retry_policy=RETRIES,
    pool=POOL,
)
def order_status_diffs(
    context: dg.AssetExecutionContext, config: PushConfig, status_push: StatusPush
) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    with no_more_tries(), _telling_of_faults(context):
        yield dg.MaterializeResult(metadata=diff_metadata(status_push.differences()))
        result = status_push.push(run_id=context.run.run_id, allow_mass=config.allow_mass)
        metadata = push_metadata(result, status_push.open_entries(FAILURES_SHOWN))
    context.log_event(dg.AssetObservation(BITRIX, metadata=metadata))
    _tag(context, result.fault)
    _raise(result.fault)


BITRIX_STATUSES = dg.AssetSpec(
    key=BITRIX,
    deps=[DIFFS],
    description="The orders' statuses in Bitrix, as far as the CRM set them: each push that ran "
    "tells what was sent, confirmed, in conflict and refused.",
    metadata={"dagster/table_name": "b_sale_order"},
    group_name=GROUP,
    owners=[SOURCE_OWNER],
    kinds={"mysql", "rest"},
)


def diff_metadata(differences: Sequence[Difference]) -> Metadata:
    return {
        "orders_that_differ": dg.MetadataValue.int(len(differences)),
        "orders_without_a_meaning": dg.MetadataValue.int(
            sum(difference.target is None for difference in differences)
        ),
        "differences": table_value(table_of(list(differences[:PREVIEWED]))),
    }


def push_metadata(result: PushResult, open_entries: Sequence[Entry]) -> Metadata:
    """The same numbers under the same names for every push: each becomes a chart."""
    import pandas as pd  # noqa: PLC0415 - takes long, and every run of any job loads this module

    metadata: Metadata = {
        name: dg.MetadataValue.int(count) for name, count in result.numbers().items()
    }
    metadata["conflicts"] = table_value(
        pd.DataFrame(
            [
                {"order": o.order_id, "status": o.desired or "", "result": o.kind, "note": o.note}
                for o in result.outcomes
                if o.was_conflict
            ][:FAILURES_SHOWN]
        )
    )
    metadata["failures"] = table_value(
        pd.DataFrame(
            [
                {
                    "order": entry.order_id,
                    "status": entry.desired or "",
                    "state": entry.state,
                    "tries": entry.attempts,
                    "reason": entry.last_error or "",
                }
                for entry in open_entries
            ]
        )
    )
    if result.fault:
        metadata["ended_by"] = dg.MetadataValue.text(type(result.fault).__name__)
    return metadata


@contextmanager
def _telling_of_faults(context: dg.AssetExecutionContext) -> Iterator[None]:
    try:
        yield
    except PermanentError as error:
        _tag(context, error)
        raise


def _tag(context: dg.AssetExecutionContext, fault: PipelineError | None) -> None:
    """Marks a run after which the schedule shall wait for a person."""
    waits_for = {MassChangeError: MASS_CHANGE, OverloadError: OVERLOAD}.get(type(fault))
    if waits_for:
        context.instance.add_run_tags(context.run.run_id, {ENDED_BY_TAG: waits_for})


def _raise(fault: PipelineError | None) -> None:
    """An outage is tried again by the step's RetryPolicy; the rest waits for a person."""
    if fault is None:
        return
    if isinstance(fault, TransientError):
        raise fault
    raise dg.Failure(str(fault), allow_retries=False)


PUSH_ASSETS = [order_status_diffs]
