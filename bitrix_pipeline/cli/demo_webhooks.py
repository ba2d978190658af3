"""The demo's third act: webhooks, from the shop through the receiver and the daemon to Postgres."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import median, quantiles

import dagster as dg
import psycopg
from rich.table import Table as ScreenTable

from bitrix_pipeline.cli.playground import DATABASE, Playground, tied_to_us
from bitrix_pipeline.cli.screen import number_columns, step
from bitrix_pipeline.demo.shop_news import ShopNews, make_news
from bitrix_pipeline.demo.webhooks import send, webhooks
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.inbox.desk import STATES, Desk
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync.postgres import connect

ORDERS = 12
LINGER_SECONDS = 3.0
DRAIN_SECONDS = 90
STOP_SECONDS = 20
JOB = "drain_inbox"
ANSWERS = {
    202: "stored",
    200: "known already",
    401: "not authentic",
    409: "another body under a known ID",
}


@dataclass(frozen=True)
class WebhookNumbers:
    """What became of the webhooks."""

    news: ShopNews
    answers: Counter[int]
    states: dict[str, int]
    delays: list[float]
    """Seconds from receipt to row."""


def send_webhooks(ground: Playground, *, seed: int) -> WebhookNumbers:
    """Something happens in the shop, its webhooks arrive, and Dagster's sensor has them applied."""
    with closing(ground.shop_admin()) as admin:
        news = make_news(admin, DATABASE, orders=ORDERS, seed=seed)
    with (
        _process(ground, [sys.executable, "-m", "bitrix_pipeline.receiver"]) as receiver,
        _process(
            ground,
            [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"],
            log="daemon.log",
        ),
    ):
        url = _address(receiver)
        with step(f"Webhooks of {2 * ORDERS} orders: signed, one twice, one forged, one malformed"):
            secret = ground.settings.webhook_secrets.get_secret_value()
            answers = send(url, webhooks([*news.placed, *news.edited], secret))
        with step("Dagster's sensor drains the inbox"):
            _wait_until_drained(ground)
    states, delays = _outcome(ground)
    return WebhookNumbers(news, answers, states, delays)


def webhooks_table(numbers: WebhookNumbers) -> ScreenTable:
    table = ScreenTable(title="Webhooks → inbox → Postgres")
    table.add_column("what", no_wrap=True)
    number_columns(table, ("count",))
    for status, count in sorted(numbers.answers.items()):
        table.add_row(f"answered {status}, {ANSWERS.get(status, '')}", str(count))
    for state in STATES:
        if numbers.states[state]:
            table.add_row(f"events {state}", str(numbers.states[state]))
    table.add_row("new buyers and products that came along", _strangers(numbers.news))
    delays = numbers.delays or [0.0]
    table.add_row("seconds from receipt to row, median", f"{median(delays):.1f}")
    table.add_row("seconds from receipt to row, 95 %", f"{_percentile_95(delays):.1f}")
    return table


def _strangers(news: ShopNews) -> str:
    return str(news.new_users + news.new_products)


def _percentile_95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


@contextmanager
def _process(
    ground: Playground, command: list[str], *, log: str = ""
) -> "Iterator[subprocess.Popen[str]]":
    """A process of its own session, which ends with the block."""
    output = (ground.dagster_home / log).open("w") if log else subprocess.PIPE
    process = subprocess.Popen(
        tied_to_us(command),
        env={**ground.environment(), "INBOX_LINGER_SECONDS": str(LINGER_SECONDS)},
        cwd=ground.dagster_home,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(receiver: "subprocess.Popen[str]") -> str:
    """Where it says that it takes webhooks."""
    said = []
    for line in islice(receiver.stdout or (), 20):
        said.append(line)
        if line.startswith("Webhooks: "):
            return line.removeprefix("Webhooks: ").strip()
    raise PermanentError(f"the receiver did not start: {''.join(said)}")


def _wait_until_drained(ground: Playground) -> None:
    """Until no event waits and the run has told Dagster what it did."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        with connect(ground.settings.require_postgres_url()) as connection:
            backlog = Desk(connection, InboxSettings()).status().backlog
        if not backlog and not _is_draining(ground):
            return
        time.sleep(0.5)
    raise PermanentError(
        f"the inbox was not drained within {DRAIN_SECONDS} s; see {ground.dagster_home}/daemon.log"
    )


def _is_draining(ground: Playground) -> bool:
    with ground.dagster() as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name=JOB), limit=1)
    return not runs or not runs[0].is_finished


def _outcome(ground: Playground) -> tuple[dict[str, int], list[float]]:
    with psycopg.connect(ground.settings.require_postgres_url()) as connection:
        states: dict[str, int] = dict(
            connection.execute(
                "SELECT state, count(*) FROM bitrix_pipeline.inbox_jobs GROUP BY state"
            ).fetchall()
        )
        rows = connection.execute(
            "SELECT extract(epoch FROM finished_at - received_at)::float8"
            " FROM bitrix_pipeline.inbox_events JOIN bitrix_pipeline.inbox_jobs ON event = id"
            " WHERE state = 'done'"
        ).fetchall()
    return {state: states.get(state, 0) for state in STATES}, [float(row[0]) for row in rows]
