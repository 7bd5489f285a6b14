"""The vector unit behind every array: layers without weights; docs/vector.md."""
