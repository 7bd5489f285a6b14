"""One run, its baseline on the same hardware if it has one, and whatever was measured of them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulator.analysis.attribution import Attribution
from simulator.analysis.energy import OutcomeEnergy, outcome_energy
from simulator.analysis.layers import LayerResult
from simulator.analysis.performance import Performance, operations_counted, performance_of
from simulator.analysis.run import Run
from simulator.analysis.settings import SettingEffect
from simulator.analysis.wider import Wider
from simulator.base.columns import Ints, Names
from simulator.dram.tables import dram_table
from simulator.engine import EngineName
from simulator.machines import EnergyTable, Hardware
from simulator.machines.families import family_of
from simulator.machines.hardware import with_numbers
from simulator.program import UnitTerm
from simulator.workload.sides import shown

if TYPE_CHECKING:
    import pandas as pd

    from simulator.analysis.sensitivity import JointEffect, KeyEffects
    from simulator.check import CheckResult

RUNS = ("run", "baseline")
"""The names of an outcome's runs in outputs."""
PREFIXES = ("", "baseline_")
"""Prefixes of the columns of each run."""
TRACE_ROWS = 1 << 15
"""The number of trace rows per conversion."""


def configuration_text(part: dict[str, Any]) -> str:
    """Return the text of one part of a configuration, for its fingerprint.

    The notes on reading a model do not affect a result.
    """
    return json.dumps({key: part[key] for key in part if key != "notes"}, sort_keys=True)


def configuration_sha256(**parts: str) -> str:
    """Return a configuration's fingerprint from its parts' texts, which results may share."""
    text = ", ".join(f'"{name}": {part}' for name, part in sorted(parts.items()))
    return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


def _shape(result: LayerResult) -> dict[str, int | str]:
    """Return a layer's machine-independent shape and work, as columns of `layer_rows`."""
    layer = result.mapped.layer
    return {
        "in_channels": layer.in_channels,
        "out_channels": layer.out_channels,
        "kernel": shown(layer.kernel),
        "stride": shown(layer.stride),
        "output_height": layer.out_height,
        "output_width": layer.out_width,
        "macs": result.macs,
        "weights": layer.weights,
    }


def _side_by_side(sides: tuple[LayerResult, ...], microseconds: float) -> dict[str, Any]:
    """Return the values of a layer of the run and of the baseline as columns of `layer_rows`."""
    columns: dict[str, Any] = {}
    for groups in zip(*(_figures(side, microseconds) for side in sides), strict=True):
        for prefix, group in zip(PREFIXES, groups, strict=False):
            columns |= {f"{prefix}{name}": value for name, value in group.items()}
        if len(sides) > 1 and "cycles" in groups[0]:
            own, base = (group["cycles"] for group in groups[:2])
            columns["speedup"] = base / own if own else None
    return columns


def _figures(layer: LayerResult, microseconds: float) -> tuple[dict[str, Any], ...]:
    """Groups of columns of one run; `microseconds` are those of a cycle."""
    return (
        {"weight_bytes": layer.stored_bytes},
        {"cycles": layer.cycles, "time_us": layer.cycles * microseconds},
        {"utilization": layer.utilization},
        {"bound_by": layer.bound_by},
        {
            "dram_read_bytes": layer.dram_read_bytes,
            "dram_written_bytes": layer.dram_written_bytes,
        },
    )


def _columns_of_cycles(run: Run) -> Iterable[Attribution]:
    """Each layer's cycles, by the name of the category or by the words of its title."""
    if not run.at_once:
        return run.attribution
    return ({title.replace(" ", "_"): n for title, n in row.items()} for row in run.by_title)


def _no_settings() -> tuple[SettingEffect, ...]:
    return ()


def _no_wider() -> Wider | None:
    return None


