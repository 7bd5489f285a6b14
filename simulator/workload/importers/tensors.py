"""The common form of all formats: named arrays with known shapes, and their values on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFile:
    """The tensors of a state dict, in the file's order."""

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    load: Callable[[str], NDArray[Any]]
    notes: tuple[str, ...] = ()
    """Sentences on what the reader passed over."""
    others: "Mapping[str, TensorFile]" = field(default_factory=dict)
    """Other networks in the file by their keys, such as averaged weights."""

    def read(self, name: str) -> NDArray[np.float32]:
        """Read the values of one tensor.

        Raises:
            InputError: a value is not finite, or the file is broken.

        """
        values = self.load(name)
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(values, dtype=np.float32)
        wrong = int(array.size - np.isfinite(array).sum())
        if wrong:
            raise InputError(
                f"{self.path}: {name}: {wrong:,} of {array.size:,} values are not finite numbers"
            )
        return array
