"""When news happened: which of two counts, whichever comes first."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Moment:
    """Of two about the same row, the greater counts."""

    timestamp: datetime
    sequence: int
    """Among those of the same second; 0 from a sender that counts none."""
    tie: str = ""
    """Of two that even this does not tell apart: all must agree on one, in any order of arrival."""

    def is_tied_with(self, other: "Moment") -> bool:
        return (self.timestamp, self.sequence) == (other.timestamp, other.sequence)
