"""Trained networks as other programs store them: one file per format."""
