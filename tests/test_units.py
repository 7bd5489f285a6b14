"""The unit programs of `lut_array`: expected commands written by hand, and against the plan."""

from enum import IntEnum

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.layer import layer_of
from simulator.machines.lut_array.mapper import map_workload
from simulator.machines.lut_array.units import section_of
from simulator.machines.lut_array.vocabulary import WITHOUT_VECTOR_UNIT as TERMS
from simulator.machines.lut_array.weights import loaded_for
from simulator.program import Command
from simulator.program import Kind as KindWord
from simulator.program import Unit as UnitWord
from simulator.program.contract import Tokens
from simulator.program.written import written
from simulator.workload import Layer, Workload
from tests.build import layer, machine, network
from tests.caches import forget
from tests.numbering import Kind, Unit
from tests.strategies import Overrides, machines, mapping_of, networks

pytestmark = pytest.mark.unit


def programs(one: Layer, overrides: Overrides | None = None) -> dict[str, list[str]]:
    """Commands of each unit, as "step: takes [bytes or cycles] (begins) gives"."""
    (mapped,) = map_workload(network(one), machine(overrides)).layers
    found = {}
    for unit, body in mapped.section.bodies.items():
        out = written(body)
        commands = [out.commands[index] for index in out.index]
        found[unit.name] = [shown(*each) for each in zip(out.step, commands, strict=True)]
    return found


def shown(step: int, command: Command) -> str:
    size = f"{command.bytes} B" if command.bytes else command.cycles
    begins = f" ({names(command.begins)})" if command.begins else ""
    text = f"{step}: {names(command.takes)} [{size}]{begins} {names(command.gives)}"
    return text.rstrip()


def names(tokens: Tokens) -> str:
    return " ".join(f"{n} {channel.name}" if n > 1 else channel.name for channel, n in tokens)


@pytest.mark.parametrize(("numbers", "words"), [(Unit, TERMS.units), (Kind, TERMS.kinds)])
def test_columns_are_numbered_as_in_the_vocabulary(
    numbers: type[IntEnum], words: tuple[UnitWord | KindWord, ...]
) -> None:
    assert [(each.value, each.name.lower()) for each in numbers] == [
        (number, word.name) for number, word in enumerate(words)
    ]


class TestModes:
    def test_lut(self) -> None:
        # the worked example of docs/machine.md; subset 32 x 9 bit = 36 B, 64 x 64 x 5 bit = 2560 B;
        # inputs 2 x 64 bit = 16 B, two output slots of 16 B
        assert programs(layer(64, 64, 1, 2, tau=5)) == {
            "dram_weights": ["0: 2596 index_buffer [2624 B] weight_tile"],
            "dram_inputs": ["0: 48 activation_buffer previous_outputs [64 B] inputs"],
            "dram_outputs": ["1: outputs [64 B] output_slot previous_outputs previous_layer"],
            "index_fetch": ["0: registers weight_tile [2560 B] indices 2596 index_buffer"],
            "dot": [
                "0: bank inputs previous_layer [32] filled_bank",
                "1: bank [32] filled_bank",
            ],
            "accumulate": [
                "0: filled_bank indices partial_sums [16] bank sums",
                "1: filled_bank partial_sums [16] bank registers sums 48 activation_buffer",
            ],
            "drain": [
                "0: sums output_slot [16] (partial_sums)",
                "1: sums [16] (partial_sums) outputs",
            ],
        }

    def test_several_lut_passes(self) -> None:
        # 2^5 kernels in 2 x 16 entries, 64 outputs / 2 / 4 accumulators = 8 cycles
        found = programs(layer(64, 64, 1, 1, tau=5), {"array.pe.lut_entries": 16})
        assert found["dot"] == [
            "0: bank inputs previous_layer [16] filled_bank",
            "0: bank [16] filled_bank",
        ]
        assert found["accumulate"] == [
            "0: filled_bank indices partial_sums [8] bank",
            "0: filled_bank [8] bank registers sums 24 activation_buffer",  # 8 B, two slots of 8 B
        ]
        assert found["drain"] == ["0: sums output_slot [16] partial_sums outputs"]

    def test_direct(self) -> None:
        # two input blocks of 4 channels; a weight tile is 4 x 4 x 9 bit = 18 B
        found = programs(layer(8, 4, 1, 2), {"array.pes": 4})
        assert found["dram_weights"] == [
            "0: 18 index_buffer [64 B] weight_tile",
            "1: 18 index_buffer [64 B] weight_tile",
        ]
        assert found["index_fetch"] == [
            "0: registers weight_tile [18 B] indices",
            "1: registers weight_tile [18 B] indices",
            "2: registers [18 B] indices 18 index_buffer",
            "3: registers [18 B] indices 18 index_buffer",
        ]
        # inputs 2 x 8 bit = 2 B, two output slots of 2 x 4 bit = 1 B
        assert found["dot"] == [
            "0: indices partial_sums inputs previous_layer [4] registers",
            "1: indices [4] registers sums",
            "2: indices partial_sums [4] registers",
            "3: indices [4] registers sums 4 activation_buffer",
        ]
        assert found["drain"] == [
            "1: sums output_slot [1] (partial_sums)",
            "3: sums [1] (partial_sums) outputs",
        ]
        assert found["dram_outputs"] == [
            "3: outputs [64 B] output_slot previous_outputs previous_layer"
        ]

    def test_full_precision(self) -> None:
        # weights 4 x 4 x 9 x 32 bit = 576 B; inputs 2 x 8 x 32 bit = 64 B, and two output slots of
        # 8 pixels x 4 x 32 bit = 128 B; 2 pixels x 4 x 4 x 9 MACs / 64 per cycle = 4.5
        assert programs(layer(8, 4, 1, 2, full_precision=True), {"array.pes": 4}) == {
            "dram_weights": [
                "0: 576 index_buffer [576 B] weight_tile",
                "1: 576 index_buffer [576 B] weight_tile",
            ],
            "dram_inputs": ["0: 320 activation_buffer previous_outputs [64 B] inputs"],
            "dram_outputs": ["1: outputs [64 B] output_slot previous_outputs previous_layer"],
            "mac": [
                "0: weight_tile inputs previous_layer [5] 576 index_buffer",
                "1: weight_tile output_slot [5] 576 index_buffer outputs 320 activation_buffer",
            ],
        }

    def test_a_layer_that_sees_only_padding(self) -> None:
        # a 1x1 kernel of stride 3 meets only the padding around a single pixel
        found = programs(layer(8, 4, 1, 1, kernel=1, stride=3, padding=1))
        assert found["dram_inputs"] == []
        assert found["dot"] == [
            "0: indices partial_sums previous_layer previous_outputs [4] registers sums"
        ]


