"""The demo's third act: webhooks, from the shop through the receiver and the daemon to Postgres."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from statistics import median, quantiles

import dagster as dg
import psycopg
from rich.table import Table as ScreenTable

from bitrix_pipeline.cli.playground import DATABASE, Playground, tied_to_us
from bitrix_pipeline.cli.screen import number_columns, step
from bitrix_pipeline.demo.shop_module import Noted, ShopModule, shop_module
from bitrix_pipeline.demo.shop_news import ShopNews, make_news
from bitrix_pipeline.demo.webhooks import oddities, send, webhooks
from bitrix_pipeline.errors import PermanentError
from bitrix_pipeline.inbox.desk import STATES, Desk
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.sync.postgres import connect

ORDERS = 12
LINGER_SECONDS = 3.0
PATIENCE_SECONDS = 90
TWICE = 1
"""The one that is sent twice is stored once more than the orders that are new."""
STOP_SECONDS = 20
JOB = SENSOR = "drain_inbox"
STORED = 202
ANSWERS = {
    STORED: "stored",
    200: "known already",
    401: "not authentic",
    409: "another body under a known ID",
}


@dataclass(frozen=True)
class Sender:
    """Who tells of saved orders: the shop's module, or Python in its place; and what came of it."""

    module: ShopModule | str
    secret: str = field(repr=False)
    answers: Counter[int] = field(default_factory=Counter)
    noted: dict[int, Noted] = field(default_factory=dict)
    """By order, as the module put them into its outbox."""

    def __str__(self) -> str:
        if isinstance(self.module, str):
            return f"Python, as {self.module}"
        return f"the module's own sender, in PHP {self.module.version}"

    def tell(self, url: str, orders: Sequence[int]) -> None:
        if isinstance(self.module, str):
            self.answers.update(send(url, webhooks(orders, self.secret)))
            return
        self.noted.update(self.module.note_saved(orders))
        delivered = self.module.send(url, self.secret)
        if delivered != len(orders):
            raise PermanentError(f"of {len(orders)} saved orders the module told of {delivered}")
        self.answers[STORED] += delivered


@dataclass(frozen=True)
class WebhookNumbers:
    """What became of the webhooks; delays are seconds from receipt to row."""

    news: ShopNews
    sender: Sender
    states: dict[str, int]
    delays_to_inbox: list[float]
    """From the shop's outbox; empty where the module could not work."""
    delays_cold: list[float]
    """Of those for which a run had to be started."""
    delays_lingering: list[float]
    """Of those that a drain took while it lingered."""


def send_webhooks(ground: Playground, *, seed: int) -> WebhookNumbers:
    """Something happens in the shop, its webhooks arrive, and Dagster's sensor has them applied."""
    secret = ground.settings.webhook_secrets.get_secret_value()
    sender = Sender(shop_module(ground.mysql_server_url, DATABASE), secret)
    with closing(ground.shop_admin()) as admin:
        news = make_news(admin, DATABASE, orders=ORDERS, seed=seed)
        if isinstance(sender.module, ShopModule):
            sender.module.install(admin)
    started = time.time()
    with (
        _process(ground, [sys.executable, "-m", "bitrix_pipeline.receiver"]) as receiver,
        _process(
            ground,
            [sys.executable, "-m", "dagster._daemon", "run", "-w", "workspace.yaml"],
            log="daemon.log",
        ),
    ):
        url = _address(receiver)
        with step("A receiver of webhooks and Dagster's daemon started"):
            _wait(ground, "the daemon did not start", _watches_since(started))
        with step(f"Webhooks of {ORDERS} new orders, sent by {sender}"):
            sender.tell(url, news.placed)
        with step("Webhooks of strangers: one twice, one forged, one malformed"):
            sender.answers.update(send(url, oddities(news.placed, secret)))
            _wait(ground, "the inbox was not drained", _is_drained)
        with step(f"Webhooks of {ORDERS} edited orders, while the drain lingers"):
            sender.tell(url, news.edited)
            _wait(ground, "the inbox was not drained", _is_drained)
        with step("The drain has told Dagster which tables and ranges it wrote"):
            _wait(ground, "the drain did not end", _has_ended)
    received, delays = _delays(ground)
    to_inbox = [received[order] - noted.at for order, noted in sender.noted.items()]
    cold = len(news.placed) + TWICE
    return WebhookNumbers(news, sender, _states(ground), to_inbox, delays[:cold], delays[cold:])


