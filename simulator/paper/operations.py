"""Parameters and bit operations of a network and its baseline (`simulate ops`)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from simulator.analysis.title import scope_title
from simulator.workload import Workload, configure
from simulator.workload.ops import count, count_full_precision
from simulator.workload.schema import OpsConvention
from simulator.workload.scope import scope_from


def compare_operations(
    workload: Workload,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Mapping[str, int] | None = None,
    activation_bits: int | None = None,
    baseline_bits: float = 1,
    scope: str | None = None,
    convention: OpsConvention | None = None,
) -> dict[str, Any]:
    """Count one image of a network at some bits per weight and at the baseline's.

    Args:
        workload: a network from `load_workload`.
        bits: bits per weight, instead of `tau`.
        tau: bits of a 3x3 kernel's index.
        tau_1x1: bits of a 1x1 vector's index.
        taus: tau of single layers by name; overrides the arguments above.
        activation_bits: bits of every activation. Default: the network file's, or 1.
        baseline_bits: bits per weight of the baseline.
        scope: layers to count: `binary` or `weights`; by default `binary`, or `weights` at 32
            bits.
        convention: convention of `simulator.workload.ops`; the network file's by default.

    """
    convention = convention or workload.ops_convention
    common: dict[str, Any] = {
        "activation_bits": activation_bits,
        "scope": scope_from(scope, (bits, baseline_bits)),
    }
    ours = configure(workload, bits=bits, tau=tau, tau_1x1=tau_1x1, taus=taus, **common)
    base = configure(workload, bits=baseline_bits, **common)
    counted, counted_base = count(ours, convention), count(base, convention)
    return {
        "model": workload.name,
        "bits": round(ours.bits, 2),
        "activation_bits": ours.widest_activation,
        "convention": convention,
        "scope": {"name": ours.scope, "sentence": scope_title(ours)},
        **asdict(counted),
        "baseline": {"bits": round(base.bits, 2), **asdict(counted_base)},
        "ratios": {
            "params": counted_base.params_mbit / counted.params_mbit,
            "bit_ops": counted_base.bit_ops_g / counted.bit_ops_g,
        },
        "full_precision": asdict(count_full_precision(ours)),
    }
