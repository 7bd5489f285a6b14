"""Notices of work that the program repeats or leaves out: one line each, for whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[str], None] | None) -> Iterator[None]:
    """Pass the notices of the block to a listener, equal ones once; None: to no listener."""
    told = set[str]()

    def once(what: str) -> None:
        if listener is not None and what not in told:
            told.add(what)
            listener(what)

    token = _LISTENER.set(once)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def tell(what: str) -> None:
    """Pass a notice to the listener, if there is one."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(what)
