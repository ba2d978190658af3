"""Finds what has to travel: the ranges of IDs in which source and target differ."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bitrix_pipeline.model import Table
from bitrix_pipeline.sync.ahead import ahead
from bitrix_pipeline.sync.part import Part, among
from bitrix_pipeline.sync.scope import ChangedLately, Everything, IdRange, Ids, OfOrders, Scope
from bitrix_pipeline.sync.settings import SyncSettings
from bitrix_pipeline.sync.snapshot import Bucket, ShopSnapshot
from bitrix_pipeline.sync.target import Target

BUCKET_IDS = 128
"""Width of a bucket: one changed row makes at most this many travel."""

MOST_RANGES = 200
"""In one query: MySQL gives up on ranges when there are too many."""

WINDOW_IDS = 500_000
"""IDs fingerprinted by one query: keeps each within its deadline."""

BLOCK_ROWS = 4_000
"""Rows fetched by one query."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""A change time this far in the future is a clock's fault; one beyond it is an import's."""


@dataclass
class Plan:
    """What has to travel for a scope."""

    parts: list[Part] = field(default_factory=list)
    walk: IdRange | None = None
    """Instead of parts, all rows of this range: the target has none to compare with."""
    covered: list[IdRange] = field(default_factory=list)
    """Where a row that the target has and the source has not was deleted."""
    read: int = 0
    """Source rows looked at."""
    rows: int = 0
    """Source rows that will travel; 0 where that is not known beforehand."""
    waiting: list[int] = field(default_factory=list)
    """Rows set aside earlier: they travel again, whether or not their bucket differs."""
    vanished_at_least: int = 0
    """How many target rows must have vanished: buckets that shrank."""


Progress = Callable[[str, int, int], None]
"""Told (stage, done, total)."""


def plan_sync(
    table: Table,
    scope: Scope,
    *,
    shop: ShopSnapshot,
    target: Target,
    watermark: datetime | None,
    progress: Progress,
) -> Plan:
    """What has to travel so that the target equals the source within the scope."""
    if table.has_text_key:
        return Plan(parts=[Part(table)])
    plan = _plan_scope(table, scope, shop, target, watermark=watermark, progress=progress)
    plan.waiting = [id_ for id_ in target.waiting(table) if _is_within(scope, id_)]
    _add_ids(plan, table, _not_covered(plan.waiting, plan.covered))
    return plan


def newest_change(table: Table, shop: ShopSnapshot, settings: SyncSettings) -> datetime | None:
    """The watermark that this snapshot allows, naive in the shop's zone."""
    if not shop.tells_changes(table):
        return None
    now = datetime.now(ZoneInfo(settings.shop_timezone)).replace(tzinfo=None)
    return shop.newest_change(table, not_after=now + CLOCK_TOLERANCE)


def _plan_scope(
    table: Table,
    scope: Scope,
    shop: ShopSnapshot,
    target: Target,
    *,
    watermark: datetime | None,
    progress: Progress,
) -> Plan:
    match scope:
        case Ids(ids):
            return _plan_ids(table, ids)
        case OfOrders(order_ids):
            lines = {*shop.line_ids(table, order_ids), *target.line_ids(table, order_ids)}
            return _plan_ids(table, lines)
        case ChangedLately() if watermark and shop.tells_changes(table):
            since = watermark - timedelta(seconds=target.settings.overlap_seconds)
            return _plan_changed(table, since, shop, target, progress)
        case IdRange():
            return _plan_compared(table, scope, shop, target, progress, by_content=True)
        case Everything() | ChangedLately():
            return _plan_compared(table, None, shop, target, progress, by_content=True)


def _plan_ids(table: Table, ids: Iterable[int]) -> Plan:
    plan = Plan()
    _add_ids(plan, table, ids)
    return plan


def _add_ids(plan: Plan, table: Table, ids: Iterable[int]) -> None:
    ordered = sorted(set(ids))
    for first in range(0, len(ordered), BLOCK_ROWS):
        plan.parts.append(among(table, ordered[first : first + BLOCK_ROWS]))
    plan.covered += [IdRange(id_, id_ + 1) for id_ in ordered]
    plan.rows += len(ordered)


def _is_within(scope: Scope, id_: int) -> bool:
    match scope:
        case Ids(ids):
            return id_ in ids
        case IdRange(start, stop):
            return start <= id_ < stop
        case OfOrders():
            return False
        case Everything() | ChangedLately():
            return True


