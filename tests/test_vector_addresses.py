"""The places of maps in DRAM: addresses and buffer words in scope `network`."""

from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.machines.lut_array.addresses import Addresses
from simulator.machines.lut_array.mapper import map_workload
from simulator.machines.lut_array.regions import Regions, regions_by_edges
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.places import MapPlace, places_of
from simulator.machines.vector.schema import Vector
from simulator.program import Unit
from simulator.workload import Workload
from tests.build import machine
from tests.strategies import machines
from tests.vector_networks import conv, net, whole_networks

pytestmark = pytest.mark.unit

TABLE = {
    "memory.dram.timing": "ddr4-2400",
    "memory.dram.bytes_per_cycle": 19.2,
    "memory.dram.latency_cycles": 5,
    "memory.dram.burst_bytes": 64,
}
ONE_PORT = {f"memory.{name}_buffer.ports": 1 for name in ("index", "activation")}
BYTES = {"memory.dram.burst_bytes": 1}


class Space:
    """An allocator that records its regions."""

    def __init__(self) -> None:
        self.regions: list[range] = []

    def __call__(self, size: int) -> int:
        first = self.regions[-1].stop if self.regions else 1000
        self.regions.append(range(first, first + size))
        return first


def placed(workload: Workload, *, fused: bool = True) -> dict[tuple[str, int], MapPlace]:
    fusion = Fusion(workload, Vector(lanes=4, fused=fused), 8)
    return places_of(fusion, Space()).places


class TestPlaces:
    def test_copies_have_regions_of_their_own(self) -> None:
        places = placed(
            net(conv("a", 16), conv("b", 16), {"name": "s", "type": "add", "other": "a"})
        )
        # the image at 1 bit; a's signs for b and values for s; b's sum
        assert places["input", 1] == (1000, 16, 0, 1, 24)
        assert places["a", 16] == (1000 + 48, 16, 0, 16, 24)
        assert places["a", 1] == (1000 + 48 + 768, 16, 0, 1, 24)

    def test_joined_maps_are_in_the_region_of_their_reader(self) -> None:
        places = placed(
            net(
                conv("a", 8), conv("b", 4), {"name": "j", "type": "concat", "others": ["a"]},
                {"name": "m", "type": "shuffle", "groups": 2}, conv("c", 16),
            )
        )  # fmt: skip
        region = places["m", 1]
        assert region.pixel_channels == 12
        assert places["j", 1] == region
        assert places["b", 1] == region  # the first operand
        assert places["a", 1] == region._replace(first=4)

    def test_moves_with_commands_have_regions_of_their_own(self) -> None:
        entries = (conv("a", 8), conv("b", 4), {"name": "j", "type": "concat", "others": ["a"]})
        places = placed(net(*entries), fused=False)
        assert len({place.base for place in places.values()}) == len(places)

    @given(whole_networks(), st.booleans())
    def test_regions_do_not_overlap_and_hold_their_maps(
        self, workload: Workload, fused: bool
    ) -> None:
        fusion, space = Fusion(workload, Vector(lanes=4, fused=fused), 8), Space()
        found = places_of(fusion, space)
        assert all(one.stop == after.start for one, after in pairwise(space.regions))
        for place in found.places.values():
            (region,) = [one for one in space.regions if one.start == place.base]
            last = place.base + place.byte(place.pixels - 1, 0)
            assert last in region


def covered(addresses: list[int], sizes: list[int]) -> list[int]:
    """Every byte of some transfers, in order."""
    found = (range(at, at + size) for at, size in zip(addresses, sizes, strict=True))
    return sorted(byte for one in found for byte in one)


def sizes_of(mapped: Any, unit: Unit) -> list[int]:
    return [command.bytes for command in mapped.commands(unit)]


