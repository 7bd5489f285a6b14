"""Code that runs interpreted or compiled, and when the compiler (numba) pays.

The compiler is an extra: without it everything runs interpreted, with the same results.

What can be compiled is plain Python over whole numbers: named ones (a named tuple, or its record,
`records_of`), and long rows of them (a list, or an array, `memory_of`). Both have one source.

Importing the compiler costs as much as a whole run of ResNet-18, and compiling takes seconds, but
for a process that finds the result on disk. So a process interprets until it has worked enough.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol, overload
from zlib import crc32

import numpy as np

from simulator.columns import Ints
from simulator.extras import installed

COMPILE_FROM = 250_000
"""Operations interpreted in a process after which its work is compiled: some 0.5 s of work."""


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
    def __setitem__(self, place: int, value: int, /) -> None:
        """Change one of them."""
        ...


class _Process:
    """What this process has done."""

    interpreted = 0
    """Operations run without the compiler."""
    when_missing: Callable[[], None] | None = None
    """To be called, once, if the compiler pays but is not installed."""


@cache
def available() -> bool:
    """True if the compiler is installed."""
    return installed("fast")


def pays(operations: int) -> bool:
    """Whether the compiler pays for what this process has run and for `operations` more."""
    _Process.interpreted += operations
    if missed():
        report_missing()
        return False
    return _Process.interpreted >= COMPILE_FROM


def missed() -> bool:
    """True if the compiler would pay in this process but is not installed."""
    return _Process.interpreted >= COMPILE_FROM and not available()


@contextmanager
def watched(when_missing: Callable[[], None] | None) -> Iterator[None]:
    """Let `when_missing` be called, once, if the compiler pays but is not installed."""
    _Process.when_missing = when_missing
    try:
        yield
    finally:
        _Process.when_missing = None


def report_missing() -> None:
    """Report that this process, or one that works for it, misses the compiler."""
    report, _Process.when_missing = _Process.when_missing, None
    if report is not None:
        report()


def memory_of(parts: Sequence[Ints], compiled: bool) -> Memory:
    """Numbers behind one another, as interpreted code reads them fastest, or compiled code must."""
    memory: Any = np.concatenate(parts)
    whole: Memory = memory if compiled else memory.tolist()
    return whole


def records_of(rows: Sequence[tuple[int, ...]]) -> Any:
    """Named tuples of whole numbers, all of one type, as compiled code takes them.

    A field of a record has the same name there. Functions hand it on as a pointer, where a tuple
    would be copied.
    """
    return np.array(rows, dtype=np.int64).view(_record(type(rows[0])))[:, 0]


@cache
def _record(row: type) -> np.dtype[np.void]:
    names: tuple[str, ...] = row._fields  # type: ignore[attr-defined] # named tuples
    return np.dtype([(name, np.int64) for name in names])


class Compiled:
    """A function that has a compiled form; it returns nothing, but changes what it is given."""

    def __init__(
        self, function: Callable[..., None], parts: Sequence[Callable[..., Any]] = ()
    ) -> None:
        """Take a function; `parts` are those that it calls, the called before the calling."""
        import numba
        from numba.extending import register_jitable

        pays(COMPILE_FROM)  # from here on
        for part in (*parts, function):
            register_jitable(part)
        stamp = _stamp()

        def run(*arguments: Any) -> int:
            function(*arguments)
            return stamp  # a form that was kept for other sources is not this one

        name = run.__qualname__ = f"{function.__module__}.{function.__name__}"
        compiler: Any = numba
        try:
            self._form = compiler.njit(cache=True)(run)
        except RuntimeError:  # no folder can be written: for this process alone
            self._form = compiler.njit(run)
        folder, python = self._form.stats.cache_path, "py{}{}".format(*sys.version_info)
        self.kept = folder is not None and any(Path(folder).glob(f"*{name}-*.{python}*.nbi"))
        """Whether an earlier process has left a compiled form."""

    def __call__(self, *arguments: Any) -> None:
        """Run the compiled form; numba keeps it for the next process, if there is where."""
        self._form(*arguments)

    @property
    def forms(self) -> int:
        """How often it has been compiled for other types of arguments."""
        return len(self._form.signatures)


@cache
def _stamp() -> int:
    """A number that changes with any source from which something is compiled.

    numba itself looks only at the file of the outermost function.
    """
    stamp, here = 0, Path(__file__).parent
    for folder in (here, here / "engine", here / "mapping"):
        for module in sorted(folder.glob("*.py")):
            stamp = crc32(module.read_bytes(), stamp)
    return stamp
