"""The webhooks: whether the receiver may do what it must and no more, and what the inbox holds."""

from collections.abc import Callable, Iterator
from contextlib import closing

from sqlalchemy.engine import make_url

from bitrix_pipeline.doctor.clocks import spoken
from bitrix_pipeline.doctor.crm import DEADLINE_SECONDS, Crm
from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, problem, warning
from bitrix_pipeline.errors import PipelineError, SettingsError
from bitrix_pipeline.inbox.desk import REFUSED, Desk
from bitrix_pipeline.inbox.settings import InboxSettings
from bitrix_pipeline.model.migrate import RECEIVER_ROLE, sqlalchemy_url
from bitrix_pipeline.receiver.signature import secrets_of
from bitrix_pipeline.sync.postgres import connect, target_errors

TOPIC = "webhooks"

# By name and by way of roles; a superuser may do anything whatever was granted.
MAY = """
SELECT EXISTS (SELECT FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
               WHERE n.nspname = 'bitrix_pipeline' AND p.proname = 'receive'
                 AND has_schema_privilege(n.oid, 'USAGE')
                 AND has_function_privilege(p.oid, 'EXECUTE')),
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    ARRAY(SELECT n.nspname || '.' || c.relname FROM pg_class AS c
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v')
            AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
          ORDER BY 1)
"""


def check_receiver(crm: Crm) -> Iterator[Finding]:
    """As its own account sees it."""
    settings = crm.settings
    url = settings.receiver_postgres_url.get_secret_value()
    if not url or not crm.is_migrated:
        if not url:
            yield note(TOPIC, "RECEIVER_POSTGRES_URL is not set: no webhook can be received.")
        return
    try:
        account = make_url(sqlalchemy_url(url)).username
        secrets_of(settings.webhook_secrets.get_secret_value())
        with (
            connect(url, deadline_seconds=DEADLINE_SECONDS) as connection,
            target_errors(),
        ):
            row = connection.execute(MAY, (["bitrix_pipeline", settings.target_schema],)).fetchone()
    except SettingsError as error:
        yield problem(TOPIC, f"{error}.", "See docs/how-to/receive-webhooks.md.")
        return
    except PipelineError as error:
        yield problem(
            TOPIC, f"The receiver's account is not let in: {error}.", "Mend RECEIVER_POSTGRES_URL."
        )
        return
    may_receive, is_superuser, tables = row or (False, False, [])
    if is_superuser or tables:
        rights = "do anything" if is_superuser else f"read or write {listed(tables)}"
        yield warning(
            TOPIC,
            f"The receiver's account may {rights}; whoever breaks into the receiver may too.",
            f"CREATE ROLE … LOGIN PASSWORD '…' IN ROLE {RECEIVER_ROLE}; and use that account.",
        )
    elif may_receive:
        yield ok(TOPIC, "The receiver's account may hand events over, and nothing else.")
    else:
        yield problem(
            TOPIC,
            "The receiver's account may not hand events over.",
            f'Run bitrix-pipeline migrate, then GRANT {RECEIVER_ROLE} TO "{account}".',
        )


def check_inbox(crm: Crm) -> Iterator[Finding]:
    if not crm.is_migrated:
        return
    with closing(crm.another()) as connection, target_errors():
        found = Desk(connection, InboxSettings.of(crm.settings)).status()
    refused = [f"{found.states[state]} {state}" for state in REFUSED if found.states[state]]
    if refused:
        yield warning(
            TOPIC,
            f"Events wait for a person: {listed(refused)}.",
            "bitrix-pipeline inbox list --dead tells why; mend that, then inbox replay.",
        )
    limit = crm.settings.inbox_oldest_minutes * 60
    if found.oldest_waiting and found.oldest_waiting.total_seconds() > limit:
        yield warning(
            TOPIC,
            f"An event has waited for {spoken(found.oldest_waiting)}.",
            "Look in the Dagster UI whether the sensor drain_inbox is on and what its runs say.",
        )
    if not refused and not found.backlog:
        yield ok(TOPIC, "No event waits, none is dead.")


CHECKS: tuple[Callable[[Crm], Iterator[Finding]], ...] = (check_receiver, check_inbox)