@dataclass(frozen=True, kw_only=True, repr=False)
class Outcome:
    """A run, its baseline if it has one, and everything that led to them."""

    hardware: Hardware
    run: Run
    baseline: Run | None = None
    """The run that it is compared with."""
    measure_settings: Callable[[], tuple[SettingEffect, ...]] = _no_settings
    """A function that measures the effect of each overridden key; called at most once."""
    measure_wider: Callable[[], Wider | None] = _no_wider
    """A function that runs the network in a wider scope; it runs at most once."""
    effects: "tuple[KeyEffects, ...]" = ()
    """The measured effects of halving and doubling hardware keys, if any."""
    together: "tuple[JointEffect, ...]" = ()
    """The measured effects of doubling several keys beyond those of fewer keys, if any."""
    check: "CheckResult | None" = None
    """The check of the run's outputs against a direct convolution, if any."""
    energy_table: EnergyTable | None = None
    """The energy per action of a technology, if the result has energies."""
    hardware_file: str | None = None
    """The shipped name or path of the hardware file, if any."""
    energy_file: str | None = None
    """The shipped name or path of the energy table, if it has a file."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """The run and its baseline, or the run alone."""
        return (self.run,) if self.baseline is None else (self.run, self.baseline)

    @property
    def units(self) -> list[UnitTerm]:
        """The units of all runs."""
        return list(dict.fromkeys(unit for run in self.runs for unit in run.vocabulary.units))

    @property
    def different_runs(self) -> tuple[Run, ...]:
        """The runs, without a baseline that equals the run."""
        if self.baseline is None or self.baseline.workload == self.run.workload:
            return (self.run,)
        return self.runs

    @property
    def settings(self) -> tuple[SettingEffect, ...]:
        """The effect of each overridden hardware key.

        The first access measures it by two runs without the key, for each key.
        """
        return self.measure_settings()

    @property
    def wider(self) -> Wider | None:
        """Values of the next wider scope; None if no layer of the network is left out.

        The first access runs the network in that scope.
        """
        return self.measure_wider()

    @cached_property
    def energy(self) -> OutcomeEnergy | None:
        """Energy by layer, unit and action; None without an energy table."""
        if self.energy_table is None:
            return None
        return outcome_energy(self.runs, self.energy_table)

    @property
    def area(self) -> dict[str, int]:
        """Gate equivalents by part of the machine, wide enough for the run's operands."""
        return family_of(self.hardware).area(self.hardware, self.run.mapping.layers)

    @property
    def engine(self) -> EngineName:
        """The engine that ran it, and its baseline."""
        return self.run.engine

    @property
    def cycles(self) -> int:
        """Length of the run in cycles."""
        return self.run.cycles

    @property
    def time_ms(self) -> float:
        """Length of the run in milliseconds."""
        return self.milliseconds(self.run.cycles)

    @property
    def speedup(self) -> float | None:
        """Baseline cycles over the run's cycles; None without a baseline."""
        return None if self.baseline is None else self.baseline.cycles / self.run.cycles

    @cached_property
    def performance(self) -> tuple[Performance, ...]:
        """The performance of the run and, if it has one, of its baseline."""
        energies = [None] * len(self.runs) if self.energy is None else self.energy.runs
        return tuple(
            performance_of(run, None if energy is None else energy.microjoules)
            for run, energy in zip(self.runs, energies, strict=True)
        )

    @property
    def images_per_second(self) -> float:
        """Throughput of the run in the layers in scope: images of the batch over its time."""
        return self.performance[0].images_per_second

    @property
    def tops(self) -> float:
        """Operations per second of the run in units of 1e12; see `operations_counted`."""
        return self.performance[0].tops

    @property
    def energy_uj_per_image(self) -> float | None:
        """Energy of the layers in scope per image, in microjoules; None without an energy table."""
        return self.performance[0].energy_uj_per_image

    @property
    def tops_per_watt(self) -> float | None:
        """Operations per joule of the run in units of 1e12; None without an energy table."""
        return self.performance[0].tops_per_watt

    @property
    def operations_counted(self) -> str:
        """The meaning of an operation in `tops` and `tops_per_watt`, with the scope of the run."""
        return operations_counted(self.run.workload.scope)

    def milliseconds(self, cycles: int) -> float:
        """Convert cycles to milliseconds at the hardware's clock."""
        return cycles / self.hardware.clock_ghz / 1e6

    @cached_property
    def layers(self) -> "pd.DataFrame":
        """One row per layer, with units in the column names."""
        import pandas as pd

        return pd.DataFrame(self.layer_rows())

    @cached_property
    def trace(self) -> "pd.DataFrame":
        """One row per command of all runs; the column `run` tells them apart."""
        from simulator.base.tabular import frame_of

        return frame_of(self.trace_tables())

    def trace_tables(self) -> "Iterator[dict[str, Ints | Names]]":
        """The columns of `trace` and of the trace file, piece by piece."""
        names = RUNS[: len(self.runs)]
        for number, run in enumerate(self.runs):
            for table in run.trace.tables(TRACE_ROWS):
                index = np.full(len(table["command"]), number)
                yield {"run": Names(index, names), **table}

    def attribution_rows(self) -> list[dict[str, int]]:
        """Return each layer's cycles by category; `layers.csv` has them after `layer_rows`.

        If all layers run at once, each has categories of its own; a column is then a title.
        """
        return [
            {
                f"{prefix}{name}_cycles": spent
                for prefix, layer in zip(PREFIXES, sides, strict=False)
                for name, spent in layer.items()
            }
            for sides in zip(*map(_columns_of_cycles, self.runs), strict=True)
        ]

    def layer_rows(self) -> list[dict[str, Any]]:
        """Return the contents of `layers` as plain rows."""
        microseconds = 1e-3 / self.hardware.clock_ghz
        return [
            {
                "layer": ours.name,
                "stage": ours.stage,
                **_shape(ours),
                **_side_by_side((ours, *others), microseconds),
                "tau": ours.mapped.layer.tau,
                "mode": ours.mapped.mode,
                **ours.mapped.columns,
                "start_cycle": ours.start_cycle,
                "end_cycle": ours.end_cycle,
            }
            for ours, *others in zip(*(run.layers for run in self.runs), strict=True)
        ]

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data."""
        return {
            "hardware": with_numbers(self.hardware),
            **{name: run.workload.described() for name, run in zip(RUNS, self.runs, strict=False)},
            **self._dram_table(),
            **({"energy": msgspec.to_builtins(self.energy_table)} if self.energy_table else {}),
        }

    def _dram_table(self) -> dict[str, Any]:
        """Return the DRAM's timing table, if the hardware has one."""
        table = dram_table(self.hardware.dram)
        return {} if table is None else {"dram": msgspec.to_builtins(table)}

    @property
    def config_sha256(self) -> str:
        """The fingerprint of `configuration`; equal fingerprints mean equal results."""
        texts = {name: configuration_text(part) for name, part in self.configuration.items()}
        return configuration_sha256(**texts)
