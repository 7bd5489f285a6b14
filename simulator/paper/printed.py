"""The paper's printed numbers. `accuracies.csv` has those of its accuracies."""

from simulator.paper.accuracies import accuracies

SPEEDUP = {"r18": "3.13", "r34": "3.33"}
"""Runtime speedup of 0.56 bit over 1 bit, binary 3x3 convolutions only (Table 4; also abstract)."""

TABLE8 = {row.method: row.percent for row in accuracies() if row.table == 8}
"""Supplement, Table 8: top-1 accuracy in percent, ResNet-18 on ImageNet, 0.56/32 bit, by method."""

TABLE6 = {
    # (bits, activation bits): (#Params in Mbit, its ratio, Bit-OPs in G, its ratio); bits 32 is the
    # full-precision row. Supplement, Table 6, ResNet-50 on CIFAR-10.
    (32.0, 32): ("750.26", None, "78.12", None),
    (1.0, 1): ("23.45", None, "1.221", None),
    (0.59, 1): ("13.87", "1.7", "0.333", "3.7"),
    (0.47, 1): ("11.09", "2.1", "0.239", "5.1"),
    (0.35, 1): ("8.321", "2.8", "0.191", "6.4"),
    (1.0, 32): ("23.45", None, "39.06", None),
    (0.59, 32): ("13.87", "1.7", "10.67", "3.7"),
    (0.47, 32): ("11.09", "2.1", "7.640", "5.1"),
    (0.35, 32): ("8.321", "2.8", "6.127", "6.4"),
}
