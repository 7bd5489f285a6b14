"""Errors of a CSV of points: each names the file and the first line that causes it."""

from pathlib import Path

import pytest

from simulator import InputError
from simulator.studies import points_study
from simulator.studies.axes import axis

pytestmark = pytest.mark.unit

GOOD = "cofluent64,r20,0.56,64"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("nope,r20,1,32", "unknown hardware configuration 'nope'"),
        ("cofluent64,r20x,1,32", "unknown network 'r20x'"),
        ("cofluent64,r20,1,foo", "array.pes is 'foo': unknown key 'foo'"),
        ("cofluent64,r20,1,array.foo*2", "array.pes is 'array.foo[*]2': unknown key 'array.foo'"),
        (",r20,1,32", "a point lacks hw or model"),
        ("cofluent64,,1,32", "a point lacks hw or model"),
        ("cofluent64,r20,x,32", "bits 'x': expected a number"),
    ],
)
def test_the_line_of_a_wrong_value(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text("\n".join(["hw,model,bits,array.pes", GOOD, "", row, GOOD, row]))
    with pytest.raises(InputError, match=f"points[.]csv, line 4: {words}"):
        points_study(path)


def test_a_wrong_key_is_in_the_header(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("hw,model,bits,array.pez\n" + GOOD)
    with pytest.raises(InputError, match=r"points\.csv, line 1: unknown key 'array\.pez'"):
        points_study(path)


def test_a_wrong_option_is_in_no_line(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("bits,array.pes\n0.56,64")
    with pytest.raises(InputError, match=r"^unknown network 'r20x'"):
        points_study(path, [axis("hw", "cofluent64"), axis("model", "r20x")])
