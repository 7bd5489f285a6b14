"""Names of temporary files, and the removal of those that a killed process has left.

A temporary file is next to its final file. Its name holds the computer and the process, which tell
whether the process still runs.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from platform import node

_TEMPORARY = re.compile(r"\.(?P<host>[0-9A-Za-z_-]*)\.(?P<process>\d+)\.part")
_MOST_HOST = 20
"""Characters of the computer's name in a temporary file's name."""
_MOST_END = 40
"""Characters of the final name in it; its suffix tells writers the format."""


def temporary_path(path: Path) -> Path:
    """Return the path of this process' temporary file for a file."""
    return path.with_name(f".{_host()}.{os.getpid()}.part.{path.name[-_MOST_END:]}")


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of processes of this computer that no longer run."""
    if os.name == "nt":  # os.kill would end the process
        return
    with suppress(OSError):
        for path in folder.iterdir():
            found = _TEMPORARY.match(path.name)
            if found and found["host"] == _host() and not _runs(int(found["process"])):
                path.unlink(missing_ok=True)


def _host() -> str:
    return re.sub(r"[^0-9A-Za-z_-]", "", node())[:_MOST_HOST]


def _runs(process: int) -> bool:
    """True if a process with this number runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process
        return True
    return True
