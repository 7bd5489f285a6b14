"""Which tau each layer should have: the best combination under a limit."""

from simulator.studies.search.find import Limits, Objective, SearchResult, search

__all__ = ["Limits", "Objective", "SearchResult", "search"]
