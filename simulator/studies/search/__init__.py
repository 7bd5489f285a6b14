"""Which tau each layer should have: the best combination under a limit."""

from simulator.studies.search.find import Limits, Objective, SearchResult, search
from simulator.studies.search.machines import machines_of, storable_taus

__all__ = ["Limits", "Objective", "SearchResult", "machines_of", "search", "storable_taus"]
