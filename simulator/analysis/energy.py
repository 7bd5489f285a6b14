"""The energy of a run: actions times energy per action, by layer, unit and action, in whole aJ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.analysis.run import Run
from simulator.dram import Timing
from simulator.dram.tables import DramTable, dram_table, dram_timing
from simulator.engine.summary import sums_by_unit
from simulator.machines import Hardware
from simulator.machines.energy import AJ_PER_PJ, EnergyTable
from simulator.machines.families import family_of
from simulator.machines.family import MappedLayer
from simulator.program import UnitTerm
from simulator.program.vocabulary import names

STATIC = "static"
"""The unit for the energy of every cycle, with or without work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """All actions of one type on one unit in one layer."""

    layer: str
    unit: str
    action: str
    count: int
    attojoules: int
    """The total energy of all `count` actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnergy:
    """A run's energy; sums by layer, unit and action use the same numbers."""

    spent: tuple[Spent, ...]

    @property
    def attojoules(self) -> int:
        """The energy of the whole run in attojoules."""
        return sum(spent.attojoules for spent in self.spent)

    @property
    def microjoules(self) -> float:
        """The energy of the whole run in microjoules."""
        return microjoules(self.attojoules)

    def by(self, part: str) -> dict[str, int]:
        """Return attojoules by `layer`, `unit` or `action`; each adds up to the exact total."""
        sums: dict[str, int] = {}
        for spent in self.spent:
            name = getattr(spent, part)
            sums[name] = sums.get(name, 0) + spent.attojoules
        return sums


def microjoules(attojoules: int) -> float:
    """Convert attojoules to microjoules."""
    return attojoules / AJ_PER_PJ / 1e6


def run_energy(run: Run, table: EnergyTable) -> RunEnergy:
    """Compute the energy of every action of a run.

    Raises:
        InputError: the table has no energy for this hardware's MACs.

    """
    hardware, family, moved = run.hardware, run.family, run.summary.bytes
    dram, timing = dram_table(hardware.dram), dram_timing(hardware.dram, hardware.clock_ghz)
    opened = run.trace.dram if dram else None
    activates = None if opened is None else sums_by_unit(run.trace, opened.activates)
    layers = run.mapping.layers
    static = {
        "leakage_cycle": leakage(table, hardware, layers),
        **_background(hardware, dram, timing),
    }
    spent: list[Spent] = []
    for number, result in enumerate(run.layers):
        mapped = result.mapped
        price = Prices(table, hardware, family.memories(hardware, layers, mapped), dram)
        opens = None if activates is None else activates[number]
        counts = family.actions(mapped, moved[number], opens)
        priced = [
            (unit, action, counts[unit, action], price.of(action))
            for unit in names(run.vocabulary.units)
            for action in sorted(action for of, action in counts if of == unit)
        ]
        priced += [(STATIC, action, result.cycles, each) for action, each in static.items()]
        spent += [
            Spent(layer=result.name, unit=unit, action=action, count=n, attojoules=n * each)
            for unit, action, n, each in priced
        ]
    return RunEnergy(spent=tuple(spent))


def _background(
    hardware: Hardware, dram: DramTable | None, timing: Timing | None
) -> dict[str, int]:
    """Return the attojoules that a DRAM of a table takes in every cycle."""
    if dram is None or timing is None:
        return {}
    ranks = timing.channels * timing.ranks
    picojoules = ranks * dram.energy.background_mw / hardware.clock_ghz  # mW x ns = pJ
    return {"dram_background_cycle": round(picojoules * AJ_PER_PJ)}


def leakage(table: EnergyTable, hardware: Hardware, layers: Sequence[MappedLayer]) -> int:
    """Return the attojoules of leakage per cycle.

    Args:
        table: the energy table.
        hardware: the machine.
        layers: the layers of a run.

    """
    family = family_of(hardware)
    area = family.area(hardware, layers)
    gates = sum(size for part, size in area.items() if part not in family.buffers)
    return table.leakage_aj(gates, family.buffer_kib(hardware, layers), hardware.clock_ghz)


