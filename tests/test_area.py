"""The area proxy: every rule against its arithmetic, and every key of the hardware in it."""

import csv
from fractions import Fraction
from math import ceil

import pytest

from simulator import load_hardware, load_workload, simulate
from simulator.machines import value_of
from simulator.machines.loading import hardware_keys
from simulator.machines.lut_array.area import area
from simulator.machines.lut_array.buffers import activation_buffer, index_buffer
from simulator.machines.vector.schema import LaneCycles
from tests.build import machine
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

NOT_HARDWARE = {
    "name": "a label",
    "clock_ghz": "of the same DRAM, a faster clock moves fewer bytes per cycle",
    "array.spatial": "no number; TestArea compares both values",
    "memory.dram.latency_cycles": "the time of the DRAM outside",
    "memory.dram.latency_ns": "the time of the DRAM outside",
    "memory.dram.timing": "the DRAM outside and its controller",
    "memory.dram.channels": "the DRAM outside and its controller",
    "memory.dram.ranks": "the DRAM outside",
    "memory.dram.mapping": "the DRAM's controller",
    "memory.dram.scheduler": "the DRAM's controller",
    "memory.dram.page_policy": "the DRAM's controller",
    "memory.dram.queue_depth": "the DRAM's controller",
    "memory.index_buffer.encoding": "no number; docs/energy.md: decoders are not counted",
    "memory.activation_buffer.transfer_pixels": "a parameter of DMA commands; slots are in kib",
    "memory.activations": "no number; the place of maps",
    "overlap": "no number; the order of commands",
    "vector.fused": "no number; the way of the same values through the same lanes",
    **{
        f"vector.cycles.{operation}": "the time of an operation on the same lane"
        for operation in LaneCycles.__struct_fields__
    },
}
OTHERWISE: dict[str, tuple[object, object, dict[str, object]]] = {
    "array.pe.lut_read_ports": (1, 2, {}),
    "array.pe.lut_subbanks": (2, 4, {}),
    "memory.index_buffer.ports": (1, 2, {}),
    "memory.index_buffer.banks": (2, 4, {"memory.index_buffer.ports": 1}),
    "memory.activation_buffer.bytes_per_cycle": (9, 18, {}),
    "memory.activation_buffer.ports": (1, 2, {}),
    "memory.activation_buffer.banks": (2, 4, {"memory.activation_buffer.ports": 1}),
}
"""Keys without a number in cofluent64, or without a doubled value: half, whole, other keys."""


@pytest.mark.parametrize("key", sorted(hardware_keys("lut_array").keys() - NOT_HARDWARE.keys()))
def test_doubling_hardware_costs_area(key: str) -> None:
    half, whole, others = OTHERWISE.get(key) or (None, None, {})
    if half is None:
        half = value_of(machine(), key)
        assert isinstance(half, int | float), "neither hardware with a number nor excused"
        whole = 2 * half
    before, after = (area(machine(others | {key: value})) for value in (half, whole))
    assert sum(after.values()) > sum(before.values())


def test_excuses_are_of_keys_that_exist_and_change_no_area() -> None:
    assert hardware_keys("lut_array").keys() >= NOT_HARDWARE.keys() | OTHERWISE.keys()
    same = {"memory.dram.bytes_per_cycle": 16}
    for key in ("clock_ghz", "memory.dram.latency_cycles", "memory.dram.latency_ns"):
        assert area(machine(same | {key: 7})) == area(machine(same))


@pytest.mark.parametrize("bits", [0.56, 1])
def test_a_port_wider_than_the_demand_saves_no_energy(bits: float) -> None:
    """ResNet-18: 160 bytes per cycle are the demand at 0.56 bit, 288 at 1 bit with one dot."""
    widths = [160, 1600, 10_000] if bits < 1 else [288, 2880]
    results = [
        simulate(
            load_workload("r18"),
            machine({"memory.index_buffer.bytes_per_cycle": width}),
            bits=bits,
        ).with_energy("45nm")
        for width in widths
    ]
    spent = [result.energy.run.attojoules for result in results if result.energy]
    sizes = [sum(result.area.values()) for result in results]
    cycles = [result.run.cycles for result in results]
    assert spent == sorted(spent)
    assert sizes == sorted(set(sizes))
    assert cycles == sorted(cycles, reverse=True)


