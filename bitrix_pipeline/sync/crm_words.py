"""Where a change of Bitrix's status is no news, so that the CRM keeps its own word for the order.

The push keeps its ledger in `push_orders`; here it is only read.
"""

import json

from psycopg import sql

from bitrix_pipeline.sync.settings import SyncSettings

# Our own change: a push that was killed or had no answer left its mark, and did this.
ECHO = sql.SQL("""
EXISTS (SELECT FROM bitrix_pipeline.push_orders AS told
        WHERE told.order_id = target.id AND told.sending_since IS NOT NULL
          AND told.target_canceled = excluded.is_canceled
          AND COALESCE(told.target_status, excluded.bitrix_status)
              IS NOT DISTINCT FROM excluded.bitrix_status)
""")

# The CRM has said something since both agreed, and a push will still send it.
CRM_WINS = sql.SQL("""
target.status IS DISTINCT FROM CASE WHEN target.is_canceled THEN 'canceled'
    ELSE COALESCE({words}::jsonb ->> target.bitrix_status, target.bitrix_status) END
AND (target.is_canceled OR {codes}::jsonb ->> target.status IS DISTINCT FROM target.bitrix_status)
AND NOT EXISTS (SELECT FROM bitrix_pipeline.push_orders AS given_up
                WHERE given_up.order_id = target.id AND given_up.state IN ('dead', 'skipped')
                  AND given_up.desired IS NOT DISTINCT FROM target.status)
""")


def kept(settings: SyncSettings) -> sql.Composable:
    """A condition on `target` and `excluded`, the order as it is and as Bitrix has it now."""
    if not settings.crm_wins:
        return ECHO
    crm_wins = CRM_WINS.format(
        words=sql.Literal(json.dumps(dict(settings.status_mapping))),
        codes=sql.Literal(json.dumps(dict(settings.push_mapping))),
    )
    return sql.SQL("({} OR {})").format(ECHO, crm_wins)
