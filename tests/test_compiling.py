"""The compiled form: equal to the interpreted form, stored in a file, and recompiled when stale."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from filelock import FileLock

from simulator.engine import compiling, fast, machine_code
from simulator.engine.compiling import COMPILE_FROM, Compiled, pays
from simulator.engine.constants import with_constants
from simulator.engine.machine_code import FOLDER_VARIABLE, SUFFIX, Code, Kept, Source
from simulator.program import ProgramError
from tests.conftest import ROOT
from tests.free_programs import random_program
from tests.layer_pipelines import Pipeline
from tests.test_fast import same

pytestmark = pytest.mark.unit

SOURCE = """\
SIZE = 3

def copy(m, to, source, size):
    m[to : to + size] = m[source : source + size]

def copy_one_by_one(m, to, source, size):
    for field in range(size):
        m[to + field] = m[source + field]

def double(m, first, behind):
    for place in range(first, behind, m[0]):  # a step of 0 would raise an exception
        m[place] = 2 * m[place] // m[1]
    copy(m, 0, 1, SIZE)
"""

Make = Callable[[str], Source]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A function in its own module, to be stored in its own folder."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setattr(compiling._Process, "interpreted", 0)

    def load(text: str) -> Source:
        path = tmp_path / "doubling.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("doubling", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        instead = {module.copy: module.copy_one_by_one}
        return Source(module.double, (module,), instead, "double", {})

    return load


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "kept").glob(f"*{SUFFIX}"))


def check(compiled: Compiled, source: Source) -> None:
    """Both forms return the same."""
    row = [2, 3, 5, 7, 11, 13, 17]
    array = np.array(row, dtype=np.int64)
    source.function(row, 2, 7)
    compiled(array, 2, 7)
    assert array.tolist() == row
    assert row[:3] == [3, 3, 7]  # 2 * 5 // 3


class TestKept:
    def test_it_is_used_by_the_next_process(self, source: Make, tmp_path: Path) -> None:
        made = source(SOURCE)
        assert not Compiled(made).serves()  # no call has run yet
        assert files(tmp_path) == []
        assert pays(COMPILE_FROM)
        told: list[str] = []
        with compiling.watched(told.append):
            assert Compiled(made).serves()
            assert Compiled(made).serves()
        assert told == [compiling.COMPILES_HERE]
        assert len(files(tmp_path)) == 1
        compiling._Process.interpreted = 0
        later = Compiled(made)
        assert later.serves()
        check(later, made)

    def test_other_sources_are_compiled_again(self, source: Make, tmp_path: Path) -> None:
        assert Compiled(source(SOURCE)).keep()
        old = files(tmp_path)
        changed = source(SOURCE.replace("SIZE = 3", "SIZE = 4"))  # a constant, not the function
        compiled = Compiled(changed)
        assert not compiled.serves()
        check(compiled, changed)
        assert len(files(tmp_path)) == 1  # the stale file is gone
        assert files(tmp_path) != old

    @pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "of another machine"])
    def test_a_damaged_file_is_not_loaded(
        self, source: Make, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = source(SOURCE)
        kept = Kept(made)
        code = Code(entry="main", unused=(), image=b"\x7fELF" + bytes(100))
        (tmp_path / "kept").mkdir()
        kept.write(code)
        assert kept.read() == code
        [path] = files(tmp_path)
        whole = path.read_bytes()
        path.write_bytes(
            {
                "cut": whole[:-1],
                "flipped": whole[:-50] + b"\1" + whole[-49:],
                "empty": b"",
                "text": b"not a checksum, and no code\n",
                "of another machine": machine_code._packed(code, "double.other.code"),
            }[damage]
        )
        assert kept.read() is None
        compiled = Compiled(made)
        monkeypatch.setattr(compiling, "make", lambda _: pytest.fail("compiled too early"))
        assert not compiled.serves()

    def test_a_file_that_the_system_cannot_load(
        self, source: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = source(SOURCE)
        (tmp_path / "kept").mkdir()
        whole = Code(entry="double", unused=(), image=b"\x7fELF" + bytes(100))
        Kept(made).write(whole)
        assert Kept(made).read() == whole  # its checksum is right
        compiled = Compiled(made)
        assert not compiled.serves()
        monkeypatch.setattr(compiling, "make", lambda _: whole)
        with pytest.raises((OSError, RuntimeError)):  # code of this process that fails is an error
            compiled(np.zeros(2, np.int64), 0, 2)

    @pytest.mark.parametrize("error", [OSError(), NotImplementedError()], ids=repr)
    def test_a_folder_without_locks(
        self, source: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr(FileLock, "acquire", Mock(side_effect=error))
        for wait in (False, True):
            with Kept(source(SOURCE)).mine(wait=wait) as mine:
                assert mine  # each process makes its own

    def test_it_is_made_again_over_a_damaged_file(self, source: Make, tmp_path: Path) -> None:
        made = source(SOURCE)
        assert Compiled(made).keep()
        [path] = files(tmp_path)
        whole = path.read_bytes()
        path.write_bytes(whole[:1000])
        compiled = Compiled(made)
        check(compiled, made)
        assert Kept(made).read() is not None

    def test_without_the_extra_it_is_not_used(
        self, source: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compiled = Compiled(source(SOURCE))
        assert compiled.keep()
        monkeypatch.setattr(compiling, "available", lambda: False)
        assert not pays(COMPILE_FROM)
        assert not compiled.serves()

    def test_one_process_compiles_and_the_others_go_on(self, source: Make, tmp_path: Path) -> None:
        compiled = Compiled(source(SOURCE))
        (tmp_path / "kept").mkdir()
        assert pays(COMPILE_FROM)
        with FileLock(tmp_path / "kept/double.lock"):
            assert not compiled.serves()
        assert files(tmp_path) == []


class TestConstants:
    FIELDS = """\
