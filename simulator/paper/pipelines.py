"""BNN and SNN pipelines at equal images per second, and at equal area."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.analysis.energy import run_energy
from simulator.analysis.running import run_one
from simulator.base.progress import Progress, announce
from simulator.machines import load_energy, load_hardware
from simulator.machines.loading import with_value
from simulator.studies.folding import Folding, FoldObjective, find_folding
from simulator.workload import Workload, configure, load_workload

NETWORK = "cnv-w1a1"
HARDWARE = "streaming-r18"
SHORTEST = ("fifos.depth=2",)
"""Overrides with which the search sizes all FIFOs, from the shortest."""
TAU = 5
"""Bits of an index in the 3x3 layers: 0.56 bits per weight."""
ACTIVATION_BITS = (1, 2, 4, 8)
IMAGES = 4
"""Images of a run: the fewest in which an interval can settle."""
RATE = 3000
"""Images per second of the comparison at equal rate."""
ENERGY = "45nm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to run the 3x3 layers."""

    name: str
    sub_bit: bool
    expanded: bool = False


FORMS = (
    Form(name="1-bit MVTU", sub_bit=False),
    Form(name="sub-bit, tables", sub_bit=True),
    Form(name="sub-bit, expanded", sub_bit=True, expanded=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A form with some activation bits, folded for a rate or for an area."""

    form: Form
    activation_bits: int
    objective: FoldObjective
    interval: int
    """Cycles per image."""
    rate: float
    """Images per second."""
    area: int
    """Gate equivalents of the pipeline."""
    memory: int
    """Gate equivalents of memory cells."""
    stage_area: int
    """Gate equivalents of the stages without converters and FIFOs between them."""
    stored_bits: int
    """Bits of weights, or of indices and subsets, in whole bytes of each layer."""
    dots: int
    """Dot units of all tables."""
    table_area: int
    """Gate equivalents of the tables, with their ports and without their dot units."""
    energy_uj: float
    """Microjoules per image of the run, with its filling and draining."""
    areas: Mapping[str, int]
    """Gate equivalents by layer."""
    tables: tuple[str, ...]
    """The layers with tables."""

    @property
    def logic(self) -> int:
        """Gate equivalents of all that is no memory cell."""
        return self.area - self.memory


def point_of(form: Form, activation_bits: int, objective: FoldObjective, found: Folding) -> Point:
    """Return the numbers of a folding."""
    run, parts = found.run, found.area_by_part
    shared = {one.layer: one.fold for one in found.stages if "dots" in one.fold}
    return Point(
        form=form,
        activation_bits=activation_bits,
        objective=objective,
        interval=found.depths.interval,
        rate=found.rate,
        area=found.area,
        memory=sum(parts.get(part, 0) for part in run.family.buffers),
        stage_area=found.stage_area,
        stored_bits=8 * sum(one.stored_bytes for one in run.mapping.layers),
        dots=sum(fold["simd"] * fold["dots"] for fold in shared.values()),
        table_area=parts.get("lut", 0) + parts.get("lut_logic", 0),
        energy_uj=run_energy(run, load_energy(ENERGY)).microjoules / run.workload.batch,
        areas={one.layer: one.area for one in found.stages},
        tables=tuple(shared),
    )


def workload_of(form: Form, activation_bits: int) -> Workload:
    """Return the network with shared kernels in its 3x3 layers, or without."""
    loaded = replace(load_workload(NETWORK), activation_bits=activation_bits)
    taus = {x.name: TAU for x in loaded.layers if x.taps == 9} if form.sub_bit else {}
    return configure(loaded, bits=1, taus=taus, scope="network", batch=IMAGES)


def points(bits: Sequence[int], progress: Progress | None = None) -> Iterator[Point]:
    """Yield all forms at equal rate, and at the area of the 1-bit form then, for each width.

    Args:
        bits: activation bits.
        progress: called before every search.

    """
    for each in bits:
        nets = {form.name: workload_of(form, each) for form in FORMS}
        limit = RATE
        for objective in ("area", "rate"):
            found: dict[str, Folding] = {}
            for form in FORMS:
                announce(progress, f"pipelines, {each}-bit activations, {form.name}, {objective}")
                net, hardware = nets[form.name], load_hardware(HARDWARE, SHORTEST)
                found[form.name] = (
                    expanded(found[FORMS[0].name], net)
                    if form.expanded
                    else find_folding(net, hardware, objective, limit)
                )
                yield point_of(form, each, objective, found[form.name])
            limit = found[FORMS[0].name].area


def expanded(found: Folding, workload: Workload) -> Folding:
    """Return the folding of 1-bit weights with whole kernels of a sub-bit network in its stages.

    Stages of whole kernels have the cycles and the area of those of 1-bit weights. The search would
    therefore find the same folds and depths.
    """
    hardware = with_value(found.hardware, "shared_kernels", "expanded")
    return replace(found, run=run_one(workload, hardware))
