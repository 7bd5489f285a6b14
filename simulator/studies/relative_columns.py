"""Columns of a study's table that depend on the other points, computed chunk by chunk."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulator.studies.causes import cycles_columns, short_names
from simulator.studies.chunks import Columns
from simulator.studies.columns import RELATIVE_COLUMNS
from simulator.studies.point_numbers import Codes
from simulator.studies.relative import Relations


class RelativeColumns:
    """The values of `RELATIVE_COLUMNS`; null for failed points."""

    def __init__(self, points: Codes, relations: Relations, machines: tuple[str, ...]) -> None:
        """Begin without cycles.

        Args:
            points: [good points] number of each point, rising.
            relations: relations of the good points.
            machines: families of the study.

        """
        names = short_names(machines)
        self._causes, self._columns = tuple(names.values()), cycles_columns(names)
        self._points = points.astype(np.int64)
        self._relations = relations
        slower = np.flatnonzero(relations.slower_than >= 0)
        places = np.concatenate((slower, relations.slower_than[slower]))
        self.compared = np.unique(self._points[places])
        """[compared points] numbers of the points to compare by causes, rising."""
        self._cycles = np.zeros((len(self.compared), len(self._causes)), dtype=np.int64)
        """[compared points, causes] cycles on the critical path; dicts would take 8x the memory."""

    def gather(self, first: int, columns: Columns) -> None:
        """Store the cycles of a chunk's compared points."""
        count = len(columns["error"])
        begin, end = np.searchsorted(self.compared, [first, first + count])
        rows = (self.compared[begin:end] - first).tolist()
        for number, column in enumerate(self._columns):
            cycles = columns[column]
            self._cycles[begin:end, number] = [cycles[row] or 0 for row in rows]

    def of(self, first: int, columns: Columns) -> Columns:
        """Return the columns of a chunk.

        Args:
            first: number of the chunk's first point.
            columns: other columns of the chunk.

        """
        count = len(columns["error"])
        rows: list[Mapping[str, Any]] = [{}] * count
        begin, end = np.searchsorted(self._points, [first, first + count])
        for place in range(begin, end):
            rows[int(self._points[place]) - first] = self._row(place)
        return {name: [row.get(name) for row in rows] for name in RELATIVE_COLUMNS}

    def _row(self, place: int) -> Mapping[str, Any]:
        of = self._relations
        row = {
            "reference_point": int(self._points[of.reference[place]]),
            "speedup_over_reference": float(of.over_reference[place]),
            "dominated": bool(of.dominated[place]),
        }
        if of.efficiency is not None:
            row["scaling_efficiency_percent"] = 100 * float(of.efficiency[place])
        if of.slower_than[place] >= 0:
            faster = int(self._points[of.slower_than[place]])
            row["slower_than_point"] = faster
            row |= self._grown(int(self._points[place]), faster)
        return row

    def _grown(self, point: int, faster: int) -> Mapping[str, Any]:
        """The cause that grew most from a faster to a slower point; the first if several did."""
        now, before = self._cycles[np.searchsorted(self.compared, [point, faster])]
        if not now.any():
            return {}  # its categories depend on the network
        cause = int((now - before).argmax())
        share = int(now[cause]) / int(now.sum())
        return {"grown_cause": self._causes[cause], "grown_cause_percent": 100 * share}
