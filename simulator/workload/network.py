"""Derive workloads from network files: follow the graph, and derive and check every shape."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from simulator.base.errors import InputError
from simulator.base.inputs import convert, require_mapping
from simulator.base.wording import layers_phrase
from simulator.workload import schema
from simulator.workload.layer import Layer
from simulator.workload.readers import others, output_bits, own_bits
from simulator.workload.shapes import Shape, entering_shape, leaving_shape, own_input
from simulator.workload.sides import PerAxis, per_axis, sides
from simulator.workload.vector_layer import VectorLayer
from simulator.workload.vector_nodes import vector_layer
from simulator.workload.workload import SHORTCUT_BITS, Workload


def network_from(data: Any, path: Path, input_size: tuple[int, int] | None = None) -> Workload:
    """Return the workload of a network file.

    Args:
        data: contents of the YAML file.
        path: the file.
        input_size: (height, width) in pixels, instead of the file's size.

    Raises:
        InputError: the file is wrong, or its shapes do not fit together.

    """
    file = convert(require_mapping(data, str(path)), schema.NetworkFile, str(path))
    return derive(file, str(path), input_size)


def derive(
    file: schema.NetworkFile, source: str, input_size: tuple[int, int] | None = None
) -> Workload:
    """Derive every layer's shape from a network.

    Args:
        file: contents of a network file.
        source: name of the network in errors.
        input_size: (height, width) in pixels, instead of the network's size.

    Raises:
        InputError: the shapes do not fit together.

    """
    try:
        file = file if input_size is None else _resized(file, *input_size)
        layers, vector_layers = _derive(file)
        shortcut_bits = file.shortcut_bits
        return Workload(
            name=file.name,
            title=file.title,
            input_height=layers[0].in_height if file.input is UNSET else file.input.height,
            input_width=layers[0].in_width if file.input is UNSET else file.input.width,
            layers=layers,
            vector_layers=vector_layers,
            shortcut_bits=SHORTCUT_BITS if shortcut_bits is UNSET else shortcut_bits,
            ops_convention=file.ops_convention,
            network=file,
            notes=tuple(_unknown_producers(file)),
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _resized(file: schema.NetworkFile, height: int, width: int) -> schema.NetworkFile:
    """Return the network for another size of the image."""
    if min(height, width) < 1:
        raise InputError(f"input size {height}x{width}: expected at least 1x1 pixel")
    if file.input is UNSET or any(map(own_input, file.layers)):
        raise InputError("its layers have inputs of their own; leave out --input-size")
    image = schema.Input(channels=file.input.channels, height=height, width=width)
    return msgspec.structs.replace(file, input=image)


def _unknown_producers(file: schema.NetworkFile) -> Iterator[str]:
    """Note the assumption about layers that read no entry of the file."""
    own = [node.name for node in file.layers if own_input(node)]
    if own and len(file.layers) > 1:
        with_weights = [x.name for x in file.layers if isinstance(x, schema.Conv | schema.Linear)]
        yield layers_phrase(own, with_weights).inflect(
            "{layers} has an input map of its own, of an unknown producer: it reads the map from "
            "DRAM after the previous layer of the file.",
            "{layers} have input maps of their own, of unknown producers: each reads its map from "
            "DRAM after the previous layer of the file.",
        )


def _derive(file: schema.NetworkFile) -> tuple[tuple[Layer, ...], tuple[VectorLayer, ...]]:
    """Derive the shape of every layer; return those with and without weights in file order."""
    shapes: dict[str, Shape] = {}
    if file.input is not UNSET:
        shapes["input"] = Shape(file.input.channels, file.input.height, file.input.width)
    stages: dict[str, str] = {}
    layers: list[Layer] = []
    vector_layers: list[VectorLayer] = []
    before = "input"
    written = output_bits(file.layers)
    for node in file.layers:
        if node.name in shapes:
            raise InputError(f"layer {node.name!r}: an earlier entry has this name; choose another")
        entering = entering_shape(node, before, shapes)
        leaving = leaving_shape(node, entering, shapes)
        stages[node.name] = stage = _stage(node, stages.get(node.source or before))
        if isinstance(node, schema.Conv | schema.Linear):
            _require_binary(node)
            layers.append(
                replace(
                    _layer(node, stage, entering, leaving),
                    activation_bits=own_bits(node),
                    output_bits=written.get(node.name),
                    reads=None if own_input(node) else node.source or before,
                )
            )
        else:
            reads = (node.source or before, *others(node))
            operands = tuple(map(shapes.__getitem__, reads))
            vector_layers.append(
                vector_layer(node, reads, operands, leaving, stage=stage, after=len(layers))
            )
        shapes[node.name] = leaving
        before = node.name
    if not layers:
        raise InputError("no layer has weights; add a layer of type conv or linear")
    return tuple(layers), tuple(vector_layers)


def _require_binary(node: schema.Conv | schema.Linear) -> None:
    """Raise if a full-precision layer has activation bits: its operands have the MAC unit's."""
    if node.precision == "full" and own_bits(node) is not None:
        raise InputError(
            f"layer {node.name!r}: activation_bits = {node.activation_bits} has no effect with "
            "precision: full; the hardware key full_precision.bits is the width of its operands"
        )


def _stage(node: schema.Node, before: str | None) -> str:
    """The stage of an entry.

    Args:
        node: an entry.
        before: stage of the entry that it reads; None if it reads the image. An entry without
            weights and without a dot in its name belongs to this stage. A `roi_pool` begins a new
            stage, because it multiplies the maps.

    """
    own, dot, _ = node.name.partition(".")
    if isinstance(node, schema.Conv | schema.Linear):
        return node.stage or own
    return own if dot or before is None or isinstance(node, schema.RoiPool) else before


def _layer(node: schema.Conv | schema.Linear, stage: str, entering: Shape, leaving: Shape) -> Layer:
    if isinstance(node, schema.Linear):
        return Layer(
            name=node.name,
            stage=stage,
            in_channels=entering.channels * entering.height * entering.width,
            out_channels=node.out_features,
            in_height=1,
            in_width=1,
            out_height=1,
            out_width=1,
            kernel=1,
            stride=1,
            padding=0,
            dilation=1,
            groups=1,
            full_precision=node.precision == "full",
            images=entering.images,
        )
    return Layer(
        name=node.name,
        stage=stage,
        in_channels=entering.channels,
        out_channels=node.out_channels,
        in_height=entering.height,
        in_width=entering.width,
        out_height=leaving.height,
        out_width=leaving.width,
        kernel=_tidy(node.kernel),
        stride=_tidy(node.stride),
        padding=_tidy(node.padding),
        dilation=_tidy(node.dilation),
        groups=node.groups,
        full_precision=node.precision == "full",
        images=entering.images,
    )


def _tidy(value: PerAxis) -> PerAxis:
    """One number if a network file gives two equal ones."""
    return per_axis(*sides(value))
