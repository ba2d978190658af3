"""The measured process: runs one case and prints what it took as one line of JSON.

one_case.py CASE MYSQL_URL POSTGRES_URL TABLE
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

import psycopg

# Only the module of the case is imported: what a contender imports is part of its memory alone.
CASES = {
    "sync": ("ours", "sync"),
    "verify": ("ours", "check"),
    "pipe": ("pipe", "load_same_select"),
    "pipe_of_columns": ("pipe", "load_columns"),
    "dlt_merge": ("dlt_merge", "load"),
    "pandas": ("pandas_copy", "load"),
}
KILOBYTE, MEGABYTE = 1024, 1_000_000


def main(case: str, mysql_url: str, postgres_url: str, table: str) -> None:
    module, function = CASES[case]
    run = getattr(import_module(module), function)
    started = time.monotonic()
    outcome = run(mysql_url, postgres_url, table)
    seconds = time.monotonic() - started
    # Either counts, or the table in which the rows have landed.
    counts = outcome if isinstance(outcome, dict) else {"rows": rows_in(postgres_url, outcome)}
    print()
    print(json.dumps({**counts, "seconds": seconds, "memory_mb": peak_memory_mb()}))


def rows_in(postgres_url: str, table: str) -> int:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def peak_memory_mb() -> float:
    """Of this program alone: `ru_maxrss` would also know the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * KILOBYTE / MEGABYTE


if __name__ == "__main__":
    main(*sys.argv[1:])
