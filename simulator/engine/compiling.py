"""Code that runs interpreted or compiled, and when compiling pays.

The compiler is an extra: without it everything runs interpreted, with the same results.

What can be compiled is plain Python over one long row of whole numbers: a list where code is
interpreted, an array where it is compiled. Both forms have one source.

Compiling takes some 25 s, once: the machine code stays in a file (`machine_code.py`). A process
that finds one runs compiled from the start. Any other interprets until it has worked enough to
compile, and then reports it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol, overload

from simulator.base.extras import hint, installed
from simulator.engine.machine_code import Kept, Source, make, run_of

COMPILE_FROM = 250_000
"""Operations interpreted in a process after which its work is compiled: some 5 s of work."""
COMPILES = "compiling the engine, once per installation; this takes up to a minute"
MISSES = f"running interpreted; {hint('fast')}"


class Memory(Protocol):
    """Whole numbers: a list or an array."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __iter__(self) -> Iterator[int]:
        """Go through them."""
        ...

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> "Memory": ...
    def __setitem__(self, place: int | slice, value: Any, /) -> None:
        """Change one of them, or several that are behind one another."""
        ...


class _Process:
    """What this process has done."""

    interpreted = 0
    """Operations run without the compiler."""
    tell: Callable[[str], None] | None = None
    """To be called, once, with what a user should know: that it compiles, or why it does not."""


@cache
def available() -> bool:
    """True if the compiler is installed."""
    return installed("fast")


def pays(operations: int = 0) -> bool:
    """Whether the compiler pays for what this process has run, now `operations` more."""
    _Process.interpreted += operations
    if missed():
        report_missing()
        return False
    return _Process.interpreted >= COMPILE_FROM


def missed() -> bool:
    """True if the compiler would pay in this process but is not installed."""
    return _Process.interpreted >= COMPILE_FROM and not available()


@contextmanager
def watched(tell: Callable[[str], None] | None) -> Iterator[None]:
    """Let `tell` be called, once, if this process compiles, or misses the compiler."""
    _Process.tell = tell
    try:
        yield
    finally:
        _Process.tell = None


def report_missing() -> None:
    """Report that this process, or one that works for it, misses the compiler."""
    _tell(MISSES)


def _tell(what: str) -> None:
    tell, _Process.tell = _Process.tell, None
    if tell is not None:
        tell(what)


class Compiled:
    """A function that has a compiled form; it returns nothing, but changes the memory."""

    def __init__(self, source: Source) -> None:
        """Take a function, which need not have been compiled yet."""
        self._source, self._kept = source, Kept(source)
        self._run: Callable[[Any, int, int], None] | None = None

    def serves(self) -> bool:
        """Whether this process is to run the compiled form: it is kept, or it pays to make it."""
        if not available():
            return pays()
        if self._run is None and not self._find() and pays():
            self._make(wait=False)
        return self._run is not None

    def keep(self) -> bool:
        """Make the form, unless there is one; False: there is no folder to keep it in."""
        if not self._find():
            self._make(wait=True)
        return self._kept.read() is not None

    def __call__(self, memory: Any, first: int, behind: int) -> None:
        """Run the compiled form over an array of int64; make it if there is none."""
        if self._run is None and not self._find():
            self._make(wait=True)
        assert self._run is not None
        self._run(memory, first, behind)

    def _find(self) -> bool:
        """Load the form that an earlier process has left; False: none has."""
        code = self._kept.read()
        if code is None:
            return False
        self._run = run_of(code)
        return True

    def _make(self, *, wait: bool) -> None:
        """Compile and keep the form; if another process is at it, wait for its form or for none."""
        with self._kept.mine(wait=wait) as mine:
            if mine and not self._find():
                _tell(COMPILES)
                code = make(self._source)
                self._kept.write(code)
                self._run = run_of(code)
