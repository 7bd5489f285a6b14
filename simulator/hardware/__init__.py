"""What a network runs on: the checked contents of `hw_configs/*.yaml`. Knows no network."""

from simulator.hardware.config import Hardware, load_hardware, value_of

__all__ = ["Hardware", "load_hardware", "value_of"]
