"""Linked keys: expressions over other keys of a hardware file."""

import ast
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import InputError, compare, load_hardware, search, simulate, sweep, verify
from simulator.base import shipped
from simulator.cli import cli
from simulator.machines.expressions import parse
from simulator.machines.links import is_expression
from simulator.machines.loading import hardware_from, number_schema, read_hardware
from simulator.report.html.data import page_data
from simulator.studies.axes import parts_of
from tests.build import layer, network

PORT = "memory.index_buffer.bytes_per_cycle"
DEMAND = "array.pes * array.pe.accumulators * log2(array.pe.lut_entries) / 8"
NET = network(layer(64, 64, 4, 4, name="a"), layer(64, 128, 4, 4, name="b"))
VALUES = {"array.pes": Fraction(96), "clock_ghz": Fraction(1, 3)}


# --- expressions --------------------------------------------------------------------------------


def trees() -> st.SearchStrategy[str]:
    """Random expressions within the grammar."""
    numbers = st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(lambda x: f"{x:f}")

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pairs = st.tuples(inner, st.sampled_from("+-*/"), inner)
        return (
            pairs.map(lambda x: f"({x[0]} {x[1]} {x[2]})")
            | pairs.map(lambda x: f"{x[0]}{x[1]}{x[2]}")
            | inner.map(lambda x: f"-({x})")
            | inner.map(lambda x: f"ceil({x})")
            | st.lists(inner, min_size=2, max_size=3).map(lambda x: f"min({', '.join(x)})")
            | st.lists(inner, min_size=2, max_size=3).map(lambda x: f"max({','.join(x)})")
        )

    return st.recursive(numbers | st.sampled_from(list(VALUES)), larger, max_leaves=8)


class Exact(ast.NodeTransformer):
    """Python's tree of an expression with exact numbers and keys, for Python's own `eval`."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.parse(f"Fraction('{node.value!r}')", mode="eval").body

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.parse(f"keys[{ast.unparse(node)!r}]", mode="eval").body

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = node.id in {"min", "max", "ceil"}
        return node if known else ast.parse(f"keys[{node.id!r}]", mode="eval").body


def python_value(text: str) -> Fraction | None:
    """Value by Python's `eval` on fractions; None: a division by zero."""
    tree = ast.fix_missing_locations(Exact().visit(ast.parse(text, mode="eval")))
    names: dict[str, Any] = {
        "Fraction": Fraction,
        "keys": VALUES,
        "ceil": lambda value: Fraction(math.ceil(value)),
    }
    try:
        return Fraction(eval(compile(tree, "expression", "eval"), names))
    except ZeroDivisionError:
        return None


@given(trees())
def test_values_are_pythons_own(text: str) -> None:
    expected = python_value(text)
    try:
        value = parse(text).value(VALUES.__getitem__)
    except InputError as error:
        too_long = len(text) > 400
        assert too_long or expected is None or abs(expected) > 10**18 or "above" in str(error)
    else:
        assert value == expected


@given(
    st.text(max_size=30)
    | st.text("0123456789.+-*/(), _aelmnopx", max_size=30)
    | st.lists(st.sampled_from([*VALUES, "max(", "log2(", ")", "1", "/", "*", ",", "-", " "]))
    .map("".join)
)  # fmt: skip
def test_any_text_is_a_value_or_an_input_error(text: str) -> None:
    try:
        hardware_from(read(), {PORT: text}, "x")
    except InputError as error:
        assert "\n" not in str(error)


_DATA: dict[str, Any] = {}


