"""A package by name, for MONAI 1.5 installs one of the same name, which would be found first."""
