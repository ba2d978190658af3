"""Run as a process of its own, which a crash point kills: drains an inbox once.

Arguments: the shop's URL, the CRM's URL.
"""

import sys

from postbox import AT_ONCE
from shop_and_crm import SETTINGS

from bitrix_pipeline.inbox.apply import FromShop
from bitrix_pipeline.inbox.drain import Drain

if __name__ == "__main__":
    mysql_url, postgres_url = sys.argv[1:]
    apply = FromShop(mysql_url=mysql_url, postgres_url=postgres_url, settings=SETTINGS)
    Drain(apply, postgres_url=postgres_url, settings=AT_ONCE, run_id="doomed").run()
