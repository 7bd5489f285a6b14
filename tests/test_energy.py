"""Energy and area: counts against a walk over all commands, prices against their sources."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, log, log2
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from simulator import InputError, load_hardware, load_workload, simulate
from simulator.analysis.energy import RunEnergy, run_energy
from simulator.analysis.running import run_one
from simulator.api.result import Result
from simulator.engine.summary import sums_by_unit
from simulator.engine.trace import Trace
from simulator.machines import load_energy
from simulator.machines.family import Mapping
from simulator.machines.lut_array.actions import Counts, layer_actions
from simulator.machines.lut_array.plan import LayerPlan
from simulator.workload import Workload
from tests.build import layer, machine, network, trace_of
from tests.conftest import Command
from tests.nest import rows_of
from tests.numbering import Kind, Unit
from tests.strategies import Overrides, layers, machines, mapping_of, networks

TABLE = load_energy("45nm")


def steps_of(plan: LayerPlan) -> Iterator[tuple[int, int, int, int]]:
    """(outputs of block, taps of group, pixels, stored bytes) of every step, in order of time."""
    rows = rows_of(plan)
    for row in range(rows[-1] + 1):
        for number, block in enumerate(plan.blocks):
            for first in (np.flatnonzero(rows == row) * plan.pixels_per_step).tolist():
                pixels = min(plan.pixels_per_step, plan.pixels - first)
                for group, part in enumerate(plan.input_parts):
                    taps = part.units * part.taps  # of a part of a kernel, if rows are cut
                    yield block.outputs, taps, pixels, int(plan.stored_table[number, group])


class Walk:
    """Counter of a layer's actions, command by command."""

    def __init__(self, plan: LayerPlan) -> None:
        self.plan, self.counts, self.passes = plan, Counter[tuple[Unit, str]](), Counter[object]()
        self.steps, self.bits = list(steps_of(plan)), plan.activation_bits
        weights = max(9, plan.layer.unit_weights)
        self.parts = ceil(weights / 9)
        self.dot = ceil(log2(2 * weights + 1))  # -w to w
        self.entry = self.dot + self.bits - 1
        every = plan.layer.tau in {None, plan.layer.unit_weights}  # an index is a kernel
        self.expanded = 0 if every else plan.layer.unit_weights
        self.width = plan.hardware.array.pe.partial_sum_bits + self.bits - 1

    def add(self, unit: Unit, **counts: int) -> None:
        for action, count in counts.items():
            self.counts[unit.name.lower(), action] += count

    def command(self, kind: Kind, step: int, moved: int, pes: int) -> None:
        self.outputs, self.taps, self.pixels, self.stored = self.steps[step]
        self.opens = step % len(self.plan.group_units) == 0
        done, self.passes[kind, step] = self.passes[kind, step], self.passes[kind, step] + 1
        last = self.passes[kind, step] == len(self.plan.pass_entries)
        if kind == Kind.FILL:
            self.fill(pes, self.plan.pass_entries[done])
        elif kind == Kind.ACCUMULATE and last:  # the passes of a step share its outputs
            self.window(pes)
            self.accumulate(pes)
        elif kind == Kind.DIRECT:
            self.window(pes)
            self.direct(pes)
        elif kind == Kind.DRAIN:
            self.drain()
        elif kind == Kind.MAC:
            self.mac()
        else:
            self.transfer(kind, moved)

    def transfer(self, kind: Kind, moved: int) -> None:
        bits = 8 * moved
        if kind == Kind.LOAD_WEIGHTS:
            self.add(Unit.DRAM_WEIGHTS, dram_read_byte=moved, index_buffer_write_bit=bits)
        elif kind == Kind.READ_INPUTS:
            self.add(Unit.DRAM_INPUTS, dram_read_byte=moved, activation_buffer_write_bit=bits)
        elif kind == Kind.WRITE_OUTPUTS:
            self.add(Unit.DRAM_OUTPUTS, dram_write_byte=moved, activation_buffer_read_bit=bits)
        elif kind == Kind.FETCH_INDICES:
            stored = 8 * self.stored
            self.add(Unit.INDEX_FETCH, index_buffer_read_bit=stored, index_register_write_bit=bits)

    def window(self, pes: int) -> None:
        bits = pes * self.plan.layer.unit_weights * self.bits
        self.add(Unit.DOT, activation_buffer_read_bit=bits)

    def dots(self, dots: int) -> dict[str, int]:
        """Dot products in parts of 9 weights; the dot unit adds every part to those before."""
        return {"dot": dots * self.parts, "add_bit": dots * (self.parts - 1) * self.dot}

    def fill(self, pes: int, entries: int) -> None:
        self.add(
            Unit.DOT,
            **self.dots(pes * entries * self.bits),
            subset_read_bit=pes * entries * self.expanded,
            lut_write_bit=pes * entries * self.entry,
        )

    def accumulate(self, pes: int) -> None:
        fetched = pes * self.outputs
        self.add(
            Unit.ACCUMULATE,
            lut_read_bit=fetched * self.entry,
            index_register_read_bit=fetched * self.plan.layer.unit_bits,
        )
        self.sums(fetched, 0 if self.opens else fetched)

    def direct(self, pes: int) -> None:
        layer, fetched = self.plan.layer, pes * self.outputs
        self.add(
            Unit.DOT,
            **self.dots(fetched * self.bits),
            index_register_read_bit=fetched * layer.unit_bits,
            subset_read_bit=fetched * self.expanded,
        )
        self.sums(fetched * self.bits, fetched * (self.bits - self.opens))

    def sums(self, written: int, added: int) -> None:
        self.add(
            Unit.ACCUMULATE,
            add_bit=added * self.width,
            line_buffer_read_bit=added * self.width,
            line_buffer_write_bit=written * self.width,
        )

    def drain(self) -> None:
        values = self.pixels * self.outputs
        sums = values * self.plan.group_units[0]
        self.add(
            Unit.DRAIN,
            line_buffer_read_bit=sums * self.width,
            adder_tree_bit=(sums - values) * self.width,
            threshold_bit=values * sum(self.plan.copies) * self.width,
            activation_buffer_write_bit=values * sum(self.plan.copies),
        )

    def mac(self) -> None:
        weights = self.outputs * self.taps
        self.add(
            Unit.MAC,
            mac=self.pixels * weights,
            index_buffer_read_bit=8 * -(-weights * self.bits // 8),
            activation_buffer_read_bit=self.pixels * self.taps * self.bits,
            activation_buffer_write_bit=self.pixels * self.outputs * self.bits * self.opens,
        )


def counted(mapping: Mapping, trace: Trace) -> list[Counts]:
    """Actions of every layer, command by command."""
    found = []
    for number, mapped in enumerate(mapping.layers):
        walk = Walk(mapped.plan)
        for command in np.flatnonzero(trace.layer == number).tolist():
            walk.command(
                Kind(trace.kind[command]),
                int(trace.step[command]),
                int(trace.bytes[command]),
                int(trace.pes[command]),
            )
        found.append({key: count for key, count in walk.counts.items() if count})
    return found


def test_the_counts_of_kernels_in_rows_are_those_of_every_command() -> None:
    kernel = layer(1, 3, 1, 1, full_precision=True)
    overrides = {"memory.index_buffer.kib": 0.1, "full_precision.bits": 32}
    mapping = mapping_of(network(kernel), overrides)
    assert mapping.layers[0].plan.input_parts[0].taps == 6
    trace = trace_of(mapping)
    moved = sums_by_unit(trace, trace.bytes)
    assert [layer_actions(mapping.layers[0].plan, moved[0])] == counted(mapping, trace)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_the_counts_are_those_of_every_command(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides)
    trace = trace_of(mapping)
    moved = sums_by_unit(trace, trace.bytes)
    actions = [layer_actions(m.plan, moved[n]) for n, m in enumerate(mapping.layers)]
    assert actions == counted(mapping, trace)


def energy_of(workload: Workload, overrides: Overrides) -> RunEnergy:
    assume(workload.binary_layers)
    mapping_of(workload, overrides)
    return run_energy(run_one(workload, machine(overrides), "event"), TABLE)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_every_way_to_cut_the_energy_adds_up_exactly(
    workload: Workload, overrides: Overrides
) -> None:
    energy = energy_of(workload, overrides)
    for part in ("layer", "unit", "action"):
        assert sum(energy.by(part).values()) == energy.attojoules  # whole attojoules: no rounding
    assert all(spent.count > 0 for spent in energy.spent)


def taller(workload: Workload) -> Workload:
    """Add one row of output to every layer and keep all earlier rows."""
    grown = [
        replace(x, in_height=x.in_height + x.strides.height, out_height=x.out_height + 1)
        for x in workload.layers
    ]
    return network(*grown, activation_bits=workload.activation_bits)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), more=layers(), grow=st.integers(0, 2))
