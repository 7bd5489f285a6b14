"""The schema of Timeloop's problem shapes, and its built-in convolution."""

from typing import Annotated

from msgspec import Meta, Struct

from simulator.workload import schema

_Dimension = Annotated[str, Meta(min_length=1, max_length=64)]
_Term = Annotated[tuple[_Dimension, ...], Meta(min_length=1, max_length=8)]
_Projection = Annotated[tuple[_Term, ...], Meta(min_length=1, max_length=8)]


class Coefficient(Struct, frozen=True, kw_only=True):
    """A factor of a dimension in a projection."""

    name: _Dimension
    default: schema.Size = 1


class DataSpace(Struct, frozen=True, kw_only=True):
    """A tensor; every index is a sum of dimensions, each with coefficients."""

    name: str
    projection: Annotated[tuple[_Projection, ...], Meta(max_length=32)]
    read_write: bool = False

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions that index the tensor."""
        return frozenset(term[0] for terms in self.projection for term in terms)


class ProblemShape(Struct, frozen=True, kw_only=True):
    """A sum of products over dimensions."""

    dimensions: Annotated[tuple[_Dimension, ...], Meta(min_length=1, max_length=32)]
    data_spaces: Annotated[tuple[DataSpace, ...], Meta(max_length=8)]
    coefficients: tuple[Coefficient, ...] = ()
    name: str = ""


def _index(*names: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Indices that are single dimensions."""
    return tuple(((name,),) for name in names)


CNN_LAYER = ProblemShape(
    name="cnn-layer",
    dimensions=("R", "S", "P", "Q", "C", "K", "N"),
    coefficients=tuple(
        Coefficient(name=name) for name in ("Wstride", "Hstride", "Wdilation", "Hdilation")
    ),
    data_spaces=(
        DataSpace(name="Weights", projection=_index("C", "K", "R", "S")),
        DataSpace(
            name="Inputs",
            projection=(
                *_index("N", "C"),
                (("R", "Wdilation"), ("P", "Wstride")),
                (("S", "Hdilation"), ("Q", "Hstride")),
            ),
        ),
        DataSpace(name="Outputs", projection=_index("N", "K", "Q", "P"), read_write=True),
    ),
)
"""`problem-shapes/cnn_layer.yaml` of Timeloop."""
