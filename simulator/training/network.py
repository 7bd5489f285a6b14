"""A trainable network from a network file; every layer keeps its name in the file."""

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 # torch's own name for it
from msgspec import UNSET
from torch import Tensor, nn

from simulator.base.errors import InputError
from simulator.training.estimator import ErrorDecay, sign
from simulator.training.subsets import Signs, Subset
from simulator.workload import Layer, Workload, load_workload, schema
from simulator.workload.shapes import own_input
from simulator.workload.vector_layer import VectorLayer

Binarizer = Signs | Subset
MakeBinarizer = Callable[[ErrorDecay], Binarizer]

START_GAIN = 0.1
"""Initial gain of the batch normalization of a binary layer with a parallel shortcut.

ASSUMED: with 1 (torch's default), 18 such layers drown out the image. The network then learns too
slowly for a study of minutes.
"""


class BinaryConv(nn.Module):
    """A 3x3 convolution of signs, with kernels that `binarize` makes from real weights."""

    def __init__(self, layer: Layer, binarize: Binarizer) -> None:
        """Draw the real weights."""
        super().__init__()
        shape = (layer.out_channels, layer.in_channels // layer.groups, 3, 3)
        self.weight = nn.Parameter(nn.init.kaiming_normal_(torch.empty(shape)))
        self.binarize = binarize
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """[n, out_channels, height, width] the output for the signs of real activations x.

        Channels have no scale, because the batch normalization after the layer would undo it.
        """
        kernels = self.binarize(self.standardised().reshape(-1, 9)).view(self.weight.shape)
        layer = self.layer
        return F.conv2d(
            sign(x, self.binarize.decay),
            kernels,
            stride=layer.strides,
            padding=layer.paddings,
            dilation=layer.dilations,
            groups=layer.groups,
        )

    def standardised(self) -> Tensor:
        """The weights, balanced and standardized per output channel (IR-Net; supplement A)."""
        flat = self.weight.flatten(1)
        balanced = flat - flat.mean(1, keepdim=True)
        deviation = balanced.square().mean(1, keepdim=True).sqrt()
        return (balanced / deviation).view(self.weight.shape)


class Network(nn.Module):
    """The graph of a network file, with its normalizations and activation functions."""

    def __init__(self, name_or_path: str, make_binarizer: MakeBinarizer | None) -> None:
        """Build the layers; without `make_binarizer` all are full-precision, with ReLU.

        Raises:
            InputError: the file is wrong, is not for the digits, or has a layer that is not
                trainable.

        """
        super().__init__()
        workload = load_workload(name_or_path)
        layers = workload.layers
        self.nodes = _digit_network(workload, name_or_path).layers
        for node in self.nodes:
            _require_trainable(node, name_or_path)
        self.decay = ErrorDecay()
        self.full_precision = make_binarizer is None
        self.modules_of: dict[str, nn.Module] = {}
        for layer, node in zip(layers, (x for x in self.nodes if _has_weights(x)), strict=True):
            self._add(layer, node, make_binarizer)
        for norm in workload.vector_layers:
            if norm.kind == "norm":
                self._add_norm(norm, workload)

    def _add(self, layer: Layer, node: schema.Node, make_binarizer: MakeBinarizer | None) -> None:
        """Make a layer's module and register the module under the layer's dotted name."""
        module: nn.Module
        if isinstance(node, schema.Linear):
            module = nn.Linear(layer.in_channels, layer.out_channels)
        elif make_binarizer is None or layer.full_precision:
            module = nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_sides,
                stride=layer.strides,
                padding=layer.paddings,
                dilation=layer.dilations,
                groups=layer.groups,
                bias=False,
            )
        else:
            module = BinaryConv(layer, make_binarizer(self.decay))
        self._keep(layer.name, module)

    def _add_norm(self, norm: VectorLayer, workload: Workload) -> None:
        """Make a normalization; on a binary path parallel to a shortcut, it starts small."""
        module = nn.BatchNorm2d(norm.out_channels)
        binary = {layer.name for layer in workload.binary_layers}
        added = {name for x in workload.vector_layers if x.kind == "add" for name in x.reads}
        if norm.reads[0] in binary and norm.name in added:
            nn.init.constant_(module.weight, START_GAIN)
        self._keep(norm.name, module)

    def _keep(self, name: str, module: nn.Module) -> None:
        _register(self, name, module)
        self.modules_of[name] = module

    @property
    def binary(self) -> dict[str, BinaryConv]:
        """The binary layers by name."""
        return {name: m for name, m in self.modules_of.items() if isinstance(m, BinaryConv)}

    def forward(self, images: Tensor) -> Tensor:
        """[n, classes] the logits of images [n, channels, height, width]."""
        values = {"input": images}
        before = "input"
        for node in self.nodes:
            values[node.name] = self._value(node, values[node.source or before], values)
            before = node.name
        return values[before].flatten(1)

    def _value(self, node: schema.Node, entering: Tensor, values: dict[str, Tensor]) -> Tensor:
        out: Tensor
        match node:
            case schema.Activation():
                relu = self.full_precision or node.function != "hardtanh"
                return F.relu(entering) if relu else F.hardtanh(entering)
            case schema.Add():
                return entering + values[node.other]
            case schema.GlobalPool():
                return entering.mean((2, 3), keepdim=True)
            case schema.Linear():
                out = self.modules_of[node.name](entering.flatten(1))
            case _:  # conv or norm, because `_require_trainable` admits no other type
                out = self.modules_of[node.name](entering)
        return out

    @torch.no_grad()
    def checkpoint(self) -> dict[str, Tensor]:
        """The state for a checkpoint file, in the layout of the authors' published code.

        `<layer>.weight` of a binary layer has the balanced and standardized weights that determine
        its kernels. The signs of `<layer>.binarize.patterns` are the kernels in use.
        """
        state = {name: value.clone() for name, value in self.state_dict().items()}
        for name, module in self.binary.items():
            state[f"{name}.weight"] = module.standardised()
            if isinstance(module.binarize, Subset):
                state[f"{name}.binarize.patterns"] = module.binarize.stored_patterns()
        return state


