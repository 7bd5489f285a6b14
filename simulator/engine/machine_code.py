"""Machine code of a function, kept in a file for the next process.

Making it needs numba, which takes seconds, and 0.5 s for its import alone. Running it needs only
llvmlite, on which numba is built: about 0.1 s for the import and for loading.

A file's name carries a checksum of everything that determines the code: the sources, and the
versions of Python, numba, llvmlite, and the processor. The file begins with a checksum of its
contents. The loader verifies the checksum first, and ignores a file that fails.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from types import ModuleType
from typing import Any

from simulator.engine import constants

FOLDER_VARIABLE = "NUMBA_CACHE_DIR"
"""Environment variable that names the folder of kept code; it is numba's own."""
SUFFIX = ".code"


@dataclass(frozen=True, slots=True)
class Source:
    """The source of machine code."""

    function: Callable[[Any, int, int], None]
    """The function; it changes a row of integers, its first argument."""
    modules: tuple[ModuleType, ...]
    """The modules of the functions that the function calls, and of the constants that it uses."""
    instead: Mapping[Callable[..., Any], Callable[..., Any]]
    """Functions that the compiler cannot compile -> replacements with the same effect."""
    name: str
    """The name of the machine code's files."""
    constants: Mapping[str, int]
    """Fields of the row whose values the compiler may assume; see `simulator.engine.constants`."""


@dataclass(frozen=True, slots=True)
class Code:
    """Machine code."""

    entry: str
    """Symbol of the function."""
    unused: tuple[str, ...]
    """Symbols that the code names but does not define.

    They belong to the path on which compiled Python raises an exception. The functions compiled
    here raise none. The code therefore never reaches these symbols.
    """
    image: bytes
    """Object file in the host's format."""


# --- making and loading ---------------------------------------------------------------------------


def make(source: Source) -> Code:
    """Compile a function for this machine; takes seconds."""
    import llvmlite.binding as llvm
    import numba
    from numba.extending import overload

    _vectorize_fully()
    copies = constants.with_constants(source.modules, source.constants)
    for part, copy in copies.items():
        overload(copy, strict=False)(_always(copies[source.instead.get(part, part)]))
    function = copies[source.function]

    def run(memory: Any, first: int, behind: int) -> None:
        function(memory, first, behind)

    types: Any = numba.types
    whole = types.int64
    compiled = numba.cfunc(types.void(types.CPointer(whole), whole, whole))(run)
    module = llvm.parse_assembly(compiled.inspect_llvm())
    host = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )
    named = (*module.functions, *module.global_variables)
    return Code(
        entry=compiled.native_name,
        unused=tuple(
            value.name
            for value in named
            if value.is_declaration and not value.name.startswith("llvm.")
        ),
        image=host.emit_object(module),
    )


@cache
def _vectorize_fully() -> None:
    """Let LLVM vectorize loops over many rows, even if it must compare all addresses."""
    import llvmlite.binding as llvm

    llvm.set_option("", "--runtime-memory-check-threshold=128")


def _always(form: Callable[..., Any]) -> Callable[..., Any]:
    """Tell numba to compile a function from one form, whatever the types of its arguments."""
    return lambda *_: form


def run_of(code: Code) -> Callable[[Any, int, int], None]:
    """Load code into this process; return a function that runs it over an array of int64."""
    import ctypes

    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    build = llvm.JITLibraryBuilder().add_object_img(code.image).export_symbol(code.entry)
    abort = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
    for symbol in code.unused:
        build.import_symbol(symbol, abort)
    linker = llvm.create_lljit_compiler()
    library = build.link(linker, code.entry)
    form = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    call = form(library[code.entry])

    def run(memory: Any, first: int, behind: int) -> None:
        call(memory.ctypes.data, first, behind)

    run.loaded = library, linker  # type: ignore[attr-defined] # keeps the code alive
    return run


# --- files ----------------------------------------------------------------------------------------