STEP = 0
OTHER = 1

def half(m, n):
    return n // m[STEP]

def double(m, first, behind):
    m[OTHER] = half(m, m[OTHER]) + m[STEP] + m[OTHER + 1]
    m[STEP] = behind
"""

    def test_fields_that_are_read_are_constants_in_all_copies(self, tmp_path: Path) -> None:
        path = tmp_path / "fields.py"
        path.write_text(self.FIELDS)
        spec = importlib.util.spec_from_file_location("fields", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        copies = with_constants((module,), {"STEP": 5})
        found = []
        for function in (module.double, copies[module.double]):
            row = [2, 40, 3]
            function(row, 0, 7)
            found.append(row)
        assert found == [[7, 20 + 2 + 3, 3], [7, 8 + 5 + 3, 3]]


class TestBackground:
    def test_another_process_compiles_while_this_one_goes_on(self, source: Make) -> None:
        made, started = source(SOURCE), []

        def start() -> bool:
            started.append(1)
            return True

        compiled = Compiled(made, start)
        assert pays(COMPILE_FROM)
        told: list[str] = []
        with compiling.watched(told.append):
            assert not compiled.serves()
            assert not compiled.serves()
        assert told == [compiling.COMPILES]
        assert started == [1]
        assert Compiled(made).keep()  # as the other process does
        assert compiled.serves()
        check(compiled, made)

    def test_a_long_run_starts_it_at_its_beginning(self, source: Make) -> None:
        started = []

        def start() -> bool:
            started.append(1)
            return True

        compiled = Compiled(source(SOURCE), start)
        assert not compiled.serves(lambda: COMPILE_FROM - 1)
        assert started == []
        assert not compiled.serves(lambda: COMPILE_FROM)
        assert started == [1]
        assert compiling._Process.interpreted == 0  # the run counts what it runs

    def test_one_process_is_started(self, source: Make, tmp_path: Path) -> None:
        compiled = Compiled(source(SOURCE), lambda: pytest.fail("started"))
        (tmp_path / "kept").mkdir()
        assert pays(COMPILE_FROM)
        with FileLock(tmp_path / "kept/double.lock"):
            assert not compiled.serves()

    def test_a_process_that_cannot_start(self, source: Make) -> None:
        compiled = Compiled(source(SOURCE), lambda: False)
        assert pays(COMPILE_FROM)
        assert compiled.serves()  # compiled here


class TestFolders:
    def test_without_a_folder_it_is_made_for_this_process(
        self, source: Make, tmp_path: Path
    ) -> None:
        (tmp_path / "kept").write_text("a file, in which no folder can be made")
        made = source(SOURCE)
        compiled = Compiled(made)
        check(compiled, made)
        assert compiled.serves()
        assert not compiled.keep()

    def test_beside_the_bytecode_or_in_the_users_caches(
        self, source: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = source(SOURCE)
        monkeypatch.delenv(FOLDER_VARIABLE)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
        code = Code(entry="main", unused=("x",), image=b"1")
        Kept(made).write(code)
        [path] = (tmp_path / "__pycache__").glob(f"*{SUFFIX}")
        path.unlink()
        (tmp_path / "file").write_text("")
        monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
        Kept(made).write(code)
        assert len(list((tmp_path / "caches/subbit-simulator").glob(f"*{SUFFIX}"))) == 1
        assert Kept(made).read() == code


@pytest.fixture(scope="module")
def kernel() -> None:
    """Store the kernel's machine code; fail if no folder can store it."""
    assert all(fast.compile_ahead(form) for form in fast.FORMS)


