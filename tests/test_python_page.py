"""docs/python.md and the docstrings of the public functions: their examples run as printed."""

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import simulator
from tests.conftest import ROOT

pytestmark = pytest.mark.docs

PAGE = (ROOT / "docs/python.md").read_text()


def failures(examples: doctest.DocTest) -> str:
    """Return doctest's report of failing examples; empty if all examples pass."""
    lines: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples, out=lines.append)
    assert runner.summarize(verbose=False).attempted == len(examples.examples) > 0
    print("".join(lines))
    return "".join(lines)


@pytest.mark.slow
def test_examples_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.M | re.S)
    assert len(blocks) == PAGE.count("```") // 2 >= 8  # the page has only such blocks
    text = "\n".join(blocks)
    assert failures(doctest.DocTestParser().get_doctest(text, {}, "python.md", None, 0)) == ""


def public() -> list[tuple[str, Any]]:
    functions = [(name, getattr(simulator, name)) for name in simulator.__all__]
    found = [(name, thing) for name, thing in functions if not isinstance(thing, type)]
    return [*found, ("with_energy", simulator.Result.with_energy)]


@pytest.mark.parametrize(("name", "function"), public())
def test_docstrings(
    name: str, function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each public function has arguments, errors and an example that runs."""
    monkeypatch.chdir(tmp_path)
    text = function.__doc__
    for section in ("Args:", "Raises:", "Example:"):
        assert section in text, (name, section)
    assert failures(doctest.DocTestParser().get_doctest(text, {}, name, None, 0)) == ""
