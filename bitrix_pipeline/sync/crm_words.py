"""Where a change of Bitrix's status is no news, so that the CRM keeps its own word for the order.

The push keeps its ledger in `push_orders`; here it is only read. Where both sides had changed, its
history is told whose status stands: conditions and values are on `target` and `excluded`, the order as
it is and as Bitrix has it now.
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

# The CRM has said something since both agreed.
CRM_CHANGED = sql.SQL("""
(target.status IS DISTINCT FROM CASE WHEN target.is_canceled THEN 'canceled'
    ELSE COALESCE({words}::jsonb ->> target.bitrix_status, target.bitrix_status) END
 AND (target.is_canceled OR {codes}::jsonb ->> target.status IS DISTINCT FROM target.bitrix_status))
""")

# A push will still send it.
WILL_BE_SENT = sql.SQL("""
NOT EXISTS (SELECT FROM bitrix_pipeline.push_orders AS given_up
            WHERE given_up.order_id = target.id AND given_up.state IN ('dead', 'skipped')
              AND given_up.desired IS NOT DISTINCT FROM target.status)
""")

# A push has seen it already, and Bitrix's change is older than that.
CRM_IS_NEWER = sql.SQL("""
EXISTS (SELECT FROM bitrix_pipeline.push_orders AS seen
        WHERE seen.order_id = target.id AND seen.state = 'waiting'
          AND seen.desired IS NOT DISTINCT FROM target.status
          AND (excluded.is_canceled = target.is_canceled
               OR excluded.canceled_at < seen.desired_since)
          AND (excluded.bitrix_status IS NOT DISTINCT FROM target.bitrix_status
               OR excluded.status_changed_at < seen.desired_since))
""")

# What a push writes into its history about a conflict that it meets itself.
CONFLICT = sql.SQL("""
INSERT INTO bitrix_pipeline.push_history
    (order_id, event, desired, bitrix_before, bitrix_after, note)
SELECT target.id, 'conflict', target.status,
    COALESCE(target.bitrix_status, 'no status')
        || CASE WHEN target.is_canceled THEN ', canceled' ELSE '' END,
    COALESCE(excluded.bitrix_status, 'no status')
        || CASE WHEN excluded.is_canceled THEN ', canceled' ELSE '' END,
    CASE WHEN {crm_stands} THEN 'Bitrix changed too, a sync met it first; the CRM''s stands'
        ELSE 'Bitrix changed too, a sync met it first, and stands' END
FROM ({changed}) AS excluded JOIN {target} AS target ON target.id = excluded.id
WHERE NOT target.is_placeholder
  AND (target.bitrix_status, target.is_canceled)
      IS DISTINCT FROM (excluded.bitrix_status, excluded.is_canceled)
  AND target.status IS DISTINCT FROM excluded.status
  AND {crm_changed} AND NOT {echo}
""")


def kept(settings: SyncSettings) -> sql.Composable:
    """Whether the CRM's word stays."""
    return sql.SQL("({} OR {})").format(ECHO, _crm_stands(settings))


def record_conflicts(
    settings: SyncSettings, *, changed: sql.Composable, target: sql.Composable
) -> sql.Composable:
    """Of changed rows (a SELECT of id, status, bitrix_status and is_canceled with its moments)."""
    return CONFLICT.format(
        changed=changed,
        target=target,
        crm_stands=_crm_stands(settings),
        crm_changed=_crm_changed(settings),
        echo=ECHO,
    )


def _crm_stands(settings: SyncSettings) -> sql.Composable:
    if settings.crm_wins:
        return sql.SQL("({} AND {})").format(_crm_changed(settings), WILL_BE_SENT)
    return CRM_IS_NEWER if settings.newest_wins else sql.SQL("false")


def _crm_changed(settings: SyncSettings) -> sql.Composable:
    return CRM_CHANGED.format(
        words=sql.Literal(json.dumps(dict(settings.status_mapping))),
        codes=sql.Literal(json.dumps(dict(settings.push_mapping))),
    )
