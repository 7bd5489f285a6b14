"""Network files without a graph, with concatenations, and with sizes that differ between axes."""

from math import prod
from pathlib import Path
from typing import Any

import pytest

from simulator import InputError, load_workload, simulate, verify
from simulator.base.inputs import convert
from simulator.check import check_workload
from simulator.machines import load_hardware
from simulator.workload import configure, schema
from simulator.workload.network import derive
from simulator.workload.store import read_workload, write_workload

pytestmark = pytest.mark.unit

NETWORKS = Path(__file__).parent / "networks"
PUBLISHED = {
    # million MACs and weights, of all layers and of convolutions; sources in the files
    "alexnet": ((724, 61.0), (666, 2.3)),
    "vgg16": ((15470, 138.3), (15347, 14.7)),
}


def net(*layers: dict[str, Any], image: tuple[int, int, int] | None = (8, 6, 6)) -> Any:
    """A network of entries; types and precisions are conv and full by default."""
    plain: dict[str, Any] = {"name": "n", "title": "N", "ops_convention": "main_paper"}
    if image is not None:
        plain["input"] = dict(zip(("channels", "height", "width"), image, strict=True))
    plain["layers"] = [{"type": "conv", "precision": "full", **layer} for layer in layers]
    for layer in plain["layers"]:
        if layer["type"] not in {"conv", "linear"}:
            del layer["precision"]
    return derive(convert(plain, schema.NetworkFile, "net"), "net")


def conv(name: str, out: int = 4, kernel: Any = 3, **more: Any) -> dict[str, Any]:
    return {"name": name, "out_channels": out, "kernel": kernel, **more}


def of(channels: int, height: int, width: int, **more: int) -> dict[str, int]:
    return {"channels": channels, "height": height, "width": width, **more}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(name: str) -> None:
    layers = load_workload(NETWORKS / f"{name}.yaml").layers
    of_all, of_convolutions = PUBLISHED[name]
    for chosen, (macs, weights) in (
        (layers, of_all),
        ([x for x in layers if x.name.startswith("conv")], of_convolutions),
    ):
        assert round(sum(x.macs for x in chosen) / 1e6) == macs
        assert round(sum(x.weights for x in chosen) / 1e6, 1) == weights


def test_a_list_has_its_layers_shapes() -> None:
    workload = net(
        conv("a", 6, 3, stride=2, input=of(3, 9, 11)),
        conv("b", 8, [1, 5], padding=[0, 2], groups=2, input=of(6, 7, 4, images=3)),
        {"name": "c", "type": "linear", "out_features": 5, "input": of(2, 3, 4)},
        image=None,
    )
    a, b, c = workload.layers
    assert (a.in_channels, a.out_height, a.out_width) == (3, 4, 5)
    assert (b.out_height, b.out_width, b.images, b.macs) == (7, 4, 3, 3 * 28 * 8 * 3 * 5)
    assert (c.in_channels, c.macs) == (24, 120)
    assert (workload.input_height, workload.input_width) == (9, 11)
    (note,) = workload.notes
    assert note.startswith("all layers have input maps of their own, of unknown producers")


def test_a_list_and_a_graph_can_be_mixed() -> None:
    workload = net(
        conv("a", input=of(3, 9, 9)), {"name": "p", "type": "pool", "kernel": 2, "stride": 2},
        conv("b", kernel=1), conv("c", input=of(5, 4, 4)), image=None,
    )  # fmt: skip
    assert [(x.in_channels, x.in_height) for x in workload.layers] == [(3, 9), (4, 3), (5, 4)]
    assert workload.notes[0].startswith("a and c have input maps of their own")


def test_a_graph_has_no_note() -> None:
    assert net(conv("a"), conv("b", kernel=1)).notes == ()


def test_concatenation() -> None:
    workload = net(
        conv("a", 4, padding=1), conv("b", 6, 1, **{"from": "input"}),
        {"name": "j", "type": "concat", "others": ["a", "input"]}, conv("c", 2, 1),
    )  # fmt: skip
    assert workload.layers[-1].in_channels == 6 + 4 + 8
    module = load_workload(NETWORKS / "inception.yaml")
    wide, high = module.layers[-2:]
    assert wide.in_channels == 64 + 128 + 32 + 32
    assert (wide.kernel, wide.out_height, wide.out_width) == ((1, 7), 7, 7)
    assert (high.kernel, high.stride, high.out_height, high.out_width) == ((7, 1), (2, 1), 4, 7)


