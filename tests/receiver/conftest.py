"""Where a receiver that a test starts writes its log; the rest is in receiver_at_hand."""

from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "receiver.log"
