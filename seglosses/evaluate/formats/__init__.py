"""Readers of label files, one per format: stored samples, and what the file says about space."""
