"""Adapters to frameworks: one folder per framework, the only code that imports it."""
