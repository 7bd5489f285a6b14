"""The keys of summary.json, pinned with their types: they change only together with the schema.

For an intended change of a key: raise `SCHEMA` in simulator/analysis/schema.py, write the new keys
with `python -m tests.test_schema`, and name the change in CHANGELOG.md.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator import InputError, Result, simulate
from simulator.analysis.saved import as_saved, read_saved
from simulator.analysis.schema import FINGERPRINT, SCHEMA, fingerprint, require_schema
from simulator.check import check_workload
from simulator.studies.what_helps import with_what_helps
from tests.conftest import ROOT, Command

pytestmark = pytest.mark.unit

PINNED = ROOT / "tests/summary_schema.json"
NAMED = ("by_layer_uj", "by_unit_uj", "by_action_uj", "taus", "command_cycles", "timing", "links")
"""Objects whose keys are names of layers, units or tables' parameters."""
ANY = ("before", "after")
"""Values of hardware keys."""


def everything() -> Iterator[Result]:
    """Results that together have every part of a summary."""
    options: Any = {"input_size": 8, "set": {"array.pes": 32}}
    result = simulate("r20", "cofluent64", bits=0.56, **options).with_energy("45nm")
    result = replace(result, check=check_workload(result.run.workload, result.hardware))
    yield with_what_helps(result)
    keys = {
        "memory.dram.timing": "ddr4-2400",
        "memory.index_buffer.bytes_per_cycle": "array.pes * 2",
        "array.pes": 32,
    }
    yield simulate("trained-r20-0.56", "cofluent64", input_size=8, set=keys)
    small = {"memory.activation_buffer.kib": 1}  # too small for the wider scope
    yield simulate("r20", "cofluent64", bits=0.56, input_size=8, set=small)


def keys(data: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every key with the type of its value."""
    name = place.rpartition(".")[2]
    if name in ANY:
        yield place, "any"
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from keys(value, f"{place}.*" if name in NAMED else f"{place}.{key}".lstrip("."))
    elif isinstance(data, list):
        yield f"{place}[]", "list"
        for value in data:
            yield from keys(value, f"{place}[]")
    else:
        yield place, type(data).__name__


def listed() -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for result in everything():
        for place, kind in keys(json.loads(json.dumps(result.saved(wider=True)))):
            found.setdefault(place, set()).add(kind)
    return {place: " or ".join(sorted(kinds)) for place, kinds in sorted(found.items())}


def test_the_keys_are_those_of_the_schema() -> None:
    pinned = json.loads(PINNED.read_text())
    assert pinned["schema"] == SCHEMA, "write the new keys: python -m tests.test_schema"
    assert listed() == pinned["keys"], "keys changed: raise SCHEMA (see this file's docstring)"


def test_the_number_comes_first_and_the_fingerprint_last() -> None:
    saved = simulate("r20", "cofluent64", bits=1, input_size=8).saved()
    assert (next(iter(saved)), next(reversed(saved))) == ("schema", FINGERPRINT)
    assert saved["schema"] == SCHEMA
    assert saved[FINGERPRINT] == fingerprint(json.loads(json.dumps(saved)))
    turned = dict(reversed(saved.items()))
    assert fingerprint(turned) == saved[FINGERPRINT]
    assert fingerprint({**saved, "cycles": saved["cycles"] + 1}) != saved[FINGERPRINT]


@pytest.mark.parametrize("number", [SCHEMA + 1, 0, "1", True, None, 1.5])
def test_another_number_is_refused(number: Any, tmp_path: Path) -> None:
    saved = simulate("r20", "cofluent64", bits=1, input_size=8).saved()
    (tmp_path / "summary.json").write_text(json.dumps({**saved, "schema": number}))
    for refusing in (
        lambda: require_schema({"schema": number}, "x"),
        lambda: as_saved({**saved, "schema": number}, "x"),
        lambda: read_saved(tmp_path),
    ):
        with pytest.raises(
            InputError, match=f"schema is {number}; this version reads schema {SCHEMA}$"
        ):
            refusing()


def test_the_command_refuses_it_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"model": "r20"}')
    (tmp_path / "new.json").write_text(json.dumps({"schema": SCHEMA + 1}))
    for arguments in (("compare", "new.json", "new.json"), ("verify", "new.json")):
        done = command(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert f"schema is {SCHEMA + 1}; this version reads schema {SCHEMA}" in done.stderr
    done = command("verify", "old.json")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "missing key 'schema'" in done.stderr


if __name__ == "__main__":
    PINNED.write_text(json.dumps({"schema": SCHEMA, "keys": listed()}, indent=1) + "\n")
