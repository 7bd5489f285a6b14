"""The network file's schema; docs/workloads.md describes it for users."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

OpsConvention = Literal["main_paper", "table6"]
Function = Literal["relu", "hardtanh", "prelu"]
"""max(x, 0); x, at least -1 and at most 1; x, or a channel's slope times x below 0."""


Size = Annotated[int, Meta(ge=1, le=1 << 20)]
Name = Annotated[str, Meta(min_length=1)]
"""A name that `simulator.base.names` allows, because names go into tables, files and archives."""
ActivationBits = Annotated[int, Meta(ge=1, le=32)]
"""Bits per activation that a binary layer reads; a file without the key keeps its bytes."""
Padding = Annotated[int, Meta(ge=0, le=1 << 16)]
_PAIR = Meta(min_length=2, max_length=2)  # msgspec crashes on a bounded int or a `tuple[X, X]`
Sizes = Size | Annotated[tuple[Size, ...], _PAIR]
"""One number, or [height, width]."""
Paddings = Padding | Annotated[tuple[Padding, ...], _PAIR]
"""One number, or [top and bottom, left and right]."""


class Node(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """An entry of `layers`; reads the previous entry unless `from` names another entry."""

    name: Name
    source: Name | None = field(name="from", default=None)


class Input(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The image."""

    channels: Size
    height: Size
    width: Size


class LayerInput(Input, frozen=True):
    """The input map of a layer in a list of layers, which does not tell who makes the map."""

    images: Size = 1
    """Input maps per image of the network."""


class Conv(Node, frozen=True, tag="conv"):
    """A convolution; a binary kernel has at most 63 weights."""

    precision: Literal["binary", "full"]
    out_channels: Size
    kernel: Sizes
    stride: Sizes = 1
    padding: Paddings = 0
    dilation: Sizes = 1
    groups: Size = 1
    activation_bits: ActivationBits | UnsetType = UNSET
    stage: Name | None = None
    input: LayerInput | UnsetType = UNSET
    """The layer's own input map, instead of an earlier entry's output."""


class Linear(Node, frozen=True, tag="linear"):
    """A fully connected layer over its whole input."""

    precision: Literal["binary", "full"]
    out_features: Size
    activation_bits: ActivationBits | UnsetType = UNSET
    stage: Name | None = None
    input: LayerInput | UnsetType = UNSET
    """The layer's own input map, instead of an earlier entry's output."""


class Pool(Node, frozen=True, tag="pool"):
    """Max or average pooling."""

    kernel: Sizes
    stride: Sizes
    padding: Paddings = 0
    ceil_mode: bool = False
    mode: Literal["max", "average"] | UnsetType = UNSET
    """`max` without the key."""


class GlobalPool(Node, frozen=True, tag="global_pool"):
    """Pooling to one pixel."""


class Norm(Node, frozen=True, tag="norm"):
    """Batch normalization: a factor and a summand per channel."""


class Activation(Node, frozen=True, tag="activation"):
    """An activation function, such as ReLU or PReLU, that is not the sign of a binary layer."""

    function: Function | UnsetType = UNSET
    """`relu` without the key; has no effect on time."""


class Shuffle(Node, frozen=True, tag="shuffle"):
    """A shuffle of the channels between `groups`."""

    groups: Size


class Add(Node, frozen=True, tag="add"):
    """A residual addition; both inputs must have the same shape."""

    other: Name


class Concat(Node, frozen=True, tag="concat"):
    """Maps of equal height and width, joined along the channels."""

    others: Annotated[tuple[Name, ...], Meta(min_length=1)]


class RoiPool(Node, frozen=True, tag="roi_pool"):
    """`count` regions of `size` x `size` pixels of the map; later entries run on each region."""

    size: Size
    count: Size


class NetworkFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole network file."""

    name: Name
    title: Name
    ops_convention: OpsConvention
    input: Input | UnsetType = UNSET
    """The image; a list of layers with inputs of their own has none."""
    shortcut_bits: ActivationBits | UnsetType = UNSET
    """Bits per value of the maps that no binary layer reads."""
    layers: Annotated[
        tuple[
            Conv
            | Linear
            | Pool
            | GlobalPool
            | Norm
            | Activation
            | Shuffle
            | Add
            | Concat
            | RoiPool,
            ...,
        ],
        Meta(min_length=1),
    ]
