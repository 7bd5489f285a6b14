"""The arithmetic of a network on the values of a pixel, for units that see one pixel at a time.

A pixel is a map of one row and one column: the computations of `chain.py` apply to it. Sums, and
the values of windows, come from the units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.base.columns import Ints
from simulator.check.chain import Chain
from simulator.check.forward import Codes
from simulator.machines.vector import compute
from simulator.machines.vector.numbers import Numbers, moved
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources


@dataclass(slots=True)
class Pixels:
    """The arithmetic of a network after its chain has run."""

    chain: Chain
    exponents: dict[str, int] = field(default_factory=dict)
    """The scale of every map, by its last layer's name."""
    folded: dict[str, list[str]] = field(default_factory=dict)
    """The layers that a stage computes after its own, by the stage's layer."""

    codes: dict[str, Codes | None] = field(default_factory=dict)
    """The codes that every layer reads; None: it reads numbers."""

    def __post_init__(self) -> None:
        """Find the layers of every stage, and what each layer reads."""
        layers = self.chain.maps.layers.values()
        self.codes = {layer.name: self.chain.asked.code(layer.name) for layer in layers}
        assert self.chain.pipelined is not None
        for name, head in self.chain.pipelined.folded.items():
            self.folded.setdefault(head, []).append(name)

    # --- weights and formats --------------------------------------------------------------------

    def kernels(self, layer: Layer) -> KernelSet:
        """Return the kernels of a binary layer."""
        return self.chain.forward.kernels[layer.name]

    def weights(self, layer: Layer) -> Ints:
        """Return weights [out_channels, in_channels / groups, taps] as integers."""
        shape = (layer.out_channels, layer.in_channels // layer.groups, layer.taps)
        if layer.full_precision:
            return self.chain.stored_weights(layer).values.reshape(shape)
        signs = self.kernels(layer).signs().reshape(layer.out_channels, -1)
        return signs[:, : shape[1] * shape[2]].reshape(shape).astype(np.int64)

    def carries_codes(self, name: str) -> bool:
        """Return whether a map carries codes."""
        return self.chain.asked.widest(name) is not None

    def reads_codes(self, layer: AnyLayer) -> bool:
        """Return whether a layer reads codes."""
        return self.codes[layer.name] is not None

    # --- values ---------------------------------------------------------------------------------

    def read(self, layer: AnyLayer, number: int, values: Ints) -> Ints:
        """Return what a layer reads of values of its input with this number."""
        name = [*sources(layer)][number]
        given = Numbers(values, self.exponents[name])
        code = self.codes[layer.name]
        if code is not None:
            return compute.quantized(given, code.exponent, code.bits)
        exponent = self._read_exponent(layer, name)
        return moved(given, exponent, self.chain.read_bits(layer)).values

    def _read_exponent(self, layer: AnyLayer, name: str) -> int:
        """The scale of the numbers that a layer reads of a map."""
        return min(self.exponents[name], self.chain.exponent(name, self.chain.read_bits(layer)))

    def results(self, layer: AnyLayer, operands: Sequence[Ints], first: int) -> Ints:
        """Return values of the map that a stage writes, from sums or from operands."""
        channels = slice(first, first + len(operands[0]))
        wholes = []
        for values in operands:
            whole = np.zeros((1, layer.out_channels, 1, 1), dtype=np.int64)
            whole[0, channels, 0, 0] = values
            wholes.append(whole)
        pixel = self._chain()
        if isinstance(layer, VectorLayer):
            self._operands(pixel, layer, wholes)
            pixel.compute_layer(layer)
        else:
            pixel.finish(layer, wholes[0], self._sum_exponent(layer))
        last = layer.name
        for last in self.folded.get(layer.name, ()):
            pixel.compute_layer(pixel.maps.layers[last])
        written: Ints = pixel.carried_values(last)[0, channels, 0, 0]
        return written

    def pooled(self, layer: VectorLayer, window: Ints) -> Ints:
        """Return the pooled values [channels] of a window [positions, channels]."""
        if layer.kind == "max_pool":
            most: Ints = window.max(axis=0)
            return most
        (high, wide), pixel = layer.window, self._chain()
        one = replace(layer, paddings=type(layer.paddings)(0, 0), out_height=1, out_width=1)
        self._operands(pixel, one, [window.T.reshape(1, -1, high, wide)])
        pixel.compute_layer(one)
        return pixel.carried_values(layer.name).ravel()

    def joined(self, layer: VectorLayer, number: int, values: Ints) -> Ints:
        """Return values of a concatenation's input with this number at the scale of all."""
        if self.reads_codes(layer):
            return values
        scales = [self._read_exponent(layer, name) for name in sources(layer)]
        bits = self.chain.read_bits(layer)
        return moved(Numbers(values, scales[number]), min(scales), bits).values

    # --- chains of a pixel ----------------------------------------------------------------------

    def _chain(self) -> Chain:
        return replace(self.chain, numbers={}, unrounded={}, read_codes={})

    def _operands(self, pixel: Chain, layer: VectorLayer, wholes: Sequence[Ints]) -> None:
        for name, whole in zip(layer.reads, wholes, strict=True):
            if self.reads_codes(layer):
                pixel.read_codes[name] = whole
            else:
                pixel.numbers[name] = Numbers(whole, self._read_exponent(layer, name))

    def _sum_exponent(self, layer: Layer) -> int:
        """The scale of a layer's sums."""
        code = self.codes[layer.name]
        if code is not None:
            return code.exponent
        (name,) = sources(layer)
        return self._read_exponent(layer, name) + self.chain.stored_weights(layer).exponent