def webhooks_table(numbers: WebhookNumbers) -> ScreenTable:
    table = ScreenTable(title="Webhooks → inbox → Postgres")
    table.add_column("what", no_wrap=True)
    number_columns(table, ("count",))
    for status, count in sorted(numbers.sender.answers.items()):
        table.add_row(f"answered {status}, {ANSWERS.get(status, '')}", str(count))
    for state in STATES:
        if numbers.states[state]:
            table.add_row(f"events {state}", str(numbers.states[state]))
    table.add_row("new buyers and products that came along", _strangers(numbers.news))
    for when, delays in (
        ("a run had to start", numbers.delays_cold),
        ("the drain lingered", numbers.delays_lingering),
    ):
        table.add_row(f"seconds from receipt to row, {when}: median", f"{median(delays):.1f}")
        table.add_row("95 %", f"{quantiles(delays, n=20)[-1]:.1f}")
    return table


def _strangers(news: ShopNews) -> str:
    return str(news.new_users + news.new_products)


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


def _wait(ground: Playground, otherwise: str, is_so: Callable[[Playground], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_so(ground):
            return
        time.sleep(0.2)
    log = ground.dagster_home / "daemon.log"
    raise PermanentError(f"{otherwise} within {PATIENCE_SECONDS} s; see {log}")


def _watches_since(moment: float) -> Callable[[Playground], bool]:
    """Whether the daemon has begun to look at the inbox; the instance remembers earlier ones."""

    def watches(ground: Playground) -> bool:
        with ground.dagster() as instance:
            sensors = [s for s in instance.all_instigator_state() if s.name == SENSOR]
            ticks = [
                tick
                for sensor in sensors
                for tick in instance.get_ticks(
                    sensor.instigator_origin_id, sensor.selector_id, limit=1
                )
            ]
        return any(tick.timestamp >= moment for tick in ticks)

    return watches


def _is_drained(ground: Playground) -> bool:
    with connect(ground.settings.require_postgres_url()) as connection:
        return not Desk(connection, InboxSettings()).status().backlog


def _has_ended(ground: Playground) -> bool:
    with ground.dagster() as instance:
        runs = instance.get_runs(dg.RunsFilter(job_name=JOB), limit=1)
    return bool(runs) and runs[0].is_finished


def _states(ground: Playground) -> dict[str, int]:
    with connect(ground.settings.require_postgres_url()) as connection:
        found = Desk(connection, InboxSettings()).status()
    return {**found.states, "done": found.done_last_day}


def _delays(ground: Playground) -> tuple[dict[int, float], list[float]]:
    """When news of each order first came; and how long each event applied took, as they came."""
    with psycopg.connect(ground.settings.require_postgres_url()) as connection:
        received = connection.execute(
            "SELECT entity_id, extract(epoch FROM min(received_at))::float8"
            " FROM bitrix_pipeline.inbox_events WHERE entity_id IS NOT NULL GROUP BY entity_id"
        ).fetchall()
        applied = connection.execute(
            "SELECT extract(epoch FROM finished_at - received_at)::float8"
            " FROM bitrix_pipeline.inbox_events JOIN bitrix_pipeline.inbox_jobs ON event = id"
            " WHERE state = 'done' ORDER BY id"
        ).fetchall()
    return {int(order): float(at) for order, at in received}, [float(row[0]) for row in applied]
