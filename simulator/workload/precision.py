"""Convert bits per weight to tau, and configure a workload for one run.

Bits per weight are tau/9 for 3x3 kernels and tau/8 for 1x1 vectors (supplement, Table 5), and tau/w
for kernels of another size with w weights. For a network with several sizes, the paper gives the
mean over its weights (Table 6: 0.59 for tau = 5 in both). A network has one tau for all kernels
because its LUT has one size; a kernel with fewer weights than tau has all its 2^w kernels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.workload.layer import MAX_TAU, VECTOR_CHANNELS, Layer
from simulator.workload.scope import FULL_PRECISION_BITS, is_full_precision, scope_from
from simulator.workload.workload import Workload

MAX_TAU_1X1 = VECTOR_CHANNELS
_ROUNDING = 0.005 + 1e-9
"""Tolerance of bits per weight, because the paper prints two decimals."""


def configure(
    workload: Workload,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Mapping[str, int] | None = None,
    activation_bits: int | None = None,
    shortcut_bits: int | None = None,
    batch: int = 1,
    scope: str | None = None,
) -> Workload:
    """Configure a workload for one run.

    A layer with kernels keeps them only if it also keeps its tau. Without `bits` and `tau`, every
    layer keeps its tau.

    Args:
        workload: a network.
        bits: bits per weight: 1 for a BNN, or the bits of some tau, to two decimals; 32 for all
            layers in full precision, first, last and downsample layers too.
        tau: bits of a kernel's index, 1 to 9, instead of `bits`; at most the kernel's weights.
        tau_1x1: bits of a 1x1 vector's index, 1 to 8; min(tau, 8) by default.
        taus: tau of single layers by name; overrides the arguments above.
        activation_bits: bits per activation of every binary layer, 1 to 32. By default, a layer
            has the bits that the network's file gives it, or 1.
        shortcut_bits: bits per value of the maps between binary layers in scope `network`, 1 to
            32. By default those of the network's file, or 16.
        batch: images per run.
        scope: layers that run, one of `SCOPES`; see `simulator.workload.scope`.

    Raises:
        InputError: a value is out of range, no tau gives the bits, or the scope has no layer.

    """
    chosen_scope = scope_from(scope, [bits])
    if chosen_scope != "binary" and workload.layers_left_out:
        raise InputError(
            f"scope {chosen_scope}: {workload.name} has lost its full-precision layers in an "
            "earlier configuration; configure the network of its file"
        )
    if chosen_scope == "network":
        _require_edges(workload)
    _require("batch", batch, 1 << 16)
    if is_full_precision(bits):
        if tau is not None or tau_1x1 is not None or taus:
            raise InputError(f"bits {bits:g}: no layer has an index; leave out tau")
        layers = tuple(
            replace(layer, full_precision=True, tau=None, kernels=None) for layer in workload.layers
        )
        workload = replace(workload, layers=layers)
        bits = None
    if activation_bits is not None:
        workload = _with_activations(workload, activation_bits)
    chosen = chosen_taus(workload, bits=bits, tau=tau, tau_1x1=tau_1x1, taus=taus)
    layers = tuple(
        layer if layer.full_precision else _with_tau(layer, chosen.get(layer.name, layer.tau))
        for layer in workload.layers
        if chosen_scope != "binary" or not layer.full_precision
    )
    if not layers:
        of_graph = workload.source is not None and workload.network is None
        raise InputError(
            f"{workload.name}: no layer is binary, and scope binary has no other layers; "
            + ("name layers with --binarize, or " if of_graph else "")
            + "run the full-precision layers with --scope weights or network"
        )
    kept = {layer.name for layer in layers if layer.kernels is not None}
    configured = replace(
        workload,
        layers=layers,
        scope=chosen_scope,
        batch=batch,
        layers_left_out=workload.layers_left_out + len(workload.layers) - len(layers),
        kernels_dropped=tuple(
            x.name for x in workload.layers if x.kernels is not None and x.name not in kept
        ),
    )
    return configured if shortcut_bits is None else _with_shortcuts(configured, shortcut_bits)


def _require_edges(workload: Workload) -> None:
    """Raise if a layer's source is unknown: the network's other layers are then unknown, too."""
    if workload.unknown_edges is not None:
        raise InputError(
            f"scope network: {workload.name} has {workload.unknown_edges}, which no vector unit "
            "runs; use scope weights"
        )
    unknown = [layer.name for layer in workload.layers if layer.reads is None]
    if unknown:
        raise InputError(
            f"scope network: the file of {workload.name} does not tell which map {unknown[0]} "
            "reads; use scope weights"
        )


def _with_activations(workload: Workload, bits: int) -> Workload:
    """Give every binary layer the same activation bits, and name the layers that had others."""
    _require("activation bits", bits, 32)
    others = (x.name for x in workload.binary_layers if x.activation_bits not in {None, bits})
    layers = (replace(x, activation_bits=None, output_bits=None) for x in workload.layers)
    return replace(
        workload,
        layers=tuple(layers),
        activation_bits=bits,
        activations_overridden=tuple(others),
    )


def _with_shortcuts(workload: Workload, bits: int) -> Workload:
    """Give the maps between binary layers other bits, and note if the run has no such map."""
    _require("shortcut bits", bits, 32)
    ignored = workload.shortcut_bits_in_use is None
    return replace(workload, shortcut_bits=bits, shortcut_bits_ignored=ignored)


def require_binary_layers(activation_bits: int | None, workloads: Iterable[Workload]) -> None:
    """Raise if activation bits have no effect.

    Args:
        activation_bits: bits asked for a binary layer's activations; None: those of the file.
        workloads: a configured workload, and that of its baseline if it has one.

    Raises:
        InputError: more than one bit, but no layer is binary.

    """
    asked = activation_bits not in {None, 1}
    if asked and not any(one.binary_layers for one in workloads):
        raise InputError(
            f"activation bits {activation_bits}: no effect, because no layer is binary; the "
            "hardware key full_precision.bits is the width of full-precision operands"
        )


def chosen_taus(
    workload: Workload,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Mapping[str, int] | None = None,
) -> dict[str, int | None]:
    """The tau of every binary layer to which `bits`, `tau`, `tau_1x1` or `taus` applies.

    None means 1 bit. The arguments are those of `configure`.

    Raises:
        InputError: a value is out of range, no tau gives the bits, or a layer does not exist.

    """
    if not workload.binary_layers and (bits not in {None, 1} or tau is not None):
        given = f"tau {tau}" if bits is None else f"bits {bits:g}"
        raise InputError(
            f"{given}: {workload.name} has no binary layer; use bits {FULL_PRECISION_BITS}"
        )
    of_kernels, of_vectors = _taus(workload, bits, tau, tau_1x1)
    all_layers = bits is not None or tau is not None
    by_layer = {
        layer.name: of_vectors if layer.has_vectors else _at_most(of_kernels, layer)
        for layer in workload.binary_layers
        if all_layers or (layer.has_vectors and tau_1x1 is not None)
    }
    return by_layer | _named_taus(workload, taus or {})


def _named_taus(workload: Workload, taus: Mapping[str, int]) -> dict[str, int]:
    """Check the taus of single layers."""
    most = {layer.name: layer.largest_tau for layer in workload.binary_layers}
    for name, tau in taus.items():
        if name not in most:
            hint = f": {did_you_mean(name, most)}".rstrip(": ")
            raise InputError(f"tau of {name!r}: {workload.name} has no such binary layer{hint}")
        _require(f"tau of {name}", tau, most[name])
    return dict(taus)


def _require(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InputError(f"{name} {value}: expected 1 to {most}")


def _at_most(tau: int | None, layer: Layer) -> int | None:
    """A network's tau in one of its layers, whose kernels may have fewer weights."""
    return None if tau is None else min(tau, layer.largest_tau)


