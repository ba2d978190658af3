"""Runs one case in a process of its own and measures it.

A fresh process, because the peak of a process's memory never falls again.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from databases import wal_position

from bitrix_pipeline.servers import PrivatePostgres

ONE_CASE = Path(__file__).with_name("one_case.py")
DEADLINE_SECONDS = 3_600
MEGABYTE = 1_000_000
QUIET_DLT = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


@dataclass(frozen=True)
class Measurement:
    """What a case took. The time is that of the work, without the start of Python."""

    rows: int
    seconds: float
    memory_mb: float
    """Peak of the Python process."""
    wal_mb: float
    changed: int = 0
    """Rows that it wrote, where it knows that."""

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True)
class Bench:
    """Measures cases between one shop and databases of one Postgres."""

    mysql_url: str
    postgres: PrivatePostgres

    def measure(self, case: str, postgres_url: str, table: str = "order_items") -> Measurement:
        """Raises CalledProcessError when the case fails; its words are on stderr."""
        wal_before = wal_position(self.postgres)
        run = subprocess.run(
            [sys.executable, ONE_CASE, case, self.mysql_url, postgres_url, table],
            stdout=subprocess.PIPE,
            check=True,
            timeout=DEADLINE_SECONDS,
            env={**os.environ, **QUIET_DLT},
        )
        wal_mb = (wal_position(self.postgres) - wal_before) / MEGABYTE
        return Measurement(**json.loads(run.stdout.splitlines()[-1]), wal_mb=wal_mb)


def best(measurements: list[Measurement]) -> Measurement:
    """The fastest: what other programs on the machine disturbed least."""
    return min(measurements, key=lambda measurement: measurement.seconds)
