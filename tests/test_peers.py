"""Workloads of SCALE-Sim, Timeloop and ZigZag as models: shapes, notes, refusals, round trips."""

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import InputError, Workload, export, load_workload, simulate
from simulator.base.shipped import shipped_names
from simulator.workload import Layer
from tests.build import layer, network
from tests.conftest import Command

pytestmark = pytest.mark.unit

CONVOLUTIONS = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
stem, 30, 31, 5, 5, 3, 16, 2,
body, 12, 10, 3, 3, 16, 32, 1,
tall, 12, 10, 3, 1, 32, 8, 2, 1,

DPdeep, 12, 10, 3, 3, 8, 2, 1,
body, 10, 8, 1, 1, 32, 40, 1,
"""
PRODUCTS = "Layer, M, N, K,\nqk, 64, 48, 32,\nlinear, 1, 10, 100,\n"

SPACES = """
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]], [[R]], [[S]], [[G]]]}
    - name: Inputs
      projection:
      - [[N]]
      - [[C]]
      - [[R, Wdilation], [P, Wstride]]
      - [[S, Hdilation], [Q, Hstride]]
      - [[G]]
    - {name: Outputs, projection: [[[N]], [[M]], [[Q]], [[P]], [[G]]], read_write: true}
"""
SHAPE = (
    """
  shape:
    name: conv
    dimensions: [C, M, R, S, N, P, Q, G]
    coefficients:
    - {name: Wstride, default: 1}
    - {name: Hstride, default: 1}
    - {name: Wdilation, default: 1}
    - {name: Hdilation, default: 1}"""
    + SPACES
)
INSTANCE = "{C: 4, M: 6, R: 3, S: 2, N: 2, P: 7, Q: 5, G: 3, Wstride: 2, Hdilation: 3}"
GEMM = """
  shape:
    name: gemm
    dimensions: [M, N, K]
    data_spaces:
    - {name: A, projection: [[[M]], [[K]]]}
    - {name: B, projection: [[[N]], [[K]]]}
    - {name: Z, projection: [[[M]], [[N]]], read_write: true}
