"""Postgres frozen or restarted in the middle of a drain: nothing lost, nothing written twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from postbox import Postbox, drain, from_shop
from receiving import frozen
from shop_and_crm import SETTINGS, Pipeline, Shop, drop_database, new_crm

from bitrix_pipeline.errors import TransientError
from bitrix_pipeline.inbox.apply import Seal
from bitrix_pipeline.inbox.jobs import LEASES_LOST_UNTIL_DEAD, Claim
from bitrix_pipeline.servers import PrivatePostgres
from bitrix_pipeline.sync import SyncResult
from bitrix_pipeline.sync.postgres import Connection

Outage = Callable[[PrivatePostgres], AbstractContextManager[None]]


@contextmanager
def freeze(server: PrivatePostgres) -> Iterator[None]:
    """Until the drain has given up."""
    with frozen(server.pid):
        yield


@contextmanager
def restart(server: PrivatePostgres) -> Iterator[None]:
    server.restart()
    yield


@dataclass
class Interrupted:
    """Applies from the shop; the outage begins at one moment of it, and lasts until `end`."""

    pipeline: Pipeline
    moment: str
    begin: Callable[[], None]

    def __call__(self, claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        def interrupted(connection: Connection) -> None:
            self._meet("written")
            seal(connection)
            self._meet("completed")

        self._meet("claimed")
        return from_shop(self.pipeline)(claim, interrupted)

    def _meet(self, moment: str) -> None:
        if moment == self.moment:
            self.begin()


@pytest.fixture(scope="module")
def own_postgres(make_folder: Callable[[str], Path]) -> Iterator[PrivatePostgres]:
    """Not the one that other tests use: this one is restarted and frozen."""
    with PrivatePostgres(make_folder("postgres")) as server:
        yield server


@pytest.fixture
def own_pipeline(pristine_shop: Shop, own_postgres: PrivatePostgres) -> Iterator[Pipeline]:
    """Notes every order that a committed transaction wrote."""
    crm = new_crm(own_postgres)
    crm.run("CREATE TABLE written (id bigint)")
    crm.run(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO written VALUES (NEW.id); RETURN NEW; END $$"
    )
    crm.run(
        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note()"
    )
    yield Pipeline(pristine_shop, crm, replace(SETTINGS, query_deadline_seconds=3))
    drop_database(own_postgres, crm)


@pytest.mark.parametrize("moment", ["claimed", "written", "completed"])
@pytest.mark.parametrize("outage", [freeze, restart])
def test_an_outage_amid_a_drain_loses_nothing_writes_nothing_twice_and_burns_no_try(
    own_pipeline: Pipeline,
    own_postgres: PrivatePostgres,
    monkeypatch: pytest.MonkeyPatch,
    outage: Outage,
    moment: str,
) -> None:
    monkeypatch.setattr("bitrix_pipeline.sync.postgres.GRACE_SECONDS", 1)
    monkeypatch.setattr("bitrix_pipeline.sync.postgres.CONNECT_DEADLINE_SECONDS", 4)
    postbox = Postbox(own_pipeline.crm)
    orders = own_pipeline.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID LIMIT 8")
    postbox.put("order.saved", *orders)

    with ExitStack() as until_given_up, suppress(TransientError):
        apply = Interrupted(
            own_pipeline, moment, lambda: until_given_up.enter_context(outage(own_postgres))
        )
        drain(own_pipeline, apply, lease_seconds=3)
    own_pipeline.crm.connection = psycopg.connect(own_pipeline.crm.url, autocommit=True)

    heal(own_pipeline, postbox)

    assert postbox.states() == {"done": len(orders)}
    assert postbox.crm.rows("SELECT id FROM written ORDER BY 1") == [(id_,) for id_ in orders]
    assert postbox.crm.value("SELECT max(attempts) FROM bitrix_pipeline.inbox_jobs") == 1


@pytest.mark.parametrize("moment", ["written", "completed"])
def test_events_whose_connections_are_cut_again_and_again_stay_alive_and_burn_no_try(
    pipeline: Pipeline, postbox: Postbox, moment: str
) -> None:
    orders = pipeline.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID LIMIT 3")
    postbox.put("order.saved", *orders)

    for _ in range(LEASES_LOST_UNTIL_DEAD + 1):
        result = drain(pipeline, Interrupted(pipeline, moment, lambda: cut(pipeline)))
        assert isinstance(result.fault, TransientError)
        assert postbox.states() == {"waiting": 3}
        postbox.make_due()

    assert postbox.crm.rows(
        "SELECT DISTINCT attempts, leases_lost FROM bitrix_pipeline.inbox_jobs"
    ) == [(0, 0)]


def test_an_event_that_makes_postgres_crash_is_soon_alone_and_lets_others_pass(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    orders = pipeline.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID LIMIT 8")
    (event, *_) = postbox.put("order.saved", *orders)

    def crash(claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        if any(held.id == event for held in claim.events):
            return Interrupted(pipeline, "written", lambda: cut(pipeline))(claim, seal)
        return from_shop(pipeline)(claim, seal)

    for _ in range(12):
        drain(pipeline, crash, batch=8)
        if postbox.states() == {"done": 7, "waiting": 1}:
            break
        let_time_pass(postbox)

    assert postbox.states() == {"done": 7, "waiting": 1}
    assert postbox.job(event, "attempts") == 0
    assert postbox.job(event, "aborts") > 1


def let_time_pass(postbox: Postbox) -> None:
    """Until the next event is due."""
    postbox.crm.run(
        "UPDATE bitrix_pipeline.inbox_jobs SET due_at = due_at - (SELECT min(due_at) - now()"
        " FROM bitrix_pipeline.inbox_jobs WHERE state = 'waiting') WHERE state = 'waiting'"
    )


def cut(pipeline: Pipeline) -> None:
    """All connections of the pipeline's."""
    pipeline.crm.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND application_name = 'bitrix_pipeline'"
    )


def heal(pipeline: Pipeline, postbox: Postbox) -> None:
    """What was said before the freeze may be carried out only now, so this looks again."""
    deadline = time.monotonic() + 30
    while postbox.states().keys() != {"done"} and time.monotonic() < deadline:
        postbox.let_leases_end()
        postbox.make_due()
        drain(pipeline)
