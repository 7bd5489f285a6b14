"""Many what-if runs over hardware, networks and precisions, on all cores or a cluster."""

from simulator.studies.run import run_study
from simulator.studies.study import Study, grid_study, points_study

__all__ = ["Study", "grid_study", "points_study", "run_study"]
