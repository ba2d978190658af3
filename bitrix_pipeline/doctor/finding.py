"""What an examination finds: one sentence on what was seen, and what to do about it."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters; from the least to the most."""

    OK = "ok"
    NOTE = "note"
    """Good to know; the data arrives."""
    WARNING = "warning"
    """Works, but not as it should: too slow, too open, or with wrong values."""
    PROBLEM = "problem"
    """Something does not work, or customers' data is open to others."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. Never holds a password or a customer's data."""

    level: Level
    topic: str
    found: str
    """What was seen, in one sentence."""
    advice: str = ""
    """What to do; empty when there is nothing to do."""


def ok(topic: str, found: str) -> Finding:
    return Finding(Level.OK, topic, found)


def note(topic: str, found: str, advice: str = "") -> Finding:
    return Finding(Level.NOTE, topic, found, advice)


def warning(topic: str, found: str, advice: str) -> Finding:
    return Finding(Level.WARNING, topic, found, advice)


def problem(topic: str, found: str, advice: str) -> Finding:
    return Finding(Level.PROBLEM, topic, found, advice)


def listed(names: list[str], *, most: int = 8) -> str:
    """Some names for a sentence: a long list would hide the rest of it."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
