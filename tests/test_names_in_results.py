"""Names that results cannot show: characters without a glyph, and file names that are not UTF-8."""

from io import BytesIO
from pathlib import Path

import pytest

from simulator import InputError
from simulator.base.figures import figure_settings
from simulator.base.guard import require_utf8
from simulator.base.notices import listening, tell
from simulator.studies.axes import axis
from tests.conftest import Command
from tests.test_bad_input import refused

pytestmark = pytest.mark.unit

WRONG = "net\udcff.yaml"
"""A name with the byte FF, as Python decodes it."""


def test_characters_without_a_glyph_are_named_once() -> None:
    from matplotlib.figure import Figure

    heard: list[str] = []
    with listening(heard.append):
        for _ in range(2):
            with figure_settings({}):
                figure = Figure()
                figure.text(0, 0, "conv \u7f51\u7edc")
                figure.savefig(BytesIO())
    (only,) = heard
    assert only.endswith("because their font lacks them: \u7edc\u7f51")


def test_equal_notices_come_once() -> None:
    heard: list[str] = []
    with listening(heard.append):
        for what in ("a", "b", "a"):
            tell(what)
    assert heard == ["a", "b"]


def test_names_in_tables_are_utf8() -> None:
    assert require_utf8("r20") == "r20"
    for name in ("hw", "model"):
        with pytest.raises(InputError, match=r"^'net.udcff[.]yaml': the results name this file"):
            axis(name, WRONG)


@pytest.mark.command
def test_a_comparison_that_would_be_written(command: Command, tmp_path: Path) -> None:
    line = refused(command, "compare", WRONG, WRONG, "--out", tmp_path / "out")
    assert "its name is not UTF-8; rename it" in line
    assert not (tmp_path / "out").exists()
