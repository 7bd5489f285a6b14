"""The activation buffer's word: steps that read their windows wait for them."""

from pathlib import Path

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
from hypothesis import assume, given

from simulator import load_hardware, simulate
from simulator.analysis.attribution import attribute, total
from simulator.analysis.layers import layer_results
from simulator.base.columns import Ints
from simulator.engine.summary import summarize
from simulator.engine.trace import Trace
from simulator.machines.lut_array.actions import layer_actions
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.planning import plan_layers
from simulator.studies.what_helps import numeric_keys
from simulator.workload import Workload
from tests.build import layer, machine, network, times, trace_of, traced
from tests.conftest import ROOT, Command
from tests.nest import nest_of
from tests.numbering import Kind, Part, Unit
from tests.strategies import Overrides, machines, mapping_of, networks, run_of

KEY = "memory.activation_buffer.bytes_per_cycle"
TABLE = layer(64, 64, 1, 2, tau=5)


def cycles_of(net: Workload, kind: Kind, rate: float | str, **keys: object) -> list[int]:
    """Cycles of every command of a kind, at a width."""
    overrides = {KEY: rate, **{key.replace("__", "."): value for key, value in keys.items()}}
    return [end - start for start, end in times(traced(net, overrides)[1], kind)]


@pytest.mark.cycle
class TestSteps:
    """64 PEs with a 3x3 window of 1-bit activations each: 64 x 9 / 8 = 72 bytes."""

    @pytest.mark.parametrize(
        ("rate", "cycles"),
        [
            ("windows", 32),  # one word, 32 dot products
            (72, 32),
            (9, 32),  # 8 words
            (2.25, 32),  # 72 / 2.25 = 32 words: just hidden
            (2.24, 33),  # 32.14: 33 words
            (2, 36),
            (1, 72),
            (0.6, 120),
        ],
    )
    def test_a_fill_takes_its_dots_or_its_lines(self, rate: float | str, cycles: int) -> None:
        wide = layer(64, 512, 1, 2, tau=5)  # blocks of 128: worth a LUT up to 127 cycles
        assert set(cycles_of(network(wide), Kind.FILL, rate)) == {cycles}

    @pytest.mark.parametrize(("rate", "cycles"), [("windows", 64), (1.125, 64), (1.12, 65)])
    def test_a_direct_step(self, rate: float | str, cycles: int) -> None:
        # 64 outputs, 64 dot products; 72 / 1.125 = 64 words
        assert cycles_of(network(layer(64, 64, 1, 2)), Kind.DIRECT, rate) == [cycles] * 2

    def test_lines_add_up_over_the_run(self) -> None:
        # fills 104 to 140 to 176, but the indices arrive only at 264 (docs/machine.md): still 332
        assert traced(network(TABLE), {KEY: 2})[1].cycles == 332
        # at 1/4 byte 288 words, the same as for a direct step of 64 dots: the LUT has no benefit
        # indices fetched at 280 (docs/machine.md), 2 x 288, drain 16, write 4
        assert traced(network(TABLE), {KEY: 0.25})[1].cycles == 280 + 2 * 288 + 16 + 4

    def test_only_the_first_pass_reads(self) -> None:
        # tau 6: 32 entries, and 32; 36 words
        assert cycles_of(network(layer(64, 256, 1, 1, tau=6)), Kind.FILL, 2) == [36, 32] * 2

    def test_vectors_of_eight(self) -> None:
        # 1x1: 512 channels are 64 vectors of 8 bits: 64 bytes, 64 / 1.5 = 42.7
        one = layer(512, 512, 1, 1, kernel=1, tau=5)
        assert set(cycles_of(network(one), Kind.FILL, 1.5)) == {43}

    def test_the_last_group_and_the_last_pixels_are_smaller(self) -> None:
        # 90 channels: 46 and 44 PEs, 51.75 and 49.5 bytes; at 1.5 bytes 35 and 33 words
        assert cycles_of(network(layer(90, 256, 1, 1, tau=5)), Kind.FILL, 1.5) == [35, 33] * 2
        # 16 channels: 4 pixels at a time; the last of 5 pixels has 16 PEs
        assert cycles_of(network(layer(16, 128, 1, 5, tau=5)), Kind.FILL, 1.5) == [48, 32]

    def test_pixels_are_spatial(self) -> None:
        # 64 pixels, one unit each: 72 bytes for every input channel; 66 pixels leave 2 over
        keys = {"array__spatial": "output_pixels"}
        found = cycles_of(network(layer(2, 128, 1, 66, tau=5)), Kind.FILL, 1.5, **keys)
        assert found == [48, 48, 32, 32]

    def test_activations_of_more_bits_are_wider_and_slower_alike(self) -> None:
        # 2 bits: 144 bytes, 64 cycles of dots; 144 / 2.25 = 64
        net = network(layer(64, 512, 1, 1, tau=5), activation_bits=2)
        assert set(cycles_of(net, Kind.FILL, 2.25)) == {64}
        assert set(cycles_of(net, Kind.FILL, 2)) == {72}

    def test_a_line_of_windows_is_the_layers(self) -> None:
        """72 bytes before 3x3 layers, 64 before 1x1: one word each, also for half an array."""
        plans = plan_layers(network(TABLE, layer(512, 8, 1, 1, kernel=1)), machine())
        assert [plan.activation_word for plan in plans] == [72, 64]
        assert [plan.window_words(pes) for plan in plans for pes in (1, 64)] == [1] * 4
        (odd,) = plan_layers(network(TABLE), machine({"array.pes": 3}))
        assert odd.activation_word == 4  # 27 bits


