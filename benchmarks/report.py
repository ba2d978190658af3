"""What the benchmark says: BENCH lines for programs, a table for people, and whether goals were met."""

from dataclasses import dataclass, field

from measure import Measurement
from rich.console import Console
from rich.table import Table

BIG = 100
"""From here on decimals say nothing."""


@dataclass(frozen=True)
class Goal:
    """A bound on one number."""

    name: str
    bound: float
    unit: str
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g} {self.unit}"


GOALS = (
    Goal("initial_load_vs_dlt_merge", 2.5, "x", at_least=True),
    Goal("initial_load_vs_pipe", 0.5, "x", at_least=True),
    Goal("unchanged_resync", 250_000, "rows/s", at_least=True),
    Goal("unchanged_resync_wal", 2, "MB", at_least=False),
    Goal("peak_memory", 250, "MB", at_least=False),
)


@dataclass
class Report:
    """Collects numbers and prints each as a BENCH line at once."""

    console: Console
    goals: tuple[Goal, ...] = GOALS
    numbers: dict[str, float] = field(default_factory=dict)
    measurements: dict[str, Measurement] = field(default_factory=dict)

    def measured(self, name: str, measurement: Measurement) -> None:
        self.measurements[name] = measurement
        self.number(name, measurement.rows_per_second, "rows/s")
        self.number(f"{name}_rows", measurement.rows, "rows")
        self.number(f"{name}_seconds", measurement.seconds, "s")
        self.number(f"{name}_memory", measurement.memory_mb, "MB")
        self.number(f"{name}_wal", measurement.wal_mb, "MB")

    def number(self, name: str, value: float, unit: str) -> None:
        self.numbers[name] = value
        print(f"BENCH name={name} value={value:.6g} unit={unit}", flush=True)

    def missed(self) -> list[Goal]:
        return [goal for goal in self.goals if not goal.is_met(self.numbers[goal.name])]

    def print_tables(self) -> None:
        if self.measurements:
            self.console.print(self._table_of_cases())
        self.console.print(self._table_of_goals())

    def _table_of_cases(self) -> Table:
        table = Table(title="What was measured", title_justify="left")
        table.add_column("case", no_wrap=True)
        for heading in ("rows", "seconds", "rows/s", "memory, MB", "WAL, MB"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, measured in self.measurements.items():
            table.add_row(
                name.replace("_", " "),
                f"{measured.rows:,}",
                f"{measured.seconds:.1f}",
                f"{measured.rows_per_second:,.0f}",
                f"{measured.memory_mb:.0f}",
                f"{measured.wal_mb:,.1f}",
            )
        return table

    def _table_of_goals(self) -> Table:
        table = Table(title="Goals", title_justify="left")
        table.add_column("number")
        for heading in ("value", "goal"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("met")
        for goal in self.goals:
            value = self.numbers[goal.name]
            met = "[green]yes" if goal.is_met(value) else "[red]no"
            table.add_row(
                goal.name.replace("_", " "),
                f"{value:,.{0 if value >= BIG else 2}f} {goal.unit}",
                str(goal),
                met,
            )
        return table