def test_energy_never_falls_when_work_is_added(
    workload: Workload, overrides: Overrides, more: object, grow: int
) -> None:
    bits = workload.activation_bits
    grown = (
        network(*workload.layers, more, batch=workload.batch, activation_bits=bits),  # type: ignore[arg-type]
        network(*workload.layers, batch=2 * workload.batch, activation_bits=bits),
        taller(workload),
    )[grow]
    before = network(*workload.layers, activation_bits=bits) if grow == 2 else workload
    assert energy_of(grown, overrides).attojoules >= energy_of(before, overrides).attojoules


@pytest.mark.unit
class TestPrices:
    def test_one_step_by_hand(self) -> None:
        """64 -> 64 channels, 3x3, tau 5, one pixel, on cofluent64 at 45 nm."""
        workload = network(layer(64, 64, 1, 1, tau=5))
        run = run_one(workload, load_hardware("cofluent64"), "event")
        by = {(s.unit, s.action): s for s in run_energy(run, TABLE).spent}
        # fill: 64 PEs x 32 entries, 0.0389 pJ each
        assert by["dot", "dot"].attojoules == 64 * 32 * 38_900
        # a bank of 32 entries x 5 bits is 20 bytes: 0.15625 pJ x sqrt(20 / 8192) = 7720 aJ a bit
        assert by["dot", "lut_write_bit"].attojoules == 64 * 32 * 5 * 7_720
        assert by["accumulate", "lut_read_bit"].attojoules == 64 * 64 * 5 * 7_720
        # the only group overwrites every sum: it adds to no old sum
        assert ("accumulate", "add_bit") not in by
        # a lane of 32 sums x 16 bits is 64 bytes: 0.15625 x sqrt(64 / 8192) = 13811 aJ
        assert by["accumulate", "line_buffer_write_bit"].attojoules == 64 * 64 * 16 * 13_811
        # 64 sums of 64 PEs: 63 additions of 16 bits each, 0.00375 pJ a bit
        assert by["drain", "adder_tree_bit"].attojoules == 64 * 63 * 16 * 3_750
        # 41 bursts of weights (docs/machine.md), one of inputs, one of outputs; 1300 pJ per 8 bytes
        assert by["dram_weights", "dram_read_byte"].attojoules == 41 * 64 * 162_500_000
        assert by["dram_inputs", "dram_read_byte"].attojoules == 64 * 162_500_000
        assert by["dram_outputs", "dram_write_byte"].attojoules == 64 * 162_500_000
        # 576 KiB of two ports (6.2 x 3.6 tracks a cell, not 5.2 x 2.6) and 1280 bits of port twice
        # are as large as 956.6 KiB of one port (tests/test_area.py). Between 32 KiB (20 pJ) and
        # 1 MiB (100 pJ) 5 times per factor of 32: 0.3125 pJ x (956.6 / 32) ^ (ln 5 / ln 32)
        kib = 576 * 22.32 / 13.52 + 1280 * 2 * 34 / 3 / (8192 * 0.62)
        price = round(312_500 * (kib / 32) ** (log(5) / log(32)))
        assert by["index_fetch", "index_buffer_read_bit"].attojoules == 2560 * 8 * price
        assert by["static", "leakage_cycle"].count == run.cycles

    @pytest.mark.parametrize(
        ("kib", "picojoules"), [(8, 10), (32, 20), (1024, 100), (16, 200**0.5), (2, 5)]
    )
    def test_storage_goes_through_the_published_points(self, kib: float, picojoules: float) -> None:
        """64 bits; between 8 and 32 KiB the energy grows with the square root."""
        assert 64 * TABLE.storage_bit_aj(kib) == pytest.approx(picojoules * 1e6, rel=1e-5)

    def test_a_mac_is_the_narrowest_that_holds_the_bits(self) -> None:
        assert TABLE.mac_aj(8, "full_precision.bits") == 230_000
        assert TABLE.mac_aj(9, "full_precision.bits") == 1_500_000
        with pytest.raises(InputError, match=r"no entry for 64 bits .* use at most 32"):
            TABLE.mac_aj(64, "full_precision.bits")

    def test_leakage(self) -> None:
        # 1000 gates x 17.39 nW + 2 KiB x 10 uW = 37390 nW; 1 ns: the same number of aJ; at 2 GHz
        # half of it
        assert TABLE.leakage_aj(1000, 2, 1.0) == 37_390
        assert TABLE.leakage_aj(1000, 2, 2.0) == 18_695

    @pytest.mark.parametrize("name", ["45nm", "7nm"])
    def test_derived_prices_follow_from_their_arithmetic(self, name: str) -> None:
        table = load_energy(name)
        # 9 XNOR of 2 GE and 7 full adders of 16/3 GE, at a full adder's energy per GE
        gates = 9 * 2 + 7 * 16 / 3
        assert table.dot_pj == pytest.approx(gates * table.add_bit_pj / (16 / 3), rel=2e-3)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{kib: 8, bit_pj: 1}, {kib: 8, bit_pj: 2}", "storage: kib 8 follows 8"),
            ("", "storage is []"),
            ("{kib: 8, bit_pj: -1}", "bit_pj is -1"),
            ("{kib: 8, bitpj: 1}", "did you mean 'bit_pj'"),
        ],
    )
    def test_a_wrong_table_is_refused(self, tmp_path: Path, text: str, reason: str) -> None:
        file = tmp_path / "mine.yaml"
        file.write_text(
            f"name: mine\ntitle: Mine\nadd_bit_pj: 1\ndot_pj: 1\nstorage: [{text}]\n"
            "mac: [{bits: 8, pj: 1}]\ndram_byte_pj: 1\ngate_leakage_nw: 1\n"
            "storage_leakage_uw_per_kib: 1\n"
        )
        with pytest.raises(InputError) as caught:
            load_energy(file)
        assert reason in str(caught.value)
        assert "mine.yaml" in str(caught.value)


