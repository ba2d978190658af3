"""What can go wrong with a private server: it cannot be had on this machine, or it failed here and now."""


class ServerError(Exception):
    """A private database server cannot be used; the message says why in one sentence."""


class ServerUnavailable(ServerError):  # noqa: N818 - tests say: skip if unavailable
    """The server's program cannot be had on this machine: nothing is wrong with the data."""


class ServerFailed(ServerError):  # noqa: N818 - reads as what happened
    """The server's program is there but did not do what was asked; ends with the tail of its log."""
