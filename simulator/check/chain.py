"""A network's values as a machine computes them: every layer on the outputs of earlier layers.

Binary layers run in the machine's own order, all others in fixed point (`machines/vector`). A map
has `shortcut_bits` per value and a power of two as its scale: the finest at which no value of the
plain forward pass saturates. Between fused layers, and before the quantizer of a binary layer,
values have the vector unit's own width. A normalization that only binary layers read becomes
thresholds on integers. Every result is compared with that of the layer's twin on the same inputs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.check import plain
from simulator.check.asked import Asked
from simulator.check.comparison import Difference, LayerCheck, first_difference, pieces, tile
from simulator.check.constants import affine_of, as_stored, exact_sums
from simulator.check.forward import Codes, Forward, flattened, last_uses
from simulator.check.reference import convolve
from simulator.machines.family import WeightedLayer
from simulator.machines.vector import compute
from simulator.machines.vector.numbers import (
    Integers,
    Numbers,
    exponent_for,
    largest_integer,
    moved,
    stored,
)
from simulator.machines.written import Pipelined
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet
from simulator.workload.maps import Maps
from simulator.workload.values import LayerValues
from simulator.workload.vector_layer import AnyLayer, VectorLayer

Compute = Callable[[WeightedLayer, KernelSet, Integers, range], Integers]


@dataclass(frozen=True, slots=True)
class _Compared:
    """A result of the machine and of the twin: [images, channels, height, width] integers."""

    got: Integers
    expected: Integers


@dataclass(slots=True)
class Chain:
    """The computation of a network on a machine."""

    forward: Forward
    maps: Maps
    asked: Asked
    """The codes that layers read."""
    weighted: dict[str, WeightedLayer]
    """The layers with weights as the machine runs them."""
    modes: dict[str, str]
    """The mode of every layer."""
    compute: Compute
    """Computes rows of a binary layer in the machine's order."""
    inside: frozenset[str]
    """Layers whose results stay in the vector unit, because the next layer is fused."""
    numbers: dict[str, Numbers] = field(default_factory=dict)
    """Maps as other layers read them."""
    unrounded: dict[str, Numbers] = field(default_factory=dict)
    """Maps as the quantizer of a binary layer reads them, before they are written."""
    read_codes: dict[str, Integers] = field(default_factory=dict)
    """Maps that only exist as the codes that binary layers read."""
    pipelined: Pipelined | None = None
    """The machine, if its layers all run at once; a stream then carries one copy of every map."""

    def run(self, images: NDArray[np.float64]) -> Iterator[LayerCheck]:
        """Compute all layers; yield the comparison of each.

        Args:
            images: [images, channels, height, width] the input.

        """
        layers = self.workload.all_layers
        last = last_uses(layers)
        exponent = self.exponent("input", compute.MOST_SIGNIFICANT)
        image = Numbers(stored(images, exponent), exponent)
        if self.pipelined is not None:
            image = self._carried("input", image, self.forward.largest["input"])
        self.numbers["input"] = self.unrounded["input"] = image
        for layer in layers:
            compared = self.compute_layer(layer)
            yield self._checked(layer, compared)
            for name in last.get(layer.name, ()):
                for kept in (self.numbers, self.unrounded, self.read_codes):
                    kept.pop(name, None)

    @property
    def workload(self) -> Workload:
        """The network."""
        return self.forward.workload

    # --- scales ---------------------------------------------------------------------------------

    @property
    def _bits(self) -> int:
        """Bits of a value between layers."""
        return min(self.maps.wide_bits, compute.MOST_SIGNIFICANT)

    def exponent(self, name: str, bits: int) -> int:
        """The finest scale at which no value of a map saturates at some bits."""
        return exponent_for(self.forward.largest[name], largest_integer(bits))

    # --- streams --------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Return whether a map's values exist, and no layer has let them go."""
        return name in self.read_codes or name in self.numbers

    def carried_values(self, name: str) -> Integers:
        """[images, channels, height, width] a map as a stream carries it."""
        return self.read_codes[name] if name in self.read_codes else self.numbers[name].values

    def carried_exponent(self, name: str) -> int:
        """The scale of a map as a stream carries it."""
        if name in self.read_codes:
            return self.asked.only_codes[name].exponent
        return self.numbers[name].exponent

    def _carried(self, name: str, result: Numbers, largest: float) -> Numbers:
        """A map as a stream carries it: codes of the widest reader, or numbers of the map's bits.

        Args:
            name: the map's layer.
            result: the map before it is written.
            largest: its largest absolute value.

        """
        assert self.pipelined is not None
        code = self.asked.widest(name)
        if code is not None:
            codes = compute.quantized(result, code.exponent, code.bits)
            return Numbers(codes, code.exponent)
        bits = min(self.pipelined.map_bits(name), compute.MOST_SIGNIFICANT)
        exponent = min(result.exponent, exponent_for(largest, largest_integer(bits)))
        return moved(result, exponent, bits)

    # --- operands -------------------------------------------------------------------------------

    def _codes(self, name: str, code: Codes) -> Integers:
        if name in self.read_codes:
            return self.read_codes[name]
        return compute.quantized(self.unrounded[name], code.exponent, code.bits)

    def _operand(self, name: str, bits: int) -> Numbers:
        """The numbers of a map, at no more than some bits; all bits if it has not been written."""
        numbers = self.numbers[name]
        if name in self.inside:
            return numbers
        exponent = self.exponent(name, bits)
        return numbers if exponent >= numbers.exponent else moved(numbers, exponent, bits)

    def read_bits(self, layer: AnyLayer) -> int:
        """Bits of the numbers that a layer reads."""
        if self.pipelined is None and isinstance(layer, VectorLayer):
            return self._bits
        return min(self.maps.read_bits(layer), compute.MOST_SIGNIFICANT)

    def _entering(self, layer: VectorLayer) -> Numbers:
        """The numbers that a normalization reads."""
        (name,) = layer.reads
        if self.pipelined is None:
            return self.numbers[name]
        return self._operand(name, self.read_bits(layer))

    # --- layers ---------------------------------------------------------------------------------

    def compute_layer(self, layer: AnyLayer) -> list[_Compared]:
        """Compute a layer from the maps that it reads."""
        if not isinstance(layer, VectorLayer):
            return self._mac(layer) if layer.full_precision else self._binary(layer)
        if layer.name in self.asked.only_codes:
            code = self.asked.only_codes[layer.name]
            return (
                self._thresholds(layer, code) if layer.kind == "norm" else self._moved(layer, code)
            )
        return self._vector(layer)

    def _keep(self, layer: AnyLayer, exact: Numbers, real: NDArray[np.float64]) -> _Compared:
        """Round a result to the width of the vector unit, and the twin's result likewise."""
        bits = compute.INTERNAL_BITS
        exponent = min(exact.exponent, self.exponent(layer.name, bits))
        result = moved(exact, exponent, bits)
        self._write(layer, result)
        most = largest_integer(bits)
        return _Compared(result.values, stored(real, exponent).clip(-most, most))

    def _write(self, layer: AnyLayer, result: Numbers, largest: float | None = None) -> None:
        """Store a result, rounded to the scale of its map unless the next layer is fused.

        Args:
            layer: the layer.
            result: its result.
            largest: largest absolute value of the result, if not that of its map.

        """
        self.unrounded[layer.name] = self.numbers[layer.name] = result
        if layer.name not in self.inside:
            most = self.forward.largest[layer.name] if largest is None else largest
            if self.pipelined is not None:
                carried = self._carried(layer.name, result, most)
                self.unrounded[layer.name] = self.numbers[layer.name] = carried
                return
            exponent = min(result.exponent, exponent_for(most, largest_integer(self._bits)))
            self.numbers[layer.name] = moved(result, exponent, self._bits)

    def _binary(self, layer: Layer) -> list[_Compared]:
        """Sums of codes; their factor and summand belong to the normalization that follows."""
        assert layer.reads is not None
        code, kernels = self.forward.codes_of(layer), self.forward.kernels[layer.name]
        activations = flattened(layer, self._codes(layer.reads, code))
        images, rows = tile(layer)
        got = np.empty(
            (layer.out_channels, len(activations), layer.out_height, layer.out_width), np.int64
        )
        expected = np.empty_like(got)
        for image in pieces(len(activations), images):
            some = activations[image.start : image.stop]
            for row in pieces(layer.out_height, rows):
                place = (slice(None), slice(image.start, image.stop), slice(row.start, row.stop))
                mapped = self.weighted[layer.name]
                got[place] = self.compute(mapped, kernels, some, row)
                expected[place] = convolve(layer, kernels, some, row)
        sums = Numbers(got.transpose(1, 0, 2, 3), code.exponent)
        compared = _Compared(sums.values, expected.transpose(1, 0, 2, 3))
        return [compared, *self._after_sums(layer, sums)]

    def _after_sums(self, layer: Layer, sums: Numbers) -> list[_Compared]:
        """Write the sums of a binary layer; apply its factor and summand unless norms have them."""
        values = self.forward.parameters[layer.name]
        scales = not self._left_to_norms(layer) and bool(tuple(values.arrays()))
        if scales and self.pipelined is not None:
            self.unrounded[layer.name] = self.numbers[layer.name] = sums
        else:
            self._write(layer, sums, self.forward.largest_sum[layer.name])
        if not scales:
            return []
        scale, shift = affine_of(values, layer.out_channels)
        return [self._scaled(layer, self.numbers[layer.name], scale, shift)]

    def _left_to_norms(self, layer: Layer) -> bool:
        """True for a binary layer if only normalizations read it: they take its factor over."""
        readers = [self.maps.layers[reader] for reader in self.maps.readers[layer.name]]
        return (not layer.full_precision and bool(readers)) and all(
            isinstance(reader, VectorLayer) and reader.kind == "norm" for reader in readers
        )

    def _scaled(
        self, layer: AnyLayer, entering: Numbers, scale: plain.Real, shift: plain.Real
    ) -> _Compared:
        """Multiply and add per channel; the twin gets the constants as the machine stores them."""
        factors, own, summand = compute.constants(scale, shift, entering.exponent)
        exact = compute.affine(entering, factors, own, summand)
        at_products = Numbers(summand, entering.exponent + own)
        real = plain.scaled(entering.real, Numbers(factors, own).real, at_products.real)
        return self._keep(layer, exact, real)

    def _norm_constants(self, layer: VectorLayer) -> tuple[plain.Real, plain.Real]:
        """Scale and shift, with those of the binary layer that the normalization follows."""
        values = self.forward.parameters[layer.name]
        assert values.scale is not None
        assert values.shift is not None
        scale, shift = values.scale.astype(np.float64), values.shift.astype(np.float64)
        source = self.maps.layers.get(layer.reads[0])
        if isinstance(source, Layer) and self._left_to_norms(source):
            alpha, bias = affine_of(self.forward.parameters[source.name], source.out_channels)
            scale, shift = scale * alpha, shift + scale * bias
        return scale, shift

    def _thresholds(self, layer: VectorLayer, code: Codes) -> list[_Compared]:
        """A normalization and its quantizer as comparisons with integers."""
        scale, shift = self._norm_constants(layer)
        entering = self._entering(layer)
        limits = compute.thresholds(scale, shift, entering.exponent, code.exponent, code.bits)
        got = compute.codes(entering.values, scale, limits, code.bits)
        self.read_codes[layer.name] = got
        real = plain.scaled(entering.real, scale, shift)
        return [_Compared(got, plain.codes(real, code.bits, code.exponent))]

    def _moved(self, layer: VectorLayer, code: Codes) -> list[_Compared]:
        """A layer that returns what it reads, on codes."""
        operands = [self._codes(name, code) for name in layer.reads]
        got = self._ordered(layer, operands)
        self.read_codes[layer.name] = got
        return [_Compared(got, self._twin(layer, [x.astype(float) for x in operands]).astype(int))]

    def _vector(self, layer: VectorLayer) -> list[_Compared]:
        if layer.kind == "norm":
            return [self._scaled(layer, self._entering(layer), *self._norm_constants(layer))]
        operands = [self._operand(name, self.read_bits(layer)) for name in layer.combined]
        values = self.forward.parameters[layer.name]
        match layer.kind:
            case "add":
                exact = compute.add(operands)
            case "average_pool":
                exponent = self.exponent(layer.name, compute.INTERNAL_BITS)
                exact = compute.average_pool(layer, operands[0], exponent)
            case "activation":
                slope = None if values.slope is None else values.slope.astype(np.float64)
                exact = compute.activation(layer, operands[0], slope)
                values = as_stored(values, operands[0])
            case _:
                exponent = min(each.exponent for each in operands)
                bits = self.read_bits(layer)
                aligned = [moved(each, exponent, bits) for each in operands]
                exact = Numbers(self._ordered(layer, [x.values for x in aligned]), exponent)
        real = self._twin(layer, [each.real for each in operands], values)
        return [self._keep(layer, exact, real)]

    def _ordered(self, layer: VectorLayer, operands: list[Integers]) -> Integers:
        """The output of a layer that returns what it reads."""
        match layer.kind:
            case "max_pool":
                return compute.max_pool(layer, operands[0])
            case "shuffle":
                return compute.shuffle(layer, operands[0])
            case "regions":
                return compute.regions(layer, operands[0], self.forward.samples[layer.name])
            case _:
                return np.concatenate(operands, axis=1)

    def _twin(
        self, layer: VectorLayer, operands: list[plain.Real], values: LayerValues | None = None
    ) -> plain.Real:
        samples = self.forward.samples.get(layer.name)
        return plain.vector_output(layer, operands, values or LayerValues(), samples)

    def _mac(self, layer: Layer) -> list[_Compared]:
        """A layer in full precision; its operands have the bits of the MAC unit."""
        assert layer.reads is not None
        operand = self._operand(layer.reads, self.read_bits(layer))
        entering = Numbers(flattened(layer, operand.values), operand.exponent)
        weights = self.stored_weights(layer)
        values = self.forward.parameters[layer.name]
        products = compute.matrix_product(layer, weights, entering)
        expected = exact_sums(layer, weights.values, entering.values)
        if values.bias is not None:
            expected = expected + stored(values.bias, products.exponent)[:, None, None]
        return [_Compared(self._after_products(layer, products).values, expected)]

    def _after_products(self, layer: Layer, sums: Numbers) -> Numbers:
        """Add the summand of a layer in full precision to its sums, and write the result."""
        bias = self.forward.parameters[layer.name].bias
        if bias is not None:
            summand = stored(bias, sums.exponent)[:, None, None]
            sums = Numbers(sums.values + summand, sums.exponent)
        self._keep(layer, sums, sums.real)
        return sums

    def finish(self, layer: Layer, sums: Integers, exponent: int) -> None:
        """Write the results of a layer with weights from its sums."""
        if layer.full_precision:
            self._after_products(layer, Numbers(sums, exponent))
        else:
            self._after_sums(layer, Numbers(sums, exponent))

    def stored_weights(self, layer: Layer) -> Numbers:
        """The weights of a layer in full precision, as the machine stores them."""
        weights = self.forward.parameters[layer.name].weights
        assert weights is not None
        most = largest_integer(self.read_bits(layer))
        own = exponent_for(float(np.abs(weights).max(initial=0)), most)
        return Numbers(stored(weights, own), own)

    # --- comparisons ----------------------------------------------------------------------------

    def _checked(self, layer: AnyLayer, compared: list[_Compared]) -> LayerCheck:
        difference: Difference | None = None
        for one in compared:
            got, expected = (x.transpose(1, 0, 2, 3) for x in (one.got, one.expected))
            whole = (range(got.shape[1]), range(got.shape[2]))
            difference = difference or first_difference(layer.name, expected, got, *whole)
        return LayerCheck(
            layer=layer.name,
            mode=self.modes[layer.name],
            kernels=self._origin(layer),
            inputs="network",
            outputs=compared[-1].expected.size,
            difference=difference,
        )

    def _origin(self, layer: AnyLayer) -> str:
        """The origin of a layer's kernels or values."""
        if isinstance(layer, Layer) and not layer.full_precision:
            return "given" if layer.kernels is not None else "random"
        if not tuple(self.forward.parameters[layer.name].arrays()):
            return "none"
        return "given" if layer.name in self.workload.parameters else "random"
