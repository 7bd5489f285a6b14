"""A layer without weights: normalization, activation function, addition, pooling, concatenation."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Literal, Self, TypeVar

from simulator.workload.layer import Layer
from simulator.workload.schema import Function
from simulator.workload.sides import PerAxis, Sides, per_axis

VectorKind = Literal[
    "norm", "activation", "add", "max_pool", "average_pool", "concat", "shuffle", "regions"
]
MOVES = frozenset({"concat", "shuffle"})
"""Kinds that compute no value: they only give values other places."""
ORDERED = frozenset({"max_pool", "regions"}) | MOVES
"""Kinds that commute with a threshold: they return some of the values that they read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLayer:
    """A layer of element-wise operations over one or more maps.

    An output value combines the values of a window of every map that the layer reads. The window is
    one pixel, except for pooling.
    """

    name: str
    stage: str
    kind: VectorKind
    reads: tuple[str, ...]
    """The layers whose maps it reads, by name; `input` is the image. An addition of a map to itself
    reads the map once; see `maps_read`."""
    after: int
    """Layers with weights that run before it."""
    operand_channels: tuple[int, ...]
    """Channels of each map that it reads."""
    in_height: int
    in_width: int
    out_channels: int
    out_height: int
    out_width: int
    window: Sides
    strides: Sides
    paddings: Sides
    images: int = 1
    """Output maps per image of the network; more than 1 after a `roi_pool`."""
    function: Function | None = None
    """The function of an activation; None: another one, or unknown."""
    groups: int = 1
    """Groups of a shuffle."""

    @property
    def shape(self) -> tuple[object, ...]:
        """All fields except names and place; layers of equal shape run identically."""
        shape: tuple[object, ...] = _SHAPE(self)
        return shape

    @classmethod
    def of_shape(cls, shape: tuple[object, ...]) -> Self:
        """Return the layer of a shape, without names and place."""
        given = dict(zip(_SHAPED, shape, strict=True))
        return cls(name="", stage="", reads=(), after=0, **given)  # type: ignore[arg-type]

    @property
    def in_channels(self) -> int:
        """Channels of its input: those of one summand, or of all maps that it joins."""
        return sum(self.operand_channels) if self.kind == "concat" else self.operand_channels[0]

    @property
    def kernel(self) -> PerAxis:
        """Rows and columns of the window."""
        return per_axis(*self.window)

    @property
    def stride(self) -> PerAxis:
        """Steps from one window to the next."""
        return per_axis(*self.strides)

    @property
    def out_pixels(self) -> int:
        """Output pixels per image of the network."""
        return self.images * self.out_height * self.out_width

    @property
    def values(self) -> int:
        """Output values per image of the network."""
        return self.out_pixels * self.out_channels

    @property
    def operands(self) -> int:
        """Values that one output value combines: a window of one map, or one value of each map."""
        return len(self.operand_channels) if self.kind == "add" else self.window.area

    @property
    def additions(self) -> int:
        """Additions and comparisons of an output value, without a normalization's."""
        if self.kind == "norm" or self.kind in MOVES:
            return 0
        return len(self.combined) - 1 if self.kind == "add" else self.operands

    @property
    def combined(self) -> tuple[str, ...]:
        """The layers whose values it combines; one twice if it adds a map to itself."""
        itself = self.kind == "add" and len(self.reads) == 1
        return self.reads * 2 if itself else self.reads

    @property
    def tau(self) -> None:
        """Bits of an index: the layer has no kernels."""
        return None

    @property
    def weights(self) -> int:
        """Number of weights: none."""
        return 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a matrix product: none."""
        return 0


_NAMES = {"name", "stage", "reads", "after"}
_SHAPED = tuple(each.name for each in fields(VectorLayer) if each.name not in _NAMES)
_SHAPE = attrgetter(*_SHAPED)

AnyLayer = Layer | VectorLayer
T = TypeVar("T")


def maps_read(
    kind: VectorKind, names: tuple[str, ...], of_maps: Sequence[T]
) -> tuple[tuple[str, ...], tuple[T, ...]]:
    """Return the maps that a vector layer reads, and their data.

    An addition of a map to itself reads every value once and doubles it.

    Args:
        kind: kind of the layer.
        names: layers whose maps it combines, by name.
        of_maps: data of each map, such as its shape.

    """
    if kind == "add" and len(names) == 2 and names[0] == names[1]:
        return names[:1], tuple(of_maps[:1])
    return names, tuple(of_maps)


def sources(layer: AnyLayer) -> Iterator[str]:
    """Yield the names of the maps that a layer reads."""
    if isinstance(layer, VectorLayer):
        yield from layer.reads
    elif layer.reads is not None:
        yield layer.reads


def in_order(layers: Sequence[Layer], vector_layers: Iterable[VectorLayer]) -> tuple[AnyLayer, ...]:
    """Return layers with and without weights in the order of execution."""
    found: list[AnyLayer] = []
    between = deque(vector_layers)
    for number in range(len(layers) + 1):
        while between and between[0].after <= number:
            found.append(between.popleft())
        found += layers[number : number + 1]
    return tuple(found)
