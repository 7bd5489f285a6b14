"""The version, which the package and every saved result carry."""

__version__ = "0.2.0"
