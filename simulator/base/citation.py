"""The paper whose accelerator this simulator models."""

CITATION = (
    'Y. Wang, Y. Yang, F. Sun, A. Yao, "Sub-bit Neural Networks: Learning to Compress and '
    'Accelerate Binary Neural Networks", ICCV 2021'
)
"""One line of plain text."""
