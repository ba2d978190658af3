"""As whom a private server runs: never as root, which Postgres refuses and loopback trust forbids."""

from __future__ import annotations

import os
import pwd
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

if TYPE_CHECKING:
    from pathlib import Path

# Not "postgres" or "mysql": whoever may connect here must not get at a system server's files.
UNPRIVILEGED_USER: Final = "nobody"


class Account(NamedTuple):
    """A system user by number."""

    uid: int
    gid: int


class Identity(TypedDict, total=False):
    """The arguments of `subprocess` that switch to another user."""

    user: int
    group: int
    extra_groups: list[int]


def account_of_servers() -> Account | None:
    """Whom a server has to become; None when we are not root and it can stay who we are."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def identity(account: Account | None) -> Identity:
    """The arguments with which `subprocess` runs a program as `account`."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def may_enter(path: Path, account: Account | None) -> bool:
    """Whether the account may enter the folder, or execute the file, at `path`."""
    # Asked of the system, since modes alone do not tell: access lists and mounts count too.
    answer = subprocess.run(
        ["/usr/bin/test", "-x", str(path)], check=False, cwd="/", **identity(account)
    )
    return answer.returncode == 0
