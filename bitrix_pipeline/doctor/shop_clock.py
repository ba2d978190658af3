"""The shop's clocks. PHP writes most times and MySQL the others, each in a zone of its own.

Neither zone is stored with a time, so what does not agree shows in the data alone: times in the
future, and accounts that seem to be made hours before or after the order they were made for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bitrix_pipeline.doctor.clocks import compare_clocks, offset, spoken
from bitrix_pipeline.doctor.finding import Finding, note, ok, warning
from bitrix_pipeline.doctor.shop import Shop
from bitrix_pipeline.sync.plan import CLOCK_TOLERANCE

TOPIC = "shop clock"

ZONES_APART = timedelta(hours=26)
"""The most that two zones differ: a time further in the future is not a zone's fault."""

NEWEST_ROWS = 1_000
"""Looked at where no index leads to the newest times."""

ZONE_STEP = 15 * 60
"""Seconds; zones differ by multiples of it."""
CHECKOUT_SECONDS = 60
"""Between an order and the account that its checkout makes."""
CHECKOUTS_NEEDED = 5
"""Fewer could be chance."""


def check_clock(shop: Shop) -> Iterator[Finding]:
    asked = datetime.now(UTC)
    said = shop.value("SELECT UTC_TIMESTAMP(6)").replace(tzinfo=UTC)
    yield compare_clocks(TOPIC, "MySQL", asked=asked, said=said, answered=datetime.now(UTC))


def check_zone(shop: Shop) -> Iterator[Finding]:
    """The zone that a session of Bitrix's gets unless it sets another."""
    shop.rows("SET time_zone = DEFAULT")
    try:
        theirs = int(shop.value("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())"))
    finally:
        shop.rows("SET time_zone = '+00:00'")
    zone = shop.settings.shop_timezone
    span = datetime.now(ZoneInfo(zone)).utcoffset() or timedelta()
    ours = int(span.total_seconds())
    if theirs == ours:
        yield ok(TOPIC, f"MySQL's time zone and SHOP_TIMEZONE {zone} are both {offset(ours)}.")
    else:
        yield note(
            TOPIC,
            f"MySQL's time zone is {offset(theirs)}, SHOP_TIMEZONE {zone} is {offset(ours)}.",
            "Nothing has to be done if Bitrix sets the zone of its sessions; make sure that "
            f"bitrix/php_interface/after_connect_d7.php has SET time_zone = '{offset(ours)}'.",
        )


def check_php_times(shop: Shop) -> Iterator[Finding]:
    columns = ("b_sale_order.DATE_UPDATE", "b_sale_basket.DATE_UPDATE")
    yield from _check_future(
        shop,
        columns,
        writer="PHP",
        advice="Set SHOP_TIMEZONE to PHP's zone (date.timezone in php.ini; Bitrix shows its time "
        "under Settings → Tools → Site checker), or set the web server's clock.",
    )


def check_mysql_times(shop: Shop) -> Iterator[Finding]:
    yield from _check_future(
        shop,
        ("b_user.DATE_REGISTER",),
        writer="MySQL",
        advice="Let Bitrix set the zone of its sessions in bitrix/php_interface/"
        "after_connect_d7.php (SET time_zone), or set MySQL's clock; if orders are in the "
        "future too, SHOP_TIMEZONE is wrong.",
    )


def _check_future(
    shop: Shop, columns: tuple[str, ...], *, writer: str, advice: str
) -> Iterator[Finding]:
    zone = shop.settings.shop_timezone
    now = datetime.now(ZoneInfo(zone)).replace(tzinfo=None)
    newest = {c: moment for c in columns if (moment := _newest(shop, c, now + ZONES_APART))}
    if not newest:
        return
    column, moment = max(newest.items(), key=lambda item: item[1])
    ahead = moment - now
    if ahead > CLOCK_TOLERANCE:
        yield warning(
            TOPIC,
            f"{column}, which {writer} writes, is up to {spoken(ahead)} in the future of {zone}: "
            "its times are wrong by that or more.",
            advice,
        )
    else:
        yield ok(TOPIC, f"The newest {column}, which {writer} writes, is not in the future.")


def _newest(shop: Shop, column: str, until: datetime) -> datetime | None:
    """Only of DATETIME columns, which hold what the writer's clock showed."""
    if not shop.facts.has(column) or shop.facts.is_instant(column):
        return None
    table, name = column.split(".")
    order = name if column in shop.leading_index_columns else "ID"
    moment = shop.value(
        f"SELECT MAX({name}) FROM (SELECT {name} FROM {table} WHERE {name} <= %s"  # noqa: S608 - declared names
        f" ORDER BY {order} DESC LIMIT {NEWEST_ROWS}) AS newest",
        until,
    )
    return moment if isinstance(moment, datetime) else None


def check_far_future(shop: Shop) -> Iterator[Finding]:
    if "b_sale_order.DATE_UPDATE" not in shop.leading_index_columns:
        return
    until = datetime.now(ZoneInfo(shop.settings.shop_timezone)).replace(tzinfo=None) + ZONES_APART
    count = int(shop.value("SELECT COUNT(*) FROM b_sale_order WHERE DATE_UPDATE > %s", until))
    if count:
        yield note(
            TOPIC,
            f"{count} orders say that they were changed days or more in the future, as imports "
            "may do; every look at what changed lately reads them again.",
            "If they are many, let the shop correct b_sale_order.DATE_UPDATE.",
        )


def check_agreement(shop: Shop) -> Iterator[Finding]:
    """An account made by the checkout: MySQL notes its time, and PHP a moment later the order's."""
    columns = ("b_sale_order.DATE_INSERT", "b_user.DATE_REGISTER")
    if any(not shop.facts.has(c) or shop.facts.is_instant(c) for c in columns):
        return
    rows = shop.rows(
        "SELECT TIMESTAMPDIFF(SECOND, b_user.DATE_REGISTER, placed.DATE_INSERT)"
        " FROM (SELECT USER_ID, DATE_INSERT FROM b_sale_order ORDER BY ID DESC LIMIT %s) AS placed"
        " JOIN b_user ON b_user.ID = placed.USER_ID",
        NEWEST_ROWS,
    )
    apart = clocks_apart(int(row[0]) for row in rows if row[0] is not None)
    if apart == 0:
        yield ok(TOPIC, "PHP and MySQL write times of the same zone.")
    elif apart:
        direction = "later" if apart > 0 else "earlier"
        yield warning(
            TOPIC,
            f"PHP writes times {spoken(timedelta(seconds=abs(apart)))} {direction} than MySQL: "
            "orders compared with the accounts that their checkout made.",
            "Orders are right if SHOP_TIMEZONE is PHP's zone, but users.registered_at is wrong by "
            "that; let bitrix/php_interface/after_connect_d7.php set MySQL's time_zone to PHP's.",
        )


def clocks_apart(seconds: Iterable[int]) -> int | None:
    """By how much most checkouts say that the two clocks differ; None when they do not tell."""
    steps: Counter[int] = Counter()
    for difference in seconds:
        step = round(difference / ZONE_STEP) * ZONE_STEP
        is_possible = abs(step) <= ZONES_APART.total_seconds()
        if is_possible and abs(difference - step) <= CHECKOUT_SECONDS:
            steps[step] += 1
    if not steps:
        return None
    apart, count = steps.most_common(1)[0]
    return apart if count >= CHECKOUTS_NEEDED and count * 2 > steps.total() else None


CHECKS: tuple[Callable[[Shop], Iterator[Finding]], ...] = (
    check_clock,
    check_zone,
    check_php_times,
    check_mysql_times,
    check_far_future,
    check_agreement,
)