@pytest.fixture(scope="module")
def priced() -> Result:
    result = simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)
    return result.with_energy(TABLE)


@pytest.mark.unit
def test_the_summary_agrees_with_the_rows(priced: Result) -> None:
    summary, rows = priced.summary()["energy"], priced.energy.rows()  # type: ignore[union-attr]
    for name in ("run", "baseline"):
        total = sum(row["energy_pj"] for row in rows if row["run"] == name)
        assert summary[name]["energy_uj"] == pytest.approx(total / 1e6)
        for part in ("by_unit_uj", "by_action_uj", "by_layer_uj"):
            assert sum(summary[name][part].values()) == pytest.approx(summary[name]["energy_uj"])
    run, baseline = summary["run"], summary["baseline"]
    assert run["energy_delay_uj_ms"] == pytest.approx(run["energy_uj"] * priced.time_ms)
    assert summary["ratios"]["energy_uj"] == baseline["energy_uj"] / run["energy_uj"]
    assert summary["ratios"]["dram_bytes"] == baseline["dram_bytes"] / run["dram_bytes"]


@pytest.mark.unit
def test_an_energy_table_is_part_of_the_configuration(priced: Result) -> None:
    plain = simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)
    assert priced.configuration["energy"]["name"] == "45nm"
    assert priced.config_sha256 != plain.config_sha256
    assert plain.energy is None
    assert "energy" not in plain.summary()


