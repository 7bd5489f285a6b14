"""Streaming pipelines: a stage per layer, all at work at once."""

from simulator.machines.streaming.family import FAMILY
from simulator.machines.streaming.schema import Streaming

__all__ = ["FAMILY", "Streaming"]
