"""Energy per action in one technology: the schema of `hw_configs/energy/*.yaml`.

Energies are whole attojoules. Sums over layers, units and actions are therefore exact.
"""

from itertools import pairwise
from math import log
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.inputs import convert, read_yaml
from simulator.base.shipped import find

Picojoules = Annotated[float, Meta(ge=0, le=1e9)]
AJ_PER_PJ = 1_000_000


class StorageEnergy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The energy of reading or writing one bit of a memory of one capacity."""

    kib: Annotated[float, Meta(gt=0, le=1e9)]
    bit_pj: Annotated[float, Meta(gt=0, le=1e9)]


class MacEnergy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The energy of one multiply-accumulate of full-precision numbers."""

    bits: Annotated[int, Meta(ge=1, le=64)]
    pj: Picojoules


class EnergyTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A technology: the energy of each action."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    add_bit_pj: Picojoules
    """The energy of one bit of an addition: a full adder."""
    dot_pj: Picojoules
    """The energy of one dot product of 9 (or 8) 1-bit products: XNORs and their adder tree."""
    storage: Annotated[tuple[StorageEnergy, ...], Meta(min_length=1)]
    """Energies of memories, in rising order of capacity."""
    mac: Annotated[tuple[MacEnergy, ...], Meta(min_length=1)]
    """Energies of multiply-accumulates, in rising order of bits."""
    dram_byte_pj: Picojoules
    """The energy of one byte of DRAM with fixed latency, including its part of row activations."""
    gate_leakage_nw: Picojoules
    """The leakage of one gate equivalent."""
    storage_leakage_uw_per_kib: Picojoules
    """The leakage of the on-chip buffers per KiB."""

    def storage_bit_aj(self, kib: float) -> int:
        """Return the attojoules of one bit of a memory of `kib` KiB.

        The energy follows a power law between the table's points and above the last two. Below the
        first point, it follows the square root of the capacity.
        """
        points = self.storage
        upper = next((n for n, point in enumerate(points) if kib <= point.kib), len(points) - 1)
        if upper == 0:
            exponent = 0.5
        else:
            low, high = points[upper - 1], points[upper]
            exponent = log(high.bit_pj / low.bit_pj) / log(high.kib / low.kib)
        return _aj(points[upper].bit_pj * (kib / points[upper].kib) ** exponent)

    def mac_aj(self, bits: int, key: str) -> int:
        """Return the attojoules of the table's narrowest multiply-accumulate that fits `bits`.

        Args:
            bits: width of the operands.
            key: the hardware key that sets it.

        Raises:
            InputError: all of the table's entries are too narrow.

        """
        for entry in self.mac:
            if bits <= entry.bits:
                return _aj(entry.pj)
        raise InputError(
            f"energy table {self.name}: mac has no entry for {bits} bits ({key}); "
            f"use at most {self.mac[-1].bits}"
        )

    def fixed_aj(self) -> dict[str, int]:
        """Return the attojoules of the actions whose energy does not depend on a size."""
        add, dram = _aj(self.add_bit_pj), _aj(self.dram_byte_pj)
        return {
            "dot": _aj(self.dot_pj),
            "add_bit": add,
            "adder_tree_bit": add,
            "threshold_bit": add,
            "vector_add_bit": add,
            "dram_read_byte": dram,
            "dram_write_byte": dram,
        }

    def leakage_aj(self, gates: int, storage_kib: float, clock_ghz: float) -> int:
        """Return the attojoules of leakage per clock cycle (nW x ns = aJ)."""
        nanowatts = (
            gates * self.gate_leakage_nw + storage_kib * self.storage_leakage_uw_per_kib * 1e3
        )
        return round(nanowatts / clock_ghz)


def _aj(picojoules: float) -> int:
    return round(picojoules * AJ_PER_PJ)


def load_energy(name_or_path: str | Path) -> EnergyTable:
    """Load an energy table, by path or by the bare name of a shipped table.

    Args:
        name_or_path: for example `"45nm"` or `"my/table.yaml"`.

    Raises:
        InputError: the table does not exist or is invalid.

    Example:
        >>> from simulator import load_energy
        >>> load_energy("45nm").dram_byte_pj > 0
        True

    """
    path = find("hw_configs/energy", name_or_path)
    return energy_from(read_yaml(path), str(path))


def energy_from(data: dict[str, Any], path: str) -> EnergyTable:
    """Check a table's plain data.

    Args:
        data: the contents of the table's file.
        path: names the data in errors.

    Raises:
        InputError: the table is invalid.

    """
    table = convert(data, EnergyTable, path)
    _rising([point.kib for point in table.storage], "storage", "kib", path)
    _rising([entry.bits for entry in table.mac], "mac", "bits", path)
    return table


def _rising(values: list[float] | list[int], section: str, key: str, path: str) -> None:
    for before, after in pairwise(values):
        if after <= before:
            raise InputError(
                f"{path}: {section}: {key} {after:g} follows {before:g}; list rising values"
            )
