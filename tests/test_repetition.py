"""Tables and notes tell everything once: stages, equal runs, overrides, booleans."""

import re
from dataclasses import replace

import pytest

import simulator
from simulator import Result, simulate
from simulator.base.wording import in_yaml
from simulator.report.printed import printed
from simulator.report.terminal import print_result
from simulator.report.why import print_attribution, print_waits
from tests.build import layer, machine, network

pytestmark = pytest.mark.unit

STAGES = ("x", "x", "y", "x", "z", "y", "w")


@pytest.fixture(scope="module")
def split() -> Result:
    """A run whose stages x and y have other layers in between."""
    layers = [
        layer(64, 64, size, size, name=f"layer{number}", stage=stage)
        for number, (size, stage) in enumerate(zip((8, 4, 6, 5, 7, 3, 2), STAGES, strict=True))
    ]
    return simulate(network(*layers), machine(), bits=0.56)


def by_hand(result: Result, stage: str) -> int:
    """The cycles of a stage's layers, added up."""
    cycles = [one.cycles for one in result.run.layers]
    return sum(one for one, name in zip(cycles, STAGES, strict=True) if name == stage)


class TestStages:
    def test_each_has_one_sum(self, split: Result) -> None:
        text = printed(lambda console: print_result(split, console))
        lines = [line.split("  ")[0].strip() for line in text.splitlines()]
        names = [line for line in lines if line.startswith(("layer", "=", "TOTAL"))][1:]
        assert names == [
            "layer0", "layer1", "layer2", "layer3", "= x, 3 layers", "layer4", "layer5",
            "= y, 2 layers", "layer6", "TOTAL",
        ]  # fmt: skip
        for stage, layers in (("x", 3), ("y", 2)):
            line = next(x for x in text.splitlines() if x.startswith(f"= {stage}, {layers} layers"))
            assert f" {by_hand(split, stage):,} " in line

    def test_the_short_table_adds_up(self, split: Result) -> None:
        rows = re.findall(r"^([wxyz]) +(\d) +([\d,]+) ", str(split), re.MULTILINE)
        assert [(name, int(count)) for name, count, _ in rows] == [
            ("x", 3), ("y", 2), ("z", 1), ("w", 1),
        ]  # fmt: skip
        cycles = {name: int(text.replace(",", "")) for name, _, text in rows}
        assert cycles == {name: by_hand(split, name) for name in "xyzw"}
        assert sum(cycles.values()) == split.cycles


class TestEqualRuns:
    """At 1 bit, a run is its own baseline."""

    @pytest.mark.parametrize(("bits", "count"), [(1, 1), (0.56, 2)])
    def test_one_table_for_each_run(self, bits: float, count: int) -> None:
        result = simulate(network(layer(64, 64, 4, 4)), machine(), bits=bits)
        waits = printed(lambda console: print_waits(result, console))
        causes = printed(lambda console: print_attribution(result, console))
        assert waits.count("cycles for which units wait") == count
        assert causes.count("cycles of every layer") == count
        assert ("because it is the same run" in waits) is (count == 1)

    def test_no_baseline_has_no_sentence(self) -> None:
        result = simulate(network(layer(64, 64, 4, 4)), machine(), bits=1, baseline_bits="none")
        assert "same run" not in printed(lambda console: print_waits(result, console))

    def test_other_activations_are_another_run(self) -> None:
        result = simulate(network(layer(64, 64, 4, 4)), machine(), bits=1)
        other = simulate(network(layer(64, 64, 4, 4)), machine(), bits=1, activation_bits=2)
        assert len(replace(result, baseline=other.run).different_runs) == 2


@pytest.mark.parametrize("name", ["cofluent64", "tpu-like"])
@pytest.mark.parametrize("scope", ["binary", "weights"])
def test_a_key_without_effect_has_one_note(name: str, scope: str) -> None:
    asked = simulate("r20", name, bits=1, scope=scope, set={"memory.activations": "on_chip"})
    [note] = [note for note in asked.notes() if "memory.activations" in note]
    assert note.startswith("memory.activations dram -> on_chip has no effect because only scope")
    in_file = simulate("r20", asked.hardware, bits=1, scope=scope)
    [note] = [note for note in in_file.notes() if "memory.activations" in note]
    assert "memory.activations on_chip has no effect because only scope network" in note


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("cofluent64", "memory.activation_buffer.kib"),
        ("tpu-like", "memory.input_scratchpad.kib"),
    ],
)
def test_maps_that_leave_the_chip_have_a_note(name: str, key: str) -> None:
    keys = {"memory.activations": "on_chip", key: 64}
    run = simulate("r18", name, bits=1, scope="network", set=keys, baseline_bits="none")
    [note] = [note for note in run.notes() if "would hold all maps" in note]
    [kib] = re.findall(r"([\d,.]+) KiB would hold all maps", note)
    more = simulate(
        "r18",
        name,
        bits=1,
        scope="network",
        set=keys | {key: float(kib.replace(",", ""))},
        baseline_bits="none",
    )
    assert not [note for note in more.notes() if "would hold all maps" in note]


class TestBooleans:
    """A table has the words of YAML."""

    def test_values(self) -> None:
        assert [in_yaml(x) for x in (True, False, 1, "True")] == ["true", "false", "1", "True"]

    def test_a_study(self) -> None:
        study = simulator.sweep(
            "r20", "tpu-like", bits=1, set={"array.overlap_folds": [True, False]}
        )
        text = str(study)
        assert "fastest at true, slowest at" in " ".join(text.split())
        assert not re.search("True|False", text)

    def test_an_override(self) -> None:
        run = simulate("r20", "tpu-like", bits=1, set={"array.overlap_folds": False})
        assert any(x.startswith("array.overlap_folds true -> false ") for x in run.notes())
