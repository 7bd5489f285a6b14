"""The machine as a circuit, and the Python that runs it beside the simulator."""