@pytest.mark.cycle
def test_table_or_direct_counts_the_lines() -> None:
    """64 -> 64: 32 per step with the LUT, 64 without; too narrow a word makes both equal."""

    def mode(rate: float) -> str:
        (plan,) = plan_layers(network(TABLE), machine({KEY: rate}))
        return plan.mode

    assert mode(1.2) == "lut"  # 60 words: 60 < 64
    assert mode(1.125) == "direct"  # 64 words: 64 = 64
    # 80 channels, 72 + 18 bytes: at 1.125 64 + 32 with the LUT, 64 + 64 without
    (plan,) = plan_layers(network(layer(80, 64, 1, 1, tau=5)), machine({KEY: 1.125}))
    assert plan.mode == "lut"
    # 16 channels, 4 pixels at a time, but the map has one: 18 bytes at 1, hidden behind 32
    (plan,) = plan_layers(network(layer(16, 64, 1, 1, tau=5)), machine({KEY: 1}))
    assert plan.mode == "lut"
    # 80 -> 40 at 1.5: 48 + 32 with the LUT, 48 (not 40) + 40 without
    (plan,) = plan_layers(network(layer(80, 40, 1, 1, tau=5)), machine({KEY: 1.5}))
    assert plan.mode == "lut"


def rates() -> st.SearchStrategy[float]:
    return st.sampled_from([0.1, 0.3, 1, 2.5, 7, 40])


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), rate=rates())
def test_both_engines_agree(workload: Workload, overrides: Overrides, rate: float) -> None:
    keys = overrides | {KEY: rate}
    fast, event = (run_of(workload, keys, engine).summary for engine in ("fast", "event"))
    assert fast.ends.tolist() == event.ends.tolist()


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_a_line_of_all_windows_or_more_never_binds(
    workload: Workload, overrides: Overrides
) -> None:
    default, wide = (
        trace_of(mapping_of(workload, overrides | {KEY: rate})) for rate in ("windows", 1e9)
    )
    assert np.array_equal(default.start, wide.start)
    assert np.array_equal(default.end, wide.end)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), rate=rates())
def test_a_wider_line_never_costs_cycles(
    workload: Workload, overrides: Overrides, rate: float
) -> None:
    """Only networks whose layers keep their mode, because the steady state chooses it."""
    narrow, wide = (run_of(workload, overrides | {KEY: r}, "fast") for r in (rate, 1.7 * rate))
    modes, others = ([m.plan.mode for m in run.mapping.layers] for run in (narrow, wide))
    assume(modes == others)
    assert wide.cycles <= narrow.cycles