@pytest.mark.parametrize("pes", [16, 3, 70])
@pytest.mark.parametrize("groups", [1, 4])
def test_a_layer_moves_every_byte_of_its_copies_and_shortcuts_once(pes: int, groups: int) -> None:
    """With bursts of a byte, if the outputs of a transfer follow each other."""
    entries = (
        conv("a", 16),
        conv("b", 16, groups=groups),
        {"name": "s", "type": "add", "other": "a"},
    )
    hardware = machine(BYTES | {"array.pes": pes, "memory.activation_buffer.transfer_pixels": 3})
    mapping = map_workload(net(*entries), hardware)
    mapped = mapping.weighted[1]
    assert mapped.plan.epilogue is not None
    assert len(mapped.plan.epilogue.shortcut_bits) == 1
    size = 4 * 6 * 16 * 2
    image = MapPlace(0, 16, 0, 1, 24)
    places = Regions(0, (image,), (MapPlace(0, 16, 0, 16, 24),), (MapPlace(0, 16, 0, 16, 24),))
    addresses = Addresses((mapped,), (places,))
    unit = {x.name: x for x in mapping.program.units}
    written = sizes_of(mapped, unit["dram_outputs"])
    if groups == 1 or mapped.writes == "shared":
        assert covered(list(addresses.outputs()), written) == list(range(size))
    reads = list(zip(addresses.inputs(), mapped.commands(unit["dram_inputs"]), strict=True))
    shortcuts = [
        (address, command.bytes) for address, command in reads
        if any(channel.name == "shortcuts" for channel, _ in command.gives)
    ]  # fmt: skip
    if groups == 1 or mapped.writes == "shared":
        assert covered(*map(list, zip(*shortcuts, strict=True))) == list(range(size))


def test_a_vector_layer_moves_every_byte_once() -> None:
    entries = (conv("a", 16), conv("b", 16), {"name": "s", "type": "add", "other": "a"})
    hardware = machine(
        BYTES | {"vector.fused": False, "memory.activation_buffer.transfer_pixels": 4}
    )
    mapping = map_workload(net(*entries, batch=2), hardware)
    mapped = mapping.layers[2]
    assert isinstance(mapped, MappedVector)
    size = 2 * 4 * 6 * 16 * 2
    operands = tuple(MapPlace(base, 16, 0, 16, 48) for base in (0, size))
    addresses = Addresses((mapped,), (Regions(0, operands, (), operands[:1]),))
    chunks = [x for image in mapped.plan.images.written_out for x in image.written_out]
    read = [size for chunk in chunks for size in chunk.read_bytes]
    assert covered(list(addresses.inputs()), read) == list(range(2 * size))
    written = [size for chunk in chunks for size in chunk.written_bytes]
    assert covered(list(addresses.outputs()), written) == list(range(size))


@given(whole_networks(), machines(), st.booleans())
def test_layers_read_the_regions_that_their_sources_write(
    workload: Workload, keys: dict[str, Any], fused: bool
) -> None:
    hardware = machine(keys | {"vector.fused": fused})
    try:
        mapping = map_workload(workload, hardware)
    except InputError:
        assume(False)
    fusion = Fusion(workload, hardware.vector, hardware.full_precision.bits)
    regions, _ = regions_by_edges(mapping.layers, fusion, 64)
    written = {
        (fusion.written_map(one.layer), place.bits): place.base
        for one, region in zip(mapping.layers, regions, strict=True)
        if one.mode != "fused"
        for place in region.outputs
    }
    for one, region in zip(mapping.layers, regions, strict=True):
        names = one.layer.reads if isinstance(one, MappedVector) else (one.layer.reads,)
        for name, place in zip(names, region.inputs, strict=True):
            if one.mode != "fused" and (name, place.bits) in written:
                assert place.base == written[name, place.bits]


@given(whole_networks(), machines(), st.booleans())
def test_every_transfer_has_an_address_and_words(
    workload: Workload, keys: dict[str, Any], fused: bool
) -> None:
    """The event engine takes an address for each DMA command, and words for each write."""
    hardware = machine(keys | TABLE | ONE_PORT | {"vector.fused": fused})
    try:
        run = run_one(workload, hardware, "event")
    except InputError:
        assume(False)
    dram = run.mapping.program.dram
    assert dram is not None
    for unit, addresses in dram.streams.items():
        commands = sum(
            times
            for section in run.mapping.program.sections
            for _, times in section.counts.get(unit, [])
        )
        found = list(addresses())
        assert len(found) == commands
        assert all(0 <= address < dram.timing.capacity for address in found)


def test_a_slot_of_shortcuts_never_conflicts() -> None:
    entries = (conv("a", 64), conv("b", 64), {"name": "s", "type": "add", "other": "a"})
    run = run_one(net(*entries), machine(ONE_PORT), "event")
    (port,) = [x for x in run.mapping.program.ports if x.writer.name == "dram_inputs"]
    lengths = [words.length for words in port.written()]
    assert lengths.count(0) == 4  # a shortcut read for each row of 6 pixels