@pytest.mark.command
class TestCommand:
    RUN = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")

    def test_prints_a_table_by_unit(self, command: Command) -> None:
        printed = command(*self.RUN, "--energy", "7nm").stdout
        assert "energy, 7 nm (Jouppi et al. 2021)" in printed
        assert "energy-delay" in printed
        assert "kGE of logic" in printed

    @pytest.mark.slow
    def test_writes_json_and_rows(self, command: Command, tmp_path: Path) -> None:
        printed = command(*self.RUN, "--energy", "45nm", "--json", "--out", "o").stdout
        energy = json.loads(printed)["energy"]
        assert energy["table"] == "45nm"
        with (tmp_path / "o/energy.csv").open() as file:
            rows = list(csv.DictReader(file))
        ours = sum(float(row["energy_pj"]) for row in rows if row["run"] == "run")
        assert ours / 1e6 == pytest.approx(energy["run"]["energy_uj"])

    def test_an_unknown_table_is_one_line(self, command: Command) -> None:
        done = command(*self.RUN, "--energy", "45um")
        assert done.returncode == 2
        assert (
            "unknown energy table '45um': did you mean '45nm'? shipped are 45nm, 7nm" in done.stderr
        )

    def test_a_width_changes_energy_alone_and_says_so(self, command: Command) -> None:
        done = command(*self.RUN, "--set", "array.pe.partial_sum_bits=20")
        assert "has no effect because the width of a sum affects energy and area" in done.stdout
