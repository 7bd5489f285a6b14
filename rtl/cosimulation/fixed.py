"""The fixed cases: each has a reason, together they use every part of the RTL."""

from dataclasses import replace
from typing import Any

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import Parameters
from rtl.cosimulation.make import DEEP, PAPER, SMALL, UNEVEN, case_of, shape
from simulator.workload import load_workload


def fixed_cases() -> list[Case]:
    """Some forty layers on four hardware configurations."""
    return [*_small(), *_register_sets(), *_uneven(), *_deep(), *cut_resnet18()]


def _cases(parameters: Parameters, named: dict[str, Case]) -> list[Case]:
    return [replace(case, name=name, parameters=parameters) for name, case in named.items()]


def _small() -> list[Case]:
    def case(*arguments: int, rate: int = 160, images: int = 1, **shapes: Any) -> Case:
        layer = shape(*arguments, **shapes)
        return case_of("", SMALL, layer, index_bytes_per_cycle=rate, images=images)

    return _cases(
        SMALL,
        {
            "one step": case(4, 16, 1, 1, tau=3),
            "fill binds": case(4, 16, 3, 4, tau=3),
            "accumulate binds": case(4, 16, 3, 4, tau=2),
            "1 bit": case(4, 16, 3, 4),
            "1 bit, four groups and three blocks": case(14, 35, 3, 3),
            "direct from a subset": case(5, 12, 3, 3, tau=6),
            "groups": case(11, 16, 3, 3, tau=3),
            "blocks of unequal size": case(4, 37, 3, 3, tau=3),
            "blocks that fill all 17 partial sums": case(4, 34, 3, 3, tau=3),
            "fetch binds": case(9, 16, 3, 3, tau=3, rate=1),
            "fetch binds, 1 bit": case(9, 30, 2, 3, rate=2),
            "four pixels at once": case(1, 16, 5, 3, tau=2, images=2),
            "three PEs on a pixel, one idle": case(3, 16, 3, 5, tau=2),
            "two pixels at once, two blocks": case(2, 30, 5, 5, tau=2, rate=1),
            "stride 2": case(4, 16, 7, 5, tau=3, stride=2),
            "no padding": case(4, 14, 5, 4, tau=2, padding=0),
            "padding of 2, dilation of 2": case(4, 14, 3, 4, tau=2, dilation=2),
            "1x1": case(32, 16, 3, 3, kernel=1, tau=3),
            "1x1, the last vector has 3 channels": case(51, 16, 2, 3, kernel=1, tau=3, stride=2),
            "1x1, 1 bit, one channel": case(1, 9, 3, 3, kernel=1),
            "1x1, padded: the first pixels read nothing": case(
                4, 16, 9, 9, kernel=1, tau=2, padding=2
            ),
            "convolution in 3 groups": case(15, 54, 3, 3, tau=3, groups=3),
        },
    )


def _register_sets() -> list[Case]:
    """Fetches about as long as a step, with one, three and four sets of registers."""
    layers = {"LUT": shape(9, 16, 3, 3, tau=3), "1 bit": shape(9, 30, 2, 3)}
    return [
        case_of(
            f"{count} register sets, {name}",
            replace(SMALL, register_sets=count),
            layer,
            index_bytes_per_cycle=2,
        )
        for count in (1, 3, 4)
        for name, layer in layers.items()
    ]


def _uneven() -> list[Case]:
    def case(*arguments: int, skew: float = 0.0, tau: int | None = None) -> Case:
        layer = shape(*arguments, tau=tau)
        return case_of("", UNEVEN, layer, skew=skew, index_bytes_per_cycle=3)

    return _cases(
        UNEVEN,
        {
            "two passes": case(5, 18, 3, 3, tau=3),
            "blocks of 20, 20 and 19 outputs": case(5, 59, 2, 3, tau=3),
            "passes without indices": case(1, 18, 3, 4, tau=4, skew=9.0),
            "passes, groups, blocks": case(12, 36, 2, 3, tau=4, skew=2.0),
            "1 bit on a machine with passes": case(6, 20, 2, 3),
        },
    )


def _deep() -> list[Case]:
    return _cases(
        DEEP,
        {
            "512 kernels in 6 passes": case_of("", DEEP, shape(3, 600, 1, 2, tau=9)),
            "200 kernels of 256": case_of(
                "", DEEP, shape(20, 300, 2, 1, kernel=1, tau=8), subset_size=200, skew=1.0
            ),
        },
    )


def cut_resnet18() -> list[Case]:
    """A layer of each stage of ResNet-18 at full width, cut to one or two rows of output."""
    workload = load_workload("r18")
    layers = {layer.name: layer for layer in workload.layers}
    cuts = {"layer1.0.conv1": 2, "layer2.1.conv1": 2, "layer3.1.conv1": 1, "layer4.1.conv1": 1}
    cases = []
    for tau in (5, None):
        for name, rows in cuts.items():
            layer = layers[name]
            width = layer.in_width if tau else 4
            cut = shape(layer.in_channels, layer.out_channels, rows, width, tau=tau, name=name)
            cases.append(case_of(f"r18 {name} at {tau or 9} bits", PAPER, cut))
    return cases
