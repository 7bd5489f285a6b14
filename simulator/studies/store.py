"""The folder of a study; it keeps finished work, whenever the process ends.

    study.json       description of the study; `open_store` refuses another study
    chunks/          rows of finished chunks, one file each; removed when all are done
    layers.parquet   rows by layer, if requested
    points.npz       numbers of the points that the summary and the plots show
    study.parquet    one row per point; written last, as the sign of a finished study

Without pyarrow the tables are layers.csv and study.csv. Chunks have one form, with and without
pyarrow.

A file appears under its name only when it is complete and on the disk (write next to it, fsync,
rename). The final files contain the rows in point order, in row groups of a fixed size. Scheduling
and interruptions therefore do not affect the files.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.tabular import (
    Kind,
    drop_other_forms,
    existing_table,
    table_name,
    write_table,
)
from simulator.base.writing import writable_folder
from simulator.studies.chunks import Columns, unpack
from simulator.studies.columns import layer_columns, point_columns
from simulator.studies.evaluate import Rows
from simulator.studies.point_numbers import PointNumbers, read_figures, read_numbers
from simulator.studies.relative import Relations, relations_of
from simulator.studies.relative_columns import RelativeColumns
from simulator.studies.study import Study

STUDY_FILE = "study.json"
POINTS, LAYERS = "points", "layers"
"""Kinds of rows."""
TABLES = {POINTS: "study", LAYERS: "layers"}
"""Names of the tables by kind, without the suffix."""
NUMBERS_FILE = "points.npz"
_ROW_GROUP = 1 << 12
_HALF_WRITTEN = ".part"


class Store:
    """The folder of one study, for exclusive use by one process; `open_store` creates it."""

    def __init__(self, folder: Path, study: Study) -> None:
        """Create a store; only `open_store` may call this."""
        self.folder = folder
        self._study = study
        self._chunks = folder / "chunks"

    @property
    def tables(self) -> list[Path]:
        """The files of the result: the table of points and, if requested, the table of layers."""
        kinds = (POINTS, LAYERS) if self._study.inputs.layers else (POINTS,)
        found = (existing_table(self.folder, TABLES[kind]) for kind in kinds)
        return [path for path in found if path is not None]

    @property
    def numbers_file(self) -> Path:
        """The file of the numbers from which the summary and the plots come."""
        return self.folder / NUMBERS_FILE

    @property
    def finished(self) -> bool:
        """True if the table of points exists."""
        return existing_table(self.folder, TABLES[POINTS]) is not None

    def done_chunks(self) -> set[int]:
        """The numbers of the stored chunks."""
        return {int(path.stem) for path in self._chunks.glob(f"*.{POINTS}")}

    def keep(self, number: int, rows: Rows) -> None:
        """Store a chunk's rows; they survive the end of this process and a power failure."""
        if rows.layers is not None:
            _write(self._chunks / f"{number:08d}.{LAYERS}", rows.layers)
        _write(self._chunks / f"{number:08d}.{POINTS}", rows.points)

    def assemble(self, progress: Progress | None = None) -> None:
        """Assemble the result from all chunks, then delete them."""
        if not self.finished:
            baselines = self._study.inputs.has_baselines
            if self._study.inputs.layers:
                columns = layer_columns(baselines=baselines)
                self._put_table(LAYERS, columns, self._columns(LAYERS, progress))
            numbers = PointNumbers(self._study.axis_names)
            for chunk in self._columns(POINTS):
                numbers.add(chunk)
            _put(self.numbers_file, numbers.save)
            columns = point_columns(self._study.machines, baselines=baselines)
            self._put_table(POINTS, columns, self._whole_rows(progress))
        for path in self._chunks.iterdir():
            path.unlink()
        self._chunks.rmdir()

    def _put_table(self, kind: str, columns: Mapping[str, Kind], pieces: Iterable[Columns]) -> None:
        drop_other_forms(self.folder, TABLES[kind])  # from a process that ended before the study
        path = self.folder / table_name(TABLES[kind])
        _put(path, lambda temporary: write_table(temporary, columns, pieces, _ROW_GROUP))

    def relations(self) -> Relations:
        """The relations between the study's points."""
        return relations_of(
            self._study,
            read_figures(self.numbers_file),
            pes=read_numbers(self.numbers_file, ["pes"]),
            area=read_numbers(self.numbers_file, ["area_gate_equivalents"]),
        )

    def _whole_rows(self, progress: Progress | None) -> Iterator[Columns]:
        """Yield the rows of all chunks, with the columns that depend on the other points."""
        relative = RelativeColumns(
            read_figures(self.numbers_file).point, self.relations(), self._study.machines
        )
        if len(relative.compared):
            for first, columns in self._numbered(POINTS):
                relative.gather(first, columns)
        for first, columns in self._numbered(POINTS, progress):
            yield columns | relative.of(first, columns)

    def _numbered(
        self, kind: str, progress: Progress | None = None
    ) -> Iterator[tuple[int, Columns]]:
        """Yield the columns of all chunks, in order, each with the number of its first point."""
        size = self._study.chunk_points
        for number, columns in enumerate(self._columns(kind, progress)):
            yield number * size, columns

    def _columns(self, kind: str, progress: Progress | None = None) -> Iterator[Columns]:
        """Yield the rows of all chunks, in order."""
        size, total = self._study.chunk_points, len(self._study.points)
        title = table_name(TABLES[kind])
        for number in range(self._study.chunk_count):
            if progress is not None:
                progress(title, number * size, total)
            yield unpack((self._chunks / f"{number:08d}.{kind}").read_bytes())


