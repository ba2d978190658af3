"""Any order, duplication and replay of a history of events ends in the state that the shop is in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_and_crm import SETTINGS, TABLE_NAMES, Crm, empty_tables
from snapshots import NOON, Row, apply, forget_applied, live_rows, sent

from bitrix_pipeline.inbox.event import Event, Snapshot

USERS, PRODUCTS, SECTIONS, ORDERS, LINES = (5, 6), (31, 32), (41,), (71, 72), (1, 2, 3)
NEVER_SENT = 39

actions = st.one_of(
    st.tuples(st.just("user"), st.sampled_from(USERS), st.booleans()),
    st.tuples(st.just("product"), st.sampled_from(PRODUCTS), st.booleans()),
    st.tuples(st.just("category"), st.sampled_from(SECTIONS), st.booleans()),
    st.tuples(st.just("order"), st.sampled_from(ORDERS), st.sets(st.sampled_from(LINES))),
    st.tuples(
        st.just("delete"),
        st.sampled_from(
            [("user", USERS[0]), ("product", PRODUCTS[0]), ("category", SECTIONS[0])]
            + [("order", order) for order in ORDERS]
        ),
        st.none(),
    ),
)


@dataclass
class TinyShop:
    """A shop that tells of every change, with all that Bitrix would send along."""

    now: int = 0
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    baskets: dict[int, list[Row]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def act(self, kind: str, what: Any, how: Any) -> None:
        self.now += 1
        if kind == "delete":
            self.rows.pop(what, None)
            self.baskets.pop(what[1], None)
            self._tell(f"{what[0]}.deleted", what[1])
        elif kind == "order":
            self._save_order(what, how)
        else:
            row = {"NAME": f"{kind} {self.now}", "IBLOCK_SECTION_ID": SECTIONS[0]}
            self._save(kind, what, row, is_noted=how)
            self._tell(f"{kind}.saved", what, **{kind: self.rows[kind, what]})

    def _save(self, kind: str, id_: int, row: Row, *, is_noted: bool) -> None:
        """Bitrix does not note every change in TIMESTAMP_X, and a new user has none."""
        before = self.rows.get((kind, id_), {}).get("TIMESTAMP_X")
        time = f"2026-03-08 12:00:{self.now:02}" if is_noted else before
        self.rows[kind, id_] = {"ID": str(id_), "TIMESTAMP_X": time, **row}

    def _save_order(self, id_: int, lines: set[int]) -> None:
        user = USERS[self.now % 2]
        self.rows["order", id_] = {
            "ID": id_, "USER_ID": user, "STATUS_ID": f"{self.now:02}", "VERSION": self.now,
        }  # fmt: skip
        names = (*PRODUCTS, NEVER_SENT)
        self.baskets[id_] = [
            {
                "ID": id_ * 10 + line,
                "ORDER_ID": id_,
                "PRODUCT_ID": names[(self.now + line) % 3],
                "NAME": f"line {self.now}",
            }
            for line in sorted(lines)
        ]
        riding = [self.rows.get(("product", row["PRODUCT_ID"])) for row in self.baskets[id_]]
        self._tell(
            "order.saved",
            id_,
            order=self.rows["order", id_],
            basket=self.baskets[id_],
            properties=[],
            user=self.rows.get(("user", user)),
            products=[row for row in riding if row],
        )

    def _tell(self, kind: str, id_: int, **data: object) -> None:
        self.events.append(sent(kind, id_, at=self.now, **data))

    def state(self) -> set[tuple[object, ...]]:
        """What must be live in the CRM."""
        found: set[tuple[object, ...]] = set()
        for (kind, id_), row in self.rows.items():
            found.add((kind, id_, row["STATUS_ID"] if kind == "order" else row["NAME"]))
        for order, lines in self.baskets.items():
            found |= {(f"line of {order}", row["ID"], row["NAME"]) for row in lines}
        return found


def state_of(crm: Crm) -> set[tuple[object, ...]]:
    queries = (
        "SELECT 'user', id, first_name FROM users",
        "SELECT 'product', id, name FROM products",
        "SELECT 'category', id, name FROM categories",
        "SELECT 'order', id, bitrix_status FROM orders",
        "SELECT 'line of ' || order_id, id, name FROM order_items",
    )
    return {row for query in queries for row in crm.rows(f"{query} WHERE deleted_at IS NULL")}


def in_batches(events: list[Event], sizes: list[int]) -> Iterator[list[Event]]:
    while events:
        size = sizes.pop(0) if sizes else len(events)
        yield events[:size]
        events = events[size:]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), history=st.lists(actions, min_size=2, max_size=14))
def test_any_order_duplication_and_replay_ends_as_the_shop_is(
    bare_crm: Crm, data: st.DataObject, history: list[tuple[Any, ...]]
) -> None:
    empty_tables(bare_crm)
    forget_applied(bare_crm)
    shop = TinyShop()
    for action in history:
        shop.act(*action)
    twice = data.draw(st.lists(st.sampled_from(shop.events), max_size=4), label="twice")
    events = data.draw(st.permutations([*shop.events, *twice]), label="order")
    sizes = data.draw(st.lists(st.integers(1, 6), max_size=5), label="batches")

    for batch in in_batches(list(events), sizes):
        apply(bare_crm, SETTINGS, *batch)

    assert state_of(bare_crm) == shop.state()
    settled = bare_crm.contents()
    replayed = apply(bare_crm, SETTINGS, *events)
    assert bare_crm.contents() == settled
    assert [r for r in replayed.values() if r.inserted or r.updated or r.deleted] == []


TIMES = st.sampled_from([None, "2026-03-08 12:00:00", "2026-03-08 12:00:01"])
VERSIONS = st.integers(1, 3)


def at_noon(kind: str, id_: int, **data: object) -> Event:
    """From a sender that counts nothing: only what the event itself says can tell two apart."""
    return Event(type=kind, timestamp=NOON, data=Snapshot(id=id_, **data))


users = st.builds(
    lambda name, time: {"ID": USERS[0], "NAME": name, "TIMESTAMP_X": time},
    st.sampled_from("АБ"),
    TIMES,
)
orders = st.builds(
    lambda status, version, lines, user: at_noon(
        "order.saved",
        ORDERS[0],
        order={"ID": ORDERS[0], "USER_ID": USERS[0], "STATUS_ID": status, "VERSION": version},
        basket=[{"ID": line, "PRODUCT_ID": NEVER_SENT, "NAME": f"{line}"} for line in lines],
        properties=[],
        user=user,
    ),
    st.sampled_from("NP"),
    VERSIONS,
    st.sets(st.sampled_from(LINES)),
    st.none() | users,
)
of_one_moment = st.one_of(
    orders,
    orders,
    st.builds(lambda row: at_noon("user.saved", USERS[0], user=row), users),
    st.sampled_from(
        [
            at_noon("order.deleted", ORDERS[0]),
            at_noon("order.archived", ORDERS[0]),
            at_noon("user.deleted", USERS[0]),
        ]
    ),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), events=st.lists(of_one_moment, min_size=2, max_size=5))
def test_what_no_moment_tells_apart_ends_the_same_in_any_order(
    bare_crm: Crm, data: st.DataObject, events: list[Event]
) -> None:
    in_order, turned = (
        live_rows_after(bare_crm, data, arrival)
        for arrival in (events, data.draw(st.permutations(events), label="order"))
    )

    assert in_order == turned


MOMENTS = st.integers(0, 5)
of_disagreeing_clocks = st.one_of(
    st.builds(
        lambda at, status, version, lines: sent(
            "order.saved",
            ORDERS[0],
            at=at,
            order={"ID": ORDERS[0], "USER_ID": 5, "STATUS_ID": status, "VERSION": version},
            basket=[{"ID": line, "PRODUCT_ID": NEVER_SENT, "NAME": f"{line}"} for line in lines],
            properties=[],
        ),
        MOMENTS,
        st.sampled_from("NP"),
        st.none() | VERSIONS,
        st.sets(st.sampled_from(LINES)),
    ),
    st.builds(
        lambda at, kind: sent(f"order.{kind}", ORDERS[0], at=at),
        MOMENTS,
        st.sampled_from(["deleted", "archived"]),
    ),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), events=st.lists(of_disagreeing_clocks, min_size=2, max_size=6))
def test_versions_that_disagree_with_time_end_the_same_in_any_order(
    bare_crm: Crm, data: st.DataObject, events: list[Event]
) -> None:
    in_order, turned = (
        live_rows_after(bare_crm, data, arrival)
        for arrival in (events, data.draw(st.permutations(events), label="order"))
    )

    assert in_order == turned
    assert bool(in_order["orders"]) == is_live(events)


def live_rows_after(crm: Crm, data: st.DataObject, arrival: list[Event]) -> dict[str, Any]:
    """All tables, by name, once these events came to an empty CRM in some batches."""
    empty_tables(crm)
    forget_applied(crm)
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=5), label="batches")
    for batch in in_batches(list(arrival), sizes):
        apply(crm, SETTINGS, *batch)
    return {table: live_rows(crm, table) for table in TABLE_NAMES}


def is_live(events: list[Event]) -> bool:
    """No ending comes after the save of the highest version; `sequence` is the time here."""
    saves = [
        (e.data.order["VERSION"] or 0, e.data.sequence) for e in events if e.data.order is not None
    ]
    endings = [e.data.sequence for e in events if e.data.order is None]
    return bool(saves) and max(saves)[1] > max(endings, default=-1)
