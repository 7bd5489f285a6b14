"""Chunks on the cores of this computer."""

import os
import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for_end
from typing import Any

from simulator.base.errors import InputError
from simulator.base.progress import interrupts_held
from simulator.studies.evaluate import Rows, evaluate_chunk
from simulator.studies.points import Point
from simulator.studies.study import Study
from simulator.studies.tables import TableError

Chunk = tuple[int, list[Point]]
Finished = Generator[tuple[int, Rows], None, None]

_DEATHS = 3
"""The deaths of worker processes (out of memory, killed) after which the study gives up."""
_SECONDS_TO_END = 5.0
"""The time limit for the end of a pool whose processes have ended; milliseconds suffice."""


def cores() -> int:
    """The number of cores available to this process."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def run_locally(study: Study, chunks: Iterable[Chunk], jobs: int) -> Finished:
    """Yield the rows of every chunk, in the order of completion.

    Args:
        study: study of the chunks.
        chunks: number and points of each; the iteration is only a few chunks ahead of the work.
        jobs: number of worker processes; one job runs in this process.

    Raises:
        InputError: worker processes that die repeatedly, or a file that has changed meanwhile.

    """
    try:
        yield from _run(study, iter(chunks), jobs)
    except TableError as error:
        raise InputError(str(error)) from error


def _run(study: Study, waiting: Iterator[Chunk], jobs: int) -> Finished:
    if jobs == 1:
        for number, points in waiting:
            yield number, evaluate_chunk(study.payload, number * study.chunk_points, points)
        return
    again: list[Chunk] = []
    for _ in range(_DEATHS):
        try:
            yield from _in_pool(study, waiting, again, jobs)
            return
        except BrokenProcessPool:
            continue
    raise InputError(
        f"worker processes died {_DEATHS} times (killed or out of memory); rerun the same command "
        "with fewer --jobs to resume"
    )


def _in_pool(study: Study, waiting: Iterator[Chunk], again: list[Chunk], jobs: int) -> Finished:
    """Run the chunks of `again` and `waiting` in one pool; if it breaks, `again` has the rest."""
    first_again = again.copy()
    again.clear()
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start_worker)
    running: dict[Future[Rows], Chunk] = {}

    def submit(some: Iterable[Chunk]) -> None:
        for chunk in some:
            again.append(chunk)
            number, points = chunk
            first = number * study.chunk_points
            with interrupts_held():  # a submission may start a process
                future = pool.submit(evaluate_chunk, study.payload, first, points)
            running[future] = chunk

    try:
        submit(first_again)
        submit(islice(waiting, max(0, 2 * jobs - len(running))))
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                rows = future.result()
                chunk = running.pop(future)
                again.remove(chunk)
                yield chunk[0], rows
                submit(islice(waiting, 1))
    finally:
        _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool at once; a later run repeats the unfinished chunks."""
    processes = list((pool._processes or {}).values())  # no public API before Python 3.14
    manager: Any = pool._executor_manager_thread  # no public API to wait for it, either
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
    if manager is not None:  # let it close its pipes before Python's shutdown
        manager.join(_SECONDS_TO_END)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent process, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None  # a worker always has a parent

    def follow() -> None:
        wait_for_end([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
