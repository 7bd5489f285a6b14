"""Sensitivity analysis: rerun with every numeric hardware key halved, and doubled."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from simulator.coverage import why_not_fast
from simulator.errors import InputError
from simulator.hardware.config import hardware_from, with_expressions, with_numbers
from simulator.progress import Progress
from simulator.report.effects import Effect, KeyEffects, ranked
from simulator.report.reasons import LayerParts, reasons
from simulator.report.result import Result, Run
from simulator.run import run_one

_SOURCE = "hardware"
"""How an error names the changed hardware, before it says key and value."""


def with_what_helps(result: Result, progress: Progress | None = None) -> Result:
    """Add to a result the time at half and at double each numeric key, measured by running it.

    Args:
        result: from `simulate`; its run is measured, not its baseline.
        progress: called while runs go on.

    """
    keys = list(numeric_keys(with_numbers(result.hardware)))
    effects = []
    for number, (key, value) in enumerate(keys):
        if progress is not None:
            progress("halving and doubling every hardware key", number, len(keys))
        halved, doubled = (_effect(result, key, moved) for moved in (_half(value), 2 * value))
        effects.append(KeyEffects(key=key, value=value, halved=halved, doubled=doubled))
    return replace(result, effects=ranked(effects))


def numeric_keys(data: dict[str, Any], under: str = "") -> Iterator[tuple[str, int | float]]:
    """Every dotted key with a number, in the order of the schema."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from numeric_keys(value, f"{under}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{under}{name}", value


def _half(value: int | float) -> int | float:
    """Half of it; of an odd count the next lower one."""
    return value // 2 if isinstance(value, int) else value / 2


def _effect(result: Result, key: str, value: int | float) -> Effect:
    try:
        hardware = hardware_from(with_expressions(result.hardware), {key: value}, _SOURCE)
        engine = "event" if why_not_fast(hardware) else result.engine
        run = run_one(result.run.workload, hardware, engine)
    except InputError as error:
        reason = str(error).removeprefix(f"{_SOURCE}: ")
        return Effect(value=value, cycles=None, time_ms=None, change=None, reason=reason)
    time_ms = run.cycles / hardware.clock_ghz / 1e6
    return Effect(
        value=value,
        cycles=run.cycles,
        time_ms=time_ms,
        change=time_ms / result.time_ms - 1,
        reason=_reason(result.run, run, time_ms != result.time_ms),
    )


def _reason(before: Run, after: Run, moved: bool) -> str:
    if before.cycles != after.cycles:
        return "; ".join(reasons(_parts(before), _parts(after)))
    return "the same cycles at another clock" if moved else "no cycle of the run changes"


def _parts(run: Run) -> list[LayerParts]:
    return [
        LayerParts(name=layer.name, parts=parts)
        for layer, parts in zip(run.layers, run.attribution, strict=True)
    ]
