"""Search for the folding of a pipeline: least area at a rate, or the highest rate in an area."""

from simulator.studies.folding.find import find_folding
from simulator.studies.folding.result import Folding, FoldObjective

__all__ = ["FoldObjective", "Folding", "find_folding"]
