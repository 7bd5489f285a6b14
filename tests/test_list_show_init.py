"""`simulate list`, `show` and `init`: from an empty folder to a first study."""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from simulator.base import shipped
from simulator.base.errors import InputError
from simulator.base.shipped import KINDS, find, shipped_files, shipped_names, trained_names
from simulator.cli.show import _chosen
from tests.conftest import Command
from tests.test_bad_input import refused

pytestmark = pytest.mark.command


def every_name() -> list[str]:
    return [name for kind in KINDS for name in shipped_files(kind)]


class TestList:
    def test_one_line_each_within_80_columns(self, command: Command) -> None:
        done = command("list")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert max(map(len, lines)) <= 80
        for name in every_name():
            both = shipped_names("workloads").count(name) + shipped_names("hw_configs").count(name)
            assert sum(line.split()[:1] == [name] for line in lines) == max(both, 1), name
        assert "…" not in done.stdout

    def test_descriptions_come_from_the_files(self, command: Command) -> None:
        lines = command("list").stdout.splitlines()
        words = {line.split()[0]: line for line in lines if line.strip()}
        assert words["r18"].split()[1:] == ["21", "1.81", "224x224", "ResNet-18", "(ImageNet)"]
        assert words["cofluent64"].split()[1:3] == ["64", "1"]
        assert words["trained-r20-0.56"].split()[1:5] == ["22", "0.01", "8x8", "0.56"]
        assert "Horowitz 2014" in words["45nm"]
        assert "1,200" in words["ddr4-2400"]

    @pytest.mark.parametrize(
        ("what", "keys"),
        [
            ("networks", ["networks", "trained_networks"]),
            ("machines", ["machines"]),
            ("tables", ["dram_tables", "energy_tables"]),
        ],
    )
    def test_json(self, command: Command, what: str, keys: list[str]) -> None:
        found = json.loads(command("list", what, "--json").stdout)
        assert list(found) == keys
        assert found.items() <= json.loads(command("list", "--json").stdout).items()

    def test_json_has_the_numbers(self, command: Command) -> None:
        found = json.loads(command("list", "networks", "--json").stdout)
        assert [row["name"] for row in found["networks"]] == shipped_names("workloads")
        assert [row["name"] for row in found["trained_networks"]] == trained_names()
        (r18,) = [row for row in found["networks"] if row["name"] == "r18"]
        assert r18["binary_layers"] == 16
        assert r18["gmac"] == pytest.approx(1.814, abs=0.001)


class TestShow:
    @pytest.mark.parametrize("name", ["r18", "cofluent64", "hbm2", "7nm"])
    def test_prints_the_file(self, command: Command, name: str) -> None:
        done = command("show", name)
        path = next(shipped_files(kind)[name] for kind in KINDS if name in shipped_files(kind))
        assert done.stdout == path.read_text(encoding="utf-8")
        assert yaml.safe_load(done.stdout)["name"] == name

    def test_a_copy_runs(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "hw.yaml").write_text(command("show", "cofluent64").stdout)
        (tmp_path / "net.yaml").write_text(command("show", "r20").stdout)
        own = command("--hw", "hw.yaml", "--model", "net.yaml", "--tau", "5", "--json")
        assert (
            own.stdout
            == command("--hw", "cofluent64", "--model", "r20", "--tau", 5, "--json").stdout
        )

    def test_a_trained_network_is_summed_up(self, command: Command) -> None:
        done = command("show", "trained-r20-0.56")
        assert done.returncode == 0, done.stderr
        text = " ".join(done.stdout.split())
        assert "is a binary workload file; its layers follow" in text
        assert "simulate extract trained-r20-0.56 -o FILE.npz" in text
        assert "layer3.2.conv2" in text

    def test_refused(self, command: Command) -> None:
        assert "did you mean 'cofluent64'?" in refused(command, "show", "cofluent")
        assert "unknown energy table 'r18'" in refused(command, "show", "r18", "--kind", "energy")
        assert "Missing argument 'NAME'" in refused(command, "show")

    def test_a_name_of_two_kinds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for kind in KINDS:
            shutil.copytree(shipped.shipped_folder(kind), tmp_path / kind, dirs_exist_ok=True)
        shutil.copy(tmp_path / "workloads/r20.yaml", tmp_path / "hw_configs/energy/7nm.yaml")
        shutil.copy(tmp_path / "workloads/r20.yaml", tmp_path / "workloads/7nm.yaml")
        monkeypatch.setattr(shipped, "shipped_folder", lambda kind: tmp_path / kind)
        kinds = ["network", "machine", "dram", "energy"]
        with pytest.raises(InputError, match=r"--kind network .*, --kind energy "):
            _chosen("7nm", kinds)
        assert _chosen("7nm", ["energy"]) == "energy"
        assert _chosen("r20", kinds) == "network"


class TestInit:
    @pytest.mark.slow
    def test_every_printed_command_runs(self, command: Command, tmp_path: Path) -> None:
        done = command("init", "my study")
        assert done.returncode == 0, done.stderr
        written, _, commands = done.stdout.partition("\n\n")
        assert written.startswith("written: my study: machine.yaml, network.yaml")
        first, *rest = commands.replace("\\\n", "").splitlines()
        assert shlex.split(first) == ["cd", "my study"]
        assert len(rest) == 3
        for line in rest:
            ran = command(*shlex.split(line)[1:], cwd=tmp_path / "my study")
            assert ran.returncode == 0, ran.stderr
        assert "5 points" in ran.stdout
        assert "impossible" not in ran.stdout
        assert (tmp_path / "my study/study/summary.md").is_file()
        readme = (tmp_path / "my study/README.md").read_text()
        assert all(line in readme for line in commands.splitlines()[1:])

    def test_the_machine_is_the_papers(self, command: Command, tmp_path: Path) -> None:
        command("init", "new")
        machine = (tmp_path / "new/machine.yaml").read_text()
        shipped_text = find("hw_configs", "cofluent64").read_text(encoding="utf-8")
        assert machine == shipped_text.replace("name: cofluent64", "name: machine")

    def test_an_empty_folder_and_the_current_one(self, command: Command, tmp_path: Path) -> None:
        done = command("init", ".")
        assert done.returncode == 0, done.stderr
        assert "cd " not in done.stdout
        assert command("init", "a/b").returncode == 0
        assert len(list((tmp_path / "a/b").iterdir())) == 4

    def test_nothing_is_overwritten(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "new").mkdir()
        (tmp_path / "new/points.csv").write_text("mine")
        assert "points.csv: exists" in refused(command, "init", "new")
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["points.csv"]
        assert (tmp_path / "new/points.csv").read_text() == "mine"
        (tmp_path / "file").write_text("mine")
        assert "file: cannot be written" in refused(command, "init", "file")

    def test_nothing_half_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from simulator.cli import init

        opened = Path.open

        def full(path: Path, *args: object, **options: object) -> object:
            if path.name == "README.md" and args[:1] == ("x",):
                raise OSError(28, "No space left on device")
            return opened(path, *args, **options)  # type: ignore[arg-type,call-overload]

        contents = init._contents()
        monkeypatch.setattr(Path, "open", full)
        with pytest.raises(InputError, match="No space left"):
            init._write(tmp_path / "a/b", contents)
        assert os.listdir(tmp_path) == []  # noqa: PTH208 # hidden files too