class Kept:
    """The machine code of one function in files."""

    def __init__(self, source: Source) -> None:
        """Open no file yet."""
        self._source = source

    def read(self) -> Code | None:
        """Return the code that an earlier process has left for this machine, or None."""
        for folder in self._folders:
            # llvmlite knows the processor; import it only if there is code for some processor
            if any(folder.glob(f"{self._stem}-*{SUFFIX}")):
                code = _unpacked(folder / self._name, self._name)
                if code is not None:
                    return code
        return None

    def write(self, code: Code) -> None:
        """Write code for other processes, if a folder is writable, and drop stale code."""
        if self._writable is None:
            return
        _write(self._writable / self._name, _packed(code, self._name))
        for old in self._writable.glob(self._name.replace(self._sources, "*")):
            if old.name != self._name:
                old.unlink(missing_ok=True)

    @contextmanager
    def mine(self, *, wait: bool) -> Iterator[bool]:
        """Hold a lock while making and writing code; yield False if another process holds it."""
        from filelock import FileLock, Timeout

        if self._writable is None:  # each process makes its own
            yield True
            return
        lock = FileLock(self._writable / f"{self._source.name}.lock")
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            yield False
            return
        except (OSError, NotImplementedError):  # another user's file, or no locks in this folder
            yield True
            return
        try:
            yield True
        finally:
            lock.release()

    @property
    def is_kept(self) -> bool:
        """True if a folder can keep the code."""
        return self._writable is not None

    @cached_property
    def _folders(self) -> tuple[Path, ...]:
        """The folders for code: next to Python's own bytecode, or in the user's cache folder."""
        if named := os.environ.get(FOLDER_VARIABLE):
            return (Path(named),)
        beside = Path(cache_from_source(_file_of(self._source.modules[0]))).parent
        try:
            home = Path.home()
        except RuntimeError:  # a user without a home
            return (beside,)
        caches = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
        return beside, caches / "subbit-simulator"

    @cached_property
    def _writable(self) -> Path | None:
        return next(filter(_is_writable, self._folders), None)

    @cached_property
    def _sources(self) -> str:
        modules = (*self._source.modules, constants, sys.modules[__name__])
        return _checksum(b"".join(Path(_file_of(module)).read_bytes() for module in modules))

    @cached_property
    def _stem(self) -> str:
        """The part of the name that does not need llvmlite."""
        from importlib.metadata import version  # slow to import, and used only with the compiler

        versions = (
            f"{sys.version} {version('numba')} {version('llvmlite')} {self._source.constants}"
        )
        name = f"{self._source.name}.{sys.implementation.cache_tag}"
        return f"{name}-{self._sources}-{_checksum(versions.encode())}"

    @cached_property
    def _name(self) -> str:
        from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

        processor = f"{get_host_cpu_name()} {get_host_cpu_features().flatten()}"
        return f"{self._stem}-{_checksum(processor.encode())}{SUFFIX}"


def _checksum(contents: bytes) -> str:
    """Return a checksum that is short enough for a name."""
    return sha256(contents).hexdigest()[:16]


def _file_of(module: ModuleType) -> str:
    assert module.__file__ is not None
    return module.__file__


def _is_writable(folder: Path) -> bool:
    from tempfile import TemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _packed(code: Code, name: str) -> bytes:
    """Return the contents of a file: a checksum, a line about the code, the code."""
    about = {"name": name, "entry": code.entry, "unused": code.unused}
    contents = json.dumps(about).encode() + b"\n" + code.image
    return sha256(contents).digest() + contents


def _unpacked(path: Path, name: str) -> Code | None:
    """Return the code in a file; None if the file has changed, or has another name's code."""
    try:
        packed = path.read_bytes()
    except OSError:
        return None
    size = sha256().digest_size
    checksum, contents = packed[:size], packed[size:]
    if sha256(contents).digest() != checksum:
        return None
    line, _, image = contents.partition(b"\n")
    about = json.loads(line)
    if about["name"] != name:
        return None
    return Code(entry=about["entry"], unused=tuple(about["unused"]), image=image)


def _write(path: Path, contents: bytes) -> None:
    """Write a file completely or not at all; on a full disk, keep no file."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(contents)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
