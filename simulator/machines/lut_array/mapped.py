"""The mapper's results: for every layer its plan, the mapper's choices and its section."""

from dataclasses import dataclass

from simulator.machines.lut_array.plan import InputReuse, LayerPlan, WeightReuse, Writes
from simulator.machines.planned import PlannedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer(PlannedLayer[LayerPlan]):
    """The mapper's choices for a layer, and the layer's section of the program."""

    weights: WeightReuse
    """Lifetime of weight tiles in the index buffer."""
    inputs: InputReuse
    """Buffering scheme of the inputs."""
    writes: Writes
    """Sharing of bursts by the writes of convolution groups."""

    @property
    def activation_bits(self) -> int:
        """Bits per activation of the layer's inputs and outputs."""
        return self.plan.activation_bits

    @property
    def mode(self) -> str:
        """`lut`, `direct` or `mac`; see `LayerPlan.mode`."""
        return self.plan.mode

    @property
    def stored_bytes(self) -> int:
        """Bytes of its weights or indices in DRAM, with its subset and Huffman code."""
        return self.plan.weight_bytes + self.plan.subset_bytes

    @property
    def columns(self) -> dict[str, object]:
        """The array's own columns of `layers.csv`."""
        return {"weights_read_once_per": self.weights, "input_buffering": self.inputs}
