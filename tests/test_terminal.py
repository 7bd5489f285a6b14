"""The output at 80 columns and at other widths: every number whole, no line too long."""

import re
from functools import cache
from io import StringIO
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from simulator import Result, load_hardware, load_workload, simulate
from simulator.analysis.layers import LATENCY
from simulator.analysis.title import closing, scope_title, times_in_one_unit, title
from simulator.base.lines import print_line, shown, wrapped
from simulator.cli import cli
from simulator.machines.lut_array.vocabulary import UNITS
from simulator.report.tables import Column, Table, print_table, scaled
from simulator.report.terminal import print_result
from tests.trained import NETWORK, state_dict

R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")
NETWORKS = (
    ("r18", {}),
    ("r18", {"batch": 100}),
    ("r18", {"input_size": (4096, 4096)}),
    ("r18", {"scope": "weights", "batch": 64, "activation_bits": 2}),
    ("r50", {}),
    ("ssd300-vgg16", {"scope": "weights"}),
    ("faster-rcnn-r18", {"batch": 64}),
    ("trained-r20-0.56", {}),
    ("r20-digits", {}),
)


@cache
def _run(number: int) -> Result:
    name, options = NETWORKS[number]
    options = dict(options)
    workload = load_workload(name, options.pop("input_size", None))
    bits = None if workload.is_trained else 0.56
    return simulate(workload, load_hardware("cofluent64"), bits=bits, **options)


def printed(draw: object, width: int, encoding: str = "utf-8") -> list[str]:
    """Lines of a console's output."""
    file = _Encoded(encoding)
    draw(Console(file=file, width=width, color_system=None))  # type: ignore[operator]
    return file.getvalue().splitlines()


class _Encoded(StringIO):
    """Text that another encoding must be able to represent."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def write(self, text: str) -> int:
        text.encode(self._encoding)
        return super().write(text)


def cells_of(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    """Titles and rows of the only table in the lines, cut where all lines are blank."""
    rule = next(n for n, line in enumerate(lines) if line.startswith("──"))
    first = max((n for n in range(rule) if not lines[n]), default=-1) + 1
    last = next(n for n in range(rule, len(lines)) if not lines[n])
    head, body = lines[first:rule], lines[rule + 1 : last]
    width = max(map(len, [*head, *body]))
    padded = [line.ljust(width) for line in [*head, *body]]
    used = [any(line[x] != " " for line in padded) for x in range(width)]
    places = [x for x, some in enumerate(used) if some]
    spans = [[x for _, x in run] for _, run in groupby(enumerate(places), lambda p: p[0] - p[1])]
    rows = [[line[span[0] : span[-1] + 1].strip() for span in spans] for line in padded]
    titles = [" ".join(filter(None, parts)) for parts in zip(*rows[: len(head)], strict=True)]
    return titles, rows[len(head) :]


_FACTOR = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}
_TIMES = {"ns": 1e-3, "µs": 1, "ms": 1e3, "s": 1e6}


def close(cell: str, value: float) -> bool:
    """True if a cell shows a value, rounded to the cell's last digit."""
    decimals = len(cell.partition(".")[2])
    return abs(float(cell.replace(",", "")) - value) <= 0.5000001 * 10**-decimals


def expected(heading: str, rows: list[dict[str, object]]) -> float | None:
    """Value of a column for one layer, or for a sum of layers; None for words and ratios."""

    def total(*keys: str) -> float:
        return sum(float(row[key]) for row in rows for key in keys)  # type: ignore[arg-type]

    moved = ("dram_read_bytes", "dram_written_bytes")
    base = "baseline_" if heading.startswith("baseline") else ""
    word = heading.removeprefix("baseline").strip()
    scaled_title = re.fullmatch(r"([kMG]?)(MAC|weights|cycles|)", word)
    if scaled_title:
        prefix, name = scaled_title.groups()
        key = {"MAC": "macs", "weights": "weights"}.get(name, f"{base}cycles")
        return total(key) / _FACTOR[prefix]
    if word in _TIMES:
        return total(f"{base}time_us") / _TIMES[word]
    if word.endswith("kB"):
        return total(*(base + key for key in moved)) / 1e3
    if word == "PE util. %":
        work = sum(float(r["utilization"]) * float(r["cycles"]) for r in rows)  # type: ignore[arg-type]
        return 100 * work / total("cycles")
    return None


