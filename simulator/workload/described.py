"""Build a workload from its description: the inverse of `Workload.described`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.inputs import convert
from simulator.workload import schema
from simulator.workload.kernels import KernelSet
from simulator.workload.layer import MAX_TAU, Layer
from simulator.workload.schema import OpsConvention
from simulator.workload.scope import Scope
from simulator.workload.store import Shape, require_shape
from simulator.workload.values import fingerprint
from simulator.workload.vector_shape import VectorShape, vector_layers_from
from simulator.workload.workload import SHORTCUT_BITS, Workload


class DescribedLayer(Shape, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One layer in the configuration of a run."""

    tau: Annotated[int, Meta(ge=1, le=MAX_TAU)] | None
    kernels_sha256: str | None


class DescribedWorkload(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A network in the configuration of a run."""

    name: schema.Name
    title: schema.Name
    input_height: schema.Size
    input_width: schema.Size
    layers: Annotated[tuple[DescribedLayer, ...], Meta(min_length=1)]
    ops_convention: OpsConvention
    batch: Annotated[int, Meta(ge=1, le=1 << 16)]
    activation_bits: Annotated[int, Meta(ge=1, le=32)]
    scope: Scope
    layers_left_out: Annotated[int, Meta(ge=0, le=1 << 30)]
    """Number of layers with weights that do not run; part of the scope."""
    vector_layers: tuple[VectorShape, ...] = ()
    shortcut_bits: schema.ActivationBits = SHORTCUT_BITS
    activations_overridden: tuple[schema.Name, ...] = ()
    shortcut_bits_ignored: bool = False
    notes: tuple[str, ...] = ()
    """Notes on reading the model."""
    values_sha256: str | None = None
    """Fingerprint of the layers' values; scope `network` only."""


def workload_from(plain: Mapping[str, Any], source: str, loaded: Workload | None) -> Workload:
    """Return the workload that `Workload.described` described.

    Args:
        plain: the description.
        source: name of the description in errors.
        loaded: the workload that has the kernels; None without kernels.

    Raises:
        InputError: the description is wrong, or `loaded` does not have its kernels.

    """
    described = convert(plain, DescribedWorkload, source)
    known = {x.name: x.kernels for x in loaded.layers} if loaded else {}
    layers = tuple(_layer(layer, known, source) for layer in described.layers)
    binary = not any(layer.full_precision for layer in layers)
    if not (binary if described.scope == "binary" else described.layers_left_out == 0):
        raise InputError(f"{source}: scope {described.scope} has other layers")
    kept = {layer.name for layer in layers if layer.kernels is not None}
    fields = {name: getattr(described, name) for name in DescribedWorkload.__struct_fields__}
    vector_layers = vector_layers_from(described.vector_layers, layers, source)
    values = fields.pop("values_sha256")
    workload = Workload(**fields | {"layers": layers, "vector_layers": vector_layers})
    if values and (loaded is None or fingerprint(loaded.parameters) != values):
        raise InputError(f"{source}: no file that it names has the values of its layers")
    if loaded is None:
        return workload
    dropped = (name for name, kernels in known.items() if kernels is not None and name not in kept)
    return replace(
        workload,
        kernels_dropped=tuple(dropped),
        source=loaded.source,
        parameters=loaded.parameters,
        predictions=loaded.predictions,
    )


def _layer(described: DescribedLayer, known: Mapping[str, KernelSet | None], source: str) -> Layer:
    fields = msgspec.structs.asdict(described)
    sha256 = fields.pop("kernels_sha256")
    where = f"{source}: {described.name}"
    require_shape(described, where)
    kernels = known.get(described.name)
    layer = Layer(**fields)
    if layer.tau is not None and (layer.full_precision or layer.tau > layer.largest_tau):
        raise InputError(f"{where}: tau is {layer.tau}; expected none, or 1 to {layer.largest_tau}")
    if sha256 is None:
        return layer
    if kernels is None or kernels.sha256 != sha256:
        raise InputError(
            f"{where}: the result was made with kernels of fingerprint {sha256[:12]}..., which "
            f"{'another file' if known else 'no file that it names'} holds"
        )
    return replace(layer, kernels=kernels)