def read() -> dict[str, Any]:
    """Contents of the shipped hardware file; read only once."""
    return _DATA or _DATA.update(read_hardware("cofluent64")) or _DATA


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2", Fraction(3, 10)),
        ("log2(32)", Fraction(5)),
        ("log2(1/8)", Fraction(-3)),
        ("ceil(log2(33))", Fraction(6)),
        ("-3 - -4", Fraction(1)),
        ("1e3", Fraction(1000)),
        ("max(1, 2, 3) / min(4, 8)", Fraction(3, 4)),
    ],
)
def test_exact_values(text: str, value: Fraction) -> None:
    assert parse(text).value(VALUES.__getitem__) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2 ** 3", "may consist of"),
        ("7 // 2", "may consist of"),
        ("7 % 2", "may consist of"),
        ("__import__('os')", "may consist of"),
        ("abs(1)", "may consist of"),
        ("array.pes.bit_length()", "may consist of"),
        ("(1).real", "may consist of"),
        ("(lambda: 1)()", "may consist of"),
        ("[x for x in (1, 2)]", "may consist of"),
        ("1 if 1 else 2", "may consist of"),
        ("(1, 2)", "may consist of"),
        ("max(*array.pes, 1)", "may consist of"),
        ("min(1, 2, key=3)", "may consist of"),
        ("1 < 2", "may consist of"),
        ("1 or 2", "may consist of"),
        ("not 1", "may consist of"),
        ("+1", "may consist of"),
        ("1j", "may consist of"),
        ("True", "may consist of"),
        ("...", "may consist of"),
        ("x := 1", "may consist of"),
        ("16:32", "ranges belong to `simulate sweep`"),
        ("16:1024:x2", "ranges belong to `simulate sweep`"),
        ("1_000", "1_000 is not a number"),
        ("array.pes * 1_0", "1_0 is not a number"),
        ("0b11 + 1", "0b11 is not a number"),
        ("1 +", "malformed"),
        ("", "malformed"),
        ("(" * 300, "malformed"),
        ("-" * 200 + "1", "32 levels"),
        ("1" * 500, "400 characters"),
        ("1e400", "above 10^18"),
        ("1" * 300, "above 10^18"),
        ("1e10 * 1e10", "above 10^18"),
        ("ceil(1, 2)", "ceil takes one value, not 2"),
        ("max(1)", "max takes two values or more, not 1"),
        ("1 / (2 - 2)", "division by zero"),
        ("log2(0)", "not positive"),
        ("/".join(["1", *["999999999999"] * 6]), "denominator"),
    ],
)
def test_refused_expressions(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        parse(text).value(VALUES.__getitem__)
    assert reason in str(caught.value)


# --- links of hardware --------------------------------------------------------------------------


def test_words_and_numbers_are_no_expressions() -> None:
    schema = number_schema("lut_array")
    for key, text in [
        ("memory.activation_buffer.bytes_per_cycle", "windows"),
        ("array.pe.lut_subbanks", "none"),
        ("array.spatial", "output_pixels"),
        ("memory.dram.timing", "ddr4-2400"),
        ("name", "array.pes * 2"),
        ("array.pes", "64"),
    ]:
        assert not is_expression(key, text, schema)
    assert is_expression("memory.index_buffer.ports", "array.pe.lut_banks", schema)


class TestLinks:
    def test_follow_every_override_whatever_the_order(self) -> None:
        for overrides in (["array.pes=128", f"{PORT}={DEMAND}"], [f"{PORT}={DEMAND}"]):
            machine = load_hardware("cofluent64", overrides)
            assert machine.memory.index_buffer.bytes_per_cycle == machine.array.pes * 4 * 5 / 8
        late = load_hardware("cofluent64", [f"{PORT}={DEMAND}", "array.pes=128"])
        assert late.memory.index_buffer.bytes_per_cycle == 320

    def test_a_file_with_a_link(self, tmp_path: Path) -> None:
        file = linked_file(tmp_path)
        assert load_hardware(file).memory.index_buffer.bytes_per_cycle == 160
        assert port_of(load_hardware(file, ["array.pes=32"])) == 80
        broken = load_hardware(file, ["array.pes=32", f"{PORT}=99"])
        assert port_of(broken) == 99
        assert not broken.links

    def test_loaded_hardware_keeps_its_links(self, tmp_path: Path) -> None:
        machine = load_hardware(linked_file(tmp_path))
        assert port_of(simulate(NET, machine, tau=5, set={"array.pes": 32}).hardware) == 80

    def test_links_of_links_are_exact(self) -> None:
        third = {"clock_ghz": "1 / 3", "array.pes": "clock_ghz * 192"}
        assert hardware_from(read(), third, "x").array.pes == 64

    def test_defaults_count(self) -> None:
        text = "array.pe.index_register_sets * 80"
        assert port_of(hardware_from(read(), {PORT: text}, "x")) == 160


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([f"{PORT}=arry.pes*2"], ["unknown key 'arry.pes'", "did you mean 'array.pes'?"]),
        ([f"{PORT}=array.spatial*2"], ["array.spatial is not a number"]),
        ([f"{PORT}=array.pe.lut_subbanks*2"], ["array.pe.lut_subbanks, which is none"]),
        ([f"{PORT}=memory.dram.ranks*2"], ["memory.dram.ranks, which is not set"]),
        ([f"{PORT}={PORT}*2"], ["refers to itself"]),
        ([f"{PORT}=array.pes/0"], ["division by zero"]),
        ([f"{PORT}=array.pes-64"], ["0: expected float > 0"]),
        (["array.pes=array.pe.accumulators*2.6"], ["10.4 is not a whole number", "ceil("]),
        (["array.spatial=array.pes*2"], ["array.spatial is 'array.pes*2'"]),
        (["array.pes=pes*2"], ["did you mean 'array.pes'?"]),
        (
            [f"array.pes={PORT}", f"{PORT}=array.pes"],
            ["circle of references", f"array.pes -> {PORT} -> array.pes"],
        ),
    ],
)
def test_refused_links(settings: list[str], words: list[str]) -> None:
    given = [part for setting in settings for part in ("--set", setting)]
    line = refusal("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", *given)
    for word in (f"--set {settings[0]}", *words):
        assert word in line


