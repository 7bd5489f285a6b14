"""More hardware is not slower."""

from collections.abc import Mapping
from itertools import pairwise

import pytest

from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.engine.fast import totals
from simulator.machines import load_hardware
from simulator.machines.lut_array.mapper import map_workload
from simulator.machines.lut_array.notes import notes
from tests.build import layer, machine, network

pytestmark = pytest.mark.unit

WIDE = network(
    layer(128, 128, 2, 8, tau=5),
    layer(128, 256, 2, 4, tau=5),
    layer(256, 256, 2, 4, tau=5),
    layer(256, 512, 2, 2, tau=5),
)


def cycles(keys: dict[str, object]) -> int:
    """Cycles of the wide layers on cofluent64 with these keys and an instant DRAM."""
    instant = {"memory.dram.latency_cycles": 0, "memory.dram.bytes_per_cycle": 1e9}
    return run_one(WIDE, machine(instant | keys), "fast").cycles


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("array.pes", (64, 74, 80, 86, 96, 112, 127, 128, 160, 171, 192, 256, 300)),
        ("array.pe.accumulators", (1, 2, 3, 4, 5, 8, 9)),
        ("array.pe.lut_entries", (16, 20, 24, 31, 32)),
    ],
)
def test_more_of_the_array_is_not_slower(key: str, values: tuple[int, ...]) -> None:
    found = [cycles({key: value}) for value in values]
    assert all(more <= fewer for fewer, more in pairwise(found)), found
    assert found[-1] < found[0]


def test_a_larger_activation_buffer_has_no_cliff() -> None:
    """A depthwise layer reads a patch for every channel; two patches alone hide no latency."""
    depthwise = network(layer(16, 16, 8, 8, groups=16, full_precision=True))
    sizes = (0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 5, 6, 7, 8)
    found, schemes = [], []
    for kib in sizes:
        mapping = map_workload(depthwise, machine({"memory.activation_buffer.kib": float(kib)}))
        found.append(totals(mapping.program).cycles)
        schemes.append(mapping.layers[0].inputs)
    assert schemes[0] == "patches"
    assert schemes[-1] == "rows"
    assert all(larger <= smaller for smaller, larger in pairwise(found)), found
    before_rows = found[schemes.index("rows") - 1]
    assert found[0] > 3 * before_rows
    assert before_rows < 3 * found[-1]


CAUSES: dict[str, list[str]] = {
    "is too low for": ["memory.index_buffer.bytes_per_cycle=1000000"],
    "do not fit in the index buffer": ["memory.index_buffer.kib=2048"],
}
"""Words of the notes that name a cause of slower PE counts, and its removal."""


class TestCausesOfMoreThatIsSlower:
    """Narrow index ports and small index buffers: notes name them, and no other cause remains."""

    NET = network(layer(512, 512, 3, 3), layer(512, 512, 3, 3, name="next"))
    COUNTS: Mapping[str, tuple[int, ...]] = {
        "bnn64": (64, 73, 74, 103, 104, 128, 170, 171),
        "edge16": (16, 17, 85, 86, 128, 170, 172),
    }

    def runs(self, file: str, overrides: list[str]) -> list[Run]:
        return [
            run_one(self.NET, load_hardware(file, [f"array.pes={pes}", *overrides]), "fast")
            for pes in self.COUNTS[file]
        ]

    def slower(self, runs: list[Run]) -> list[Run]:
        return [run for n, run in enumerate(runs) if any(run.cycles > x.cycles for x in runs[:n])]

    @pytest.mark.parametrize("file", COUNTS)
    def test_a_note_names_the_cause_of_every_slower_count(self, file: str) -> None:
        slower = self.slower(self.runs(file, []))
        assert slower
        for run in slower:
            assert any(cause in note for note in notes(run) for cause in CAUSES)

    @pytest.mark.parametrize("file", COUNTS)
    def test_without_the_causes_no_count_is_slower(self, file: str) -> None:
        named = {
            cause
            for run in self.slower(self.runs(file, []))
            for note in notes(run)
            for cause in CAUSES
            if cause in note
        }
        removal = [override for cause in sorted(named) for override in CAUSES[cause]]
        assert self.slower(self.runs(file, removal)) == []

    def test_the_note_of_the_index_port(self) -> None:
        # 512 channels are 7 blocks of 74, 74, 74, 74, 72, 72, 72: 1,152 bits for each channel of
        # 128 outputs are 144 bytes, or 4 x 37 + 3 x 36 = 256 cycles; 7 direct steps take 7 x 32
        run = run_one(self.NET, load_hardware("bnn64", ["array.pes=74"]), "fast")
        assert list(notes(run)) == [
            "index fetches take 1.14 times as long as the steps that they feed in all layers "
            "because index_buffer.bytes_per_cycle (288) is too low for 74 PEs."
        ]

    def test_no_note_if_steps_hide_the_fetches(self) -> None:
        assert list(notes(run_one(self.NET, load_hardware("bnn64"), "fast"))) == []