class TestTable:
    @pytest.mark.unit
    @pytest.mark.parametrize(
        "width", [40, 80, 200, *(pytest.param(n, marks=pytest.mark.slow) for n in (60, 100, 120))]
    )
    @pytest.mark.parametrize("number", range(len(NETWORKS)))
    def test_every_number_is_that_of_layers_csv(self, number: int, width: int) -> None:
        result = _run(number)
        lines = printed(lambda console: print_result(result, console), width)
        assert not any("…" in line for line in lines)
        assert all(len(line) <= width for line in lines)
        titles, cells = cells_of(lines)
        assert {"layer", "speedup"} <= set(titles)
        assert any("cycles" in heading for heading in titles)
        rows = {row["layer"]: [row] for row in result.layer_rows()}
        stages: dict[str, list[dict[str, object]]] = {}
        for row in result.layer_rows():
            stages.setdefault(f"= {row['stage']}", []).append(row)
        rows |= {**stages, "TOTAL": result.layer_rows()}
        several = [stage for stage, members in stages.items() if len(members) > 1]
        names = [line[0] for line in cells]
        assert sorted(names) == sorted(
            [*(r["layer"] for r in result.layer_rows()), *several, "TOTAL"]
        )
        for line in cells:
            members = rows[line[0]]
            for heading, cell in zip(titles[1:], line[1:], strict=True):
                value = expected(heading, members)
                if value is not None:
                    assert close(cell, value), (line, heading, value)
                elif heading == "speedup":
                    ratio = [sum(r[key] for r in members) for key in ("baseline_cycles", "cycles")]
                    assert close(cell.removesuffix("×"), ratio[0] / ratio[1])
                elif heading == "in→out" and cell:
                    assert cell == f"{members[0]['in_channels']}→{members[0]['out_channels']}"
                elif heading == "output" and cell:
                    assert cell == f"{members[0]['output_height']}x{members[0]['output_width']}"

    @pytest.mark.unit
    def test_the_first_screen(self) -> None:
        lines = printed(lambda console: print_result(_run(0), console), 80)
        assert lines[:6] == [
            "ResNet-18 (ImageNet), 224x224, on cofluent64 (64 PEs at 1 GHz): 0.56 bit (tau 5)",
            "  against 1 bit on the same PEs; scope binary, 16 of 21 layers with weights:",
            "  binary 3×3 convolutions",
            "",
            "layer           in→out output    MMAC    weights   cycles  baseline speedup lim",
            "─" * 79,
        ]
        assert lines[6] == (
            "layer1.0.conv1   64→64  56x56   115.6     36,864  100,620   201,141   2.00× D"
        )
        assert lines[-6:] == [
            "= layer4                        404.6  8,257,536  176,528   703,248   3.98×",
            "TOTAL                          1676.3 10,985,472  931,456 2,913,145   3.13×",
            "",
            "lim, the bottleneck: F index fetch, D dot units, A accumulators, R drain.",
            "speedup 3.13×: 0.931 ms at 0.56 bit, 2.913 ms at 1 bit",
            "throughput, scope binary: 1,074 images/s at 0.56 bit, 343.3 images/s at 1 bit",
        ]

    @pytest.mark.unit
    def test_letters_are_the_units_of_bound_by_and_all_are_explained(self) -> None:
        names = {unit.letter: unit.title for unit in UNITS}
        names["–"] = LATENCY
        for number in (0, 3, 5, 7):
            result = _run(number)
            lines = printed(lambda console, r=result: print_result(r, console), 120)
            titles, cells = cells_of(lines)
            place = titles.index("lim")
            bounds = {row["layer"]: row["bound_by"] for row in result.layer_rows()}
            used = set()
            for line in cells:
                if line[0] in bounds:
                    used |= set(line[place])
                    assert {names[c] for c in line[place]} == set(bounds[line[0]].split(" + "))
            (legend,) = [line for line in lines if line.startswith("lim, ")]
            assert used <= {part.split()[0] for part in legend.split(": ")[1].split(", ")}

    @pytest.mark.unit
    def test_long_names_are_cut_in_the_middle_and_numbers_are_not(self) -> None:
        names = [f"block.{'x' * 190}.{n}" for n in range(3)]
        numbers = ["1,234,567,890,123", "22", "333,333"]
        columns = [
            Column(title="layer", cells=names, kind="name"),
            Column(title="cycles", cells=numbers),
            Column(title="spare", cells=numbers, importance=1),
        ]
        lines = printed(lambda console: print_table(Table(columns=columns), console), 80)
        assert all(len(line) <= 80 for line in lines)
        for name, number, line in zip(names, numbers, lines[2:], strict=True):
            assert line.split()[1:] == [number, number]
            assert re.fullmatch(r"block.x+…x+\.\d", line.split()[0])
            assert line.split()[0][-1] == name[-1]

    @pytest.mark.unit
    def test_names_stay_whole_as_long_as_the_numbers_that_matter_fit(self) -> None:
        columns = [
            Column(title="layer", cells=["n" * 50], kind="name"),
            Column(title="cycles", cells=["1,234,567"]),
            Column(title="spare", cells=["1,234,567,890,123,456"], importance=1),
        ]
        lines = printed(lambda console: print_table(Table(columns=columns), console), 62)
        assert lines[-1].split() == ["n" * 50, "1,234,567"]

    @pytest.mark.unit
    def test_a_number_wider_than_the_terminal_is_whole_all_the_same(self) -> None:
        column = Column(title="n", cells=["123,456,789"])
        lines = printed(lambda console: print_table(Table(columns=[column]), console), 5)
        assert lines[-1] == "123,456,789"

    @pytest.mark.unit
    def test_units_grow_only_as_far_as_two_digits_of_the_smallest_stay(self) -> None:
        forms = scaled("cycles", [1_234, 56_789_012])
        assert [form.title for form in forms] == ["cycles", "kcycles", "Mcycles"]
        assert [list(form.cells) for form in forms[:2]] == [
            ["1,234", "56,789,012"], ["1.2", "56,789.0"],
        ]  # fmt: skip
        assert list(forms[2].cells) == ["0.0012", "56.7890"]


