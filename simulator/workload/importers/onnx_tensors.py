"""Read the numbers of an ONNX tensor, without wasting memory on a broken or hostile file.

Dimensions are only claims. The reader allocates memory only after it finds the claimed data.
"""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError

if TYPE_CHECKING:
    from onnx import TensorProto

_MOST_NUMBERS = 1 << 28
"""Maximum number of elements of a tensor: 1 GiB of float32."""
_BYTES = {
    "FLOAT": 4, "DOUBLE": 8, "FLOAT16": 2, "BFLOAT16": 2, "BOOL": 1, "INT8": 1, "UINT8": 1,
    "INT16": 2, "UINT16": 2, "INT32": 4, "UINT32": 4, "INT64": 8, "UINT64": 8,
}  # fmt: skip


def read_tensor(tensor: "TensorProto", path: Path) -> NDArray[Any] | None:
    """[dims] the numbers of a tensor; None if the file does not have them, or for other types.

    Args:
        tensor: an initializer or a constant of the model.
        path: the model's file; its folder has the external data.

    Raises:
        InputError: data are missing, do not have the size of `dims`, or are outside the folder.

    """
    from onnx import TensorProto, helper, numpy_helper

    size = {TensorProto.DataType.Value(kind): size for kind, size in _BYTES.items()}.get(
        tensor.data_type
    )
    if size is None:
        return None
    where = f"{path}: tensor {tensor.name!r}"
    expected = _numbers(tensor, where)
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external(tensor, path, where, expected * size)
        tensor = TensorProto(dims=tensor.dims, data_type=tensor.data_type, raw_data=raw)
    elif tensor.raw_data:
        _require_equal(where, len(tensor.raw_data), expected * size, "bytes")
    else:
        found = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
        if not found and expected:
            return None
        _require_equal(where, found, expected, "numbers")
    array: NDArray[Any] = numpy_helper.to_array(tensor)
    return array


def _numbers(tensor: "TensorProto", where: str) -> int:
    """Number of elements that the dimensions claim."""
    numbers: int = prod(tensor.dims)
    if min(tensor.dims, default=0) < 0 or numbers > _MOST_NUMBERS:
        shape = "x".join(str(size) for size in tensor.dims)
        raise InputError(
            f"{where}: has the shape {shape}, expected at most {_MOST_NUMBERS} numbers"
        )
    return numbers


def _require_equal(where: str, found: int, expected: int, what: str) -> None:
    if found != expected:
        raise InputError(f"{where}: holds {found} {what}, its shape needs {expected}")


def _external(tensor: "TensorProto", path: Path, where: str, expected: int) -> bytes:
    """Read the bytes of a tensor from another file in the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    try:
        offset, length = (int(entries.get(key) or 0) for key in ("offset", "length"))
        folder = path.parent.resolve()
        file = (folder / location).resolve()
        inside = file.is_relative_to(folder) and not Path(location).is_absolute()
    except (ValueError, OSError, RuntimeError) as error:  # a NUL in the name, a loop of links
        raise InputError(f"{where}: its external data are not readable: {error}") from error
    if not inside or file == folder:
        raise InputError(f"{where}: its data are in {location!r}, outside the model's folder")
    if not file.is_file():
        raise InputError(f"{where}: its data are in {location!r}, which does not exist")
    if "length" in entries:
        _require_equal(where, length, expected, "bytes")
    size = file.stat().st_size
    if offset < 0 or offset + expected > size:
        raise InputError(
            f"{where}: needs {expected} bytes of {location!r} from byte {offset}; it has {size}"
        )
    try:
        return np.fromfile(file, dtype=np.uint8, count=expected, offset=offset).tobytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
