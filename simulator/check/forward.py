"""A plain forward pass of a whole network in floating point, layer by layer.

It computes the classes that a check compares with, and the largest value of every map, from which
the scales of the machine's fixed point follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.progress import Progress
from simulator.check.drawn import drawn_samples, drawn_values, random_kernels
from simulator.check.plain import Real, Samples, codes, convolution, vector_output
from simulator.check.reference import convolve
from simulator.machines.vector.numbers import exponent_for
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet
from simulator.workload.sides import Sides
from simulator.workload.values import LayerValues, required_parts
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Codes:
    """The code of the values that binary layers read."""

    bits: int
    exponent: int
    """A code c of several bits means c * 2^-exponent; 0 at 1 bit."""


@dataclass(slots=True)
class Forward:
    """The pass, and what it found."""

    workload: Workload
    seed: int
    parameters: dict[str, LayerValues] = field(default_factory=dict)
    """Values of all layers that need some."""
    kernels: dict[str, KernelSet] = field(default_factory=dict)
    """Kernels of all binary layers."""
    samples: dict[str, Samples] = field(default_factory=dict)
    """Samples of all layers of kind `regions`."""
    largest: dict[str, float] = field(default_factory=dict)
    """Largest absolute value of every map."""
    largest_sum: dict[str, float] = field(default_factory=dict)
    """Largest absolute sum of every binary layer, before its factor and summand."""
    highest: dict[str, float] = field(default_factory=dict)
    """Highest value of every map."""
    maps: dict[str, Real] = field(default_factory=dict)

    def run(self, images: Real, progress: Progress | None = None) -> Real:
        """[images, channels, height, width] the map of the last layer.

        Args:
            images: [images, channels, height, width] the input.
            progress: called before every layer.

        """
        layers = self.workload.all_layers
        last_use = last_uses(layers)
        self._store("input", images)
        for number, layer in enumerate(layers):
            if progress is not None:
                progress("plain forward pass", number, len(layers))
            read = layer.combined if isinstance(layer, VectorLayer) else sources(layer)
            operands = [self.maps[name] for name in read]
            self._store(layer.name, self._output(layer, operands, number))
            for name in last_use.get(layer.name, ()):
                del self.maps[name]
        return self.maps[layers[-1].name]

    def codes_of(self, layer: Layer) -> Codes:
        """The code in which a binary layer reads its input."""
        assert layer.reads is not None  # scope `network` has all edges
        bits = self.workload.input_bits(layer)
        most = (1 << bits) - 1
        return Codes(bits, 0 if bits == 1 else exponent_for(self.highest[layer.reads], most))

    def _store(self, name: str, values: Real) -> None:
        self.maps[name] = values
        self.largest[name] = float(np.abs(values).max(initial=0))
        self.highest[name] = float(values.max(initial=0))

    def _output(self, layer: AnyLayer, operands: list[Real], number: int) -> Real:
        values = self._values(layer, operands[0], number)
        if isinstance(layer, VectorLayer):
            if layer.kind == "regions":
                self._draw_samples(layer, operands[0], number)
            return vector_output(layer, operands, values, self.samples.get(layer.name))
        entering = flattened(layer, operands[0])
        bias = None if values.bias is None else values.bias.astype(float)
        if layer.full_precision:
            assert values.weights is not None
            return convolution(layer, values.weights.astype(float), bias, entering)
        return self._binary(layer, entering, values)

    def _binary(self, layer: Layer, entering: Real, values: LayerValues) -> Real:
        read = self.codes_of(layer)
        kernels = layer.kernels
        if kernels is None:
            kernels = random_kernels(layer, self.seed, self.workload.layers.index(layer))
        self.kernels[layer.name] = kernels
        activations = codes(entering, read.bits, read.exponent)
        sums = convolve(layer, kernels, activations, range(layer.out_height))
        out: Real = np.ldexp(sums.transpose(1, 0, 2, 3).astype(np.float64), -read.exponent)
        self.largest_sum[layer.name] = float(np.abs(out).max(initial=0))
        if values.alpha is not None:
            out = out * values.alpha.astype(float)[:, None, None]
        return out if values.bias is None else out + values.bias.astype(float)[:, None, None]

    def _values(self, layer: AnyLayer, entering: Real, number: int) -> LayerValues:
        """The layer's values; random ones if it needs some and has none."""
        given = self.workload.parameters.get(layer.name)
        if given is None and required_parts(layer):
            given = drawn_values(layer, entering, self.seed, number)
        given = given or LayerValues()
        self.parameters[layer.name] = given
        return given

    def _draw_samples(self, layer: VectorLayer, entering: Real, number: int) -> None:
        per_image = _images_of(self.workload, layer.reads[0])
        self.samples[layer.name] = drawn_samples(
            layer, Sides(*entering.shape[2:]), layer.images // per_image, self.seed, number
        )


def _images_of(workload: Workload, name: str) -> int:
    """Maps per image of the network."""
    return next((x.images for x in workload.all_layers if x.name == name), 1)


def last_uses(layers: tuple[AnyLayer, ...]) -> Mapping[str, list[str]]:
    """The maps that no later layer reads, by the layer after which they may go."""
    last = {name: layer.name for layer in layers for name in sources(layer)}
    found: dict[str, list[str]] = {}
    for name, layer in last.items():
        found.setdefault(layer, []).append(name)
    return found


def flattened(layer: Layer, values: NDArray[T]) -> NDArray[T]:
    """[images, in_channels, in_height, in_width] the input; one pixel for a linear layer."""
    return values.reshape(-1, layer.in_channels, layer.in_height, layer.in_width)
