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
_BITS = {
    "FLOAT": 32, "DOUBLE": 64, "FLOAT16": 16, "BFLOAT16": 16, "BOOL": 8, "INT2": 2, "UINT2": 2,
    "INT4": 4, "UINT4": 4, "INT8": 8, "UINT8": 8, "INT16": 16, "UINT16": 16, "INT32": 32,
    "UINT32": 32, "INT64": 64, "UINT64": 64,
}  # fmt: skip
"""Size of a number by type; numbers of less than a byte are packed."""


def unread(tensor: "TensorProto") -> str | None:
    """The name of a tensor's type if this module does not read it."""
    if _bits(tensor) is not None:
        return None
    from onnx import TensorProto

    kind = tensor.data_type
    known = kind in TensorProto.DataType.values()
    return TensorProto.DataType.Name(kind) if known else str(kind)


def read_tensor(tensor: "TensorProto", path: Path) -> NDArray[Any] | None:
    """[dims] the numbers of a tensor; None if no file has them, or for other types.

    The numbers of a tensor of 2 or 4 bits are bytes.

    Args:
        tensor: an initializer or a constant of the model.
        path: the model's file; its folder has the external data.

    Raises:
        InputError: the data do not have the size of `dims`, or are outside the folder.

    """
    from onnx import TensorProto, helper, numpy_helper

    bits = _bits(tensor)
    if bits is None or not has_data(tensor, path):
        return None
    where = f"{path}: tensor {tensor.name!r}"
    numbers = _numbers(tensor, where)
    size = -(-numbers * bits // 8)
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external(tensor, path, where, size)
        tensor = TensorProto(dims=tensor.dims, data_type=tensor.data_type, raw_data=raw)
    elif tensor.raw_data:
        _require_equal(where, len(tensor.raw_data), size, "bytes")
    else:
        found = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
        _require_equal(where, found, size if bits < 8 else numbers, "numbers")
    array: NDArray[Any] = numpy_helper.to_array(tensor)
    if bits < 8:
        array = array.astype(np.int8 if array.dtype.name.startswith("int") else np.uint8)
    return array


def has_data(tensor: "TensorProto", path: Path) -> bool:
    """True if the model or another file has the numbers of a tensor.

    Raises:
        InputError: the numbers are in a file outside the model's folder.

    """
    from onnx import TensorProto, helper

    if tensor.data_location == TensorProto.EXTERNAL:
        return _file(tensor, path, f"{path}: tensor {tensor.name!r}").is_file()
    field = helper.tensor_dtype_to_field(tensor.data_type)
    return bool(tensor.raw_data or len(getattr(tensor, field)) or 0 in tensor.dims)


def _bits(tensor: "TensorProto") -> int | None:
    from onnx import TensorProto

    known = {TensorProto.DataType.Value(kind): bits for kind, bits in _BITS.items()}
    return known.get(tensor.data_type)


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


def _file(tensor: "TensorProto", path: Path, where: str) -> Path:
    """The file with a tensor's external data, which must be in the model's folder."""
    location = _entries(tensor).get("location", "")
    try:
        folder = path.parent.resolve()
        file = (folder / location).resolve()
        inside = file.is_relative_to(folder) and not Path(location).is_absolute()
        file.is_file()
    except (ValueError, OSError, RuntimeError) as error:  # a NUL in the name, a loop of links
        raise InputError(f"{where}: its external data are not readable: {error}") from error
    if not inside or file == folder:
        raise InputError(f"{where}: its data are in {location!r}, outside the model's folder")
    return file


def _entries(tensor: "TensorProto") -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _external(tensor: "TensorProto", path: Path, where: str, expected: int) -> bytes:
    """Read the bytes of a tensor from another file in the model's folder."""
    entries, file = _entries(tensor), _file(tensor, path, where)
    try:
        offset, length = (int(entries.get(key) or 0) for key in ("offset", "length"))
    except ValueError as error:
        raise InputError(f"{where}: its external data are not readable: {error}") from error
    if "length" in entries:
        _require_equal(where, length, expected, "bytes")
    size = file.stat().st_size
    if offset < 0 or offset + expected > size:
        raise InputError(
            f"{where}: needs {expected} bytes of {file.name!r} from byte {offset}; it has {size}"
        )
    try:
        return np.fromfile(file, dtype=np.uint8, count=expected, offset=offset).tobytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
