"""Read `.safetensors` files with the format's own library, without torch."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.base.guard import reading
from simulator.workload.importers.tensors import TensorFile

_NUMBERS = {"F64", "F32", "F16", "I8"}


def read_safetensors(path: Path) -> TensorFile:
    """Read the names and shapes of a safetensors file.

    Raises:
        InputError: the library is missing, or refuses the file.

    """
    require("safetensors", f"{path}: reading .safetensors files")
    from safetensors import safe_open

    with reading(path, "safetensors file"), safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 # not a mapping
        shapes = {name: tuple(s.get_shape()) for name, s in slices.items()}
        types = {name: s.get_dtype() for name, s in slices.items()}

    def load(name: str) -> NDArray[Any]:
        if types[name] not in _NUMBERS:
            raise InputError(
                f"{path}: {name} is of {types[name]}: expected {', '.join(sorted(_NUMBERS))}"
            )
        with reading(path, "safetensors file"), safe_open(path, framework="np") as file:
            values: NDArray[Any] = file.get_tensor(name)
        return values

    return TensorFile(path=path, shapes=shapes, load=load)
