"""Search for the tau of each layer: the best combination under a limit."""

from simulator.studies.search.find import SearchResult, search
from simulator.studies.search.machines import machines_of, storable_taus
from simulator.studies.search.networks import read_networks
from simulator.studies.search.result import Limits, Objective

__all__ = [
    "Limits",
    "Objective",
    "SearchResult",
    "machines_of",
    "read_networks",
    "search",
    "storable_taus",
]
