"""Energy of a study's runs: the rules of a single run, with each part computed once.

A run's energy is the sum of its actions times their energies. The action counts depend on workload
and array alone; points that differ only in rates share them. The energies per action depend on the
hardware alone; a run and its baseline share them.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import json, structs

from simulator.analysis.energy import Prices, leakage, microjoules, run_energy
from simulator.analysis.run import Run
from simulator.base.errors import InputError
from simulator.dram.tables import dram_table
from simulator.machines import EnergyTable, Hardware

Counts = Sequence[Mapping[str, int]]
"""[layers] the count of each action."""

T = TypeVar("T")

_KEPT = 256


class Costs:
    """Energy of runs according to one energy table, with bounded caches."""

    def __init__(self, table: EnergyTable) -> None:
        """Begin with empty caches."""
        self._table = table
        self._counts: Kept[tuple[Run, Counts]] = Kept()
        self._spent: Kept[tuple[Run, int]] = Kept()

    def energy_uj(self, run: Run) -> float | None:
        """The energy of a run in microjoules; None if the table lacks the energy of its MACs."""
        hardware = run.hardware
        try:
            if dram_table(hardware.dram) is not None:  # only the trace has the rows opened
                return run_energy(run, self._table).microjoules
            spent = self._of_actions(run, hardware)
        except InputError:
            return None
        static = run.cycles * leakage(self._table, hardware, run.mapping.layers)
        return microjoules(spent + static)

    def _of_actions(self, run: Run, hardware: Hardware) -> int:
        """The energy of the run's actions in attojoules, independent of DRAM rates and clock."""
        # the cached runs keep their ids valid
        counted_by = run.family.counted_by(hardware)
        commands = (id(run.workload), run.mapping.program.shape, counted_by)
        _, counts = self._counts.get(commands, lambda: (run, _counted(run)))
        priced_by = json.encode(structs.replace(hardware, name="", clock_ghz=1.0, links=()))
        _, spent = self._spent.get(
            (*commands, priced_by),
            lambda: (run, self._priced(counts, run)),
        )
        return spent

    def _priced(self, counts: Counts, run: Run) -> int:
        hardware, layers, total = run.hardware, run.mapping.layers, 0
        known: dict[tuple[tuple[str, float], ...], Prices] = {}
        for layer, of_layer in zip(layers, counts, strict=True):
            kib = run.family.memories(hardware, layers, layer)
            sizes = tuple(kib.items())
            if sizes not in known:
                known[sizes] = Prices(self._table, hardware, kib, None)
            prices = known[sizes]
            total += sum(count * prices.of(action) for action, count in of_layer.items())
        return total


class Kept(Generic[T]):
    """A cache of the most recently added values by key."""

    def __init__(self) -> None:
        """Begin with an empty cache."""
        self._values: OrderedDict[tuple[object, ...], T] = OrderedDict()

    def get(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return the cached value of a key, or make and cache the value."""
        if key not in self._values:
            self._values[key] = make()
            if len(self._values) > _KEPT:
                self._values.popitem(last=False)
        return self._values[key]


def _counted(run: Run) -> Counts:
    sums: list[dict[str, int]] = []
    for number, layer in enumerate(run.mapping.layers):
        of_layer: dict[str, int] = {}
        counts = run.family.actions(layer, run.summary.bytes[number])
        for (_, action), count in counts.items():
            of_layer[action] = of_layer.get(action, 0) + count
        sums.append(of_layer)
    return sums
