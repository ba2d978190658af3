"""The demo's fourth act: statuses that the CRM changes, on their way back to Bitrix."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import psycopg
from pydantic import SecretStr
from rich.table import Column
from rich.table import Table as ScreenTable
from sqlalchemy.engine import make_url

from bitrix_pipeline.cli.demo_runs import run_job
from bitrix_pipeline.cli.playground import DATABASE, Playground
from bitrix_pipeline.cli.screen import step
from bitrix_pipeline.demo_rest import RestSimulator
from bitrix_pipeline.push import PushSettings
from bitrix_pipeline.push.desk import Desk
from bitrix_pipeline.sync.postgres import connect

JOB = "push_statuses"
IN_CONFLICT = "Bitrix changed it too"
WANTED = (
    ("paid", "sent"),
    ("canceled", "sent with a reason"),
    ("lost in transit", "no status of Bitrix's"),
    ("paid", IN_CONFLICT),
    *[("paid", "sent"), ("completed", "sent")] * 2,
)
"""As many as the sample shop has new orders for: a tiny one has few."""

# New orders without money or goods on their way: Bitrix refuses to cancel others.
CHOOSE = """
SELECT id FROM orders
WHERE bitrix_status = 'N' AND status = 'new' AND NOT is_canceled AND NOT is_paid AND NOT is_shipped
  AND deleted_at IS NULL AND archived_at IS NULL AND NOT is_placeholder AND id >= 10000
ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True)
class Changed:
    """An order whose status the CRM set, and what came of it."""

    order: int
    word: str
    what: str


@dataclass(frozen=True)
class StatusNumbers:
    """The orders, the mails that buyers got, and the CRM's words after the push."""

    changed: tuple[Changed, ...]
    mails: int
    writes: int
    words: dict[int, str]
    delays: list[float]
    """Seconds from the change in SQL until Bitrix was seen to have it."""


def change_statuses(ground: Playground) -> StatusNumbers:
    """Plain SQL in the CRM, one change in Bitrix, and the job that takes the ones to the other."""
    changed = _changes(ground)
    url = make_url(ground.mysql_server_url).set(database=DATABASE)
    with RestSimulator(url.render_as_string(hide_password=False)) as simulator:
        with step(
            f"The CRM changed {len(changed)} orders' statuses in SQL, Bitrix one of them too"
        ):
            with psycopg.connect(ground.settings.require_postgres_url()) as crm:
                for each in changed:
                    crm.execute(
                        "UPDATE orders SET status = %s WHERE id = %s", (each.word, each.order)
                    )
            changed_at = time.time()
            for each in changed:
                if each.what == IN_CONFLICT:
                    _change_in_bitrix(ground, each.order)
        webhook = SecretStr(simulator.webhook_url)
        pushing = replace(
            ground, settings=ground.settings.model_copy(update={"bitrix_rest_url": webhook})
        )
        run_job(pushing, JOB, None, "statuses go back to Bitrix's REST API (a simulator)")
        mails, requests = len(simulator.bitrix.mails), len(simulator.bitrix.requests)
    delays = [moment - changed_at for moment in _confirmed(ground)]
    return StatusNumbers(changed, mails, requests, _words(ground, changed), delays)


def statuses_table(ground: Playground, numbers: StatusNumbers) -> ScreenTable:
    """As it stands after the next sync."""
    table = ScreenTable(
        *("order", "the CRM set", "Bitrix has", "ledger"),
        Column("what happened", overflow="fold"),
        title="Statuses: Postgres → Bitrix",
    )
    in_bitrix, ledger = _in_bitrix(ground, numbers.changed), _ledger(ground)
    for each in numbers.changed:
        state, reason = ledger.get(each.order, ("", ""))
        table.add_row(
            str(each.order),
            each.word,
            in_bitrix[each.order],
            state,
            reason.split(":")[0] or each.what,
        )
    echoes = sum(numbers.words[o] != word for o, word in _words(ground, numbers.changed).items())
    table.caption = (
        f"{numbers.writes} requests, {numbers.mails} mails to buyers; the next sync changed {echoes} "
        f"of these statuses, and {'something' if _is_more(ground) else 'nothing'} is left to send"
    )
    return table


def _changes(ground: Playground) -> tuple[Changed, ...]:
    with psycopg.connect(ground.settings.require_postgres_url()) as crm:
        orders = [row[0] for row in crm.execute(CHOOSE, (len(WANTED),)).fetchall()]
    return tuple(
        Changed(order, word, what) for order, (word, what) in zip(orders, WANTED, strict=False)
    )


def _change_in_bitrix(ground: Playground, order: int) -> None:
    with closing(ground.shop_admin()) as admin, admin.cursor() as cursor:
        cursor.execute(
            f"UPDATE {DATABASE}.b_sale_order SET STATUS_ID = 'F', DATE_STATUS = NOW(),"  # noqa: S608
            " DATE_UPDATE = NOW(), VERSION = VERSION + 1 WHERE ID = %s",
            (order,),
        )


def _in_bitrix(ground: Playground, changed: Sequence[Changed]) -> dict[int, str]:
    orders = [each.order for each in changed] or [0]
    with closing(ground.shop_admin()) as admin, admin.cursor() as cursor:
        cursor.execute(
            f"SELECT ID, STATUS_ID, CANCELED FROM {DATABASE}.b_sale_order WHERE ID IN %s",  # noqa: S608
            (orders,),
        )
        return {
            order: f"{status}, canceled" if canceled == "Y" else status
            for order, status, canceled in cursor.fetchall()
        }


def _words(ground: Playground, changed: Sequence[Changed]) -> dict[int, str]:
    with psycopg.connect(ground.settings.require_postgres_url()) as crm:
        orders = [each.order for each in changed]
        rows = crm.execute("SELECT id, status FROM orders WHERE id = ANY (%s)", (orders,))
        return {int(order): str(word) for order, word in rows}


def _ledger(ground: Playground) -> dict[int, tuple[str, str]]:
    with psycopg.connect(ground.settings.require_postgres_url()) as crm:
        rows = crm.execute("SELECT order_id, state, last_error FROM bitrix_pipeline.push_orders")
        return {int(order): (str(state), reason or "") for order, state, reason in rows}


def _confirmed(ground: Playground) -> list[float]:
    """When Bitrix was seen to have each status that the CRM set, in seconds since 1970."""
    with psycopg.connect(ground.settings.require_postgres_url()) as crm:
        rows = crm.execute(
            "SELECT extract(epoch FROM confirmed_at)::float8 FROM bitrix_pipeline.push_orders"
            " WHERE state = 'confirmed'"
        )
        return [float(moment) for (moment,) in rows]


def _is_more(ground: Playground) -> bool:
    """What the schedule would ask."""
    with connect(ground.settings.require_postgres_url()) as connection:
        return Desk(connection, PushSettings.of(ground.settings)).work().is_any
