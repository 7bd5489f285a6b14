"""The operators of a layer's stage, as units with patterns."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from simulator.machines.streaming import patterns
from simulator.machines.streaming.convert import conversions
from simulator.machines.streaming.operators import Operator
from simulator.machines.streaming.shapes import Parallelism, Shape
from simulator.machines.streaming.turns import Turns, cycles_of
from simulator.workload import Layer
from simulator.workload.vector_layer import AnyLayer, VectorLayer


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A stage: its layer with the chosen parallelism."""

    shape: Shape
    fold: Parallelism

    @property
    def layer(self) -> AnyLayer:
        """The layer of the network."""
        return self.shape.layer

    @property
    def weighted(self) -> Layer:
        """The layer of a stage with weights."""
        assert isinstance(self.layer, Layer)
        return self.layer

    # --- words ----------------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        """Values of a word that the stage reads."""
        if not isinstance(self.layer, Layer):
            return self.fold.pe
        if self.shape.shared:
            return self.fold.simd * self.layer.unit_channels
        return min(self.fold.simd, self.shape.pixel_channels)

    @property
    def in_bits(self) -> int:
        """Bits of a word that the stage reads."""
        return self.lanes * self.shape.in_bits

    @property
    def out_bits(self) -> int:
        """Bits of a word that the stage writes."""
        return self.fold.pe * self.shape.target.bits

    @property
    def pixel_words(self) -> int:
        """Words of a pixel of its input."""
        return ceil(self.shape.source.channels / self.lanes)

    @property
    def main_kind(self) -> str:
        """The last unit of the stage, in one word."""
        if isinstance(self.layer, VectorLayer):
            return self.layer.kind
        return "dots" if self.shape.shared else "mvtu"

    # --- weights --------------------------------------------------------------------------------

    @property
    def tables(self) -> int:
        """Tables of shared dot products per output pixel, one after another."""
        return ceil(self.weighted.units_in / self.fold.simd)

    @property
    def fill_cycles(self) -> int:
        """Cycles in which the dot units fill a table."""
        return ceil(self.weighted.subset_size / self.fold.dots)

    @property
    def stored_bits(self) -> int:
        """Bits of the weights, or of the indices and the subset, in the stage's memory."""
        layer = self.layer
        if not isinstance(layer, Layer):
            return 0
        if not self.shape.shared:
            return layer.weights * self.shape.weight_bits
        units = layer.out_channels * layer.units_in
        return units * layer.unit_bits + layer.subset_size * layer.unit_weights

    @property
    def entry_bits(self) -> int:
        """Bits of a shared dot product, which is a sum of signed inputs."""
        largest = self.weighted.unit_weights * max(1, 2**self.shape.in_bits - 1)
        return int(largest.bit_length() + 1)

    @property
    def table_bits(self) -> int:
        """Bits of the tables that are filled at once."""
        return self.fold.simd * self.weighted.subset_size * self.entry_bits

    @property
    def synapse_folds(self) -> int:
        """Words of a window of one group."""
        layer = self.weighted
        return layer.taps * (layer.in_channels // layer.groups) // self.fold.simd

    @property
    def neuron_folds(self) -> int:
        """Outputs of a group over the PEs."""
        return self.weighted.out_channels // self.weighted.groups // self.fold.pe

    # --- time --------------------------------------------------------------------------------

    @cached_property
    def cycles(self) -> int:
        """Cycles per image of the slowest of its units."""
        return max([self.main_cycles, *(cycles_of(one.turns) for one in self.operators)])

    @property
    def main_cycles(self) -> int:
        """Cycles per image of its last unit."""
        if not isinstance(self.layer, Layer):
            return cycles_of(self.main_turns)
        pixels = self.shape.out_pixels * self.layer.groups
        if self.shape.shared:
            return pixels * self.tables * max(self.fill_cycles, self.neuron_folds)
        return pixels * self.synapse_folds * self.neuron_folds

    # --- units in front of the last -------------------------------------------------------------

    @cached_property
    def operators(self) -> list[Operator]:
        """Return the units that prepare the words of the stage's last unit, in order."""
        shape, words = self.shape, self.pixel_words
        if shape.is_flat or getattr(self.layer, "kind", "") in _DIRECT:
            return []
        whole = not isinstance(self.layer, Layer) and self.pools_map
        if whole or self.pools_blocks:
            return []
        found: list[Operator] = []
        before, after = shape.margins
        if any((*before, *after)):
            pattern = patterns.pad_turns(
                size=shape.source.size, before=before, after=after, words=words
            )
            found.append(Operator("pad", pattern, self.in_bits, shape.padded.area * words))
        if shape.taps > 1:
            found += self._windows()
        elif self.layer.strides.area > 1:
            pattern = patterns.sample_turns(
                size=shape.padded, strides=self.layer.strides, out=shape.out, words=words
            )
            found.append(Operator("sample", pattern, self.in_bits, shape.out_pixels * words))
        return found

    def _windows(self) -> list[Operator]:
        """Return the sliding-window unit; a converter cuts its words if they have whole windows."""
        shape, words = self.shape, self.pixel_words
        row = shape.padded.width * words
        positions = shape.taps if self.takes_windows else 1
        per_window = words * shape.taps // positions
        fill = shape.extent.height * row
        stride = self.layer.strides.height
        pattern = patterns.window_turns(
            fill=fill,
            rows=shape.out.height,
            row_writes=shape.out.width * per_window,
            row_reads=stride * row,
            reads_after=shape.padded.area * words - fill,
        )
        bits = self.in_bits * positions
        rows = (shape.extent.height + stride) * row * self.in_bits
        unit = Operator("window", pattern, bits, shape.out_pixels * per_window, rows)
        if not self.takes_windows or shape.shared:
            return [unit]
        step = self.fold.simd * shape.in_bits
        return [unit, *conversions(bits, step, shape.out_pixels, bits)]

    @property
    def takes_windows(self) -> bool:
        """True if a word of the sliding-window unit has all positions of a window."""
        return self.shape.shared or self.fold.simd > self.lanes

    @cached_property
    def main_turns(self) -> Turns:
        """The pattern of a stage's last unit, which reads each word of all maps."""
        shape, words, layer = self.shape, self.pixel_words, self.layer
        assert isinstance(layer, VectorLayer)
        if self.pools_map:
            return patterns.map_pool_turns(pixels=shape.source.pixels, words=words)
        if self.pools_blocks:
            return patterns.block_pool_turns(
                window=layer.window, size=shape.source.size, words=words
            )
        if layer.kind in {"max_pool", "average_pool"}:
            return patterns.window_pool_turns(pixels=shape.out_pixels, taps=shape.taps, words=words)
        if layer.kind == "shuffle":
            return patterns.shuffle_turns(pixels=shape.out_pixels, words=words)
        if layer.kind == "concat":
            words = shape.target.channels // self.fold.pe
        return patterns.every_word(shape.out_pixels * words)

    @property
    def pools_map(self) -> bool:
        """True for pooling over a whole map."""
        layer = self.layer
        return (
            not isinstance(layer, Layer)
            and layer.kind == "average_pool"
            and self.shape.out_pixels == 1
            and layer.window == self.shape.source.size
        )

    @property
    def pools_blocks(self) -> bool:
        """True for maximum pooling over blocks that cover the map."""
        layer = self.layer
        return (
            not isinstance(layer, Layer)
            and layer.kind == "max_pool"
            and layer.window == layer.strides
            and layer.window.area > 1
            and not any((*self.shape.margins[0], *self.shape.margins[1]))
            and all(
                one % w == 0 for one, w in zip(self.shape.source.size, layer.window, strict=True)
            )
        )


_DIRECT = frozenset({"norm", "activation", "add", "concat", "shuffle"})
"""Layers whose outputs need one pixel of their input."""
