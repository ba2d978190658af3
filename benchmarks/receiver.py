"""Measures the webhook receiver: how fast, how much, and what when Postgres does not answer.

    .venv/bin/python benchmarks/receiver.py [--fsync]

The sender runs beside it on the same cores. Prints lines `BENCH name=… value=… unit=…`.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from webhook_load import Load, Sender, new_secret

from bitrix_pipeline.model.migrate import RECEIVER_ROLE, migrate
from bitrix_pipeline.servers import PrivatePostgres

AT_ONCE = 10_000
SUSTAINED = 2_200
"""A second: a little above the goal, so that what is answered is not below it."""

ACCOUNT = "bench_receiver"


@dataclass(frozen=True)
class Running:
    """A receiver, and the Postgres behind it."""

    postgres: PrivatePostgres
    sender: Sender
    process: psutil.Process

    def stored(self) -> int:
        with self.postgres.connect() as connection:
            row = connection.execute("SELECT count(*) FROM bitrix_pipeline.inbox_events").fetchone()
        return int(row[0]) if row else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fsync", action="store_true", help="Postgres writes through to the disk")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each steady load")
    wanted = parser.parse_args()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    with running_receiver(fsync=wanted.fsync) as running:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(running, wanted.seconds))
        report("receiver_memory_mb", running.process.memory_info().rss / 1e6, "MB")
    report("receiver_fsync", int(wanted.fsync), "bool")
    report("receiver_load_average", os.getloadavg()[0], "processes")
    return 0


async def measure(running: Running, seconds: float) -> None:
    sender = running.sender
    await sender.steadily(sender.requests(200), rate=200)

    calm = await sender.steadily(sender.requests(int(100 * seconds)), rate=100)
    latencies("receiver_100", calm)

    sustained = await sender.steadily(sender.requests(int(SUSTAINED * seconds)), rate=SUSTAINED)
    report("receiver_sustained", len(sustained.latencies) / sustained.seconds, "1/s")
    latencies("receiver_sustained", sustained)

    most = await sender.as_fast_as_possible(sender.requests(20_000), connections=64)
    report("receiver_most", len(most.latencies) / most.seconds, "1/s")
    latencies("receiver_most", most)

    before = running.stored()
    burst = await sender.at_once(sender.requests(AT_ONCE))
    report("receiver_at_once", AT_ONCE, "requests")
    report("receiver_at_once_lost", burst.lost, "requests")
    report("receiver_at_once_not_stored", AT_ONCE - (running.stored() - before), "requests")
    report("receiver_at_once_seconds", burst.seconds, "s")

    await measure_frozen(running)


async def measure_frozen(running: Running) -> None:
    sender = running.sender
    requests = sender.requests(201)
    with frozen(running.postgres):
        first = await sender.at_once(requests[:100])
        then = await sender.at_once(requests[100:200])
    refused = first.statuses[503] + then.statuses[503]
    report("receiver_frozen_503", refused, "of 200")
    report("receiver_frozen_503_seconds", max(first.latencies), "s")
    report("receiver_frozen_503_then_seconds", max(then.latencies), "s")
    thawed = time.monotonic()
    while True:
        if (await sender.at_once(requests[200:])).statuses[202]:
            break
        await asyncio.sleep(0.02)
    report("receiver_frozen_recovery_seconds", time.monotonic() - thawed, "s")


@contextlib.contextmanager
def running_receiver(*, fsync: bool) -> Iterator[Running]:
    secret = new_secret()
    with (
        tempfile.TemporaryDirectory(prefix="bench-receiver-") as folder,
        PrivatePostgres(Path(folder) / "postgres", fsync=fsync) as postgres,
    ):
        migrate(postgres.url, target_schema="public")
        with postgres.connect() as admin:
            admin.execute(f"CREATE ROLE {ACCOUNT} LOGIN IN ROLE {RECEIVER_ROLE}")
        environment = {
            **os.environ,
            "RECEIVER_POSTGRES_URL": postgres.url.replace("postgres@", f"{ACCOUNT}@"),
            "WEBHOOK_SECRETS": secret,
        }
        command = [Path(sys.executable).with_name("bitrix-pipeline"), "receive"]
        with subprocess.Popen(
            [*command, "--port", "0", "--metrics-port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().split()[-1]
                yield Running(postgres, Sender(url, secret), psutil.Process(process.pid))
            finally:
                process.terminate()


@contextlib.contextmanager
def frozen(postgres: PrivatePostgres) -> Iterator[None]:
    """Every process of the server stops and none of its connections closes."""
    server = psutil.Process(postgres.pid)
    stopped = [server, *server.children(recursive=True)]
    try:
        for process in stopped:
            # A worker of autovacuum may have ended meanwhile.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def latencies(name: str, load: Load) -> None:
    report(f"{name}_p50", load.percentile_ms(0.50), "ms")
    report(f"{name}_p99", load.percentile_ms(0.99), "ms")
    report(f"{name}_lost", load.lost, "requests")


def report(name: str, value: float, unit: str) -> None:
    print(f"BENCH name={name} value={value:.6g} unit={unit}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