"""
ZIGZAG: list[dict[str, Any]] = [
    {
        "id": 0,
        "name": "stem",
        "operator_type": "Conv",
        "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
        "dimension_relations": ["ix=2*ox+1*fx", "iy=1*oy+2*fy"],
        "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"],
        "loop_sizes": [1, 16, 3, 10, 12, 3, 5],
        "operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8},
        "operand_source": {"I": 0, "W": 0},
    },
    {
        "id": 1,
        "operator_type": "Pooling",
        "equation": "O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]",
        "dimension_relations": ["ix=2*ox+1*fx", "iy=2*oy+1*fy"],
        "loop_dims": ["B", "G", "OY", "OX", "FX", "FY"],
        "loop_sizes": [1, 16, 5, 6, 3, 3],
        "operand_precision": {"I": 8, "W": 0, "O": 16, "O_final": 8},
    },
    {
        "id": 2,
        "operator_type": "Gemm",
        "equation": "O[d0][d1]+=I[d0][d2]*W[d2][d1]",
        "loop_dims": ["D0", "D1", "D2"],
        "loop_sizes": [20, 30, 40],
        "operand_precision": {"W": 8, "I": 8, "O": 32, "O_final": 8},
    },
]


def written(folder: Path, text: str, name: str = "net.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def of_problem(folder: Path, text: str, name: str = "net.yaml") -> tuple[Layer, tuple[str, ...]]:
    """The layer of a problem, and the notes."""
    workload = load_workload(written(folder, text, name))
    (found,) = workload.layers
    return found, workload.notes


def zigzag(folder: Path, *layers: dict[str, Any]) -> Workload:
    return load_workload(written(folder, yaml.safe_dump(list(layers)), "net.yaml"))


class TestScaleSim:
    def test_convolutions(self, tmp_path: Path) -> None:
        workload = load_workload(written(tmp_path, CONVOLUTIONS))
        layers = {x.name: x for x in workload.layers}
        assert list(layers) == ["stem", "body", "tall", "DPdeep", "body_2"]
        assert [x.full_precision for x in workload.layers] == [True, False, True, False, False]
        # (30 - 5 + 2) / 2 = 13.5, rounded up to 14 rows, which read 13 x 2 + 5 = 31; (31 - 5) / 2
        # + 1 = 14 columns
        stem = layers["stem"]
        assert (stem.out_height, stem.out_width, stem.in_height, stem.in_width) == (14, 14, 31, 31)
        assert stem.macs == 14 * 14 * 25 * 3 * 16
        assert (layers["tall"].kernel, layers["tall"].stride) == ((3, 1), (2, 1))
        assert layers["tall"].macs == 6 * 10 * 3 * 32 * 8  # ceil((12 - 3 + 2) / 2) = 6 rows
        deep = layers["DPdeep"]
        assert (deep.groups, deep.out_channels, deep.macs) == (8, 16, 10 * 8 * 9 * 8 * 2)
        notes = " ".join(workload.notes)
        assert "3x3 and 1x1 layers are binary; stem and tall run in full precision." in notes
        assert "names that occur again are numbered: body_2." in notes
        assert "SCALE-Sim rounds the number of outputs up: the map of stem and tall is enl" in notes

    def test_products(self, tmp_path: Path) -> None:
        first, second = load_workload(written(tmp_path, PRODUCTS)).layers
        assert (first.in_channels, first.out_channels, first.out_width) == (32, 48, 64)
        assert (first.macs, second.macs) == (64 * 48 * 32, 1000)

    def test_a_long_product_has_several_rows(self, tmp_path: Path) -> None:
        text = PRODUCTS.replace("64,", f"{4 * 1046529},")
        first = load_workload(written(tmp_path, text)).layers[0]
        assert (first.out_height, first.out_width) == (4, 1046529)

    def test_the_content_decides_and_other_columns_are_named(self, tmp_path: Path) -> None:
        text = "\ufeff" + CONVOLUTIONS.replace("Strides,", "Strides, batch size, Eh,").replace(
            "16, 2,", "16, 2, 4, 7,"
        ).replace("tall, 12, 10, 3, 1, 32, 8, 2, 1,", "a heading,,,,,,,,")
        workload = load_workload(written(tmp_path, text, "net.topology"))
        assert workload.layers[0].images == 4
        assert "columns of the topology that are not read: eh." in workload.notes
        assert "lines without numbers are headings: a heading." in workload.notes

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("stem, 30", "stem, B", "line 2: ifmap height is 'B', expected a whole number"),
            ("stem, 30", "stem, 4", "line 2: the filter of 'stem' is 5x5, larger than its map, 4x"),
            ("16, 2,", "16,", "line 2: stride is '', expected a whole number"),
            ("16, 2,", "16", "line 2: has no stride; expected 7 numbers"),
            ("3, 16, 2", "3, 16, 0", "line 2: stride is '0'"),
            (", 16, 2", ", 99999999, 2", "out_channels is 99999999"),
        ],
    )
    def test_refused(self, tmp_path: Path, old: str, new: str, words: str) -> None:
        with pytest.raises(InputError) as error:
            load_workload(written(tmp_path, CONVOLUTIONS.replace(old, new, 1)))
        assert words in str(error.value)
        assert "net.csv" in str(error.value)

    def test_an_empty_topology(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="has no layer; add a line below the header"):
            load_workload(written(tmp_path, PRODUCTS.splitlines()[0]))


class TestTimeloop:
    def test_a_convolution(self, tmp_path: Path) -> None:
        one, notes = of_problem(
            tmp_path, f"problem:\n  version: 0.4\n  instance: {INSTANCE}{SHAPE}"
        )
        assert (one.groups, one.in_channels, one.out_channels, one.images) == (3, 12, 18, 2)
        # R and P are columns, S and Q rows: (7 - 1) x 2 + 3 = 15, (5 - 1) + (2 - 1) x 3 + 1 = 8
        assert (one.kernel, one.stride, one.dilation) == ((2, 3), (1, 2), (3, 1))
        assert (one.in_height, one.in_width, one.out_height, one.out_width) == (8, 15, 5, 7)
        assert one.macs == 4 * 6 * 3 * 2 * 2 * 7 * 5 * 3
        assert notes == ()

    @pytest.mark.parametrize("shape", ["", "\n  shape: cnn-layer"])
    def test_the_built_in_shape_of_v03(self, tmp_path: Path, shape: str) -> None:
        sizes = {"Q": 6, "P": 5, "S": 3, "R": 3, "K": 8, "C": 4, "N": 1}
        text = "problem:" + shape + "".join(f"\n  {k}: {v}" for k, v in sizes.items())
        one, _ = of_problem(tmp_path, text)
        assert (one.kernel, one.out_height, one.out_width) == (3, 6, 5)
        assert one.macs == prod(sizes.values())

    def test_the_keys_of_v03_have_hyphens(self, tmp_path: Path) -> None:
        text = f"problem:\n  instance: {INSTANCE}{SHAPE}"
        old = text.replace("data_spaces", "data-spaces").replace("read_write", "read-write")
        assert old != text
        assert of_problem(tmp_path, old) == of_problem(tmp_path, text)

    def test_a_product(self, tmp_path: Path) -> None:
        one, notes = of_problem(tmp_path, f"problem:\n  instance: {{M: 5, N: 6, K: 7}}{GEMM}")
        assert (one.out_width, one.out_channels, one.in_channels, one.macs) == (5, 6, 7, 210)
        assert "the data space B counts as the weights." in notes

    def test_a_depthwise_convolution(self, tmp_path: Path) -> None:
        instance = INSTANCE.replace("C: 4, M: 6", "C: 1, M: 1")
        one, _ = of_problem(tmp_path, f"problem:\n  instance: {instance}{SHAPE}")
        assert (one.groups, one.in_channels, one.out_channels) == (3, 3, 3)

    def test_included_and_extended(self, tmp_path: Path) -> None:
        ones = "{C: 1, M: 1, R: 1, S: 1, N: 1, P: 1, Q: 1, G: 1}"
        base = f"ignored: &base\n  version: 0.4\n  instance: {ones}{SHAPE}"
        written(tmp_path, base, "base.yaml")
        (tmp_path / "net").mkdir()
        text = "{{include_text('../base.yaml')}}\nproblem:\n  <<<: *base\n"
        text += "  instance: {C: 9, M: 8, P: 7}\n"
        one, notes = of_problem(tmp_path / "net", text)
        assert (one.in_channels, one.out_channels, one.out_width, one.macs) == (9, 8, 7, 504)
        assert len(notes) == 1  # binary layers

    def test_what_is_not_modeled_is_named(self, tmp_path: Path) -> None:
        instance = INSTANCE.replace("C: 4", "C: 4, Hpad: 1, densities: {Inputs: 0.5}")
        text = f"problem:\n  instance: {instance}{SHAPE}\narchitecture: {{}}\n"
        _, notes = of_problem(tmp_path, text)
        assert "densities are not modeled: all operands are dense." in notes
        assert "keys of the instance that the shape does not use: Hpad." in notes
        assert "parts of the file other than the problem are not read: architecture." in notes

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ("C: 4, ", "", "problem.instance: has no size of dimension C"),
            ("C: 4", "C: 4.5", "problem.instance.C is 4.5, expected a whole number from 1"),
            ("read_write: true", "read_write: false", "3 read-only and 0 read-write data spaces"),
            ("[[N]], [[M]], [[Q]]", "[[N]], [[M]]", "the window of S and Q has no output dimensi"),
            ("[[N]], [[M]], [[Q]]", "[[M]], [[Q]]", "dimension N (2) has no role in a convolution"),
            ("[P, Wstride]", "[P, Wslide]", "the coefficient 'Wslide' is not in the shape"),
            ("[C, M,", "[C, X, M,", "has no size of dimension X"),
        ],
    )
    def test_refused(self, tmp_path: Path, old: str, new: str, words: str) -> None:
        text = f"problem:\n  instance: {INSTANCE}{SHAPE}"
        assert old in text
        with pytest.raises(InputError) as error:
            of_problem(tmp_path, text.replace(old, new, 1))
        assert words in str(error.value)
        assert "net.yaml" in str(error.value)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{{include_text('/etc/hosts')}}\nproblem: {}\n", "relative to this file"),
            ("{{include_text('none.yaml')}}\nproblem: {}\n", "include_text('none.yaml')"),
            ("problem: {instance: {C: {{x}}}}\n", "is a template; render it first"),
            ("problem: {shape: depthwise}\n", "write out its dimensions and data_spaces"),
        ],
    )
    def test_templates(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(InputError) as error:
            of_problem(tmp_path, text)
        assert words in str(error.value)


class TestZigZag:
    def test_layers(self, tmp_path: Path) -> None:
        workload = zigzag(tmp_path, *ZIGZAG)
        stem, product = workload.layers
        assert (stem.kernel, stem.stride, stem.dilation) == ((3, 5), (1, 2), (2, 1))
        assert (stem.in_height, stem.in_width) == (9 + 4 + 1, 22 + 4 + 1)
        assert stem.macs == prod(ZIGZAG[0]["loop_sizes"])
        assert (product.name, product.out_width, product.macs) == ("layer2", 20, 24000)
        assert "layers without weights take no time: layer1 (Pooling)." in workload.notes
        assert any("operand_precision is not read" in note for note in workload.notes)

    def test_products_of_activations_and_other_keys_are_named(self, tmp_path: Path) -> None:
        attention = {**ZIGZAG[2], "operand_source": {"W": 1, "I": 0}, "memory": 4}
        notes = zigzag(tmp_path, ZIGZAG[0], attention).notes
        assert "another layer makes the operand W of layer2: it counts as weights." in notes
        assert "keys that are not read: memory." in notes

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("operator_type", "Softmax", "operator_type is 'Softmax'"),
            ("equation", "O[b]=I[b]", "equation is 'O[b]=I[b]'; expected a product"),
            ("loop_sizes", [1, 16], "7 loop_dims, but 2 loop_sizes"),
            ("loop_sizes", [1, 16, 3, 10, 12, 3, 0], "loop_sizes[6] is 0"),
            ("loop_dims", ["B", "K", "C", "OY", "OX", "FY", "Z"], "'fx' is not in both"),
            ("dimension_relations", ["ix=ox"], "dimension relation 'ix=ox'"),
            ("dimension_relations", [], "'fx' is not in both"),
        ],
    )
    def test_refused(self, tmp_path: Path, key: str, value: Any, words: str) -> None:
        with pytest.raises(InputError) as error:
            zigzag(tmp_path, {**ZIGZAG[0], key: value})
        if "dimension_relations" not in key or value:
            assert words in str(error.value)
        assert "net.yaml" in str(error.value)


# --- export, then import -------------------------------------------------------------------------


def shape(one: Layer) -> tuple[object, ...]:
    """The fields of a layer that both formats keep."""
    names = ["in_channels", "out_channels", "out_height", "out_width", "kernel", "stride", "groups"]
    return tuple(getattr(one, name) for name in names)


def strange() -> Workload:
    """Groups, strides that leave rows over, and sizes that differ between axes."""
    wide = layer(8, 8, 9, 9, kernel=5, full_precision=True, name="wide")
    return network(
        layer(64, 128, 15, 18, stride=2, groups=4, name="a"),
        layer(8, 8, 9, 9, kernel=1, stride=3, padding=1, name="b"),
        replace(
            wide, kernel=(3, 1), stride=(2, 1), padding=(1, 0), dilation=(2, 3), out_height=4,
            out_width=9,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("model", ["strange", *shipped_names("workloads")])
class TestRoundTrip:
    def test_zigzag(self, model: str, tmp_path: Path) -> None:
        workload = strange() if model == "strange" else load_workload(model)
        text = export(workload, "zigzag", scope="weights").text
        found = load_workload(written(tmp_path, text, "net.yaml"))
        for ours, theirs in zip(workload.layers, found.layers, strict=True):
            assert shape(ours) == shape(theirs)
            names = [
                "name",
                "in_height",
                "in_width",
                "padding",
                "dilation",
                "images",
                "macs",
                "weights",
            ]
            if ours.kernel != 1:
                assert [getattr(ours, n) for n in names] == [getattr(theirs, n) for n in names]

    def test_scalesim(self, model: str, tmp_path: Path) -> None:
        workload = strange() if model == "strange" else load_workload(model)
        exported = export(workload, "scalesim", scope="weights")
        found = load_workload(written(tmp_path, exported.text))
        left_out = {one.layer for one in exported.left_out}
        kept = [x for x in workload.layers if x.name not in left_out]
        for ours, theirs in zip(kept, found.layers, strict=True):
            assert (ours.macs, ours.weights) == (theirs.macs, theirs.weights)
            if ours.images == 1 and ours.kernel != 1:
                assert shape(ours) == shape(theirs)

    def test_scalesim_gemm(self, model: str, tmp_path: Path) -> None:
        workload = strange() if model == "strange" else load_workload(model)
        text = export(workload, "scalesim", gemm=True, scope="weights").text
        found = load_workload(written(tmp_path, text))
        assert [x.macs for x in found.layers] == [x.macs for x in workload.layers]


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["cofluent64", "tpu-like"])
def test_both_engines_run_a_topology(machine: str, tmp_path: Path) -> None:
    workload = load_workload(written(tmp_path, CONVOLUTIONS))
    runs = [
        simulate(workload, machine, bits=1, scope="weights", engine=engine)
        for engine in ("fast", "event")
    ]
    assert runs[0].layer_rows() == runs[1].layer_rows()
    assert sum(row["macs"] for row in runs[0].layer_rows()) == sum(x.macs for x in workload.layers)


def test_every_command_prints_the_notes(command: Command, tmp_path: Path) -> None:
    written(tmp_path, PRODUCTS)
    model = ("--model", "net.csv")
    for words in (
        ("--hw", "cofluent64", *model, "--bits", 1),
        ("compare", "cofluent64", "--set", "array.pes=32,64", *model, "--bits", 1),
        ("sweep", "--hw", "cofluent64", *model, "--bits", "1"),
        ("search", "--hw", "cofluent64", *model, "--objective", "bits", "--max-time-ms", 9),
        ("extract", "net.csv"),
        ("export", "net.csv", "--to", "scalesim"),
        ("ops", *model, "--bits", 1),
    ):
        done = command(*words)
        assert done.returncode == 0, done.stderr
        text = " ".join((done.stdout + done.stderr).split())
        assert "files do not mark binary layers: 3x3 and 1x1 layers are binary." in text, words
