"""The streaming pipeline as seen by the rest of the simulator."""
from simulator.machines.streaming.schema import Streaming, require_effects
class F:
    schema = Streaming
    example = "cnv-w1a1"
    require_effects = staticmethod(require_effects)
FAMILY = F()