class TestLines:
    @pytest.mark.unit
    def test_lines_wrap_between_words_and_long_words_stay_whole(self) -> None:
        path = "/a/very/long/" + "path" * 10
        lines = printed(lambda console: print_line(console, f"written: {path}, x.csv"), 20)
        assert lines == ["written:", f"  {path},", "  x.csv"]
        assert wrapped("it took 12 ms", 10) == ["it took", "12 ms"]  # not "12" alone

    @pytest.mark.unit
    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
    def test_other_encodings(self, encoding: str) -> None:
        lines = printed(lambda console: print_result(_run(0), console), 80, encoding)
        assert all(len(line) <= 80 for line in lines)
        assert shown("64→64 3×3 µs τ", "ascii") == "64->64 3x3 us tau"
        assert shown("layer\x1b[2J", "utf-8") == "layer?[2J"

    @pytest.mark.command
    def test_an_ascii_stdout(self) -> None:
        done = CliRunner(charset="ascii").invoke(cli, R20)
        assert done.exit_code == 0, done.output
        assert "speedup 1." in done.output
        assert "in->out" in done.output


class TestTitle:
    @pytest.mark.unit
    def test_scope(self) -> None:
        scopes = [scope_title(_run(number).run.workload) for number in (0, 3, 4, 5)]
        assert scopes == [
            "scope binary, 16 of 21 layers with weights: binary 3×3 convolutions",
            "scope weights, all 21 layers with weights: 16 binary 3×3 convolutions, 5 in full "
            "precision",
            "scope binary, 52 of 54 layers with weights: binary 3×3 and 1×1 convolutions",
            "scope weights, all 35 layers with weights: 22 binary 3×3 and 1×1 convolutions, 13 in "
            "full precision",
        ]

    @pytest.mark.unit
    def test_batch_and_activation_bits(self) -> None:
        assert "on the same PEs, 64 images, 2-bit activations; scope weights, all" in title(_run(3))
        assert "images" not in title(_run(0))

    @pytest.mark.unit
    def test_times_have_three_digits_whatever_their_size(self) -> None:
        assert closing(_run(0))[1] == "0.931 ms at 0.56 bit, 2.913 ms at 1 bit"
        assert closing(_run(7))[1] == "12.980 µs at 0.56 bit, 19.764 µs at 1 bit"
        for factor in (1e-6, 1e-3, 1, 1e3, 1e6):
            for text in times_in_one_unit([0.0931 * factor, 2.9 * factor]):
                assert len(text.split()[0].replace(".", "").lstrip("0")) >= 3 or "ns" in text


