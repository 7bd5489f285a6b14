"""`simulate verify`: it reruns a saved result, and finds any change at its position."""

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow.parquet import read_table, write_table

from simulator import InputError, Result, load_workload, simulate, verify
from simulator.analysis.saved import Saved
from simulator.analysis.schema import FINGERPRINT, fingerprint
from simulator.analysis.trace_file import vocabulary_text
from simulator.base.shipped import find
from simulator.base.writing import write_files
from simulator.check import check_workload
from simulator.report.files import trace_writers
from simulator.studies.what_helps import with_what_helps
from tests.build import layer, machine, network, with_kernels
from tests.conftest import Command

pytestmark = pytest.mark.unit

TRAINED = "trained-r20-0.56"


def rich() -> Result:
    """Settings, energies and a check."""
    given = {"array.pes": 32, "memory.index_buffer.kib": 64}
    result = simulate("r20", "cofluent64", bits=0.56, input_size=8, set=given).with_energy("45nm")
    return replace(result, check=check_workload(result.run.workload, result.hardware, seed=3))


def trained() -> Result:
    """Kernels from a file, with a DRAM table."""
    dram = {"memory.dram.timing": "ddr4-2400"}
    return simulate(TRAINED, "cofluent64", input_size=8, set=dram)


MADE: dict[str, Callable[[], Result]] = {
    "rich": rich,
    "trained": trained,
    "what helps": lambda: with_what_helps(
        simulate(network(layer(64, 64, 4, 4, tau=5)), "cofluent64", tau=5, batch=2)
    ),
    "full precision": lambda: simulate(
        "r18-cifar10", "cofluent64", taus={"layer4.1.conv2": 3}, bits=0.67, input_size=32,
        activation_bits=2, scope="weights",
    ),
    "other kernels": lambda: simulate(TRAINED, "cofluent64", tau=3, input_size=8),
    "event engine": lambda: simulate("r20", "cofluent64", tau=3, input_size=8, engine="event"),
}  # fmt: skip


def written(result: Result, folder: Path) -> str:
    """Text of the summary.json in the folder."""
    text = json.dumps(result.saved(wider=True), indent=2) + "\n"
    (folder / "summary.json").write_text(text)
    return text


def resealed(data: dict[str, Any], folder: Path) -> None:
    """Write a deliberately changed summary, with a matching fingerprint."""
    data = {**data, FINGERPRINT: fingerprint(data)}
    (folder / "summary.json").write_text(json.dumps(data))


