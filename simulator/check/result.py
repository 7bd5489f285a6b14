"""The result of a check."""

from dataclasses import asdict, dataclass
from typing import Any

from simulator.check.comparison import Difference, LayerCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """The class of every image: the largest result of the network's last layer."""

    machine: tuple[int, ...]
    """The machine's classes."""
    forward: tuple[int, ...]
    """Those of the plain forward pass in floating point."""
    trained: tuple[int, ...] | None
    """Those of the trained network itself; None: unknown for these images."""

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.machine)

    @property
    def as_forward(self) -> int:
        """Number of images with the class of the plain forward pass."""
        return _equal(self.machine, self.forward)

    @property
    def as_trained(self) -> int | None:
        """Number of images with the class of the trained network."""
        return None if self.trained is None else _equal(self.machine, self.trained)

    @property
    def failure(self) -> str | None:
        """The first image with another class than the trained network's, as a clause."""
        for image, (got, expected) in enumerate(
            zip(self.machine, self.trained or (), strict=False)
        ):
            if got != expected:
                return f"at image {image}: class {got}, but the trained network predicts {expected}"
        return None


def _equal(some: tuple[int, ...], others: tuple[int, ...]) -> int:
    return sum(one == other for one, other in zip(some, others, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The comparison of all binary layers of a workload, or of its whole network."""

    seed: int
    layers: tuple[LayerCheck, ...]
    input_file: str | None = None
    """The path of the input, as given; None: random."""
    input_sha256: str | None = None
    """The fingerprint of the file's bytes."""
    classes: Classes | None = None
    """The classes that the machine predicts; None: the check did not run a whole classifier."""
    stream: LayerCheck | None = None
    """The maps of a pipeline whose units all work at once on images; None: another machine."""

    @property
    def equal(self) -> bool:
        """True if all outputs of all layers are equal, and all known classes, too."""
        return self.failure is None

    @property
    def failure(self) -> str | None:
        """The first difference as a clause; None without differences."""
        if self.first_difference is not None:
            return f"at {self.first_difference}"
        return None if self.classes is None else self.classes.failure

    @property
    def first_difference(self) -> Difference | None:
        """The difference of the first layer that has one."""
        checks = self.layers if self.stream is None else (*self.layers, self.stream)
        return next((layer.difference for layer in checks if not layer.equal), None)

    @property
    def outputs(self) -> int:
        """The number of outputs in the comparison, over all layers."""
        return sum(layer.outputs for layer in self.layers)

    def plain(self) -> dict[str, Any]:
        """Return the result as plain data for JSON."""
        layers = [{**asdict(layer), "equal": layer.equal} for layer in self.layers]
        return {
            "equal": self.equal,
            "seed": self.seed,
            "input_file": self.input_file,
            "input_sha256": self.input_sha256,
            "outputs": self.outputs,
            "layers": layers,
            "stream": None
            if self.stream is None
            else {**asdict(self.stream), "equal": self.stream.equal},
            "classes": None if self.classes is None else asdict(self.classes),
        }
