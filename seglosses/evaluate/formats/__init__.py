"""Readers of label files, one a format: stored samples, and what the file says about space."""