@pytest.mark.parametrize("kernel", [(1, 3), (3, 1), (2, 5), (4, 4)])
@pytest.mark.parametrize("stride", [(1, 2), (3, 1)])
def test_shapes_per_axis_by_counting(kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    """Positions at which a dilated window fits in the padded map, one by one."""
    padding, dilation, size = (2, 1), (1, 2), (9, 12)
    (layer,) = net(
        conv("a", kernel=kernel, stride=stride, padding=padding, dilation=dilation),
        image=(8, *size),
    ).layers
    found = [
        sum(
            place + many * (taps - 1) < pixels + 2 * pad
            for place in range(0, pixels + 2 * pad, step)
        )
        for taps, step, pad, many, pixels in zip(
            kernel, stride, padding, dilation, size, strict=True
        )
    ]
    assert [layer.out_height, layer.out_width] == found
    assert layer.macs == prod(found) * prod(kernel) * 8 * 4
    assert layer.taps == prod(kernel)


def test_equal_numbers_are_one() -> None:
    one, two = net(conv("a", kernel=[3, 3], stride=[2, 2])), net(conv("a", stride=2))
    assert one.layers == two.layers


@pytest.mark.parametrize(
    "machine", ["tpu-like", pytest.param("cofluent64", marks=pytest.mark.slow)]
)
def test_both_engines_and_the_check(machine: str, tmp_path: Path) -> None:
    """Binary layers may have strides, padding and dilation per axis; kernels stay square."""
    workload = net(
        conv("a", 8, 3, precision="binary", stride=[1, 2], padding=[0, 1], dilation=[2, 1]),
        conv("b", 8, [1, 3], padding=[0, 1]),
        conv("c", 16, 1, precision="binary", stride=[2, 1], input=of(16, 5, 3)),
    )
    runs = [
        simulate(workload, machine, bits=1, scope="weights", engine=engine)
        for engine in ("fast", "event")
    ]
    assert runs[0].layer_rows() == runs[1].layer_rows()
    assert [row["kernel"] for row in runs[0].layer_rows()] == [3, "1x3", 1]
    hardware = load_hardware(machine)
    assert check_workload(configure(workload, bits=1), hardware, seed=1).first_difference is None
    runs[0].save(tmp_path)
    assert verify(tmp_path).equal


def test_a_workload_file_keeps_lists_and_axes(tmp_path: Path) -> None:
    workload = net(conv("a", kernel=[3, 1], input=of(8, 6, 6)), conv("b", kernel=1), image=None)
    path = tmp_path / "n.npz"
    write_workload(workload, path)
    assert read_workload(path).layers == workload.layers


@pytest.mark.parametrize(
    ("layers", "image", "words"),
    [
        ([conv("a")], None, "layer 'a' has no input; give the file or the layer one"),
        (
            [conv("a", padding=1), conv("b", input=of(4, 6, 6), **{"from": "a"})], (8, 6, 6),
            "layer 'b' has both 'from' and 'input'",
        ),
        ([{"name": "p", "type": "global_pool"}], (8, 6, 6), "no layer has weights"),
        (
            [conv("a", 4), {"name": "j", "type": "concat", "others": ["input"]}], (8, 6, 6),
            "'j' joins 4x4x4 and 'input', which is 8x6x6; only the channels may differ",
        ),
        (
            [conv("a", 4), {"name": "j", "type": "concat", "others": ["x"]}], (8, 6, 6),
            "layer 'j' reads 'x'",
        ),
        (
            [conv("a", kernel=[8, 8], padding=2, precision="binary")], (8, 6, 6),
            "layer 'a': kernel = 8x8 has more than the 63 weights of a binary kernel",
        ),
        ([conv("a", kernel=[9, 1])], (8, 6, 6), "its window spans 9 pixels but its padded"),
    ],
)  # fmt: skip
def test_refused(layers: Any, image: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        net(*layers, image=image)
    assert words in str(error.value)


def test_sizes_of_a_list_are_its_own(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(
        "name: n\ntitle: N\nops_convention: main_paper\nlayers:\n  - {name: a, type: conv, "
        "precision: full, out_channels: 4, kernel: 3, input: {channels: 8, height: 6, width: 6}}\n"
    )
    with pytest.raises(InputError, match="leave out --input-size"):
        load_workload(tmp_path / "n.yaml", (8, 8))
