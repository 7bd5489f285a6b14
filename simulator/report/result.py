"""What `simulate` returns: one run and its baseline on the same hardware."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulator.base.columns import Ints, Names
from simulator.base.progress import Progress
from simulator.base.version import __version__
from simulator.coverage import why_not_fast
from simulator.engine import EngineName
from simulator.engine.summary import Summary
from simulator.engine.trace import Trace
from simulator.hardware import EnergyTable, Hardware
from simulator.hardware.config import with_numbers
from simulator.machines.lut_array import Mapping
from simulator.machines.lut_array.numbering import Unit
from simulator.program import Vocabulary
from simulator.report.layers import DRAM_READS, LayerResult, layer_results, working_pe_cycles
from simulator.report.schema import FINGERPRINT, SCHEMA, fingerprint
from simulator.report.settings import SettingEffect, expressions, link_notes
from simulator.report.title import scope_data
from simulator.workload import Workload
from simulator.workload.source import ModelFile

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from simulator.analysis.attribution import Attribution
    from simulator.engine.path import CriticalPath
    from simulator.functional import CheckResult
    from simulator.report.effects import JointEffect, KeyEffects
    from simulator.report.energy import ResultEnergy

TRACE_ROWS = 1 << 15
"""Rows of the trace that are converted at once."""


def configuration_text(part: dict[str, Any]) -> str:
    """One part of a configuration as the text that its fingerprint is made of."""
    import json

    return json.dumps(part, sort_keys=True)


def configuration_sha256(**parts: str) -> str:
    """Fingerprint of a configuration from its parts' texts; parts may be shared by many results."""
    import hashlib

    text = ", ".join(f'"{name}": {part}' for name, part in sorted(parts.items()))
    return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


def _shape(result: LayerResult) -> dict[str, int]:
    """Shape and work of a layer, independent of the machine, as columns of `layer_rows`."""
    layer = result.mapped.plan.layer
    return {
        "in_channels": layer.in_channels,
        "out_channels": layer.out_channels,
        "kernel": layer.kernel,
        "stride": layer.stride,
        "output_height": layer.out_height,
        "output_width": layer.out_width,
        "macs": result.macs,
        "weights": layer.weights,
    }


def _plain(source: ModelFile) -> dict[str, Any]:
    """The file of the kernels as plain data."""
    return {**asdict(source), "taus": dict(source.taus)}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One workload, mapped and run."""

    workload: Workload
    mapping: Mapping
    engine: EngineName
    """What ran it."""
    summary: Summary
    make_trace: Callable[[], Trace]
    """Runs it command by command; called at most once."""

    @property
    def cycles(self) -> int:
        """Length of the run."""
        return self.summary.cycles

    @cached_property
    def trace(self) -> Trace:
        """When every command ran; made when it is first asked for."""
        return self.make_trace()

    @cached_property
    def layers(self) -> tuple[LayerResult, ...]:
        """Every layer's share of the run."""
        return layer_results(self.mapping, self.summary)

    @cached_property
    def attribution(self) -> "tuple[Attribution, ...]":
        """Every layer's cycles by what they were spent on."""
        names = [term.name for term in self.vocabulary.categories]
        rows = self.summary.spent.tolist()
        return tuple(dict(zip(names, row, strict=True)) for row in rows)

    @cached_property
    def path(self) -> "CriticalPath":
        """The commands that held the run up, from its first cycle to its last; in the trace."""
        from simulator.engine.path import critical_path

        return critical_path(self.trace)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words for units, channels and what cycles are spent on."""
        return self.mapping.program.vocabulary

    @property
    def title(self) -> str:
        """How tables and plots call the run: `0.56 bit` or `1 bit`."""
        return f"{self.bits:g} bit"

    @property
    def bits(self) -> float:
        """Bits per weight as the paper prints them, to two decimals."""
        return round(self.workload.bits, 2)

    @property
    def tau(self) -> int | None:
        """Bits of a 3x3 kernel's index; None in a BNN, or where layers differ."""
        return self._common_tau(3)

    @property
    def tau_1x1(self) -> int | None:
        """Bits of a 1x1 vector's index; None in a BNN, or where there are none or they differ."""
        return self._common_tau(1)

    def _common_tau(self, kernel: int) -> int | None:
        taus = {x.tau for x in self.workload.binary_layers if x.kernel == kernel}
        return taus.pop() if len(taus) == 1 else None

    @property
    def dram_bytes(self) -> dict[str, int]:
        """Bytes read and written, whole bursts."""
        moved = self.summary.bytes.sum(axis=0)
        return {
            "read": int(moved[list(DRAM_READS)].sum()),
            "written": int(moved[Unit.DRAM_OUTPUTS]),
        }

    @property
    def utilization(self) -> float:
        """Share of the run's PE-cycles in which a PE's busier side works (0 to 1)."""
        pes = self.mapping.layers[0].plan.hardware.array.pes
        return float(working_pe_cycles(self.summary).sum() / (pes * max(1, self.cycles)))