def _register(network: nn.Module, name: str, module: nn.Module) -> None:
    """Register `module` in the network under its dotted name, as in the state dict."""
    *folders, last = name.split(".")
    home = network
    for folder in folders:
        if folder not in home._modules:
            _require_free(home, folder, name)
            home.add_module(folder, nn.Module())
        home = cast(nn.Module, home._modules[folder])
    _require_free(home, last, name)
    home.add_module(last, module)


def _require_free(home: nn.Module, part: str, name: str) -> None:
    if not part or hasattr(home, part):
        raise InputError(
            f"layer {name!r} cannot be trained under this name: {part!r} is empty or taken; "
            "give it another one"
        )


def _has_weights(node: schema.Node) -> bool:
    return isinstance(node, schema.Conv | schema.Linear)


def _digit_network(workload: Workload, source: str) -> schema.NetworkFile:
    """Return the network of a workload if its input and output fit the digits."""
    file = workload.network
    if file is None:
        raise InputError(f"{source}: holds shapes but no network; name a network file")
    image = file.input
    if image is UNSET or any(map(own_input, file.layers)):
        raise InputError(f"{source}: lists layers without their edges; only a graph can be trained")
    if (image.channels, image.height, image.width) != (1, 8, 8):
        raise InputError(
            f"{source}: input is {image.channels}x{image.height}x{image.width}: the images to "
            "train on are 1x8x8"
        )
    last = file.layers[-1]
    if not isinstance(last, schema.Linear) or last.out_features != 10:
        raise InputError(
            f"{source}: its last entry is {last.name!r}: expected type linear with "
            "out_features 10, one for every digit"
        )
    return file


def _require_trainable(node: schema.Node, source: str) -> None:
    """Refuse entries that the training does not compute, and binary layers other than 3x3."""
    where = f"{source}: layer {node.name!r}"
    kinds = {
        schema.Pool: "pool",
        schema.RoiPool: "roi_pool",
        schema.Concat: "concat",
        schema.Shuffle: "shuffle",
    }
    if kind := kinds.get(type(node)):
        raise InputError(
            f"{where}: type {kind} cannot be trained: allowed are conv, linear, norm, activation, "
            "add, global_pool"
        )
    if isinstance(node, schema.Activation) and node.function == "prelu":
        raise InputError(f"{where}: function prelu cannot be trained: use relu or hardtanh")
    if isinstance(node, schema.Linear) and node.precision == "binary":
        raise InputError(f"{where}: a binary linear layer cannot be trained: use precision full")
    if isinstance(node, schema.Conv) and node.precision == "binary" and node.kernel != 3:
        raise InputError(
            f"{where}: kernel is {node.kernel}: a binary layer that is trained has 3x3 kernels"
        )
