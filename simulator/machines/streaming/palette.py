"""The categories of a pipeline's cycles: one per layer."""

from simulator.program import Category

_COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00",
    "#56B4E9", "#8C6D31", "#6A0DAD", "#4D4D4D", "#B2DF8A",
)  # fmt: skip


def category_of(layer: str, number: int) -> Category:
    """Return the category of a layer's cycles on the critical path."""
    return Category(layer, layer, noun=f"stage {layer}", color=_COLORS[number % len(_COLORS)])
