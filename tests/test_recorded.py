"""Values that must not change: the tests compare every run with the record in tests/recorded/.

After an intended change of a value, record it again as in tests/recorded/README.md.
"""

import pytest

from simulator.machines.families import family_of
from tests.conftest import ROOT
from tests.recorded.configurations import configuration, shipped_configurations
from tests.recorded.figures import differences, figures, read_figures, trace_digest
from tests.recorded.record import case_table, is_random

pytestmark = pytest.mark.unit

RECORDED = read_figures()
RANDOM = [name for name in RECORDED if is_random(name)]
SHIPPED = [name for name in RECORDED if not is_random(name)]
CHUNK = 10
"""Number of random configurations per test."""
QUICK = RANDOM[::6]


def chunks(names: list[str]) -> list[list[str]]:
    return [names[first : first + CHUNK] for first in range(0, len(names), CHUNK)]


def runs_fast(name: str) -> bool:
    hardware = configuration(name).hardware
    return family_of(hardware).why_not_fast(hardware) is None


def require_equal(names: list[str], engine: str = "event") -> None:
    """Fail with one line per differing value, under its configuration."""
    lines = []
    for name in names:
        each = configuration(name)
        differing = differences(RECORDED[name], figures(each, engine))
        if differing:
            lines += [f"{name}: {each.title}", *(f"  {line}" for line in differing)]
    if lines:
        pytest.fail("\n".join(["figures changed:", *lines]), pytrace=False)


@pytest.mark.parametrize("names", chunks(QUICK), ids=lambda names: names[0])
def test_a_sixth_of_the_random_configurations(names: list[str]) -> None:
    require_equal(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", chunks([x for x in RANDOM if x not in QUICK]), ids=lambda names: names[0]
)
def test_the_other_random_configurations(names: list[str]) -> None:
    require_equal(names)


@pytest.mark.slow
@pytest.mark.parametrize("names", chunks(RANDOM), ids=lambda names: names[0])
def test_random_configurations_with_the_fast_engine(names: list[str]) -> None:
    require_equal([name for name in names if runs_fast(name)], "fast")


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configurations(name: str) -> None:
    require_equal([name])


def test_everything_that_is_shipped_is_recorded() -> None:
    assert shipped_configurations() == SHIPPED


@pytest.mark.slow
def test_the_page_counts_the_cases() -> None:
    assert case_table() in (ROOT / "tests/recorded/README.md").read_text()


class TestTheRecordSeesAChange:
    NAME = RANDOM[0]

    def test_of_one_cycle_of_one_layer(self) -> None:
        recorded = RECORDED[self.NAME]
        first, *others = recorded["layer_cycles"].split()
        now = {**recorded, "layer_cycles": " ".join([str(int(first) + 1), *others])}
        assert differences(recorded, now) == [
            f"layer_cycles: layer 0: {int(first):,} recorded, {int(first) + 1:,} now"
        ]
        assert differences(recorded, {**recorded, "energy": "0" * 16}) == ["energy: another digest"]

    def test_of_one_cycle_of_one_command(self) -> None:
        trace = configuration(self.NAME).run().trace
        assert trace_digest(trace) == RECORDED[self.NAME]["trace"]
        assert trace_digest(trace[::-1]) == trace_digest(trace)  # a set of rows
        trace.loc[0, "end_cycle"] += 1
        assert trace_digest(trace) != RECORDED[self.NAME]["trace"]

    def test_and_names_the_configuration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        changed = {**RECORDED[self.NAME], "commands": "1"}
        monkeypatch.setitem(RECORDED, self.NAME, changed)
        with pytest.raises(pytest.fail.Exception) as error:
            require_equal([self.NAME])
        title, line = str(error.value).splitlines()[1:3]
        assert title == f"{self.NAME}: {configuration(self.NAME).title}"
        assert line.startswith("  commands: 1 recorded, ")