def dots_of(plan: LayerPlan) -> list[int]:
    """Cycles of the dot products for which each step reads its windows, step by step."""
    pe, bits, nest = plan.hardware.array.pe, plan.activation_bits, nest_of(plan)
    parts = -(-plan.layer.unit_weights // 9)
    if plan.mode == "lut":
        passes = -(-plan.layer.subset_size // pe.lut_entries)
        entries = -(-plan.layer.subset_size // passes)  # of the first pass: passes are even
        return [-(-entries * bits // pe.dots_per_cycle) * parts] * nest.steps
    outputs = [block.outputs * bits for block in plan.blocks]
    return [
        max(-(-outputs[block] // pe.dots_per_cycle) * parts, -(-outputs[block] // pe.accumulators))
        for block in nest.block.tolist()
        for _ in range(nest.groups)
    ]


def window_reads(trace: Trace, number: int, plan: LayerPlan) -> Ints:
    """Rows of a layer that read windows: each step's direct command, or its first fill."""
    steps = np.flatnonzero((trace.layer == number) & (trace.unit == Unit.DOT))
    return steps[:: 1 if plan.mode == "direct" else len(plan.pass_entries)]


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), rate=rates())
def test_steps_take_their_dots_or_their_windows(
    workload: Workload, overrides: Overrides, rate: float
) -> None:
    """Command by command, by hand; the energy model counts the same bits (docs/energy.md)."""
    mapping = mapping_of(workload, overrides | {KEY: rate})
    trace = trace_of(mapping)
    for number, m in enumerate(mapping.layers):
        plan, inner = m.plan, m.plan.layer
        if plan.mode == "mac":
            continue
        reads = window_reads(trace, number, plan)
        bits = trace.pes[reads] * inner.unit_weights * plan.activation_bits
        lines = [-(-int(b) * 10 // round(80 * rate)) for b in bits]  # rates have one decimal
        # every output pixel's window, reread for every block
        windows = plan.pixels * plan.units_in * len(plan.blocks)
        assert bits.sum() == windows * inner.unit_weights * plan.activation_bits
        counted = layer_actions(plan, np.zeros(len(Unit), dtype=np.int64))
        assert counted["dot", "activation_buffer_read_bit"] == bits.sum()
        assert trace.occupied[reads].tolist() == list(map(max, dots_of(plan), lines))


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), rate=rates())
def test_waiting_for_windows_is_a_part_of_its_own(
    workload: Workload, overrides: Overrides, rate: float
) -> None:
    mapping = mapping_of(workload, overrides | {KEY: rate})
    trace = trace_of(mapping)
    for number, m in enumerate(mapping.layers):
        if m.plan.mode != "mac":
            reads = window_reads(trace, number, m.plan)
            lines = m.plan.window_words(trace.pes[reads])
            assert trace.penalty[reads].tolist() == np.maximum(lines - dots_of(m.plan), 0).tolist()
    parts = attribute(trace)
    for ours, one in zip(parts, layer_results(mapping, summarize(trace)), strict=True):
        assert sum(ours.values()) == one.cycles
        assert min(ours.values()) >= 0


@pytest.mark.unit
class TestReport:
    NET = network(layer(64, 128, 8, 8, tau=5, name="a"), layer(64, 128, 8, 8, tau=5, name="b"))

    def test_the_wait_is_named(self) -> None:
        result = simulate(self.NET, load_hardware("cofluent64", [f"{KEY}=1.5"]), tau=5)
        # 72 / 1.5 = 48 words, 16 more than the dots, for nearly all of 128 pixels
        assert 120 * 16 <= total(result.run.attribution)[Part.WINDOW_READ] <= 128 * 16
        assert total(result.baseline.attribution)[Part.WINDOW_READ] == 0  # 128 dots
        (note,) = [text for text in result.notes() if "windows" in text]
        assert note == (
            "at 0.56 bit: fills and direct steps that read windows take 1.50 times as long in all "
            "layers because activation_buffer.bytes_per_cycle (1.5) is too low."
        )

    def test_a_number_is_halved_and_doubled(self) -> None:
        keys = (dict(numeric_keys(msgspec.to_builtins(machine({KEY: r})))) for r in (2, "windows"))
        assert [key.get(KEY) for key in keys] == [2, None]

    def test_no_note_where_nothing_waits(self) -> None:
        for rate in ("windows", "2.25"):
            result = simulate(self.NET, load_hardware("cofluent64", [f"{KEY}={rate}"]), tau=5)
            assert not any("windows" in text for text in result.notes())
            assert total(result.run.attribution)[Part.WINDOW_READ] == 0


@pytest.mark.unit
def test_keys_may_be_left_out(tmp_path: Path) -> None:
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    names = ("bytes_per_cycle: windows", "ports: 2")
    lines = [line for line in text.splitlines() if not line.strip().startswith(names)]
    assert len(lines) == len(text.splitlines()) - 3
    (tmp_path / "hw.yaml").write_text("\n".join(lines))
    assert load_hardware(tmp_path / "hw.yaml") == load_hardware("cofluent64")


@pytest.mark.command
class TestCommand:
    R18 = ("--hw", "cofluent64", "--model", "r18-cifar10", "--bits", "0.56")

    @pytest.mark.parametrize(
        ("setting", "reason"),
        [
            (f"{KEY}=8", "reads its windows in at most 9 cycles, while its dot products run."),
            (f"{KEY}=windows", "the hardware file already has this value."),
        ],
    )
    def test_why_nothing_changed(self, command: Command, setting: str, reason: str) -> None:
        done = command(*self.R18, "--set", setting)
        (line,) = [x for x in done.stdout.splitlines() if x.startswith(f"note: {KEY}")]
        assert "has no effect because " in line
        assert line.endswith(reason)

    def test_a_narrow_line_is_an_effect_and_an_axis(self, command: Command, tmp_path: Path) -> None:
        done = command(*self.R18, "--set", f"{KEY}=2", "--why")
        assert f"note: {KEY} windows -> 2 lengthens the run from " in done.stdout
        assert "fills and direct steps that read windows take " in done.stdout
        assert "window" in done.stdout.partition("critical path")[2]  # the column of the wait
        done = command("sweep", *self.R18, "--set", f"{KEY}=1,8,windows", "--out", "s")
        assert done.returncode == 0, done.stderr
        assert "fastest at 8" in done.stdout
        assert (tmp_path / "s/study.parquet").exists()
