"""Figures for the options `--plot` and `--style` of `sweep`, and invalid combinations."""

from pathlib import Path

import pytest

from tests.conftest import Command
from tests.test_bad_input import NET, refused

pytestmark = pytest.mark.command

RUN = (
    "sweep", "--hw", "cofluent64", "--model", "net.yaml", "--bits", "1,0.56", "--jobs", 1,
    "--set", "array.pes=4,8",
)  # fmt: skip
PLOT = ("--plot", "x=array.pes", "y=time_ms", "hue=bits")


@pytest.fixture(autouse=True)
def net(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)


@pytest.mark.slow
def test_a_plot_of_ones_own_for_a_paper(command: Command, tmp_path: Path) -> None:
    done = command(*RUN, *PLOT, "--style", "paper", "--out", "s")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "s").iterdir()}
    assert {"plot.pdf", "plot.svg", "scaling.pdf", "scaling.svg"} <= names
    assert not [name for name in names if name.endswith(".png")]
    assert (tmp_path / "s/plot.pdf").read_bytes().startswith(b"%PDF")
    assert "plot.pdf" in done.stdout


def test_a_run_for_a_paper(command: Command, tmp_path: Path) -> None:
    run = ("--hw", "cofluent64", "--model", "net.yaml", "--tau", 5)
    done = command(*run, "--style", "paper", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert {"timeline.pdf", "timeline.svg"} <= {path.name for path in (tmp_path / "o").iterdir()}
    assert not list((tmp_path / "o").glob("*.png"))
    refused(command, *run, "--style", "paper")  # the figure would be empty


@pytest.mark.parametrize(
    "options",
    [
        ("--plot", "x=array.pes", "y=nonsense", "--out", "s"),
        ("--plot", "y=time_ms", "--out", "s"),
        ("--plot", "x=array.pes", "y=bottleneck", "--out", "s"),
        PLOT,
        ("--style", "poster", "--out", "s"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_the_run(
    command: Command, tmp_path: Path, options: tuple[str, ...]
) -> None:
    refused(command, *RUN, *options)
    assert not (tmp_path / "s").exists()
