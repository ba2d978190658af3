"""The module's settings page, as Bitrix shows it and sends it."""

import json

from bitrix_site import MODULE, Site

SHOW = """
$APPLICATION->rights = ['bitrixpipeline.outbox' => '%s'];
$_SERVER['REQUEST_METHOD'] = '%s';
$_POST = $_REQUEST = json_decode('%s', true);
include '%s/options.php';
"""
FORM = {
    "enabled": "Y", "url": "https://crm.example/webhooks/bitrix", "secrets": "", "batch": "10",
    "run_seconds": " 60 ", "timeout": "5", "fast_timeout": "1", "attempts": "3",
    "fast_path": "never", "log_level": "info",
}  # fmt: skip


def show(site: Site, *, right: str = "W", method: str = "POST", **fields: object) -> str:
    given = {"sessid": "the-session", **fields}
    return site.hit(SHOW % (right, method, json.dumps(given), site.module))


def option(site: Site, name: str) -> str:
    found = site.shop.rows(
        "SELECT VALUE FROM b_option WHERE MODULE_ID = %s AND NAME = %s", MODULE, name
    )
    return str(found[0][0]) if found else ""
