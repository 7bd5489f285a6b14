"""Layers without weights: their shapes, their readers, the widths of maps, and what is fused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from simulator import InputError, Workload, load_hardware, load_workload
from simulator.machines.families import family_of
from simulator.machines.vector.fusion import Fusion, fusion_of
from simulator.machines.vector.plan import Buffer, VectorPlan
from simulator.machines.vector.schema import LaneCycles, Vector
from simulator.workload import configure, schema
from simulator.workload.described import workload_from
from simulator.workload.maps import Maps
from simulator.workload.network import network_from
from simulator.workload.sides import Sides
from simulator.workload.store import read_workload, write_workload
from simulator.workload.vector_layer import VectorLayer

pytestmark = pytest.mark.unit

BLOCK: dict[str, Any] = {
    "name": "block",
    "title": "A residual block",
    "ops_convention": "main_paper",
    "input": {"channels": 3, "height": 16, "width": 16},
    "layers": [
        {"name": "stem", "type": "conv", "precision": "full", "out_channels": 16, "kernel": 3,
         "padding": 1},
        {"name": "stem.norm", "type": "norm"},
        {"name": "a", "type": "conv", "precision": "binary", "out_channels": 16, "kernel": 3,
         "padding": 1},
        {"name": "a.norm", "type": "norm"},
        {"name": "b", "type": "conv", "precision": "binary", "out_channels": 16, "kernel": 3,
         "padding": 1},
        {"name": "b.norm", "type": "norm"},
        {"name": "add", "type": "add", "other": "stem.norm"},
        {"name": "pool", "type": "pool", "kernel": 2, "stride": 2},
        {"name": "c", "type": "conv", "precision": "binary", "out_channels": 16, "kernel": 3,
         "padding": 1},
        {"name": "join", "type": "concat", "others": ["pool"]},
        {"name": "mix", "type": "shuffle", "groups": 2},
        {"name": "relu", "type": "activation"},
        {"name": "end", "type": "global_pool"},
        {"name": "fc", "type": "linear", "precision": "full", "out_features": 10},
    ],
}  # fmt: skip


def block(**changes: Any) -> Workload:
    """The block in scope `network`."""
    return configure(network_from(BLOCK | changes, Path("block.yaml")), bits=1, scope="network")


def fusion(workload: Workload, **vector: Any) -> Fusion:
    """Its widths on a machine with a MAC unit of 8 bits."""
    return fusion_of(workload, Vector(lanes=4, **vector), 8)


def test_the_order_is_that_of_the_file() -> None:
    assert [x.name for x in block().all_layers] == [x["name"] for x in BLOCK["layers"]]
    binary = configure(network_from(BLOCK, Path("x")), bits=1)
    assert [x.name for x in binary.all_layers] == ["a", "b", "c"]


def test_each_reader_has_its_width() -> None:
    maps = Maps(block(), 8)
    assert maps.readers["stem.norm"] == ("a", "add")
    widths = {name: maps.widths[name] for name in ("stem", "stem.norm", "a.norm", "add", "pool")}
    assert widths == {
        "stem": (16,),  # a norm computes with wide values
        "stem.norm": (16, 1),  # the shortcut, and the signs for `a`
        "a.norm": (1,),  # signs only
        "add": (16,),  # pooling returns values for the concatenation, too
        "pool": (16, 1),
    }
    assert maps.widths["end"] == (8,)  # operands of the MAC unit
    assert maps.widths["fc"] == (16,)  # the network's results
    assert [maps.read_bits(maps.layers[x]) for x in ("stem", "a", "add", "pool", "fc")] == [
        8, 1, 16, 16, 8,
    ]  # fmt: skip


def test_shortcut_bits_are_a_key_of_the_network() -> None:
    assert Maps(block(shortcut_bits=12), 8).widths["stem.norm"] == (12, 1)
    full = configure(network_from(BLOCK, Path("x")), bits=32, scope="network")
    assert Maps(full, 8).widths["stem.norm"] == (8,)  # no layer is binary


def test_a_layer_takes_the_vector_layers_after_it() -> None:
    found = fusion(block())
    chains = {name: [x.name for x in chain] for name, chain in found.chains.items()}
    assert chains == {"stem": ["stem.norm"], "a": ["a.norm"], "b": ["b.norm", "add"]}
    assert found.fused == {"stem.norm", "a.norm", "b.norm", "add", "join", "mix"}
    layers = found.maps.layers
    assert found.copies(layers["b"]) == found.copies(layers["add"]) == (16,)
    assert found.copies(layers["c"]) == (16,)  # its place in the concatenation
    assert found.shortcuts(block().layers[2]) == ("stem.norm",)
    epilogues = [found.epilogue(layer) for layer in block().layers]
    assert [x and (x.lane_cycles, x.shortcut_bits) for x in epilogues] == [
        (2, ()),  # norm, and the signs
        (1, ()),  # thresholds instead of the norm
        (2, (16,)),  # norm and addition
        None,
        None,
    ]


def test_nothing_is_fused_if_not_asked() -> None:
    found = fusion(block(), fused=False)
    assert not found.chains
    assert not found.fused
    assert found.copies(found.maps.layers["b"]) == (16,)


def test_a_shortcut_that_does_not_exist_yet_is_not_fused() -> None:
    layers = [dict(x) for x in BLOCK["layers"]]
    layers[6:7] = [
        {"name": "side", "type": "conv", "from": "stem.norm", "precision": "full",
         "out_channels": 16, "kernel": 1},
        {"name": "add", "type": "add", "from": "b.norm", "other": "side"},
    ]  # fmt: skip
    chains = fusion(block(layers=layers)).chains
    assert [x.name for x in chains["b"]] == ["b.norm"]
    assert [x.name for x in chains["side"]] == ["add"]  # the layer that ran last takes it


def test_work_by_kind() -> None:
    cycles = LaneCycles(norm=2, activation=3, add=5, pool=7, quantize=11, move=13)
    found = fusion(block(), fused=False, cycles=cycles)
    works = {name: found.work(x) for name, x in found.maps.layers.items() if name not in "abc"
             and isinstance(x, VectorLayer)}  # fmt: skip
    assert {name: work.lane_cycles for name, work in works.items()} == {
        "stem.norm": 2 + 11, "a.norm": 11, "b.norm": 2, "add": 5, "pool": 4 * 7 + 11,
        "join": 13, "mix": 13, "relu": 3, "end": 64 * 7 + 11,
    }  # fmt: skip
    assert [works["stem.norm"].multiplications, works["a.norm"].multiplications] == [1, 0]
    assert [works["add"].additions, works["pool"].additions, works["join"].additions] == [1, 5, 0]


def test_wide_values_take_several_cycles() -> None:
    narrow = fusion(block(), fused=False, bits=8)
    layer = narrow.maps.layers["b.norm"]
    assert isinstance(layer, VectorLayer)
    assert narrow.work(layer).lane_cycles == 2


@given(
    size=st.integers(1, 12),
    window=st.integers(1, 5),
    stride=st.integers(1, 6),
    padding=st.integers(0, 2),
)
def test_rows_are_read_once_and_freed_once(
    size: int, window: int, stride: int, padding: int
) -> None:
    if size + 2 * padding < window:
        return
    out = (size + 2 * padding - window) // stride + 1
    layer = VectorLayer(
        name="pool", stage="", kind="max_pool", reads=("x",), after=0, operand_channels=(1,),
        in_height=size, in_width=1, out_channels=1, out_height=out, out_width=1,
        window=Sides(window, 1), strides=Sides(stride, 1), paddings=Sides(padding, 0), images=1,
    )  # fmt: skip
    buffer = Buffer(key="k", kib=1, burst_bytes=1, most_columns=8)
    plan = VectorPlan(
        layer=layer, batch=1, read_bits=8, copies=(8,), lanes=1, lane_cycles=1, buffer=buffer
    )
    on_chip: set[int] = set()
    needed = [
        {y for y in range(row * stride - padding, row * stride - padding + window) if 0 <= y < size}
        for row in range(out)
    ]
    for row, (new, dropped) in enumerate(plan.new_rows):
        missing = needed[row] - on_chip
        assert set(new) == missing
        on_chip |= missing
        later = needed[row + 1] if row + 1 < out else set()
        gone = {y for y in on_chip if not later or y < min(later)} if row + 1 < out else on_chip
        assert dropped == len(gone)
        on_chip -= gone
    assert not on_chip


class TestFiles:
    def test_a_workload_file_of_a_graph_keeps_the_edges(self, tmp_path: Path) -> None:
        loaded = network_from(BLOCK, Path("block.yaml"))
        write_workload(replace(loaded, network=None), tmp_path / "a.npz")
        again = read_workload(tmp_path / "a.npz")
        assert again.all_layers == loaded.all_layers
        assert again.vector_layers == loaded.vector_layers

    def test_a_description_keeps_them_in_the_scope_that_runs_them(self) -> None:
        run = block()
        assert workload_from(run.described(), "x", None).vector_layers == run.vector_layers
        assert "vector_layers" not in configure(load_workload("r18"), bits=1).described()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"reads": ["nobody"]}, "'pool' reads 'nobody', which no earlier layer makes"),
            ({"reads": ["fc"]}, "'pool' reads 'fc', which no earlier layer makes"),
            ({"reads": ["add", "a"]}, "'pool' reads 2 maps, but has sizes of 1"),
            ({"name": "a"}, "'a' occurs twice"),
            ({"after": 99}, "runs after more layers than there are"),
            ({"kind": "sorcery"}, "expected"),
        ],
    )
    def test_wrong_ones_are_refused(self, change: dict[str, Any], words: str) -> None:
        plain = block().described()
        pool = next(x for x in plain["vector_layers"] if x["name"] == "pool")
        pool |= change
        with pytest.raises(InputError, match=words):
            workload_from(plain, "file", None)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"type": "shuffle", "groups": 3}, "16 channels do not divide into groups = 3"),
        ({"type": "norm", "groups": 3}, "groups"),
        ({"type": "pool", "kernel": 2, "stride": 2, "mode": "median"}, "mode"),
    ],
)
def test_a_wrong_entry(layer: dict[str, Any], words: str) -> None:
    layers = [BLOCK["layers"][0], {"name": "x", **layer}]
    with pytest.raises(InputError, match=words):
        block(layers=layers)


def test_a_list_of_layers_has_no_edges() -> None:
    own = {**BLOCK["layers"][2], "input": {"channels": 16, "height": 4, "width": 4}}
    loaded = network_from(BLOCK | {"layers": [own]}, Path("x"))
    with pytest.raises(InputError, match="does not tell which map a reads; use scope weights"):
        configure(loaded, bits=1, scope="network")


def test_a_machine_without_the_unit() -> None:
    with pytest.raises(InputError, match="no vector unit; add the section vector"):
        fusion_of(block(), None, 8)


def pool_in(kib: float) -> VectorPlan:
    """A max pooling of 2x2 pixels of 16 channels of 16 bits."""
    return VectorPlan(
        layer=next(x for x in block().vector_layers if x.name == "pool"),
        batch=1, read_bits=16, copies=(16,), lanes=1, lane_cycles=1,
        buffer=Buffer(key="memory.x.kib", kib=kib, burst_bytes=1, most_columns=8),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "parts"), [(192, [16]), (191, [8, 8]), (72, [5, 5, 6]), (12, [1] * 16)]
)
def test_channels_are_cut_if_the_window_of_a_pixel_does_not_fit(
    size: int, parts: list[int]
) -> None:
    plan = pool_in(size / 1024)  # a channel takes 4 values and two results
    assert [channels for (channels,) in plan.channel_parts] == parts
    chunks = [x for image in plan.images.written_out for x in image.written_out]
    assert sum(chunk.cycles for chunk in chunks) == plan.values
    assert sum(sum(chunk.read_bytes) for chunk in chunks) == 16 * 16 * 16 * 2


def test_a_buffer_too_small_for_a_channel() -> None:
    with pytest.raises(InputError, match=r"kib is 0\.01.*: layer pool needs at least 0\.02"):
        _ = pool_in(11 / 1024).columns


def test_a_map_with_too_many_rows_is_refused() -> None:
    layers = [
        BLOCK["layers"][0],
        {"name": "regions", "type": "roi_pool", "size": 5000, "count": 1},
    ]
    workload = block(layers=layers)
    hardware = load_hardware("cofluent64", ["memory.activation_buffer.kib=2"])
    with pytest.raises(InputError, match=r"layer regions: a map has .* rows of strips, at most 4,"):
        family_of(hardware).map(workload, hardware)


def test_the_schema_has_a_vector_layer_for_every_entry_without_weights() -> None:
    kinds = {x.kind for x in network_from(BLOCK, Path("x")).vector_layers}
    assert kinds == {
        "norm", "add", "max_pool", "concat", "shuffle", "activation", "average_pool",
    }  # fmt: skip
    assert schema.Pool.__struct_config__.tag == "pool"
