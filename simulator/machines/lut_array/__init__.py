"""The paper's machine: an array of PEs with a LUT of dot products each."""
