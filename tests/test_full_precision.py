"""`--bits 32`: the network in full precision, first, last and downsample layers with it."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from simulator import InputError, load_workload, search, simulate, sweep, verify
from simulator.analysis.title import title
from simulator.paper.operations import compare_operations
from simulator.report.terminal import print_operations
from simulator.workload import configure
from tests.build import layer, network
from tests.conftest import Command

pytestmark = pytest.mark.unit


def both_machines(**options: Any) -> list[Any]:
    return [
        simulate("r20", name, bits=32, input_size=8, **options)
        for name in ("tpu-like", "cofluent64")
    ]


def test_every_layer_runs_in_full_precision() -> None:
    loaded = load_workload("r20", input_size=(8, 8))
    chosen = configure(loaded, bits=32)
    assert [x.name for x in chosen.layers] == [x.name for x in loaded.layers]
    assert chosen.layers_left_out == 0
    assert chosen.binary_layers == ()
    assert all(x.full_precision and x.tau is None and x.kernels is None for x in chosen.layers)
    assert [x.macs for x in chosen.layers] == [x.macs for x in loaded.layers]
    assert chosen.bits == 32


def test_it_is_the_network_whose_file_says_full() -> None:
    """The same numbers as a network that was never binary."""
    shapes = [layer(16, 16, 6, 6, name="one"), layer(16, 32, 6, 6, name="two")]
    binary = network(*shapes)
    full = network(*(replace(x, full_precision=True) for x in shapes))
    for name in ("tpu-like", "cofluent64"):
        one = simulate(binary, name, bits=32, baseline_bits="none")
        other = simulate(full, name, scope="weights", baseline_bits="none")
        assert one.layer_rows() == other.layer_rows()
        assert one.run.title == other.run.title == "32 bit"


def test_both_runs_have_the_same_layers() -> None:
    for asked in ({"bits": 32, "baseline_bits": 1}, {"bits": 1, "baseline_bits": 32}):
        for name in ("tpu-like", "cofluent64"):
            result = simulate("r20", name, input_size=8, **asked)  # type: ignore[arg-type]
            assert [run.bits for run in result.runs] == [asked["bits"], asked["baseline_bits"]]
            assert len(result.layer_rows()) == 20
    counts = compare_operations(load_workload("r20"), bits=32)
    assert counts["params_mbit"] == counts["full_precision"]["params_mbit"]
    assert counts["scope"] == {
        "name": "weights",
        "sentence": "scope weights, all 20 layers with weights: full precision",
    }


@pytest.mark.parametrize(
    ("bits", "baseline", "rows"),
    [(32, 1, ["32", "1"]), (0.56, 32, ["0.56", "32"]), (0.56, 1, ["0.56", "1", "32"])],
)
def test_counts_print_a_precision_once(bits: float, baseline: float, rows: list[str]) -> None:
    counts = compare_operations(load_workload("r20"), bits=bits, baseline_bits=baseline)
    console = Console(width=100, record=True, file=StringIO())
    print_operations(counts, console)
    table = console.export_text().split("─\n")[1]  # past the rule under its heading
    starts = [line.split()[0] for line in table.split("\n") if line.strip()[:1].isdigit()]
    assert starts == rows


def test_titles_say_it() -> None:
    for result in both_machines():
        assert ": 32 bit" in title(result)
        assert title(result).endswith("; scope weights, all 20 layers with weights: full precision")


def test_a_machine_with_other_widths_says_so() -> None:
    dense, papers = both_machines()
    words = (
        "all layers run in full precision with operands of 8 bits (full_precision.bits), not 32."
    )
    assert f"at 32 bit: {words}" in dense.notes()
    assert not any("full_precision.bits" in note for note in papers.notes())
    edge = simulate("r20", "edge16", bits=32, input_size=8)
    assert f"at 32 bit: {words}" in edge.notes()
    wide = simulate("r20", "tpu-like", bits=32, input_size=8, set={"full_precision.bits": 32})
    assert (
        "at 32 bit: full-precision operands of 32 bits (full_precision.bits) are wider than those "
        "of a PE (8 and 8 bits); each product is 16 products of parts."
    ) in wide.notes()
    ratio = wide.run.mapping.layers[1].plan.gemm.reduction
    assert ratio == 16 * dense.run.mapping.layers[1].plan.gemm.reduction


def test_kernels_are_left_aside(tmp_path: Path) -> None:
    file = load_workload("trained-r20-0.56")
    trained = simulate("trained-r20-0.56", "cofluent64", bits=32, baseline_bits="none")
    shapes = [replace(x, full_precision=True, tau=None, kernels=None) for x in file.layers]
    assert list(trained.run.workload.layers) == shapes
    trained.save(tmp_path)
    assert verify(tmp_path).equal


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--tau", 5), "bits 32: no layer has an index; leave out tau"),
        (("--layer-tau", "layer1.0.conv1=5"), "bits 32: no layer has an index"),
        (("--activation-bits", 4), "activation bits 4: no effect, because no layer is binary"),
        (("--check",), "the check computes binary layers, and no layer is binary"),
    ],
)
def test_what_has_no_effect_is_refused(command: Command, words: Any, answer: str) -> None:
    done = command(
        "--hw", "tpu-like", "--model", "r20", "--input-size", 8, "--bits", 32, "--quiet", *words
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert answer in done.stderr


def test_all_runs_of_a_study_have_the_same_layers() -> None:
    for scope in (None, "weights"):
        study = sweep("r20", "cofluent64", bits=[1, 32], input_size=8, scope=scope)
        assert not study.figures.errors
        assert set(study.frame["scope"]) == {"weights"}
        single = [
            simulate("r20", "cofluent64", bits=b, baseline_bits=32, input_size=8) for b in (1, 32)
        ]
        assert study.frame["cycles"].tolist() == [result.cycles for result in single]
        assert "all 20 layers with weights" in study.heading


def test_activation_bits_of_a_study_need_a_binary_layer() -> None:
    """As in a single run, that of the point or that of its baseline."""
    axes: dict[str, Any] = {"bits": [1, 32], "activation_bits": [1, 8], "input_size": 8}
    alone = sweep("r20", "tpu-like", **axes).frame.set_index(["activation_bits", "bits"])
    assert alone["error"].notna().tolist() == [False, False, False, True]
    assert alone["error"][8, 32].startswith("activation bits 8: no effect, because no layer is")
    beside = sweep("r20", "tpu-like", **axes, baseline_bits=1).frame
    assert not beside["error"].notna().any()
    wide = beside[(beside["bits"] == 32)]
    assert wide["cycles"].nunique() == 1
    assert wide["baseline_cycles"].nunique() == 2


def test_a_search_has_no_baseline_in_full_precision() -> None:
    limits: dict[str, Any] = {"max_time_ms": 1, "taus": [5], "input_size": 8}
    with pytest.raises(
        InputError, match=r"^baseline of 32 bit: a search compares runs with binary"
    ):
        search("r20", "cofluent64", "bits", baseline_bits=32, **limits)


def test_extraction_has_no_full_precision(tmp_path: Path) -> None:
    from simulator.workload.choice import Choice
    from simulator.workload.extract import extract

    with pytest.raises(InputError, match=r"^bits 32: extraction chooses binary kernels") as raised:
        extract(tmp_path / "missing.npz", choice=Choice(bits=32))
    assert "\n" not in str(raised.value)
