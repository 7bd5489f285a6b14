"""The paper's accuracies against simulated time and energy, and their fronts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress, announce
from simulator.base.writing import write_file
from simulator.paper.accuracies import Accuracy, accuracies
from simulator.paper.accuracy_figure import Panel, Point, draw
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.report.style import SCREEN, save_figure
from simulator.workload import load_workload
from simulator.workload.scope import Scope, is_full_precision

HARDWARE = "cofluent64"
ENERGY = "45nm"
BUFFER = {"memory.activation_buffer.kib": 512}
"""The shipped 64 KiB hold no step of some layers in full precision: 304 KiB for SSD300."""
SCOPES: tuple[Scope, ...] = ("binary", "network")
_DATASETS = {"ImageNet", "CIFAR-10", "PASCAL VOC"}
"""Data sets of the shipped networks; their detectors have the 20 classes of PASCAL VOC."""


@dataclass(frozen=True)
class Entry:
    """A printed accuracy, and a run of its network in some scope."""

    printed: Accuracy
    scope: Scope
    result: Result

    @cached_property
    def percent(self) -> float:
        """The printed accuracy."""
        return float(self.printed.percent)

    @cached_property
    def time_ms(self) -> float:
        """Simulated time per image in milliseconds."""
        return self.result.time_ms

    @cached_property
    def energy_mj(self) -> float:
        """Simulated energy per image in millijoules."""
        energy = self.result.energy
        assert energy is not None  # every run has the table
        return energy.run.microjoules / 1000

    @property
    def precision(self) -> str:
        """Bits of weights and activations, such as `0.56/1`."""
        return f"{self.printed.bits:g}/{self.printed.activation_bits}"


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write accuracy.md, accuracy.csv, accuracy.png and accuracy.svg."""
    entries = run(progress)
    announce(progress, "drawing the fronts")
    figure = draw(_panels(entries))
    rows = [_row(entry, entries) for entry in entries]
    return [
        write_report(
            folder / "accuracy.md",
            "Accuracy against time and energy",
            "simulate reproduce accuracy",
            [_coverage(), "![Fronts of accuracy](accuracy.png)\n", *_tables(entries, rows)],
        ),
        write_csv(folder / "accuracy.csv", rows),
        *(
            write_file(folder / f"accuracy.{kind}", lambda path: save_figure(figure, path))
            for kind in SCREEN.endings
        ),
    ]


def run(progress: Progress | None = None) -> list[Entry]:
    """Run every printed accuracy's network on the machine, once for equal precisions."""
    results: dict[tuple[object, ...], Result] = {}
    entries = []
    for printed in accuracies():
        if printed.dataset not in _DATASETS:
            continue
        for scope in SCOPES:
            if scope == "binary" and is_full_precision(printed.bits):
                continue
            key = (printed.network, printed.bits, printed.activation_bits, scope)
            if key not in results:
                results[key] = _simulated(printed, scope, progress)
            entries.append(Entry(printed, scope, results[key]))
    return entries


def _simulated(printed: Accuracy, scope: Scope, progress: Progress | None) -> Result:
    result = simulate(
        printed.network,
        HARDWARE,
        bits=printed.bits,
        activation_bits=None if is_full_precision(printed.bits) else printed.activation_bits,
        baseline_bits="none",
        scope=scope,
        set=BUFFER,
        progress=progress,
    )
    return result.with_energy(ENERGY)


def on_front(entry: Entry, entries: Sequence[Entry], cost: str) -> bool:
    """True if no entry of the same network and scope is as accurate and better otherwise.

    Args:
        entry: the entry in question.
        entries: all entries.
        cost: `time_ms` or `energy_mj`.

    """
    own = (getattr(entry, cost), -entry.percent)
    rivals = (
        (getattr(x, cost), -x.percent)
        for x in entries
        if (x.printed.network, x.scope) == (entry.printed.network, entry.scope)
    )
    return not any(rival != own and rival[0] <= own[0] and rival[1] <= own[1] for rival in rivals)


def _row(entry: Entry, entries: Sequence[Entry]) -> Row:
    printed = entry.printed
    return {
        "network": printed.network,
        "data set": printed.dataset,
        "scope": entry.scope,
        "bits (W/A)": entry.precision,
        "method": printed.method,
        "accuracy (%)": printed.percent,
        "metric": printed.metric,
        "table": printed.table,
        "time (ms)": f"{entry.time_ms:.3f}",
        "energy (mJ)": f"{entry.energy_mj:.3f}",
        "front of": " and ".join(
            name
            for name, cost in (("time", "time_ms"), ("energy", "energy_mj"))
            if on_front(entry, entries, cost)
        ),
    }


def _networks(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.printed.network for entry in entries))


def _tables(entries: Sequence[Entry], rows: Sequence[Row]) -> list[str]:
    """Return a table for each network, without the columns that its heading has."""
    parts = []
    for network in _networks(entries):
        own = [row for row in rows if row["network"] == network]
        hidden = {"network", "data set", "metric", "table"}
        shown = [{key: x for key, x in row.items() if key not in hidden} for row in own]
        first = own[0]
        parts.append(
            f"## {load_workload(network).title}: {first['metric']}, Table {first['table']}\n"
        )
        parts.append(table(shown))
    return parts


def _panels(entries: Sequence[Entry]) -> list[Panel]:
    """Return the panels of networks with several precisions, by time and by energy."""
    panels = []
    for cost, label in (("time_ms", "time (ms)"), ("energy_mj", "energy (mJ)")):
        for network in _networks(entries):
            own = [x for x in entries if x.printed.network == network]
            if len({x.precision for x in own}) == 1:
                continue
            panels.append(
                Panel(
                    title=load_workload(network).title,
                    cost=label,
                    accuracy=f"{own[0].printed.metric} (%)",
                    points=tuple(
                        Point(
                            series=x.scope,
                            cost=getattr(x, cost),
                            percent=x.percent,
                            label=x.precision,
                            front=on_front(x, own, cost),
                        )
                        for x in sorted(own, key=lambda x: SCOPES.index(x.scope))
                    ),
                )
            )
    return panels


def _coverage() -> str:
    """Explain what each number covers."""
    (buffer,) = BUFFER.values()
    return (
        "The accuracies are the paper's (supplement, Tables 6 to 8): no network is trained here. "
        "Times and energies are simulated, for one image and the shapes of the network; they are "
        "the same for all methods of a precision.\n\n"
        f"- Machine: `{HARDWARE}`, 64 PEs at 1 GHz, with an activation buffer of {buffer} KiB. "
        "ASSUMED: the shipped 64 KiB hold no step of some layers in full precision. "
        f"Energy: table `{ENERGY}`.\n"
        "- Scope `binary`: the layers whose weights are signs, as in the paper's comparison.\n"
        "- Scope `network`: every layer, also first and last layers, normalization, additions and "
        "pooling.\n"
        "- Full precision (32/32) exists only in scope `network`: all layers run on the MAC unit, "
        "64 operations per cycle.\n"
        "- Activations of 32 bits run bit by bit on the PEs.\n"
        "- The supplement's MS-COCO accuracies are in `simulator/paper/accuracies.csv` but not "
        "here, because the shipped detectors have the classes of PASCAL VOC.\n\n"
        "A row is on a front if no other row of its network and scope is at least as accurate "
        "and as cheap, and better in one of the two.\n"
    )