class TestEqual:
    @pytest.mark.parametrize("name", MADE)
    def test_a_result(self, name: str, tmp_path: Path) -> None:
        written(MADE[name](), tmp_path)
        found = verify(tmp_path)
        assert found.equal, found
        assert str(found).startswith("equal: summary.json (")

    @pytest.mark.slow
    def test_a_check_with_an_input(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        result = trained()
        first = result.run.workload.binary_layers[0]
        shape = (1, first.in_channels, first.in_height, first.in_width)
        values = np.random.default_rng(1).choice([-1, 1], shape).astype(np.int8)
        np.save(tmp_path / "in.npy", values)
        monkeypatch.chdir(tmp_path)
        checked = check_workload(result.run.workload, result.hardware, inputs="in.npy")
        written(replace(result, check=checked), tmp_path)
        assert verify(tmp_path).equal
        monkeypatch.chdir(tmp_path.parent)
        assert verify(tmp_path).equal  # relative to the result's folder
        np.save(tmp_path / "in.npy", -values)
        with pytest.raises(InputError, match="contents differ from the check's input"):
            verify(tmp_path)

    def test_the_saved_dram_table_is_what_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        table = find("hw_configs/dram", "ddr4-2400").read_text()
        Path("own.yaml").write_text(table)
        result = simulate("r20", "cofluent64", tau=5, input_size=8,
                          set={"memory.dram.timing": "own.yaml"})  # fmt: skip
        written(result, tmp_path)
        Path("own.yaml").unlink()
        assert verify(tmp_path).equal


class TestKernels:
    @pytest.fixture
    def moved(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Folder of a result whose kernels are in net.npz."""
        monkeypatch.chdir(tmp_path)
        Path("net.npz").write_bytes(find("workloads", TRAINED).read_bytes())
        written(simulate("net.npz", "cofluent64", input_size=8), tmp_path)
        return tmp_path

    def test_the_file_is_read_again(self, moved: Path) -> None:
        assert verify(moved).equal

    def test_a_missing_file_is_named(self, moved: Path) -> None:
        Path("net.npz").rename("away.npz")
        with pytest.raises(InputError, match=r"needs net\.npz .* no such file; use --model$"):
            verify(moved)
        assert verify(moved, model="away.npz").equal

    def test_another_file_is_refused(self, moved: Path) -> None:
        Path("net.npz").write_bytes(find("workloads", "trained-r20-0.44").read_bytes())
        with pytest.raises(InputError, match=r"net\.npz: contents differ from the kernels"):
            verify(moved)

    def test_kernels_without_a_file(self, tmp_path: Path) -> None:
        indices = np.random.default_rng(0).integers(0, 32, (64, 64))
        own = network(with_kernels(layer(64, 64, 4, 4, tau=5), indices))
        written(simulate(own, machine()), tmp_path)
        with pytest.raises(InputError, match="which no file that it names holds"):
            verify(tmp_path)


class TestChanged:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["rich", "trained"])
    def test_one_digit_anywhere(self, name: str, tmp_path: Path) -> None:
        """One digit in every kind of key, and some digits at random."""
        text = written(MADE[name](), tmp_path)
        chosen = random.Random(0)
        places: dict[str, int] = {}
        for found in re.finditer(r'"(\w+)": [^\n{\[]*?(\d)', text):
            places.setdefault(found[1], found.start(2))
        wider = range(text.index('\n  "wider": {'), text.index("\n  }", text.index('"wider": {')))
        everywhere = [found.start() for found in re.finditer(r"\d", text)]
        for place in [*places.values(), *chosen.sample(everywhere, 12)]:
            digit = chosen.choice([d for d in "0123456789" if d != text[place]])
            changed = text[:place] + digit + text[place + 1 :]
            try:
                json.loads(changed)
            except ValueError:  # a number that begins with 0
                continue
            (tmp_path / "summary.json").write_text(changed)
            line = text[text.rindex("\n", 0, place) + 1 : text.index("\n", place)]
            difference = verify(tmp_path).difference
            assert difference is not None, line
            key = re.match(r'\s*"([^"]+)": ', line)
            if place in wider:
                continue  # found, but its own configuration has no places of its own
            if key is not None and place > text.rindex("\n", 0, place) + key.end():
                assert difference.place.endswith(key[1]), line

    @pytest.mark.parametrize(
        ("line", "place", "saved", "rerun"),
        [
            ('"cycles": ', "cycles", None, None),
            ('"pes": 32', "configuration.hardware.array.pes", "33", "32"),
            ('"before": 64', "settings[0] (array.pes).before", "65", "64"),
            ('"seed": 3', "check.seed", "4", "3"),
            ('"schema": 2', "schema", "3", "2"),
            ('"version": "0.2.0', "version", '"0.2.1"', '"0.2.0"'),
            ('"kib": 32.0', "configuration.energy.storage[1].kib", "32.1", "32.0"),
            ('"add_bit_pj": ', "configuration.energy.add_bit_pj", None, None),
        ],
    )
    def test_the_place(
        self, tmp_path: Path, line: str, place: str, saved: str | None, rerun: str | None
    ) -> None:
        text = written(rich(), tmp_path)
        end = text.index("\n", text.index(line))
        digit = max(n for n in range(end) if text[n].isdigit())
        digit = digit if saved is None else text.index(line) + len(line) - 1
        changed = str((int(text[digit]) + 1) % 10)
        (tmp_path / "summary.json").write_text(text[:digit] + changed + text[digit + 1 :])
        difference = verify(tmp_path).difference
        assert difference is not None
        assert difference.place == place
        if saved is not None:
            assert (difference.saved, difference.rerun) == (saved, rerun)

    def test_a_value_with_a_new_fingerprint(self, tmp_path: Path) -> None:
        saved = rich().saved()
        resealed({**saved, "cycles": saved["cycles"] + 1}, tmp_path)
        assert str(verify(tmp_path)) == (
            f"different: cycles: {saved['cycles'] + 1} in the file, {saved['cycles']} in the rerun"
        )

    def test_a_number_spelled_otherwise(self, tmp_path: Path) -> None:
        text = written(rich(), tmp_path)
        longer = re.sub(r'("speedup": [\d.]+)', r"\g<1>00", text, count=1)
        (tmp_path / "summary.json").write_text(longer)
        difference = verify(tmp_path).difference
        assert difference is not None
        assert difference.place == "speedup"

    def test_keys_that_come_and_go(self, tmp_path: Path) -> None:
        saved = rich().saved()
        resealed({**saved, "more": 1}, tmp_path)
        assert "more: 1 in the file, none in the rerun" in str(verify(tmp_path))
        resealed({**saved, "notes": saved["notes"][:-1]}, tmp_path)
        assert f"notes[{len(saved['notes']) - 1}]: none in the file" in str(verify(tmp_path))

    def test_another_version_is_told_and_compared(self, tmp_path: Path) -> None:
        saved = rich().saved()
        resealed({**saved, "version": "0.1.9"}, tmp_path)
        found = verify(tmp_path)
        assert found.equal
        assert found.notes == ["saved by version 0.1.9, rerun by version " + saved["version"]]

    def test_a_configuration_that_cannot_run(self, tmp_path: Path) -> None:
        saved = json.loads(json.dumps(rich().saved()))
        saved["configuration"]["hardware"]["array"]["spatial"] = "nowhere"
        (tmp_path / "summary.json").write_text(json.dumps(saved))
        assert "configuration: changed in the file" in str(verify(tmp_path))
        resealed(saved, tmp_path)
        with pytest.raises(InputError, match=r"configuration\.hardware: array\.spatial"):
            verify(tmp_path)


class TestTables:
    @pytest.mark.slow
    def test_the_tables_beside_it(self, tmp_path: Path) -> None:
        rich().save(tmp_path)
        found = verify(tmp_path)
        assert found.equal
        assert {"layers.csv", "energy.csv"} < set(found.files)
        assert any(name.startswith("trace.") for name in found.files)
        layers = (tmp_path / "layers.csv").read_text()
        first = layers.splitlines()[1].split(",")
        where = layers.splitlines()[0].split(",").index("cycles")
        first[where] += "0"
        lines = [*layers.splitlines()[:1], ",".join(first), *layers.splitlines()[2:]]
        (tmp_path / "layers.csv").write_text("\n".join(lines) + "\n")
        difference = verify(tmp_path).difference
        assert difference is not None
        assert difference.place.startswith("layers.csv, line 2 (layer1.0.conv1")
        assert difference.place.endswith("cycles")
        (tmp_path / "layers.csv").unlink()
        assert verify(tmp_path).equal

    def test_a_cell_of_the_trace(self, tmp_path: Path) -> None:
        result = rich()
        written(result, tmp_path)
        result.trace.to_csv(tmp_path / "trace.csv", index=False)
        assert "trace.csv" in verify(tmp_path).files
        frame = result.trace.copy()
        frame.loc[7, "end_cycle"] += 1
        frame.to_csv(tmp_path / "trace.csv", index=False)
        difference = verify(tmp_path).difference
        assert difference is not None
        assert difference.place == "trace.csv, command 8, end_cycle"
        frame.head(5).to_csv(tmp_path / "trace.csv", index=False)
        assert "trace.csv: 5 rows of" in str(verify(tmp_path))

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_a_word_of_the_trace(self, form: str, tmp_path: Path) -> None:
        result = simulate(network(layer(64, 64, 1, 2, tau=5)), "cofluent64", tau=5)
        written(result, tmp_path)
        *_, file = write_files(tmp_path, trace_writers(result, f"trace.{form}"))
        assert file.name in verify(tmp_path).files
        assert verify(tmp_path).equal
        text = vocabulary_text(result.run.trace.vocabulary)
        changed = {"vocabulary": text.replace("index fetch", "fetch")}
        if form == "csv":
            file.write_text(changed["vocabulary"])
        else:
            write_table(read_table(file).replace_schema_metadata(changed), file)
        difference = verify(tmp_path).difference
        assert difference is not None
        assert difference.place == f"{file.name}, vocabulary: units[3] (index_fetch).title"
        assert (difference.saved, difference.rerun) == ('"fetch"', '"index fetch"')


class TestCommand:
    def test_equal_and_different(self, command: Command, tmp_path: Path) -> None:
        text = written(rich(), tmp_path)
        done = command("verify", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("equal: summary.json (")
        (tmp_path / "summary.json").write_text(text.replace('"pes": 32', '"pes": 33'))
        done = command("verify", "summary.json")
        assert (done.returncode, done.stderr) == (1, "")
        assert "configuration.hardware.array.pes: 33 in the file, 32" in done.stdout
        assert command("verify", ".", "--quiet").stdout == ""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "not a readable saved result: Expecting value"),
            ('{"schema": 2', "not a readable saved result"),
            ("[1]", "not a readable saved result: expected a JSON object"),
            ("[" * 100_000, "not a readable saved result"),
            ('{"schema": 2}', "missing key 'model'"),
            ("\xff", "not UTF-8 text"),
        ],
    )
    def test_no_result(self, command: Command, tmp_path: Path, text: str, words: str) -> None:
        (tmp_path / "summary.json").write_text(text, encoding="latin-1")
        done = command("verify", ".")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert words in done.stderr

    def test_a_part_of_a_wrong_type(self, tmp_path: Path) -> None:
        saved = json.loads(json.dumps(rich().saved()))
        for key in Saved.__struct_fields__:
            if key in {"schema", "energy", "version"} or key not in saved:
                continue
            resealed({**saved, key: {"wrong": [1]}}, tmp_path)
            with pytest.raises(InputError):
                verify(tmp_path)

    def test_no_folder(self, command: Command) -> None:
        done = command("verify", "nowhere")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_workload_remembers_its_file() -> None:
    source = load_workload(TRAINED).source
    assert source is not None
    assert source.file == TRAINED  # not the path of this installation
    assert load_workload("r20").source is None
