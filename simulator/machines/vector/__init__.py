"""The vector unit of every machine: layers without weights; docs/vector.md."""
