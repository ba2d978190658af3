"""A job of the demo, in a Dagster process of its own."""

import json
import subprocess
import sys
from typing import TextIO

import dagster as dg

from bitrix_pipeline.assets.partitions import ID_RANGES
from bitrix_pipeline.cli.playground import Playground, tied_to_us
from bitrix_pipeline.cli.screen import progress, step
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.sync.plan import Progress

LOG_TAIL_LINES = 15


def run_job(ground: Playground, job: str, key: str | None, what: str) -> str:
    """Runs a job in a Dagster process of its own, as the UI would, and returns the run's ID."""
    if key:
        with ground.dagster() as instance:
            instance.add_dynamic_partitions(str(ID_RANGES.name), [key])
    log = ground.dagster_home / f"{job}.log"
    with step(f"Dagster job {job}: {what}"), progress(job) as show, log.open("w") as copy:
        process = subprocess.Popen(
            _command(job, key),
            env=ground.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _follow(process, copy, show)
    if process.returncode:
        tail = "".join(log.read_text().splitlines(keepends=True)[-LOG_TAIL_LINES:])
        raise PermanentError(f"the Dagster job {job} failed; its log {log} ends:\n{tail}")
    with ground.dagster() as instance:
        return instance.get_runs(dg.RunsFilter(job_name=job), limit=1)[0].run_id


def _command(job: str, key: str | None) -> list[str]:
    tags = json.dumps({"dagster/partition": key} if key else {})
    location = ["--module-name", "bitrix_pipeline.definitions"]
    execute = [sys.executable, "-m", "dagster", "job", "execute", *location]
    return tied_to_us([*execute, "-j", job, "--tags", tags])


def _follow(process: "subprocess.Popen[str]", copy: TextIO, show: Progress) -> None:
    """Shows which table is at work; ends the process with us."""
    tables, done = {table.name for table in TABLES}, 0
    try:
        for line in process.stdout or ():
            copy.write(line)
            words = line.split()
            if "STEP_START" in words and (started := tables.intersection(words)):
                show(started.pop(), done, len(tables))
                done += 1
    finally:
        process.terminate() if process.poll() is None and sys.exc_info()[0] else None
        process.wait()
