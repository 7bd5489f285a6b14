"""Chunks on a Dask cluster; only the client writes files.

A task is one chunk. Its key combines the study's fingerprint and the chunk's number. The rows
depend on the task's arguments alone; a repetition after a worker's death therefore gives the same
rows.
"""

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.extras import require
from simulator.base.version import __version__
from simulator.studies.evaluate import Rows, evaluate_chunk
from simulator.studies.points import Point
from simulator.studies.study import Study

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS = 10
_RETRIES = 3
"""Retries of a task that raises an exception. A scheduler setting, `allowed-failures` in
`distributed.scheduler` (default 3), limits the workers that may die at one task.
"""
_AHEAD = 3
"""The tasks in flight per worker thread."""


def run_on_cluster(
    study: Study, chunks: Iterable[tuple[int, list[Point]]], address: str
) -> Generator[tuple[int, Rows], None, None]:
    """Yield the rows of every chunk, in the order of completion.

    Args:
        study: study of the chunks.
        chunks: number and points of each; the iteration is only a few chunks ahead of the work.
        address: address of the scheduler, such as `tcp://host:8786`.

    Raises:
        InputError: no scheduler or no workers at the address, workers with another version of the
            simulator, too many dead workers at one chunk, or a lost scheduler.

    """
    require("cluster", "--scheduler")
    from distributed.comm.core import CommClosedError

    with _logs_held(), _connected(address) as client:
        try:
            _require_same_version(client, address)
            yield from _submitted(client, study, iter(chunks))
        except (CancelledError, CommClosedError) as error:
            raise InputError(
                f"{address}: the scheduler disconnected; rerun the same command to resume"
            ) from error


def _submitted(
    client: "Client", study: Study, waiting: Iterator[tuple[int, list[Point]]]
) -> Generator[tuple[int, Rows], None, None]:
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    numbers: dict[str, int] = {}
    completed = as_completed(loop=client.loop)

    def submit(count: int) -> None:
        for number, points in islice(waiting, count):
            key = f"{study.sha256[:16]}-{number:08d}"
            first = number * study.chunk_points
            numbers[key] = number
            completed.add(
                client.submit(
                    evaluate_chunk, study.payload, first, points, key=key, retries=_RETRIES
                )
            )

    submit(_AHEAD * max(1, sum(client.nthreads().values())))
    for future in completed:
        number = numbers.pop(future.key)
        try:
            rows = future.result()
        except KilledWorker as error:
            raise InputError(
                f"chunk {number}: too many workers died during this chunk; give them more memory "
                "and rerun the same command to resume"
            ) from error
        except RuntimeError as error:  # another version, or another DRAM table
            raise InputError(f"chunk {number}: {error}") from error
        yield number, rows
        submit(1)


@contextmanager
def _logs_held() -> Iterator[None]:
    """Keep Dask from printing; if the block raises an error, to the end of the process.

    A lost scheduler is one line of this program. Dask would add the tracebacks of its connections.
    """
    import logging

    import distributed  # noqa: F401 # makes its loggers

    known = logging.root.manager.loggerDict
    loggers = [
        logger
        for name, logger in known.items()
        if name.partition(".")[0] in {"distributed", "tornado", "asyncio"}
        and isinstance(logger, logging.Logger)
        and not logger.disabled
    ]
    for logger in loggers:
        logger.disabled = True
    yield
    for logger in loggers:
        logger.disabled = False


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers at this address"
        ) from error
    try:
        yield client
    finally:
        with suppress(OSError, CancelledError):  # without a scheduler, nothing is left to close
            client.close()


def _version() -> str:
    from simulator.base.version import __version__ as version

    return version


def _require_same_version(client: "Client", address: str) -> None:
    """Require this version of every worker because a study cannot mix rows of two versions."""
    answers: dict[str, Any] = client.run(_version, on_error="return")
    if not answers:
        raise InputError(f"--scheduler {address}: the scheduler has no workers")
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, BaseException):
            raise InputError(f"worker {worker} cannot import the simulator: {answer}")
        if answer != __version__:
            raise InputError(f"worker {worker} has simulator {answer}, this is {__version__}")
