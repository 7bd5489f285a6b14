"""The version of the package, which every saved result records."""

__version__ = "0.2.0"
