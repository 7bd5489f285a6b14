"""Read `.safetensors` files with the format's own library, without torch."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.workload.importers.tensors import TensorFile

_NUMBERS = frozenset({
    "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL",
})  # fmt: skip


def read_safetensors(path: Path) -> TensorFile:
    """Read the names and shapes of a safetensors file.

    Raises:
        InputError: the library is missing, or refuses the file.

    """
    require("safetensors", f"{path}: reading .safetensors files")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 # not a mapping
            shapes = {name: tuple(s.get_shape()) for name, s in slices.items()}
            types = {name: s.get_dtype() for name, s in slices.items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file: {error}") from error

    def load(name: str) -> NDArray[Any]:
        if types[name] not in _NUMBERS:
            raise InputError(
                f"{path}: {name} is of {types[name]}: expected {', '.join(sorted(_NUMBERS))}"
            )
        if types[name] == "BF16":
            return _bfloat16(path, name, shapes[name])
        with safe_open(path, framework="np") as file:
            values: NDArray[Any] = file.get_tensor(name)
        return values

    return TensorFile(path=path, shapes=shapes, load=load)


def _bfloat16(path: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The values of a bfloat16 tensor, the upper half of a float32; numpy has no such type."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = msgspec.json.decode(file.read(size))
        begin, end = header[name]["data_offsets"]  # the library has checked the header
        file.seek(8 + size + begin)
        halves = np.frombuffer(file.read(end - begin), dtype="<u2")
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(shape)