def test_an_error_of_a_file_names_file_and_key(tmp_path: Path) -> None:
    file = linked_file(tmp_path, "array.pess * 2")
    line = refusal("--hw", file, "--model", "r20", "--bits", "0.56")
    for word in (str(file), f"{PORT} is 'array.pess * 2'", "did you mean 'array.pes'?"):
        assert word in line


def run_command(*arguments: object) -> None:
    """Run `simulate` in this process."""
    cli.main([str(argument) for argument in arguments], standalone_mode=False)


def refusal(*arguments: object) -> str:
    """The line that `simulate` prints when it refuses its arguments."""
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        run_command(*arguments)
    return str(caught.value)


def linked_file(folder: Path, expression: str = DEMAND) -> Path:
    """The shipped hardware file with an index port that grows with the array."""
    text = shipped.find("hw_configs", "cofluent64").read_text()
    assert "bytes_per_cycle: 160" in text
    file = folder / "linked.yaml"
    file.write_text(text.replace("bytes_per_cycle: 160", f"bytes_per_cycle: {expression}"))
    return file


def port_of(machine: Any) -> float:
    """Bytes per cycle of the index port."""
    return float(machine.memory.index_buffer.bytes_per_cycle)


# --- results and studies ------------------------------------------------------------------------


SET = {"array.pes": 32, PORT: "array.pes * 2.5"}


class TestResults:
    def test_equal_the_same_run_with_numbers(self) -> None:
        linked = simulate(NET, "cofluent64", tau=5, set=SET)
        plain = simulate(NET, "cofluent64", tau=5, set={"array.pes": 32, PORT: 80})
        assert linked.cycles == plain.cycles
        assert linked.config_sha256 == plain.config_sha256

    def test_show_the_number_and_the_expression(self, tmp_path: Path) -> None:
        result = simulate(NET, "cofluent64", tau=5, set=SET)
        pes, port = result.settings
        assert [(moved.key, moved.before, moved.after) for moved in pes.linked] == [(PORT, 160, 80)]
        assert (port.after, port.expression) == (80, "array.pes * 2.5")
        assert f"{PORT} 160 -> 80 (array.pes * 2.5)" in port.sentence
        own = simulate(NET, linked_file(tmp_path), tau=5)
        assert f"{PORT} is 160, which follows from other keys: {DEMAND}." in own.notes()
        assert (PORT, f"160.0 = {DEMAND}") in page_data(own, (), None)["configuration"]

    def test_rerun_equal(self, tmp_path: Path) -> None:
        file = tmp_path / "summary.json"
        file.write_text(json.dumps(simulate(NET, "cofluent64", tau=5, set=SET).saved()))
        assert verify(file).equal

    def test_compare(self) -> None:
        results = [simulate(NET, "cofluent64", tau=5, set=s) for s in ({}, SET)]
        rows = {row.key: (row.a, row.b) for row in compare(*results).configuration}
        assert rows[f"hardware.{PORT}"] == (160, 80)
        assert rows[f"links.{PORT}"] == (None, "array.pes * 2.5")
        results[0] = simulate(NET, "cofluent64", tau=5, set={PORT: "array.pes * 2.5"})
        both = {row.key: (row.a, row.b) for row in compare(*results).configuration}
        assert both[f"links.{PORT}"] == ("array.pes * 2.5", "array.pes * 2.5")


