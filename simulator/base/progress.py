"""Progress reports of long work, and protection of short work from Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""A function of the name of the work, the number of items done, and their total (0: unknown)."""
_Item = TypeVar("_Item")


def announce(progress: Progress | None, what: str) -> None:
    """Report work of unknown size, if there is a listener."""
    if progress is not None:
        progress(what, 0, 0)


def reported(progress: Progress | None, what: str, total: int) -> Callable[[int], None] | None:
    """Return a function of the number of items done; None without a listener."""
    return None if progress is None else lambda done: progress(what, done, total)


def counted(progress: Progress | None, what: str, items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield the items; before each, report the number done, if there is a listener."""
    for number, item in enumerate(items):
        if progress is not None:
            progress(what, number, len(items))
        yield item


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block, and keep it from processes that start in the block.

    A worker would print a traceback if the signal interrupted its start, or arrived before the
    worker ignores the signal. Blocking the signal protects the worker, but not this process,
    because other threads, such as numpy's, still receive the signal. Therefore, a handler records
    the signal, too.
    """
    noted: list[int] = []
    here = threading.current_thread() is threading.main_thread()  # Python handles signals here
    handler = signal.getsignal(signal.SIGINT) if here else None
    if handler is not None:
        signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if noted:
            signal.raise_signal(signal.SIGINT)
