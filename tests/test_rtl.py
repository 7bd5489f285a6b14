"""The RTL against the simulator: every command's cycles, every output, with zero tolerance."""

import shutil
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from rtl.cosimulation.__main__ import main
from rtl.cosimulation.circuit import RTL, Parameters, build, lint, missing_tools
from rtl.cosimulation.compare import compare, simulate
from rtl.cosimulation.fixed import fixed_cases
from rtl.cosimulation.make import CI_MACHINES, MACHINES, PAPER, case_of, random_case, shape
from rtl.cosimulation.picture import read_vcd, ten_steps
from rtl.synthesize import Variant, synthesize

pytestmark = [
    pytest.mark.rtl,
    pytest.mark.skipif(bool(missing_tools()), reason=f"not installed: {missing_tools()}"),
]

FIXED = {case.name: case for case in fixed_cases()}


@pytest.mark.parametrize("parameters", [PAPER, *MACHINES], ids=str)
def test_lint_is_clean(parameters: Parameters) -> None:
    assert lint(parameters) == ""


@pytest.mark.parametrize("name", FIXED)
def test_fixed_case(name: str) -> None:
    result = compare(FIXED[name], build(FIXED[name].parameters))
    assert result.differences == []
    assert result.outputs > 0


@pytest.mark.parametrize("seed", range(9))
def test_random_case(seed: int) -> None:
    case = random_case(seed, CI_MACHINES)
    result = compare(case, build(case.parameters))
    assert result.differences == [], f"replay: python -m rtl.cosimulation --ci --seed {seed}"


class TestFixedCasesCoverWhatTheyName:
    """A case without the property of its name would be useless."""

    def test_fetch_binds(self) -> None:
        events = simulate(FIXED["fetch binds"]).events
        fetches, adds = events["fetch_indices"], events["accumulate"]
        assert fetches[3, 1] == adds[3, 0]  # the accumulate waits for its indices, not its fill

    def test_passes_without_indices_take_no_cycle(self) -> None:
        adds = simulate(FIXED["passes without indices"]).events["accumulate"]
        assert (adds[:, 0] == adds[:, 1]).any()

    def test_the_first_pixels_read_nothing(self) -> None:
        simulated = simulate(FIXED["1x1, padded: the first pixels read nothing"])
        assert (simulated.inputs_at, simulated.indices_at) == (0, 1)

    def test_both_ways_at_full_width(self) -> None:
        cut = [case for case in FIXED.values() if case.parameters == PAPER]
        assert [simulate(case).direct for case in cut] == 4 * [False] + 4 * [True]


@pytest.mark.skipif(shutil.which("yosys") is None, reason="not installed: yosys")
@pytest.mark.parametrize("passes", [1, 4])
def test_the_pe_has_a_flip_flop_per_bit_that_it_holds(passes: int) -> None:
    small = {"LUT_ENTRIES": 8, "ACCUMULATORS": 2, "PARTIAL_SUMS": 16, "PASSES": passes}
    netlist = synthesize(small)
    # two sets of 16 indices of 9 bits, 2 x 8 entries of 5 bits, 16 sums of 16 bits: 288 + 80 + 256;
    # in passes also a bit for each of the 16 outputs
    assert netlist.flip_flops == 624 + (16 if passes > 1 else 0)
    assert (
        sum(Variant(name="", tau=3, parameters=small).storage_bits.values()) == netlist.flip_flops
    )
    assert netlist.cells > netlist.flip_flops


class TestCommand:
    def test_a_seed_is_replayed(self) -> None:
        done = CliRunner().invoke(main, ["--ci", "--seed", "3", "--seed", "4"])
        assert done.stdout.splitlines()[-1] == "2 layers: 2 agree, 0 differ"
        assert done.exit_code == 0

    def test_the_same_seed_is_the_same_layer(self) -> None:
        one, other = random_case(17), random_case(17)
        assert one.layer == other.layer
        assert (one.activations == other.activations).all()

    def test_a_name_that_no_layer_has(self) -> None:
        done = CliRunner().invoke(main, ["--case", "no such"])
        assert done.exit_code == 2
        assert "`--case list` prints the names" in done.stderr


