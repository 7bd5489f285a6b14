"""How long work reports how far it is, and how it ends as a whole or not at all."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is; of 0, it is not
known how much."""
_Item = TypeVar("_Item")


def announce(progress: Progress | None, what: str) -> None:
    """Report what is being done, if somebody listens and it is not known how far it is."""
    if progress is not None:
        progress(what, 0, 0)


def reported(progress: Progress | None, what: str, total: int) -> Callable[[int], None] | None:
    """Return what takes how many of `total` things are done; None if nobody listens."""
    return None if progress is None else lambda done: progress(what, done, total)


def counted(progress: Progress | None, what: str, items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield the items; report, if somebody listens, how many are done."""
    for number, item in enumerate(items):
        if progress is not None:
            progress(what, number, len(items))
        yield item


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let Ctrl-C take effect afterwards, and never in a process that is started meanwhile.

    A worker that got it before it ignores it, or whose start it cut short, would print a traceback.
    Blocking the signal keeps it from the worker, but not from this process: any other thread of it,
    such as numpy's, lets it in. Therefore it is noted, too.
    """
    noted: list[int] = []
    here = threading.current_thread() is threading.main_thread()  # where Python handles signals
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
