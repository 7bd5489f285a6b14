"""`simulate export`: SCALE-Sim and ZigZag read the network's shapes."""

import csv
import re
from math import ceil, prod
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import InputError, Workload, export, load_workload
from simulator.base.shipped import shipped_names
from simulator.workload import configure
from tests.build import layer, network
from tests.conftest import Command

pytestmark = pytest.mark.unit

FULL: dict[str, Any] = {"scope": "weights"}


def topology(text: str, gemm: bool) -> list[tuple[str, int]]:
    """(name, MACs) of each line, by the rules of SCALE-Sim 3.0.0's topology_utils.py."""
    found = []
    for cells in list(csv.reader(text.splitlines()))[1:]:
        name, *numbers = (cell.strip() for cell in cells[:-1])
        assert cells[-1] == ""  # SCALE-Sim drops the last cell
        assert "DP" not in name  # "DP" would mean a depthwise layer
        if gemm:
            m, n, k = map(int, numbers)
            found.append((name, m * n * k))
            continue
        height, width, filter_height, filter_width, channels, filters, stride = map(int, numbers)
        assert filter_height <= height
        assert filter_width <= width
        rows = ceil((height - filter_height + stride) / stride)
        columns = ceil((width - filter_width + stride) / stride)
        found.append((name, rows * columns * filter_height * filter_width * channels * filters))
    return found


def zigzag(text: str) -> list[tuple[str, int]]:
    """(name, MACs) of each layer, checked by the rules of ZigZag 3.9.1's workload_validator.py."""
    found = []
    layers = yaml.safe_load(text)
    for number, one in enumerate(layers):
        assert one["id"] == number
        assert one["operator_type"] == "Conv"
        assert re.fullmatch(r"O(\[\w+\])+\+=\w(\[\w+\])+\*\w(\[\w+\])+", one["equation"])
        sizes = dict(zip(one["loop_dims"], one["loop_sizes"], strict=True))
        indices = {index.upper() for index in re.findall(r"\[(\w+)\]", one["equation"])}
        inner = dict(zip(one["pr_loop_dims"], one["pr_loop_sizes"], strict=True))
        assert indices == sizes.keys() | inner.keys()
        for relation in one["dimension_relations"]:
            match = re.fullmatch(r"(\w+)=(\d+)\*(\w+)\+(\d+)\*(\w+)", relation)
            assert match is not None
            name, stride, outer, dilation, kernel = match.groups()
            last = int(stride) * (sizes[outer.upper()] - 1)
            last += int(dilation) * (sizes[kernel.upper()] - 1)
            before, after = one["padding"][one["pr_loop_dims"].index(name.upper())]
            assert last < inner[name.upper()] + before + after
        assert one["operand_precision"].keys() == {"W", "I", "O", "O_final"}
        assert all(0 <= source <= number for source in one["operand_source"].values())
        found.append((one["name"], prod(sizes.values())))
    return found


