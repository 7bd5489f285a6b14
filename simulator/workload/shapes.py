"""Shapes of the maps along a network file's graph, with checks that they fit."""

from dataclasses import dataclass, replace

from msgspec import UNSET

from simulator.base.errors import InputError
from simulator.workload import schema
from simulator.workload.layer import MAX_KERNEL_WEIGHTS
from simulator.workload.sides import Sides, sides


@dataclass(frozen=True, slots=True)
class Shape:
    """Maps of one entry for one image of the network."""

    channels: int
    height: int
    width: int
    images: int = 1

    def __str__(self) -> str:
        """For example `64x56x56`."""
        maps = f"{self.images} maps of " if self.images > 1 else ""
        return f"{maps}{self.channels}x{self.height}x{self.width}"


def own_input(node: schema.Node) -> schema.LayerInput | None:
    """The input map that an entry gives itself; None if it reads another entry."""
    own = node.input if isinstance(node, schema.Conv | schema.Linear) else UNSET
    return None if own is UNSET else own


def entering_shape(node: schema.Node, before: str, shapes: dict[str, Shape]) -> Shape:
    """The shape of a node's input: its own, or the output of the entry that it reads."""
    own = own_input(node)
    if own is None:
        if node.source is None and before not in shapes:
            raise InputError(f"layer {node.name!r} has no input; give the file or the layer one")
        return _shape_of(node.source or before, node, shapes)
    if node.source is not None:
        raise InputError(f"layer {node.name!r} has both 'from' and 'input'; choose one")
    return Shape(own.channels, own.height, own.width, own.images)


def _shape_of(name: str, node: schema.Node, shapes: dict[str, Shape]) -> Shape:
    if name not in shapes:
        raise InputError(f"layer {node.name!r} reads {name!r}, but no earlier entry has this name")
    return shapes[name]


def leaving_shape(node: schema.Node, entering: Shape, shapes: dict[str, Shape]) -> Shape:
    """The shape of a node's output."""
    match node:
        case schema.Conv():
            leaving = _convolved(node, entering)
        case schema.Linear():
            leaving = Shape(node.out_features, 1, 1, entering.images)
        case schema.Pool():
            _require_small_padding(node)
            height, width = _slid(node, entering, sides(node.kernel), ceil_mode=node.ceil_mode)
            leaving = replace(entering, height=height, width=width)
        case schema.GlobalPool():
            leaving = replace(entering, height=1, width=1)
        case schema.RoiPool():
            maps = entering.images * node.count
            leaving = Shape(entering.channels, node.size, node.size, maps)
        case schema.Norm() | schema.Activation():
            leaving = entering
        case schema.Shuffle():
            leaving = _shuffled(node, entering)
        case schema.Add():
            leaving = _added(node, entering, shapes)
        case schema.Concat():
            leaving = _joined(node, entering, shapes)
        case _:  # pragma: no cover
            raise AssertionError(f"{type(node)} has no rule")
    return leaving


def _shuffled(node: schema.Shuffle, entering: Shape) -> Shape:
    """The shape of shuffled channels, which divide into the groups."""
    if entering.channels % node.groups:
        raise InputError(
            f"layer {node.name!r}: {entering.channels} channels do not divide into "
            f"groups = {node.groups}"
        )
    return entering


def _added(node: schema.Add, entering: Shape, shapes: dict[str, Shape]) -> Shape:
    """The shape of a sum, which is that of both summands."""
    other = _shape_of(node.other, node, shapes)
    if other != entering:
        raise InputError(
            f"layer {node.name!r} adds {entering} and {node.other!r}, which is {other}"
        )
    return entering


def _joined(node: schema.Concat, entering: Shape, shapes: dict[str, Shape]) -> Shape:
    """The shape of maps joined along their channels."""
    channels = entering.channels
    for name in node.others:
        other = _shape_of(name, node, shapes)
        if replace(other, channels=entering.channels) != entering:
            raise InputError(
                f"layer {node.name!r} joins {entering} and {name!r}, which is {other}; only the "
                "channels may differ"
            )
        channels += other.channels
    return replace(entering, channels=channels)


def _convolved(node: schema.Conv, entering: Shape) -> Shape:
    for what, channels in (("input", entering.channels), ("output", node.out_channels)):
        if channels % node.groups:
            raise InputError(
                f"layer {node.name!r}: {channels} {what} channels do not divide into "
                f"groups = {node.groups}"
            )
    if node.precision == "binary" and sides(node.kernel).area > MAX_KERNEL_WEIGHTS:
        raise InputError(
            f"layer {node.name!r}: kernel = {sides(node.kernel)} has more than the "
            f"{MAX_KERNEL_WEIGHTS} weights of a binary kernel; mark the layer 'precision: full'"
        )
    extents = Sides(
        *(
            dilation * (size - 1) + 1
            for dilation, size in zip(sides(node.dilation), sides(node.kernel), strict=True)
        )
    )
    height, width = _slid(node, entering, extents)
    return Shape(node.out_channels, height, width, entering.images)


def _require_small_padding(node: schema.Pool) -> None:
    """Raise InputError if the padding is more than half of the kernel, as PyTorch does.

    Every window then sees a pixel of the map.
    """
    kernel, padding = sides(node.kernel), sides(node.padding)
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        raise InputError(
            f"layer {node.name!r}: padding = {padding} is more than half of kernel = {kernel}; "
            "some windows of the pool could see padding alone"
        )


def _slid(
    node: schema.Conv | schema.Pool, entering: Shape, extents: Sides, *, ceil_mode: bool = False
) -> tuple[int, int]:
    """Rows and columns of positions of a window that spans `extents` pixels over a padded map.

    Args:
        node: a layer with a window.
        entering: the shape of its input.
        extents: rows and columns that the window spans.
        ceil_mode: true if a last window may extend beyond the padded map. As in PyTorch, it begins
            in the map or in the padding before it.

    """
    found = []
    for size, extent, padding, stride in zip(
        (entering.height, entering.width),
        extents,
        sides(node.padding),
        sides(node.stride),
        strict=True,
    ):
        span = size + 2 * padding - extent
        if span < 0:
            raise InputError(
                f"layer {node.name!r}: its window spans {extent} pixels but its padded input has "
                f"{size + 2 * padding}; use a larger input"
            )
        positions = span // stride + 1
        further = ceil_mode and span % stride > 0 and positions * stride < size + padding
        found.append(positions + further)
    return found[0], found[1]
