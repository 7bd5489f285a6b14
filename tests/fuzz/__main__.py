"""Run many cases on all cores: python -m tests.fuzz --cases N --seed S --kind K."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.fuzz.case import Failure, run_cases
from tests.fuzz.kinds import KINDS

_BLOCK = 100
"""Cases of one task of a worker."""
_MOST_SHOWN = 20


def main() -> None:
    """Run the cases, print the failures, and exit with status 1 if there are any."""
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kind", choices=("", *KINDS), default="")
    parser.add_argument("--only", type=int, help="the number of one case")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    again = f"python -m tests.fuzz --seed {given.seed}" + (given.kind and f" --kind {given.kind}")
    print(f"seed {given.seed}", flush=True)
    if given.only is not None:
        failures = run_cases(given.seed, range(given.only, given.only + 1), given.kind)
    else:
        failures = _run_all(given)
    for failure in failures[:_MOST_SHOWN]:
        print(f"{failure}\n    {again} --only {failure.number}")
    print(f"{len(failures)} failures in {1 if given.only is not None else given.cases:,} cases")
    sys.exit(bool(failures))


def _run_all(given: argparse.Namespace) -> list[Failure]:
    blocks = [
        range(first, min(first + _BLOCK, given.cases)) for first in range(0, given.cases, _BLOCK)
    ]
    failures: list[Failure] = []
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        count = len(blocks)
        for found in pool.map(run_cases, [given.seed] * count, blocks, [given.kind] * count):
            failures += found
    return failures


if __name__ == "__main__":
    main()
