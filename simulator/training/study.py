"""Train many runs into one folder; an interrupted study keeps its finished runs."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.writing import folder_for, write_file, write_rows
from simulator.training.data import Digits, load_digits
from simulator.training.loop import Outcome, Recipe, train
from simulator.training.methods import Method
from simulator.training.network import Network
from simulator.workload.importers.state_values import CLASSES, IMAGES
from simulator.workload.values import images_sha256

SNAPSHOT_PERCENT = (0, 25, 50, 100)
SNAPSHOT_METHODS = ("1-bit", "snn")
"""Methods with snapshots during the training, as in Figure 11; only the study's first seed."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The JSON file of a run: its settings and its outcome."""

    method: str
    tau: int | None
    seed: int
    network: str
    epochs: int
    batch: int
    learning_rate: float
    test_accuracy: float
    """Fraction of the test images that the network of the last iteration classifies correctly."""
    losses: tuple[float, ...]
    """Mean training loss of every epoch."""

    @property
    def of(self) -> Method:
        """The method of the run."""
        return Method(self.method, self.tau)


@dataclass(frozen=True, slots=True)
class Study:
    """Runs of all methods and seeds with one recipe, and the folder of their files."""

    recipe: Recipe
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    folder: Path

    def checkpoint(self, method: Method, seed: int) -> Path:
        """The path of a run's final state."""
        return self.folder / f"{method.title}-seed{seed}.pth"

    def snapshots(self, method: Method) -> dict[int, Path]:
        """The paths of the first seed's states, by completed percent of the training."""
        stem = f"{method.title}-seed{self.seeds[0]}"
        return {percent: self.folder / f"{stem}.at-{percent}.pth" for percent in SNAPSHOT_PERCENT}

    def run(self, progress: Progress | None = None) -> list[Record]:
        """Train the missing runs; write accuracy.csv; return a record per run.

        Raises:
            InputError: the folder is not writable, or has runs of another recipe.

        """
        folder_for("accuracy.csv", self.folder)
        planned = [(method, seed) for method in self.methods for seed in self.seeds]
        found = {key: self._finished(*key) for key in planned}
        todo = [key for key in planned if found[key] is None]
        digits = load_digits() if todo else None
        if digits is not None:
            _write_digits(digits, self.folder)
        done = 0

        def after_epoch() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(f"training {len(todo)} networks", done, len(todo) * self.recipe.epochs)

        for method, seed in todo:
            assert digits is not None  # loaded if a run is missing
            found[method, seed] = self._train(method, seed, digits, after_epoch)
        records = [record for record in found.values() if record is not None]
        rows = rows_of(records)
        write_file(self.folder / "accuracy.csv", lambda path: write_rows(path, rows))
        return records

    def _settings(self, method: Method, seed: int) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "method": method.name,
            "tau": method.tau,
            "seed": seed,
            "network": recipe.network,
            "epochs": recipe.epochs,
            "batch": recipe.batch,
            "learning_rate": recipe.learning_rate,
        }

    def _finished(self, method: Method, seed: int) -> Record | None:
        """Return the record of a finished run of this recipe; None if the run is missing."""
        path = self.checkpoint(method, seed).with_suffix(".json")
        if not path.exists():
            return None
        contents = guard.read_bytes(path, guard.MOST_JSON)
        decode = partial(msgspec.json.decode, type=Record)
        record: Record = guard.parse_json(contents, path, "record of a run", decode)
        for key, value in self._settings(method, seed).items():
            if getattr(record, key) != value:
                raise InputError(
                    f"{path}: was trained with {key} {getattr(record, key)}, not {value}: "
                    "take another --out, or remove it"
                )
        return record

    def _train(
        self, method: Method, seed: int, digits: Digits, count: Callable[[], None]
    ) -> Record:
        """Train one run; write its record last, because a record marks a complete run."""
        wanted = {}
        if seed == self.seeds[0] and method.name in SNAPSHOT_METHODS:
            wanted = self.snapshots(method)

        def after_epoch(done: int, network: Network) -> None:
            for percent, path in wanted.items():
                if done == round(self.recipe.epochs * percent / 100):
                    _save(network.checkpoint(), path)
            if done:
                count()

        outcome = train(self.recipe, method, seed, digits, after_epoch)
        path = self.checkpoint(method, seed)
        _save(outcome.network.checkpoint() | _prediction(outcome, digits), path)
        record = Record(
            **self._settings(method, seed),
            test_accuracy=outcome.test_accuracy,
            losses=outcome.losses,
        )
        text = json.dumps(msgspec.to_builtins(record), indent=2) + "\n"
        write_file(path.with_suffix(".json"), lambda temporary: temporary.write_text(text))
        return record


def _save(state: dict[str, Tensor], path: Path) -> None:
    """Write a checkpoint through a file object, to keep the file's name out of its bytes."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            torch.save(state, file)

    write_file(path, write)


def _prediction(outcome: Outcome, digits: Digits) -> dict[str, Tensor]:
    """The predicted classes of the test images, as tensors of a checkpoint."""
    fingerprint = bytes.fromhex(images_sha256(digits.test_images.numpy()))
    return {
        CLASSES: outcome.predicted,
        IMAGES: torch.tensor(list(fingerprint), dtype=torch.uint8),
    }


def _write_digits(digits: Digits, folder: Path) -> None:
    """Write the test images, as the check reads them, and their labels."""
    images, labels = digits.test_images.numpy(), digits.test_labels.numpy().astype(np.uint8)
    for name, array in (("digits.npy", images), ("digits-labels.npy", labels)):
        _save_array(array, folder / name)


def _save_array(array: NDArray[np.number], path: Path) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # a path would get numpy's suffix
            np.save(file, array)

    write_file(path, write)


def rows_of(records: list[Record]) -> list[dict[str, object]]:
    """Return a row per run, as in accuracy.csv."""
    return [_row(record) for record in records]


def _row(record: Record) -> dict[str, object]:
    return {
        "method": record.method,
        "tau": "" if record.tau is None else record.tau,
        "bits": f"{record.of.bits:.4g}",
        "activation_bits": record.of.activation_bits,
        "seed": record.seed,
        "test_accuracy_percent": f"{100 * record.test_accuracy:.3f}",
        "last_training_loss": f"{record.losses[-1]:.5f}",
    }
