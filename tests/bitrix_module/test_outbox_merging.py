"""Several saves of one row become one event, whoever made them, and no news is lost by it."""

import pytest
from bitrix_site import Listener, Site

ROWS = "TYPE, ENTITY_ID, ORIGIN, SAVES"
MERGE = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
Bitrixpipeline\\Outbox\\Sender::here()->mergeWaiting(60);
"""


def note(site: Site, *news: tuple[str, int, str]) -> None:
    for type_, id_, origin in news:
        site.add(type_, id_)
        site.shop.run(
            "UPDATE b_bitrixpipeline_outbox SET ORIGIN = %s ORDER BY ID DESC LIMIT 1", origin
        )


def test_saves_of_several_hits_are_one_event(site: Site, listener: Listener) -> None:
    user = site.shop.ids("SELECT ID FROM b_user ORDER BY ID LIMIT 1")[0]
    for _ in range(3):
        site.hit(f"$fire('main', 'OnAfterUserUpdate', [['ID' => {user}, 'RESULT' => true]]);")
    noted = site.outbox("ID")

    assert site.send()["delivered"] == 1

    (request,) = listener.requests
    assert request.event["data"]["sequence"] == noted[0][0]
    assert site.outbox() == []


def test_what_is_saved_after_the_claim_is_an_event_of_its_own(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", *[site.order()] * 2)
    listener.answer = lambda number, _: 500 if number == 0 else 202
    site.send()
    site.add("order.saved", *[site.order()] * 2)
    site.let_time_pass()

    assert site.send()["delivered"] == 2

    first, again, second = listener.events()
    assert (first.id, first.body) == (again.id, again.body)
    assert second.id != first.id


@pytest.mark.parametrize(
    ("origins", "origin"),
    [
        (["rest", "rest"], "rest"),
        (["rest", "site"], "site"),
        (["admin", "rest"], "admin"),
        (["rest", "1c", "site"], "1c"),
    ],
)
def test_it_says_rest_only_of_what_rest_alone_has_changed(
    site: Site, listener: Listener, origins: list[str], origin: str
) -> None:
    note(site, *[("order.saved", site.order(), each) for each in origins])

    site.send()

    assert [request.event["data"]["origin"] for request in listener.requests] == [origin]


def test_a_save_is_not_merged_past_a_deletion(site: Site, listener: Listener) -> None:
    """The order is there again; each event is sent in its turn."""
    order = site.order()
    for type_ in ("saved", "saved", "deleted", "saved", "saved"):
        site.add(f"order.{type_}", order)

    site.send()

    assert [request.event["type"] for request in listener.requests] == [
        "order.saved",
        "order.deleted",
        "order.saved",
    ]


def test_what_another_sender_has_is_not_merged(site: Site) -> None:
    site.add("order.saved", *[site.order()] * 2)
    site.shop.run(
        "UPDATE b_bitrixpipeline_outbox SET LEASE = 'x', LEASED_UNTIL = UTC_TIMESTAMP() + INTERVAL 1 HOUR"
        " ORDER BY ID DESC LIMIT 1"
    )

    assert site.send()["delivered"] == 1
    assert site.outbox("LEASE") == [("x",)]


def test_while_the_receiver_is_away_the_outbox_does_not_grow_with_each_save(
    site: Site, listener: Listener
) -> None:
    listener.answer = lambda _, __: 503
    order, other = site.order(), site.order(nth=1)
    site.add("order.saved", *[order] * 2)
    site.send()
    site.let_time_pass()
    for _ in range(3):
        site.add("order.saved", order, other)
        site.add("user.deleted", 5)
    note(site, ("order.deleted", order, "site"), ("order.saved", order, "rest"))

    site.hit(MERGE)

    assert site.outbox(f"{ROWS}, LEASE, BODY IS NOT NULL") == [
        ("order.saved", order, "site", 2, None, 1),
        ("order.saved", order, "site", 3, None, 0),
        ("order.saved", other, "site", 3, None, 0),
        *[("user.deleted", 5, "site", 1, None, 0)] * 3,
        ("order.deleted", order, "site", 1, None, 0),
        ("order.saved", order, "rest", 1, None, 0),
    ]


def test_the_agent_merges_a_few_hundred_at_a_time_when_it_can_deliver_nothing(site: Site) -> None:
    site.set(url="http://127.0.0.1:9/webhooks/bitrix")
    first, second = site.order(), site.order(nth=1)
    site.add("order.saved", *[first, second] * 700)

    for _ in range(2):
        site.hit("CAgent::CheckAgents();")

    assert site.outbox("ENTITY_ID, SAVES") == [(first, 501), (second, 700), (first, 199)]
