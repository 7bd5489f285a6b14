"""Hardware of a search: every combination of some keys' values."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from simulator.machines import Hardware, value_of
from simulator.machines.families import family_of
from simulator.machines.loading import hardware_data, hardware_from
from simulator.studies.axes import Axis
from simulator.studies.points import Grid
from simulator.workload.layer import MAX_TAU


def machines_of(
    hardware: Hardware | str | Path, axes: Sequence[Axis]
) -> list[tuple[dict[str, object], Hardware]]:
    """Return every combination of the axes' values, each with the hardware that has them.

    Args:
        hardware: a shipped name, a path, or loaded hardware.
        axes: hardware keys with their values; without axes, return the hardware alone.

    Raises:
        InputError: a wrong file, an unknown key, or an invalid value.

    """
    grid = Grid(tuple(axes))
    data, name = hardware_data(hardware)
    named = (dict(zip(grid.names, point, strict=True)) for point in grid)
    machines = ((values, hardware_from(data, values, name)) for values in named)
    return [(_with_numbers(values, machine), machine) for values, machine in machines]


def storable_taus(machines: Iterable[tuple[Mapping[str, object], Hardware]]) -> tuple[int, ...]:
    """The index widths that all hardware can run: the PEs can store 2^tau kernels; and 9.

    A width of 9 bits is 1 bit per weight, which needs no subset.
    """
    entries = min(family_of(hardware).largest_subset(hardware) for _, hardware in machines)
    return tuple(tau for tau in range(1, MAX_TAU + 1) if tau == MAX_TAU or 2**tau <= entries)


def _with_numbers(values: Mapping[str, object], hardware: Hardware) -> dict[str, object]:
    """The values of the axes' keys; for a linked key, the number from its expression."""
    linked = {link.key: value_of(hardware, link.key) for link in hardware.links}
    return {key: linked.get(key, value) for key, value in values.items()}