def by_group(workload: Workload) -> list[tuple[str, int]]:
    """(name, MACs) of each layer, or of each group of a grouped layer."""
    found = []
    for one in workload.layers:
        ends = [f".group{number}" for number in range(one.groups)] if one.groups > 1 else [""]
        found += [(one.name + end, one.macs // one.groups) for end in ends]
    return found


@pytest.mark.parametrize("model", shipped_names("workloads"))
class TestShippedNetworks:
    def test_scalesim(self, model: str) -> None:
        workload = load_workload(model)
        found = export(workload, "scalesim", **FULL)
        left_out = {layer.layer for layer in found.left_out}
        expected = [x for x in by_group(workload) if x[0] not in left_out]
        assert topology(found.text, False) == expected
        assert all(x.images > 1 and x.kernel > 1 for x in workload.layers if x.name in left_out)

    def test_scalesim_gemm(self, model: str) -> None:
        workload = load_workload(model)
        found = export(workload, "scalesim", gemm=True, batch=3, **FULL)
        assert found.left_out == ()
        assert topology(found.text, True) == [(name, 3 * macs) for name, macs in by_group(workload)]

    @pytest.mark.slow
    def test_zigzag(self, model: str) -> None:
        workload = load_workload(model)
        found = export(workload, "zigzag", batch=2, **FULL)
        assert zigzag(found.text) == [(x.name, 2 * x.macs) for x in workload.layers]

    @pytest.mark.slow
    def test_the_binary_layers_alone(self, model: str) -> None:
        workload = load_workload(model)
        run = configure(workload, bits=1)
        found = export(workload, "zigzag")
        assert zigzag(found.text) == [(x.name, x.macs) for x in run.layers]
        assert found.layers == len(run.layers)
        left_out = [x.name for x in workload.layers if x.full_precision]
        assert [x.layer for x in found.left_out] == left_out
        for note in found.notes:
            assert "--scope weights" in note


def strange() -> Workload:
    """Groups, a stride that leaves rows over, odd sizes, and names that SCALE-Sim would misread."""
    return network(
        layer(64, 128, 15, 18, stride=2, groups=4, name="DP,1"),
        layer(8, 8, 9, 9, kernel=1, stride=3, name="wide"),
        layer(8, 8, 7, 7, kernel=5, full_precision=True, name="full"),
    )


def test_groups_are_lines_of_their_own() -> None:
    workload = strange()
    for gemm in (False, True):
        found = topology(export(workload, "scalesim", gemm=gemm, **FULL).text, gemm)
        assert [name for name, _ in found[:4]] == [f"D_P_1.group{n}" for n in range(4)]
        assert sum(macs for _, macs in found[:4]) == workload.layers[0].macs
        assert [macs for _, macs in found[4:]] == [x.macs for x in workload.layers[1:]]
    assert zigzag(export(workload, "zigzag", **FULL).text) == [
        (x.name, x.macs) for x in workload.layers
    ]


def test_dilation() -> None:
    dilated = [x for x in load_workload("ssd300-vgg16").layers if x.dilation > 1]
    assert dilated  # the shipped network has one; the tests above therefore see it


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "scalsim"}, "unknown format 'scalsim': expected scalesim or zigzag"),
        ({"to": "zigzag", "gemm": True}, "no effect on zigzag"),
        ({"to": "scalesim", "batch": 0}, "batch 0: expected 1 to"),
        ({"to": "scalesim", "batch": 2}, "--gemm writes matrix products"),
    ],
)
def test_wrong_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        export(load_workload("r20"), **arguments)
    assert message in str(caught.value)


class TestCommand:
    def test_standard_output_holds_the_file_alone(self, command: Command) -> None:
        done = command("export", "r20", "--to", "scalesim", "--input-size", 16)
        assert done.returncode == 0, done.stderr
        assert done.stdout == export(load_workload("r20", (16, 16)), "scalesim").text
        assert "left out: conv1, fc: full precision" in " ".join(done.stderr.split())

    def test_a_file(self, command: Command, tmp_path: Path) -> None:
        done = command("export", "trained-r20-0.56", "--to", "zigzag", "-o", "net.yaml")
        assert (done.returncode, done.stderr) == (0, "")
        assert "written: net.yaml (18 layers)" in done.stdout
        found = zigzag((tmp_path / "net.yaml").read_text())
        layers = load_workload("trained-r20-0.56").binary_layers
        assert found == [(x.name, x.macs) for x in layers]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("r20", "--to", "scalsim"), "scalesim"),
            (("r20",), "--to"),
            (("r21", "--to", "zigzag"), "did you mean 'r20'"),
            (("r20", "--to", "zigzag", "-o", "none/net.yaml"), "cannot be written"),
            (("r20", "--to", "zigzag", "--network", "r18"), "--network"),
        ],
    )
    def test_wrong_input(self, command: Command, arguments: tuple[str, ...], words: str) -> None:
        done = command("export", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert words in done.stderr
