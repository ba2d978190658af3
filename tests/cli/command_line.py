"""What a command answers."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from bitrix_pipeline.cli import main


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def table(self) -> dict[str, dict[str, str]]:
        """The last table printed, by its first column; headings are folded and so joined."""
        last = self.out.rsplit("┏", maxsplit=1)[-1]
        lines = [line for line in last.splitlines() if line.startswith(("┃", "│"))]
        cells = [[cell.strip() for cell in re.split(r"[┃│]", line)[1:-1]] for line in lines]
        headings = [row for row in cells if row[0] in {"table", ""}]
        names = ["".join(parts) for parts in zip(*headings, strict=True)]
        rows = [row for row in cells if row not in headings]
        return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def typed(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Outcome:
    """Runs the command in this process, as its script does."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bitrix-pipeline", *words])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    out, err = capsys.readouterr()
    return Outcome(code, out, err)
