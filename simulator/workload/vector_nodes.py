"""Convert the entries without weights of a network file to vector layers."""

from msgspec import UNSET

from simulator.workload import schema
from simulator.workload.shapes import Shape
from simulator.workload.sides import Sides, sides
from simulator.workload.vector_layer import VectorKind, VectorLayer, maps_read

_SAMPLE = Sides(2, 2)
"""Values under an output value of a `roi_pool`. ASSUMED: regions depend on the image; interpolation
between pixels (RoIAlign) reads four neighbors."""


def vector_layer(
    node: schema.Node,
    reads: tuple[str, ...],
    entering: tuple[Shape, ...],
    leaving: Shape,
    *,
    stage: str,
    after: int,
) -> VectorLayer:
    """Return the vector layer of an entry.

    Args:
        node: an entry without weights.
        reads: the entries that it combines.
        entering: shapes of their maps.
        leaving: shape of its output.
        stage: the stage that it belongs to.
        after: number of layers with weights before it.

    """
    window, strides, paddings = _window(node, entering[0])
    reads, entering = maps_read(_kind(node), reads, entering)
    height, width = entering[0].height, entering[0].width
    if isinstance(node, schema.RoiPool):
        height, width = (size * node.size for size in _SAMPLE)
    return VectorLayer(
        name=node.name,
        stage=stage,
        kind=_kind(node),
        reads=reads,
        after=after,
        operand_channels=tuple(shape.channels for shape in entering),
        in_height=height,
        in_width=width,
        out_channels=leaving.channels,
        out_height=leaving.height,
        out_width=leaving.width,
        window=window,
        strides=strides,
        paddings=paddings,
        images=leaving.images,
        function=_function(node) if isinstance(node, schema.Activation) else None,
        groups=node.groups if isinstance(node, schema.Shuffle) else 1,
    )


def _function(node: schema.Activation) -> schema.Function:
    return "relu" if node.function is UNSET else node.function


def _window(node: schema.Node, entering: Shape) -> tuple[Sides, Sides, Sides]:
    """Return window, strides and padding."""
    none = Sides(0, 0)
    match node:
        case schema.Pool():
            return sides(node.kernel), sides(node.stride), sides(node.padding)
        case schema.GlobalPool():
            whole = Sides(entering.height, entering.width)
            return whole, whole, none
        case schema.RoiPool():
            return _SAMPLE, _SAMPLE, none
        case _:
            one = Sides(1, 1)
            return one, one, none


def _kind(node: schema.Node) -> VectorKind:
    if isinstance(node, schema.Pool):
        return "average_pool" if node.mode == "average" else "max_pool"
    return _KINDS[type(node)]


_KINDS: dict[type[schema.Node], VectorKind] = {
    schema.GlobalPool: "average_pool",
    schema.RoiPool: "regions",
    schema.Norm: "norm",
    schema.Activation: "activation",
    schema.Shuffle: "shuffle",
    schema.Add: "add",
    schema.Concat: "concat",
}
