"""A row that Postgres refuses is set aside with its reason and bytes; the others go on."""

import logging

import pytest
from shop_and_crm import Pipeline, written

from bitrix_pipeline.sync import table_sync
from bitrix_pipeline.sync.scope import ChangedLately, Everything, IdRange, Ids, Scope

SECRET = "Секретная Мария"
SPAMMER = 900_001
FILLED, MERGED = 1, 10**9


def trigger(statement: str) -> str:
    """That carries this out for the spammer."""
    return f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE found int;
        BEGIN IF NEW.login = 'spam' THEN {statement}; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON users
            FOR EACH ROW EXECUTE FUNCTION refuse()
    """


TRIGGERS = {
    "a trigger": trigger("RAISE 'no room for %', NEW.first_name"),
    "a trigger with a state of its own": trigger(
        "RAISE 'no room for %', NEW.first_name USING ERRCODE = 'PT400'"
    ),
    "a trigger with a general state": trigger(
        "RAISE 'no room for %', NEW.first_name USING ERRCODE = '42501'"
    ),
    "a trigger that asserts": trigger("ASSERT false, NEW.first_name"),
    "a trigger that finds nothing": trigger("SELECT 1 INTO STRICT found WHERE false"),
    "a trigger that finds too much": trigger("found := (SELECT * FROM generate_series(1, 2))"),
    "a trigger that runs what it is given": trigger(
        "EXECUTE format('SELECT %L FROM nowhere', NEW.first_name)"
    ),
}
CAUSES = {
    "a check": "ALTER TABLE users ADD CONSTRAINT no_spam CHECK (login <> 'spam')",
    **TRIGGERS,
    "a unique index": "CREATE UNIQUE INDEX one_spam ON users (login) WHERE login = 'spam';"
    "INSERT INTO users (login) VALUES ('spam')",
    "a computed column": "ALTER TABLE users ADD age int GENERATED ALWAYS AS"
    " (CASE login WHEN 'spam' THEN first_name::int END) STORED",
}
REMEDIES = {
    "a check": "ALTER TABLE users DROP CONSTRAINT no_spam",
    **dict.fromkeys(TRIGGERS, "DROP FUNCTION refuse CASCADE"),
    "a unique index": "DROP INDEX one_spam",
    "a computed column": "ALTER TABLE users DROP COLUMN age",
}


def add_spammer(pipeline: Pipeline) -> None:
    pipeline.shop.insert("b_user", ID=SPAMMER, LOGIN="spam", NAME=SECRET)


def set_aside(pipeline: Pipeline) -> list[tuple[object, ...]]:
    return pipeline.crm.rows("SELECT table_name, row_id FROM bitrix_pipeline.set_aside")


@pytest.mark.parametrize("fill_rows", [FILLED, MERGED], ids=["filled", "merged"])
@pytest.mark.parametrize("cause", CAUSES)
def test_the_row_at_fault_alone_is_set_aside(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, cause: str, fill_rows: int
) -> None:
    monkeypatch.setattr(table_sync, "FILL_ROWS", fill_rows)
    pipeline.crm.run(CAUSES[cause])
    add_spammer(pipeline)

    result = pipeline.sync("users")

    assert result.set_aside == 1
    assert set_aside(pipeline) == [("users", str(SPAMMER))]
    assert [d.split(":")[0] for d in pipeline.differences("users")] == [f"users {SPAMMER}"]


@pytest.mark.parametrize("cause", CAUSES)
def test_it_is_released_and_written_when_the_cause_is_gone(pipeline: Pipeline, cause: str) -> None:
    pipeline.crm.run(CAUSES[cause])
    add_spammer(pipeline)
    pipeline.sync("users")
    pipeline.crm.run(REMEDIES[cause])

    result = pipeline.sync("users")

    assert (result.inserted, result.set_aside) == (1, 0)
    assert set_aside(pipeline) == []
    assert pipeline.differences("users") == []


@pytest.mark.parametrize("cause", CAUSES)
def test_the_reason_tells_the_cause_and_nothing_of_the_customer(
    pipeline: Pipeline, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pipeline.crm.run(CAUSES[cause])
    add_spammer(pipeline)

    pipeline.sync("users")

    reason = pipeline.crm.value("SELECT reason FROM bitrix_pipeline.set_aside")
    clue = {
        "a check": "no_spam",
        **dict.fromkeys(TRIGGERS, "refused by PL/pgSQL function refuse() line 3 at "),
        "a unique index": "one_spam",
        "a computed column": "type integer",
    }[cause]
    assert clue in reason
    assert SECRET not in reason + caplog.text


def test_the_bytes_are_kept_as_they_came(pipeline: Pipeline) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)

    pipeline.sync("users")

    line = pipeline.crm.value("SELECT line FROM bitrix_pipeline.set_aside")
    assert b"\t900001\t" in line
    assert line.endswith(b"\n")
    assert SECRET.encode() in line


def test_a_value_that_copy_itself_refuses_is_set_aside(pipeline: Pipeline) -> None:
    pipeline.shop.run("ALTER TABLE b_sale_order MODIFY VERSION bigint NOT NULL")
    pipeline.shop.insert("b_sale_order", ID=900_001, VERSION=5_000_000_077)

    result = pipeline.sync("orders")

    assert result.set_aside == 1
    assert pipeline.crm.value("SELECT count(*) FROM orders") > 30
    reason = pipeline.crm.value("SELECT reason FROM bitrix_pipeline.set_aside")
    assert "out of range for type integer" in reason
    assert "5000000077" not in reason


def test_many_rows_at_fault_are_set_aside_one_by_one(pipeline: Pipeline) -> None:
    pipeline.crm.run("ALTER TABLE users ADD CONSTRAINT odd CHECK (id % 2 = 1)")
    [even] = pipeline.shop.ids("SELECT COUNT(*) FROM b_user WHERE ID % 2 = 0")

    result = pipeline.sync("users")

    assert result.set_aside == even
    assert len(set_aside(pipeline)) == even


def test_a_status_can_be_set_aside(pipeline: Pipeline) -> None:
    pipeline.crm.run("ALTER TABLE order_statuses ADD CONSTRAINT known CHECK (id <> 'ZZ')")

    result = pipeline.sync("order_statuses")

    assert result.set_aside == 1
    assert set_aside(pipeline) == [("order_statuses", "ZZ")]


@pytest.mark.parametrize("scope", [Everything(), ChangedLately(), IdRange(1, 10**6)], ids=str)
def test_a_row_whose_change_is_refused_keeps_its_old_values_and_is_not_deleted(
    synced: Pipeline, scope: Scope
) -> None:
    [user] = synced.shop.ids("SELECT MIN(ID) FROM b_user WHERE ID > 100")
    synced.crm.run("ALTER TABLE users ADD CONSTRAINT no_spam CHECK (login <> 'spam')")
    login = synced.crm.cell("users", user, "login")
    synced.shop.run("UPDATE b_user SET LOGIN = 'spam' WHERE ID = %s", user)

    result = synced.sync("users", scope)

    assert (result.set_aside, result.deleted) == (1, 0)
    assert synced.crm.row("users", user, "login", "deleted_at") == (login, None)


def test_an_order_whose_change_was_refused_is_tried_again_by_changed_lately(
    synced: Pipeline,
) -> None:
    [order] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_order WHERE ID > 10000")
    synced.crm.run("ALTER TABLE orders ADD CONSTRAINT no_spam CHECK (manager_comment <> 'spam')")
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'spam' WHERE ID = %s", order)
    synced.sync("orders")
    synced.crm.run("ALTER TABLE orders DROP CONSTRAINT no_spam")

    synced.sync("orders", ChangedLately())

    assert set_aside(synced) == []
    assert synced.crm.cell("orders", order, "manager_comment") == "spam"


@pytest.mark.parametrize("scope", [Everything(), ChangedLately()], ids=str)
def test_a_row_that_the_shop_removes_is_set_aside_no_longer(
    pipeline: Pipeline, scope: Scope
) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)
    pipeline.sync("users")
    pipeline.shop.run("DELETE FROM b_user WHERE ID = %s", SPAMMER)

    pipeline.sync("users", scope)

    assert set_aside(pipeline) == []


def test_a_row_that_the_shop_changes_back_is_set_aside_no_longer(synced: Pipeline) -> None:
    synced.crm.run("ALTER TABLE users ADD CONSTRAINT no_spam CHECK (login <> 'spam')")
    [user] = synced.shop.ids("SELECT MIN(ID) FROM b_user WHERE ID > 100")
    login = synced.shop.value("SELECT LOGIN FROM b_user WHERE ID = %s", user)
    synced.shop.run("UPDATE b_user SET LOGIN = 'spam' WHERE ID = %s", user)
    synced.sync("users")
    synced.shop.run("UPDATE b_user SET LOGIN = %s WHERE ID = %s", login, user)

    synced.sync("users")

    assert set_aside(synced) == []


def test_rows_outside_the_scope_stay_set_aside(pipeline: Pipeline) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)
    pipeline.sync("users")

    pipeline.sync("users", Ids((57,)))
    pipeline.sync("users", IdRange(1, 1000))

    assert set_aside(pipeline) == [("users", str(SPAMMER))]


def test_the_same_row_is_noted_once_however_often_it_is_refused(pipeline: Pipeline) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)
    pipeline.sync("users")

    again = pipeline.sync("users")

    assert again.set_aside == 1
    [(first, last)] = pipeline.crm.rows(
        "SELECT first_seen_at, last_seen_at FROM bitrix_pipeline.set_aside"
    )
    assert first < last


def test_an_order_of_a_refused_buyer_arrives(pipeline: Pipeline) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)
    pipeline.shop.insert("b_sale_order", ID=900_001, USER_ID=SPAMMER)

    pipeline.sync_all()

    assert pipeline.crm.cell("orders", 900_001, "user_id") == SPAMMER
    assert set_aside(pipeline) == [("users", str(SPAMMER))]


def test_a_buyer_who_was_refused_replaces_the_placeholder_later(pipeline: Pipeline) -> None:
    pipeline.crm.run(CAUSES["a check"])
    add_spammer(pipeline)
    pipeline.shop.insert("b_sale_order", ID=900_001, USER_ID=SPAMMER)
    pipeline.sync_all()
    pipeline.crm.run(REMEDIES["a check"])

    pipeline.sync_all()

    assert pipeline.differences() == []
    assert written(pipeline.sync_all()) == {}
