"""Whatever happens in whatever order, duplicated, late or replayed: the tables end as the shop is."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from postbox import AT_ONCE, Postbox, drain, poisoned
from shop_and_crm import Pipeline, Shop, empty_tables, restore_shop

from bitrix_pipeline.inbox.desk import Desk, Selection

ORDERS = st.integers(min_value=0, max_value=5)


class History(RuleBasedStateMachine):
    """Six orders of a shop, whose news arrives in any order, or twice."""

    pipeline: Pipeline
    begin_anew: Callable[[], None]

    @initialize()
    def begin(self) -> None:
        self.begin_anew()
        self.shop = self.pipeline.shop
        self.postbox = Postbox(self.pipeline.crm)
        self.orders = self.shop.ids(
            "SELECT DISTINCT ORDER_ID FROM b_sale_basket JOIN b_sale_order AS o ON o.ID = ORDER_ID"
            " ORDER BY 1 LIMIT 6"
        )
        self.unsent: list[tuple[str, int]] = []
        self.sent: list[tuple[str, int]] = []

    @rule(number=ORDERS, price=st.integers(0, 9999))
    def save(self, number: int, price: int) -> None:
        if order := self._order(number):
            self.shop.run(
                "UPDATE b_sale_order SET PRICE = %s, VERSION = VERSION + 1 WHERE ID = %s",
                price, order,
            )  # fmt: skip
            self.unsent.append(("order.saved", order))

    @rule(number=ORDERS)
    def drop_a_line(self, number: int) -> None:
        if order := self._order(number):
            self.shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID = %s LIMIT 1", order)
            self.unsent.append(("order.saved", order))

    @rule(number=ORDERS)
    def delete(self, number: int) -> None:
        if order := self._order(number):
            self.shop.run("DELETE FROM b_sale_order WHERE ID = %s", order)
            self.shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID = %s", order)
            self.unsent.append(("order.deleted", order))

    @rule(data=st.data())
    def deliver_any(self, data: st.DataObject) -> None:
        if self.unsent:
            event = data.draw(st.sampled_from(self.unsent))
            self.unsent.remove(event)
            self._send(event)

    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        if self.sent:
            self._send(data.draw(st.sampled_from(self.sent)))

    @rule()
    def drain(self) -> None:
        drain(self.pipeline)

    @rule(number=ORDERS)
    def drain_while_an_order_is_poisonous(self, number: int) -> None:
        drain(self.pipeline, poisoned(self.pipeline, self.orders[number]))

    @rule()
    def replay_the_dead(self) -> None:
        desk = self._desk()
        desk.replay(desk.selected(Selection()), by="test")

    @invariant()
    def nothing_received_is_forgotten(self) -> None:
        if hasattr(self, "postbox"):
            assert sum(self.postbox.states().values()) == len(self.sent)

    def teardown(self) -> None:
        """When all is delivered, replayed and drained."""
        if not hasattr(self, "postbox"):
            return
        for event in self.unsent:
            self._send(event)
        self.replay_the_dead()
        drain(self.pipeline)
        told = {order for _, order in self.sent}
        expected = dict(self.shop.rows("SELECT ID, PRICE FROM b_sale_order"))
        for order in told:
            price, deleted_at = self.pipeline.crm.row("orders", order, "price", "deleted_at") or (
                None, None,
            )  # fmt: skip
            if order in expected:
                assert (price, deleted_at) == (expected[order], None)
                assert self._lines_in_crm(order) == self._lines_in_shop(order)
            else:
                assert price is None or deleted_at is not None

    def _send(self, event: tuple[str, int]) -> None:
        kind, order = event
        self.postbox.put(kind, order)
        self.sent.append(event)

    def _order(self, number: int) -> int | None:
        order = self.orders[number]
        return order if self.shop.ids("SELECT ID FROM b_sale_order WHERE ID = %s", order) else None

    def _lines_in_crm(self, order: int) -> list[int]:
        rows = self.pipeline.crm.rows(
            "SELECT id FROM order_items WHERE order_id = %s AND deleted_at IS NULL ORDER BY id",
            order,
        )
        return [row[0] for row in rows]

    def _lines_in_shop(self, order: int) -> list[int]:
        return self.shop.ids("SELECT ID FROM b_sale_basket WHERE ORDER_ID = %s ORDER BY ID", order)

    def _desk(self) -> Desk:
        return Desk(self.pipeline.crm.connection, AT_ONCE)  # type: ignore[arg-type]


def test_any_history_ends_as_the_shop_is(pipeline: Pipeline, pristine_shop: Shop) -> None:
    def begin_anew() -> None:
        restore_shop(pipeline.shop, pristine_shop)
        empty_tables(pipeline.crm)

    machine = type(
        "History", (History,), {"pipeline": pipeline, "begin_anew": staticmethod(begin_anew)}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