class Prices:
    """Attojoules per action of one layer on one machine."""

    def __init__(
        self,
        table: EnergyTable,
        hardware: Hardware,
        kib: Mapping[str, float],
        dram: DramTable | None,
    ) -> None:
        """Collect the energies of fixed actions and a DRAM table.

        Args:
            table: the energy table.
            hardware: the machine.
            kib: the size of a bank of each memory, by name.
            dram: the DRAM's table, if it has one.

        """
        self.table = table
        self.mac_bits = {"mac": (family_of(hardware).mac_bits(hardware), "full_precision.bits")}
        if hardware.vector is not None:
            self.mac_bits["vector_multiply"] = (hardware.vector.bits, "vector.bits")
        self.known = table.fixed_aj()
        if dram is not None:
            self.known |= {
                "dram_activate": round(dram.energy.activate_pj * AJ_PER_PJ),
                "dram_read_byte": round(dram.energy.read_byte_pj * AJ_PER_PJ),
                "dram_write_byte": round(dram.energy.write_byte_pj * AJ_PER_PJ),
            }
        self.kib = kib

    def of(self, action: str) -> int:
        """Return the energy of an action; for a memory's bits, it depends on the bank size."""
        price = self.known.get(action)
        if price is None:
            price = self.known[action] = self._sized(action)
        return price

    def _sized(self, action: str) -> int:
        """Return the energy of an action that depends on a width or a capacity."""
        if action in self.mac_bits:
            return self.table.mac_aj(*self.mac_bits[action])
        memory = action.removesuffix("_read_bit").removesuffix("_write_bit")
        return self.table.storage_bit_aj(self.kib[memory])


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEnergy:
    """The energy of a run, and of its baseline if it has one."""

    table: EnergyTable
    run: RunEnergy
    baseline: RunEnergy | None = None

    @property
    def runs(self) -> tuple[RunEnergy, ...]:
        """Energies of the run and its baseline, or of the run alone."""
        return (self.run,) if self.baseline is None else (self.run, self.baseline)

    def rows(self) -> list[dict[str, Any]]:
        """Return the contents of energy.csv: one row per run, layer, unit and action."""
        return [
            {
                "run": name,
                "layer": spent.layer,
                "unit": spent.unit,
                "action": spent.action,
                "count": spent.count,
                "energy_pj": spent.attojoules / AJ_PER_PJ,
            }
            for name, energy in zip(("run", "baseline"), self.runs, strict=False)
            for spent in energy.spent
        ]


def outcome_energy(runs: tuple[Run, ...], table: EnergyTable) -> OutcomeEnergy:
    """Price all runs of a result: the run, and its baseline if it has one."""
    run, *others = (run_energy(run, table) for run in runs)
    return OutcomeEnergy(table=table, run=run, baseline=others[0] if others else None)


def summary(runs: tuple[Run, ...], energy: OutcomeEnergy) -> dict[str, Any]:
    """The JSON object `energy`: sums, energy-delay products, bytes moved, and their ratios.

    Args:
        runs: the run, and its baseline if it has one.
        energy: the energy of all runs.

    """
    run, *others = (_one(run, spent) for run, spent in zip(runs, energy.runs, strict=True))
    if not others:
        return {"table": energy.table.name, "run": run}
    (baseline,) = others
    ratios = {
        key: baseline[key] / run[key] for key in ("energy_uj", "energy_delay_uj_ms", "dram_bytes")
    }
    return {"table": energy.table.name, "run": run, "baseline": baseline, "ratios": ratios}


def _one(run: Run, energy: RunEnergy) -> dict[str, Any]:
    def shares(part: str) -> dict[str, float]:
        return {name: microjoules(spent) for name, spent in energy.by(part).items()}

    return {
        "energy_uj": energy.microjoules,
        "energy_delay_uj_ms": energy.microjoules * run.time_ms,
        "dram_bytes": sum(run.dram_bytes.values()),
        "by_unit_uj": shares("unit"),
        "by_action_uj": shares("action"),
        "by_layer_uj": shares("layer"),
    }


def unit_rows(
    energy: OutcomeEnergy, units: Iterable[UnitTerm]
) -> Iterable[tuple[str, tuple[int, ...]]]:
    """(unit, attojoules of each run), in the units' order; idle units left out."""
    by_run = [one.by("unit") for one in energy.runs]
    for unit in [*names(units), STATIC]:
        if any(unit in spent for spent in by_run):
            yield unit, tuple(spent.get(unit, 0) for spent in by_run)
