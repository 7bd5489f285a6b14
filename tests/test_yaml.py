"""YAML 1.2: the value of each plain scalar, and refusals before any code that could crash."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import load_hardware
from simulator.base.errors import InputError
from simulator.base.yaml_text import parse_yaml
from simulator.studies.axes import axis, setting_axis
from simulator.workload import load_workload

NETWORK = """
name: n
title: n
ops_convention: main_paper
input: {channels: 3, height: 064, width: 0x20}
layers:
  - {name: c, type: conv, precision: binary, out_channels: 0o10, kernel: 3, padding: 1}
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("064", 64),
        ("-007", -7),
        ("+8", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e-1", 0.1),
        ("1E3", 1000.0),
        ("6.", 6.0),
        (".5", 0.5),
        ("-.Inf", float("-inf")),
        ("true", True),
        ("False", False),
        ("~", None),
        ("Null", None),
        ("", None),
        # texts, though numbers, dates or truth values in YAML 1.1
        ("16:32", "16:32"),
        ("1:30.5", "1:30.5"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("2020-01-01", "2020-01-01"),
        ("2020-13-45", "2020-13-45"),
        ("=", "="),
        # quotes and explicit tags
        ('"064"', "064"),
        ("!!str 064", "064"),
        ("!!int 0x10", 16),
        ("!!float 3", 3.0),
    ],
)
def test_scalars(text: str, value: object) -> None:
    parsed = parse_yaml(text, "f")
    assert (parsed, type(parsed)) == (value, type(value))


TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("é×µ卷\t\n"), max_size=8
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_json_is_yaml(data: Any) -> None:
    """The standard library's reader of JSON gives the same values."""
    text = json.dumps(data, ensure_ascii=False)
    assert parse_yaml(text, "f") == json.loads(text)


def test_keys_are_texts() -> None:
    assert parse_yaml("{on: 1, 064: 2, 1.0: 3, ~: 4}", "f") == {
        "on": 1, "064": 2, "1.0": 3, "~": 4,
    }  # fmt: skip


def test_merge_keys_with_overrides_at_any_depth() -> None:
    text = "x: {b: &b {<<: &a {k: 1, l: 1}, k: 2}}\nc: {<<: *b, l: 3}\nd: *a\n"
    assert parse_yaml(text, "f") == {
        "x": {"b": {"k": 2, "l": 1}}, "c": {"k": 2, "l": 3}, "d": {"k": 1, "l": 1},
    }  # fmt: skip


def doubled(first: str, form: str) -> str:
    """Anchors that each refer twice to the previous one: 2^40 values."""
    lines = [f"a{n}: &a{n} {form.format(f'*a{n - 1}, *a{n - 1}')}" for n in range(1, 41)]
    return "\n".join([f"a0: &a0 {first}", *lines])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!!int x", "'x' is not of the type !!int"),
        ("!!bool yes", "'yes' is not of the type !!bool"),
        ("!!float {a: 1}", "expected a scalar node"),
        ("!!map [1]", "expected keys and values"),
        ("!!timestamp 2020-13-45", "timestamp"),
        ("!!binary ====", "binary"),
        ("!!set {a, b}", "set"),
        ("!!python/object/apply:os.getcwd []", "python"),
        ("- <<", "merge"),
        ("? [1]\n: 2", "a key is a list or a mapping"),
        ("{{a: 1}: 2}", "a key is a list or a mapping"),
        ("{a: 1, a: 2}", "'a' is given twice"),
        ("9" * 5000, "a number of 5,000 digits; at most 40"),
        ("0x" + "f" * 5000, "a number of 5,002 digits"),
        ("[" * 100_000, "more than 64 levels"),
        ("{a: " * 100_000, "more than 64 levels"),
        ("- " * 100_000, "more than 64 levels"),
        ("? " * 100_000, "more than 64 levels"),
        ("a: &a [*a]", "'a' refers to its own contents"),
        (doubled("[1]", "[{}]"), "more than 8,388,608 values"),
        (doubled("{k: 1}", "{{<<: [{}]}}"), "more than 8,388,608 values"),
        ("a: *b", "undefined alias"),
        ("a\n---\nb", "another document"),
        ("\x00", "control characters"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=r"^f(, line \d+)?: malformed YAML: [^\n]*$") as caught:
        parse_yaml(text, "f")
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 200


class TestUse:
    def test_network_files(self, tmp_path: Path) -> None:
        path = tmp_path / "n.yaml"
        path.write_text(NETWORK)
        workload = load_workload(path)
        (layer,) = workload.layers
        assert (workload.input_height, workload.input_width) == (64, 32)
        assert layer.out_channels == 8

    def test_overrides(self) -> None:
        hardware = load_hardware("cofluent64", ["array.pes=032", "clock_ghz=5e-1"])
        assert (hardware.pes, hardware.clock_ghz) == (32, 0.5)

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("array.pes=16:32", "ranges belong to `simulate sweep`"),
            ("clock_ghz=1:30", "ranges belong to `simulate sweep`"),
            ("array.pes=1_000", "1_000 is not a number"),
            ("array.pes=0b11", "0b11 is not a number"),
            ("array.pes='64'", "write a number without quotes"),
            ("array.pes=!!int x", "not of the type !!int"),
        ],
    )
    def test_refused_overrides(self, override: str, words: str) -> None:
        with pytest.raises(InputError, match=r"^--set [^\n]*$") as caught:
            load_hardware("cofluent64", [override])
        assert words in str(caught.value)

    def test_points_of_studies(self) -> None:
        assert setting_axis("array.pes=016,032,0x40").values == (16, 32, 64)
        assert axis("tau", "01,02").values == (1, 2)
        assert axis("bits", "5.6e-1,1").values == (0.56, 1.0)

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("batch", "1_0", "expected a whole number"),
            ("batch", "1.5", "expected a whole number"),
            ("tau", "true", "expected a whole number"),
            ("bits", "1_0", "expected a number"),
            ("bits", "9" * 5000, "digits"),
            ("array.pes", "1:1e99:x2", "is not below"),
            ("array.pes", "1:1e999999999:x2", "not a number"),
            ("array.pes", "1e-999999999:1:x2", "not a number"),
            ("array.pes", "1_0:100:x2", "not a number"),
            ("array.pes", "1:100:xnan", "not a number"),
            ("array.pes", f"1:{'9' * 5000}:x2", "not a number"),
        ],
    )
    def test_refused_points(self, name: str, text: str, words: str) -> None:
        with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
            axis(name, text)
        assert words in str(caught.value)
