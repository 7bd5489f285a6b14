"""The run: each mutant in a process of its own, forked when all modules have been imported."""

import argparse
import io
import json
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant, change, draw, mutated
from tests.mutation.parts import PARTS
from tools.environment import ROOT

OPTIONS = [
    "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutation",
    "-W", "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
SKIPPED = 99
"""Exit status of a process that did not change to its mutant."""


def forked(tests: list[str], prepare: Callable[[], bool], limit: float) -> int | None:
    """Run tests in a process of their own.

    Args:
        tests: arguments of pytest.
        prepare: changes the process to a mutant.
        limit: seconds after which the process is ended.

    Returns:
        The exit status; None: it took too long.

    """
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os._exit(int(pytest.main([*OPTIONS, *tests])) if prepare() else SKIPPED)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def outcome(mutant: Mutant, tests: list[str], limit: float) -> str:
    """Run tests against a mutant."""
    source = mutated(mutant)
    if source is None:
        return "skipped"
    status = forked(tests, lambda: change(ROOT / mutant.file, source), limit)
    return {None: "timeout", 0: "survived", SKIPPED: "skipped"}.get(status, "killed")


def import_modules(tests: list[str]) -> None:
    """Import the tests and, with them, the simulator; no test runs, so no memo is filled."""
    phases = Phase.explicit, Phase.generate  # a failing example is not made smaller
    settings.register_profile(
        "mutation", max_examples=10, deadline=None, derandomize=True, phases=phases
    )
    with redirect_stdout(io.StringIO()):
        if pytest.main([*OPTIONS, "--collect-only", *tests]) != pytest.ExitCode.OK:
            sys.exit("the tests cannot be collected")


def seconds_without_mutant(tests: list[str]) -> float:
    """Run the tests once; they have to pass."""
    begun = time.monotonic()
    if forked(tests, lambda: True, limit=600) != pytest.ExitCode.OK:
        sys.exit("the tests fail without a mutant")
    return time.monotonic() - begun


def survivors(path: Path) -> list[Mutant]:
    """Read the survivors of an earlier run."""
    mutants = [Mutant(**json.loads(line)) for line in path.read_text().splitlines()]
    return [mutant for mutant in mutants if mutant.outcome == "survived"]


def main() -> None:
    """Run mutants of a part until the time is over; print the survivors and a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="mutants that an earlier run has done")
    parser.add_argument("--again", type=Path, help="only the survivors in this earlier --out")
    parser.add_argument("--tests", nargs="+", help="arguments of pytest in place of the part's")
    parser.add_argument("--out", type=Path, default=Path(os.devnull), help="a JSON line per mutant")
    options = parser.parse_args()
    part = PARTS[options.part]
    os.chdir(ROOT)
    import_modules(options.tests or [*part.tests])
    seconds = seconds_without_mutant(options.tests or [*part.tests])
    print(f"the tests take {seconds:.0f} s without a mutant", flush=True)
    drawn = draw(part.files, random.Random(options.seed))
    mutants = survivors(options.again) if options.again else drawn[options.skip :]
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    end = time.monotonic() + 60 * options.minutes
    with options.out.open("w") as out:
        for mutant in mutants:
            begun = time.monotonic()
            if begun > end:
                break
            tests = options.tests or part.tests_of(Path(mutant.file))
            mutant.outcome = outcome(mutant, tests, limit=5 + 2.5 * seconds)
            mutant.seconds = round(time.monotonic() - begun, 2)
            found[mutant.file][mutant.outcome] += 1
            print(json.dumps(asdict(mutant)), file=out, flush=True)
            if mutant.outcome == "survived":
                print(f"{mutant.file}:{mutant.line}", *mutant.changes, sep="\n", flush=True)
    print("file,positions,killed,timeout,survived,skipped")
    for file, positions in sorted(Counter(mutant.file for mutant in drawn).items()):
        counts = [found[file][what] for what in ("killed", "timeout", "survived", "skipped")]
        print(file, positions, *counts, sep=",")


if __name__ == "__main__":
    main()
