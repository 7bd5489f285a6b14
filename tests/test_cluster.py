"""A study on a real Dask cluster of several processes on this machine's loopback."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.studies import cluster, grid_study, run_study
from simulator.studies.axes import axis, setting_axis
from simulator.studies.study import Study
from tests.conftest import ROOT
from tests.test_sweep import net, small_study, written

pytestmark = [pytest.mark.command, pytest.mark.slow]  # a cluster of processes
__all__ = ["net"]  # a fixture

WORKERS = 3


class Cluster:
    """A scheduler and its workers, each in its own process."""

    def __init__(self, folder: Path) -> None:
        """Start the processes and wait until the scheduler has all workers."""
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("dask_scheduler", "--scheduler-file", file, "--port", 0)
        self.workers = [
            self._start("dask_worker", "--scheduler-file", file, "--nthreads", 1, "--no-nanny")
            for _ in range(WORKERS)
        ]
        self._wait(file.exists)
        self.address: str = json.loads(file.read_text())["address"]
        self._wait(lambda: self.count() == WORKERS)

    def _start(self, module: str, *options: object) -> subprocess.Popen[bytes]:
        with (self.folder / f"log{len(self._processes)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1",
                 "--no-dashboard", *map(str, options)],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )  # fmt: skip
        self._processes.append(process)
        return process

    @staticmethod
    def _wait(ready: object) -> None:
        deadline = time.monotonic() + 300  # only guards against hanging
        while not ready():  # type: ignore[operator] # a function
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def count(self) -> int:
        """Number of workers that the scheduler knows."""
        with cluster._connected(self.address) as client:
            return len(client.nthreads())

    def end(self) -> None:
        """End every process."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.end()


@contextmanager
def killed_halfway(
    process: subprocess.Popen[bytes], study: Study, chunks: Path
) -> Generator[None, None, None]:
    """Kill a process when half of a study's chunks are done; check that some were not."""
    killed_at: list[int] = []

    def kill() -> None:
        while len(list(chunks.glob("*.points"))) < study.chunk_count // 2:
            time.sleep(0.002)
        process.kill()
        killed_at.append(len(list(chunks.glob("*.points"))))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    yield
    killer.join(timeout=10)  # only guards against hanging
    assert study.chunk_count // 2 <= killed_at[0] < study.chunk_count


def test_a_worker_killed_halfway_changes_nothing(
    dask_cluster: Cluster, net: Path, tmp_path: Path
) -> None:
    study = small_study(net, layers=True)
    run_study(study, tmp_path / "local", jobs=1)
    with killed_halfway(dask_cluster.workers[0], study, tmp_path / "far/chunks"):
        run_study(study, tmp_path / "far", scheduler=dask_cluster.address)
    assert written(tmp_path / "far") == written(tmp_path / "local")
    assert dask_cluster.count() == WORKERS - 1


def test_workers_of_another_version_are_refused(
    dask_cluster: Cluster, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "__version__", "9.9")
    with pytest.raises(InputError, match=r"worker tcp://\S+ has simulator 0\.\S+, this is 9\.9"):
        run_study(small_study(net), tmp_path / "study", scheduler=dask_cluster.address)
    assert not list((tmp_path / "study").glob("study.parquet"))


def test_workers_with_another_dram_table_are_refused(
    dask_cluster: Cluster, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = find("hw_configs/dram", "ddr4-2400").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(text)
    theirs = dask_cluster.folder / "own.yaml"
    theirs.write_text(text.replace("  CL: 17", "  CL: 16"))
    axes = [axis("hw", "cofluent64"), axis("model", str(net)), axis("tau", "3")]
    study = grid_study([*axes, setting_axis("memory.dram.timing=own.yaml")])
    with pytest.raises(InputError, match=r"chunk 0: the DRAM table own\.yaml differs from"):
        run_study(study, tmp_path / "study", scheduler=dask_cluster.address)
    assert not list((tmp_path / "study").glob("study.parquet"))
    theirs.write_text(text)
    run_study(study, tmp_path / "far", scheduler=dask_cluster.address)
    run_study(study, tmp_path / "local", jobs=1)
    assert written(tmp_path / "far") == written(tmp_path / "local")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_no_scheduler_there(
    net: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match=f"--scheduler {address}: no Dask scheduler answers"):
        run_study(small_study(net), tmp_path / "study", scheduler=address)


def test_a_scheduler_killed_halfway_is_one_line(
    net: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = small_study(net)
    own = Cluster(tmp_path)
    try:
        with (
            killed_halfway(own.scheduler, study, tmp_path / "far/chunks"),
            pytest.raises(InputError) as error,
        ):
            run_study(study, tmp_path / "far", scheduler=own.address)
    finally:
        own.end()
    assert str(error.value) == (
        f"{own.address}: the scheduler disconnected; rerun the same command to resume"
    )
    assert "Traceback" not in capfd.readouterr().err
    run_study(study, tmp_path / "far", jobs=1)
    run_study(study, tmp_path / "local", jobs=1)
    assert written(tmp_path / "far") == written(tmp_path / "local")
