"""When news happened: which of two counts, whichever comes first.

Saves of a row are ordered by the version that they tell, then by time: a version is the better token
of a change. Endings (deleted, archived) tell no version and are ordered by time alone. Both orders are
total, so the greatest save and the greatest ending are the same in any order of arrival, and so is
what they come to: the row has ended when its greatest ending is later than its greatest save, and
else stands as that save says. Comparing each save with each ending by time, and saves by version,
would go in circles; a save that a greater one outdoes therefore says nothing of an ending either.

Only orders have versions. A save without one is less than any that has one.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, order=True)
class Moment:
    """Of two saves, or of two endings, of the same row the greater counts."""

    version: int
    """0 where none is told."""
    timestamp: datetime
    sequence: int
    """Among those of the same second; 0 from a sender that counts none."""
    tie: str = ""
    """Of two that even this does not tell apart: all must agree on one, in any order of arrival."""

    def is_later_than(self, other: "Moment") -> bool:
        """By time alone, as a save and an ending are compared."""
        mine, its = ((moment.timestamp, moment.sequence, moment.tie) for moment in (self, other))
        return mine > its

    def is_tied_with(self, other: "Moment") -> bool:
        return (self.timestamp, self.sequence) == (other.timestamp, other.sequence)
