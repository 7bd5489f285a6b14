"""Energy of a study's runs: the rules of a single run, each part worked out once.

A run's energy is its actions times their prices. The counts depend on workload and array alone, so
points that differ only in rates share them; the prices depend on the hardware alone, so a run and
its baseline share them.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache

from simulator.errors import InputError
from simulator.hardware import EnergyTable, Hardware
from simulator.hardware.dram import dram_table
from simulator.report.actions import layer_actions
from simulator.report.energy import Prices, leakage, microjoules, run_energy
from simulator.report.result import Run

Counts = Mapping[int, Mapping[str, int]]
"""How often each action happens, by the bits of the activations that it works on."""

_KEPT = 256


class Costs:
    """What runs cost by one energy table. Every cache is bounded."""

    def __init__(self, table: EnergyTable) -> None:
        """Nothing is known yet."""
        self._table = table
        self._counted: OrderedDict[tuple[object, ...], tuple[Run, Counts]] = OrderedDict()
        self._prices = lru_cache(_KEPT)(self._make_prices)
        self._leakage = lru_cache(_KEPT)(self._make_leakage)

    def energy_uj(self, run: Run) -> float | None:
        """Microjoules of a run; None if the table has no price for its MACs."""
        hardware = run.mapping.layers[0].plan.hardware
        try:
            if dram_table(hardware) is not None:  # rows opened are known from the trace alone
                return run_energy(run, self._table).microjoules
            spent = run.cycles * self._leakage(hardware, run.workload.activation_bits)
            for bits, counts in self._counts(run).items():
                prices = self._prices(hardware, bits)
                spent += sum(count * prices.of(action) for action, count in counts.items())
        except InputError:
            return None
        return microjoules(spent)

    def _counts(self, run: Run) -> Counts:
        """The run's actions, kept for runs of the same commands on an array of the same parts."""
        array = run.mapping.layers[0].plan.hardware.array
        key = (id(run.workload), id(run.mapping.loops.body), array)
        known = self._counted.get(key)
        if known is None:
            known = self._counted[key] = (run, _counted(run))  # the run keeps what the ids name
            if len(self._counted) > _KEPT:
                self._counted.popitem(last=False)
        return known[1]

    def _make_prices(self, hardware: Hardware, activation_bits: int) -> Prices:
        return Prices(self._table, hardware, activation_bits, None)

    def _make_leakage(self, hardware: Hardware, activation_bits: int) -> int:
        return leakage(self._table, hardware, activation_bits)


def _counted(run: Run) -> Counts:
    sums: dict[int, dict[str, int]] = {}
    for number, layer in enumerate(run.mapping.layers):
        plan = layer.plan
        of_bits = sums.setdefault(plan.activation_bits, {})
        for (_, action), count in layer_actions(plan, run.summary.bytes[number]).items():
            of_bits[action] = of_bits.get(action, 0) + count
    return sums
