"""Traces into tables, timelines and files."""
