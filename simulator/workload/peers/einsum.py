"""A layer as a sum of products over named dimensions, and its roles in a convolution.

A dimension's role follows from the operands that it indexes, whatever its name:

| weights | inputs | outputs | role |
| --- | --- | --- | --- |
| x | x | x | groups |
| x |   | x | output channels |
| x | x |   | input channels, or kernel rows or columns |
|   | x | x | images, or output rows or columns |
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from simulator.base.errors import InputError
from simulator.workload.peers.layers import map_of, pixel_rows
from simulator.workload.sides import per_axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One axis of a convolution: input = stride x output + dilation x kernel."""

    output: str
    kernel: str
    stride: int = 1
    dilation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Einsum:
    """A sum of products of weights and inputs."""

    sizes: Mapping[str, int]
    weights: Collection[str]
    inputs: Collection[str]
    outputs: Collection[str]
    windows: tuple[Window | None, Window | None] = (None, None)
    """The windows along rows and along columns."""

    def size(self, dimension: str) -> int:
        """The size of a dimension."""
        return self.sizes[dimension]


def conv_of(einsum: Einsum, where: str) -> dict[str, Any]:
    """Return an entry of type conv of a network file, without its name.

    The input map is the region that the outputs read; it includes padding.

    Args:
        einsum: the layer.
        where: name of the layer in errors.

    Raises:
        InputError: a dimension has no role in a convolution.

    """
    roles = _roles(einsum, where)
    ins, outs, kernel, stride, dilation = [], [], [], [], []
    for window in einsum.windows:
        out = 1 if window is None else einsum.size(window.output)
        taps = 1 if window is None else einsum.size(window.kernel)
        step, spread = (1, 1) if window is None else (window.stride, window.dilation)
        ins.append((out - 1) * step + (taps - 1) * spread + 1)
        outs.append(out)
        kernel.append(taps)
        stride.append(step)
        dilation.append(spread)
    groups, images = prod(roles["groups"]), prod(roles["images"])
    if einsum.windows == (None, None):  # a matrix product: its rows are pixels of one row
        (ins[0], ins[1]), images = pixel_rows(images), 1
    return {
        "out_channels": groups * prod(roles["outputs"]),
        "kernel": per_axis(*kernel),
        "stride": per_axis(*stride),
        "dilation": per_axis(*dilation),
        "groups": groups,
        "input": map_of(groups * prod(roles["channels"]), ins[0], ins[1], images),
    }


def _roles(einsum: Einsum, where: str) -> dict[str, list[int]]:
    """The sizes of the dimensions of each role, apart from those of windows."""
    roles: dict[str, list[int]] = {"groups": [], "outputs": [], "channels": [], "images": []}
    by_operands = {
        (True, True, True): "groups",
        (True, False, True): "outputs",
        (True, True, False): "channels",
        (False, True, True): "images",
    }
    of_windows = {
        name: wanted
        for window in einsum.windows
        if window is not None
        for name, wanted in ((window.output, "images"), (window.kernel, "channels"))
    }
    for name, size in einsum.sizes.items():
        operands = (name in einsum.weights, name in einsum.inputs, name in einsum.outputs)
        role = by_operands.get(operands)
        if role is None or of_windows.get(name, role) != role:
            if size == 1:
                continue
            raise InputError(f"{where}: dimension {name} ({size}) has no role in a convolution")
        if name not in of_windows:
            roles[role].append(size)
    return roles
