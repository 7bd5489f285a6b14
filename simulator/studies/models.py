"""What a study's trained networks lose or leave open: kernels of another tau, and notes."""

from simulator.base.errors import InputError
from simulator.studies.study import Study, precisions_of
from simulator.workload import Workload, configure


def without_kernels(study: Study) -> list[str]:
    """Names of trained networks that run with other taus than in their files.

    A layer with another tau runs shape-only. Baselines do not count.
    """
    networks = study.inputs.workloads
    if not any(isinstance(x, Workload) and _has_kernels(x) for x in networks.values()):
        return []
    found = set()
    for model, size, bits in precisions_of(study.points):
        network = networks.get((model, size, tuple(bits.items()))) or networks[model, size, ()]
        if isinstance(network, Workload) and model not in found:
            try:
                if configure(network, taus=study.inputs.taus, **bits).kernels_dropped:
                    found.add(model)
            except InputError:
                continue  # the point's own row reports the error
    return sorted(found)


def model_notes(study: Study) -> dict[str, list[str]]:
    """The notes on reading each model that has any, once."""
    found: dict[str, list[str]] = {}
    for (model, _, _), network in study.inputs.workloads.items():
        if isinstance(network, Workload) and network.notes:
            notes = found.setdefault(model, [])
            notes += [note for note in network.notes if note not in notes]
    return found


def _has_kernels(network: Workload) -> bool:
    return any(layer.kernels is not None for layer in network.layers)
