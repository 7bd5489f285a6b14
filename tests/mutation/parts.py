"""The parts of the simulator, each with the tests that should notice a change of it."""

from dataclasses import dataclass, field
from pathlib import Path

from tools.environment import ROOT


@dataclass(frozen=True)
class Part:
    """Some files of the simulator and their tests."""

    folder: str
    names: tuple[str, ...]
    """Names of its files without .py; patterns are allowed."""
    tests: tuple[str, ...]
    """Arguments of pytest; quick tests first, because a run ends with the first failure."""
    own: dict[str, str] = field(default_factory=dict)
    """Files whose mutants meet one of the tests before all others."""

    @property
    def files(self) -> list[Path]:
        """All files, in a fixed order."""
        folder = ROOT / self.folder
        return sorted({path for name in self.names for path in folder.glob(f"{name}.py")})

    def tests_of(self, file: Path) -> list[str]:
        """Tests for the mutants of a file, in order."""
        own = self.own.get(file.stem)
        return sorted(self.tests, key=lambda test: test != own)


PARTS = {
    "program": Part(
        "simulator/program",
        ("*",),
        (
            "tests/test_program.py",
            "tests/test_event.py",
            "tests/test_path.py",
            "tests/test_units.py",
            "tests/test_fast.py::test_programs_of_any_shape",
        ),
    ),
    "mapper": Part(
        "simulator/machines/lut_array",
        (
            "addresses", "alike", "banks", "blocks", "buffering", "expected", "huffman", "indices",
            "layer", "mapped", "mapper", "parts", "pixels", "plan", "ports", "positions", "rates",
            "records", "rows", "units", "vocabulary", "weights", "window",
        ),
        (
            "tests/test_tiling.py",
            "tests/test_cycles.py",
            "tests/test_units.py",
            "tests/test_policy.py",
            "tests/test_machine_page.py",
            "tests/test_indices.py",
            "tests/test_dram.py::TestAddresses",
            "tests/test_windows.py",
            "tests/test_port.py",
            "tests/test_invariants.py",
            "-k=not Command and not never and not same_bytes and not lost_cycle and not two_banks "
            "and not add_up and not part_of_its_own and not both_engines",
        ),
        {
            "addresses": "tests/test_dram.py::TestAddresses",
            "banks": "tests/test_indices.py",
            "buffering": "tests/test_policy.py",
            "expected": "tests/test_indices.py",
            "huffman": "tests/test_indices.py",
            "indices": "tests/test_indices.py",
            "ports": "tests/test_port.py",
            "positions": "tests/test_dram.py::TestAddresses",
            "units": "tests/test_units.py",
            "weights": "tests/test_policy.py",
            "window": "tests/test_policy.py",
        },
    ),
    "event": Part(
        "simulator/engine",
        (
            "causes", "channels", "deadlock", "dram", "event", "path", "port", "rows", "summary",
            "sums", "trace", "waits",
        ),
        (
            "tests/test_event.py",
            "tests/test_path.py",
            "tests/test_waits.py",
            "tests/test_dram.py",
            "tests/test_port.py",
            "-k=not Command and not Bandwidth and not two_banks and not both_engines "
            "and not add_up and not bandwidth_of_the_table",
        ),
        {"dram": "tests/test_dram.py", "port": "tests/test_port.py"},
    ),
    "fast": Part(
        "simulator/engine",
        (
            "assembly", "commands", "fast", "fast_forward", "flows", "kernel", "layout", "lots",
            "notes", "paths", "repeats", "slopes",
        ),
        (
            "tests/test_slopes.py",
            "tests/test_fast.py::test_a_fast_forward_ends_where_a_comparison_changes",
            "tests/test_fast.py::test_a_structure_that_is_too_small_grows",
            "tests/test_fast.py::test_programs_of_any_shape",
            "tests/test_fast.py::test_programs_drawn_command_by_command",
            "tests/test_fast.py::test_programs_that_differ_in_rates_run_together",
            "tests/test_fast.py::test_a_deadlock_names_the_units_of_its_circle",
            "tests/test_fast.py::test_a_structure_that_cannot_grow_raises",
        ),
    ),
}  # fmt: skip
