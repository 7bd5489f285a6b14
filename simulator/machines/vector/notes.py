"""Notes on the vector layers of a run."""

from collections.abc import Iterator
from typing import Any

from simulator.base.wording import layers_phrase
from simulator.machines.family import Ran
from simulator.machines.vector.mapped import MappedVector


def vector_notes(run: Ran[Any]) -> Iterator[str]:
    """Yield a note if layers run in parts of their channels."""
    layers = run.mapping.layers
    alone = [one for one in layers if isinstance(one, MappedVector) and not one.fused]
    cut = [one for one in alone if len(one.plan.channel_parts) > 1]
    if cut:
        names = [one.layer.name for one in cut]
        buffer = cut[0].plan.buffer
        yield layers_phrase(names, [one.layer.name for one in layers]).inflect(
            "{layers} runs in parts of its channels because the window and the results of one "
            f"pixel do not fit ({buffer.key} is {buffer.kib:g}).",
            "{layers} run in parts of their channels because the windows and the results of one "
            f"pixel do not fit ({buffer.key} is {buffer.kib:g}).",
        )
