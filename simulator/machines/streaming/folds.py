"""The folds of a pipeline, for a folding search."""

# ruff: noqa: D102 - `Folds` documents the methods

from collections.abc import Mapping, Sequence
from math import ceil

from msgspec import structs

from simulator.base.errors import InputError
from simulator.machines.folds import FoldedStage, Folds
from simulator.machines.streaming.area import layer_area, plan_area
from simulator.machines.streaming.folding import cycles_of_folds, plan_of
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Fold, Streaming
from simulator.workload import Layer, Workload


class StageFolds(Folds[Streaming, MappedStage]):
    """The folds of a network's stages by the rule of the family."""

    def options(self, workload: Workload, hardware: Streaming) -> dict[str, Sequence[int]]:
        shapes = Network(workload, hardware).shapes()
        return {shape.name: cycles_of_folds(shape, hardware) for shape in shapes}

    def area(self, workload: Workload, hardware: Streaming, cycles: int) -> int:
        return ceil(sum(plan_area(one, hardware) for one in _plans(workload, hardware, cycles)))

    def folded(self, workload: Workload, hardware: Streaming, cycles: int) -> Streaming:
        folds = {one.shape.name: _fold(one) for one in _plans(workload, hardware, cycles)}
        folding = structs.replace(hardware.folding, cycles=cycles, layers=folds)
        return structs.replace(hardware, folding=folding)

    def kept(self, hardware: Streaming) -> Sequence[str]:
        return list(hardware.folding.layers)

    def require_sizable(self, hardware: Streaming) -> None:
        for key in ("limit", "joins"):
            if getattr(hardware.fifos, key) not in {None, "auto"}:
                raise InputError(f"fifos.{key}: the search sizes the FIFOs; remove the key")

    def fifos(self, layers: Sequence[MappedStage]) -> dict[str, int]:
        return {
            fifo.name: fifo.words
            for mapped in layers
            for stage in mapped.stages
            for fifo in stage.sources
        }

    def with_depths(self, hardware: Streaming, depths: Mapping[str, int]) -> Streaming:
        fifos = structs.replace(hardware.fifos, depths={**hardware.fifos.depths, **depths})
        return structs.replace(hardware, fifos=fifos)

    def stages(self, hardware: Streaming, layers: Sequence[MappedStage]) -> list[FoldedStage]:
        return [
            FoldedStage(
                layer=one.layer.name,
                fold=_given(_fold(one.plan)),
                cycles=max(stage.cycles for stage in one.stages),
                area=sum(layer_area(one, hardware).values()),
            )
            for one in layers
            if one.plan is not None
        ]


def _plans(workload: Workload, hardware: Streaming, cycles: int) -> list[Plan]:
    folding = structs.replace(hardware.folding, cycles=cycles)
    folded = structs.replace(hardware, folding=folding)
    return [plan_of(shape, folded) for shape in Network(workload, folded).shapes()]


def _fold(plan: Plan) -> Fold:
    """Return the keys of a fold that have an effect in its layer."""
    pe, simd, dots = plan.fold
    if not isinstance(plan.layer, Layer):
        return Fold(pe=pe)
    return Fold(pe=pe, simd=simd, dots=dots if plan.shape.shared else None)


def _given(fold: Fold) -> dict[str, int]:
    return {key: value for key, value in structs.asdict(fold).items() if value is not None}