NARROW = {"memory.activation_buffer.bytes_per_cycle": 2}
"""64 PEs x 9 bit = 72 B of windows: 36 words."""


class TestPenalties:
    def penalties(self, one: Layer, overrides: Overrides) -> list[tuple[int, int]]:
        """(cycles, penalty) of every command of PEs."""
        (mapped,) = map_workload(network(one), machine(overrides)).layers
        bodies = [written(body) for body in mapped.section.bodies.values()]
        commands = [body.commands[index] for body in bodies for index in body.index]
        return [(each.cycles, each.penalty) for each in commands if each.pes]

    def test_a_fill_takes_no_less_than_its_window_reads(self) -> None:
        # 2^4 dot products; 64 outputs / 4 accumulators = 16
        assert self.penalties(layer(64, 64, 1, 1, tau=4), NARROW) == [(36, 20), (16, 0)]
        assert self.penalties(layer(64, 64, 1, 1, tau=4), {}) == [(16, 0), (16, 0)]

    def test_a_direct_step_takes_no_less_than_its_window_reads(self) -> None:
        assert self.penalties(layer(64, 32, 1, 1), NARROW) == [(36, 4)]  # 32 dot products
        assert self.penalties(layer(64, 64, 1, 1), NARROW) == [(64, 0)]

    def test_only_the_first_lut_pass_reads_windows(self) -> None:
        two_passes = NARROW | {"array.pe.lut_entries": 16}
        found = self.penalties(layer(64, 64, 1, 1, tau=5), two_passes)
        assert found == [(36, 20), (16, 0), (8, 0), (8, 0)]

    def test_lookups_wait_for_the_ports_of_the_lut(self) -> None:
        # 4 of 32 entries by 2 ports: in one of 64 PEs a bundle needs 3 or 4 entries, 2 cycles
        found = self.penalties(layer(64, 64, 1, 1, tau=5), {"array.pe.lut_read_ports": 2})
        assert found == [(32, 0), (32, 16)]


SCHEMES = {"array.pes": 8, "memory.activation_buffer.transfer_pixels": 4}
"""8 to 8 channels: one pixel per step, 4 per transfer; two output slots are 8 B."""