def test_the_waveform_shows_what_the_simulator_says(tmp_path: Path) -> None:
    case, vcd = ten_steps(), tmp_path / "ten_steps.vcd"
    assert compare(case, build(case.parameters, trace=True), vcd).differences == []
    signals = {"fetch_active": "fetch_indices", "dot_active": "fill", "add_active": "accumulate"}
    waveform = read_vcd(vcd, "TOP.accelerator", set(signals))
    events = simulate(case).events
    for signal, kind in signals.items():
        busy = {cycle for start, end in events[kind].tolist() for cycle in range(start, end)}
        changes = [(0, 0), *waveform[signal]]
        shown = {
            cycle
            for (time, value), (until, _) in pairwise([*changes, (changes[-1][0], 0)])
            for cycle in range(time // 1000, until // 1000)
            if value
        }
        assert shown == busy, signal


MINI = Parameters(pes=3, lut_entries=4, lut_banks=2, accumulators=2, partial_sums=12, passes=4)
MINI_ONE_BANK = replace(MINI, lut_banks=1)
MINI_IN_ORDER = Parameters(pes=3, lut_entries=4, lut_banks=2, accumulators=2, partial_sums=12)


@dataclass(frozen=True)
class Mutant:
    """A deliberate fault: one changed line of the RTL."""

    name: str
    file: str
    line: str
    changed: str
    parameters: Parameters = MINI_IN_ORDER


MUTANTS = [
    Mutant(
        "a bank is free a cycle early",
        "accelerator.sv",
        ".bank_free(filled - add_skipped < FW'(LUT_BANKS)),",
        ".bank_free(filled - add_skipped < FW'(LUT_BANKS) || add_ends),",
    ),
    Mutant(
        "a drain takes a cycle more",
        "drain_control.sv",
        "ends    = active && last_row(row, outputs, ACCUMULATORS);",
        "ends    = active && last_row(row - 1, outputs, ACCUMULATORS);",
    ),
    Mutant(
        "a drain begins with the second row",
        "accelerator.sv",
        ".drain_row(RW'(drain_row)),",
        ".drain_row(RW'(drain_row + 1)),",
    ),
    Mutant(
        "all indices go into one set of registers",
        "fetch_control.sv",
        "set  <= set == SW'(REGISTER_SETS - 1) ? '0 : set + 1;",
        "set  <= set;",
    ),
    Mutant(
        "the wrong set of registers is read",
        "accelerator.sv",
        ".read_set(direct ? reads_set : add_set),",
        ".read_set(direct ? reads_set : !add_set),",
    ),
    Mutant(
        "the indices of two lanes are swapped",
        "pe.sv",
        "EW'(indices[(add_row*ACCUMULATORS+a)*INDEX_BITS+:INDEX_BITS]);",
        "EW'(indices[(add_row*ACCUMULATORS+(ACCUMULATORS-1-a))*INDEX_BITS+:INDEX_BITS]);",
    ),
    Mutant(
        "one set of registers, not two",
        "accelerator.sv",
        ".set_free(sets - CW'(skips_set) < CW'(REGISTER_SETS)),",
        ".set_free(sets - CW'(skips_set) < CW'(REGISTER_SETS - 1)),",
    ),
    Mutant(
        "sums are overwritten before their drain has begun",
        "accelerator.sv",
        "? tiles_done == 0 : tiles_done <= 1;",
        "? tiles_done == 0 : tiles_done <= 2;",
    ),
    Mutant(
        "the adder tree lacks a level",
        "adder_tree.sv",
        "LEVELS = PES > 1 ? $clog2(PES) : 0",
        "LEVELS = PES > 1 ? $clog2(PES) - 1 : 0",
    ),
    Mutant(
        "an output tile adds to the sums of the previous one",
        "accumulator.sv",
        "assign old       = first ? '0 : sums[row];",
        "assign old       = first && row != 1 ? '0 : sums[row];",
    ),
    Mutant(
        "padding counts as -1",
        "dot.sv",
        "positions = positions + BITS'(valid[i]);",
        "positions = positions + BITS'(1);",
    ),
    Mutant(
        "a fill makes one dot product more",
        "dot_control.sv",
        "assign ends   = active && count + 1 == length;",
        "assign ends   = active && count == length;",
    ),
    Mutant(
        "idle PEs add too",
        "accelerator.sv",
        "enabled[p]      = unit < units && slot < layer.step_pixels;",
        "enabled[p]      = slot < layer.step_pixels;",
    ),
    Mutant(
        "bits left over from a fetch count for the next",
        "index_buffer.sv",
        "    end else if (ends) begin\n      credit        <= '0;",
        "    end else if (ends) begin\n      credit        <= layer.bits_per_cycle - 1;",
    ),
    Mutant(
        "rows and columns of a kernel are swapped",
        "activation_buffer.sv",
        "word_t'(k / 3) * layer.dilation",
        "word_t'(k % 3) * layer.dilation",
    ),
    Mutant(
        "in several passes sums are overwritten while they drain",
        "accelerator.sv",
        "? tiles_done == 0 : tiles_done <= 1;",
        "? tiles_done <= 1 : tiles_done <= 1;",
        MINI,
    ),
    Mutant(
        "a pass takes an index of the next",
        "picker.sv",
        "- base < entries;",
        "- base <= entries;",
        MINI,
    ),
    Mutant(
        "PEs do not wait for each other",
        "accelerator.sv",
        "assign more = |mores;",
        "assign more = mores[0];",
        MINI,
    ),
    Mutant(
        "a pass without indices takes a cycle",
        "accumulate_control.sv",
        "if (ready && PASSES > 1 && !used[32'(set)*PASSES+at.pass]) begin",
        "if (1'b0) begin",
        MINI,
    ),
    Mutant(
        "a skipped pass does not free its bank in the same cycle",
        "accelerator.sv",
        ".bank_free(filled - add_skipped < FW'(LUT_BANKS)),",
        ".bank_free(filled < FW'(LUT_BANKS)),",
        MINI_ONE_BANK,
    ),
]

PROBES = {
    "groups, idle PEs, blocks": (shape(5, 21, 3, 4, tau=1), 160, 0.0),
    "fill binds": (shape(3, 12, 2, 3, tau=2), 160, 0.0),
    "fetch binds": (shape(8, 12, 3, 3, tau=2), 1, 0.0),
    "1 bit": (shape(7, 9, 2, 3), 3, 0.0),
    "blocks of unequal size": (shape(3, 21, 3, 4, tau=1), 160, 0.0),
    "passes": (shape(5, 12, 3, 3, tau=3), 160, 0.0),
    "passes without indices behind others": (shape(4, 12, 3, 3, tau=3), 160, 99.0),
    "passes without indices before others": (shape(4, 12, 3, 3, tau=3), 160, -0.99),
}


def differences(testbench: Path, parameters: Parameters) -> list[str]:
    """Differences between RTL and simulator on the probes that the RTL can run."""
    found = []
    for name, (layer, rate, skew) in PROBES.items():
        case = case_of(name, parameters, layer, index_bytes_per_cycle=rate, skew=skew)
        if parameters.passes > 1 or "passes" not in name:
            found += compare(case, testbench).differences
    return found


@pytest.mark.parametrize("parameters", [MINI, MINI_ONE_BANK, MINI_IN_ORDER], ids=str)
def test_without_a_fault_the_probes_agree(parameters: Parameters) -> None:
    assert differences(build(parameters, optimize="-O0"), parameters) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_is_found(mutant: Mutant, tmp_path: Path) -> None:
    shutil.copytree(RTL, tmp_path / "rtl", ignore=shutil.ignore_patterns("cosimulation", "*.py"))
    path = tmp_path / "rtl" / mutant.file
    text = path.read_text()
    assert text.count(mutant.line) == 1, "the line that the fault changes is not there"
    path.write_text(text.replace(mutant.line, mutant.changed))
    testbench = build(mutant.parameters, folder=tmp_path / "rtl", optimize="-O0", out=tmp_path)
    assert differences(testbench, mutant.parameters) != []
