"""Buffer sizes at which a layer reads its weights, or its inputs, only once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

from simulator.machines.hardware import value_of
from simulator.machines.loading import with_value
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.pixels import row_count
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.lut_array.weights import loaded_for

INDEX_KIB = "memory.index_buffer.kib"
ACTIVATION_KIB = "memory.activation_buffer.kib"
_PARTS = 100
"""Parts of a KiB: sizes are multiples of 0.01 KiB."""


def rereads(key: str, mapped: MappedLayer) -> bool:
    """True if the layer rereads data that a larger buffer `key` would keep."""
    if key == INDEX_KIB:
        more_rows = row_count(mapped.plan) > 1
        return mapped.weights == "step" or (mapped.weights == "row" and more_rows)
    return mapped.inputs in {"patches", "step"}


def _weights_fit(plan: LayerPlan) -> bool:
    return loaded_for(plan) == "layer"


def _inputs_fit(plan: LayerPlan) -> bool:
    return plan_buffering(plan).scheme == "rows"


_FIT: Mapping[str, Callable[[LayerPlan], bool]] = MappingProxyType(
    {INDEX_KIB: _weights_fit, ACTIVATION_KIB: _inputs_fit}
)
CAPACITIES = frozenset(_FIT)
"""Keys of the buffers whose size decides if a layer rereads its weights or inputs."""


@dataclass(frozen=True, slots=True)
class _Need:
    """A layer on its hardware, and the key of the buffer to enlarge."""

    key: str
    decisive: tuple[object, ...]
    plan: LayerPlan = field(compare=False)


def enough_kib(key: str, mapped: MappedLayer) -> float:
    """Smallest size of buffer `key` in KiB, in steps of 0.01, at which the layer does not reread.

    Args:
        key: one of `CAPACITIES`.
        mapped: a layer that rereads its weights or inputs.

    """
    plan = mapped.plan
    widths = (plan.activation_bits, plan.copies, plan.epilogue, plan.on_chip)
    return _enough(_Need(key, (plan.layer.shape, plan.batch, *widths, plan.hardware), plan))


@lru_cache(maxsize=1024)
def _enough(need: _Need) -> float:
    """Double the size until the layer fits, then bisect; the layer also fits larger buffers."""
    now = value_of(need.plan.hardware, need.key)
    assert isinstance(now, float)
    small = int(now * _PARTS)
    large = 2 * small + 1
    while not _fits(need, large):
        small, large = large, 2 * large
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (small, middle) if _fits(need, middle) else (middle, large)
    return large / _PARTS


def _fits(need: _Need, parts: int) -> bool:
    hardware = with_value(need.plan.hardware, need.key, parts / _PARTS)
    assert isinstance(hardware, LutArray)
    plan = replace(need.plan, hardware=hardware)
    return _FIT[need.key](plan)


def next_sizes(key: str, layers: Sequence[MappedLayer]) -> list[tuple[float, list[str]]]:
    """Return the sizes in KiB at which one more layer, and all layers, do not reread.

    Each size comes with the names of the rereading layers for which it is enough.

    Args:
        key: one of `CAPACITIES`.
        layers: the layers of a run.

    """
    needs = {m.plan.layer.name: enough_kib(key, m) for m in layers if rereads(key, m)}
    sizes = sorted({min(needs.values()), max(needs.values())}) if needs else []
    return [(size, [name for name, need in needs.items() if need <= size]) for size in sizes]
