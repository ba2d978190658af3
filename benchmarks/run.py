"""Measures the sync of a big table beside other ways to carry the same rows, all in one run.

    make bench BENCH_ARGS="--lines 100000 --no-goals"

On a machine that others use as well, trust the ratios: what they compare was measured alternately.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from databases import Shop, drop_database, fresh_crm, fresh_database, kept_shop, servers
from measure import Bench, Measurement, best
from report import Report
from rich.console import Console

from bitrix_pipeline.model import TABLES
from bitrix_pipeline.servers import PrivatePostgres

FOLDER = Path(__file__).parents[1] / ".data" / "bench"
QUARTER = 4
PEERS = ("dlt_merge", "pipe", "pipe_of_columns", "pandas")
LOG_WIDTH = 100
"""Of the tables where no terminal says how wide it is."""

CHANGE_ONE_PERCENT = (
    "UPDATE b_sale_basket SET QUANTITY = QUANTITY + 1 WHERE ORDER_ID > 0 AND RAND() < 0.01"
)


def main() -> int:
    wanted = arguments()
    progress = Console(stderr=True)
    report = Report(Console(width=None if sys.stdout.isatty() else LOG_WIDTH))
    with servers(FOLDER) as (mariadb, postgres), progress.status("") as status:
        status.update(f"the shop of {wanted.lines:,} order lines")
        shop = kept_shop(mariadb, lines=wanted.lines, anew=wanted.new_shop)
        small = kept_shop(mariadb, lines=wanted.lines // QUARTER, anew=wanted.new_shop)

        status.update("the whole shop, table by table")
        bench = Bench(shop.url, postgres)
        ours = fresh_crm(postgres, "ours")
        sync_whole_shop(bench, ours, report, name="shop_load")
        sync_whole_shop(bench, ours, report, name="shop_unchanged")

        loads = alternate_loads(bench, ours, rounds=wanted.rounds, tell=status.update)
        for name, measurement in loads.items():
            report.measured(name, measurement)

        status.update("syncs of the loaded table")
        resyncs(bench, shop, ours, report)
        drop_database(postgres, "ours")

        status.update("a quarter of the size")
        measure_small(small, postgres, report)
    derive(report)
    report.print_tables()
    missed = [] if wanted.no_goals else report.missed()
    for goal in missed:
        progress.print(f"missed: {goal.name} {goal}")
    return 1 if missed else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines, about")
    parser.add_argument(
        "--rounds", type=int, default=2, help="of loads to be compared; the best counts"
    )
    parser.add_argument("--new-shop", action="store_true", help="make the sample shops anew")
    parser.add_argument("--no-goals", action="store_true", help="exit code 0 whatever the numbers")
    return parser.parse_args()


def sync_whole_shop(bench: Bench, ours: str, report: Report, *, name: str) -> None:
    total = 0.0
    for table in TABLES:
        measured = bench.measure("sync", ours, table.name)
        total += measured.seconds
        report.measured(f"{name}_{table.name}", measured)
    report.number(f"{name}_seconds", total, "s")


def alternate_loads(
    bench: Bench, ours: str, *, rounds: int, tell: Callable[[str], object]
) -> Mapping[str, Measurement]:
    """Into an empty table; each contender in turn, again and again, and then the best of each."""
    initial: list[Measurement] = []
    theirs: dict[str, list[Measurement]] = {
        name: [] for name in ("pipe", "pipe_of_columns", "dlt_merge")
    }
    for number in range(1, rounds + 1):
        tell(f"initial loads, round {number} of {rounds}")
        with bench.postgres.connect("ours") as connection:
            connection.execute("TRUNCATE order_items")
            connection.execute("CHECKPOINT")
        initial.append(bench.measure("sync", ours))
        for name, measurements in theirs.items():
            tell(f"{name}, round {number} of {rounds}")
            measurements.append(measure_peer(bench, name))
    tell("pandas")
    return {
        "initial_load": best(initial),
        **{name: best(measurements) for name, measurements in theirs.items()},
        "pandas": measure_peer(bench, "pandas"),
    }


def measure_peer(bench: Bench, name: str) -> Measurement:
    theirs = fresh_database(bench.postgres, "theirs")
    try:
        return bench.measure(name, theirs)
    finally:
        drop_database(bench.postgres, "theirs")


def resyncs(bench: Bench, shop: Shop, ours: str, report: Report) -> None:
    # As autovacuum does in a while: the first reader after a load would write hint bits.
    with bench.postgres.connect("ours") as connection:
        connection.execute("VACUUM ANALYZE order_items")
        connection.execute("CHECKPOINT")
    report.measured("unchanged_resync", bench.measure("sync", ours))
    changed = shop.run(CHANGE_ONE_PERCENT)
    resync = bench.measure("sync", ours)
    if resync.changed != changed:
        raise SystemExit(f"{changed} rows were changed, and the sync wrote {resync.changed}")
    report.measured("changed_resync", resync)
    report.number("changed_resync_changes", changed, "rows")
    report.measured("verify", bench.measure("verify", ours))


def measure_small(shop: Shop, postgres: PrivatePostgres, report: Report) -> None:
    bench = Bench(shop.url, postgres)
    ours = fresh_crm(postgres, "ours")
    for table in TABLES:
        measured = bench.measure("sync", ours, table.name)
    report.measured("quarter_initial_load", measured)
    report.measured("quarter_unchanged_resync", bench.measure("sync", ours))
    shop.run(CHANGE_ONE_PERCENT)
    report.measured("quarter_changed_resync", bench.measure("sync", ours))
    report.measured("quarter_verify", bench.measure("verify", ours))
    drop_database(postgres, "ours")


def derive(report: Report) -> None:
    """The ratios, and the most memory that anything of ours took."""
    measured = report.measurements
    initial = measured["initial_load"].rows_per_second
    for peer in PEERS:
        ratio = initial / measured[peer].rows_per_second
        report.number(f"initial_load_vs_{peer}", ratio, "x")
    peak = max(m.memory_mb for name, m in measured.items() if name not in PEERS)
    report.number("peak_memory", peak, "MB")
    for case in ("initial_load", "unchanged_resync", "changed_resync", "verify"):
        growth = measured[case].memory_mb / measured[f"quarter_{case}"].memory_mb
        report.number(f"{case}_memory_vs_quarter", growth, "x")


if __name__ == "__main__":
    sys.exit(main())