def _with_tau(layer: Layer, tau: int | None) -> Layer:
    return layer if tau == layer.tau else replace(layer, tau=tau, kernels=None)


def _taus(
    workload: Workload, bits: float | None, tau: int | None, tau_1x1: int | None
) -> tuple[int | None, int | None]:
    """Return (tau, tau_1x1); None means 1 bit."""
    if bits is not None and tau is not None:
        raise InputError(f"bits {bits:g} and tau {tau} are both given; choose one")
    if tau is not None:
        _require("tau", tau, MAX_TAU)
    if tau_1x1 is not None:
        _require("tau-1x1", tau_1x1, MAX_TAU_1X1)
        if not any(layer.has_vectors for layer in workload.binary_layers):
            raise InputError(f"tau-1x1 {tau_1x1}: {workload.name} has no binary 1x1 layer")
    if bits is not None and bits != 1:
        tau = _tau_of(workload, bits)
    if tau is None:
        return None, tau_1x1
    return tau, tau_1x1 or min(tau, MAX_TAU_1X1)


def available_bits(workload: Workload) -> dict[int, tuple[float, ...]]:
    """The values of `bits` that select each tau below a BNN's, the network's mean first.

    The bits of a 3x3 kernel, tau / 9, also select tau if the network has a 3x3 layer. Tau 9 is
    below a BNN only in kernels of more than 9 weights.
    """
    binary = replace(workload, layers=workload.binary_layers)
    has_3x3 = any(layer.kernel == 3 for layer in binary.layers)
    larger = any(layer.unit_weights > MAX_TAU for layer in binary.layers)
    names = {}
    for tau in range(1, MAX_TAU + larger):
        mean = replace(
            binary, layers=tuple(_with_tau(x, _at_most(tau, x)) for x in binary.layers)
        ).bits
        names[tau] = tuple(dict.fromkeys((mean, tau / 9))) if has_3x3 else (mean,)
    return names


def _tau_of(workload: Workload, bits: float) -> int:
    names = available_bits(workload)
    for tau, values in names.items():
        if any(abs(bits - value) <= _ROUNDING for value in values):
            return tau
    means = {tau: values[0] for tau, values in names.items() if values[0] < 1}
    listed = ", ".join(f"{mean:.2f} (tau {tau})" for tau, mean in means.items())
    raise InputError(f"bits {bits:g}: not available for {workload.name}; use {listed}, or 1 (BNN)")
