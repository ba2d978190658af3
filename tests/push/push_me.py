"""Run as a process of its own, which a crash point kills: pushes once; `packed` is sent as P.

Arguments: the webhook's URL, the CRM's URL.
"""

import sys
from dataclasses import replace

from pushing import SETTINGS
from shop_and_crm import SETTINGS as SYNC

from bitrix_pipeline.bitrix_rest import BitrixRest, BitrixShop, RestOptions, Webhook
from bitrix_pipeline.push import Push

if __name__ == "__main__":
    rest_url, postgres_url = sys.argv[1:]
    with BitrixRest(Webhook.parse(rest_url), RestOptions()) as rest:
        Push(
            BitrixShop(rest),
            postgres_url=postgres_url,
            settings=replace(SETTINGS, sync=SYNC, push_mapping={"packed": "P"}),
            run_id="doomed",
        ).run()
