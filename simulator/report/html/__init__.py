"""A self-contained HTML report of a result: no network, equal bytes for equal results."""

from simulator.report.html.page import write_page

__all__ = ["write_page"]