class TestSchemes:
    def inputs(self, size: int) -> tuple[list[str], list[str]]:
        found = programs(
            layer(8, 8, 6, 8), SCHEMES | {"memory.activation_buffer.kib": (size + 0.5) / 1024}
        )
        return found["dram_inputs"], found["dot"]

    def test_rows(self) -> None:
        reads, dots = self.inputs(40)
        # first 2 rows x 5 columns, then to the end of the row; 8 B of slots with the first
        assert reads[:3] == [
            "0: 18 activation_buffer previous_outputs [64 B] inputs",
            "4: 6 activation_buffer [64 B] inputs",
            "8: 5 activation_buffer [64 B] inputs",
        ]
        assert len(reads) == 10  # the sixth row of output adds no row of input
        assert "inputs" in dots[4]
        assert "activation_buffer" not in dots[7]  # the second row needs all of the first row's
        assert dots[15].endswith(" 8 activation_buffer")  # input row 0
        assert dots[47].endswith(" 24 activation_buffer")  # input rows 4 and 5, and the slots

    def test_patches(self) -> None:
        # a patch is 3 rows x 5 columns; two fit into 39 - 8 = 31 B, 1 B is left over
        reads, dots = self.inputs(39)
        assert reads[:2] == [
            "0: 24 activation_buffer previous_outputs [64 B] inputs",
            "4: 15 activation_buffer [64 B] inputs",
        ]
        assert len(reads) == 12
        assert dots[3].endswith(" 15 activation_buffer")
        assert dots[47].endswith(" 24 activation_buffer")

    def test_a_transfer_without_a_read_holds_its_patch(self) -> None:
        # 1x1 kernels with padding 2 around 1 x 2 pixels: 5 rows of 2 transfers of 3 pixels; the
        # transfers of row 2 read a byte each; two output slots are 6 B, one patch is 1 B
        one = layer(8, 8, 1, 2, kernel=1, padding=2)
        keys = {"array.pes": 1, "memory.activation_buffer.transfer_pixels": 3}
        found = programs(one, keys | {"memory.activation_buffer.kib": 7.5 / 1024})
        assert found["dram_inputs"] == [
            "12: 11 activation_buffer previous_outputs [64 B] inputs",  # slots, 4 patches, its own
            "15: activation_buffer [64 B] inputs",
        ]
        freed = [line for line in found["dot"] if "activation_buffer" in line]
        assert [int(line.partition(":")[0]) for line in freed] == [*range(2, 30, 3)]
        assert freed[-1].endswith(" 3 activation_buffer")  # 12 - 9

    def test_steps(self) -> None:
        # a transfer's patch is 4 B, a step's up to 3 B; two output slots are 8 B
        keys = {"memory.activation_buffer.kib": 11.5 / 1024}
        found = programs(layer(8, 8, 1, 4), SCHEMES | keys)
        assert found["dram_inputs"] == [
            "0: previous_outputs [64 B] inputs inputs_for_load inputs_for_fetch",
            "1: step_done drain_done [64 B] inputs",
            "2: step_done drain_done [64 B] inputs",
            "3: step_done drain_done [64 B] inputs",
        ]
        assert found["dram_weights"] == ["0: 72 index_buffer inputs_for_load [128 B] weight_tile"]
        assert found["index_fetch"] == [
            "0: registers weight_tile inputs_for_fetch [72 B] indices 72 index_buffer"
        ]
        assert found["dot"] == [
            "0: indices partial_sums inputs previous_layer [8] sums step_done",
            "1: partial_sums inputs [8] sums step_done",
            "2: partial_sums inputs [8] sums step_done",
            "3: partial_sums inputs [8] registers sums",
        ]
        assert found["drain"] == [
            "0: sums output_slot [2] (partial_sums) drain_done",
            "1: sums [2] (partial_sums) drain_done",
            "2: sums [2] (partial_sums) drain_done",
            "3: sums [2] (partial_sums) outputs",
        ]

    def test_an_array_in_full_precision_waits_for_no_drain(self) -> None:
        # a step's patch of 8 B x 3 pixels and 4 channels; slots of 4 pixels x 4 outputs x 8 bit
        keys = {"full_precision.bits": 8, "memory.activation_buffer.transfer_pixels": 1}
        one = layer(2, 4, 1, 2, full_precision=True)
        found = programs(one, keys | {"array.pes": 1, "memory.activation_buffer.kib": 10.5 / 1024})
        assert found["dram_inputs"] == [
            "0: previous_outputs [64 B] inputs inputs_for_load",
            "1: step_done [64 B] inputs inputs_for_load",
            "2: step_done [64 B] inputs",
            "3: step_done [64 B] inputs",
        ]


@settings(max_examples=15)
@given(networks(), machines())
def test_loops_change_no_command(workload: Workload, overrides: Overrides) -> None:
    mapping = mapping_of(workload, overrides)
    assume(mapping.commands < 4000)
    for plan in (each.plan for each in mapping.layers):
        records = layer_of(plan, loaded_for(plan), plan_buffering(plan))
        loops, plain = section_of(records), section_of(records, plain=True)
        assert loops.bodies.keys() == plain.bodies.keys()
        for unit, body in loops.bodies.items():
            one, other = written(body), written(plain.bodies[unit])
            assert one.step.tolist() == other.step.tolist()
            assert one.commands == other.commands
            assert one.index.tolist() == other.index.tolist()


@given(networks(), machines(), machines(), st.data())
def test_what_is_kept_serves_only_equal_layers(
    workload: Workload, one: Overrides, other: Overrides, data: st.DataObject
) -> None:
    """Hardware that differs in one key has the same program with and without the memo."""
    mapping_of(workload, one)
    key = data.draw(st.sampled_from(sorted(one)))
    changed = one | {key: other[key]}
    kept = mapping_of(workload, changed).program.sections
    forget()
    for section, fresh in zip(kept, mapping_of(workload, changed).program.sections, strict=True):
        assert section.bodies == fresh.bodies
