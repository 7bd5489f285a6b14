"""The RTL in Verilator against the simulator: same layer, same data, all cycles compared."""