def _no_settings() -> tuple[SettingEffect, ...]:
    return ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Result:
    """A run, its baseline, and everything that led to them."""

    hardware: Hardware
    run: Run
    baseline: Run
    measure_settings: Callable[[], tuple[SettingEffect, ...]] = _no_settings
    """Measures the effect of each overridden key; runs at most once."""
    effects: "tuple[KeyEffects, ...]" = ()
    """What halving and doubling hardware keys does, if that was measured."""
    together: "tuple[JointEffect, ...]" = ()
    """What doubling several keys at once does beyond their parts, if that was measured."""
    check: "CheckResult | None" = None
    """The run's layers computed as the array does, where that was asked for."""
    energy_table: EnergyTable | None = None
    """Energy per action of a technology, if energy is asked for."""
    hardware_file: str | None = None
    """Shipped name or path of the hardware file, if the hardware came from one."""
    energy_file: str | None = None
    """Shipped name or path of the energy table, if it came from a file."""

    def __repr__(self) -> str:
        """One line: network, bits, hardware, cycles and speedup."""
        return (
            f"<Result: {self.run.workload.name} at {self.run.title} on {self.hardware.name}, "
            f"{self.cycles:,} cycles, {self.speedup:.2f}x>"
        )

    def __str__(self) -> str:
        """A summary within 80 columns: scope, stages, speedup, times, slowest layers."""
        from simulator.report.brief import brief

        return brief(self)

    @property
    def settings(self) -> tuple[SettingEffect, ...]:
        """The effect of each overridden hardware key.

        Measured by runs without the key, two for each, when it is first read.
        """
        return self.measure_settings()

    def with_energy(self, table: EnergyTable | str | Path) -> "Result":
        """Return the same result with its energy.

        Args:
            table: energy table, by shipped name such as `"45nm"`, by path, or loaded.

        Raises:
            InputError: an unknown name, a wrong file or type.

        Example:
            >>> from simulator import simulate
            >>> result = simulate("r20", "cofluent64", bits=0.56).with_energy("45nm")
            >>> result.energy.run.microjoules < result.energy.baseline.microjoules
            True

        """
        if isinstance(table, EnergyTable):
            return replace(self, energy_table=table, energy_file=None)
        from simulator.base.arguments import name_or_path
        from simulator.hardware import load_energy

        file = name_or_path("table", table, "45nm", "an EnergyTable from load_energy")
        return replace(self, energy_table=load_energy(file), energy_file=str(file))

    @cached_property
    def energy(self) -> "ResultEnergy | None":
        """Energy by layer, unit and action; None without a table."""
        if self.energy_table is None:
            return None
        from simulator.report.energy import result_energy

        return result_energy(self, self.energy_table)

    @property
    def area(self) -> dict[str, int]:
        """Gate equivalents by part of the machine, wide enough for the run's activations."""
        from simulator.hardware.area import area

        return area(self.hardware, self.run.workload.activation_bits)

    @property
    def engine(self) -> EngineName:
        """The engine that ran both."""
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
    def speedup(self) -> float:
        """Baseline cycles over the run's cycles."""
        return self.baseline.cycles / self.run.cycles

    def milliseconds(self, cycles: int) -> float:
        """Cycles at the hardware's clock."""
        return cycles / self.hardware.clock_ghz / 1e6

    @cached_property
    def layers(self) -> "pd.DataFrame":
        """One row per layer, units in the column names."""
        import pandas as pd

        return pd.DataFrame(self.layer_rows())

    @cached_property
    def trace(self) -> "pd.DataFrame":
        """One row per command of both runs; the column `run` tells them apart."""
        from simulator.base.tabular import frame_of

        return frame_of(self.trace_tables())

    def trace_tables(self) -> "Iterator[dict[str, Ints | Names]]":
        """The columns of `trace` and of the trace file, piece by piece."""
        for number, run in enumerate((self.run, self.baseline)):
            for table in run.trace.tables(TRACE_ROWS):
                index = np.full(len(table["command"]), number)
                yield {"run": Names(index, ("run", "baseline")), **table}

    def attribution_rows(self) -> list[dict[str, int]]:
        """Per layer the cycles of every part; `layers.csv` carries them behind `layer_rows`."""
        from simulator.analysis.attribution import PARTS

        return [
            {f"{prefix}{part}_cycles": layer[part] for prefix, layer in sides for part in PARTS}
            for ours, base in zip(self.run.attribution, self.baseline.attribution, strict=True)
            for sides in [(("", ours), ("baseline_", base))]
        ]

    def layer_rows(self) -> list[dict[str, Any]]:
        """The contents of `layers` as plain rows."""
        microseconds = 1e-3 / self.hardware.clock_ghz
        return [
            {
                "layer": ours.name,
                "stage": ours.stage,
                **_shape(ours),
                "weight_bytes": ours.stored_bytes,
                "baseline_weight_bytes": base.stored_bytes,
                "cycles": ours.cycles,
                "time_us": ours.cycles * microseconds,
                "baseline_cycles": base.cycles,
                "baseline_time_us": base.cycles * microseconds,
                "speedup": base.cycles / ours.cycles,
                "utilization": ours.utilization,
                "baseline_utilization": base.utilization,
                "bound_by": ours.bound_by,
                "baseline_bound_by": base.bound_by,
                "dram_read_bytes": ours.dram_read_bytes,
                "dram_written_bytes": ours.dram_written_bytes,
                "baseline_dram_read_bytes": base.dram_read_bytes,
                "baseline_dram_written_bytes": base.dram_written_bytes,
                "tau": ours.mapped.plan.layer.tau,
                "mode": ours.mapped.plan.mode,
                "weights_read_once_per": ours.mapped.weights,
                "inputs_held_as": ours.mapped.inputs,
                "start_cycle": ours.start_cycle,
                "end_cycle": ours.end_cycle,
            }
            for ours, base in zip(self.run.layers, self.baseline.layers, strict=True)
        ]

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """Everything that decides the result, as plain data."""
        return {
            "hardware": with_numbers(self.hardware),
            "run": self.run.workload.described(),
            "baseline": self.baseline.workload.described(),
            **self._dram_table(),
            **({"energy": msgspec.to_builtins(self.energy_table)} if self.energy_table else {}),
        }

    def _dram_table(self) -> dict[str, Any]:
        """The DRAM's timing table, if the hardware has one."""
        if self.hardware.memory.dram.timing == "fixed":
            return {}
        from simulator.hardware.dram import dram_table

        return {"dram": msgspec.to_builtins(dram_table(self.hardware))}

    @property
    def config_sha256(self) -> str:
        """Fingerprint of `configuration`: equal fingerprints, equal results."""
        texts = {name: configuration_text(part) for name, part in self.configuration.items()}
        return configuration_sha256(**texts)

    def summary(self, *, why: bool = False) -> dict[str, Any]:
        """The result as one JSON object; the fields are described in the README.

        Args:
            why: add what the cycles of every layer were spent on.

        """
        summary = self._summary()
        if why:
            from simulator.analysis.attribution import total

            summary["attribution"] = total(self.run.attribution)
            summary["baseline"]["attribution"] = total(self.baseline.attribution)
            both = zip(self.run.attribution, self.baseline.attribution, strict=True)
            for layer, (ours, base) in zip(summary["layers"], both, strict=True):
                layer |= {"attribution": ours, "baseline_attribution": base}
        if self.effects:
            summary["what_helps"] = [
                {**asdict(effect), "sentences": effect.sentences} for effect in self.effects
            ]
            summary["what_helps_together"] = [
                {**asdict(joint), "sentence": joint.sentence} for joint in self.together
            ]
        return summary

    def saved(self) -> dict[str, Any]:
        """The contents of `summary.json`: the summary with every reason, and what made it."""
        source = self.run.workload.source
        saved = {
            **self.summary(why=True),
            **({"model_file": _plain(source)} if source else {}),
            "configuration": self.configuration,
        }
        return {**saved, FINGERPRINT: fingerprint(saved)}

    def _summary(self) -> dict[str, Any]:
        columns = ("stage", "cycles", "baseline_cycles", "speedup", "utilization", "bound_by")
        return {
            "schema": SCHEMA,
            "model": self.run.workload.name,
            "bits": self.run.bits,
            "tau": self.run.tau,
            "tau_1x1": self.run.tau_1x1,
            "activation_bits": self.run.workload.activation_bits,
            "batch": self.run.workload.batch,
            "input_size": [self.run.workload.input_height, self.run.workload.input_width],
            "hardware": self.hardware.name,
            "engine": self.engine,
            "scope": scope_data(self),
            "cycles": self.run.cycles,
            "time_ms": self.time_ms,
            "speedup": self.speedup,
            "baseline": {
                "bits": self.baseline.bits,
                "cycles": self.baseline.cycles,
                "time_ms": self.milliseconds(self.baseline.cycles),
                "dram_bytes": self.baseline.dram_bytes,
            },
            "dram_bytes": self.run.dram_bytes,
            "layers": [
                {"name": row["layer"], **{column: row[column] for column in columns}}
                for row in self.layer_rows()
            ],
            "area_gate_equivalents": {**self.area, "total": sum(self.area.values())},
            **self._energy_summary(),
            "settings": [asdict(effect) for effect in self.settings],
            **({"links": links} if (links := expressions(self.hardware)) else {}),
            "notes": self.notes(),
            **({"check": self.check.plain()} if self.check else {}),
            "version": __version__,
            "config_sha256": self.config_sha256,
        }

    def _energy_summary(self) -> dict[str, Any]:
        from simulator.report.energy import summary

        return {"energy": summary(self, self.energy)} if self.energy else {}

    def notes(self) -> list[str]:
        """What a reader of the numbers must know: cuts, passes, expectations, idle settings."""
        from simulator.report.notes import notes

        reason = why_not_fast(self.hardware)
        why_event = [f"both runs use the event engine because {reason}."] if reason else []
        return [
            *why_event,
            *link_notes(self.hardware, self.settings),
            *notes(self.run, self.baseline, self.settings),
        ]

    def _repr_html_(self) -> str:
        """Show itself in a notebook: the layers as a table, and the timeline."""
        from simulator.report.notebook import as_html

        return as_html(self)

    def plot_timeline(self, path: str | Path | None = None, style: str = "screen") -> "Figure":
        """Draw both runs on one time axis (Figure 13); also into a PNG, SVG or PDF file.

        Args:
            path: of the file.
            style: `screen`, or `paper`: one column wide, without a title.

        Raises:
            InputError: an unknown style.

        """
        from simulator.report.timeline import plot_timeline

        return plot_timeline(self, path, style)

    def save(
        self, folder: str | Path, progress: Progress | None = None, style: str = "screen"
    ) -> list[Path]:
        """Write summary, layers, trace and figures into a folder; return the files.

        Args:
            folder: of the files, made if need be.
            progress: called before every file.
            style: of the figures: `screen` (PNG and SVG), or `paper` (PDF and SVG).

        Raises:
            InputError: the folder cannot be written, or an unknown style.

        """
        from simulator.report.files import save

        return save(self, folder, progress, style)
