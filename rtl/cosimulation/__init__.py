"""The circuit in Verilator beside the simulator: same layer, same data, every cycle compared."""
