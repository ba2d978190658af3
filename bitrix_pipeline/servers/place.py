"""Where a server's files live: in the folder asked for or, where the server's account may not go, in /var/tmp.

A clone under /root (mode 0700) is the usual case of the latter.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bitrix_pipeline.servers.account import may_enter
from bitrix_pipeline.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bitrix_pipeline.servers.account import Account

# Survives a restart of the machine, and is open to every account on every Linux.
SUBSTITUTES: Final = Path("/var/tmp/bitrix-pipeline")  # noqa: S108 - see _base
ORIGIN: Final = "origin"
LOCK: Final = "lock"


def enterable_folder(folder: Path, account: Account | None) -> Path:
    """`folder`, made if missing, or the substitute for it that `account` may enter.

    A link `files` in `folder` then shows where the files went. Raises ServerUnavailable if
    neither can be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if may_enter(folder, account):
        return folder
    link = folder / "files"
    # Held until the link is there: another process that asks for the same folder at this moment
    # would take what was just made for files left behind, and remove them.
    with exclusive(_base() / LOCK):
        substitute = _substitute(folder, account)
        if not link.is_symlink():
            # Files of a folder that had the same name, was removed and is now made again.
            with contextlib.suppress(BlockingIOError):
                _remove_if_unused(substitute)
            substitute = _substitute(folder, account)
            link.symlink_to(substitute)
    return substitute


def executable_programs(
    programs: Path, *, parts: Sequence[Path], root: Path, account: Account | None
) -> Path:
    """The folder `programs`, or a copy of it that `account` may execute.

    Copied are `parts`, folders below `root`, laid out as they are there: programs find their
    libraries and data by relative paths. Raises ServerUnavailable if neither can be used.
    """
    if may_enter(programs, account):
        return programs
    with exclusive(_base() / LOCK):
        substitute = _substitute(programs, account)
    # A later version of the programs is another copy.
    copy = substitute / f"copy-{programs.stat().st_mtime_ns}"
    with exclusive(substitute / LOCK):
        if not copy.exists():
            _copy_for_everyone(parts, root, copy)
    return copy / programs.relative_to(root)


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Holds `lock` while the block runs; waits for another process which holds it."""
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copy_for_everyone(parts: Sequence[Path], root: Path, copy: Path) -> None:
    unfinished = copy.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in parts:
        shutil.copytree(part, unfinished / part.relative_to(root), symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            _open_to_everyone(path)
    unfinished.rename(copy)


def _open_to_everyone(path: Path) -> None:
    mode = path.stat().st_mode
    path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))


def _substitute(original: Path, account: Account | None) -> Path:
    """The caller holds the base's lock."""
    original = original.resolve()
    _remove_orphans()
    key = hashlib.sha256(os.fsencode(original)).hexdigest()[:16]
    substitute = SUBSTITUTES / key
    substitute.mkdir(exist_ok=True)
    substitute.chmod(0o755)
    (substitute / ORIGIN).write_text(str(original), encoding="utf-8")
    if not may_enter(substitute, account):
        raise ServerUnavailable(
            f"The account that servers run as may enter neither {original} nor {substitute}: "
            f"give it the right to (chmod o+x) or move the project."
        )
    return substitute


def _base() -> Path:
    SUBSTITUTES.mkdir(mode=0o755, exist_ok=True)
    found = SUBSTITUTES.lstat()
    # Anyone may make a folder of this name in /var/tmp; one that is not ours is not to be trusted.
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise ServerUnavailable(f"{SUBSTITUTES} belongs to somebody else: remove it.")
    SUBSTITUTES.chmod(0o755)
    return SUBSTITUTES


def _remove_orphans() -> None:
    """Removes the substitutes of folders that are gone, unless a server still runs there."""
    for origin in SUBSTITUTES.glob(f"*/{ORIGIN}"):
        # Another process may be removing the same one.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            if not Path(origin.read_text(encoding="utf-8")).exists():
                _remove_if_unused(origin.parent)


def _remove_if_unused(substitute: Path) -> None:
    with (substitute / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(substitute, ignore_errors=True)
