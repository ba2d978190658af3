"""Which ends of a step another try cannot mend: what a person must mend, and that a person canceled it."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from bitrix_pipeline.errors import PermanentError

CANCELED = "The run was canceled, or its process was told to stop."


@contextmanager
def no_more_tries() -> Iterator[None]:
    """Raises those as a Failure that no RetryPolicy tries again.

    Of a canceled run Dagster's in-process executor would try the step again (dagster-io/dagster#15026);
    told so, it ends the run as canceled.
    """
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    except BaseException as error:
        if _was_canceled(error):
            raise dg.Failure(CANCELED, allow_retries=False) from None
        raise


def _was_canceled(error: BaseException | None) -> bool:
    """Also where an error met on the way out has taken its place."""
    while error and not isinstance(error, dg.DagsterExecutionInterruptedError):
        error = error.__context__
    return error is not None
