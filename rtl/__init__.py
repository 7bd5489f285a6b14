"""The RTL of the accelerator, and the Python code that runs it against the simulator."""