def _not_covered(ids: Iterable[int], covered: Sequence[IdRange]) -> list[int]:
    """The IDs in none of the ranges, which are in order."""
    starts = [ids_.start for ids_ in covered]

    def is_covered(id_: int) -> bool:
        before = bisect_right(starts, id_)
        return before > 0 and id_ < covered[before - 1].stop

    return [id_ for id_ in ids if not is_covered(id_)]


def _plan_changed(
    table: Table, since: datetime, shop: ShopSnapshot, target: Target, progress: Progress
) -> Plan:
    """By change time, and by the IDs: a vanished or late row has no change time to go by."""
    plan = _plan_compared(table, None, shop, target, progress, by_content=False)
    _add_ids(plan, table, _not_covered(shop.ids_changed_since(table, since), plan.covered))
    return plan


def _plan_compared(
    table: Table,
    scope: IdRange | None,
    shop: ShopSnapshot,
    target: Target,
    progress: Progress,
    *,
    by_content: bool,
) -> Plan:
    plan = Plan()
    bounds = _union(shop.bounds(table), target.bounds(table))
    if scope and bounds:
        bounds = _intersection(bounds, scope)
    if bounds is None:
        return plan
    if target.is_empty(table):
        plan.walk = bounds
        return plan
    ours_in = target.content_buckets if by_content else target.id_buckets

    def theirs_by_window() -> Iterator[tuple[IdRange, dict[int, Bucket]]]:
        theirs_in = shop.content_buckets if by_content else shop.id_buckets
        for window in _windows(bounds):
            yield window, theirs_in(table, window, width=BUCKET_IDS)

    parts = _Parts(plan, table)
    for window, theirs in ahead(theirs_by_window()):
        ours = ours_in(table, window, width=BUCKET_IDS)
        _add_differences(plan, parts, window, theirs, ours)
        progress("compared", window.stop - bounds.start, bounds.stop - bounds.start)
    parts.close()
    return plan


class _Parts:
    """Gathers ranges into parts of about BLOCK_ROWS rows: each part costs a round trip."""

    def __init__(self, plan: Plan, table: Table) -> None:
        self._plan = plan
        self._table = table
        self._ranges: list[IdRange] = []
        self._rows = 0

    def add(self, ids: IdRange, rows: int, *, follows: bool) -> None:
        """`follows`: nothing lies between this range and the one added before."""
        if self._rows + rows > BLOCK_ROWS or len(self._ranges) >= MOST_RANGES:
            self.close()
        if follows and self._ranges:
            self._ranges[-1] = IdRange(self._ranges[-1].start, ids.stop)
        else:
            self._ranges.append(ids)
        self._rows += rows

    def close(self) -> None:
        if self._ranges:
            self._plan.covered += self._ranges
            self._plan.parts.append(Part(self._table, tuple(self._ranges)))
        self._ranges, self._rows = [], 0


def _add_differences(
    plan: Plan, parts: _Parts, window: IdRange, theirs: dict[int, Bucket], ours: dict[int, Bucket]
) -> None:
    nothing = Bucket(0, 0)
    follows = False
    for number in sorted(theirs.keys() | ours.keys()):
        their, our = theirs.get(number, nothing), ours.get(number, nothing)
        plan.read += their.rows
        if their == our:
            follows = False
            continue
        plan.rows += their.rows
        plan.vanished_at_least += max(our.rows - their.rows, 0)
        bucket = IdRange(number * BUCKET_IDS, (number + 1) * BUCKET_IDS)
        if ids := _intersection(bucket, window):
            parts.add(ids, their.rows, follows=follows)
            follows = True


def _windows(bounds: IdRange) -> Iterator[IdRange]:
    """Aligned to buckets, so that no bucket is cut between two windows."""
    start = bounds.start // BUCKET_IDS * BUCKET_IDS
    width = WINDOW_IDS // BUCKET_IDS * BUCKET_IDS
    for window_start in range(start, bounds.stop, width):
        window = _intersection(IdRange(window_start, window_start + width), bounds)
        if window:
            yield window


def _union(one: IdRange | None, other: IdRange | None) -> IdRange | None:
    if one is None or other is None:
        return one or other
    return IdRange(min(one.start, other.start), max(one.stop, other.stop))


def _intersection(one: IdRange, other: IdRange) -> IdRange | None:
    start, stop = max(one.start, other.start), min(one.stop, other.stop)
    return IdRange(start, stop) if start < stop else None
