"""Quantizers of weights: ONNX's QuantizeLinear and DequantizeLinear, and those of QONNX.

onnx's reference implementation has ONNX's quantizers only from opset 19 on. Their definition has
not changed since opset 10, apart from additional types and blocks.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.workload.importers.onnx_nodes import UncomputableError, attributes

if TYPE_CHECKING:
    from onnx import NodeProto


def run_quantizer(node: "NodeProto", inputs: list[NDArray[Any]]) -> NDArray[Any]:
    """Compute QuantizeLinear or DequantizeLinear.

    Raises:
        UncomputableError: the shapes do not fit, or a type is not an integer of whole bytes.

    """
    if not 2 <= len(inputs) <= 3:
        raise UncomputableError(f"it has {len(inputs)} inputs")
    run = _quantized if node.op_type == "QuantizeLinear" else _dequantized
    try:
        return run(node, *inputs)
    except ValueError as error:  # shapes that do not broadcast
        raise UncomputableError(str(error)) from error


def of_qonnx(
    node: "NodeProto", inputs: list[NDArray[Any] | None]
) -> tuple[NDArray[Any] | None, bool]:
    """Apply QONNX's BipolarQuant, or Quant with 1 signed bit: -1 below 0, +1 otherwise.

    The result has no scale, because layers store only signs. Quant with more bits does not change
    the value.

    Returns:
        The output, None if the value is unknown; and True if it consists of signs.

    Raises:
        UncomputableError: the operator is another, or the number of bits is unknown.

    """
    value = inputs[0]
    if node.op_type not in {"BipolarQuant", "Quant", "IntQuant"}:
        raise UncomputableError("this quantizer is not supported for weights")
    if node.op_type != "BipolarQuant":
        width = inputs[3] if len(inputs) > 3 else None
        if width is None:
            raise UncomputableError("its bit width is unknown")
        if not np.all(width == 1) or not attributes(node).get("signed", 1):
            return value, False
    return None if value is None else _signs(value), True


def _quantized(
    node: "NodeProto", x: NDArray[Any], scale: NDArray[Any], *zero: NDArray[Any]
) -> NDArray[Any]:
    """[x's shape] saturate(round(x / scale) + zero); halves round to even."""
    from onnx import helper

    number = attributes(node).get("output_dtype", 0)
    if zero:
        kind = zero[0].dtype
    else:
        kind = helper.tensor_dtype_to_np_dtype(number) if number else np.dtype(np.uint8)
    if kind.kind not in "iu":
        raise UncomputableError(f"quantizes to {kind}")
    limits = np.iinfo(kind)
    shift = _spread(node, zero[0], x).astype(np.int64) if zero else 0
    with np.errstate(all="ignore"):
        whole = np.rint(x / _spread(node, scale, x)) + shift
    made: NDArray[Any] = np.clip(np.nan_to_num(whole), limits.min, limits.max).astype(kind)
    return made


def _dequantized(
    node: "NodeProto", x: NDArray[Any], scale: NDArray[Any], *zero: NDArray[Any]
) -> NDArray[Any]:
    """[x's shape] (x - zero) * scale."""
    shift = _spread(node, zero[0], x) if zero else np.zeros((), x.dtype)
    wide = np.int64 if x.dtype.kind in "iub" else np.float32
    whole = np.subtract(x.astype(wide), shift.astype(wide))
    made: NDArray[Any] = whole.astype(scale.dtype) * _spread(node, scale, x)
    return made


def _spread(node: "NodeProto", factor: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """A scale or zero point, shaped to broadcast to x: one number, one per slice, or blocks."""
    given = attributes(node)
    axis, block = given.get("axis", 1), given.get("block_size", 0)
    if not isinstance(axis, int) or not isinstance(block, int):
        raise UncomputableError("axis or block_size has the wrong type")
    if factor.size == 1:
        return factor.reshape(())
    if not -x.ndim <= axis < x.ndim:
        raise UncomputableError(f"axis {axis} does not exist in {x.ndim} dimensions")
    size = x.shape[axis]
    if factor.ndim == 1 and factor.size == size:
        return factor.reshape([size if n == axis % x.ndim else 1 for n in range(x.ndim)])
    if block > 0 and factor.ndim == x.ndim and factor.shape[axis] == -(-size // block):
        return np.repeat(factor, min(block, size), axis).take(range(size), axis)
    raise UncomputableError(f"a scale of {factor.size} numbers does not fit {size} slices")


def _signs(array: NDArray[Any]) -> NDArray[np.float32]:
    signs = np.where(array >= 0, np.float32(1), np.float32(-1))
    signs[np.isnan(array)] = np.nan
    return signs
