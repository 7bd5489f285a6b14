"""Stand-ins for the few Python objects that trainers save with the weights.

torch's safe loader refuses every object that it does not know. Such files hold numbers of numpy, an
`argparse.Namespace`, or a path next to the state dict. The loader gets a stand-in for each of these
names. A stand-in keeps nothing and calls nothing; only a numpy array keeps its numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_IGNORED = (
    "argparse.Namespace", "types.SimpleNamespace", "datetime.datetime", "datetime.date",
    "datetime.timedelta", "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath",
    "pathlib._local.Path", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "builtins.list", "builtins.dict", "builtins.int", "builtins.float", "builtins.str",
    "numpy.ndarray", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
)  # fmt: skip
_TYPES = frozenset("iufb")
_ORDERS = frozenset("<>|=")


class Ignored:
    """An object that a file holds with the weights, without its contents."""

    def __new__(cls, *_arguments: object) -> Self:
        """Drop the arguments."""
        return object.__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Drop the contents."""


class _Type:
    """A numpy dtype: its name and byte order."""

    def __init__(self, name: object = "", *_flags: object) -> None:
        self.name = name if isinstance(name, str) else ""
        self.order = "="

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in _ORDERS:
            self.order = state[1]

    def numbers(self) -> np.dtype[Any] | None:
        """The type, if it is one of plain numbers."""
        kind, size = self.name[:1], self.name[1:]
        if kind not in _TYPES or size not in {"1", "2", "4", "8"}:
            return None
        try:
            return np.dtype(f"{self.order}{self.name}")
        except TypeError:
            return None


class Array:
    """A numpy array in a checkpoint, as its shape and bytes until they are read."""

    def __init__(self, *_arguments: object) -> None:
        """Begin without contents; the loader sets them."""
        self._contents: _Contents | None = None

    def __setstate__(self, state: object) -> None:
        """Keep the contents if they are plain numbers that fill the shape."""
        match state:
            case (_, tuple(shape), _Type() as kind, fortran, bytes(data)):
                dtype = kind.numbers()
                sizes = all(isinstance(size, int) and size >= 0 for size in shape)
                if dtype is not None and sizes and prod(shape) * dtype.itemsize == len(data):
                    self._contents = _Contents(shape, dtype, bool(fortran), data)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape; None if the array does not hold plain numbers."""
        return None if self._contents is None else self._contents.shape

    def numpy(self) -> NDArray[Any]:
        """The numbers; only for an array with a shape."""
        assert self._contents is not None  # the caller asks for the shape first
        return self._contents.numpy()


@dataclass(frozen=True, slots=True)
class _Contents:
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    data: bytes

    def numpy(self) -> NDArray[Any]:
        flat = np.frombuffer(self.data, dtype=self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran else "C")


def _plain_dict(*_arguments: object) -> dict[object, object]:
    """A `defaultdict` without its default."""
    return {}


def stand_ins() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Pairs (stand-in, name) for `torch.serialization.safe_globals`."""
    return [
        *((Ignored, name) for name in _IGNORED),
        (_plain_dict, "collections.defaultdict"),
        (_Type, "numpy.dtype"),
        (Array, "numpy.core.multiarray._reconstruct"),
        (Array, "numpy._core.multiarray._reconstruct"),
    ]