def outcome(seed: int, *, compiled: bool) -> object:
    """The totals of a random program, or the message of its deadlock."""
    try:
        found = fast.totals(random_program(seed), compiled=compiled)
    except ProgramError as error:
        return str(error)
    return [
        getattr(found, name).tolist()
        for name in ("ends", "busy", "bytes", "pe_cycles", "spent", "waits")
    ]


@pytest.mark.usefixtures("kernel")
class TestKernel:
    @pytest.mark.parametrize(
        "seeds",
        [pytest.param(range(20)), pytest.param(range(20, 200), marks=pytest.mark.slow)],
        ids=["some", "many"],
    )
    def test_both_forms_are_equal(self, seeds: range) -> None:
        for seed in seeds:
            assert outcome(seed, compiled=True) == outcome(seed, compiled=False), seed

    def test_a_program_has_the_same_totals_in_one_lane_and_in_two(self) -> None:
        for seed in (0, 1, 2, 5):
            program = random_program(seed)
            one = fast.totals(program, compiled=True)
            for other in fast.totals_together([program, program]):
                assert same(other, one), seed

    def test_programs_run_one_by_one_until_the_form_for_lanes_exists(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        programs = [random_program(0)] * 3
        expected = fast.totals(programs[0])
        lanes = fast._kernel(fast.LANES)
        monkeypatch.setattr(lanes, "serves", lambda: False)
        monkeypatch.setattr(compiling._Process, "interpreted", 0)
        assert all(same(found, expected) for found in fast.totals_together(programs))
        assert compiling._Process.interpreted == 3 * expected.ran

    def test_a_run_of_many_images_is_long_if_three_of_them_are(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []

        def serves(ahead: Callable[[], int]) -> bool:
            asked.append(ahead())
            return False

        monkeypatch.setattr(fast._kernel(fast.ONE_LANE), "serves", serves)
        line = Pipeline()
        line.sink(line.products(line.source(4), 4, 1, 2), 8)
        for images in (2, 3, 1_000):
            fast.totals(line.program(images))
        assert asked == [2 * line.commands, 3 * line.commands, 3 * line.commands]
        asked.clear()
        several = next(x for x in map(random_program, range(99)) if len(x.sections) > 1)
        fast.run(several)
        assert asked == [0]  # it counts its commands section by section

    def test_a_run_loads_it_without_numba(self) -> None:
        code = (
            "import sys\n"
            "from simulator.engine import fast\n"
            "from tests.free_programs import random_program\n"
            "fast.totals(random_program(0))\n"
            "ready = fast._kernel(fast.ONE_LANE)._run is not None\n"
            "print({'numba', 'llvmlite'} & set(sys.modules), ready)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
        )
        assert done.stdout == "{'llvmlite'} True\n"
