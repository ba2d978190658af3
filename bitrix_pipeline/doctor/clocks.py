"""How far a server's clock is from the one of this machine."""

from datetime import datetime, timedelta

from bitrix_pipeline.doctor.finding import Finding, ok, warning

TOLERATED_SECONDS = 30
"""Longer than any answer takes, and far below the overlap of two looks at changed orders."""


def compare_clocks(
    topic: str, server: str, *, asked: datetime, said: datetime, answered: datetime
) -> Finding:
    """A finding on what a server said when it was asked for the time, all three in UTC."""
    ahead = (said - (asked + (answered - asked) / 2)).total_seconds()
    if abs(ahead) <= TOLERATED_SECONDS:
        return ok(topic, f"{server}'s clock and the one of this machine agree.")
    direction = "ahead of" if ahead > 0 else "behind"
    return warning(
        topic,
        f"{server}'s clock is {spoken(timedelta(seconds=abs(ahead)))} {direction} the one of "
        "this machine.",
        "Let NTP set the clocks of both (timedatectl set-ntp true).",
    )


def spoken(span: timedelta) -> str:
    """A length of time for a sentence: `45 s`, `12 min`, `3 h`, `5 h 30 min`."""
    seconds = round(span.total_seconds())
    minutes = round(seconds / 60)
    if seconds < 120:  # noqa: PLR2004 - one minute and a bit is still a matter of seconds
        return f"{seconds} s"
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours} h" * bool(hours), f"{rest} min" * bool(rest)) if part
    )


def offset(seconds: int) -> str:
    """An offset from UTC as MySQL writes it: `+03:00`."""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