class TestBuffers:
    def test_cells_grow_with_ports(self) -> None:
        # 576 KiB x 8192 bits x 0.62; a second port: (5.2 + 1) x (2.6 + 1) tracks, not 5.2 x 2.6
        one = index_buffer(machine({"memory.index_buffer.ports": 1})).cells
        assert one == 576 * 8192 * Fraction(62, 100)
        assert index_buffer(machine()).cells == one * Fraction(2232, 1352)

    def test_every_bit_of_a_port_is_paid_in_every_bank(self) -> None:
        # 160 bytes are 1280 bits; read port and write port, 2 x 17/3 each
        assert index_buffer(machine()).periphery == 1280 * 2 * Fraction(34, 3)
        banks = {"memory.index_buffer.ports": 1, "memory.index_buffer.banks": 4}
        # 4 banks of one port, and a multiplexer that chooses one of 4 for every bit
        expected = 1280 * (4 * Fraction(34, 3) + 3 * Fraction(7, 3))
        assert index_buffer(machine(banks)).periphery == expected

    @pytest.mark.parametrize(("activation_bits", "word"), [(1, 576), (2, 1152)])
    def test_a_word_of_the_activation_buffer(self, activation_bits: int, word: int) -> None:
        # 64 PEs x 9 bits x activation bits, through two ports
        found = activation_buffer(machine(), activation_bits).periphery
        assert found == word * 2 * Fraction(34, 3)
        narrow = machine({"memory.activation_buffer.bytes_per_cycle": 4})
        assert activation_buffer(narrow, activation_bits).periphery == 32 * 2 * Fraction(34, 3)

    def test_energy_follows_from_the_area(self) -> None:
        # cells alone would be 576 x 1.6509 KiB of one port; the ports add 29,013 / (8192 x 0.62)
        assert index_buffer(machine()).one_port_kib == pytest.approx(
            576 * 22.32 / 13.52 + 1280 * 2 * 34 / 3 / (8192 * 0.62)
        )

    def test_dma(self) -> None:
        # three channels, each with a burst of 512 stored bits (8 GE) and 128 flip-flops
        assert area(machine())["dma"] == ceil(3 * (512 * 8 + 128 * Fraction(17, 3)))


class TestArea:
    def test_parts_by_hand(self) -> None:
        parts = area(load_hardware("cofluent64"))
        # 64 x (9 XNOR x 2 + 7 full adders x 16/3) = 64 x 55.33
        assert parts["dot"] == 3542
        # 64 x (2 banks x 32 x 5 bits x 8 + 4 ports x 63 x 5 multiplexers x 7/3)
        assert parts["lut"] == 64 * (2560 + 2940)
        # 64 x 4 accumulators x 16 bits x (full adder 16/3 + flip-flop 17/3)
        assert parts["accumulators"] == 64 * 4 * 16 * 11
        # 63 adders for each of 4 outputs a cycle, 16 bits
        assert parts["adder_tree"] == 63 * 4 * 16 * 16 // 3
        # 256 kernels of 9 bits x 8, and a multiplexer tree of one port
        assert parts["subset"] == 64 * (256 * 9 * 8 + 255 * 9 * 7 // 3)
        # 64 KiB x 8192 x 0.62, with two ports
        assert parts["activation_buffer"] == ceil(64 * 8192 * Fraction(62, 100) * 2232 / 1352)

    def test_the_proxy_is_near_synthesised_pes(self) -> None:
        """All parts, except the PE without 1-bit layers and the PE with a picker."""
        with (ROOT / "reports/rtl_cells.csv").open() as file:
            rows = list(csv.DictReader(file))
        ratios = {
            row["pe"]: int(row["area_proxy_ge"]) / int(row["gate_equivalents"]) for row in rows
        }
        assert len(ratios) == 8
        others = {pe: r for pe, r in ratios.items() if "no 1-bit" not in pe and "passes" not in pe}
        assert all(0.79 < ratio < 0.9 for ratio in others.values()), others
        machine_pe = area(load_hardware("cofluent64", ["array.pes=1"]))
        parts = ("dot", "lut", "index_registers", "accumulators", "line_buffer")
        said = next(int(row["area_proxy_ge"]) for row in rows if row["pe"] == "SNN (paper)")
        assert sum(machine_pe[part] for part in parts) == pytest.approx(said, rel=0.1)

    def test_sub_banks_and_their_crossbar(self) -> None:
        # 8 parts of 2 x 4 entries: 8 x 7 multiplexers, followed by 4 lanes x 7, instead of 4 x 63;
        # 5 bits wide, in 64 PEs
        less = area(machine())["lut"] - area(machine({"array.pe.lut_subbanks": 8}))["lut"]
        assert less == pytest.approx(64 * (4 * 63 - 8 * 7 - 4 * 7) * 5 * 7 / 3, abs=1)

    def test_fewer_ports_are_smaller(self) -> None:
        # 64 PEs x 3 ports less x 63 x 5 multiplexers x 7/3
        less = area(machine())["lut"] - area(machine({"array.pe.lut_read_ports": 1}))["lut"]
        assert less == pytest.approx(64 * 3 * 63 * 5 * 7 / 3, abs=1)

    def test_wider_activations_widen_tables_and_sums(self) -> None:
        wide, narrow = area(machine(), 8), area(machine(), 1)
        assert wide["lut"] > narrow["lut"]
        assert wide["line_buffer"] > narrow["line_buffer"]

    def test_pixels_of_their_own_need_no_adder_tree(self) -> None:
        parts = area(machine({"array.spatial": "output_pixels"}))
        assert parts["adder_tree"] == 0
        # a comparison of 16 bits for each of 4 lanes of every PE: 64 x 4 x 16 full adders
        assert parts["thresholds"] == -(-64 * 4 * 16 * 16 // 3)
