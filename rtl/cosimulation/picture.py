"""Ten steps as the RTL's waveform and as the simulator's timeline, on one time axis.

`python -m rtl.cosimulation.picture` writes reports/rtl_waveform.png and .svg.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import RTL, build
from rtl.cosimulation.compare import compare, simulate
from rtl.cosimulation.make import SMALL, case_of, shape
from simulator.base.writing import write_file
from simulator.report.style import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STEPS = 10
_CYCLE = 1000
"""Duration of a cycle in the waveform, in ps."""
_SIGNALS = {
    "clk": "clk",
    "fetch_active": "index fetch",
    "sets": "index sets filled",
    "dot_active": "fill",
    "filled": "banks filled",
    "add_active": "accumulate",
    "tiles_done": "sums to drain",
    "drain_active": "drain",
}
"""Signals of accelerator.sv in the picture, and their labels."""
_UNITS = {
    "index fetch": "fetch_indices",
    "fill": "fill",
    "accumulate": "accumulate",
    "drain": "drain",
}
_COLORS = ("#0072B2", "#E69F00")
"""Alternating colors of steps."""


def ten_steps() -> Case:
    """Make a case of five pixels and two input blocks: ten steps, each with a fetch."""
    return case_of("ten steps", SMALL, shape(8, 16, 1, 5, tau=2), index_bytes_per_cycle=3, seed=0)


def read_vcd(path: Path, scope: str, names: set[str]) -> dict[str, list[tuple[int, int]]]:
    """(time, value) of every change of some signals in one scope; `x` counts as 0."""
    scopes: list[str] = []
    of_code: dict[str, str] = {}
    changes: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    time = 0
    for line in path.read_text().splitlines():
        match line.split():
            case ["$scope", _, name, _]:
                scopes.append(name)
            case ["$upscope", _]:
                scopes.pop()
            case ["$var", _, _, code, name, *_] if ".".join(scopes) == scope and name in names:
                of_code[code] = name
            case [stamp] if stamp[0] == "#":
                time = int(stamp[1:])
            case [bits, code] if bits[0] == "b" and code in of_code:
                changes[of_code[code]].append((time, int(bits[1:].replace("x", "0"), 2)))
            case [bit] if bit[0] in "01x" and bit[1:] in of_code:
                changes[of_code[bit[1:]]].append((time, int(bit[0] == "1")))
    return changes


def draw(case: Case, waveform: dict[str, list[tuple[int, int]]]) -> "Figure":
    """Draw the waveform above the timeline."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    events = simulate(case).events
    last = max(int(times.max(initial=0)) for times in events.values()) + 1
    with rc_context({"font.size": 8, "axes.linewidth": 0.6}):
        figure = Figure(figsize=(11.0, 5.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[8, 4])
        _draw_waveform(upper, waveform, last)
        _draw_timeline(lower, events)
        lower.set_xlabel("cycle")
        lower.set_xlim(0, last)
        lower.set_xticks(range(0, last, 4))
        for axes in (upper, lower):
            axes.grid(axis="x", linewidth=0.3, color="0.8")
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
    return figure


def _draw_waveform(axes: "Axes", waveform: dict[str, list[tuple[int, int]]], last: int) -> None:
    axes.set_title("RTL (Verilator)", loc="left")
    for row, name in enumerate(_SIGNALS):
        times, values = _steps_of(waveform[name], last)
        most = max(1, int(values.max()))
        axes.step(times, -row + 0.7 * values / most, where="post", color="black", linewidth=0.8)
        if most > 1:
            for left, right, value in zip(times[:-1], times[1:], values[:-1], strict=True):
                if right > left:
                    axes.annotate(str(value), (left + 0.15, -row + 0.08), fontsize=6, color="0.4")
    axes.set_yticks([-row + 0.35 for row in range(len(_SIGNALS))], list(_SIGNALS.values()))


def _steps_of(
    changes: list[tuple[int, int]], last: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times in cycles and values, up to the end of the picture."""
    within = [(time / _CYCLE, value) for time, value in changes if time < last * _CYCLE]
    times = np.array([time for time, _ in within] + [last], dtype=np.float64)
    return times, np.array([value for _, value in within] + [within[-1][1]], dtype=np.int64)


def _draw_timeline(axes: "Axes", events: dict[str, NDArray[np.int64]]) -> None:
    axes.set_title("Simulator (event engine); numbers are steps; for drains, pixels", loc="left")
    for row, kind in enumerate(_UNITS.values()):
        for number, (start, end) in enumerate(events[kind].tolist()):
            axes.barh(
                -row, end - start, left=start, height=0.7, edgecolor="white", linewidth=0.4,
                color=_COLORS[number % 2],
            )  # fmt: skip
            axes.annotate(
                str(number), ((start + end) / 2, -row), ha="center", va="center", color="white"
            )
    axes.set_yticks([-row for row in range(len(_UNITS))], list(_UNITS))


def write(folder: Path) -> list[Path]:
    """Write the picture. Raise an error instead if RTL and simulator differ in the ten steps."""
    case = ten_steps()
    with TemporaryDirectory() as scratch:
        vcd = Path(scratch) / "ten_steps.vcd"
        result = compare(case, build(case.parameters, trace=True), vcd)
        if result.differences:
            raise AssertionError("\n".join(result.differences))
        waveform = read_vcd(vcd, "TOP.accelerator", set(_SIGNALS))
    figure = draw(case, waveform)
    return [
        write_file(folder / name, lambda path: save_figure(figure, path))
        for name in ("rtl_waveform.png", "rtl_waveform.svg")
    ]


if __name__ == "__main__":
    for written in write(RTL.parent / "reports"):
        print(written.relative_to(RTL.parent))
