"""Topology files of SCALE-Sim 3.0.0 (`scalesim/topology_utils.py` reads them).

A file has a header and a line per layer; every line ends with a comma. SCALE-Sim knows no padding,
dilation, groups or batch, and rounds the number of output rows up. The map of a convolution is
therefore the region that its output rows and columns read: (out - 1) x stride + kernel. Every group
is a line of its own.
"""

from collections.abc import Iterator

from simulator.workload.exporters.shapes import LeftOut, group_names
from simulator.workload.layer import Layer
from simulator.workload.workload import Workload

_CONVOLUTION = (
    "layer", "ifmap height", "ifmap width", "filter height", "filter width", "channels", "filters",
    "stride",
)  # fmt: skip
_GEMM = ("layer", "M", "N", "K")
_MANY_MAPS = "SCALE-Sim's convolution form has one map per layer; --gemm writes matrix products"


def write(workload: Workload, gemm: bool) -> tuple[str, list[LeftOut]]:
    """Return the text of a topology file, and the layers that the file cannot express.

    Args:
        workload: a configured workload.
        gemm: write matrix products instead of convolutions.

    """
    lines = [_line(_GEMM if gemm else _CONVOLUTION)]
    left_out = []
    for layer in workload.layers:
        maps = layer.images * workload.batch
        if gemm:
            lines += map(_line, _products(layer, maps))
        elif maps == 1 or _is_pointwise(layer):
            lines += map(_line, _convolutions(layer, maps))
        else:
            left_out.append(LeftOut(layer=layer.name, reason=_MANY_MAPS))
    return "\n".join(lines) + "\n", left_out


def _is_pointwise(layer: Layer) -> bool:
    """True if each output pixel reads one input pixel; all maps then form one map."""
    return layer.kernel == 1


def _convolutions(layer: Layer, maps: int) -> Iterator[tuple[object, ...]]:
    """Yield one convolution per group, with the outputs of all maps stacked vertically."""
    down, right = (1, 1) if _is_pointwise(layer) else layer.strides
    rows, columns = layer.kernel_sides
    height = (maps * layer.out_height - 1) * down + rows
    width = (layer.out_width - 1) * right + columns
    strides = (down,) if down == right else (down, right)
    channels, filters = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    for name in map(_plain, group_names(layer)):
        yield name, height, width, rows, columns, channels, filters, *strides


def _products(layer: Layer, maps: int) -> Iterator[tuple[object, ...]]:
    """Yield one product per group: M output pixels, N filters, K inputs of an output."""
    pixels = maps * layer.out_height * layer.out_width
    filters = layer.out_channels // layer.groups
    inputs = layer.in_channels // layer.groups * layer.taps
    for name in map(_plain, group_names(layer)):
        yield name, pixels, filters, inputs


def _line(cells: tuple[object, ...]) -> str:
    return ", ".join(map(str, cells)) + ","


def _plain(name: str) -> str:
    """Return the name without commas, and without DP, SCALE-Sim's mark of a depthwise layer."""
    return name.replace(",", "_").replace("DP", "D_P")