@contextmanager
def open_store(folder: Path, study: Study) -> Iterator[Store]:
    """Open a folder for a study: a new or empty folder, or a folder with the same study.

    Raises:
        InputError: another study or another process in the folder, or a folder that cannot be
            written.

    """
    from filelock import FileLock, Timeout

    folder = writable_folder(folder)
    try:
        with FileLock(folder / ".lock", timeout=0):  # the system releases it when the process dies
            _claim(folder, study)
            yield Store(folder, study)
    except Timeout as error:
        raise InputError(f"{folder}: another process is using this study") from error


def _claim(folder: Path, study: Study) -> None:
    """Write study.json, or compare it with the study."""
    path = folder / STUDY_FILE
    text = json.dumps({"sha256": study.sha256, **study.described}, indent=2) + "\n"
    if path.exists():
        theirs = _read_json(path)
        if theirs.get("sha256") != study.sha256:
            raise InputError(
                f"{folder} holds another study: {_difference(theirs, json.loads(text))}; choose "
                "another --out"
            )
    elif (result := existing_table(folder, TABLES[POINTS])) is not None:
        raise InputError(f"{folder}: has {result.name} but no {STUDY_FILE}; choose another --out")
    else:
        _write(path, text.encode())
    chunks = folder / "chunks"
    chunks.mkdir(exist_ok=True)
    for place in (folder, chunks):
        for rest in place.glob(f"*{_HALF_WRITTEN}"):
            rest.unlink()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a study of this program: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path}: is not a study of this program")
    return data


def _difference(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """The first differences between two studies, in words."""
    missing = "(none)"
    flat_theirs, flat_ours = _flat(theirs), _flat(ours)
    differing = [
        f"{key} is {_short(flat_theirs.get(key, missing))} there and "
        f"{_short(flat_ours.get(key, missing))} here"
        for key in dict.fromkeys([*flat_theirs, *flat_ours])
        if key != "sha256" and flat_theirs.get(key, missing) != flat_ours.get(key, missing)
    ]
    more = f" (and {len(differing) - 2} more)" if len(differing) > 2 else ""
    return ", ".join(differing[:2]) + more or "the fingerprints differ"


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        )
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."


def _write(path: Path, data: bytes) -> None:
    _put(path, lambda temporary: temporary.write_bytes(data))


def _put(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` write a file next to `path`, sync the file to the disk, then rename it."""
    temporary = path.with_name(path.name + _HALF_WRITTEN)
    try:
        fill(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)  # a full disk has no space for it
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _sync_folder(folder: Path) -> None:
    """Sync a renaming to the disk; a system that cannot open folders does so itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
