"""The check of the project's English finds each construction, and passes correct sentences."""

from pathlib import Path

import pytest

from tests import prose
from tests.prose import CONSTRUCTIONS, Prose, find, markdown, messages

pytestmark = pytest.mark.docs

EXAMPLES = {
    "noun-clause start": (
        "What is compared. How it works.",
        "Scope of the check. What is compared, and how? The study shows what matters.",
    ),
    "fronted Of": (
        "Of four ways the first is taken.",
        "The mapper uses the first of four schemes. Offsets; office hours; often.",
    ),
    "says": ("The report says what it did.", "The report shows the effect. The sayings."),
    "stands, lies": ("The data lie there.", "The data is here; it understands and relies."),
    "colon + clause": ("two things: what is read", "two things: the inputs and the weights"),
    "beside, anew": ("Likewise it is read anew.", "The array rereads it."),
    "the X before": ("as in the layer before", "before the layer, as in the previous layer"),
    "is there": ("when the data is there", "there is data; the file exists"),
    "is no N": ("3 is no size", "3 is not a size; it is no longer used; it takes no time"),
    "bind": ("the fetch binds", "the fetch is the bottleneck; a binding, bounds"),
    "goes on": ("the study goes on", "the study continues; it goes online"),
    "else": ("even, else odd", "even, otherwise odd; nothing else"),
    "British spelling": (
        "the modelled utilisation and colors of neighbouring layers, analysed",
        "the modeled utilization and colors of neighboring layers; the analyses promise precise "
        "noise, raised otherwise",
    ),
}


def found(text: str) -> set[str]:
    words = text.split()
    return {hit.construction for hit in find(Prose("page", " ".join(words), (1,) * len(words)))}


def test_every_construction_has_an_example() -> None:
    assert set(EXAMPLES) == set(CONSTRUCTIONS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_construction_is_found(name: str) -> None:
    wrong, right = EXAMPLES[name]
    assert name in found(wrong)
    assert found(right) == set()


BRITISH = [
    "analysing", "behaviour", "binarised", "centre", "deserialise", "grey", "initialisers",
    "labelled", "modelling", "Normalisation", "optimise", "quantiser",
]  # fmt: skip


@pytest.mark.parametrize("word", BRITISH)
def test_a_british_word_is_found(word: str) -> None:
    assert found(f"a {word} b") == {"British spelling"}


def test_a_page_is_read_without_code_by_line() -> None:
    page = (
        "# Title\n\nA line of `says nothing` and [a link](that-says.md)\nthat goes\n  on here.\n\n"
        "```\nit says\n```\n\n- one: `x`\n- the layer\n  before\n\n| a | says |\n| --- | --- |\n"
    )
    hits = [(hit.line, hit.construction) for text in markdown("page", page) for hit in find(text)]
    assert hits == [(5, "goes on"), (13, "the X before"), (15, "says")]


def test_titles_and_cells_begin_a_text() -> None:
    page = "text\n# What it is\n| How it is | b |\n- Whether it is\n1. Of all\n"
    hits = [hit.line for text in markdown("page", page) for hit in find(text)]
    assert hits == [2, 3, 4, 5]


def test_messages_are_read_and_docstrings_are_not() -> None:
    source = '''
"""It says."""
NAME = 1
"""It says so."""

def plain():
    """It says."""
    raise ValueError(f"{NAME} is "
                     "no size")

@cli.command("run")
def run():
    """It says.

    Of course.
    """
'''
    hits = [(hit.line, hit.construction) for text in messages("m.py", source) for hit in find(text)]
    assert sorted(hits) == [(8, "is no N"), (13, "fronted Of"), (13, "says")]


def test_an_allowed_phrase_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(prose.ALLOWED, "x lies in [0, 1)", "mathematics")
    assert found("a x lies in [0, 1) b") == set()
    assert found("x lies in [0, 1) and lies") == {"stands, lies"}


def test_the_command_prints_hits_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "simulator").mkdir()
    for name in ("README.md", "CHANGELOG.md"):
        (tmp_path / name).write_text("# A title\n")
    assert prose.main(tmp_path) == 0
    (tmp_path / "docs/page.md").write_text("# A title\n\nIt says so.\n")
    (tmp_path / "simulator/module.py").write_text('text = "there it\\n\\n is there"\n')
    assert prose.main(tmp_path) == 1
    assert capsys.readouterr().out == (
        "docs/page.md:3: says: It says so.\nsimulator/module.py:1: is there: is there\n"
    )