class TestStudies:
    def test_values_and_expressions(self) -> None:
        study = sweep(
            "r20",
            "cofluent64",
            tau=5,
            input_size=8,
            set={"array.pes": [32, 64], PORT: ["array.pes*2.5", "max(40, array.pes)"]},
        )
        assert study.frame[f"hw.{PORT}"].tolist() == [80, 40, 160, 64]
        assert study.frame["links"].tolist()[:2] == [
            f"{PORT} = array.pes*2.5",
            f"{PORT} = max(40, array.pes)",
        ]
        assert study.figures.axes[PORT] == ("array.pes*2.5", "max(40, array.pes)")
        texts = [str(link) for link in study.study.links]
        assert texts == [f"{PORT} = array.pes*2.5", f"{PORT} = max(40, array.pes)"]

    def test_a_linked_key_of_all_points_is_no_axis(self) -> None:
        text = {"array.pes": "32:64:x2", PORT: "array.pes*2.5"}
        study = sweep("r20", "cofluent64", tau=5, input_size=8, set=text)
        assert [effect.axis for effect in study.effects] == ["array.pes"]

    def test_points_file(self, tmp_path: Path) -> None:
        points = tmp_path / "points.csv"
        rows = ['32,"max(array.pes, 9)"', "64,array.pes*2", "64,"]
        points.write_text("\n".join([f"array.pes,{PORT}", *rows]) + "\n")
        given = ["--hw", "cofluent64", "--model", "r20", "--tau", 5, "--input-size", 8]
        run_command("sweep", "--points", points, *given, "--out", tmp_path / "s", "--jobs", 1)
        from simulator.base.tabular import existing_table, read_frame

        table = existing_table(tmp_path / "s", "study")
        assert table is not None
        assert read_frame(table)[f"hw.{PORT}"].tolist() == [32, 128, 160]

    @pytest.mark.parametrize(
        ("setting", "word"),
        [
            (f"{PORT}=arry.pes*2", "did you mean 'array.pes'?"),
            (f"{PORT}={PORT}*2", "refers to itself"),
            (f"{PORT}=2**3", "may consist of"),
        ],
    )
    def test_refused(self, tmp_path: Path, setting: str, word: str) -> None:
        given = ["--hw", "cofluent64", "--model", "r20", "--tau", "5", "--out", tmp_path / "s"]
        assert word in refusal("sweep", *given, "--set", setting)

    def test_circle(self) -> None:
        given = {"array.pes": PORT, PORT: "array.pes"}
        with pytest.raises(InputError, match="circle of references"):
            sweep("r20", "cofluent64", tau=5, set=given)

    def test_search(self) -> None:
        keys = {"array.pes": "32,64", PORT: "array.pes*2.5"}
        found = search(NET, "cofluent64", "time", taus=[5], mean_bits=0.9, set=keys)
        assert found.settings == {"array.pes": 64, PORT: 160}
        assert f"{PORT} = 160.0 (array.pes*2.5)" in " ".join(str(found).split())


def test_commas_inside_parentheses_do_not_separate_values() -> None:
    assert parts_of("1,max(2,min(3, 4)),5") == ["1", "max(2,min(3, 4))", "5"]
