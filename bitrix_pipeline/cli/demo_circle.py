"""The demo in one table: how long each part of the way from Bitrix to Bitrix took."""

from statistics import median

from rich.table import Table as ScreenTable

from bitrix_pipeline.cli.demo_statuses import StatusNumbers
from bitrix_pipeline.cli.demo_webhooks import WebhookNumbers
from bitrix_pipeline.cli.screen import number_columns


def circle_table(webhooks: WebhookNumbers, statuses: StatusNumbers) -> ScreenTable:
    """Medians; a part that could not be seen has none."""
    table = ScreenTable(title="The circle: Bitrix → Postgres → Bitrix")
    table.add_column("part of the way", overflow="fold")
    number_columns(table, ("orders", "seconds"))
    handled = [noted.seconds for noted in webhooks.sender.noted.values()]
    for part, seconds in (
        ("an order is saved in Bitrix → the module's outbox", handled),
        ("→ the receiver's inbox", webhooks.delays_to_inbox),
        ("→ its row in Postgres, while the drain lingers", webhooks.delays_lingering),
        ("the CRM sets its status → REST → Bitrix, a run had to start", statuses.delays),
    ):
        table.add_row(part, str(len(seconds)), f"{median(seconds):.2g}" if seconds else "not seen")
    table.caption = f"webhooks: {webhooks.sender}"
    return table