COMMANDS = {
    "why": (*R20, "--why", "--what-helps", "--energy", "45nm", "--check"),
    "set": (*R20, "--set", "array.pes=128", "--set", "memory.index_buffer.kib=64"),
    "out": (*R20, "--out", "out", "--report", "r.html", "--perfetto", "p"),
    "ssd300": ("--hw", "cofluent64", "--model", "ssd300-vgg16", "--bits", "0.56", "--batch", "64",
               "--scope", "weights"),
    "compare": ("compare", "cofluent64", "--set", "array.pes=64,128", *R20[2:], "--energy", "7nm"),
    "search": ("search", *R20[:4], "--objective", "bits", "--max-time-ms", "9"),
    "sweep": ("sweep", *R20, "--set", "array.pes=16:64:x2", "--out", "study"),
    "ops": ("ops", "--model", "r50-cifar10", "--bits", "0.59"),
    "extract": ("extract", "net.npz", "--network", "small.yaml", "--subset", "frequent"),
    "kernels": ("kernels", "trained-r20-1", "trained-r20-0.56", "--out", "kernels"),
    "reproduce": ("reproduce", "table6", "--out", "reports", "--quiet"),
}  # fmt: skip


@pytest.mark.command
@pytest.mark.parametrize(
    "columns", [80, *(pytest.param(n, marks=pytest.mark.slow) for n in (60, 120))]
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(x, marks=[pytest.mark.slow] * (x in {"ssd300", "out", "sweep", "kernels"}))
        for x in COMMANDS
    ],
)
def test_no_line_of_any_command_is_too_long_or_cut(
    name: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(NETWORK)
    np.savez("net.npz", **state_dict(tau=5))  # type: ignore[arg-type]
    done = CliRunner().invoke(cli, COMMANDS[name], env={"COLUMNS": str(columns)})
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines or name == "reproduce"
    assert "…" not in done.stdout
    assert [line for line in lines if len(line) > columns] == []


@pytest.mark.command
@pytest.mark.parametrize("columns", ["", "0", "-3", "wide", "99999999999"])
def test_a_pipe_has_80_columns_unless_columns_is_a_width(columns: str) -> None:
    as_80 = CliRunner().invoke(cli, R20, env={"COLUMNS": "80"}).stdout
    assert CliRunner().invoke(cli, R20, env={"COLUMNS": columns}).stdout == as_80
