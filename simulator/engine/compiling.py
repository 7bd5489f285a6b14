"""Code that runs interpreted or compiled, and the decision when compiling pays.

The compiler is an extra. Without it, everything runs interpreted, with the same results.

The compiled code is plain Python over one long row of integers: a list in interpreted code, an
array in compiled code. Both forms have one source.

Compiling takes some 25 s, once: the machine code stays in a file (`machine_code.py`). A process
that finds this file runs compiled from the start. Any other process interprets until it has worked
enough to compile. It then starts a background process that compiles, reports this, and continues
interpreted until the file exists.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol, overload

from simulator.base.extras import hint, installed
from simulator.engine.machine_code import Kept, Source, make, run_of

COMPILE_FROM = 250_000
"""The number of interpreted operations after which a process compiles: some 5 s of work."""
COMPILES = (
    "compiling the engine in the background, once per installation; this run continues "
    "interpreted, with the same results"
)
COMPILES_HERE = "compiling the engine for this run; this takes up to a minute"
MISSES = f"running interpreted; {hint('fast')}"


class Memory(Protocol):
    """Integers: a list or an array."""

    def __len__(self) -> int:
        """Return the number of integers."""
        ...

    def __iter__(self) -> Iterator[int]:
        """Iterate over the integers."""
        ...

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> "Memory": ...
    def __setitem__(self, place: int | slice, value: Any, /) -> None:
        """Change one integer, or several consecutive ones."""
        ...


class _Process:
    """The work of this process."""

    interpreted = 0
    """The number of operations run without the compiler."""
    tell: Callable[[str], None] | None = None
    """A callback for one message to the user: that the process compiles, or why it does not."""


@cache
def available() -> bool:
    """True if the compiler is installed."""
    return installed("fast")


def pays(operations: int = 0, ahead: int = 0) -> bool:
    """True if compiling pays after the operations of this process.

    Args:
        operations: operations to add to those of this process.
        ahead: operations that this process is about to run.

    """
    _Process.interpreted += operations
    if _Process.interpreted + ahead < COMPILE_FROM:
        return False
    if not available():
        report_missing()
    return available()


def missed() -> bool:
    """True if the compiler would pay in this process but is missing."""
    return _Process.interpreted >= COMPILE_FROM and not available()


@contextmanager
def watched(tell: Callable[[str], None] | None) -> Iterator[None]:
    """Call `tell`, at most once, if this process compiles or misses the compiler."""
    _Process.tell = tell
    try:
        yield
    finally:
        _Process.tell = None


def report_missing() -> None:
    """Report that this process, or one of its workers, misses the compiler."""
    _tell(MISSES)


def _tell(what: str) -> None:
    tell, _Process.tell = _Process.tell, None
    if tell is not None:
        tell(what)


class Compiled:
    """A function that has a compiled form; it returns no value, but changes the memory."""

    def __init__(self, source: Source, start: Callable[[], bool] | None = None) -> None:
        """Take a function, compiled or not.

        Args:
            source: the function.
            start: starts a process that keeps the compiled form; False: it cannot. None: this
                process compiles.

        """
        self._source, self._kept, self._start = source, Kept(source), start
        self._started = False
        self._run: Callable[[Any, int, int], None] | None = None

    def serves(self, ahead: Callable[[], int] = int) -> bool:
        """True if this process runs the compiled form: a file has the form, or making it pays.

        Args:
            ahead: returns about how many operations follow if the function runs interpreted.

        """
        if not available():
            return pays(ahead=ahead())
        if self._run is None and not self._find() and pays(ahead=ahead()) and not self._started:
            self._started = self._in_background()
            if not self._started:
                self._make(wait=False)
        return self._run is not None

    def _in_background(self) -> bool:
        """Let another process make the form; False: none can, or no folder can keep the form."""
        if self._start is None or not self._kept.is_kept:
            return False
        with self._kept.mine(wait=False) as mine:
            free = mine
        if free and not self._start():
            return False
        _tell(COMPILES)
        return True

    def keep(self) -> bool:
        """Make the form, unless one exists; False: no folder can keep it."""
        if not self._find():
            self._make(wait=True)
        return self._kept.read() is not None

    def __call__(self, memory: Any, first: int, behind: int) -> None:
        """Run the compiled form over an array of int64; make the form if none exists."""
        if self._run is None and not self._find():
            self._make(wait=True)
        assert self._run is not None
        self._run(memory, first, behind)

    def _find(self) -> bool:
        """Load the form that an earlier process has left; False: none exists."""
        code = self._kept.read()
        if code is None:
            return False
        try:
            self._run = run_of(code)
        except (OSError, RuntimeError):  # a file of another system
            return False
        return True

    def _make(self, *, wait: bool) -> None:
        """Compile and keep the form; if another process is compiling, wait for it or return."""
        with self._kept.mine(wait=wait) as mine:
            if mine and not self._find():
                _tell(COMPILES_HERE)
                code = make(self._source)
                self._kept.write(code)
                self._run = run_of(code)
