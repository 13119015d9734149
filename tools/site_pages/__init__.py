"""Pages of the site that are made by commands: gallery and reference."""
