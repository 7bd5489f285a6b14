"""The form in which a machine writes the maps of a network, for a check of their values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulator.base.columns import Ints
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet
from simulator.workload.maps import Maps
from simulator.workload.vector_layer import AnyLayer, VectorLayer


class Arithmetic(Protocol):
    """The arithmetic of a network's layers on the values of a pixel.

    A map carries integers: codes if only binary layers read it, otherwise numbers in fixed point.
    """

    def weights(self, layer: Layer) -> Ints:
        """Return weights [out_channels, in_channels / groups, taps] as integers."""
        ...

    def kernels(self, layer: Layer) -> KernelSet:
        """Return the kernels of a binary layer."""
        ...

    def carries_codes(self, name: str) -> bool:
        """Return whether a map carries codes; `input` is the image."""
        ...

    def reads_codes(self, layer: AnyLayer) -> bool:
        """Return whether a layer reads codes."""
        ...

    def read(self, layer: AnyLayer, number: int, values: Ints) -> Ints:
        """Return what a layer reads of values of its input with this number."""
        ...

    def results(self, layer: AnyLayer, operands: Sequence[Ints], first: int) -> Ints:
        """Return values of the map that a stage writes, from sums or from operands.

        Args:
            layer: the stage's layer; the normalization and activation function that follow in the
                same stage are applied, too.
            operands: [channels] the sums of a layer with weights, or values of every map.
            first: the first of these channels.

        """
        ...

    def pooled(self, layer: VectorLayer, window: Ints) -> Ints:
        """Return the pooled values [channels] of a window [positions, channels]."""
        ...

    def joined(self, layer: VectorLayer, number: int, values: Ints) -> Ints:
        """Return values of a concatenation's input with this number at the scale of all."""
        ...


class Pipelined(Protocol):
    """A machine whose layers all run at once."""

    @property
    def folded(self) -> Mapping[str, str]:
        """The layers that other layers' stages compute, each with the stage's layer."""
        ...

    def map_bits(self, name: str) -> int:
        """Return the bits of a value of the map after a layer; `input` is the image."""
        ...

    def stream(self, images: Ints, arithmetic: Arithmetic) -> dict[str, Ints]:
        """Send images through all units; return every stage's map by its last layer's name.

        Args:
            images: [images, channels, height, width] as the image's map carries them.
            arithmetic: what the units compute.

        """
        ...


@dataclass(frozen=True)
class Written:
    """The maps that a machine writes."""

    maps: Maps
    """Readers and widths of all maps."""
    inside: frozenset[str]
    """Layers whose results go to the next layer without a rounding."""
    pipelined: Pipelined | None = None
    """None: layers run one after another, and quantizers read a result before it is written."""
