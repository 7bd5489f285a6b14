"""Run one case and judge it."""

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from simulator.base.errors import InputError
from simulator.cli import main
from tests.fuzz.kinds import KINDS, Kind
from tests.fuzz.seeds import Seeds, make_seeds

MOST_SECONDS = 120
"""A watch-dog, in processor time: no case that ends needs more than a tenth of it."""
MOST_WAIT = 10 * MOST_SECONDS
"""The same for a case that waits, by the clock; on a busy machine, a case can take some minutes."""
MOST_WORK = 2_000_000
"""Multiply-accumulates of the largest network that a case runs; larger ones are legal, but slow."""


_ALWAYS = ("hardware.yaml", "network.yaml")
"""The valid files of every case; the kinds write all others."""


class BoundError(BaseException):
    """The watch-dog's; the program does not catch it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that must not happen."""

    number: int
    kind: str
    problem: str
    words: str

    def __str__(self) -> str:
        """The case on one line."""
        return f"case {self.number} ({self.kind}): {self.problem}: {self.words[:300]}"


@cache
def _valid_input(checkpoint: bool) -> Seeds:
    """Return the valid input of this process, made at its first case."""
    with TemporaryDirectory(prefix="fuzz") as folder:
        return make_seeds(Path(folder), checkpoint=checkpoint)


def run_cases(seed: int, numbers: range, kind: str) -> list[Failure]:
    """Run consecutive cases of one kind, or of all kinds, in this process."""
    kinds = {kind: KINDS[kind]} if kind else dict(KINDS)
    if find_spec("torch") is None:
        kinds.pop("pth", None)
    seeds = _valid_input("pth" in kinds)
    found = (run_case(seeds, seed, number, kinds) for number in numbers)
    return [failure for failure in found if failure is not None]


def run_case(seeds: Seeds, seed: int, number: int, kinds: Mapping[str, Kind]) -> Failure | None:
    """Run a case in a folder of its own; None if the program answers as it must."""
    random = Random(f"{seed}/{number}")
    names = sorted(kinds)
    [kind] = random.choices(names, [kinds[name].weight for name in names])
    with TemporaryDirectory(prefix="fuzz") as folder, chdir(folder):
        for name in _ALWAYS:
            Path(name).write_bytes(seeds.files[name])
        work = kinds[kind].make(seeds, random)
        words = "a call" if callable(work) else repr(work)
        try:
            with _bounded():
                problem = _called(work) if callable(work) else _run(work)
        except BoundError:
            problem = "exceeds its bound"
        except BaseException:
            problem = traceback.format_exc()
        left = [path.name for path in Path(folder).rglob("*.part*")]
        if problem is None and left:
            problem = f"leaves {left[0]}"
    return None if problem is None else Failure(number, kind, problem, words)


def _called(call: Callable[[], object]) -> str | None:
    """Call a function of the API, which may only raise the program's own error."""
    try:
        call()
    except InputError as error:
        if len(str(error).splitlines()) != 1:
            return f"the error has several lines: {error}"
    return None


def _run(words: list[str]) -> str | None:
    """Run the command; return the problem, if any."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with (
        patch.object(sys, "argv", ["simulate", *words]),
        patch.dict(os.environ, {"COLUMNS": "1000"}),
        redirect_stdout(out),
        redirect_stderr(err),
        _small_networks(),
    ):
        try:
            main()
            status: Any = 0
        except SystemExit as end:
            status = end.code or 0
    err.seek(0)
    lines = err.read().splitlines()
    errors = [line for line in lines if not line.startswith(("note:", "  "))]
    if status == 2 and len(errors) == 1:
        return None
    if (status in {0, 1} and not errors) or (status == 1 and words[:1] == ["verify"]):
        return None
    return f"status {status} with {len(errors)} lines: {' / '.join(lines)[:500]}"


@contextmanager
def _small_networks() -> Iterator[None]:
    """Refuse to run legal networks that would take a case minutes."""
    from simulator.api import simulate as module

    real = module.simulate

    def small(workload: Any, *rest: Any, **options: Any) -> Any:
        layers = getattr(workload, "layers", ())
        work = sum(x.out_height * x.out_width * x.weights * x.images for x in layers)
        others = getattr(workload, "vector_layers", ())
        work += sum(x.values * x.window.area * len(x.operand_channels) for x in others)
        if work > MOST_WORK:
            raise InputError("fuzz: this network is larger than a case may run")
        return real(workload, *rest, **options)

    with patch.object(module, "simulate", small):
        yield


@contextmanager
def _bounded() -> Iterator[None]:
    """Raise BoundError in the block after `MOST_SECONDS` of work, or after `MOST_WAIT`."""

    def stop(*_: object) -> None:
        raise BoundError

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.alarm(MOST_WAIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
